//! What `gen-certs` prints for programs: the plan of `--dry-run` and what was made.

use std::collections::HashMap;

use serde::Serialize;

use crate::files::shown;
use crate::names::Host;
use crate::ops::issue::outcome::{Made, Outcome};
use crate::ops::issue::plan::{Action, Plan};
use crate::workspace::config::Mode;
use crate::workspace::layout::Part;

/// The plan.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanJson<'p> {
    schema: u32,
    dry_run: bool,
    chains: Vec<PlannedChain<'p>>,
    skipped: usize,
}

/// What would be made for a host.
#[derive(Debug, Serialize)]
struct PlannedChain<'p> {
    host: &'p Host,
    folder: String,
    action: &'static str,
    mode: Mode,
    clients: &'p [String],
}

/// What was made.
#[derive(Debug, Serialize)]
pub struct OutcomeJson<'o> {
    schema: u32,
    chains: Vec<ChainJson<'o>>,
    skipped: usize,
    workspace: String,
    notes: &'o [String],
}

/// What was made for a host.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChainJson<'o> {
    host: &'o Host,
    folder: String,
    action: &'static str,
    mode: Mode,
    credential_name: Option<&'o str>,
    serial: &'o str,
    not_before: &'o str,
    not_after: &'o str,
    root: String,
    ca_chain: String,
    certificate: String,
    key: Option<String>,
    clients: Vec<ClientJson<'o>>,
    notes: &'o [String],
}

/// A client that was made.
#[derive(Debug, Serialize)]
struct ClientJson<'o> {
    name: &'o str,
    certificate: String,
    key: String,
    bundle: Option<String>,
}

/// The plan for programs.
pub fn plan(plan: &Plan) -> PlanJson<'_> {
    let chains = plan.jobs.iter().map(|job| PlannedChain {
        host: job.layout.host(),
        folder: shown(&job.layout.folder()),
        action: word(job.action),
        mode: job.mode,
        clients: &job.clients,
    });
    PlanJson {
        schema: 1,
        dry_run: true,
        chains: chains.collect(),
        skipped: plan.skipped,
    }
}

/// What was made, for programs.
pub fn outcome(outcome: &Outcome) -> OutcomeJson<'_> {
    let entries = outcome.file.config.hosts.iter();
    let credentials: HashMap<&Host, &str> = entries
        .map(|entry| (&entry.host, entry.credential_name.as_str()))
        .collect();
    let chains = outcome.made.iter().map(|made| {
        let credential = credentials.get(made.job.layout.host()).copied();
        chain(outcome, made, credential)
    });
    OutcomeJson {
        schema: 1,
        chains: chains.collect(),
        skipped: outcome.skipped,
        workspace: shown(&outcome.file.path),
        notes: &outcome.notes,
    }
}

fn chain<'o>(outcome: &'o Outcome, made: &'o Made, credential_name: Option<&'o str>) -> ChainJson<'o> {
    let job = &made.job;
    let path = |part: Part<'_>| shown(&job.layout.path(part));
    let clients = job.clients.iter().map(|name| ClientJson {
        name,
        certificate: path(Part::ClientCert(name)),
        key: path(Part::ClientKey(name)),
        bundle: outcome.bundles.then(|| path(Part::ClientBundle(name))),
    });
    ChainJson {
        host: job.layout.host(),
        folder: shown(&job.layout.folder()),
        action: word(job.action),
        mode: job.mode,
        credential_name,
        serial: &made.leaf.serial,
        not_before: &made.leaf.not_before,
        not_after: &made.leaf.not_after,
        root: path(Part::RootCert),
        ca_chain: path(Part::CaChain),
        certificate: path(Part::ServerCert),
        key: outcome.has_server_key.then(|| path(Part::ServerKey)),
        clients: clients.collect(),
        notes: &made.notes,
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Replace => "replaced",
        Action::AddClients => "client-added",
    }
}
