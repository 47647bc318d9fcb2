//! The flags that tell `probe` and `request` how to reach a gateway.

use std::path::PathBuf;
use std::time::Duration;

use super::cluster_flags::KubeconfigArgs;
use super::duration;
use super::failure::Failure;
use super::value_parsers::{choice, parser};
use crate::ops::reach::connection::{Connection, NamedGateway};
use crate::probe::dial::TlsVersions;
use crate::probe::target::ResolveRule;

/// How a gateway is reached.
#[derive(clap::Args, Default)]
#[command(next_help_heading = "Connection")]
pub(super) struct ConnectionArgs {
    /// The gateway: `local` (the running serve of this workspace), `cluster`, or its address
    #[arg(long, value_name = "local|cluster|ADDR[:PORT]")]
    pub(super) target: Option<String>,
    /// Connect to ADDR for HOST and PORT, like curl; repeatable
    #[arg(long, value_name = "HOST:PORT:ADDR", value_parser = parser(ResolveRule::parse))]
    pub(super) resolve: Vec<ResolveRule>,
    /// Trust the certificates in this PEM file [default: the workspace's root for the
    /// host, else the system's]
    #[arg(long, value_name = "FILE")]
    pub(super) cacert: Option<PathBuf>,
    /// The client's certificate chain [default: the workspace's client of the host]
    #[arg(long, value_name = "FILE")]
    pub(super) cert: Option<PathBuf>,
    /// The client's key [default: in the file of --cert]
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(super) key: Option<PathBuf>,
    /// Read the password of an encrypted --key from this file
    #[arg(long, value_name = "FILE")]
    pub(super) key_password_file: Option<PathBuf>,
    /// Send no client certificate
    #[arg(long, conflicts_with_all = ["cert", "key"])]
    pub(super) no_client_cert: bool,
    /// Refuse certificates that this CRL revokes; repeatable
    #[arg(long, value_name = "FILE")]
    pub(super) crl: Vec<PathBuf>,
    /// The server name to send [default: the host]
    #[arg(long, value_name = "NAME")]
    pub(super) sni: Option<String>,
    /// The protocol to offer by ALPN, h2 or http/1.1 [default: either]
    #[arg(long, value_name = "NAME")]
    pub(super) alpn: Vec<String>,
    /// Offer only this TLS version [default: both]
    #[arg(long, value_name = "VERSION", value_parser = choice(TlsVersions::WORDS))]
    pub(super) tls: Option<TlsVersions>,
    /// Time limit for each phase
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse)]
    pub(super) timeout: Duration,
    #[command(flatten)]
    pub(super) cluster: KubeconfigArgs,
}

impl ConnectionArgs {
    /// Their values, in the form that the operations take.
    ///
    /// # Errors
    /// If `--target` is not an address.
    pub(super) fn connection(&self) -> Result<Connection, Failure> {
        let target = self.target.as_deref().map(NamedGateway::parse).transpose();
        Ok(Connection {
            target: target.map_err(Failure::usage)?,
            resolve: self.resolve.clone(),
            cacert: self.cacert.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
            key_password_file: self.key_password_file.clone(),
            no_client_cert: self.no_client_cert,
            crl: self.crl.clone(),
            sni: self.sni.clone(),
            alpn: self.alpn.clone(),
            tls: self.tls,
            timeout: self.timeout,
            cluster: self.cluster.place(),
        })
    }
}
