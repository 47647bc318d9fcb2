//! Browsers that reuse one server's connection for another server's host, and get 404 or the wrong
//! routes.
//!
//! A client may send requests for a second host over an HTTP/2 connection if the host resolves to
//! the same address and the connection's certificate is valid for it (RFC 9113 section 9.1.1). Each
//! server that terminates TLS has its own route table, which is chosen when the connection is made.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::certificate_names::domains;
use crate::lint::codes::CONNECTION_REUSED;
use crate::lint::index::credentials::{Certificate, Credentials, Owner, Pair, TlsServer};
use crate::lint::index::pods::Pods;
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::manifests::model::gateway::TlsMode;
use crate::names::Host;

pub(super) static RULES: &[&dyn Rule] = &[&ConnectionReused];

/// How many servers are checked for one name of a certificate; one of them is reported, with the
/// number of others.
const MOST_LOOKED_AT: usize = 32;

struct ConnectionReused;

impl Rule for ConnectionReused {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CONNECTION_REUSED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let credentials = world.credentials();
        let reusable = |server: &&TlsServer<'_>| server.serves_http && server.terminates();
        let selected: BTreeSet<Pods> = credentials
            .servers
            .iter()
            .filter(|server| reusable(server) && !is_everywhere(server))
            .flat_map(|server| addresses_of(&server.pods))
            .collect();
        let mut addresses: HashMap<Address<'_>, Vec<usize>> = HashMap::new();
        let mut order: Vec<Address<'_>> = Vec::new();
        for (place, server) in credentials
            .servers
            .iter()
            .enumerate()
            .filter(|(_, server)| reusable(server))
        {
            let mut pods = addresses_of(&server.pods);
            if is_everywhere(server) {
                pods.extend(selected.iter().cloned());
                pods.sort_unstable();
                pods.dedup();
            }
            for pods in pods {
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

/// A Gateway without a selector applies to the pods of every other Gateway.
fn is_everywhere(server: &TlsServer<'_>) -> bool {
    server.selector.is_some_and(BTreeMap::is_empty)
}

/// Each pod separately: Gateways whose selectors match the same pod share its address.
fn addresses_of(pods: &Pods) -> Vec<Pods> {
    match pods {
        Pods::Known(places) => places.iter().map(|place| Pods::Known(vec![*place])).collect(),
        Pods::Unknown(_) => vec![pods.clone()],
    }
}

/// The servers at one address, by host.
struct SharedAddress<'a> {
    servers: &'a [usize],
    exact: HashMap<&'a str, usize>,
    /// Exact hosts by their parent domain.
    below: HashMap<&'a str, Vec<(&'a str, usize)>>,
    /// By the domain of `*.domain`; the empty one is `*`.
    wide: HashMap<&'a str, usize>,
    /// How many servers present a certificate.
    sharing: HashMap<*const Certificate, usize>,
    /// Certificates of several servers that were already reported.
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
                // Of two servers with the same host, the first is used and the other is dropped.
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
                        // The same host in two servers is a different mistake.
                        if server.hosts.iter().any(|own| own.name == host) {
                            continue;
                        }
                        // Of all servers with the same certificate, the first two are reported.
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

    /// Hosts for which a client accepts a certificate with this name, with their servers.
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
        // Any other name in that domain.
        let mut above = std::iter::once(domain).chain(domains(domain));
        let wide = above.find_map(|domain| self.wide.get(domain));
        reached.extend(wide.map(|server| (name.to_owned(), *server)));
        reached
    }
}

/// Whether a server presents this certificate. Each is parsed once, so pointers can be compared.
fn presents(credentials: &Credentials<'_>, server: &TlsServer<'_>, leaf: &Rc<Certificate>) -> bool {
    let mut leaves = credentials.pairs_of(server).filter_map(Pair::leaf);
    leaves.any(|known| Rc::ptr_eq(known, leaf))
}

/// A server's certificate that also covers another server's host.
struct Overlap<'a> {
    pair: &'a Pair<'a>,
    /// The certificate's name that covers the other server's host.
    name: &'a str,
    host: String,
    target: &'a TlsServer<'a>,
    answer: Answer,
}

/// The response to a request on the wrong connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// 404: the server does not know the host.
    NotFound,
    /// A response from the routes of another VirtualService.
    OtherRoutes,
}

/// Two different Gateways, one selector a subset of the other, with the same credentialName or
/// files: that is IST0138, which has its own rule.
fn is_told_by_istio(a: &TlsServer<'_>, b: &TlsServer<'_>) -> bool {
    let (Some(first), Some(second)) = (a.tls, b.tls) else {
        return false;
    };
    let (Some(wide), Some(narrow)) = (a.selector, b.selector) else {
        return false;
    };
    let within = |wide: &BTreeMap<String, String>, narrow: &BTreeMap<String, String>| {
        wide.iter().all(|(name, value)| narrow.get(name) == Some(value))
    };
    if a.owner == b.owner || !(within(wide, narrow) || within(narrow, wide)) {
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

    /// The response of `server` to a request for `host`, which `target` serves; none if it is
    /// routed correctly.
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

/// Whether a server's host covers a name, or all names of a wildcard.
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
        "the certificate in {material} is also valid for {} (through its name {}); {certificate}{others}",
        overlap.host, overlap.name
    );
    let answer = match overlap.answer {
        Answer::NotFound => "which does not know that host and answers with 404",
        Answer::OtherRoutes => "which answers from the routes of another VirtualService",
    };
    let client = if server.mode == TlsMode::Simple {
        "a browser"
    } else {
        "a client that reuses connections with a client certificate"
    };
    let why = format!(
        "{client} with an HTTP/2 connection for {first_in_words} may reuse it for {host_in_words}, because the address is the same and the certificate is valid for both (RFC 9113 section 9.1.1); the request then goes to {}, {answer}",
        server.called()
    );
    let fix = if server.owner == target.owner {
        format!(
            "put {first} and {} into one server with one certificate, or give each server a certificate for its own hosts only",
            overlap.host
        )
    } else {
        format!(
            "put {first} and {} into one server of one Gateway, or give each server a certificate for its own hosts only",
            overlap.host
        )
    };
    Finding::new(&CONNECTION_REUSED, server.host_place(own), what)
        .why(why)
        .fix(fix)
}

#[cfg(test)]
mod tests;
