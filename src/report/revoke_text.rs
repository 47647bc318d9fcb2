//! What `revoke` prints.

use crate::files::shown;
use crate::ops::revoke::Outcome;
use crate::remedy::{Aim, ours};

/// What was revoked, and what to type next, for a user who stands at `aim`.
pub fn outcome(outcome: &Outcome, aim: &Aim) -> String {
    let serials = outcome.serials.join(" and ");
    if outcome.already {
        return format!("{serials} revoked already\n");
    }
    let mut lines = vec![match outcome.serials.as_slice() {
        [] => "renewed the lists; nothing more is revoked".to_owned(),
        _ => format!("revoked {serials}"),
    }];
    lines.extend(outcome.lists.iter().map(|path| format!("  wrote {}", shown(path))));
    lines.push(format!(
        "\nnext: {}  (a running one refuses the certificate already)",
        ours::serve().typed(aim)
    ));
    lines.push("      manifests adds the CRLs to the Secret; probe and verify take them with --crl\n".to_owned());
    lines.join("\n")
}
