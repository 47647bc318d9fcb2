//! What `init` prints.

use crate::files::shown;
use crate::ops::init::Outcome;
use crate::remedy::{Aim, ours};

/// What was written, and what to type next, for a user who stands at `aim`.
pub fn outcome(outcome: &Outcome, aim: &Aim) -> String {
    let next = match outcome.hosts.first() {
        Some(host) => ours::gen_certs(host.as_str()),
        None => ours::gen_certs_example(),
    };
    format!("wrote {}\n\nnext: {}\n", shown(&outcome.path), next.typed(aim))
}
