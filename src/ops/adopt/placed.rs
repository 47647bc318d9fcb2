//! Where an adopted chain goes, and what of the host stands there.

use std::path::Path;

use super::adopted::Adopted;
use crate::certs::{pem, renew};
use crate::files::shown;
use crate::ops::surroundings::Surroundings;
use crate::workspace::config::Mode;
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::store;

/// A chain, and where it goes.
pub struct Placed {
    /// The chain.
    pub chain: Adopted,
    /// Its folders.
    pub layout: ChainLayout,
    /// It stands in the host's folder already.
    pub in_place: bool,
    /// The workspace knows the host.
    pub is_known: bool,
    /// It is of the CA that the host's folder holds: that one's keys and clients stay.
    pub same_ca: bool,
}

impl Placed {
    /// Finds where a chain goes. `is_known` says whether the workspace knows its host.
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
                    "{} holds no intermediate, so clients need ca-chain.cert.pem, not the root alone",
                    shown(&placed.layout.path(Part::ServerCert))
                );
                placed.chain.notes.push(note.into());
            }
        }
        placed
    }

    /// What a chain shows of its mode; none leaves it to what is recorded.
    pub(super) fn usual_mode(&self) -> Option<Mode> {
        let Self { chain, is_known, .. } = self;
        match &chain.secret {
            Some(_) if *is_known => None,
            // To let nobody in by mistake: a Secret with a CA is made for mutual TLS.
            Some(secret) if secret.verifies_clients => Some(Mode::Mutual),
            _ => chain.clients.is_empty().then_some(Mode::Simple),
        }
    }
}

/// Whether the CA that issued a chain's leaf is the one of the host's folder.
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
