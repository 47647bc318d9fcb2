//! Starts the gateway and keeps it at the state of its sources. `serve` waits
//! for signals afterwards, `up` probes.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::cluster;
use super::cluster::Followed;
use super::exclusive::{self, Claim};
use super::port_owner::listening_process;
use super::{Admin, ServeArgs};
use crate::certs::CertificateDer;
use crate::cli::context::Context;
use crate::cli::{Failure, lint};
use crate::gateway::admin::summary::{self, ListenerSummary};
use crate::gateway::config::clusters::Upstream;
use crate::gateway::dataplane::access_log::AccessLog;
use crate::gateway::dataplane::limits::Limits;
use crate::gateway::dataplane::listener::{OpenListener, StartError};
use crate::gateway::dataplane::settings::{LogLevelHandle, ServerSettings};
use crate::gateway::follow::reload::Reload;
use crate::gateway::follow::source::{GatewaySources, SourceError};
use crate::gateway::follow::watch::Stopper;
use crate::gateway::server::Server;
use crate::problem::Problem;
use crate::sources::Sources;
use crate::sources::disk::DiskFiles;
use crate::workspace::file;
use crate::workspace::running::{RunningListener, RunningServe};

/// How long requests may go on after a signal.
const GRACE: Duration = Duration::from_secs(30);

/// As much as a main thread has, since input may be nested deeply.
const STACK: usize = 8 << 20;

/// What is to be served, and how.
pub(in crate::cli) struct ServePlan {
    /// Where the configuration is read from.
    pub(in crate::cli) sources: GatewaySources,
    /// Gateway port to local port.
    pub(in crate::cli) ports: HashMap<u16, u16>,
    /// Where the Gateways' ports are opened.
    pub(in crate::cli) bind: IpAddr,
    /// The admin's address; none is no admin.
    pub(in crate::cli) admin: Option<SocketAddr>,
    /// Worker threads.
    pub(in crate::cli) threads: usize,
    /// The access log.
    pub(in crate::cli) access_log: AccessLog,
    /// Nothing may be ignored, missing or broken.
    pub(in crate::cli) strict: bool,
    /// What `https` upstreams elsewhere are verified by.
    pub(in crate::cli) upstream_authorities: Vec<CertificateDer<'static>>,
    /// How the admin changes the log's level.
    pub(in crate::cli) log_level: Option<LogLevelHandle>,
    /// Who follows the cluster that the objects are of.
    pub(in crate::cli) following: Option<Followed>,
}

/// A gateway that serves. Dropping it ends it at once.
pub(in crate::cli) struct RunningGateway {
    server: Arc<Server>,
    claim: Arc<Option<Claim>>,
    reload: Option<JoinHandle<()>>,
    stopper: Stopper,
    summary: Vec<ListenerSummary>,
    /// Followed as long as it serves.
    following: Option<Followed>,
}

impl ServePlan {
    /// The plan of `serve`'s flags.
    ///
    /// # Errors
    /// When a flag's value cannot be used.
    pub(in crate::cli) fn from_args(
        args: ServeArgs,
        context: &Context,
        log_level: Option<LogLevelHandle>,
    ) -> Result<Self, Failure> {
        let upstreams = args
            .upstream
            .iter()
            .map(|text| Upstream::parse(text))
            .collect::<Result<Vec<_>, Problem>>()
            .map_err(Failure::usage)?;
        let upstream_authorities = super::upstream_roots::read(&args.upstream_cacert, &upstreams, context)?;
        for folder in &args.certs {
            if !folder.is_dir() {
                return Err(Failure::usage(
                    Problem::new(format!("--certs {} is no folder", folder.display()))
                        .fix("give a HOST folder of gen-certs, or a folder with SECRET/KEY files"),
                ));
            }
        }
        let live = cluster::follow(&args, context)?;
        let (live, following, pod_namespace) = match live {
            Some(live) => (Some(live.source), Some(live.followed), Some(live.pod_namespace)),
            None => (None, None, None),
        };
        let (stdin, manifests): (Vec<PathBuf>, Vec<PathBuf>) =
            args.filename.into_iter().partition(|path| path.as_os_str() == "-");
        let stdin = (!stdin.is_empty())
            .then(|| crate::files::read_from(std::io::stdin().lock(), "-", crate::files::MANIFEST_LIMIT))
            .transpose()
            .map_err(Failure::usage)?;
        let Admin(admin) = args.admin;
        let check = lint::serve_check(!args.certs.is_empty());
        Ok(Self {
            sources: GatewaySources {
                inputs: Sources {
                    manifests,
                    live,
                    stdin,
                    recursive: args.recursive,
                    streams: false,
                    certs: args.certs,
                    workspace: context.dir.clone(),
                    host_files: args.host_files,
                    namespace: context.namespace.clone(),
                    gateway_namespace: pod_namespace.or_else(|| context.gateway_namespace.clone()),
                },
                crls: args.crl,
                upstreams,
                check: Some(check),
            },
            ports: args.port_map.into_iter().collect(),
            bind: args.bind,
            admin,
            threads: args.threads.map_or_else(processors, usize::from),
            access_log: args.access_log,
            strict: args.strict,
            upstream_authorities,
            log_level,
            following,
        })
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Reads, opens the ports, and watches for changes. When this returns, the
/// ports accept connections and `probe` finds them.
///
/// # Errors
/// Nothing to serve and input that cannot be read: exit 2. A port or
/// workspace that another process serves: exit 3.
pub(in crate::cli) fn start(plan: ServePlan) -> Result<RunningGateway, Failure> {
    // In a thread that ends: the allocator takes back what others have freed of a thread's memory when the
    // thread allocates again, or is gone; the caller's does neither, it waits for a signal.
    let thread = std::thread::Builder::new()
        .name("start".to_owned())
        .stack_size(STACK)
        .spawn(move || start_here(plan))
        .map_err(|error| no_thread(&error))?;
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn no_thread(error: &std::io::Error) -> Failure {
    Failure::runtime(Problem::new("a thread cannot be started").why(error.to_string()))
}

fn start_here(plan: ServePlan) -> Result<RunningGateway, Failure> {
    let workspace = plan.sources.inputs.workspace.clone();
    let is_live = plan.sources.inputs.live.is_some();
    let files = DiskFiles::default();
    let (mut reload, mut loaded) = Reload::start(plan.sources, &files).map_err(|error| match error {
        SourceError::Nothing(problem) | SourceError::Bad(problem) => Failure::usage(problem),
    })?;
    let summary = summary::summary(&loaded.built.table);
    // The ports need not wait for what is said of the input, unless that may stop it.
    if plan.strict || summary.is_empty() {
        reload.judge(&mut loaded, &files);
    }
    if plan.strict
        && let Some(problem) = loaded.stops_strict()
    {
        return Err(Failure::usage(problem.clone()));
    }
    if summary.is_empty() {
        reload.say(&loaded);
        return Err(Failure::usage(
            Problem::new("no port is left to open")
                .why("every Gateway or server of the input is ignored or not run, as said above")
                .fix("see the warnings; the ingress gateway's selector is istio: ingressgateway"),
        ));
    }
    let claim = exclusive::claim(&workspace)?;
    let id = new_id()?;
    let settings = ServerSettings {
        bind: plan.bind,
        ports: plan.ports,
        admin: plan.admin,
        threads: plan.threads,
        access_log: plan.access_log,
        id: id.clone(),
        limits: Limits::default(),
        upstream_authorities: plan.upstream_authorities,
        log_level: plan.log_level,
    };
    let table = std::mem::take(&mut loaded.built.table);
    let server = Arc::new(Server::start(settings, table).map_err(cannot_start)?);
    let claim = Arc::new(claim);
    publish(claim.as_ref().as_ref(), &server, &id);
    reload.judge(&mut loaded, &files);
    reload.say(&loaded);
    drop(loaded);
    let stopper = reload.stopper();
    if let Some(following) = &plan.following {
        let waker = reload.waker();
        following.on_change(move || waker.wake());
    }
    let thread = {
        let (server, claim) = (server.clone(), claim.clone());
        std::thread::Builder::new()
            .name("reload".to_owned())
            .spawn(move || {
                let mut said = BTreeSet::new();
                let take = |mut table| {
                    if is_live {
                        say_closed(server.leave_out_closed(&mut table), &mut said);
                    }
                    let outcome = server.replace(table).map_err(Problem::from);
                    publish(claim.as_ref().as_ref(), &server, &id);
                    outcome
                };
                reload.run(take, || server.refuse());
            })
            .map_err(|error| no_thread(&error))?
    };
    Ok(RunningGateway {
        server,
        claim,
        reload: Some(thread),
        stopper,
        summary,
        following: plan.following,
    })
}

impl RunningGateway {
    /// The opened ports.
    pub(in crate::cli) fn listeners(&self) -> Vec<OpenListener> {
        self.server.listeners()
    }

    /// Where the admin listens.
    pub(in crate::cli) fn admin(&self) -> Option<SocketAddr> {
        self.server.admin()
    }

    /// What was served at the start.
    pub(in crate::cli) fn summary(&self) -> &[ListenerSummary] {
        &self.summary
    }

    /// Closes the ports, lets requests end, and tells nobody any longer where it listened.
    pub(in crate::cli) fn drain(mut self) {
        drop(self.following.take());
        self.end_reload();
        let Self { server, claim, .. } = self;
        if let Some(server) = Arc::into_inner(server) {
            server.drain(GRACE);
        }
        drop(claim);
    }

    fn end_reload(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.reload.take() {
            // A panic there was shown already.
            let _ = thread.join();
        }
    }
}

/// Tells which ports of a cluster's Gateways are not opened here, each once.
fn say_closed(errors: Vec<StartError>, said: &mut BTreeSet<String>) {
    let problems: Vec<Problem> = errors.into_iter().map(Problem::from).collect();
    let texts: BTreeSet<String> = problems.iter().map(ToString::to_string).collect();
    for text in texts.difference(said) {
        tracing::error!("a Gateway's port is not opened here: {text}");
    }
    *said = texts;
}

fn publish(claim: Option<&Claim>, server: &Server, id: &str) {
    let (Some(claim), Some(admin)) = (claim, server.admin()) else {
        return;
    };
    claim.publish(&RunningServe {
        schema: 1,
        id: id.to_owned(),
        pid: std::process::id(),
        admin,
        listeners: server
            .listeners()
            .into_iter()
            .map(|open| RunningListener {
                port: open.gateway_port,
                address: open.address,
                tls: open.tls,
            })
            .collect(),
    });
}

fn new_id() -> Result<String, Failure> {
    let half = || file::new_id().map_err(Failure::runtime);
    Ok(half()? + &half()?)
}

fn cannot_start(error: StartError) -> Failure {
    match error {
        StartError::SamePort { .. } => Failure::usage(error),
        StartError::InUse { address, .. } => {
            let mut problem = Problem::from(error);
            if let Some(process) = listening_process(address) {
                problem.what = format!("{address} is in use by {process}");
            }
            Failure::runtime(problem)
        }
        _ => Failure::runtime(error),
    }
}
