//! Why `gen-certs` refuses a request, and what to do instead.

use std::path::Path;

use super::request::Flag;
use crate::files::shown;
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::workspace::layout::{ChainLayout, Part};

/// The longest host or client name: file names have at most 255 bytes, and `_wildcard` is
/// longer than `*`.
const LONGEST: usize = 255 - ".cert.pem".len() - "_wildcard".len();

/// At most this many refusals are listed in one problem.
const MOST_REFUSALS: usize = 10;

/// A name that is too long for a file, together with `.cert.pem`.
pub(super) fn too_long(name: &str) -> Option<Problem> {
    (name.len() > LONGEST).then(|| {
        Problem::new(format!("the name {name} is too long for the files of its chain"))
            .why(format!(
                "it has {} characters, and a file name has room for {LONGEST} of them before .cert.pem",
                name.len()
            ))
            .fix("give a shorter host, or a wildcard with the long name in --san")
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
        .why(format!(
            "it contains a folder {folder}; a shared root has certs and private"
        ))
        .fix(format!("--root {}", dir.join("1_root").display())),
    )
}

/// A client that already exists.
pub(super) fn has_client(layout: &ChainLayout, client: &str) -> Problem {
    let host = layout.host();
    Problem::new(format!("{host} already has a client {client}"))
        .at(shown(&layout.path(Part::ClientCert(client))))
        .fix(Remedy::from(ours::rotate_clients(host)).and("  # renews its clients, including this one"))
}

/// Why one host is refused.
pub(super) struct Refusal {
    layout: ChainLayout,
    reason: Reason,
}

enum Reason {
    /// It has a chain, and the request adds nothing.
    NothingNew {
        has_entry: bool,
        /// The part of the request that exists already, in words.
        asked: Vec<String>,
    },
    Problem(Box<Problem>),
}

impl Refusal {
    /// Refuses a host for this reason.
    pub(super) fn of(layout: &ChainLayout, problem: Problem) -> Self {
        Self {
            layout: layout.clone(),
            reason: Reason::Problem(Box::new(problem)),
        }
    }

    /// Refuses a host that has a chain, since the request adds nothing; `has_entry` says
    /// whether istio-tls.yaml has the host, `asked` which part of the request exists
    /// already.
    pub(super) fn nothing_new(layout: &ChainLayout, has_entry: bool, asked: Vec<String>) -> Self {
        Self {
            layout: layout.clone(),
            reason: Reason::NothingNew { has_entry, asked },
        }
    }

    fn problem(self) -> Problem {
        match self.reason {
            Reason::Problem(problem) => *problem,
            Reason::NothingNew { has_entry, asked } => exists(&self.layout, has_entry, &asked),
        }
    }
}

/// All refusals as one problem; none if there are none. Nothing is done for any host.
pub(super) fn together(mut refusals: Vec<Refusal>) -> Option<Problem> {
    let count = refusals.len();
    if count < 2 {
        return refusals.pop().map(Refusal::problem);
    }
    if refusals
        .iter()
        .all(|refusal| matches!(refusal.reason, Reason::NothingNew { .. }))
    {
        return Some(all_exist(&refusals[0].layout, count));
    }
    let (mut whys, mut fix) = (Vec::new(), Remedy::default());
    for (index, refusal) in refusals.into_iter().enumerate() {
        if index == MOST_REFUSALS {
            whys.push(format!("and {} more", count - index));
            break;
        }
        let Problem {
            what, why, fix: own, ..
        } = refusal.problem();
        whys.push(match why {
            Some(why) => format!("{what}: {}", why.replace('\n', "; ")),
            None => what,
        });
        if let Some(own) = own {
            fix = if fix.is_empty() { own } else { fix.below(own) };
        }
    }
    Some(
        Problem::new(format!("{count} hosts are refused, so nothing was done for any"))
            .why(whys.join("\n"))
            .fix(fix),
    )
}

/// An existing chain to which the request adds nothing.
fn exists(layout: &ChainLayout, has_entry: bool, asked: &[String]) -> Problem {
    let host = layout.host();
    let is_there = |part: Part<'_>| layout.path(part).symlink_metadata().is_ok();
    let renew = if is_there(Part::ServerCert) && !is_there(Part::ServerKey) {
        Remedy::from(ours::rotate(host)).and("  # issues a new server key and certificate, since the key is not here")
    } else {
        Remedy::from(ours::rotate(host))
            .and("  # renews its server certificate")
            .below(ours::rotate_clients(host))
            .and("  # its client certificates, too")
    };
    let renew = if has_entry {
        renew
    } else {
        // As left by generate.sh, or by a process that was killed.
        Remedy::from(ours::adopt_folder(shown(&layout.folder())))
            .and("  # records it unchanged")
            .below(renew)
    };
    let why = match asked {
        [] => "keys and certificates are overwritten only with --force".to_owned(),
        asked => format!("the request adds nothing: {}", asked.join(", ")),
    };
    Problem::new(format!("a chain of {host} already exists"))
        .at(format!("{}/", shown(&layout.folder())))
        .why(why)
        .fix(
            renew
                .below(ours::gen_certs_force(host))
                .and(
                    "  # creates a new CA: whatever the present CA issued, including client \
                    certificates, is refused then",
                )
                .below("--mode, --client, --san and --pkcs12 add to it, with the same CA and keys"),
        )
}

/// `count` existing chains to which the request adds nothing; `first` is one of them.
fn all_exist(first: &ChainLayout, count: usize) -> Problem {
    Problem::new(format!(
        "a chain of {} already exists (and those of {} more hosts)",
        first.host(),
        count - 1
    ))
    .at(format!("{}/", shown(&first.folder())))
    .why("keys and certificates are overwritten only with --force")
    .fix(
        "--skip-existing keeps them and creates the others; --force creates a new CA for each, \
        and every certificate of the old ones is refused then",
    )
}

/// A new CA in place of the existing one, and what that means.
fn force(layout: &ChainLayout) -> Remedy {
    Remedy::from(ours::gen_certs_force(layout.host().as_str())).and(
        " creates a new CA; every certificate that the present CA issued, including client \
            certificates, is refused then",
    )
}

/// Another process created a chain meanwhile.
pub(super) fn made_meanwhile(layout: &ChainLayout) -> Problem {
    Problem::new(format!(
        "a chain of {} was created by another process meanwhile",
        layout.host()
    ))
    .at(format!("{}/", shown(&layout.folder())))
    .why("keys and certificates are overwritten only with --force")
}

/// Another process changed a chain meanwhile.
pub(super) fn changed_meanwhile(layout: &ChainLayout) -> Problem {
    Problem::new(format!(
        "the chain of {} was changed by another process meanwhile",
        layout.host()
    ))
    .at(format!("{}/", shown(&layout.folder())))
    .fix(Remedy::again())
}

/// Flags that are not applicable to an existing chain.
pub(super) fn flags(layout: &ChainLayout, flags: &[Flag]) -> Problem {
    let host = layout.host();
    let names: Vec<String> = flags.iter().map(|flag| flag.typed()).collect();
    let is_for_new_chain = flags.iter().any(|flag| !flag.shapes_clients());
    let problem = Problem::new(format!(
        "{} cannot be applied to the chain of {host}, which already exists",
        names.join(" and ")
    ))
    .at(format!("{}/", shown(&layout.folder())));
    if is_for_new_chain {
        return problem
            .why("its CA, its keys and the rest of its server certificate stay unchanged")
            .fix(Remedy::from("omit the flag; or ").and(force(layout)));
    }
    problem
        .why("it is about certificates to be issued, and this command issues none of that kind for the host")
        .fix(
            Remedy::from(ours::rotate(host))
                .and(" renews the server certificate, ")
                .and(ours::rotate_clients(host))
                .and(" also renews the client certificates; both take --days"),
        )
}

/// The server certificate was issued by a CA that is not in the workspace.
pub(super) fn issued_elsewhere(layout: &ChainLayout) -> Problem {
    let host = layout.host();
    Problem::new(format!(
        "no CA in {}/ issued the server certificate of {host}",
        shown(&layout.folder())
    ))
    .why("a certificate is reissued by the CA that issued the previous one")
    .fix(
        Remedy::from("issue it where the previous one was issued, and adopt it with ")
            .and(ours::adopt_files(host))
            .or(ours::rotate_ca(host))
            .and(" starts a CA here"),
    )
}

/// The gateway would not trust the CA of new clients.
pub(super) fn other_client_ca(layout: &ChainLayout) -> Problem {
    let host = layout.host();
    Problem::new(format!("no client certificate can be issued for {host}"))
        .at(shown(&layout.path(Part::CaChain)))
        .why("the gateway verifies clients with a CA other than the one here, so it would refuse them")
        .fix(
            Remedy::from("have it issued by that CA; or ")
                .and(ours::rotate_ca(host))
                .and(" creates a CA for the host, trusted beside the old one until the replacement is finished"),
        )
}

/// A chain without its server certificate.
pub(super) fn no_server_certificate(layout: &ChainLayout) -> Problem {
    Problem::new(format!("the chain of {} has no server certificate", layout.host()))
        .at(shown(&layout.path(Part::ServerCert)))
        .fix(Remedy::from("restore it; or ").and(force(layout)))
}
