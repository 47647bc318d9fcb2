//! Listeners of Gateways and ListenerSets: each becomes a Gateway of Istio's with one
//! server, and a parent that routes may name (istiod's `buildListener`).

use std::collections::HashMap;

use serde_json::Value;

use super::context::Context;
use super::kube::{Kube, Stored};
use super::names;
use super::places::{Made, Places};
use super::tls::{Flaw, Reader, left_out};
use crate::gateway::config::build::Invalid;
use crate::gateway::config::note::Notes;
use crate::manifests::gateway_api::{GROUP, Listener, list, text};
use crate::manifests::model::gateway::{GatewaySpec, Port, Server, ServerTlsSettings, TlsMode};
use crate::problem::Problem;
use crate::sources::live::ObjectId;

/// A listener that routes may name as their parent.
pub(super) struct Parent<'a> {
    /// `Gateway` or `ListenerSet`.
    pub(super) kind: &'static str,
    /// The object that has the listener.
    pub(super) holder: Kube<'a>,
    /// `namespace/name` of the Gateway that is made of it.
    pub(super) gateway: String,
    /// The listener's name.
    pub(super) section: String,
    pub(super) port: u64,
    pub(super) protocol: String,
    /// Its hostname; empty for every host.
    pub(super) hostname: String,
    /// The server's hosts: `namespace/hostname`.
    pub(super) hosts: Vec<String>,
    /// The kinds of routes that it takes.
    pub(super) kinds: Vec<&'static str>,
    /// Whether TLS ends here.
    pub(super) terminates: bool,
}

/// What became of the listeners.
#[derive(Default)]
pub(super) struct Listeners<'a> {
    pub(super) parents: Vec<Parent<'a>>,
    pub(super) gateways: Vec<Made<'a, GatewaySpec>>,
    pub(super) invalid: Vec<Invalid>,
}

impl<'a> Listeners<'a> {
    /// Takes the listeners of a Gateway, and of the ListenerSets that belong to it.
    pub(super) fn take(&mut self, gateway: &Stored<'a>, sets: &[Stored<'a>], context: &Context<'_>, notes: &mut Notes) {
        let mut holders: Vec<(&'static str, &Stored<'a>)> = vec![("Gateway", gateway)];
        holders.extend(
            attached(gateway, sets, context, notes)
                .into_iter()
                .map(|set| ("ListenerSet", set)),
        );
        let mut accepted: Vec<Listener<'_>> = Vec::new();
        for &(kind, holder) in &holders {
            for listener in Listener::of(&holder.content) {
                let port = port_of(listener);
                if let Some(prior) = accepted.iter().find(|prior| !are_distinct(**prior, listener)) {
                    let why = format!("listener {} has its port and host already", prior.name());
                    notes.push(
                        Problem::new(left_out(holder, listener))
                            .at(holder.kube.place(&listener.path("name")))
                            .why(why),
                    );
                    continue;
                }
                accepted.push(listener);
                let reader = Reader {
                    holder,
                    gateway,
                    listener,
                    grants: &context.grants,
                    store: context.store,
                };
                self.add(kind, port, &reader, holder, context, notes);
            }
        }
    }

    fn add(
        &mut self,
        kind: &'static str,
        port: Option<u64>,
        reader: &Reader<'_>,
        holder: &Stored<'a>,
        context: &Context<'_>,
        notes: &mut Notes,
    ) {
        let listener = reader.listener;
        let (name, namespace) = (listener.name(), holder.kube.namespace);
        let tls = reader.read();
        let protocol = listener.protocol();
        if matches!((&tls, protocol), (Ok(None), "HTTPS" | "TLS")) {
            let why = format!("it is for {protocol}, and has no tls");
            notes.push(flaw(holder, listener, "protocol", why));
            return;
        }
        let hostname = listener.text("/hostname").unwrap_or_default();
        let host = if hostname.is_empty() { "*" } else { hostname };
        let allowed = listener.json.pointer("/allowedRoutes/namespaces");
        let mut hosts: Vec<String> = (context.namespaces.of_routes(allowed, namespace).iter())
            .map(|of| format!("{of}/{host}"))
            .collect();
        if hosts.is_empty() {
            // Nobody's: the name is served, and no route is bound to it.
            hosts.push(format!("~/{host}"));
        }
        let internal = names::internal(holder.kube.name(), name);
        let number = port.unwrap_or_default();
        let mode = tls
            .as_ref()
            .ok()
            .and_then(Option::as_ref)
            .map(ServerTlsSettings::effective_mode);
        self.parents.push(Parent {
            kind,
            holder: holder.kube,
            gateway: format!("{namespace}/{internal}"),
            section: name.to_owned(),
            port: number,
            protocol: protocol.to_owned(),
            hostname: hostname.to_owned(),
            hosts: hosts.clone(),
            kinds: kinds_of(listener),
            terminates: !matches!(mode, None | Some(TlsMode::Passthrough | TlsMode::AutoPassthrough)),
        });
        if !matches!(protocol, "HTTP" | "HTTPS" | "TLS" | "TCP") {
            notes.push(flaw(
                holder,
                listener,
                "protocol",
                format!("Istio runs no listeners for {protocol}"),
            ));
            return;
        }
        let tls = match tls {
            Ok(tls) => tls,
            Err(flaw) => return self.say_flaw(flaw, holder, notes),
        };
        if let Some(why) = context.not_on_service(reader.gateway, number) {
            notes.push(flaw(holder, listener, "port", why));
            return;
        }
        let server = Server {
            port: Port {
                number: u32::try_from(number).unwrap_or_default(),
                name: "default".to_owned(),
                protocol: protocol.to_owned(),
                target_port: None,
            },
            hosts,
            tls,
            ..Server::default()
        };
        self.gateways.push(Made {
            namespace: namespace.to_owned(),
            name: internal,
            created: holder.kube.created().to_owned(),
            spec: GatewaySpec {
                servers: vec![server],
                ..GatewaySpec::default()
            },
            places: places(holder.kube, listener),
        });
    }

    fn say_flaw(&mut self, flaw: Flaw, holder: &Stored<'_>, notes: &mut Notes) {
        match flaw {
            Flaw::Missing(problem) => notes.push(*problem),
            Flaw::Broken {
                problem,
                namespace,
                name,
            } => self.invalid.push(Invalid {
                problem: *problem,
                gateway: ObjectId::gateway(holder.kube.namespace, holder.kube.name()),
                secrets: vec![ObjectId::secret(&namespace, &name)],
            }),
        }
    }
}

fn flaw(holder: &Stored<'_>, listener: Listener<'_>, field: &str, why: impl Into<String>) -> Problem {
    Problem::new(left_out(holder, listener))
        .at(holder.kube.place(&listener.path(field)))
        .why(why)
}

/// Where the fields of a listener's server stand.
fn places<'a>(holder: Kube<'a>, listener: Listener<'_>) -> Places<'a> {
    let whole = format!("spec.listeners[{}]", listener.index);
    let mut places = Places::default();
    places.add("spec", holder, &whole);
    for (made, source) in [
        ("port", "port"),
        ("port.protocol", "protocol"),
        ("hosts", "hostname"),
        ("tls", "tls"),
        ("tls.mode", "tls.mode"),
        ("tls.credentialName", "tls.certificateRefs[0]"),
        ("tls.credentialNames", "tls.certificateRefs"),
    ] {
        places.add(format!("spec.servers[0].{made}"), holder, listener.path(source));
    }
    places
}

/// The ListenerSets of a Gateway that it lets in: the oldest first.
fn attached<'s, 'a>(
    gateway: &Stored<'a>,
    sets: &'s [Stored<'a>],
    context: &Context<'_>,
    notes: &mut Notes,
) -> Vec<&'s Stored<'a>> {
    let own = gateway.kube.namespace;
    let names_it = |set: &&Stored<'a>| {
        let parent = &set.content["spec"]["parentRef"];
        text(parent.get("kind")).unwrap_or("Gateway") == "Gateway"
            && text(parent.get("group")).unwrap_or(GROUP) == GROUP
            && text(parent.get("name")) == Some(gateway.kube.name())
            && text(parent.get("namespace")).unwrap_or(set.kube.namespace) == own
    };
    let allowed = gateway.content.pointer("/spec/allowedListeners/namespaces");
    let mut found = Vec::new();
    for set in sets.iter().filter(names_it) {
        if context.namespaces.lets_in(allowed, own, set.kube.namespace) {
            found.push(set);
        } else {
            notes.push(
                Problem::new(format!("{} is left out", set.kube.title()))
                    .at(set.kube.place("spec.parentRef"))
                    .why(format!(
                        "spec.allowedListeners of {} does not let in ListenerSets of namespace {}",
                        gateway.kube.title(),
                        set.kube.namespace
                    )),
            );
        }
    }
    found.sort_by(|a, b| (a.kube.created(), a.kube.full_name()).cmp(&(b.kube.created(), b.kube.full_name())));
    found
}

/// A listener's port; a ListenerSet may leave out that of its protocol.
fn port_of(listener: Listener<'_>) -> Option<u64> {
    listener.port().filter(|port| *port != 0).or(match listener.protocol() {
        "HTTP" => Some(80),
        "HTTPS" => Some(443),
        _ => None,
    })
}

/// Whether two listeners of a Gateway can be told apart.
fn are_distinct(one: Listener<'_>, other: Listener<'_>) -> bool {
    let by_host = |listener: Listener<'_>| matches!(listener.protocol(), "HTTP" | "HTTPS" | "TLS");
    let by_port = |listener: Listener<'_>| matches!(listener.protocol(), "TCP" | "UDP");
    if port_of(one) != port_of(other) {
        return true;
    }
    match (by_host(one), by_host(other)) {
        (true, true) => one.text("/hostname").unwrap_or("*") != other.text("/hostname").unwrap_or("*"),
        _ if (by_host(one) || by_port(one)) && (by_host(other) || by_port(other)) => false,
        _ => one.protocol() != other.protocol(),
    }
}

/// The kinds of routes that a listener takes.
fn kinds_of(listener: Listener<'_>) -> Vec<&'static str> {
    let mut kinds = match listener.protocol() {
        "HTTP" | "HTTPS" => vec!["HTTPRoute", "GRPCRoute"],
        "TCP" => vec!["TCPRoute"],
        "TLS" if listener.text("/tls/mode") == Some("Passthrough") => vec!["TLSRoute"],
        "TLS" => vec!["TLSRoute", "TCPRoute"],
        _ => Vec::new(),
    };
    let mut wanted = list(listener.json.pointer("/allowedRoutes/kinds")).peekable();
    if wanted.peek().is_some() {
        let wanted: Vec<&Value> = wanted.collect();
        kinds.retain(|kind| {
            wanted
                .iter()
                .any(|one| text(one.get("kind")) == Some(*kind) && text(one.get("group")).unwrap_or(GROUP) == GROUP)
        });
    }
    kinds
}

/// Parents by the object that has them: its kind, namespace and name.
pub(super) fn by_holder<'p, 'a>(
    parents: &'p [Parent<'a>],
) -> HashMap<(&'static str, &'a str, &'a str), Vec<&'p Parent<'a>>> {
    let mut found: HashMap<_, Vec<&Parent<'a>>> = HashMap::new();
    for parent in parents {
        let key = (parent.kind, parent.holder.namespace, parent.holder.name());
        found.entry(key).or_default().push(parent);
    }
    found
}
