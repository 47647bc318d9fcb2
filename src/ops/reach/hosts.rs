//! Which hosts are probed, and what is trusted and presented for each: from the
//! workspace, overridden by flags.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::client_pair::read_pair;
use super::connection::Connection;
use crate::files;
use crate::manifests::routes::default_routes;
use crate::names::Host;
use crate::ops::failure::Failure;
use crate::ops::intent;
use crate::ops::pem_files::{certificates, crls, system_roots};
use crate::ops::surroundings::Surroundings;
use crate::probe::destination::Destination;
use crate::probe::expectation::{ClientPair, Entry, Trust};
use crate::probe::target::ProbedHost;
use crate::probe::verdict::Verdict;
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::sources::disk::DiskFiles;
use crate::sources::workspace::Workspace;
use crate::spelling;
use crate::workspace::config::{HostEntry, Mode};
use crate::workspace::layout::{ChainLayout, Part};

impl Connection {
    /// The hosts to probe, each with what is trusted and presented. Hosts of the
    /// workspace use what is recorded for them; flags override it.
    ///
    /// # Errors
    /// If there is no workspace and no host is given, or a file is bad.
    pub fn hosts(&self, named: &[Destination], mtls: bool, here: &Surroundings) -> Result<Vec<ProbedHost>, Failure> {
        let known = known_hosts(here)?;
        let wanted: Vec<Destination> = if named.is_empty() {
            known.iter().map(|(entry, _)| entry.host.clone().into()).collect()
        } else {
            named.to_vec()
        };
        if wanted.is_empty() {
            return Err(Failure::usage(
                Problem::new("there is no host to probe")
                    .why(format!(
                        "no HOST is given, and {} is not a workspace with hosts",
                        here.dir.display()
                    ))
                    .fix(Remedy::from(ours::gen_certs("httpbin.example.com")).and(", or give a HOST")),
            ));
        }
        let given_trust = match &self.cacert {
            Some(path) => Some(Arc::new(self.trust(path)?)),
            None => None,
        };
        let given_client = match &self.cert {
            Some(cert) => Some(self.pair(cert, self.key.as_deref().unwrap_or(cert))?),
            None => None,
        };
        let mut system = None;
        // Paths are shown as the user would type them.
        let folder = match here.dir.strip_prefix(".") {
            Ok(rest) => rest.to_owned(),
            Err(_) => here.dir.clone(),
        };
        wanted
            .into_iter()
            .map(|Destination { host, port, path }| {
                let entry = known.iter().find(|(entry, _)| entry.host == host);
                let layout = ChainLayout::new(&folder, &host);
                let trust = match (&given_trust, entry.and_then(|_| root_file(&layout))) {
                    (Some(trust), _) => Arc::clone(trust),
                    (None, Some(path)) => Arc::new(self.trust(&path)?),
                    (None, None) => match &system {
                        Some(trust) => Arc::clone(trust),
                        None => Arc::clone(system.insert(Arc::new(self.system_trust(here)?))),
                    },
                };
                let own_client = layout.path(Part::ClientCert(host.as_str()));
                let own_client = own_client.exists().then(|| own_client.display().to_string());
                let mode = entry.map(|(_, mode)| *mode);
                let client = if self.no_client_cert {
                    None
                } else if given_client.is_some() {
                    given_client.clone()
                } else if entry.is_some() && (mtls || mode.is_some_and(Mode::verifies_clients)) {
                    let cert = layout.path(Part::ClientCert(host.as_str()));
                    let key = layout.path(Part::ClientKey(host.as_str()));
                    if files::is_there(&cert).map_err(Failure::usage)? {
                        Some(self.pair(&cert, &key)?)
                    } else {
                        None
                    }
                } else {
                    None
                };
                // A pair given by the user is presented whatever the recorded mode.
                let mode = mode.filter(|mode| given_client.is_none() || *mode != Mode::Simple);
                Ok(ProbedHost {
                    routes: entry.map_or_else(|| default_routes(&host), |(entry, _)| entry.routes.clone()),
                    meant: if entry.is_none() { meant(&host, &known) } else { None },
                    host,
                    port,
                    path,
                    mode,
                    entry: entry.map(|(entry, _)| Entry {
                        host: entry.host.clone(),
                        client: own_client,
                        can_issue: layout.path(Part::IntermediateKey).exists(),
                        sends_own: self.cert.as_deref().is_none_or(|cert| is_of(&layout, cert)),
                    }),
                    trust,
                    client,
                })
            })
            .collect()
    }

    fn pair(&self, cert: &Path, key: &Path) -> Result<Result<Arc<ClientPair>, Verdict>, Failure> {
        read_pair(cert, key, self.key_password_file.as_deref())
    }

    fn trust(&self, path: &Path) -> Result<Trust, Failure> {
        let name = path.display().to_string();
        Ok(Trust {
            source: name,
            roots: certificates(path)?,
            crls: crls(&self.crl)?,
        })
    }

    fn system_trust(&self, here: &Surroundings) -> Result<Trust, Failure> {
        match system_roots(here.environment.get("SSL_CERT_FILE")) {
            Some(path) => self.trust(&path),
            None => Ok(Trust {
                source: "no CA file".to_owned(),
                roots: Vec::new(),
                crls: crls(&self.crl)?,
            }),
        }
    }
}

/// Whether a certificate file belongs to a client in a host's tree.
fn is_of(tree: &ChainLayout, cert: &Path) -> bool {
    let own = tree.path(Part::ClientCert("any"));
    let folder = own.parent().and_then(|folder| folder.canonicalize().ok());
    folder.is_some_and(|folder| cert.canonicalize().is_ok_and(|cert| cert.starts_with(folder)))
}

/// The workspace's host of which another one may be a misspelling.
fn meant(host: &Host, known: &[(HostEntry, Mode)]) -> Option<Host> {
    let names = known.iter().map(|(entry, _)| entry.host.as_str());
    let near = spelling::nearest(host.as_str(), names)?;
    Host::parse(near).ok()
}

fn root_file(layout: &ChainLayout) -> Option<PathBuf> {
    [Part::RootCert, Part::CaChain]
        .into_iter()
        .map(|part| layout.path(part))
        // Reading an unreadable one reports the reason.
        .find(|path| files::is_there(path).unwrap_or(true))
}

/// The workspace's hosts with their modes.
fn known_hosts(here: &Surroundings) -> Result<Vec<(HostEntry, Mode)>, Failure> {
    let workspace = Workspace::read(&here.dir, &DiskFiles::default()).map_err(Failure::usage)?;
    intent::say(&workspace, here);
    let config = workspace.config;
    let hosts = config.hosts.iter();
    Ok(hosts.map(|entry| (entry.clone(), config.mode_of(entry))).collect())
}
