//! The rules, by subject.

mod gateway_api;
mod gateway_api_grants;
mod gateway_api_routes;
mod gateway_conflicts;
#[cfg(test)]
mod gateway_emitted;
mod gateway_hosts;
mod gateway_ports;
mod gateway_redirect;
mod gateway_servers;
mod gateway_shared_certificate;
mod gateway_tls;
mod gateway_tls_clients;
mod gateway_tls_ignored;
mod gateway_tls_legacy;
mod gateway_tls_lists;
mod gateway_tls_parameters;
mod gateway_workload;
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
        gateway_tls::RULES,
        gateway_tls_clients::RULES,
        gateway_tls_legacy::RULES,
        gateway_tls_lists::RULES,
        gateway_tls_ignored::RULES,
        gateway_tls_parameters::RULES,
        gateway_workload::RULES,
        gateway_conflicts::RULES,
        gateway_shared_certificate::RULES,
        gateway_api::RULES,
        gateway_api_routes::RULES,
        gateway_api_grants::RULES,
    ]
    .into_iter()
    .flatten()
    .copied()
}
