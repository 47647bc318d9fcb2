//! The gateway's configuration: Gateways, VirtualServices, Services and Secrets
//! become one immutable [`table::Table`]. Pure: objects and bytes in, values out.
//!
//! [`gateway_api`] makes objects of Istio's of those of the Gateway API. [`input`] holds
//! what a table is built from and [`build`] builds it: `merge`
//! makes ports of Gateways, `bound` finds the VirtualServices of each server,
//! `routes` (with `delegates`, `route_match`, `route_action` and `route_policy`) makes their HTTP routes
//! (values of headers are [`header_text`]), `tcp_routes` those of other connections, [`clusters`] what they lead to, and [`material`] reads what a server presents.

pub mod authority;
mod bound;
pub mod build;
pub mod clusters;
mod crl_coverage;
mod delegates;
pub mod field;
pub mod gateway_api;
pub mod header_text;
pub mod input;
pub mod material;
mod merge;
pub mod note;
mod route_action;
mod route_match;
mod route_policy;
mod route_scope;
#[cfg(test)]
mod route_tests;
mod routes;
pub mod running;
pub mod table;
mod tcp_routes;
#[cfg(test)]
mod tcp_tests;
#[cfg(test)]
mod tests;
mod virtual_hosts;
