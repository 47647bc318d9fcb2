//! Builds the routing table: merged Gateways, the VirtualServices bound to
//! their servers, and the material of each server. Pure but for the material's
//! files, which come through [`MaterialFiles`](crate::secrets::MaterialFiles).

use std::collections::HashSet;
use std::sync::Arc;

use super::bound::{Bound, domains};
use super::clusters::Clusters;
use super::crl_coverage;
use super::delegates::Delegates;
use super::field::Field;
use super::input::{Input, Object};
use super::material::{MaterialError, MaterialReader};
use super::merge::{self, MergedPort, MergedServer, PlainKind};
use super::note::Notes;
use super::route_scope::{Building, RouteScope};
use super::running::RunningMaterial;
use super::table::{
    ClientAuth, Filter, FilterChain, Listener, ListenerProtocol, SniTable, Table, TlsMaterial, Transport,
};
use super::virtual_hosts::VirtualHosts;
use super::{gateway_api, routes, tcp_routes};
use crate::manifests::model::gateway::{ServerTlsSettings, TlsMode, TlsProtocol};
use crate::manifests::model::virtual_service::VirtualServiceSpec;
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::secrets::SecretStore;
use crate::sources::live::ObjectId;

/// A routing table, and what its user should be told.
pub struct Built {
    /// The table.
    pub table: Table,
    /// What is dropped, ignored, missing or not run; the gateway serves the rest.
    pub notes: Notes,
    /// Key material that exists but is broken. It is part of the table as under Istio
    /// (its SNI is reset), but no reason to give up a configuration that worked.
    pub invalid: Vec<Invalid>,
    /// The table's key material, for the next one.
    pub running: RunningMaterial,
}

/// Broken material of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong.
    pub problem: Problem,
    /// The server's Gateway.
    pub gateway: ObjectId,
    /// The Secrets that were looked at.
    pub secrets: Vec<ObjectId>,
}

/// Builds the table of `input`, with the Secrets of `store`. A server whose Secret is
/// no longer there keeps what `running` has for it.
pub fn build(input: &Input<'_>, store: &SecretStore<'_>, running: &RunningMaterial) -> Built {
    let mut notes = Notes::default();
    let ports = merge::merge(&input.gateways, &input.pod_labels, &mut notes);
    let mut builder = Builder {
        input,
        bound: Bound::of(input),
        delegates: Delegates::of(input),
        clusters: Clusters::new(&input.upstreams, &input.services),
        material: MaterialReader::new(store, &input.crls),
        notes,
        invalid: Vec::new(),
        before: running,
        depends_on_hosts: !store.folders.is_empty(),
        running: RunningMaterial::default(),
    };
    let mut listeners: Vec<Listener> = Vec::new();
    for port in &ports {
        if listeners.iter().any(|open| open.port == port.number) {
            builder.note_second_bind(port);
        } else if let Some(listener) = builder.listener(port) {
            listeners.push(listener);
        }
    }
    let Builder {
        clusters,
        mut notes,
        invalid,
        running,
        ..
    } = builder;
    // A VirtualService's field is looked at once for every server that it binds to.
    let mut seen = HashSet::new();
    notes.retain(|note| seen.insert(note.to_string()));
    Built {
        table: Table {
            listeners,
            clusters: clusters.list,
        },
        notes,
        invalid,
        running,
    }
}

const WHY_KEPT: &str =
    "a running proxy keeps a Secret that is deleted; one that starts later does not get it, and resets connections";

struct Builder<'a> {
    input: &'a Input<'a>,
    bound: Bound<'a>,
    delegates: Delegates<'a>,
    clusters: Clusters<'a>,
    material: MaterialReader<'a>,
    notes: Notes,
    invalid: Vec<Invalid>,
    /// The key material of the table before.
    before: &'a RunningMaterial,
    /// Whether the same settings may mean other material for other hosts.
    depends_on_hosts: bool,
    running: RunningMaterial,
}

impl<'a> Builder<'a> {
    fn listener(&mut self, port: &MergedPort<'_>) -> Option<Listener> {
        let plain = self.plain(port);
        let protocol = match plain {
            Some(Filter::Http(routes)) if port.tls.is_empty() => ListenerProtocol::Http(routes),
            Some(Filter::Tcp(route)) if port.tls.is_empty() => ListenerProtocol::Tcp(route),
            plain => ListenerProtocol::Tls(self.chains(port, plain)?),
        };
        Some(Listener {
            port: port.number,
            protocol,
        })
    }

    fn note_second_bind(&mut self, port: &MergedPort<'_>) {
        for server in port.plain.iter().chain(&port.tls) {
            self.notes.push_limit(
                Problem::new(format!(
                    "serve does not open port {} a second time, for bind {:?}",
                    port.number, port.bind
                ))
                .at(server.place.child("bind").locate())
                .why("it opens each port of the Gateways once, on the address of --bind"),
            );
        }
    }

    /// What becomes of connections to the servers of a port that have no TLS.
    fn plain(&mut self, port: &MergedPort<'_>) -> Option<Filter> {
        match port.plain_kind {
            PlainKind::Http if port.plain.is_empty() => None,
            PlainKind::Http => {
                let mut hosts = VirtualHosts::default();
                for server in &port.plain {
                    self.bind(server, port.number, false, &mut hosts);
                }
                Some(Filter::Http(Arc::new(hosts.into_table())))
            }
            PlainKind::Tcp => {
                let server = port.plain.first()?;
                let effect = format!("port {} is not opened for it", port.number);
                self.tcp_filter(server, port.number, &effect)
            }
        }
    }

    /// The filter chains of a port. None: none is left, and the port is not opened.
    fn chains(&mut self, port: &MergedPort<'_>, plain: Option<Filter>) -> Option<SniTable> {
        let mut table = SniTable::default();
        for server in &port.tls {
            self.chain(server, port.number, &mut table);
        }
        if let (Some(filter), Some(server)) = (plain, port.plain.first()) {
            let chain = FilterChain {
                name: chain_name(server),
                transport: Transport::Raw,
                filter,
            };
            let any = ["*".to_owned()];
            self.insert(
                &any,
                &Arc::new(chain),
                &mut table,
                port.number,
                &server.place.child("port"),
            );
        }
        table.chains().next()?;
        Some(table)
    }

    /// Adds the filter chains of a TLS server.
    fn chain(&mut self, server: &MergedServer<'_>, port: u16, table: &mut SniTable) {
        let Some(tls) = &server.server.tls else { return };
        let mode = tls.effective_mode();
        match mode {
            TlsMode::Passthrough => return self.pass_through(server, port, table),
            TlsMode::AutoPassthrough | TlsMode::IstioMutual => return self.close(server, mode, port, table),
            TlsMode::Simple | TlsMode::Mutual | TlsMode::OptionalMutual => {}
        }
        let place = server.place.child("tls");
        let filter = if merge::speaks_https(server.server) {
            let mut virtual_hosts = VirtualHosts::default();
            self.bind(server, port, true, &mut virtual_hosts);
            Filter::Http(Arc::new(virtual_hosts.into_table()))
        } else {
            let effect = format!("{} are not served by it", names(server));
            let Some(filter) = self.tcp_filter(server, port, &effect) else {
                return;
            };
            filter
        };
        self.note_ignored(tls, &place);
        let hosts = names_of(server);
        let material = self.material(server, tls, &hosts, &place);
        self.note_uncovered(material.as_deref().ok(), server, &place);
        let chain = FilterChain {
            name: chain_name(server),
            transport: Transport::Tls(material),
            filter,
        };
        self.insert(&hosts, &Arc::new(chain), table, port, &server.place.child("hosts"));
    }

    /// The key material of a server, or why it has none, which is also noted.
    fn material(
        &mut self,
        server: &MergedServer<'_>,
        tls: &ServerTlsSettings,
        hosts: &[String],
        place: &Field<'_>,
    ) -> Result<Arc<TlsMaterial>, String> {
        let asked_by = if self.depends_on_hosts { hosts } else { &[] };
        let read = if server.of_gateway_api {
            self.material.read_granted(tls, hosts)
        } else {
            self.material.read(tls, hosts)
        };
        let error = match read {
            Ok(material) => {
                let material = Arc::new(material);
                self.running.insert(tls, asked_by, Arc::clone(&material));
                return Ok(material);
            }
            Err(error) => error,
        };
        let mut problem = located(error.problem().clone(), tls, place);
        let reason = match &problem.why {
            Some(why) => format!("{}: {why}", problem.what),
            None => problem.what.clone(),
        };
        match error {
            MaterialError::Missing(_) => {
                let before = self.before.get(tls, asked_by).cloned();
                let effect = match &before {
                    Some(_) => format!("the last one stays in use for {}", names(server)),
                    None => format!("connections to {} are reset", names(server)),
                };
                problem.what = format!("{}; {effect}", problem.what);
                if let Some(material) = before {
                    problem.why = Some(WHY_KEPT.to_owned());
                    self.notes.push_still_runs(problem);
                    self.running.insert(tls, asked_by, Arc::clone(&material));
                    return Ok(material);
                }
                self.notes.push(problem);
            }
            MaterialError::Invalid(_) => {
                let (namespace, name) = gateway_api::names::owner(&server.gateway);
                let secrets = self.material.asked().iter();
                self.invalid.push(Invalid {
                    problem,
                    gateway: ObjectId::gateway(namespace, name),
                    secrets: secrets
                        .map(|(namespace, name)| ObjectId::secret(namespace, name))
                        .collect(),
                });
            }
        }
        Err(reason)
    }

    /// Closes the hosts of a server whose mode is the mesh's: a wider server must not
    /// answer in its place, perhaps without a client certificate.
    fn close(&mut self, server: &MergedServer<'_>, mode: TlsMode, port: u16, table: &mut SniTable) {
        let why = format!("serve does not run mode {}", mode.as_str());
        self.notes.push_limit(
            Problem::new(format!("{why}; connections to {} are closed", names(server)))
                .at(server.place.child("tls.mode").locate())
                .why("it is of a mesh, and there is none here"),
        );
        let chain = FilterChain {
            name: chain_name(server),
            transport: Transport::Raw,
            filter: Filter::Closed(why),
        };
        let hosts = names_of(server);
        self.insert(&hosts, &Arc::new(chain), table, port, &server.place.child("hosts"));
    }

    /// Adds a chain for each `tls` match of the server's VirtualServices: their server
    /// names, not the server's hosts, choose it.
    fn pass_through(&mut self, server: &MergedServer<'_>, port: u16, table: &mut SniTable) {
        let mut found = Vec::new();
        self.visit_bound(server, port, |object, building| {
            let spec = Field::new(object, "spec");
            found.extend(tcp_routes::tls_routes(object.spec, object.name, &spec, building));
            None::<()>
        });
        if found.is_empty() {
            self.no_route(server, "tls", &format!("{} are not served by it", names(server)));
        }
        for passed in found {
            let mut names = passed.names.iter();
            if let Some(name) = names.find(|name| is_passed(table, name)) {
                self.notes.push(
                    Problem::new(format!("this match is left out: port {port} passes {name} on already"))
                        .at(passed.place.locate())
                        .why("Istio skips a match whole when an earlier one has a server name of it"),
                );
                continue;
            }
            let chain = FilterChain {
                name: chain_name(server),
                transport: Transport::Raw,
                filter: Filter::Tcp(Arc::new(passed.route)),
            };
            self.insert(&passed.names, &Arc::new(chain), table, port, &passed.place);
        }
    }

    /// The first `tcp` route of the server's VirtualServices. None: there is none, and so
    /// no chain; `effect` is what that means.
    fn tcp_filter(&mut self, server: &MergedServer<'_>, port: u16, effect: &str) -> Option<Filter> {
        let route = self.visit_bound(server, port, |object, building| {
            let spec = Field::new(object, "spec");
            tcp_routes::tcp_route(object.spec, object.name, &spec, building)
        });
        if route.is_none() {
            self.no_route(server, "tcp", effect);
        }
        route.map(|route| Filter::Tcp(Arc::new(route)))
    }

    /// Visits the VirtualServices that have a host in common with a server, in order,
    /// until one gives something.
    fn visit_bound<T>(
        &mut self,
        server: &MergedServer<'_>,
        port: u16,
        mut visit: impl FnMut(&'a Object<'a, VirtualServiceSpec>, &mut Building<'_, 'a>) -> Option<T>,
    ) -> Option<T> {
        let scope = self.scope(server, port, server.server.tls.is_some());
        let bound = self.bound.candidates(server).into_iter();
        for object in bound.filter(|object| !domains(server, object).is_empty()) {
            let mut building = Building {
                namespace: object.namespace,
                of_gateway_api: object.of_gateway_api,
                scope: &scope,
                delegates: &self.delegates,
                clusters: &mut self.clusters,
                notes: &mut self.notes,
            };
            let found = visit(object, &mut building);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn no_route(&mut self, server: &MergedServer<'_>, list: &str, effect: &str) {
        let (what, why) = if server.of_gateway_api {
            let why = "no TCPRoute or TLSRoute is bound to it".to_owned();
            ("listener", why)
        } else {
            let why = format!(
                "no VirtualService of Gateway {} with one of its hosts has a {list} route for port {}",
                server.shown(),
                server.server.port.number
            );
            ("server", why)
        };
        self.notes.push(
            Problem::new(format!("no {list} route leads anywhere from this {what}, so {effect}"))
                .at(server.place.locate())
                .why(why),
        );
    }

    fn scope<'s>(&self, server: &'s MergedServer<'_>, port: u16, tls: bool) -> RouteScope<'s>
    where
        Self: 's,
    {
        RouteScope {
            gateway: &server.gateway,
            port,
            tls,
            pod_namespace: &self.input.pod_namespace,
            pod_labels: &self.input.pod_labels,
        }
    }

    /// Puts a chain under each of its hosts.
    fn insert(
        &mut self,
        hosts: &[String],
        chain: &Arc<FilterChain>,
        table: &mut SniTable,
        port: u16,
        place: &Field<'_>,
    ) {
        table.is_inspected |= chain.material().is_none();
        // A host `*` makes the whole chain one without server names.
        if hosts.iter().any(|host| host == "*") {
            if table.any.is_some() {
                self.taken("*", port, place);
            } else {
                table.any = Some(Arc::clone(chain));
            }
            return;
        }
        for host in hosts {
            let (map, key) = match host.strip_prefix('*') {
                Some(suffix) => (&mut table.wildcard, suffix),
                None => (&mut table.exact, host.as_str()),
            };
            if map.contains_key(key) {
                self.taken(host, port, place);
            } else {
                map.insert(key.into(), Arc::clone(chain));
            }
        }
    }

    fn taken(&mut self, host: &str, port: u16, place: &Field<'_>) {
        self.notes.push(
            Problem::new(format!(
                "server name {host} of port {port} stays with an earlier server"
            ))
            .at(place.locate())
            .why("both have it; Envoy refuses the configuration of the whole port"),
        );
    }

    /// Revocation lists with which Envoy would refuse every client.
    fn note_uncovered(&mut self, material: Option<&TlsMaterial>, server: &MergedServer<'_>, place: &Field<'_>) {
        let Some(ClientAuth::Required(verification) | ClientAuth::Optional(verification)) =
            material.map(|material| &material.client_auth)
        else {
            return;
        };
        let uncovered = crl_coverage::uncovered(verification);
        if !uncovered.is_empty() {
            self.notes.push(
                Problem::new(format!(
                    "Envoy refuses every client of {}: the revocation lists leave out {}",
                    names(server),
                    uncovered.join(" and ")
                ))
                .at(place.locate())
                .why("with a list for one CA of a chain, Envoy wants one for each; serve does not")
                .fix(
                    Remedy::from("append the CRLs of the other CAs to ca.crl; for a chain of the workspace ")
                        .and(ours::revoke_renew(ours::HOST))
                        .and(" makes those of both"),
                ),
            );
        }
    }

    /// Settings that Istio honours and this gateway does not, and one that neither does.
    fn note_ignored(&mut self, tls: &ServerTlsSettings, place: &Field<'_>) {
        let old = |version| matches!(version, Some(TlsProtocol::V1_0 | TlsProtocol::V1_1));
        for (given, field, effect) in [
            (
                old(tls.min_protocol_version),
                "minProtocolVersion",
                "serve speaks no TLS older than 1.2",
            ),
            (
                old(tls.max_protocol_version),
                "maxProtocolVersion",
                "serve speaks no TLS older than 1.2, and uses 1.2",
            ),
            (
                tls.ecdh_curves
                    .iter()
                    .any(|curve| ["P-224", "P-521", "X25519Kyber768Draft00"].contains(&curve.as_str())),
                "ecdhCurves",
                "serve speaks neither P-224, P-521 nor X25519Kyber768Draft00",
            ),
        ] {
            if given {
                self.notes
                    .push_limit(Problem::new(effect).at(place.child(field).locate()));
            }
        }
        if tls.https_redirect == Some(true) {
            let effect = "it has no effect on a server that speaks TLS";
            self.notes
                .push(Problem::new(effect).at(place.child("httpsRedirect").locate()));
        }
    }

    /// Binds the VirtualServices of one server: for each of the gateway's
    /// VirtualServices, the hosts that both name.
    fn bind(&mut self, server: &MergedServer<'_>, port: u16, tls: bool, hosts: &mut VirtualHosts) {
        let redirect = !tls
            && server
                .server
                .tls
                .as_ref()
                .is_some_and(|tls| tls.https_redirect == Some(true));
        let scope = self.scope(server, port, tls);
        for object in self.bound.candidates(server) {
            let place = Field::new(object, "spec");
            for domain in domains(server, object) {
                let mut building = Building {
                    namespace: object.namespace,
                    of_gateway_api: object.of_gateway_api,
                    scope: &scope,
                    delegates: &self.delegates,
                    clusters: &mut self.clusters,
                    notes: &mut self.notes,
                };
                let routes = routes::routes_of(object.spec, object.name, &place, &mut building);
                let host = hosts.entry(&domain);
                host.routes.extend(routes);
                host.require_tls |= redirect;
            }
        }
        if redirect {
            for host in &server.hosts {
                hosts.entry(&host.name).require_tls = true;
            }
        }
    }
}

/// Whether a server name leads to a chain that passes TLS on.
fn is_passed(table: &SniTable, name: &str) -> bool {
    let chain = match name.strip_prefix('*') {
        Some("") => table.any.as_ref(),
        Some(suffix) => table.wildcard.get(suffix),
        None => table.exact.get(name),
    };
    chain.is_some_and(|chain| matches!(&chain.filter, Filter::Tcp(route) if route.passes_tls))
}

/// Points a problem that has no place at the setting that names the material.
fn located(problem: Problem, tls: &ServerTlsSettings, place: &Field<'_>) -> Problem {
    if problem.at.is_some() {
        return problem;
    }
    let field = if tls.credential_name.is_some() {
        "credentialName"
    } else if !tls.credential_names.is_empty() {
        "credentialNames"
    } else if tls.server_certificate.is_some() {
        "serverCertificate"
    } else if !tls.tls_certificates.is_empty() {
        "tlsCertificates"
    } else {
        "mode"
    };
    problem.at(place.child(field).locate())
}

fn chain_name(server: &MergedServer<'_>) -> String {
    if server.of_gateway_api {
        return server.shown();
    }
    format!("{} {}", server.gateway, server.server.port.name)
}

fn names_of(server: &MergedServer<'_>) -> Vec<String> {
    server.hosts.iter().map(|host| host.name.clone()).collect()
}

fn names(server: &MergedServer<'_>) -> String {
    names_of(server).join(", ")
}
