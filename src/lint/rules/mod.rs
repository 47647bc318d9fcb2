//! The rules, by subject.

mod gateway_hosts;
mod gateway_ports;
mod gateway_redirect;
mod gateway_servers;
#[cfg(test)]
mod gateway_yaml;
mod input;

use super::rule::Rule;

/// Every rule.
pub(super) fn all() -> impl Iterator<Item = &'static dyn Rule> {
    [
        input::RULES,
        gateway_servers::RULES,
        gateway_ports::RULES,
        gateway_hosts::RULES,
        gateway_redirect::RULES,
    ]
    .into_iter()
    .flatten()
    .copied()
}
