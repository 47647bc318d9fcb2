//! The rules, by subject.

mod input;
mod virtual_service;
mod vs_gateways;
mod vs_servers;

use super::rule::Rule;

/// Every rule.
pub(super) fn all() -> impl Iterator<Item = &'static dyn Rule> {
    [
        input::RULES,
        virtual_service::RULES,
        vs_gateways::RULES,
        vs_servers::RULES,
    ]
    .into_iter()
    .flatten()
    .copied()
}
