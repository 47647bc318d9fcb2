//! What happens to objects in a cluster, as text: `apply` and `delete`.

use crate::ops::apply::outcome::{Difference, Outcome};
use crate::ops::apply::request::Purpose;
use crate::ops::object_change::ObjectChange;

/// `Secret default/a created`, followed by `suffix`.
pub fn line(object: &ObjectChange, suffix: &str) -> String {
    format!("{} {}{suffix}\n", object.title, object.change.word())
}

/// The result of a dry run, a line per object.
pub fn outcome(outcome: &Outcome) -> String {
    let suffix = match outcome.purpose {
        Purpose::Store | Purpose::Diff => "",
        Purpose::TryHere => " (dry run, client)",
        Purpose::TryThere => " (dry run, server)",
    };
    outcome.objects.iter().map(|object| line(object, suffix)).collect()
}

/// The diffs of all objects, one below the other.
pub fn differences(found: &[Difference]) -> String {
    found.iter().map(|one| one.diff.as_str()).collect()
}
