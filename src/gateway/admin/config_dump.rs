//! `/config_dump`: the routing table as JSON. Keys are never in it.

use serde_json::{Value, json};

use super::certs::chains_with_hosts;
use crate::gateway::config::header_text::{HeaderText, RequestField};
use crate::gateway::config::table::{
    ClientAuth, Endpoint, Filter, FilterChain, HeaderEdit, ListenerProtocol, PathRewrite, Route, RouteAction,
    RouteTable, StringMatch, Table, TcpRoute, UpstreamProtocol, ValueMatch, VirtualHost,
};
use crate::gateway::dataplane::current::Generation;
use crate::gateway::samples;

/// The table that is served.
pub(super) fn dump(generation: &Generation) -> Value {
    let table = &generation.table;
    let listeners: Vec<Value> = table
        .listeners
        .iter()
        .map(|listener| match &listener.protocol {
            ListenerProtocol::Http(routes) => {
                json!({ "port": listener.port, "protocol": "HTTP", "route_config": route_config(routes, table) })
            }
            ListenerProtocol::Tls(chains) => {
                let chains = chains_with_hosts(chains).into_iter();
                let chains: Vec<Value> = chains
                    .map(|(chain, hosts)| filter_chain(chain, &hosts, table))
                    .collect();
                json!({ "port": listener.port, "protocol": "TLS", "filter_chains": chains })
            }
            ListenerProtocol::Tcp(route) => {
                json!({ "port": listener.port, "protocol": "TCP", "tcp_route": tcp_route(route, table) })
            }
        })
        .collect();
    let clusters: Vec<Value> = table
        .clusters
        .iter()
        .map(|cluster| json!({ "name": cluster.name, "endpoint": endpoint(&cluster.endpoint) }))
        .collect();
    json!({ "version": generation.number, "listeners": listeners, "clusters": clusters })
}

fn endpoint(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Sample(sample) => format!("sample {}", samples::name(*sample)),
        Endpoint::Unknown => "none: there is no such destination".to_owned(),
        Endpoint::Remote { host, port, protocol } => {
            let scheme = match protocol {
                UpstreamProtocol::Http => "http",
                UpstreamProtocol::H2c => "h2c",
                UpstreamProtocol::Https => "https",
                UpstreamProtocol::Tcp => "tcp",
            };
            format!("{scheme}://{host}:{port}")
        }
    }
}

fn filter_chain(chain: &FilterChain, hosts: &[String], table: &Table) -> Value {
    let tls = match chain.material() {
        None => Value::Null,
        Some(Err(missing)) => json!({ "missing": missing }),
        Some(Ok(material)) => {
            let (mode, verification) = match &material.client_auth {
                ClientAuth::None => ("SIMPLE", None),
                ClientAuth::Optional(verification) => ("OPTIONAL_MUTUAL", Some(verification)),
                ClientAuth::Required(verification) => ("MUTUAL", Some(verification)),
            };
            let verification = verification.map(|verification| {
                json!({
                    "authorities": verification.authorities.len(),
                    "revocation_lists": verification.crls.len(),
                    "subject_alt_names": verification.subject_alt_names,
                    "pinned_keys": verification.spki_sha256.len(),
                    "pinned_certificates": verification.certificate_sha256.len(),
                    "accept_untrusted": verification.accept_untrusted,
                })
            });
            json!({
                "sources": material.identities.iter().map(|one| one.source.as_str()).collect::<Vec<_>>(),
                "mode": mode,
                "certificates": material.identities.iter().map(|one| one.certificates.len()).sum::<usize>(),
                "private_key": "[redacted]",
                "minimum_version": version(material.versions.0),
                "maximum_version": version(material.versions.1),
                "cipher_suites": material.cipher_suites,
                "ecdh_curves": material.ecdh_curves,
                "client_verification": verification,
            })
        }
    };
    let mut value = json!({ "name": chain.name, "server_names": hosts, "tls": tls });
    match &chain.filter {
        Filter::Http(routes) => value["route_config"] = route_config(routes, table),
        Filter::Tcp(route) => value["tcp_route"] = tcp_route(route, table),
        Filter::Closed(why) => value["closed"] = json!(why),
    }
    value
}

fn tcp_route(route: &TcpRoute, table: &Table) -> Value {
    let destinations: Vec<Value> = route
        .destinations
        .iter()
        .map(|destination| json!({ "cluster": cluster(destination.cluster, table), "weight": destination.weight }))
        .collect();
    json!({ "name": route.name, "passes_tls": route.passes_tls, "destinations": destinations })
}

fn cluster(index: usize, table: &Table) -> Option<&str> {
    table.clusters.get(index).map(|cluster| cluster.name.as_str())
}

fn version(number: u16) -> String {
    match number {
        0x0303 => "TLSv1_2".to_owned(),
        0x0304 => "TLSv1_3".to_owned(),
        other => format!("{other:#06x}"),
    }
}

fn route_config(routes: &RouteTable, table: &Table) -> Value {
    let exact = routes.exact.iter().map(|(domain, host)| (domain.to_string(), host));
    let wildcard = routes
        .wildcard
        .iter()
        .map(|(suffix, host)| (format!("*{suffix}"), host));
    let any = routes.any.iter().map(|host| ("*".to_owned(), host));
    let mut hosts: Vec<_> = exact.chain(wildcard).chain(any).collect();
    hosts.sort_by(|(first, _), (second, _)| first.cmp(second));
    hosts
        .into_iter()
        .map(|(domain, host)| virtual_host(&domain, host, table))
        .collect()
}

fn virtual_host(domain: &str, host: &VirtualHost, table: &Table) -> Value {
    let routes: Vec<Value> = host.routes.iter().map(|one| route(one, table)).collect();
    json!({ "domain": domain, "require_tls": host.require_tls, "routes": routes })
}

fn route(route: &Route, table: &Table) -> Value {
    let when = &route.when;
    let values = |list: &[(RequestField, ValueMatch)]| -> Value {
        list.iter()
            .map(|(field, value)| json!({ "name": field.name(), "is": value_match(value) }))
            .collect()
    };
    let query: Vec<Value> = when
        .query
        .iter()
        .map(|(name, value)| json!({ "name": name, "is": value_match(value) }))
        .collect();
    json!({
        "name": route.name,
        "match": {
            "path": when.path.as_ref().map(string_match),
            "ignore_path_case": when.ignore_path_case,
            "scheme": when.scheme.as_ref().map(string_match),
            "method": when.method.as_ref().map(string_match),
            "authority": when.authority.as_ref().map(string_match),
            "headers": values(&when.headers),
            "without_headers": values(&when.without_headers),
            "query": query,
        },
        "action": action(&route.action, table),
        "fault": route.fault.is_some(),
        "cors": route.cors.is_some(),
        "request_headers": edit(&route.headers.request),
        "response_headers": edit(&route.headers.response),
    })
}

fn action(action: &RouteAction, table: &Table) -> Value {
    match action {
        RouteAction::Direct { status, body } => {
            json!({ "direct_response": { "status": status.as_u16(), "body_bytes": body.len() } })
        }
        RouteAction::Redirect(redirect) => json!({ "redirect": {
            "status": redirect.status.as_u16(),
            "scheme": redirect.scheme,
            "authority": redirect.authority,
            "port": redirect.port,
            "path": redirect.path.as_ref().map(path_rewrite),
        } }),
        RouteAction::Forward(forward) => {
            let destinations: Vec<Value> = forward
                .destinations
                .iter()
                .map(|destination| json!({ "cluster": cluster(destination.cluster, table), "weight": destination.weight }))
                .collect();
            let rewrite = forward.rewrite.as_ref().map(
                |rewrite| json!({ "path": rewrite.path.as_ref().map(path_rewrite), "authority": rewrite.authority }),
            );
            json!({ "forward": {
                "destinations": destinations,
                "rewrite": rewrite,
                "timeout_ms": forward.timeout.map(|timeout| timeout.as_millis() as u64),
                "retries": forward.retries.attempts,
                "per_try_timeout_ms": forward.retries.per_try_timeout.map(|limit| limit.as_millis() as u64),
                "mirrors": forward.mirrors.iter().map(|mirror| cluster(mirror.cluster, table)).collect::<Vec<_>>(),
            } })
        }
    }
}

fn path_rewrite(rewrite: &PathRewrite) -> Value {
    match rewrite {
        PathRewrite::Prefix { matched, with } => json!({ "prefix_of_bytes": matched, "with": with }),
        PathRewrite::Whole(path) => json!({ "whole": path }),
        PathRewrite::Regex { pattern, with } => json!({ "regex": pattern.as_str(), "with": with }),
    }
}

fn string_match(condition: &StringMatch) -> Value {
    match condition {
        StringMatch::Exact(text) => json!({ "exact": text }),
        StringMatch::Prefix(text) => json!({ "prefix": text }),
        StringMatch::PathPrefix(text) => json!({ "path_prefix": text }),
        StringMatch::Regex(regex) => json!({ "regex": regex.as_str() }),
    }
}

fn value_match(condition: &ValueMatch) -> Value {
    match condition {
        ValueMatch::Present => json!("present"),
        ValueMatch::Value(value) => string_match(value),
    }
}

/// Names only: a header that is set may carry a password.
fn edit(edit: &HeaderEdit) -> Value {
    let names = |list: &[(http::HeaderName, HeaderText)]| -> Vec<String> {
        list.iter().map(|(name, _)| name.to_string()).collect()
    };
    let removed: Vec<&str> = edit.remove.iter().map(http::HeaderName::as_str).collect();
    json!({ "remove": removed, "set": names(&edit.set), "add": names(&edit.add) })
}
