//! The rules, by subject.

mod delegates;
mod input;
mod mesh_hosts;
mod prefix_cover;
mod reachability;
mod route_action;
mod route_cors;
mod route_destination;
mod route_fault;
mod route_headers;
mod route_match;
mod route_redirect;
mod route_retry;
mod tls_tcp_routes;
mod virtual_service;
mod vs_claims;
mod vs_destinations;
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
    ]
    .into_iter()
    .flatten()
    .copied()
}
