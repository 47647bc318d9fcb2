//! What a running `serve` tells about itself in `.istio-tls/serve.json`, so
//! that `probe` finds it. Written 0600, removed at exit, and to be believed
//! only while the admin address answers with the same id.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The file's place below the workspace folder.
pub const FILE: &str = ".istio-tls/serve.json";
/// The header in which every answer of the admin carries the id.
pub const ID_HEADER: &str = "x-istio-tls-id";

/// A running `serve` of this workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningServe {
    /// The file's format; 1.
    pub schema: u32,
    /// Random for each start: 32 lower-case hex digits.
    pub id: String,
    /// The process.
    pub pid: u32,
    /// The admin's address.
    pub admin: SocketAddr,
    /// The Gateways' ports and where each is really listened on.
    pub listeners: Vec<RunningListener>,
    /// The manifests that it serves; none where it serves the workspace or a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifests: Option<RunningManifests>,
}

/// What `serve -f` was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningManifests {
    /// Files and folders, absolute.
    pub paths: Vec<PathBuf>,
    /// Whether folders in folders are read, too.
    pub recursive: bool,
}

/// One listener of a running `serve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningListener {
    /// `port.number` of the Gateway's server.
    pub port: u16,
    /// The local address.
    pub address: SocketAddr,
    /// Whether TLS is spoken there.
    pub tls: bool,
}
