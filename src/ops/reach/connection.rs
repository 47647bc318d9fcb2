//! How `probe` and `request` reach a gateway: its address, and the settings of every
//! connection.

use std::path::PathBuf;
use std::time::Duration;

use super::running::running_serve;
use crate::names::Host;
use crate::ops::cluster_access::ClusterPlace;
use crate::ops::cluster_ingress::{self, Lifetime, Reached};
use crate::ops::failure::Failure;
use crate::ops::surroundings::Surroundings;
use crate::probe::dial::TlsVersions;
use crate::probe::expectation::Place;
use crate::probe::target::{DEFAULT_PORT, ProbedHost, ResolveRule, Target, Wishes, parse_address};
use crate::problem::Problem;
use crate::remedy::{Remedy, kubectl};

/// A gateway given by the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedGateway {
    /// The running `serve` of this workspace.
    Local,
    /// The gateway of a cluster.
    Cluster,
    /// The gateway at this address.
    Address {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
    },
}

impl NamedGateway {
    /// Parses `local`, `cluster`, or `ADDR[:PORT]`.
    ///
    /// # Errors
    /// If it is not an address.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        match text {
            "local" => Ok(Self::Local),
            "cluster" => Ok(Self::Cluster),
            address => parse_address(address).map(|(host, port)| Self::Address { host, port }),
        }
    }
}

/// How a gateway is reached.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The gateway; otherwise the running `serve`, INGRESS_HOST, or the cluster that
    /// `apply` recorded.
    pub target: Option<NamedGateway>,
    /// Addresses to use for names, like curl's `--resolve`.
    pub resolve: Vec<ResolveRule>,
    /// The trusted certificates; otherwise the workspace's root for the host, otherwise
    /// the system's.
    pub cacert: Option<PathBuf>,
    /// The client's certificate chain; otherwise the workspace's client of the host.
    pub cert: Option<PathBuf>,
    /// The client's key; otherwise in the file of `cert`.
    pub key: Option<PathBuf>,
    /// The file with the password of an encrypted key.
    pub key_password_file: Option<PathBuf>,
    /// Send no client certificate.
    pub no_client_cert: bool,
    /// CRLs.
    pub crl: Vec<PathBuf>,
    /// The server name to send; otherwise the host.
    pub sni: Option<String>,
    /// The protocols to offer by ALPN; otherwise either.
    pub alpn: Vec<String>,
    /// The only TLS versions to offer; otherwise both.
    pub tls: Option<TlsVersions>,
    /// The time limit of one phase.
    pub timeout: Duration,
    /// Which cluster.
    pub cluster: ClusterPlace,
}

/// The default time limit of one phase.
const PATIENCE: Duration = Duration::from_secs(10);

impl Default for Connection {
    fn default() -> Self {
        Self {
            target: None,
            resolve: Vec::new(),
            cacert: None,
            cert: None,
            key: None,
            key_password_file: None,
            no_client_cert: false,
            crl: Vec::new(),
            sni: None,
            alpn: Vec::new(),
            tls: None,
            timeout: PATIENCE,
            cluster: ClusterPlace::default(),
        }
    }
}

impl Connection {
    /// The settings of every connection, from the flags.
    ///
    /// # Errors
    /// If `--sni` is not a DNS name.
    pub fn wishes(&self) -> Result<Wishes, Failure> {
        if let Some(sni) = &self.sni
            && (rustls::pki_types::DnsName::try_from(sni.as_str()).is_err() || sni.contains('*'))
        {
            return Err(Failure::usage(
                Problem::new(format!("{sni:?} is not a valid server name"))
                    .why("SNI contains a DNS name, never an address or a wildcard (RFC 6066 section 3)"),
            ));
        }
        Ok(Wishes {
            sni: self.sni.clone(),
            versions: self.tls.unwrap_or_default(),
            alpn: self.alpn.clone(),
            resolve: self.resolve.clone(),
            ..Wishes::default()
        })
    }

    /// The gateway of these hosts: given by flag, running `serve` or environment,
    /// otherwise in the cluster that `apply` recorded. The cluster is not contacted if
    /// every host has an address of its own.
    ///
    /// # Errors
    /// If a value is not an address, or the cluster has none.
    pub async fn reach(
        &self,
        hosts: &[ProbedHost],
        lifetime: Lifetime,
        here: &Surroundings,
    ) -> Result<Reached, Failure> {
        let reached = self.nearby(lifetime, here).await?;
        let nowhere = reached.target == Target::None && self.target.is_none();
        if !nowhere || self.names_all(hosts) {
            return Ok(reached);
        }
        let recorded = cluster_ingress::workspace(here)?.and_then(|config| config.context);
        match recorded {
            Some(_) => cluster_ingress::reach(&self.cluster, lifetime, here).await,
            None => Ok(reached),
        }
    }

    /// Whether each host has an address of its own, from a port or a rule.
    pub(super) fn names_all(&self, hosts: &[ProbedHost]) -> bool {
        let own = |host: &ProbedHost| host.port.is_some() || self.resolve.iter().any(|rule| rule.host == host.host);
        !hosts.is_empty() && hosts.iter().all(own)
    }

    /// Like [`Connection::reach`], for an address that is printed: flags that name a
    /// cluster take precedence over everything else.
    ///
    /// # Errors
    /// The same.
    pub async fn reach_printed(&self, here: &Surroundings) -> Result<Reached, Failure> {
        let names_cluster = self.cluster.kubeconfig.is_some() || self.cluster.context.is_some();
        if self.target.is_none() && names_cluster {
            return cluster_ingress::reach(&self.cluster, Lifetime::Beyond, here).await;
        }
        self.reach(&[], Lifetime::Beyond, here).await
    }

    /// Like [`Connection::reach`], but uses a cluster only if the flag says so.
    ///
    /// # Errors
    /// The same.
    pub async fn nearby(&self, lifetime: Lifetime, here: &Surroundings) -> Result<Reached, Failure> {
        let target = match &self.target {
            Some(NamedGateway::Cluster) => return cluster_ingress::reach(&self.cluster, lifetime, here).await,
            Some(NamedGateway::Local) => running_serve(here).await?.map_or(Target::None, Target::Running),
            Some(NamedGateway::Address { host, port }) => Target::Address {
                host: host.clone(),
                port: *port,
                plain_port: None,
                place: Place::Given,
            },
            None => match running_serve(here).await? {
                Some(serve) => Target::Running(serve),
                None => ingress(here)?,
            },
        };
        Ok(target.into())
    }
}

fn ingress(here: &Surroundings) -> Result<Target, Failure> {
    let Some(host) = here.environment.get("INGRESS_HOST") else {
        return Ok(Target::None);
    };
    let port_of = |name: &str, usual: u16, called: &str| {
        let Some(port) = here.environment.get(name) else {
            return Ok(None);
        };
        port.parse().map(Some).map_err(|_| {
            let fix = Remedy::from(format!("export {name}={usual}, or what "))
                .and(kubectl::ingress_service())
                .and(format!(" shows for {called}"));
            Failure::usage(Problem::new(format!("{name}={port:?} is not a port")).fix(fix))
        })
    };
    let port = port_of("SECURE_INGRESS_PORT", DEFAULT_PORT, "https")?.unwrap_or(DEFAULT_PORT);
    let plain_port = port_of("INGRESS_PORT", 80, "http2")?;
    // A bracketed address, as people copy it.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let host = match bare.parse::<std::net::IpAddr>() {
        Ok(ip) => ip.to_string(),
        Err(_) => Host::parse(host).map_err(Failure::usage)?.to_string(),
    };
    Ok(Target::Address {
        host,
        port,
        plain_port,
        place: Place::Ingress,
    })
}
