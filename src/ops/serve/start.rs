//! Starts the gateway and keeps it in step with its sources. Afterwards `serve` waits for
//! signals, `up` probes.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::exclusive::{self, Claim};
use super::plan::Plan;
use super::port_owner::listening_process;
use super::running::RunningGateway;
use crate::gateway::admin::summary;
use crate::gateway::dataplane::limits::Limits;
use crate::gateway::dataplane::listener::StartError;
use crate::gateway::dataplane::settings::ServerSettings;
use crate::gateway::follow::reload::Reload;
use crate::gateway::follow::source::SourceError;
use crate::gateway::server::Server;
use crate::ops::Failure;
use crate::problem::Problem;
use crate::remedy::Aim;
use crate::sources::Sources;
use crate::sources::disk::{DiskFiles, Texts};
use crate::workspace::file;
use crate::workspace::running::{RunningListener, RunningManifests, RunningServe};

/// As large as a main thread's, since input may be deeply nested.
const STACK: usize = 8 << 20;

/// Reads the input, opens the ports, and watches for changes. When this returns, the
/// ports accept connections and `probe` finds them.
///
/// # Errors
/// Nothing to serve, or unreadable input: bad input. A port or workspace that another
/// process serves: a runtime failure.
pub fn start(plan: Plan) -> Result<RunningGateway, Failure> {
    // In a thread that ends: the allocator reclaims what other threads freed of a
    // thread's memory when that thread allocates again or ends; the calling thread does
    // neither, because it waits for a signal.
    let thread = std::thread::Builder::new()
        .name("start".to_owned())
        .stack_size(STACK)
        .spawn(move || start_here(plan))
        .map_err(|error| no_thread(&error))?;
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn no_thread(error: &std::io::Error) -> Failure {
    Failure::runtime(Problem::new("cannot start a thread").why(error.to_string()))
}

fn start_here(plan: Plan) -> Result<RunningGateway, Failure> {
    let workspace = plan.sources.inputs.workspace.clone();
    let aim = plan.sources.aim.clone();
    let is_live = plan.sources.inputs.live.is_some();
    let manifests = manifests_of(&plan.sources.inputs);
    let files = DiskFiles::keeping(Texts::new());
    let (mut reload, mut loaded) = Reload::start(plan.sources, &files).map_err(|error| match error {
        SourceError::Nothing(problem) | SourceError::Bad(problem) => Failure::usage(problem),
    })?;
    let summary = summary::summary(&loaded.built.table);
    // The ports need not wait for the findings, unless one may stop it.
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
            Problem::new("there is no port to open")
                .why("every Gateway or server of the input is ignored or not supported, as said above")
                .fix("see the warnings; --selector LABEL=VALUE plays the gateway whose pods have that label"),
        ));
    }
    let claim = exclusive::claim(&workspace, &aim)?;
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
        aim: aim.clone(),
    };
    let table = std::mem::take(&mut loaded.built.table);
    let server = Arc::new(Server::start(settings, table).map_err(cannot_start)?);
    let claim = Arc::new(claim);
    publish(claim.as_ref().as_ref(), &server, &id, manifests.as_ref());
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
                        say_closed(server.leave_out_closed(&mut table), &mut said, &aim);
                    }
                    let outcome = server.replace(table).map_err(Problem::from);
                    publish(claim.as_ref().as_ref(), &server, &id, manifests.as_ref());
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

/// Reports which ports of a cluster's Gateways are not opened here, each once.
fn say_closed(errors: Vec<StartError>, said: &mut BTreeSet<String>, aim: &Aim) {
    let problems: Vec<Problem> = errors.into_iter().map(Problem::from).collect();
    let texts: BTreeSet<String> = problems.iter().map(|problem| problem.text(aim)).collect();
    for text in texts.difference(said) {
        tracing::error!("a Gateway's port is not opened here: {text}");
    }
    *said = texts;
}

/// The sources of `-f`, for probes. A path without an absolute form cannot be found
/// again.
fn manifests_of(sources: &Sources) -> Option<RunningManifests> {
    let paths = sources
        .manifests
        .iter()
        .filter_map(|path| std::path::absolute(path).ok());
    let paths: Vec<PathBuf> = paths.collect();
    (!paths.is_empty()).then_some(RunningManifests {
        paths,
        recursive: sources.recursive,
    })
}

fn publish(claim: Option<&Claim>, server: &Server, id: &str, manifests: Option<&RunningManifests>) {
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
        manifests: manifests.cloned(),
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
