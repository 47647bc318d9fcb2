//! Which listeners a route is bound to (istiod's `extractParentReferenceInfo` and
//! `referenceAllowed`), and which of its hostnames count there.

use std::collections::HashMap;

use serde_json::Value;

use super::kube::Stored;
use super::listeners::Parent;
use super::names;
use crate::gateway::config::note::Notes;
use crate::manifests::gateway_api::{GROUP, list, text};
use crate::problem::Problem;

/// Parents by kind, namespace and name of the object that has them.
pub(super) type Parents<'p, 'a> = HashMap<(&'static str, &'a str, &'a str), Vec<&'p Parent<'a>>>;

/// A listener that a route is bound to.
#[derive(Clone)]
pub(super) struct Bound<'p, 'a> {
    pub(super) parent: &'p Parent<'a>,
    /// Hostnames of the other listeners of the port: what is theirs is not served here.
    others: Vec<&'p str>,
}

impl Bound<'_, '_> {
    /// Whether a hostname of the route counts at this listener: no other listener of the
    /// port is nearer to it.
    pub(super) fn takes(&self, host: &str) -> bool {
        let own = self.parent.hostname.as_str();
        if !own.is_empty() && !own.starts_with('*') {
            return true;
        }
        if !own.is_empty() && !names::overlap(host, own) {
            return false;
        }
        let mut nearer = self.others.iter().filter(|other| own.len() <= other.len());
        !nearer.any(|other| !other.is_empty() && names::is_within(host, other))
    }
}

/// The hostnames of a route; none is every host.
pub(super) fn hostnames(route: &Stored<'_>) -> Vec<String> {
    let named: Vec<String> = list(route.content.pointer("/spec/hostnames"))
        .filter_map(|host| host.as_str().map(str::to_owned))
        .collect();
    if named.is_empty() { vec!["*".to_owned()] } else { named }
}

/// The listeners that a route is bound to, by the name of the Gateway made of each. A
/// reference that binds it to none is noted.
pub(super) fn bound<'p, 'a>(
    route: &Stored<'_>,
    hosts: &[String],
    parents: &Parents<'p, 'a>,
    notes: &mut Notes,
) -> Vec<Bound<'p, 'a>> {
    let mut found: Vec<Bound<'p, 'a>> = Vec::new();
    for (index, reference) in list(route.content.pointer("/spec/parentRefs")).enumerate() {
        if text(reference.get("group")).unwrap_or(GROUP) != GROUP {
            continue;
        }
        let namespace = text(reference.get("namespace")).unwrap_or(route.kube.namespace);
        let name = text(reference.get("name")).unwrap_or_default();
        let kind = match text(reference.get("kind")) {
            None | Some("Gateway") => "Gateway",
            Some("ListenerSet") => "ListenerSet",
            Some(_) => continue,
        };
        let Some(listeners) = parents.get(&(kind, namespace, name)) else {
            continue;
        };
        let mut nearest: Option<Refusal> = None;
        let mut is_bound = false;
        for parent in listeners {
            match check(route, reference, parent, hosts) {
                Ok(()) => {
                    is_bound = true;
                    found.push(Bound {
                        parent,
                        others: others(parent, listeners),
                    });
                }
                Err(refusal) => nearest = nearest.max(Some(refusal)),
            }
        }
        if let Some(refusal) = nearest.filter(|_| !is_bound) {
            notes.push(refusal.problem(route, index, &format!("{kind} {namespace}/{name}")));
        }
    }
    found.sort_by(|a, b| a.parent.gateway.cmp(&b.parent.gateway));
    found.dedup_by(|a, b| a.parent.gateway == b.parent.gateway);
    found
}

/// The hostnames of the other listeners of a port and protocol.
fn others<'p>(parent: &Parent<'_>, listeners: &[&'p Parent<'_>]) -> Vec<&'p str> {
    let beside = listeners.iter().filter(|other| {
        other.section != parent.section && other.port == parent.port && other.protocol == parent.protocol
    });
    let hostnames = beside.map(|other| other.hostname.as_str());
    hostnames.filter(|hostname| *hostname != parent.hostname).collect()
}

/// Why a listener does not take a route; the later ones came nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Refusal {
    Port,
    Section,
    Hostname,
    Namespace,
    Kind,
}

impl Refusal {
    fn problem(self, route: &Stored<'_>, index: usize, parent: &str) -> Problem {
        let path = format!("spec.parentRefs[{index}]");
        let named = ["sectionName", "port"].into_iter().find(|field| {
            let value = route.content.pointer(&format!("/spec/parentRefs/{index}/{field}"));
            value.is_some_and(|value| !value.is_null())
        });
        let (field, why) = match self {
            Self::Port => (format!("{path}.port"), format!("{parent} has no listener on this port")),
            Self::Section => (
                format!("{path}.sectionName"),
                format!("{parent} has no listener of this name"),
            ),
            Self::Hostname => (
                "spec.hostnames[0]".to_owned(),
                format!("no listener of {parent} covers one of its hostnames"),
            ),
            Self::Namespace => (
                format!("{path}.{}", named.unwrap_or("name")),
                format!("{parent} lets in no routes of namespace {}", route.kube.namespace),
            ),
            Self::Kind => (
                format!("{path}.{}", named.unwrap_or("name")),
                format!("{parent} takes no {}s there", route.kube.kind()),
            ),
        };
        Problem::new(format!("{} is not bound to {parent}", route.kube.title()))
            .at(route.kube.place(&field))
            .why(why)
    }
}

fn check(route: &Stored<'_>, reference: &Value, parent: &Parent<'_>, hosts: &[String]) -> Result<(), Refusal> {
    let port = reference.get("port").and_then(Value::as_u64);
    if port.is_some_and(|port| port != 0 && port != parent.port) {
        return Err(Refusal::Port);
    }
    if text(reference.get("sectionName")).is_some_and(|section| section != parent.section) {
        return Err(Refusal::Section);
    }
    let own = route.kube.namespace;
    // TCPRoutes have no hostnames.
    let any = ["*".to_owned()];
    let hosts = if route.kube.kind() == "TCPRoute" { &any } else { hosts };
    let mut overlaps = false;
    let is_let_in = parent.hosts.iter().any(|server_host| {
        let (namespace, name) = server_host.split_once('/').unwrap_or(("*", server_host));
        let overlap = hosts.iter().any(|host| names::overlap(name, host));
        overlaps |= overlap;
        overlap && (namespace == "*" || namespace == own)
    });
    if !is_let_in {
        return Err(if overlaps {
            Refusal::Namespace
        } else {
            Refusal::Hostname
        });
    }
    if !parent.kinds.contains(&route.kube.kind()) {
        return Err(Refusal::Kind);
    }
    Ok(())
}
