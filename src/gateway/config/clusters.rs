//! The destinations that routes name, and where each is reached: a given
//! upstream, a built-in sample, or nowhere when the input's Services lack it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use http::StatusCode;

use super::authority::split_port;
use super::field::Field;
use super::note::Notes;
use super::table::{Cluster, Endpoint, Sample, UpstreamProtocol};
use crate::manifests::load::Object;
use crate::manifests::model::Manifest;
use crate::manifests::model::virtual_service::Destination;
use crate::problem::Problem;

/// `--upstream SERVICE[:PORT]=http://host:port`, also with `https`, `h2c` and `tcp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The Service: `httpbin`, `httpbin.default` or the full name.
    pub service: String,
    /// Its port; any when absent.
    pub port: Option<u16>,
    /// Where requests go instead.
    pub host: String,
    /// The port there.
    pub target_port: u16,
    /// How it is spoken to.
    pub protocol: UpstreamProtocol,
}

impl Upstream {
    /// Parses what a user typed.
    ///
    /// # Errors
    /// When a part is missing or of the wrong form.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let bad = |why: &str| {
            Problem::new(format!("{text:?} is not an upstream"))
                .why(why)
                .fix("write SERVICE[:PORT]=http://host:port, as in httpbin:8000=http://127.0.0.1:9000")
        };
        let (service, url) = text
            .split_once('=')
            .ok_or_else(|| bad("there is no = between Service and address"))?;
        let (service, port) = match service.split_once(':') {
            Some((service, port)) => (
                service,
                Some(
                    port.parse()
                        .map_err(|_| bad("the Service's port is no number from 1 to 65535"))?,
                ),
            ),
            None => (service, None),
        };
        if service.is_empty() {
            return Err(bad("the Service is empty"));
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("the address has no scheme"))?;
        let (protocol, default_port) = match scheme {
            "http" => (UpstreamProtocol::Http, 80),
            "h2c" => (UpstreamProtocol::H2c, 80),
            "https" => (UpstreamProtocol::Https, 443),
            "tcp" => (UpstreamProtocol::Tcp, 0),
            _ => return Err(bad("the scheme is none of http, https, h2c and tcp")),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '@']) {
            return Err(bad(
                "the address has more than host and port; a path comes from the request",
            ));
        }
        let (host, port_text) = split_port(authority);
        let target_port = match port_text.strip_prefix(':') {
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| bad("the address's port is no number from 1 to 65535"))?,
            None if default_port == 0 => return Err(bad("a tcp address needs a port")),
            None => default_port,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(bad("the address has no host"));
        }
        Ok(Self {
            service: service.to_owned(),
            port,
            host: host.to_owned(),
            target_port,
            protocol,
        })
    }

    fn serves(&self, host: &str, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
            && (self.service == host
                || host
                    .strip_prefix(self.service.as_str())
                    .is_some_and(|rest| rest.starts_with('.') && is_cluster_local(host)))
    }
}

/// The Services of the input.
#[derive(Debug, Default, Clone)]
pub struct KnownServices {
    /// Their ports by full name.
    pub ports: HashMap<String, Vec<u16>>,
    /// The namespaces whose Services are seen, where those of others are not.
    pub seen_in: Option<BTreeSet<String>>,
}

impl KnownServices {
    /// Those among objects; `default_namespace` is for one that names none.
    pub fn of(objects: &[Object], default_namespace: &str, seen_in: Option<BTreeSet<String>>) -> Self {
        let services = objects.iter().filter_map(|object| match &object.manifest {
            Manifest::Service(service) => Some(service),
            _ => None,
        });
        let ports = services.map(|service| {
            let namespace = service.metadata.namespace_or(default_namespace);
            let ports = service.spec.ports.iter().map(|port| port.port).collect();
            (
                format!("{}.{namespace}.svc.cluster.local", service.metadata.name),
                ports,
            )
        });
        Self {
            ports: ports.collect(),
            seen_in,
        }
    }

    /// Whether a host is among them, or may be without being so.
    pub(super) fn has(&self, host: &str) -> bool {
        self.ports.contains_key(host) || self.may_exist(host)
    }

    /// Whether a host that is not among them may exist all the same: the input
    /// has none at all, or those of its namespace are not seen.
    fn may_exist(&self, host: &str) -> bool {
        let Some(seen_in) = &self.seen_in else {
            return self.ports.is_empty();
        };
        let namespace = host.split('.').nth(1).filter(|_| is_cluster_local(host));
        namespace.is_none_or(|namespace| !seen_in.contains(namespace))
    }
}

/// What a destination is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    /// Requests; they are answered so where there is no such destination.
    Http(StatusCode),
    /// Connections, whatever is spoken.
    Tcp,
}

/// Collects the clusters of a table while its routes are built.
pub(super) struct Clusters<'a> {
    upstreams: &'a [Upstream],
    services: &'a KnownServices,
    by_name: BTreeMap<String, usize>,
    pub(super) list: Vec<Cluster>,
}

impl<'a> Clusters<'a> {
    pub(super) fn new(upstreams: &'a [Upstream], services: &'a KnownServices) -> Self {
        Self {
            upstreams,
            services,
            by_name: BTreeMap::new(),
            list: Vec::new(),
        }
    }

    /// The index of a destination's cluster, which is added when it is new.
    pub(super) fn index_of(
        &mut self,
        destination: &Destination,
        namespace: &str,
        listener_port: u16,
        traffic: Traffic,
        place: &Field<'_>,
        notes: &mut Notes,
    ) -> usize {
        if let Some(subset) = destination.subset.as_deref().filter(|subset| !subset.is_empty()) {
            notes.push_limit(
                Problem::new(format!(
                    "serve does not run subsets: requests for {} go to the Service, not to its subset {subset:?} alone",
                    destination.host
                ))
                .at(place.child("destination").child("subset").locate())
                .why("serve reads no DestinationRule, which says what a subset is"),
            );
        }
        if destination.host.is_empty() {
            return self.nowhere();
        }
        let host = full_name(&destination.host, namespace);
        let known = self.services.ports.get(&host);
        let port = destination
            .port
            .as_ref()
            .and_then(|port| u16::try_from(port.number).ok())
            .filter(|port| *port != 0)
            .or_else(|| {
                known
                    .and_then(|ports| <[u16; 1]>::try_from(ports.as_slice()).ok())
                    .map(|[only]| only)
            })
            .unwrap_or(listener_port);
        let name = format!("{host}:{port}");
        if let Some(index) = self.by_name.get(&name) {
            return *index;
        }
        // The most specific upstream wins: one with a port before one without. A Service by
        // half of its name is none.
        let is_half = known.is_none()
            && ["svc.cluster.local", "cluster.local"]
                .iter()
                .any(|rest| self.services.ports.contains_key(&format!("{host}.{rest}")));
        let upstream = self
            .upstreams
            .iter()
            .filter(|upstream| !is_half && upstream.serves(&host, port))
            .max_by_key(|upstream| upstream.port.is_some());
        let endpoint = match upstream {
            Some(upstream) => Endpoint::Remote {
                host: upstream.host.clone(),
                port: upstream.target_port,
                protocol: upstream.protocol,
            },
            None if known.map_or_else(|| self.services.may_exist(&host), |ports| ports.contains(&port)) => {
                Endpoint::Sample(sample_for(&host))
            }
            None => {
                let why = match known {
                    Some(ports) => {
                        let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
                        format!("the Service has no port {port}; it has {}", ports.join(", "))
                    }
                    None if is_half => "Istio knows a Service by its name alone or by its full name".to_owned(),
                    None => "there are Services, but not this one".to_owned(),
                };
                let (effect, scheme) = match traffic {
                    Traffic::Http(missing) => {
                        let status = missing.as_u16();
                        (format!("requests to {name} are answered {status}"), "http")
                    }
                    Traffic::Tcp => (format!("connections to {name} are closed"), "tcp"),
                };
                notes.push(
                    Problem::new(effect)
                        .at(place.child("destination").locate())
                        .why(why)
                        .fix(format!(
                            "correct the destination, or say where it is: --upstream {}={scheme}://HOST:PORT",
                            destination.host
                        )),
                );
                Endpoint::Unknown
            }
        };
        self.add(name, endpoint)
    }

    /// The cluster of a destination that leads nowhere.
    fn nowhere(&mut self) -> usize {
        let name = "nowhere".to_owned();
        let known = self.by_name.get(&name).copied();
        known.unwrap_or_else(|| self.add(name, Endpoint::Unknown))
    }

    fn add(&mut self, name: String, endpoint: Endpoint) -> usize {
        self.list.push(Cluster {
            name: name.clone(),
            endpoint,
        });
        self.by_name.insert(name, self.list.len() - 1);
        self.list.len() - 1
    }
}

/// A short name belongs to the VirtualService's namespace.
pub(super) fn full_name(host: &str, namespace: &str) -> String {
    if host.contains('.') {
        host.to_owned()
    } else {
        format!("{host}.{namespace}.svc.cluster.local")
    }
}

fn is_cluster_local(host: &str) -> bool {
    host.ends_with(".svc.cluster.local")
}

/// The sample that stands in for a Service, by its name.
fn sample_for(host: &str) -> Sample {
    match host.split('.').next().unwrap_or_default() {
        "httpbin" => Sample::Httpbin,
        "productpage" => Sample::Productpage,
        name if name == "helloworld" || name.starts_with("helloworld-") => Sample::Helloworld,
        _ => Sample::Echo,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{KnownServices, Upstream, full_name, sample_for};
    use crate::gateway::config::table::{Sample, UpstreamProtocol};

    #[test]
    fn upstreams_are_parsed() {
        for (text, service, port, host, target, protocol) in [
            (
                "httpbin=http://127.0.0.1:9000",
                "httpbin",
                None,
                "127.0.0.1",
                9000,
                UpstreamProtocol::Http,
            ),
            (
                "httpbin:8000=https://a.com",
                "httpbin",
                Some(8000),
                "a.com",
                443,
                UpstreamProtocol::Https,
            ),
            (
                "a.b=h2c://[::1]:50051/",
                "a.b",
                None,
                "::1",
                50051,
                UpstreamProtocol::H2c,
            ),
            ("a=http://b", "a", None, "b", 80, UpstreamProtocol::Http),
            ("a=tcp://b:27017", "a", None, "b", 27017, UpstreamProtocol::Tcp),
        ] {
            let parsed = Upstream::parse(text).expect(text);
            assert_eq!(
                (
                    parsed.service.as_str(),
                    parsed.port,
                    parsed.host.as_str(),
                    parsed.target_port,
                    parsed.protocol
                ),
                (service, port, host, target, protocol)
            );
        }
        for text in [
            "",
            "a",
            "=http://b",
            "a=b",
            "a=ftp://b",
            "a:x=http://b",
            "a=http://",
            "a=http://b:0",
            "a=http://b/c",
            "a=tcp://b",
        ] {
            assert!(Upstream::parse(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn an_upstream_serves_a_service_under_each_of_its_names() {
        for (text, host, port, expected) in [
            ("httpbin=http://b", "httpbin.default.svc.cluster.local", 1, true),
            ("httpbin.default=http://b", "httpbin.default.svc.cluster.local", 1, true),
            ("httpbin.other=http://b", "httpbin.default.svc.cluster.local", 1, false),
            ("http=http://b", "httpbin.default.svc.cluster.local", 1, false),
            ("httpbin:2=http://b", "httpbin.default.svc.cluster.local", 1, false),
            ("a.example.com=http://b", "a.example.com", 1, true),
            ("a=http://b", "a.example.com", 1, false),
        ] {
            assert_eq!(
                Upstream::parse(text).expect(text).serves(host, port),
                expected,
                "{text} for {host}"
            );
        }
    }

    #[test]
    fn a_service_that_is_not_seen_may_exist() {
        let seen = |namespaces: &[&str]| KnownServices {
            ports: HashMap::from([("a.shop.svc.cluster.local".to_owned(), vec![80])]),
            seen_in: Some(namespaces.iter().map(|name| (*name).to_owned()).collect()),
        };
        let all = KnownServices {
            seen_in: None,
            ..seen(&[])
        };
        for (services, host, expected) in [
            (KnownServices::default(), "b.shop.svc.cluster.local", true),
            (all, "b.shop.svc.cluster.local", false),
            (seen(&["shop"]), "b.shop.svc.cluster.local", false),
            (seen(&["shop"]), "b.other.svc.cluster.local", true),
            (seen(&[]), "b.shop.svc.cluster.local", true),
            (seen(&["com"]), "b.com", true),
        ] {
            assert_eq!(services.may_exist(host), expected, "{host} {services:?}");
        }
    }

    #[test]
    fn names_and_samples() {
        assert_eq!(full_name("httpbin", "foo"), "httpbin.foo.svc.cluster.local");
        assert_eq!(full_name("A.example.com", "foo"), "A.example.com");
        for (host, sample) in [
            ("httpbin.default.svc.cluster.local", Sample::Httpbin),
            ("productpage.default.svc.cluster.local", Sample::Productpage),
            ("helloworld-v1.default.svc.cluster.local", Sample::Helloworld),
            ("helloworld.default.svc.cluster.local", Sample::Helloworld),
            ("other.default.svc.cluster.local", Sample::Echo),
        ] {
            assert_eq!(sample_for(host), sample);
        }
    }
}
