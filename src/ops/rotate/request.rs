//! The request of `rotate`.

use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::names::Host;
use crate::ops::cluster_access::ClusterPlace;
use crate::remedy::Line;

/// What always helps if a cluster causes the problem.
pub(super) const LOCAL: &str = "--local rotates only the files, and does not change the cluster";

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// A new server leaf, and new clients if `clients`.
    Leaf {
        /// New client certificates, too.
        clients: bool,
    },
    /// A new CA, trusted beside the old one.
    Ca,
    /// Remove the old CA.
    Finish,
    /// Remove the new CA.
    Abort,
}

/// What to rotate, and where.
pub struct Request {
    /// The hosts; every host of the workspace if none is named and `within` is given.
    pub hosts: Vec<Host>,
    /// What to do with them.
    pub wish: Wish,
    /// Only what expires within this time.
    pub within: Option<Duration>,
    /// How long to wait until a gateway serves the new certificates.
    pub wait: Option<Duration>,
    /// The validity of new leaves in days; as long as the old ones by default.
    pub days: Option<u32>,
    /// The HOST folder that contains the CA's key, if this one's does not.
    pub signer: Option<PathBuf>,
    /// The password of CA keys.
    pub password: Option<Zeroizing<String>>,
    /// The cluster; none if only the files are rotated although one is recorded.
    pub cluster: Option<ClusterRequest>,
}

/// Which cluster, if one is named or recorded, and what may be done to it.
#[derive(Debug, Clone)]
pub struct ClusterRequest {
    /// Where it is.
    pub place: ClusterPlace,
    /// How long to retry an API server that fails or is busy.
    pub retry_for: Duration,
    /// Take over fields of Secrets that others manage.
    pub force_conflicts: bool,
}

impl Request {
    /// The time of `--if-expires-in`.
    pub(super) fn within(&self) -> Option<time::Duration> {
        self.within
            .map(|within| time::Duration::seconds(within.as_secs().cast_signed()))
    }

    /// A line that continues the rotation: without the cluster, if this run does not use
    /// it.
    pub(super) fn going_on(&self, line: Line) -> Line {
        match self.cluster {
            Some(_) => line,
            None => line.arg("--local"),
        }
    }
}
