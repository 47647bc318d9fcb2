//! Where browsers use one server's connection for another server's host, and
//! get 404 or the wrong routes.
//!
//! A client may send requests for a second host over an HTTP/2 connection, when
//! the host leads to the same address and the connection's certificate is valid
//! for it (RFC 9113 section 9.1.1). Each server that ends TLS has a route table
//! of its own, chosen when the connection was made.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::certificate_names::domains;
use crate::lint::codes::CONNECTION_REUSED;
use crate::lint::credentials::{Certificate, Credentials, Owner, Pair, TlsServer};
use crate::lint::workloads::Pods;
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::manifests::model::gateway::TlsMode;
use crate::names::Host;

pub(super) static RULES: &[&dyn Rule] = &[&ConnectionReused];

/// Servers that one name leads to, and that are looked at for one name of a
/// certificate; one of them is told, and how many more there are.
const MOST_LOOKED_AT: usize = 32;

struct ConnectionReused;

impl Rule for ConnectionReused {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CONNECTION_REUSED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let credentials = world.credentials();
        let mut addresses: HashMap<Address<'_>, Vec<usize>> = HashMap::new();
        let mut order: Vec<Address<'_>> = Vec::new();
        for (place, server) in credentials.servers.iter().enumerate() {
            if !server.serves_http || !server.terminates() {
                continue;
            }
            for pods in addresses_of(&server.pods) {
                let address = (pods, server.port, server.bind.as_deref());
                let at = addresses.entry(address.clone()).or_default();
                if at.is_empty() {
                    order.push(address);
                }
                at.push(place);
            }
        }
        let routes = Routes::of(world);
        let mut told = HashSet::new();
        for address in order {
            let servers = addresses.get(&address).map_or(&[][..], Vec::as_slice);
            if servers.len() > 1 {
                SharedAddress::of(credentials, servers).check(credentials, &routes, &mut told, found);
            }
        }
    }
}

/// Pods, port and bind address.
type Address<'a> = (Pods, u32, Option<&'a str>);

/// Every pod by itself: Gateways whose selectors meet in one pod share its address.
fn addresses_of(pods: &Pods) -> Vec<Pods> {
    match pods {
        Pods::Known(places) => places.iter().map(|place| Pods::Known(vec![*place])).collect(),
        Pods::Unknown(_) => vec![pods.clone()],
    }
}

/// The servers of one address, by their hosts.
struct SharedAddress<'a> {
    servers: &'a [usize],
    exact: HashMap<&'a str, usize>,
    /// Exact hosts by the domain above them.
    below: HashMap<&'a str, Vec<(&'a str, usize)>>,
    /// By the domain of `*.domain`; the empty one is `*`.
    wide: HashMap<&'a str, usize>,
    /// How many servers present a certificate.
    sharing: HashMap<*const Certificate, usize>,
    /// Certificates that several servers present, and that were told.
    told: RefCell<HashSet<*const Certificate>>,
}

impl<'a> SharedAddress<'a> {
    fn of(credentials: &'a Credentials<'_>, servers: &'a [usize]) -> Self {
        let mut shared = Self {
            servers,
            exact: HashMap::new(),
            below: HashMap::new(),
            wide: HashMap::new(),
            sharing: HashMap::new(),
            told: RefCell::default(),
        };
        for place in servers {
            let Some(server) = credentials.servers.get(*place) else {
                continue;
            };
            for leaf in credentials.pairs_of(server).filter_map(Pair::leaf) {
                *shared.sharing.entry(Rc::as_ptr(leaf)).or_default() += 1;
            }
            for host in &server.hosts {
                // Of two servers with one host, the first counts; the other is dropped.
                if let Some(domain) = host.name.strip_prefix('*') {
                    let domain = domain.strip_prefix('.').unwrap_or(domain);
                    shared.wide.entry(domain).or_insert(*place);
                } else if !shared.exact.contains_key(host.name.as_str()) {
                    shared.exact.insert(&host.name, *place);
                    let above = host.name.split_once('.').map_or("", |(_, above)| above);
                    shared.below.entry(above).or_default().push((&host.name, *place));
                }
            }
        }
        shared
    }

    /// The server to which a connection for `name` goes.
    fn server_of(&self, name: &str) -> Option<usize> {
        let exact = self.exact.get(name).copied();
        exact.or_else(|| domains(name).find_map(|domain| self.wide.get(domain).copied()))
    }

    fn check(
        &self,
        credentials: &Credentials<'_>,
        routes: &Routes<'_>,
        told: &mut HashSet<(usize, usize)>,
        found: &mut Findings,
    ) {
        for place in self.servers {
            let Some(server) = credentials.servers.get(*place) else {
                continue;
            };
            let mut overlap: Option<Overlap<'_>> = None;
            let mut others = 0_usize;
            for pair in credentials.pairs_of(server) {
                let Some(leaf) = pair.leaf() else { continue };
                for name in &leaf.names {
                    for (host, other) in self.reached(name) {
                        let Some(target) = credentials.servers.get(other) else {
                            continue;
                        };
                        let both = (other.min(*place), other.max(*place));
                        if other == *place || told.contains(&both) || is_told_by_istio(server, target) {
                            continue;
                        }
                        // Of all servers with one certificate, the first two are told.
                        let shared = presents(credentials, target, leaf);
                        if shared && self.told.borrow().contains(&Rc::as_ptr(leaf)) {
                            continue;
                        }
                        let Some(answer) = routes.answer(server, target, &host) else {
                            continue;
                        };
                        told.insert(both);
                        if shared {
                            self.told.borrow_mut().insert(Rc::as_ptr(leaf));
                            others += self.sharing.get(&Rc::as_ptr(leaf)).map_or(1, |count| count - 1);
                        } else {
                            others += 1;
                        }
                        overlap.get_or_insert(Overlap {
                            pair,
                            name,
                            host,
                            target,
                            answer,
                        });
                    }
                }
            }
            if let Some(overlap) = overlap {
                found.push(finding(credentials, server, &overlap, others.saturating_sub(1)));
            }
        }
    }

    /// Hosts for which a client takes a certificate with this name, with their servers.
    fn reached(&self, name: &str) -> Vec<(String, usize)> {
        let Some(domain) = name.strip_prefix("*.") else {
            return self
                .server_of(name)
                .map(|server| (name.to_owned(), server))
                .into_iter()
                .collect();
        };
        let exact = self.below.get(domain).into_iter().flatten().take(MOST_LOOKED_AT);
        let mut reached: Vec<(String, usize)> = exact.map(|(host, server)| ((*host).to_owned(), *server)).collect();
        // Any other name of that domain.
        let wide = std::iter::once(domain).chain(domains(domain));
        let wide = wide.filter_map(|domain| self.wide.get(domain)).next();
        reached.extend(wide.map(|server| (name.to_owned(), *server)));
        reached
    }
}

/// Whether a server presents this certificate. Each is read once, so that one place is one certificate.
fn presents(credentials: &Credentials<'_>, server: &TlsServer<'_>, leaf: &Rc<Certificate>) -> bool {
    let mut leaves = credentials.pairs_of(server).filter_map(Pair::leaf);
    leaves.any(|known| Rc::ptr_eq(known, leaf))
}

/// What one server's certificate makes a client do.
struct Overlap<'a> {
    pair: &'a Pair<'a>,
    /// The certificate's name that covers the other server's host.
    name: &'a str,
    host: String,
    target: &'a TlsServer<'a>,
    answer: Answer,
}

/// How the request is answered on the wrong connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// There is no such host.
    NotFound,
    /// By the routes of another VirtualService.
    OtherRoutes,
}

/// Two different Gateways with one credentialName or the same files: that is
/// IST0138, which compares names, and is told there.
fn is_told_by_istio(a: &TlsServer<'_>, b: &TlsServer<'_>) -> bool {
    let (Some(first), Some(second)) = (a.tls, b.tls) else {
        return false;
    };
    if a.owner == b.owner {
        return false;
    }
    let named = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
    let credential = named(&first.credential_name);
    let files = (named(&first.server_certificate), named(&first.private_key));
    (credential.is_some() && credential == named(&second.credential_name))
        || (files.0.is_some()
            && files.1.is_some()
            && files == (named(&second.server_certificate), named(&second.private_key)))
}

/// Which VirtualService answers for a host on a Gateway.
struct Routes<'a> {
    services: HashMap<(String, &'a str), usize>,
}

impl<'a> Routes<'a> {
    fn of(world: &World<'a>) -> Self {
        let mut services = HashMap::new();
        for (place, service) in world.virtual_services.iter().enumerate() {
            for gateway in &service.object.spec.gateways {
                let gateway = if gateway.contains('/') {
                    gateway.clone()
                } else {
                    format!("{}/{gateway}", service.namespace)
                };
                for host in &service.object.spec.hosts {
                    services.entry((gateway.clone(), host.as_str())).or_insert(place);
                }
            }
        }
        Self { services }
    }

    fn service(&self, gateway: &str, host: &str) -> Option<usize> {
        let get = |host: &str| self.services.get(&(gateway.to_owned(), host)).copied();
        let plain = host.strip_prefix("*.").unwrap_or(host);
        let above = (plain != host).then_some(plain).into_iter().chain(domains(plain));
        get(host).or_else(|| {
            above.into_iter().find_map(|domain| {
                if domain.is_empty() {
                    get("*")
                } else {
                    get(&format!("*.{domain}"))
                }
            })
        })
    }

    /// What a request for `host`, which `target` serves, gets from `server`;
    /// none when it is routed as it should be.
    fn answer(&self, server: &TlsServer<'_>, target: &TlsServer<'_>, host: &str) -> Option<Answer> {
        let takes = server.hosts.iter().any(|own| covers(&own.name, host));
        if !takes {
            return Some(Answer::NotFound);
        }
        // VirtualServices bind to all servers of a Gateway that have their host.
        if server.owner == target.owner || matches!(server.owner, Owner::GatewayApi(_)) {
            return None;
        }
        let meant = self.service(&target.full_name, host)?;
        match self.service(&server.full_name, host) {
            Some(other) if other == meant => None,
            Some(_) => Some(Answer::OtherRoutes),
            None => Some(Answer::NotFound),
        }
    }
}

/// Whether a server's host takes a name, or all names of a wildcard.
fn covers(own: &str, name: &str) -> bool {
    match own.strip_prefix('*') {
        Some(suffix) => name == own || (name.len() > suffix.len() && name.ends_with(suffix)),
        None => own == name,
    }
}

fn finding(credentials: &Credentials<'_>, server: &TlsServer<'_>, overlap: &Overlap<'_>, more: usize) -> Finding {
    let target = overlap.target;
    let own = server.hosts.iter().position(|host| {
        let host = Host::parse(&host.name);
        host.is_ok_and(|host| overlap.pair.leaf().is_some_and(|leaf| leaf.covers(&host)))
    });
    let own = own.unwrap_or(0);
    let first = server.hosts.get(own).map_or("", |host| host.name.as_str());
    let first_in_words = match first.strip_prefix("*.") {
        Some(domain) => format!("a name below {domain}"),
        None => first.to_owned(),
    };
    let host_in_words = match overlap.host.strip_prefix("*.") {
        Some(domain) => format!("another name below {domain}"),
        None => overlap.host.clone(),
    };
    let same = credentials
        .pairs_of(target)
        .find(|pair| match (pair.leaf(), overlap.pair.leaf()) {
            (Some(a), Some(b)) => a.der == b.der,
            _ => false,
        });
    let material = overlap.pair.certificate.name();
    let others = match more {
        0 => String::new(),
        1 => ", and so does another server".to_owned(),
        more if more < MOST_LOOKED_AT - 1 || same.is_some() => format!(", and so do {more} other servers"),
        _ => ", and so do many other servers".to_owned(),
    };
    let certificate = match same {
        Some(pair) if pair.certificate.is(&overlap.pair.certificate) => {
            format!("{} presents the same certificate, {material}", target.called())
        }
        Some(pair) => format!(
            "{} presents the same certificate, from {}",
            target.called(),
            pair.certificate.name()
        ),
        None => {
            let theirs = credentials.pairs_of(target).next();
            let theirs = theirs.map_or_else(String::new, |pair| {
                format!(" with the certificate in {}", pair.certificate.name())
            });
            format!("{} serves {}{theirs}", target.called(), overlap.host)
        }
    };
    let what = format!(
        "the certificate in {material} is valid for {} by its name {}; {certificate}{others}",
        overlap.host, overlap.name
    );
    let answer = match overlap.answer {
        Answer::NotFound => "which does not know that host and answers 404",
        Answer::OtherRoutes => "which answers by the routes of another VirtualService",
    };
    let client = if server.mode == TlsMode::Simple {
        "a browser"
    } else {
        "a client that reuses connections with a client certificate"
    };
    let why = format!(
        "{client} with an HTTP/2 connection for {first_in_words} may use it for {host_in_words} too, since the address is the same and the certificate is valid for both (RFC 9113 section 9.1.1); the request then comes to {}, {answer}",
        server.called()
    );
    let fix = if server.owner == target.owner {
        format!(
            "put {first} and {} into one server with one certificate, or give each server a certificate of its own hosts only",
            overlap.host
        )
    } else {
        format!(
            "put {first} and {} into one server of one Gateway, or give each server a certificate of its own hosts only",
            overlap.host
        )
    };
    Finding::new(&CONNECTION_REUSED, server.host_place(own), what)
        .why(why)
        .fix(fix)
}

#[cfg(test)]
mod tests {
    use super::covers;
    use crate::certs::Chain;
    use crate::certs::plan::San;
    use crate::lint::testing::{gateway, issue, lint_yaml, only, plan, secret_of};

    fn named(names: &[&str]) -> Chain {
        let mut plan = plan(names.first().expect("a name"));
        plan.sans = names.iter().map(|name| San::parse(name).expect("a name")).collect();
        issue(&plan)
    }

    const C: &str = "mode: SIMPLE, credentialName: c";
    const D: &str = "mode: SIMPLE, credentialName: d";

    fn service(name: &str, host: &str, gateways: &str) -> String {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {name}, namespace: default}}\nspec:\n  hosts: [{host}]\n  gateways: [{gateways}]\n  http: [{{route: [{{destination: {{host: h}}}}]}}]\n"
        )
    }

    /// How often connections are reused, by what is in the input.
    #[test]
    fn servers_of_one_address_do_not_share_names() {
        let wildcard = named(&["*.example.com"]);
        let (a, b) = (named(&["a.example.com"]), named(&["b.example.com"]));
        let both = named(&["a.example.com", "b.example.com"]);
        let secrets = |c: &Chain, d: &Chain| secret_of("c", c) + &secret_of("d", d);
        let pair = |c: &Chain, d: &Chain| {
            gateway("one", &[("a.example.com", C)]) + &gateway("two", &[("b.example.com", D)]) + &secrets(c, d)
        };
        let second = |change: (&str, &str)| pair(&wildcard, &wildcard).replacen(change.0, change.1, 1);
        for (case, yaml, count) in [
            ("certificates of their own", pair(&a, &b), 0),
            (
                "one server",
                gateway("one", &[("a.example.com, b.example.com", C)]) + &secret_of("c", &wildcard),
                0,
            ),
            (
                "the same names in one server of two certificates",
                gateway("one", &[("a.example.com", "mode: SIMPLE, credentialNames: [c, d]")]) + &secrets(&wildcard, &a),
                0,
            ),
            (
                "other pods",
                second(("selector: {istio: ingressgateway}", "selector: {istio: other}")),
                0,
            ),
            ("another port", second(("number: 443", "number: 8443")), 0),
            (
                "another address",
                second(("    hosts:", "    bind: 10.0.0.1\n    hosts:")),
                0,
            ),
            ("no HTTP", second(("protocol: HTTPS", "protocol: TLS")), 0),
            ("passed on", second(("mode: SIMPLE", "mode: PASSTHROUGH")), 0),
            (
                "a name that nobody serves",
                pair(&named(&["a.example.com", "c.example.com"]), &b),
                0,
            ),
            (
                "a wildcard one label too high",
                gateway("one", &[("a.example.com", C)])
                    + &gateway("two", &[("b.b.example.com", D)])
                    + &secrets(&wildcard, &named(&["b.b.example.com"])),
                0,
            ),
            // The name of the Secret tells Istio enough: IST0138.
            (
                "one Secret in two Gateways",
                gateway("one", &[("a.example.com", C)])
                    + &gateway("two", &[("b.example.com", C)])
                    + &secret_of("c", &wildcard),
                0,
            ),
            (
                "a wildcard host whose routes are those of the Gateway",
                gateway("one", &[("\"*.example.com\"", C), ("b.example.com", D)]) + &secrets(&wildcard, &b),
                0,
            ),
            (
                "a VirtualService that is bound to both",
                gateway("one", &[("\"*.example.com\"", C)])
                    + &gateway("two", &[("b.example.com", D)])
                    + &secrets(&wildcard, &b)
                    + &service("v", "b.example.com", "one, two"),
                0,
            ),
            ("one certificate in two Secrets", pair(&wildcard, &wildcard), 1),
            ("a wildcard over the other's host", pair(&wildcard, &b), 1),
            ("a name of the other's host", pair(&both, &b), 1),
            (
                "one Secret in two servers of a Gateway",
                gateway("one", &[("a.example.com", C), ("b.example.com", C)]) + &secret_of("c", &wildcard),
                1,
            ),
            (
                "a host that goes to the server for everything else",
                gateway("one", &[("a.example.com", C), ("\"*\"", D)]) + &secrets(&both, &b),
                1,
            ),
            (
                "an exact host below another server's wildcard",
                gateway("one", &[("a.example.com", C)])
                    + &gateway("two", &[("\"*.example.com\"", D)])
                    + &secrets(&wildcard, &wildcard),
                1,
            ),
            (
                "a wildcard host whose Gateway has other routes",
                gateway("one", &[("\"*.example.com\"", C)])
                    + &gateway("two", &[("b.example.com", D)])
                    + &secrets(&wildcard, &b)
                    + &service("v", "b.example.com", "two")
                    + &service("w", "\"*.example.com\"", "one"),
                1,
            ),
            (
                "a wildcard host whose Gateway has no routes for it",
                gateway("one", &[("\"*.example.com\"", C)])
                    + &gateway("two", &[("b.example.com", D)])
                    + &secrets(&wildcard, &b)
                    + &service("v", "b.example.com", "two"),
                1,
            ),
            (
                "three servers of one certificate",
                gateway(
                    "one",
                    &[("a.example.com", C), ("b.example.com", C), ("c.example.com", C)],
                ) + &secret_of("c", &wildcard),
                1,
            ),
        ] {
            let found = lint_yaml(&yaml).findings;
            let of_code = found.iter().filter(|finding| finding.code == "ITL0801").count();
            assert_eq!(of_code, count, "{case}");
        }
    }

    #[test]
    fn servers_secrets_and_the_name_are_said() {
        let wildcard = named(&["*.example.com"]);
        let yaml = gateway("one", &[("a.example.com", C)])
            + &gateway("two", &[("b.example.com", D)])
            + &secret_of("c", &wildcard)
            + &secret_of("d", &named(&["b.example.com"]));
        let found = only(&yaml, "ITL0801");
        assert_eq!(
            found.what,
            "the certificate in tls.crt of secret istio-system/c is valid for b.example.com by its name *.example.com; \
             server https-two-0 of Gateway default/two serves b.example.com with the certificate in tls.crt of secret istio-system/d"
        );
        assert!(
            found
                .why
                .ends_with("server https-one-0 of Gateway default/one, which does not know that host and answers 404")
        );
        assert!(
            found
                .fix
                .starts_with("put a.example.com and b.example.com into one server"),
            "{}",
            found.fix
        );
        assert_eq!(
            (found.object.as_str(), found.path.as_str()),
            ("Gateway default/one", "spec.servers[0].hosts[0]")
        );
        let same = gateway("one", &[("a.example.com", C)])
            + &gateway("two", &[("b.example.com", D)])
            + &secret_of("c", &wildcard)
            + &secret_of("d", &wildcard);
        let found = only(&same, "ITL0801");
        assert!(
            found.what.ends_with("server https-two-0 of Gateway default/two presents the same certificate, from tls.crt of secret istio-system/d"),
            "{}",
            found.what
        );
    }

    #[test]
    fn listeners_of_the_gateway_api_are_servers_too() {
        let listener = |name: &str, host: &str| {
            format!(
                "{{name: {name}, hostname: {host}, port: 443, protocol: HTTPS, tls: {{certificateRefs: [{{name: c}}]}}}}"
            )
        };
        let gateway = |listeners: &str| {
            format!(
                "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g, namespace: istio-system}}\nspec:\n  listeners: [{listeners}]\n"
            )
        };
        let secret = secret_of("c", &named(&["*.example.com"]));
        let (a, b) = (listener("a", "a.example.com"), listener("b", "b.example.com"));
        let found = only(&(gateway(&format!("{a}, {b}")) + &secret), "ITL0801");
        assert_eq!(found.path, "spec.listeners[0].hostname");
        let alone = lint_yaml(&(gateway(&a) + &secret)).findings;
        assert!(alone.iter().all(|finding| finding.code != "ITL0801"));
        // Gateways of the Gateway API have pods, and so addresses, of their own.
        let apart = gateway(&a) + &gateway(&b).replace("name: g", "name: h") + &secret;
        assert!(
            lint_yaml(&apart)
                .findings
                .iter()
                .all(|finding| finding.code != "ITL0801")
        );
    }

    #[test]
    fn hosts_take_names() {
        for (own, name, expected) in [
            ("*", "a.com", true),
            ("*.a.com", "b.a.com", true),
            ("*.a.com", "c.b.a.com", true),
            ("*.a.com", "*.a.com", true),
            ("*.a.com", "a.com", false),
            ("*.b.a.com", "*.a.com", false),
            ("a.com", "a.com", true),
            ("a.com", "b.com", false),
        ] {
            assert_eq!(covers(own, name), expected, "{own} {name}");
        }
    }

    #[test]
    fn one_certificate_of_many_servers_is_told_once() {
        let wildcard = named(&["*.example.com"]);
        let hosts: Vec<String> = (0..500).map(|number| format!("h{number}.example.com")).collect();
        let servers: Vec<(&str, &str)> = hosts.iter().map(|host| (host.as_str(), C)).collect();
        let found = only(&(gateway("one", &servers) + &secret_of("c", &wildcard)), "ITL0801");
        assert!(found.what.ends_with("and so do 498 other servers"), "{}", found.what);
    }
}
