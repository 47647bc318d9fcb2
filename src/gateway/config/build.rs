//! Builds the routing table: merged Gateways, the VirtualServices bound to
//! their servers, and the material of each server. Pure but for the material's
//! files, which come through [`MaterialFiles`](crate::secrets::MaterialFiles).

use std::collections::HashSet;
use std::sync::Arc;

use super::bound::{Bound, domains};
use super::clusters::Clusters;
use super::crl_coverage;
use super::field::Field;
use super::input::Input;
use super::material::{MaterialError, MaterialReader, verifies_clients};
use super::merge::{self, MergedPort, MergedServer, PortKind};
use super::route_scope::{Building, RouteScope};
use super::routes;
use super::table::{ClientAuth, FilterChain, Listener, ListenerProtocol, SniTable, Table, TlsMaterial};
use super::virtual_hosts::VirtualHosts;
use crate::manifests::model::gateway::{ServerTlsSettings, TlsMode, TlsProtocol};
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::secrets::SecretStore;
use crate::sources::live::ObjectId;

/// A routing table, and what its user should be told.
pub struct Built {
    /// The table.
    pub table: Table,
    /// What is dropped, ignored, missing or not run; the gateway serves the rest.
    pub notes: Vec<Problem>,
    /// Key material that exists but is broken. It is part of the table as under Istio
    /// (its SNI is reset), but no reason to give up a configuration that worked.
    pub invalid: Vec<Invalid>,
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

/// Builds the table of `input`, with the Secrets of `store`.
pub fn build(input: &Input<'_>, store: &SecretStore<'_>) -> Built {
    let mut notes = Vec::new();
    let ports = merge::merge(&input.gateways, &input.pod_labels, &mut notes);
    let mut builder = Builder {
        input,
        bound: Bound::of(input),
        clusters: Clusters::new(&input.upstreams, &input.services),
        material: MaterialReader::new(store, &input.crls),
        notes,
        invalid: Vec::new(),
    };
    let mut listeners = Vec::new();
    for port in &ports {
        if let Some(listener) = builder.listener(port) {
            listeners.push(listener);
        }
    }
    let Builder {
        clusters,
        mut notes,
        invalid,
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
    }
}

struct Builder<'a> {
    input: &'a Input<'a>,
    bound: Bound<'a>,
    clusters: Clusters<'a>,
    material: MaterialReader<'a>,
    notes: Vec<Problem>,
    invalid: Vec<Invalid>,
}

impl Builder<'_> {
    fn listener(&mut self, port: &MergedPort<'_>) -> Option<Listener> {
        let protocol = match port.kind {
            PortKind::Http => {
                let mut hosts = VirtualHosts::default();
                for server in &port.servers {
                    self.bind(server, port.number, false, &mut hosts);
                }
                ListenerProtocol::Http(Arc::new(hosts.into_table()))
            }
            PortKind::Tls => {
                let mut table = SniTable::default();
                for server in &port.servers {
                    self.chain(server, port.number, &mut table);
                }
                if table.exact.is_empty() && table.wildcard.is_empty() && table.any.is_none() {
                    return None;
                }
                ListenerProtocol::Tls(table)
            }
            PortKind::Other => {
                for server in &port.servers {
                    self.notes.push(
                        Problem::new(format!(
                            "port {} is not opened: serve does not run protocol {} yet",
                            port.number, server.server.port.protocol
                        ))
                        .at(server.place.child("port.protocol").locate()),
                    );
                }
                return None;
            }
        };
        Some(Listener {
            port: port.number,
            protocol,
        })
    }

    /// Adds the filter chain of a TLS server under each of its hosts.
    fn chain(&mut self, server: &MergedServer<'_>, port: u16, table: &mut SniTable) {
        let Some(tls) = &server.server.tls else { return };
        let mode = tls.effective_mode();
        let place = server.place.child("tls");
        let hosts: Vec<String> = server.hosts.iter().map(|host| host.name.clone()).collect();
        if !runs(server, mode) {
            let why = format!(
                "serve does not run protocol {} in mode {}",
                server.server.port.protocol,
                mode.as_str()
            );
            self.notes.push(
                Problem::new(format!("{why} yet; connections to {} are closed", names(server)))
                    .at(place.child("mode").locate()),
            );
            // A wider server must not answer in its place, perhaps without a client certificate.
            let chain = Arc::new(FilterChain::new(chain_name(server), Err(why), Arc::default()));
            self.insert(&hosts, &chain, table, port, &server.place);
            return;
        }
        self.note_ignored(tls, &place);
        let material = self.material.read(tls, &hosts).map_err(|error| {
            let problem = located(error.problem().clone(), tls, &place);
            let reason = match &problem.why {
                Some(why) => format!("{}: {why}", problem.what),
                None => problem.what.clone(),
            };
            match error {
                MaterialError::Missing(_) => {
                    let mut missing = problem;
                    missing.what = format!("{}; connections to {} are reset", missing.what, names(server));
                    self.notes.push(missing);
                }
                MaterialError::Invalid(_) => {
                    let (namespace, name) = server.gateway.split_once('/').unwrap_or_default();
                    let secrets = self.material.asked().iter();
                    self.invalid.push(Invalid {
                        problem,
                        gateway: ObjectId::gateway(namespace, name),
                        secrets: secrets
                            .map(|name| ObjectId::secret(&self.input.pod_namespace, name))
                            .collect(),
                    });
                }
            }
            reason
        });
        self.note_uncovered(material.as_ref().ok(), server, &place);
        let mut virtual_hosts = VirtualHosts::default();
        self.bind(server, port, true, &mut virtual_hosts);
        let chain = Arc::new(FilterChain::new(
            chain_name(server),
            material,
            Arc::new(virtual_hosts.into_table()),
        ));
        self.insert(&hosts, &chain, table, port, &server.place);
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
            .at(place.child("hosts").locate())
            .why("both list it, for different namespaces of VirtualServices"),
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

    /// Settings that Istio honours and this gateway does not.
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
                !tls.ecdh_curves.is_empty(),
                "ecdhCurves",
                "serve uses its own list of key exchange groups",
            ),
            (
                tls.credential_names.len() > 1,
                "credentialNames",
                "serve uses the first one only",
            ),
            (
                tls.tls_certificates.len() > 1,
                "tlsCertificates",
                "serve uses the first one only",
            ),
            (
                tls.https_redirect == Some(true),
                "httpsRedirect",
                "it has no effect on a server that speaks TLS",
            ),
        ] {
            if given {
                self.notes.push(Problem::new(effect).at(place.child(field).locate()));
            }
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
        let scope = RouteScope {
            gateway: &server.gateway,
            port,
            tls,
            pod_namespace: &self.input.pod_namespace,
            pod_labels: &self.input.pod_labels,
        };
        for object in self.bound.candidates(server) {
            let domains = domains(server, object);
            if domains.is_empty() {
                continue;
            }
            let place = Field::new(object, "spec");
            for (list, field) in [(object.spec.tls.len(), "tls"), (object.spec.tcp.len(), "tcp")] {
                if list > 0 {
                    self.notes.push(
                        Problem::new(format!("serve does not run {field} routes yet")).at(place.child(field).locate()),
                    );
                }
            }
            for domain in domains {
                let mut building = Building {
                    namespace: object.namespace,
                    scope: &scope,
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

/// Whether this gateway terminates TLS for a server.
fn runs(server: &MergedServer<'_>, mode: TlsMode) -> bool {
    server.server.port.protocol.eq_ignore_ascii_case("HTTPS") && (mode == TlsMode::Simple || verifies_clients(mode))
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
    format!("{} {}", server.gateway, server.server.port.name)
}

fn names(server: &MergedServer<'_>) -> String {
    let names: Vec<&str> = server.hosts.iter().map(|host| host.name.as_str()).collect();
    names.join(", ")
}
