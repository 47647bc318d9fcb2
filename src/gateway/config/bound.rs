//! Which VirtualServices are bound to which Gateway, in the order in which
//! their routes are joined.

use std::collections::{BTreeSet, HashMap};

use super::clusters::full_name;
use super::input::{Input, Object};
use super::merge::MergedServer;
use super::routes;
use crate::manifests::model::virtual_service::VirtualServiceSpec;
use crate::manifests::server_hosts::intersection;

/// VirtualServices that the gateway's pods may see, in the order in which
/// their routes are joined: private ones, then those exported to the pods'
/// namespace, then public ones, of which those of the Gateway API in the pods' namespace
/// come first; the oldest first in each.
fn bound_order<'a>(input: &'a Input<'_>) -> Vec<&'a Object<'a, VirtualServiceSpec>> {
    let rank = |object: &Object<'_, VirtualServiceSpec>| {
        let export = &object.spec.export_to;
        let own = object.namespace == input.pod_namespace;
        if export.is_empty() || export.iter().any(|to| to == "*") {
            Some(if own && object.of_gateway_api { 2 } else { 3 })
        } else if own && export.iter().any(|to| to == ".") {
            Some(0)
        } else if export.contains(&input.pod_namespace) {
            Some(1)
        } else {
            None
        }
    };
    let mut visible: Vec<(u8, &Object<'_, VirtualServiceSpec>)> = input
        .virtual_services
        .iter()
        .filter_map(|object| rank(object).map(|rank| (rank, object)))
        .collect();
    visible.sort_by(|(a_rank, a), (b_rank, b)| a_rank.cmp(b_rank).then_with(|| a.age_order(b)));
    visible.into_iter().map(|(_, object)| object).collect()
}

/// The VirtualServices that name one Gateway, found by host: thousands of
/// servers and VirtualServices are not compared pair by pair.
#[derive(Default)]
struct BoundTo<'a> {
    list: Vec<&'a Object<'a, VirtualServiceSpec>>,
    by_host: HashMap<String, Vec<usize>>,
    with_wildcard: Vec<usize>,
}

impl<'a> BoundTo<'a> {
    fn add(&mut self, object: &'a Object<'a, VirtualServiceSpec>) {
        let index = self.list.len();
        self.list.push(object);
        for host in &object.spec.hosts {
            if host.starts_with('*') {
                self.with_wildcard.push(index);
            } else {
                let full = full_name(host, object.namespace);
                if full != *host {
                    self.by_host.entry(full).or_default().push(index);
                }
                self.by_host.entry(host.clone()).or_default().push(index);
            }
        }
    }

    /// Those whose hosts may overlap with the server's, in order.
    fn candidates(&self, server: &MergedServer<'_>) -> Vec<&'a Object<'a, VirtualServiceSpec>> {
        if server.hosts.iter().any(|host| host.name.starts_with('*')) {
            return self.list.clone();
        }
        let exact = server
            .hosts
            .iter()
            .filter_map(|host| self.by_host.get(&host.written))
            .flatten();
        let mut indices: Vec<usize> = exact.chain(&self.with_wildcard).copied().collect();
        indices.sort_unstable();
        indices.dedup();
        indices.into_iter().map(|index| self.list[index]).collect()
    }
}

/// The VirtualServices of every Gateway.
pub(super) struct Bound<'a> {
    by_gateway: HashMap<String, BoundTo<'a>>,
}

impl<'a> Bound<'a> {
    /// Sorts the input's VirtualServices by the Gateways that they name.
    pub(super) fn of(input: &'a Input<'_>) -> Self {
        let mut by_gateway: HashMap<String, BoundTo<'_>> = HashMap::new();
        for object in bound_order(input) {
            let gateways: BTreeSet<String> = object
                .spec
                .gateways
                .iter()
                .map(|gateway| routes::gateway_reference(gateway, object.namespace))
                .collect();
            for gateway in gateways {
                by_gateway.entry(gateway).or_default().add(object);
            }
        }
        Self { by_gateway }
    }

    /// Those that may have a host in common with the server, in order.
    pub(super) fn candidates(&self, server: &MergedServer<'_>) -> Vec<&'a Object<'a, VirtualServiceSpec>> {
        let bound = self.by_gateway.get(&server.gateway);
        bound.map(|bound| bound.candidates(server)).unwrap_or_default()
    }
}

/// The domains of a VirtualService on a server: of each pair of overlapping
/// hosts the more specific one, in lower case, each once. Hosts are compared as they are
/// written; a short one is a Service's of the VirtualService's namespace.
pub(super) fn domains(server: &MergedServer<'_>, object: &Object<'_, VirtualServiceSpec>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for host in &object.spec.hosts {
        let full = match host.as_str() {
            wildcard if wildcard.starts_with('*') => wildcard.to_owned(),
            host => full_name(host, object.namespace),
        };
        for server_host in &server.hosts {
            if server_host
                .namespace
                .as_ref()
                .is_some_and(|namespace| *namespace != object.namespace)
            {
                continue;
            }
            // Istio takes no Gateway with a short host; where one is written, it is what is meant.
            let host = if server_host.written == *host { host } else { &full };
            if let Some(domain) = intersection(&server_host.written, host).map(str::to_ascii_lowercase)
                && !found.contains(&domain)
            {
                found.push(domain);
            }
        }
    }
    found
}
