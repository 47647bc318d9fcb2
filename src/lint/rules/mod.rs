//! The rules, by subject.

mod certificate_fields;
mod certificate_names;
mod chain;
mod chain_verified;
mod client_ca;
mod coalescing;
mod credential_lookup;
mod delegates;
mod gateway_api;
mod gateway_api_backends;
mod gateway_api_definitions;
mod gateway_api_grants;
mod gateway_api_routes;
mod gateway_conflicts;
#[cfg(test)]
mod gateway_emitted;
mod gateway_host_routes;
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
mod key_pair;
mod made_secrets;
mod merged_routes;
mod mesh_hosts;
mod prefix_cover;
mod reachability;
mod revocation;
mod route_action;
mod route_cors;
mod route_destination;
mod route_fault;
mod route_headers;
mod route_match;
mod route_redirect;
mod route_retry;
mod secret_access;
mod secret_keys;
mod tls_tcp_routes;
mod virtual_service;
mod vs_claims;
mod vs_destinations;
mod vs_gateways;
mod vs_servers;
mod vs_unbound;

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
        gateway_api_backends::RULES,
        gateway_api_definitions::RULES,
        virtual_service::RULES,
        vs_gateways::RULES,
        vs_servers::RULES,
        gateway_host_routes::RULES,
        vs_destinations::RULES,
        delegates::RULES,
        mesh_hosts::RULES,
        vs_claims::RULES,
        route_match::RULES,
        route_headers::RULES,
        route_destination::RULES,
        route_action::RULES,
        route_redirect::RULES,
        route_retry::RULES,
        route_fault::RULES,
        route_cors::RULES,
        tls_tcp_routes::RULES,
        reachability::RULES,
        merged_routes::RULES,
        credential_lookup::RULES,
        made_secrets::RULES,
        secret_access::RULES,
        secret_keys::RULES,
        client_ca::RULES,
        revocation::RULES,
        key_pair::RULES,
        chain::RULES,
        chain_verified::RULES,
        certificate_fields::RULES,
        certificate_names::RULES,
        coalescing::RULES,
    ]
    .into_iter()
    .flatten()
    .copied()
}
