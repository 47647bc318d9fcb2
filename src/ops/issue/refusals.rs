//! Why `gen-certs` does not do what is asked, and what does it.

use std::path::Path;

use crate::files::shown;
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::workspace::layout::{ChainLayout, Part};

/// The longest host or client name: file systems hold names of 255 bytes, and
/// `_wildcard` is longer than `*`.
const LONGEST: usize = 255 - ".cert.pem".len() - "_wildcard".len();

/// A name that no file can have, once `.cert.pem` stands behind it.
pub(super) fn too_long(name: &str) -> Option<Problem> {
    (name.len() > LONGEST).then(|| {
        Problem::new(format!("the name {name} is too long for the files of its chain"))
            .why(format!(
                "it has {} characters, and a file name takes at most {LONGEST} of them beside .cert.pem",
                name.len()
            ))
            .fix("give a shorter host, or a wildcard with --san for the long name")
    })
}

/// `--root` with the folder of a host's chain.
pub(super) fn host_folder_as_root(dir: &Path) -> Option<Problem> {
    let folder = ["1_root", "3_application"]
        .iter()
        .find(|name| dir.join(name).is_dir())?;
    Some(
        Problem::new(format!(
            "{} is the folder of one host's chain, not of a root",
            dir.display()
        ))
        .why(format!("it has a folder {folder}; a shared root has certs and private"))
        .fix(format!("--root {}", dir.join("1_root").display())),
    )
}

/// A client that exists already.
pub(super) fn has_client(layout: &ChainLayout, client: &str) -> Problem {
    let host = layout.host();
    Problem::new(format!("{host} has a client {client} already"))
        .at(shown(&layout.path(Part::ClientCert(client))))
        .fix(Remedy::from(ours::rotate_clients(host.as_str())).and(" renews its clients, this one included"))
}

/// Chains that exist: that of `first`, and `count` in all. `is_recorded` says whether
/// istio-tls.yaml has the first host.
pub(super) fn exists(first: &ChainLayout, count: usize, is_recorded: bool) -> Problem {
    let host = first.host();
    let others = match count {
        1 => String::new(),
        count => format!(" (and those of {} more hosts)", count - 1),
    };
    let force = || {
        Remedy::from(ours::gen_certs_force(host.as_str()))
            .and(" makes a new CA, and every certificate of the one that is there is refused then")
    };
    let fix = match (count, is_recorded) {
        (1, true) => force(),
        // As generate.sh leaves it, or a process that was killed.
        (1, false) => Remedy::from(ours::adopt_folder(shown(&first.folder())))
            .and(" records it as it is")
            .or(force()),
        _ => "--force replaces them, --skip-existing leaves them and makes the others".into(),
    };
    Problem::new(format!("a chain of {host} exists already{others}"))
        .at(format!("{}/", shown(&first.folder())))
        .why("keys and certificates are not overwritten unless you say so")
        .fix(fix)
}
