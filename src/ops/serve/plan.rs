//! Turns a request into the gateway's settings.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::cluster::{self, Followed, Wanted};
use super::request::Request;
use super::upstream_roots;
use crate::certs::CertificateDer;
use crate::files::{self, MANIFEST_LIMIT};
use crate::gateway::dataplane::access_log::AccessLog;
use crate::gateway::dataplane::settings::LogLevelHandle;
use crate::gateway::follow::source::GatewaySources;
use crate::ops::lint::inputs::check_certs;
use crate::ops::lint::served::serve_check;
use crate::ops::{Failure, Surroundings};
use crate::sources::Sources;

/// What is to be served, and how.
pub struct Plan {
    /// The source of the configuration.
    pub(super) sources: GatewaySources,
    /// Gateway port to local port.
    pub(super) ports: HashMap<u16, u16>,
    /// The address for the Gateways' ports.
    pub(super) bind: IpAddr,
    /// The admin interface's address; none turns it off.
    pub(super) admin: Option<SocketAddr>,
    /// Worker threads.
    pub(super) threads: usize,
    /// The access log.
    pub(super) access_log: AccessLog,
    /// Nothing may be ignored, missing or broken.
    pub(super) strict: bool,
    /// What external `https` upstreams are verified with.
    pub(super) upstream_authorities: Vec<CertificateDer<'static>>,
    /// How the admin changes the log's level.
    pub(super) log_level: Option<LogLevelHandle>,
    /// Who watches the cluster of the objects.
    pub(super) following: Option<Followed>,
}

impl Plan {
    /// The plan for a request. Reads standard input, or a cluster.
    ///
    /// # Errors
    /// A file, folder or kubeconfig that cannot be used: bad input. A cluster that
    /// cannot be reached: a runtime failure.
    pub fn of(request: Request, here: &Surroundings) -> Result<Self, Failure> {
        let upstream_authorities = upstream_roots::read(&request.upstream_cacerts, &request.upstreams, here)?;
        check_certs(&request.certs)?;
        let live = match &request.cluster {
            Some(place) => {
                let wanted = Wanted {
                    place,
                    gateway: &request.gateway,
                    without_secrets: !request.certs.is_empty(),
                    strict: request.strict,
                };
                Some(cluster::follow(&wanted, here)?)
            }
            None => None,
        };
        let (live, following, pod_namespace) = match live {
            Some(live) => (Some(live.source), Some(live.followed), Some(live.pod_namespace)),
            None => (None, None, None),
        };
        let (stdin, manifests): (Vec<PathBuf>, Vec<PathBuf>) =
            (request.manifests.into_iter()).partition(|path| path.as_os_str() == "-");
        let stdin = (!stdin.is_empty())
            .then(|| files::read_from(std::io::stdin().lock(), "-", MANIFEST_LIMIT))
            .transpose()
            .map_err(Failure::usage)?;
        let check = serve_check(!request.certs.is_empty(), request.clock);
        Ok(Self {
            sources: GatewaySources {
                aim: here.aim.clone(),
                inputs: Sources {
                    manifests,
                    live,
                    stdin,
                    recursive: request.recursive,
                    left_out: BTreeSet::new(),
                    streams: false,
                    certs: request.certs,
                    workspace: here.dir.clone(),
                    host_files: request.host_files,
                    namespace: here.namespace.clone(),
                    gateway_namespace: pod_namespace.or_else(|| here.gateway_namespace.clone()),
                },
                crls: request.crls,
                upstreams: request.upstreams,
                gateway: request.gateway,
                check: Some(check),
            },
            ports: request.ports,
            bind: request.bind,
            admin: request.admin,
            threads: request.threads.unwrap_or_else(processors),
            access_log: request.access_log,
            strict: request.strict,
            upstream_authorities,
            log_level: request.log_level,
            following,
        })
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
