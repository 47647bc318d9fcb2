//! How `probe` and `request` reach a gateway: where it is, and what is said in every
//! dial.

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

/// The gateway that a user names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedGateway {
    /// The running `serve` of this workspace.
    Local,
    /// The one of a cluster.
    Cluster,
    /// The one at this address.
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
    /// When it is no address.
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
    /// The gateway; else the running `serve`, INGRESS_HOST, or the cluster that `apply`
    /// recorded.
    pub target: Option<NamedGateway>,
    /// Addresses in place of those of names, as curl's `--resolve`.
    pub resolve: Vec<ResolveRule>,
    /// Whose certificates are trusted; else the workspace's root of the host, else the
    /// system's.
    pub cacert: Option<PathBuf>,
    /// The client's certificate chain; else the workspace's client of the host.
    pub cert: Option<PathBuf>,
    /// The client's key; else in the file of `cert`.
    pub key: Option<PathBuf>,
    /// The file with the password of an encrypted key.
    pub key_password_file: Option<PathBuf>,
    /// Send no client certificate.
    pub no_client_cert: bool,
    /// Revocation lists.
    pub crl: Vec<PathBuf>,
    /// The server name to send; else the host.
    pub sni: Option<String>,
    /// The protocols to demand by ALPN; else either.
    pub alpn: Vec<String>,
    /// The only TLS versions to offer; else both.
    pub tls: Option<TlsVersions>,
    /// The longest that one phase may take.
    pub timeout: Duration,
    /// Which cluster.
    pub cluster: ClusterPlace,
}

/// How long a phase may take when nobody says it.
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
    /// What the flags say about every dial.
    ///
    /// # Errors
    /// When `--sni` is no DNS name.
    pub fn wishes(&self) -> Result<Wishes, Failure> {
        if let Some(sni) = &self.sni
            && (rustls::pki_types::DnsName::try_from(sni.as_str()).is_err() || sni.contains('*'))
        {
            return Err(Failure::usage(Problem::new(format!("{sni:?} is no server name")).why(
                "SNI holds a DNS name, never an address or a wildcard (RFC 6066 section 3)",
            )));
        }
        Ok(Wishes {
            sni: self.sni.clone(),
            versions: self.tls.unwrap_or_default(),
            alpn: self.alpn.clone(),
            resolve: self.resolve.clone(),
            ..Wishes::default()
        })
    }

    /// Where the gateway of these hosts is: by flag, running `serve` or
    /// environment, else, when `apply` has recorded one, in the workspace's
    /// cluster. That is left alone when every host has an address of its own.
    ///
    /// # Errors
    /// When a value is no address, or the cluster tells none.
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

    /// Whether each host has an address of its own, by a port or by a rule.
    pub(super) fn names_all(&self, hosts: &[ProbedHost]) -> bool {
        let own = |host: &ProbedHost| host.port.is_some() || self.resolve.iter().any(|rule| rule.host == host.host);
        !hosts.is_empty() && hosts.iter().all(own)
    }

    /// As [`Connection::reach`], for an address that is printed: flags that
    /// name a cluster mean it, whatever else runs.
    ///
    /// # Errors
    /// As there.
    pub async fn reach_printed(&self, here: &Surroundings) -> Result<Reached, Failure> {
        let names_cluster = self.cluster.kubeconfig.is_some() || self.cluster.context.is_some();
        if self.target.is_none() && names_cluster {
            return cluster_ingress::reach(&self.cluster, Lifetime::Beyond, here).await;
        }
        self.reach(&[], Lifetime::Beyond, here).await
    }

    /// As [`Connection::reach`], but goes to a cluster only when the flag
    /// says so.
    ///
    /// # Errors
    /// As there.
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
            Failure::usage(Problem::new(format!("{name}={port:?} is no port")).fix(fix))
        })
    };
    let port = port_of("SECURE_INGRESS_PORT", DEFAULT_PORT, "https")?.unwrap_or(DEFAULT_PORT);
    let plain_port = port_of("INGRESS_PORT", 80, "http2")?;
    // An address with brackets, as people copy it.
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
