//! Hosts that the user has hardly meant.

use super::job::{Action, Job};
use crate::files::shown;
use crate::names::Host;
use crate::problem::Problem;

/// Warns of hosts without a dot for which a chain is made. generate.sh took a password
/// as its second argument; here every argument is a host. `hosts` are those of the
/// request, in its order.
pub(super) fn of_hosts(hosts: &[Host], jobs: &[Job]) -> Vec<Problem> {
    let is_made = |job: &&Job| !matches!(job.action, Action::Change(_)) && is_short(job.layout.host());
    jobs.iter()
        .filter(is_made)
        .map(|job| {
            let host = job.layout.host();
            let follows = hosts.first().is_some_and(|first| first != host && !is_short(first));
            let folder = shown(&job.layout.folder());
            let clients = match job.clients.len() {
                0 => "no client certificate".to_owned(),
                1 => "a client certificate".to_owned(),
                count => format!("{count} client certificates"),
            };
            let warning = Problem::new(format!(
                "\"{host}\" is a host to gen-certs: it gets a CA, a server certificate and {clients}"
            ))
            .at(format!("{folder}/"));
            if follows {
                warning
                    .why("every argument is a host; generate.sh took a password as its second one")
                    .fix(format!("if it is a password: remove {folder} and its entry in istio-tls.yaml, and give the password with --password-file FILE"))
            } else {
                warning
                    .why("a gateway serves it to clients that ask for exactly this name, as few outside of one network do")
                    .fix("give the whole name, as httpbin.example.com, if there is one")
            }
        })
        .collect()
}

/// Whether a host is one label; localhost is whole as it is (RFC 6761).
fn is_short(host: &Host) -> bool {
    host.ip().is_none() && !host.as_str().contains('.') && host.as_str() != "localhost"
}
