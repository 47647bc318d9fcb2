//! What `rotate` is asked for.

use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::names::Host;
use crate::ops::cluster_access::ClusterPlace;
use crate::remedy::Line;

/// What always leads out when a cluster is in the way.
pub(super) const LOCAL: &str = "--local rotates the files alone, and leaves the cluster as it is";

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// A new server leaf, and new clients if `clients`.
    Leaf {
        /// New client certificates, too.
        clients: bool,
    },
    /// A new CA, trusted beside the old one.
    Ca,
    /// The old CA goes.
    Finish,
    /// The new CA goes.
    Abort,
}

/// What is to be rotated, and where.
pub struct Request {
    /// The hosts; every host of the workspace when none is named and `within` is given.
    pub hosts: Vec<Host>,
    /// What of them.
    pub wish: Wish,
    /// Only what ends within this time.
    pub within: Option<Duration>,
    /// How long a gateway may take to serve what is new.
    pub wait: Option<Duration>,
    /// Days for which new leaves are valid; as long as the old ones when not given.
    pub days: Option<u32>,
    /// The HOST folder that holds the CA's key, where this one's does not.
    pub signer: Option<PathBuf>,
    /// The password of CA keys.
    pub password: Option<Zeroizing<String>>,
    /// The cluster; none where the files alone are rotated, though one is recorded.
    pub cluster: Option<ClusterRequest>,
}

/// Which cluster, where one is named or recorded, and what may be done to it.
#[derive(Debug, Clone)]
pub struct ClusterRequest {
    /// Where it is.
    pub place: ClusterPlace,
    /// How long an API server that fails or is busy is asked again.
    pub retry_for: Duration,
    /// Fields of Secrets that others manage are taken over.
    pub force_conflicts: bool,
}

impl Request {
    /// The time of `--if-expires-in`.
    pub(super) fn within(&self) -> Option<time::Duration> {
        self.within
            .map(|within| time::Duration::seconds(within.as_secs().cast_signed()))
    }

    /// A line that goes on with the rotation: without the cluster, where this one
    /// leaves it alone.
    pub(super) fn going_on(&self, line: Line) -> Line {
        match self.cluster {
            Some(_) => line,
            None => line.arg("--local"),
        }
    }
}
