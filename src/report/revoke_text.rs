//! The text output of `revoke`.

use crate::files::shown;
use crate::ops::revoke::Outcome;
use crate::remedy::{Aim, ours};

/// What was revoked, and the next command; `aim` completes the command lines.
pub fn outcome(outcome: &Outcome, aim: &Aim) -> String {
    let serials = outcome.serials.join(" and ");
    if outcome.already {
        return format!("{serials} already revoked\n");
    }
    let mut lines = vec![match outcome.serials.as_slice() {
        [] => "renewed the CRLs; no further certificate is revoked".to_owned(),
        _ => format!("revoked {serials}"),
    }];
    lines.extend(outcome.lists.iter().map(|path| format!("  wrote {}", shown(path))));
    lines.push(format!(
        "\nnext: {}  (a running gateway already refuses the certificate)",
        ours::serve().typed(aim)
    ));
    lines.push("      manifests adds the CRLs to the Secret; probe and verify read them with --crl\n".to_owned());
    lines.join("\n")
}
