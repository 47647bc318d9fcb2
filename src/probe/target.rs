//! Determines the dials and expectations from the hosts (of the workspace or not), flags and the
//! gateway's address. Pure.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::codes::Code;
use super::dial::{Endpoint, TlsVersions};
use super::expectation::{Check, ClientPair, Entry, Expectation, ExpectedStatus, Place, Trust};
use super::verdict::Verdict;
use crate::manifests::routes::sample_request;
use crate::names::Host;
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::workspace::config::{Mode, RouteEntry};
use crate::workspace::running::RunningServe;

/// The HTTPS port.
pub const DEFAULT_PORT: u16 = 443;

/// A host to probe, with what the workspace knows about it.
#[derive(Clone)]
pub struct ProbedHost {
    /// The host.
    pub host: Host,
    /// The port typed with it: in that case the name itself is dialled.
    pub port: Option<u16>,
    /// The path typed with it.
    pub path: Option<String>,
    /// Its mode; none outside the workspace.
    pub mode: Option<Mode>,
    /// The workspace's entry for it.
    pub entry: Option<Entry>,
    /// A similar host of the workspace, if the host may be a typo.
    pub meant: Option<Host>,
    /// Its recorded routes.
    pub routes: Vec<RouteEntry>,
    /// What is trusted for it.
    pub trust: Arc<Trust>,
    /// The client's certificate and key, ready for use, or why they cannot be used.
    pub client: Option<Result<Arc<ClientPair>, Verdict>>,
}

/// The flags; each overrides the workspace individually.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// `--mtls`: prove both halves.
    pub mtls: bool,
    /// `--sni`.
    pub sni: Option<String>,
    /// `--path`.
    pub path: Option<String>,
    /// `--expect-status`.
    pub status: Option<u16>,
    /// `--tls`.
    pub versions: TlsVersions,
    /// `--alpn`; empty means the defaults.
    pub alpn: Vec<String>,
    /// `--resolve`.
    pub resolve: Vec<ResolveRule>,
}

/// One `--resolve HOST:PORT:ADDRESS`, as in curl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveRule {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// Its address.
    pub address: IpAddr,
}

impl ResolveRule {
    /// Parses `HOST:PORT:ADDRESS`.
    ///
    /// # Errors
    /// If a part is missing or invalid.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let bad = |why: &str| {
            Problem::new(format!("{text:?} is not HOST:PORT:ADDRESS"))
                .why(why)
                .fix("--resolve httpbin.example.com:8443:127.0.0.1")
        };
        let mut parts = text.splitn(3, ':');
        let (Some(host), Some(port), Some(address)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad("it has fewer than three parts"));
        };
        let address = address.trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            host: Host::parse(host)?,
            port: port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| bad("the port is not a number from 1 to 65535"))?,
            address: address
                .parse()
                .map_err(|_| bad("the third part is not an IP address"))?,
        })
    }
}

/// Where the gateway is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A running `serve`.
    Running(RunningServe),
    /// INGRESS_HOST and SECURE_INGRESS_PORT, the address found in a cluster, or `--target
    /// ADDR[:PORT]`.
    Address {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
        /// The HTTP port, if known.
        plain_port: Option<u16>,
        /// Its source.
        place: Place,
    },
    /// None: each host without its own endpoint fails.
    None,
}

/// The failure of a host without a gateway.
pub fn no_gateway() -> Verdict {
    Verdict::new(
        Code::NoLocalGateway,
        "no local gateway is running here",
        "a running serve of this workspace, or INGRESS_HOST",
        "neither",
        Remedy::from(ours::serve()).and(
            " in another terminal; or set INGRESS_HOST and SECURE_INGRESS_PORT; or pass --target cluster or --target ADDRESS:PORT",
        ),
    )
}

/// Parses `--target ADDR[:PORT]`: a name or an address; the default port is 443.
///
/// # Errors
/// If the port is not a number, or the host is invalid.
pub fn parse_address(text: &str) -> Result<(String, u16), Problem> {
    let (host, port) = split_port(text)?;
    Ok((Host::parse(&host)?.to_string(), port.unwrap_or(DEFAULT_PORT)))
}

/// Splits `HOST[:PORT]`; IPv6 addresses with a port need brackets.
///
/// # Errors
/// If the part after the colon is not a port.
pub fn split_port(text: &str) -> Result<(String, Option<u16>), Problem> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok((text.to_owned(), None));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !text.ends_with(']') => {
            let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
                Problem::new(format!("{text:?} is not HOST:PORT"))
                    .why(format!("{port:?} is not a port number from 1 to 65535"))
            })?;
            Ok((
                host.trim_start_matches('[').trim_end_matches(']').to_owned(),
                Some(port),
            ))
        }
        _ => Ok((text.to_owned(), None)),
    }
}

/// All dials that the hosts need.
pub fn expectations(hosts: &[ProbedHost], wishes: &Wishes, target: &Target) -> Vec<Expectation> {
    hosts
        .iter()
        .flat_map(|host| {
            let base = base(host, wishes, target);
            if wishes.mtls {
                both_halves(host, &base)
            } else {
                vec![base]
            }
        })
        .collect()
}

fn base(probed: &ProbedHost, wishes: &Wishes, target: &Target) -> Expectation {
    // A wildcard is probed with a name that it covers.
    let host = match probed.host.as_str().strip_prefix("*.") {
        Some(rest) => Host::parse(&format!("any.{rest}")).unwrap_or_else(|_| probed.host.clone()),
        None => probed.host.clone(),
    };
    let sample = sample_request(&probed.host, &probed.routes);
    let path = wishes
        .path
        .as_ref()
        .or(probed.path.as_ref())
        .unwrap_or(&sample.path)
        .clone();
    let status = match wishes.status {
        Some(status) => ExpectedStatus::Exactly(status),
        // The sample's status is known only for its own path.
        None if path == sample.path && probed.mode.is_some() => sample.status,
        None => ExpectedStatus::Served,
    };
    let (endpoint, place) = endpoint(probed, &host, wishes, target);
    let mut blocked = None;
    let client = match &probed.client {
        Some(Ok(pair)) if probed.mode != Some(Mode::Simple) => Some(Arc::clone(pair)),
        Some(Err(verdict)) => {
            blocked = Some(verdict.clone());
            None
        }
        _ => None,
    };
    if endpoint.is_none() {
        blocked = Some(no_gateway());
    }
    Expectation {
        endpoint: endpoint.unwrap_or(Endpoint::Name {
            name: host.to_string(),
            port: DEFAULT_PORT,
        }),
        label: String::new(),
        check: Check::Served,
        place,
        sni: wishes
            .sni
            .clone()
            .or_else(|| host.ip().is_none().then(|| host.to_string())),
        authority: authority(&host),
        trust: Arc::clone(&probed.trust),
        client,
        path: if path.starts_with('/') {
            path
        } else {
            format!("/{path}")
        },
        status,
        mode: probed.mode,
        entry: probed.entry.clone(),
        meant: probed.meant.clone(),
        hand_written: None,
        versions: wishes.versions,
        alpn: if wishes.alpn.is_empty() {
            vec!["h2".to_owned(), "http/1.1".to_owned()]
        } else {
            wishes.alpn.clone()
        },
        alpn_demanded: !wishes.alpn.is_empty(),
        over: None,
        blocked,
        host,
    }
}

/// The host as written in a request.
pub fn authority(host: &Host) -> String {
    match host.ip() {
        Some(IpAddr::V6(address)) => format!("[{address}]"),
        _ => host.to_string(),
    }
}

fn endpoint(probed: &ProbedHost, host: &Host, wishes: &Wishes, target: &Target) -> (Option<Endpoint>, Place) {
    let wanted_port = probed.port.or(match target {
        Target::Address { port, .. } => Some(*port),
        Target::Running(_) | Target::None => None,
    });
    let rule = wishes
        .resolve
        .iter()
        .find(|rule| &rule.host == host && probed.port.is_none_or(|port| rule.port == port));
    if let Some(rule) = rule {
        return (
            Some(Endpoint::Address(SocketAddr::new(rule.address, rule.port))),
            Place::Given,
        );
    }
    match (target, probed.port) {
        (Target::Address { host, place, .. }, _) => (Some(named(host, wanted_port.unwrap_or(DEFAULT_PORT))), *place),
        (Target::Running(serve), Some(port)) if own_listener(probed, serve, port).is_some() => {
            (own_listener(probed, serve, port), Place::Local)
        }
        (_, Some(port)) => (Some(named(host.as_str(), port)), Place::Given),
        (Target::Running(serve), None) => {
            let tls = || serve.listeners.iter().filter(|listener| listener.tls);
            let listener = tls()
                .find(|listener| listener.port == DEFAULT_PORT)
                .or_else(|| tls().next());
            (
                listener.map(|listener| Endpoint::Address(reachable(listener.address))),
                Place::Local,
            )
        }
        (Target::None, None) => (None, Place::Local),
    }
}

/// The listener of the running `serve` if a workspace host was typed with its port: `serve` prints
/// such URLs, but no resolver knows the host.
fn own_listener(probed: &ProbedHost, serve: &RunningServe, port: u16) -> Option<Endpoint> {
    let is_own = probed.entry.is_some() && probed.host.ip().is_none();
    let mut listeners = serve.listeners.iter().filter(|listener| is_own && listener.tls);
    let listener = listeners.find(|listener| listener.address.port() == port)?;
    Some(Endpoint::Address(reachable(listener.address)))
}

/// A listener on all addresses is reached through loopback.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), address.port()),
        _ => address,
    }
}

fn named(host: &str, port: u16) -> Endpoint {
    match host.parse() {
        Ok(ip) => Endpoint::Address(SocketAddr::new(ip, port)),
        Err(_) => Endpoint::Name {
            name: host.to_owned(),
            port,
        },
    }
}

/// `--mtls`: refused without a certificate and served with one, in TLS 1.2 and in TLS 1.3, where
/// the refusal comes later.
fn both_halves(probed: &ProbedHost, base: &Expectation) -> Vec<Expectation> {
    let versions = match base.versions {
        TlsVersions::Any => vec![TlsVersions::Tls12, TlsVersions::Tls13],
        one => vec![one],
    };
    let unreachable = base
        .blocked
        .as_ref()
        .filter(|verdict| verdict.code == Code::NoLocalGateway);
    // For a host recorded as simple, the workspace's client certificate is sent anyway: the check
    // that fails is the missing refusal.
    let pair = probed.client.as_ref().and_then(|client| client.as_ref().ok()).cloned();
    let mut checks = Vec::new();
    for check in [Check::RefusedWithoutCertificate, Check::ServedWithCertificate] {
        for version in &versions {
            let name = if *version == TlsVersions::Tls12 {
                "TLS 1.2"
            } else {
                "TLS 1.3"
            };
            let (label, client, blocked) = match check {
                Check::RefusedWithoutCertificate => ("without a client certificate", None, unreachable.cloned()),
                Check::ServedWithCertificate | Check::Served => {
                    ("with the client certificate", pair.clone(), base.blocked.clone())
                }
            };
            checks.push(Expectation {
                label: format!("{label}, {name}"),
                check,
                client,
                blocked,
                versions: *version,
                ..base.clone()
            });
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{ProbedHost, ResolveRule, Target, Wishes, expectations, parse_address, split_port};
    use crate::names::Host;
    use crate::probe::codes::Code;
    use crate::probe::dial::{Endpoint, TlsVersions};
    use crate::probe::expectation::{Check, ExpectedStatus, Place, Trust};
    use crate::workspace::config::Mode;
    use crate::workspace::running::{RunningListener, RunningServe};

    fn host(name: &str, mode: Option<Mode>) -> ProbedHost {
        ProbedHost {
            host: Host::parse(name).expect("a host"),
            port: None,
            path: None,
            mode,
            entry: None,
            meant: None,
            routes: Vec::new(),
            trust: Arc::new(Trust::default()),
            client: None,
        }
    }

    fn serve() -> Target {
        let listener = |port, local, tls| RunningListener {
            port,
            address: format!("0.0.0.0:{local}").parse().expect("an address"),
            tls,
        };
        Target::Running(RunningServe {
            schema: 1,
            id: "0".repeat(32),
            pid: 1,
            admin: "127.0.0.1:15000".parse().expect("an address"),
            listeners: vec![listener(80, 8080, false), listener(443, 8443, true)],
            manifests: None,
        })
    }

    #[test]
    fn a_plain_probe_asks_the_running_gateway_for_the_sample() {
        let made = expectations(
            &[host("httpbin.example.com", Some(Mode::Mutual))],
            &Wishes::default(),
            &serve(),
        );
        assert_eq!(made.len(), 1);
        assert_eq!(made[0].endpoint.to_string(), "127.0.0.1:8443");
        assert_eq!(made[0].path, "/status/418");
        assert_eq!(made[0].status, ExpectedStatus::Exactly(418));
        assert_eq!(made[0].sni.as_deref(), Some("httpbin.example.com"));
        assert_eq!(made[0].place, Place::Local);
    }

    #[test]
    fn mtls_makes_four_checks() {
        let wishes = Wishes {
            mtls: true,
            ..Wishes::default()
        };
        let made = expectations(&[host("a.example.com", Some(Mode::Mutual))], &wishes, &serve());
        let checks: Vec<(Check, TlsVersions)> = made.iter().map(|one| (one.check, one.versions)).collect();
        assert_eq!(
            checks,
            [
                (Check::RefusedWithoutCertificate, TlsVersions::Tls12),
                (Check::RefusedWithoutCertificate, TlsVersions::Tls13),
                (Check::ServedWithCertificate, TlsVersions::Tls12),
                (Check::ServedWithCertificate, TlsVersions::Tls13),
            ]
        );
    }

    #[test]
    fn flags_beat_the_workspace_one_by_one() {
        let wishes = Wishes {
            path: Some("get".to_owned()),
            sni: Some("other.example.com".to_owned()),
            alpn: vec!["http/1.1".to_owned()],
            resolve: vec![ResolveRule::parse("httpbin.example.com:9443:127.0.0.2").expect("a rule")],
            ..Wishes::default()
        };
        let made = expectations(&[host("httpbin.example.com", Some(Mode::Simple))], &wishes, &serve());
        let one = &made[0];
        assert_eq!((one.path.as_str(), one.status), ("/get", ExpectedStatus::Served));
        assert_eq!(one.sni.as_deref(), Some("other.example.com"));
        assert_eq!(one.endpoint.to_string(), "127.0.0.2:9443");
        assert!(one.alpn_demanded);
    }

    #[test]
    fn without_a_gateway_every_host_fails_before_a_dial() {
        let made = expectations(&[host("a.example.com", None)], &Wishes::default(), &Target::None);
        assert_eq!(
            made[0].blocked.as_ref().map(|verdict| verdict.code),
            Some(Code::NoLocalGateway)
        );
    }

    #[test]
    fn wildcards_and_addresses_are_asked_for_by_what_clients_send() {
        let made = expectations(
            &[host("*.a.com", Some(Mode::Simple)), host("::1", Some(Mode::Simple))],
            &Wishes::default(),
            &serve(),
        );
        assert_eq!(made[0].sni.as_deref(), Some("any.a.com"));
        assert_eq!(made[1].sni, None);
        assert_eq!(made[1].authority, "[::1]");
    }

    #[test]
    fn addresses_with_and_without_a_port() {
        assert_eq!(parse_address("10.0.0.1").expect("one"), ("10.0.0.1".to_owned(), 443));
        assert_eq!(parse_address("[::1]:8443").expect("one"), ("::1".to_owned(), 8443));
        assert_eq!(split_port("::1").expect("one"), ("::1".to_owned(), None));
        assert_eq!(split_port("a.com:1").expect("one"), ("a.com".to_owned(), Some(1)));
        for text in ["a.com:x", "a.com:0", "a.com:65536"] {
            assert!(parse_address(text).is_err(), "{text}");
        }
        assert!(ResolveRule::parse("a.com:443").is_err());
        let named = host("b.example.com", None);
        let named = ProbedHost { port: Some(9), ..named };
        let made = expectations(&[named], &Wishes::default(), &Target::None);
        assert!(matches!(&made[0].endpoint, Endpoint::Name { port: 9, .. }));
    }
}
