//! How `probe` and `request` reach a gateway, and the files that they read for it:
//! roots, CRLs, the client's certificate and key.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::sign::CertifiedKey;

use super::cluster_access::ClusterPlace;
use super::cluster_ingress::{Lifetime, Reached};
use super::surroundings::Surroundings;
use super::pem_files::{certificates, crls, system_roots};
use super::failure::Failure;
use super::{cluster_ingress, intent, password};
use crate::certs::{CertificateDer, PrivateKey, key, pem};
use crate::files::{self, PEM_LIMIT};
use crate::hex;
use crate::manifests::routes::default_routes;
use crate::names::Host;
use crate::probe::codes::Code;
use crate::probe::dial::TlsVersions;
use crate::probe::expectation::{ClientPair, Place, Trust};
use crate::probe::target::{DEFAULT_PORT, ProbedHost, ResolveRule, Target, Wishes, parse_address, split_port};
use crate::probe::verdict::Verdict;
use crate::probe::{local, served};
use crate::problem::Problem;
use crate::sources::disk::DiskFiles;
use crate::sources::workspace::Workspace;
use crate::workspace::config::{HostEntry, Mode};
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::running::{self, RunningServe};

/// How long the admin of a `serve` may take to say that it is alive.
const ADMIN_PATIENCE: Duration = Duration::from_secs(1);

/// How a gateway is reached.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The gateway: `local` (the running serve of this workspace), `cluster`, or its
    /// address.
    pub target: Option<String>,
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
        let own = |host: &ProbedHost| host.port.is_some() || self.resolve.iter().any(|rule| rule.host == host.host);
        let reached = self.nearby(lifetime, here).await?;
        let nowhere = reached.target == Target::None && self.target.is_none();
        if !nowhere || (!hosts.is_empty() && hosts.iter().all(own)) {
            return Ok(reached);
        }
        let recorded = cluster_ingress::workspace(here)?.and_then(|config| config.context);
        match recorded {
            Some(_) => cluster_ingress::reach(&self.cluster, lifetime, here).await,
            None => Ok(reached),
        }
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
        let target = match self.target.as_deref() {
            Some("cluster") => return cluster_ingress::reach(&self.cluster, lifetime, here).await,
            Some("local") => running_serve(here).await.map_or(Target::None, Target::Running),
            Some(address) => {
                let (host, port) = parse_address(address).map_err(Failure::usage)?;
                Target::Address {
                    host,
                    port,
                    plain_port: None,
                    place: Place::Given,
                }
            }
            None => match running_serve(here).await {
                Some(serve) => Target::Running(serve),
                None => ingress(here)?,
            },
        };
        Ok(target.into())
    }

    /// The hosts to reach, each with what is trusted and sent. Hosts that the
    /// workspace knows take what it records; flags beat it.
    ///
    /// # Errors
    /// When there is no workspace and no host is named, or a file is bad.
    pub fn hosts(&self, names: &[String], mtls: bool, here: &Surroundings) -> Result<Vec<ProbedHost>, Failure> {
        let known = known_hosts(here)?;
        let wanted: Vec<(Host, Option<u16>)> = if names.is_empty() {
            known.iter().map(|(entry, _)| (entry.host.clone(), None)).collect()
        } else {
            names
                .iter()
                .map(|name| {
                    let (host, port) = split_port(name)?;
                    Ok((Host::parse(&host)?, port))
                })
                .collect::<Result<_, Problem>>()
                .map_err(Failure::usage)?
        };
        if wanted.is_empty() {
            return Err(Failure::usage(
                Problem::new("there is no host to reach")
                    .why(format!(
                        "no HOST is given, and {} holds no workspace with hosts",
                        here.dir.display()
                    ))
                    .fix("istio-tls gen-certs httpbin.example.com, or name a HOST"),
            ));
        }
        let given_trust = match &self.cacert {
            Some(path) => Some(Arc::new(self.trust(path)?)),
            None => None,
        };
        let given_client = match &self.cert {
            Some(cert) => Some(self.client(cert, self.key.as_deref().unwrap_or(cert))?),
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
            .map(|(host, port)| {
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
                let mode = entry.map(|(_, mode)| *mode);
                let client = if self.no_client_cert {
                    None
                } else if given_client.is_some() {
                    given_client.clone()
                } else if entry.is_some() && (mtls || mode.is_some_and(Mode::verifies_clients)) {
                    let cert = layout.path(Part::ClientCert(host.as_str()));
                    let key = layout.path(Part::ClientKey(host.as_str()));
                    if cert.exists() {
                        Some(self.client(&cert, &key)?)
                    } else {
                        None
                    }
                } else {
                    None
                };
                // A pair that the user names is sent whatever mode is recorded.
                let mode = mode.filter(|mode| given_client.is_none() || *mode != Mode::Simple);
                Ok(ProbedHost {
                    routes: entry.map_or_else(|| default_routes(&host), |(entry, _)| entry.routes.clone()),
                    host,
                    port,
                    mode,
                    trust,
                    client,
                })
            })
            .collect()
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

    /// Reads a client's pair. A pair that cannot be used is a verdict, not a
    /// failure of the command.
    fn client(&self, cert: &Path, key: &Path) -> Result<Result<Arc<ClientPair>, Verdict>, Failure> {
        let (cert_name, key_name) = (cert.display().to_string(), key.display().to_string());
        let chain = certificates(cert)?;
        let content = zeroize::Zeroizing::new(files::read_given(key, PEM_LIMIT).map_err(Failure::usage)?);
        let password = self.key_password_file.as_deref().map(password::of_file).transpose()?;
        if password.is_none() && is_encrypted(&content, &key_name) {
            return Ok(Err(Verdict::new(
                Code::ClientKeyEncrypted,
                format!("the client's key {key_name} is encrypted: expected a password, got none"),
                "a password",
                "none given",
                "--key-password-file FILE",
            )));
        }
        let password = password.as_ref().map(|password| password.as_str());
        let key = key::read(&content, &key_name, password).map_err(Failure::usage)?;
        client_pair(chain, &key, cert_name, key_name)
    }
}

/// A client's pair, ready for use. One whose halves do not fit is a verdict,
/// not a failure of the command.
///
/// # Errors
/// When TLS cannot use such a key.
pub fn client_pair(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKey,
    cert_name: String,
    key_name: String,
) -> Result<Result<Arc<ClientPair>, Verdict>, Failure> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let signer = provider
        .key_provider
        .load_private_key(key.to_rustls())
        .map_err(|error| {
            Failure::usage(Problem::new(format!("{key_name} holds no key that TLS can use")).why(error.to_string()))
        })?;
    let of_cert = chain
        .first()
        .and_then(|leaf| served::public_key(leaf))
        .map(|spki| short_hash(&spki));
    let of_key = signer.public_key().map(|spki| short_hash(&spki));
    if let (Some(of_cert), Some(of_key)) = (&of_cert, &of_key)
        && of_cert != of_key
    {
        return Ok(Err(Verdict::new(
            Code::ClientKeyMismatch,
            format!(
                "the client's key does not belong to its certificate: {cert_name} is for public key SHA-256 {of_cert}, {key_name} has {of_key}"
            ),
            of_cert.clone(),
            of_key.clone(),
            "give the key that the certificate was made for, with --key",
        )));
    }
    Ok(Ok(Arc::new(ClientPair {
        source: cert_name,
        key_source: key_name,
        key: Arc::new(CertifiedKey::new(chain.clone(), signer)),
        chain,
    })))
}

fn short_hash(spki: &[u8]) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, spki);
    hex::digits(&hash.as_ref()[..8])
}

fn is_encrypted(content: &[u8], name: &str) -> bool {
    pem::is_pem(content)
        && pem::blocks(content, name).is_ok_and(|blocks| {
            blocks
                .iter()
                .find(|block| block.is_private_key())
                .is_some_and(|block| block.legacy_encrypted || block.label == pem::ENCRYPTED_PRIVATE_KEY)
        })
}

fn root_file(layout: &ChainLayout) -> Option<PathBuf> {
    [Part::RootCert, Part::CaChain]
        .into_iter()
        .map(|part| layout.path(part))
        .find(|path| path.is_file())
}

/// The workspace's hosts with their modes.
fn known_hosts(here: &Surroundings) -> Result<Vec<(HostEntry, Mode)>, Failure> {
    let workspace = Workspace::read(&here.dir, &DiskFiles::default()).map_err(Failure::usage)?;
    intent::say(&workspace, here);
    let config = workspace.config;
    let hosts = config.hosts.iter();
    Ok(hosts.map(|entry| (entry.clone(), config.mode_of(entry))).collect())
}

/// The `serve` of this workspace, if one runs and says so.
pub async fn running_serve(here: &Surroundings) -> Option<RunningServe> {
    let content = files::read(&here.dir.join(running::FILE), 1 << 20).ok()?;
    let serve: RunningServe = serde_json::from_slice(&content).ok()?;
    local::answers(&serve, ADMIN_PATIENCE).await.then_some(serve)
}

fn ingress(here: &Surroundings) -> Result<Target, Failure> {
    let Some(host) = here.environment.get("INGRESS_HOST") else {
        return Ok(Target::None);
    };
    let port_of = |name: &str, usual: u16, called: &str| {
        match here.environment.get(name) {
        None => Ok(None),
        Some(port) => port.parse().map(Some).map_err(|_| {
            Failure::usage(Problem::new(format!("{name}={port:?} is no port")).fix(format!(
                "export {name}={usual}, or what kubectl -n istio-system get service istio-ingressgateway shows for {called}"
            )))
        }),
    }
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

/// Refuses what no HTTP request can ask for.
///
/// # Errors
/// When `path` holds spaces, control characters or other forbidden ones.
pub fn check_path(path: &str) -> Result<(), Failure> {
    if format!("/{}", path.trim_start_matches('/'))
        .parse::<http::uri::PathAndQuery>()
        .is_ok()
    {
        return Ok(());
    }
    Err(Failure::usage(
        Problem::new(format!("{path:?} is no path"))
            .why("a path holds no spaces or control characters")
            .fix("percent-encode them: %20 is a space"),
    ))
}

/// A runtime for one command's dials.
///
/// # Errors
/// When the system gives no event queue.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::runtime(Problem::new("no network runtime can be started").why(error.to_string())))
}
