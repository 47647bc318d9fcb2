//! What the user may not see in a cluster, as text.

use std::collections::BTreeSet;

use crate::sources::live::Unseen;

/// The kinds in one line, or with `each` a line per kind with its reason; none if
/// everything is visible.
pub fn notes(unseen: &[Unseen], each: bool) -> Option<String> {
    let first = unseen.first()?;
    if each {
        let lines: Vec<String> = (unseen.iter())
            .map(|one| format!("note: not visible: {} ({})", one.what, one.why))
            .collect();
        return Some(lines.join("\n"));
    }
    let kinds: BTreeSet<&str> = unseen.iter().map(|one| one.kind.as_str()).collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    Some(format!(
        "note: not everything is visible of the kinds {}: {}; see -v",
        kinds.join(", "),
        first.why
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::notes;
    use crate::sources::live::Unseen;

    #[test]
    fn kinds_in_short_and_reasons_in_full() {
        let unseen = |kind: &str| Unseen {
            kind: kind.to_owned(),
            seen_in: BTreeSet::new(),
            what: format!("all {kind}s"),
            why: "forbidden".to_owned(),
        };
        assert_eq!(notes(&[], true), None);
        let both = [unseen("Secret"), unseen("Pod")];
        assert_eq!(
            notes(&both, false).as_deref(),
            Some("note: not everything is visible of the kinds Pod, Secret: forbidden; see -v")
        );
        assert_eq!(
            notes(&both, true).as_deref(),
            Some("note: not visible: all Secrets (forbidden)\nnote: not visible: all Pods (forbidden)")
        );
    }
}
