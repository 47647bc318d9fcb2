//! `up`: what precedes and follows a `serve` of hosts that may have no chain yet.

use super::failure::Failure;
use super::issue;
use super::reach::probe;
use super::surroundings::Surroundings;
use crate::names::Host;
use crate::ops::entries;
use crate::workspace::config::Mode;
use crate::workspace::layout::{ChainLayout, Part};

/// Issues a chain for each host that has none; does nothing if all have one.
///
/// # Errors
/// Like [`issue::carry_out::make_missing`].
pub fn make_missing(hosts: &[Host], here: &Surroundings) -> Result<Option<issue::outcome::Outcome>, Failure> {
    let has_none = |host: &&Host| !ChainLayout::new(&here.dir, host).path(Part::ServerCert).exists();
    let missing: Vec<Host> = hosts.iter().filter(has_none).cloned().collect();
    if missing.is_empty() {
        return Ok(None);
    }
    issue::carry_out::make_missing(missing, here).map(Some)
}

/// The checks of hosts, or of the whole workspace if none are named: mutual TLS is
/// verified if every one of them is recorded as such.
///
/// # Errors
/// If istio-tls.yaml cannot be read: bad input.
pub fn checks(hosts: Vec<Host>, here: &Surroundings) -> Result<probe::Request, Failure> {
    let file = entries::read(here).map_err(Failure::usage)?;
    let mtls = file.is_none_or(|file| {
        let config = file.config;
        (config.hosts.iter())
            .filter(|entry| hosts.is_empty() || hosts.contains(&entry.host))
            .all(|entry| config.mode_of(entry) == Mode::Mutual)
    });
    Ok(probe::Request::of_workspace(hosts, mtls))
}
