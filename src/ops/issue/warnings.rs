//! Hosts that the user probably did not intend.

use super::job::{Action, Job};
use crate::files::shown;
use crate::names::Host;
use crate::problem::Problem;

/// Warns about hosts without a dot that get a new chain. generate.sh took a password as
/// its second argument; here every argument is a host. `hosts` are those of the request,
/// in order.
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
                "\"{host}\" is taken as a host: it gets a CA, a server certificate and {clients}"
            ))
            .at(format!("{folder}/"));
            if follows {
                warning
                    .why("every argument is a host; generate.sh took a password as its second argument")
                    .fix(format!("if it is a password: remove {folder} and its entry in istio-tls.yaml, and give the password with --password-file FILE"))
            } else {
                warning
                    .why("a gateway serves it to clients that request exactly this name, which \
                        few outside one network do")
                    .fix("give the full name, such as httpbin.example.com, if there is one")
            }
        })
        .collect()
}

/// Whether a host is a single label; localhost is complete (RFC 6761).
fn is_short(host: &Host) -> bool {
    host.ip().is_none() && !host.as_str().contains('.') && host.as_str() != "localhost"
}
