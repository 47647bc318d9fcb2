//! What is to be served, as the user says it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use time::OffsetDateTime;

use crate::gateway::config::clusters::Upstream;
use crate::gateway::dataplane::access_log::AccessLog;
use crate::gateway::dataplane::settings::LogLevelHandle;
use crate::ops::cluster_access::ClusterPlace;
use crate::sources::played::GatewayChoice;

/// What is to be served, and how.
pub struct Request {
    /// Files, folders, or `-` for standard input; the workspace when there are none.
    pub manifests: Vec<PathBuf>,
    /// Also the folders in folders.
    pub recursive: bool,
    /// In place of files, the objects of a cluster, and their changes.
    pub cluster: Option<ClusterPlace>,
    /// Folders of Secrets.
    pub certs: Vec<PathBuf>,
    /// Lists of client certificates that are refused.
    pub crls: Vec<PathBuf>,
    /// Which of the input's gateways is played.
    pub gateway: GatewayChoice,
    /// Paths of Gateways are paths of this machine.
    pub host_files: bool,
    /// Gateway port to local port.
    pub ports: HashMap<u16, u16>,
    /// Where the Gateways' ports are opened.
    pub bind: IpAddr,
    /// The admin's address; none is no admin.
    pub admin: Option<SocketAddr>,
    /// Where the requests of a Service go.
    pub upstreams: Vec<Upstream>,
    /// What `https` upstreams elsewhere are verified by; the system's when there are none.
    pub upstream_cacerts: Vec<PathBuf>,
    /// Worker threads; the number of processors when not given.
    pub threads: Option<usize>,
    /// The access log.
    pub access_log: AccessLog,
    /// Nothing may be ignored, missing or broken.
    pub strict: bool,
    /// How the admin changes the log's level.
    pub log_level: Option<LogLevelHandle>,
    /// The clock: certificates are judged anew at each change.
    pub clock: fn() -> OffsetDateTime,
}
