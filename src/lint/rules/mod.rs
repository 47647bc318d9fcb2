//! The rules, by subject.

mod input;

use super::rule::Rule;

/// Every rule.
pub(super) fn all() -> impl Iterator<Item = &'static dyn Rule> {
    [input::RULES].into_iter().flatten().copied()
}
