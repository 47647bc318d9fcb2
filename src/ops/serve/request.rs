//! The request of `serve`.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use time::OffsetDateTime;

use crate::gateway::config::clusters::Upstream;
use crate::gateway::dataplane::access_log::AccessLog;
use crate::gateway::dataplane::settings::LogLevelHandle;
use crate::ops::cluster_access::ClusterPlace;
use crate::sources::played::GatewayChoice;

/// What to serve, and how.
pub struct Request {
    /// Files, folders, or `-` for standard input; the workspace if there are none.
    pub manifests: Vec<PathBuf>,
    /// Also read subfolders.
    pub recursive: bool,
    /// The objects of a cluster and their changes, instead of files.
    pub cluster: Option<ClusterPlace>,
    /// Folders of Secrets.
    pub certs: Vec<PathBuf>,
    /// CRLs with client certificates to refuse.
    pub crls: Vec<PathBuf>,
    /// Which of the input's gateways is played.
    pub gateway: GatewayChoice,
    /// Paths in Gateways are paths on this machine.
    pub host_files: bool,
    /// Gateway port to local port.
    pub ports: HashMap<u16, u16>,
    /// The address for the Gateways' ports.
    pub bind: IpAddr,
    /// The admin interface's address; none turns it off.
    pub admin: Option<SocketAddr>,
    /// The endpoint for requests to a Service.
    pub upstreams: Vec<Upstream>,
    /// What external `https` upstreams are verified with; the system's CAs by default.
    pub upstream_cacerts: Vec<PathBuf>,
    /// Worker threads; the number of processors by default.
    pub threads: Option<usize>,
    /// The access log.
    pub access_log: AccessLog,
    /// Nothing may be ignored, missing or broken.
    pub strict: bool,
    /// How the admin changes the log's level.
    pub log_level: Option<LogLevelHandle>,
    /// The clock: certificates are judged again at each change.
    pub clock: fn() -> OffsetDateTime,
}
