//! The same intent as an Envoy bootstrap without Istio: one listener, a filter chain per host, with
//! istiod's settings for a gateway.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{HTTPS_PORT, HostIntent, Intent, virtual_services};
use crate::problem::Problem;
use crate::workspace::config::{Mode, RouteEntry};

/// The offset for ports below 1024, as in `serve`.
const UNPRIVILEGED: u16 = 8000;
const ADMIN_PORT: u16 = 15000;
/// Istio's default retry conditions.
const RETRY_ON: &str = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

/// The actual address of a Service: `--upstream SERVICE[:PORT]=http://HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    service: String,
    service_port: Option<u16>,
    host: String,
    port: u16,
}

impl Upstream {
    /// Parses the flag's value.
    ///
    /// # Errors
    /// If a part is missing or the address is not plain HTTP.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let bad = || {
            Problem::new(format!("{text:?} is not a valid upstream"))
                .fix("--upstream SERVICE[:PORT]=http://HOST:PORT, for example --upstream httpbin=http://127.0.0.1:8000")
        };
        let (service, address) = text.split_once('=').ok_or_else(bad)?;
        let (service, service_port) = match service.split_once(':') {
            Some((service, port)) => (service, Some(port.parse().map_err(|_| bad())?)),
            None => (service, None),
        };
        let address = address.strip_prefix("http://").ok_or_else(bad)?;
        let (host, port) = address.trim_end_matches('/').rsplit_once(':').ok_or_else(bad)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if service.is_empty() || host.is_empty() || host.contains('/') {
            return Err(bad());
        }
        Ok(Self {
            service: service.to_owned(),
            service_port,
            host: host.to_owned(),
            port: port.parse().map_err(|_| bad())?,
        })
    }

    fn is_for(&self, route: &RouteEntry) -> bool {
        self.service == route.service && self.service_port.is_none_or(|port| port == route.port)
    }
}

/// A bootstrap, and the files that it refers to.
pub struct Bootstrap {
    /// The configuration.
    pub config: Value,
    /// Name and content of every key and certificate file; none if they are inline.
    pub files: Vec<(String, Zeroizing<Vec<u8>>)>,
}

/// Creates the bootstrap. Keys and certificates become files in `folder` (an absolute path, since
/// Envoy resolves relative ones from its working directory), or are inline if there is none.
///
/// # Errors
/// If a host that verifies clients has no CA.
pub fn bootstrap(intent: &Intent, upstreams: &[Upstream], folder: Option<&Path>) -> Result<Bootstrap, Problem> {
    let mut sources = Sources {
        folder: folder.map(Path::to_owned),
        files: Vec::new(),
    };
    let chains = (intent.hosts.iter())
        .map(|host| filter_chain(host, &mut sources))
        .collect::<Result<Vec<_>, _>>()?;
    let mut clusters = BTreeMap::new();
    for route in intent.hosts.iter().flat_map(|host| &host.routes) {
        clusters.insert(cluster_name(route), cluster(route, upstreams));
    }
    let config = json!({
        "admin": { "address": address("127.0.0.1", ADMIN_PORT) },
        "static_resources": {
            "listeners": [{
                "name": format!("https.{HTTPS_PORT}"),
                "address": address("127.0.0.1", HTTPS_PORT + UNPRIVILEGED),
                "listener_filters": [{
                    "name": "envoy.filters.listener.tls_inspector",
                    "typed_config": typed("filters.listener.tls_inspector.v3.TlsInspector", json!({})),
                }],
                "filter_chains": chains,
            }],
            "clusters": clusters.into_values().collect::<Vec<_>>(),
        },
    });
    Ok(Bootstrap {
        config,
        files: sources.files,
    })
}

/// The destination of key material.
struct Sources {
    folder: Option<PathBuf>,
    files: Vec<(String, Zeroizing<Vec<u8>>)>,
}

impl Sources {
    fn add(&mut self, name: String, content: &[u8]) -> Value {
        match &self.folder {
            Some(folder) => {
                let path = folder.join(&name);
                self.files.push((name, Zeroizing::new(content.to_vec())));
                json!({ "filename": path })
            }
            None => json!({ "inline_string": String::from_utf8_lossy(content) }),
        }
    }
}

fn address(host: &str, port: u16) -> Value {
    json!({ "socket_address": { "address": host, "port_value": port } })
}

/// An Envoy message with its type.
fn typed(name: &str, mut message: Value) -> Value {
    message["@type"] = json!(format!("type.googleapis.com/envoy.extensions.{name}"));
    message
}

fn filter_chain(host: &HostIntent, sources: &mut Sources) -> Result<Value, Problem> {
    let names = &host.names;
    let mut common = json!({
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": { "tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3" },
        "tls_certificates": [{
            "certificate_chain": sources.add(format!("{}.crt", names.base), &host.material.certificate),
            "private_key": sources.add(format!("{}.key", names.base), &host.material.key),
        }],
    });
    if host.mode.verifies_clients() {
        let ca = super::secrets::ca_of(host)?;
        let mut validation = json!({ "trusted_ca": sources.add(format!("{}.ca.crt", names.base), ca) });
        if let Some(crl) = &host.material.crl {
            validation["crl"] = sources.add(format!("{}.crl", names.base), crl);
        }
        common["validation_context"] = validation;
    }
    let tls = json!({
        "common_tls_context": common,
        "require_client_certificate": host.mode == Mode::Mutual,
    });
    let mut chain = json!({ "name": names.server });
    // Clients send no SNI for an IP address.
    if names.host.ip().is_none() {
        chain["filter_chain_match"] = json!({ "server_names": [names.host.as_str()] });
    }
    chain["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed("transport_sockets.tls.v3.DownstreamTlsContext", tls),
    });
    chain["filters"] = json!([{
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": connection_manager(host),
    }]);
    Ok(chain)
}

fn connection_manager(host: &HostIntent) -> Value {
    let names = &host.names;
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": typed("filters.http.router.v3.Router", json!({})),
    });
    let manager = json!({
        "stat_prefix": names.server,
        "server_name": "istio-envoy",
        "use_remote_address": true,
        "normalize_path": true,
        "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": { "subject": true, "cert": true, "dns": true, "uri": true },
        "upgrade_configs": [{ "upgrade_type": "websocket" }],
        "http_filters": [router],
        "route_config": {
            "name": names.server,
            "ignore_port_in_host_matching": true,
            "virtual_hosts": [{
                "name": names.virtual_service,
                "domains": [virtual_services::authority(host)],
                "include_request_attempt_count": true,
                "routes": routes(&host.routes),
            }],
        },
    });
    typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        manager,
    )
}

fn routes(entries: &[RouteEntry]) -> Vec<Value> {
    let groups = virtual_services::by_destination(entries);
    let routes = groups.iter().flatten().map(|entry| {
        let path = match (&entry.exact, &entry.prefix) {
            (Some(path), _) => json!({ "path": path }),
            (None, prefix) => json!({ "prefix": prefix.as_deref().unwrap_or("/") }),
        };
        json!({
            "match": path,
            "route": {
                "cluster": cluster_name(entry),
                "timeout": "0s",
                "retry_policy": { "num_retries": 2, "retry_on": RETRY_ON },
            },
        })
    });
    routes.collect()
}

fn cluster_name(route: &RouteEntry) -> String {
    format!("{}:{}", route.service, route.port)
}

fn cluster(route: &RouteEntry, upstreams: &[Upstream]) -> Value {
    let name = cluster_name(route);
    let (host, port) = (upstreams.iter().find(|upstream| upstream.is_for(route)))
        .map_or((route.service.as_str(), route.port), |upstream| {
            (upstream.host.as_str(), upstream.port)
        });
    json!({
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": "10s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(host, port) } }] }],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::intent;
    use super::{Upstream, bootstrap};
    use crate::workspace::config::{IstioTarget, Mode, SecretStyle};

    #[test]
    fn upstreams_that_users_type() {
        for (text, service_port, host, port) in [
            ("httpbin=http://127.0.0.1:8000", None, "127.0.0.1", 8000),
            ("httpbin:80=http://[::1]:8000/", Some(80), "::1", 8000),
        ] {
            let upstream = Upstream::parse(text).unwrap();
            assert_eq!(
                (upstream.service_port, upstream.host.as_str(), upstream.port),
                (service_port, host, port)
            );
        }
        for text in [
            "",
            "httpbin",
            "httpbin=127.0.0.1:80",
            "httpbin=https://a:80",
            "=http://a:80",
            "a=http://a",
            "a:x=http://a:80",
        ] {
            assert!(Upstream::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_stand_in_files_or_inline() {
        let intent = intent(
            &["httpbin.example.com", "10.0.0.1"],
            Mode::Mutual,
            SecretStyle::Credential,
            IstioTarget::Latest,
        );
        let upstream = Upstream::parse("httpbin=http://127.0.0.1:18000").unwrap();
        let files = bootstrap(&intent, std::slice::from_ref(&upstream), Some("/etc/gw".as_ref())).unwrap();
        assert_eq!(files.files.len(), 6);
        assert!(!files.config.to_string().contains("PRIVATE KEY"));
        let listener = &files.config["static_resources"]["listeners"][0];
        assert_eq!(
            listener["filter_chains"][0]["filter_chain_match"]["server_names"][0],
            "httpbin.example.com"
        );
        assert!(listener["filter_chains"][1].get("filter_chain_match").is_none());
        let clusters = files.config["static_resources"]["clusters"].to_string();
        assert!(clusters.contains("18000") && clusters.contains("ip-10-0-0-1"));
        let inline = bootstrap(&intent, &[], None).unwrap();
        assert!(inline.files.is_empty());
        assert!(inline.config.to_string().contains("PRIVATE KEY"));
    }
}
