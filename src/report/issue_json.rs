//! What `gen-certs` prints for programs: the plan of `--dry-run` and what was made.

use std::collections::HashMap;

use serde::Serialize;

use super::problem_json::ProblemJson;
use crate::files::shown;
use crate::names::Host;
use crate::ops::issue::job::{Action, Job, Plan};
use crate::ops::issue::outcome::{Made, Outcome};
use crate::problem::Problem;
use crate::remedy::Aim;
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
    warnings: Vec<ProblemJson>,
}

/// What would be made for a host.
#[derive(Debug, Serialize)]
struct PlannedChain<'p> {
    host: &'p Host,
    folder: String,
    action: &'static str,
    mode: Mode,
    clients: &'p [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<ChangesJson<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<EndedJson<'p>>,
}

/// What a chain that exists gets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangesJson<'c> {
    /// The mode before, where another one is recorded.
    former_mode: Option<Mode>,
    /// New names of the server certificate.
    sans: Vec<String>,
    /// New clients.
    clients: &'c [String],
    /// PKCS#12 bundles of clients that existed.
    bundles: Vec<String>,
}

/// What a new chain ends.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EndedJson<'e> {
    /// SHA-256 of the CA's certificate.
    ca_fingerprint: Option<&'e str>,
    /// Whether its key was in the folder.
    has_key: bool,
    /// How many client certificates it issued.
    clients: usize,
    /// Where the old tree is kept.
    kept: String,
}

/// What was done.
#[derive(Debug, Serialize)]
pub struct OutcomeJson<'o> {
    schema: u32,
    chains: Vec<ChainJson<'o>>,
    skipped: usize,
    workspace: String,
    notes: Vec<String>,
    warnings: Vec<ProblemJson>,
}

/// What was done for a host.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<ChangesJson<'o>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<EndedJson<'o>>,
}

/// A client that was made.
#[derive(Debug, Serialize)]
struct ClientJson<'o> {
    name: &'o str,
    certificate: String,
    key: String,
    bundle: Option<String>,
}

/// The plan for programs, and a user who stands at `aim`.
pub fn plan<'p>(plan: &'p Plan, aim: &Aim) -> PlanJson<'p> {
    let chains = plan.jobs.iter().map(|job| PlannedChain {
        host: job.layout.host(),
        folder: shown(&job.layout.folder()),
        action: word(job),
        mode: job.mode,
        clients: &job.clients,
        changes: changes(job),
        ends: ended(job),
    });
    PlanJson {
        schema: 1,
        dry_run: true,
        chains: chains.collect(),
        skipped: plan.skipped,
        warnings: problems(&plan.warnings, aim),
    }
}

/// What was done, for programs, and a user who stands at `aim`.
pub fn outcome<'o>(outcome: &'o Outcome, aim: &Aim) -> OutcomeJson<'o> {
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
        notes: outcome.notes.iter().map(|note| note.words(aim)).collect(),
        warnings: problems(&outcome.warnings, aim),
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
        action: word(job),
        mode: job.mode,
        credential_name,
        serial: &made.leaf.serial,
        not_before: &made.leaf.not_before,
        not_after: &made.leaf.not_after,
        root: path(Part::RootCert),
        ca_chain: path(Part::CaChain),
        certificate: path(Part::ServerCert),
        key: made.has_server_key.then(|| path(Part::ServerKey)),
        clients: clients.collect(),
        notes: &made.notes,
        changes: changes(job),
        ended: ended(job),
    }
}

fn changes(job: &Job) -> Option<ChangesJson<'_>> {
    let Action::Change(change) = &job.action else {
        return None;
    };
    let bundle = |name: &String| shown(&job.layout.path(Part::ClientBundle(name)));
    Some(ChangesJson {
        former_mode: change.former_mode,
        sans: change.sans.iter().map(ToString::to_string).collect(),
        clients: &job.clients,
        bundles: change.bundles.iter().map(bundle).collect(),
    })
}

fn ended(job: &Job) -> Option<EndedJson<'_>> {
    let Action::Replace(ended) = &job.action else {
        return None;
    };
    Some(EndedJson {
        ca_fingerprint: ended.fingerprint.as_deref(),
        has_key: ended.has_key,
        clients: ended.clients,
        kept: shown(&ended.kept),
    })
}

fn problems(problems: &[Problem], aim: &Aim) -> Vec<ProblemJson> {
    problems.iter().map(|problem| ProblemJson::new(problem, aim)).collect()
}

fn word(job: &Job) -> &'static str {
    match &job.action {
        Action::Create => "created",
        Action::Replace(_) => "replaced",
        Action::Change(change) if change.is_of_clients_alone() => "client-added",
        Action::Change(_) => "changed",
    }
}
