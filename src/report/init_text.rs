//! The text output of `init`.

use crate::files::shown;
use crate::ops::init::Outcome;
use crate::remedy::{Aim, ours};

/// What was written, and the next command; `aim` completes the command lines.
pub fn outcome(outcome: &Outcome, aim: &Aim) -> String {
    let next = match outcome.hosts.first() {
        Some(host) => ours::gen_certs(host.as_str()),
        None => ours::gen_certs_example(),
    };
    format!("wrote {}\n\nnext: {}\n", shown(&outcome.path), next.typed(aim))
}
