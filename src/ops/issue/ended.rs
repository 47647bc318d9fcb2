//! What `gen-certs --force` replaces: the CA of a chain, and the certificates that it
//! issued.

use std::path::PathBuf;

use crate::certs::inspect::sha256;
use crate::certs::pem;
use crate::ops::surroundings::Surroundings;
use crate::problem::Problem;
use crate::workspace::layout::{ChainLayout, Part, STATE_FOLDER};
use crate::workspace::store::{self, OLD};

/// What a new chain replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// SHA-256 of the CA certificate, hex with colons: the topmost one whose key is in
    /// the folder. None if there is no readable CA certificate.
    pub fingerprint: Option<String>,
    /// Its key is in the folder, so nothing can be issued with it afterwards.
    pub has_key: bool,
    /// How many of its client certificates are in the folder.
    pub clients: usize,
    /// Where the old tree is kept.
    pub kept: PathBuf,
}

/// What a new chain replaces at this place.
///
/// # Errors
/// If the folder of its clients cannot be read.
pub(super) fn by_replacing(layout: &ChainLayout, here: &Surroundings) -> Result<Ended, Problem> {
    let authorities = [
        (Part::RootCert, Part::RootKey),
        (Part::IntermediateCert, Part::IntermediateKey),
    ];
    let has_key = |key: Part<'_>| layout.path(key).symlink_metadata().is_ok();
    let fingerprint = |cert: Part<'_>| {
        // Broken files are replaced as well.
        let content = store::read(layout, cert).ok().flatten()?;
        Some(sha256(pem::certificates(&content, "").ok()?.first()?))
    };
    let own = authorities.iter().find(|(_, key)| has_key(*key));
    let found = match own {
        Some((cert, _)) => fingerprint(*cert),
        None => authorities.iter().find_map(|(cert, _)| fingerprint(*cert)),
    };
    Ok(Ended {
        fingerprint: found,
        has_key: own.is_some(),
        clients: store::clients(layout)?.len(),
        kept: layout.kept_in(&here.dir.join(STATE_FOLDER).join(OLD)).folder(),
    })
}
