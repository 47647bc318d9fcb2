//! Where an adopted chain goes, and what exists there already.

use std::path::Path;

use super::adopted::Adopted;
use crate::certs::{pem, renew};
use crate::files::shown;
use crate::ops::surroundings::Surroundings;
use crate::workspace::config::Mode;
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::store;

/// A chain and its destination.
pub struct Placed {
    /// The chain.
    pub chain: Adopted,
    /// Its folders.
    pub layout: ChainLayout,
    /// It is already in the host's folder.
    pub in_place: bool,
    /// The host is in the workspace already.
    pub is_known: bool,
    /// It is issued by the CA in the host's folder: the CA's keys and clients are kept.
    pub same_ca: bool,
}

impl Placed {
    /// Finds the destination of a chain. `is_known` says whether the host is in the
    /// workspace.
    pub(super) fn new(chain: Adopted, is_known: bool, here: &Surroundings) -> Self {
        let layout = ChainLayout::new(&here.dir, &chain.host);
        let same_ca = chain.secret.is_some() && has_ca_of(&layout, &chain);
        let inside = |path: &Path| {
            let (Ok(path), Ok(folder)) = (path.canonicalize(), layout.folder().canonicalize()) else {
                return false;
            };
            path.starts_with(folder)
        };
        let mut placed = Self {
            in_place: inside(&chain.source) && layout.path(Part::ServerCert).exists(),
            is_known,
            same_ca,
            chain,
            layout,
        };
        if placed.in_place {
            let alone = store::read(&placed.layout, Part::ServerCert)
                .ok()
                .flatten()
                .is_some_and(|content| String::from_utf8_lossy(&content).matches("BEGIN ").count() == 1);
            let has_intermediate = placed.layout.path(Part::IntermediateCert).exists();
            if alone && has_intermediate {
                let note = format!(
                    "{} contains no intermediate, so clients need ca-chain.cert.pem, not only the root",
                    shown(&placed.layout.path(Part::ServerCert))
                );
                placed.chain.notes.push(note.into());
            }
        }
        placed
    }

    /// The mode that a chain suggests; none keeps what is recorded.
    pub(super) fn usual_mode(&self) -> Option<Mode> {
        let Self { chain, is_known, .. } = self;
        match &chain.secret {
            Some(_) if *is_known => None,
            // The strict choice: a Secret with a CA is meant for mutual TLS.
            Some(secret) if secret.verifies_clients => Some(Mode::Mutual),
            _ => chain.clients.is_empty().then_some(Mode::Simple),
        }
    }
}

/// Whether the CA in the host's folder issued the chain's leaf.
fn has_ca_of(layout: &ChainLayout, chain: &Adopted) -> bool {
    let standing = [Part::IntermediateCert, Part::RootCert]
        .into_iter()
        .find_map(|part| store::read(layout, part).ok().flatten());
    let certificates = |content: &[u8]| pem::certificates(content, "").unwrap_or_default();
    let (Some(ca), Some(leaf)) = (
        standing.and_then(|content| certificates(&content).into_iter().next()),
        chain.leaf(),
    ) else {
        return false;
    };
    renew::is_issued_by(&leaf, &ca)
}
