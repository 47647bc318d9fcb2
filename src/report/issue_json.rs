//! The JSON output of `gen-certs`: the plan of `--dry-run` and the result.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::problem_json::ProblemJson;
use super::schema_number::SchemaNumber;
use crate::files::shown;
use crate::names::Host;
use crate::ops::issue::job::{Action, Job, Plan};
use crate::ops::issue::outcome::{Made, Outcome};
use crate::problem::Problem;
use crate::remedy::Aim;
use crate::workspace::config::Mode;
use crate::workspace::layout::Part;

/// The plan.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanJson<'p> {
    /// The number of this format.
    schema: SchemaNumber,
    /// True: nothing was done.
    dry_run: bool,
    /// What would be done, host by host.
    chains: Vec<PlannedChain<'p>>,
    /// How many hosts of --hosts-file would be left unchanged.
    skipped: usize,
    /// Notes for the user, each with its remedy.
    warnings: Vec<ProblemJson>,
}

/// What would be created or changed for a host.
#[derive(Debug, Serialize, JsonSchema)]
struct PlannedChain<'p> {
    /// The host: a DNS name, a wildcard or an IP address.
    host: &'p Host,
    /// The host's folder.
    folder: String,
    /// What would be done.
    action: ActionJson,
    /// How the gateway authenticates clients.
    mode: Mode,
    /// The clients that would get a certificate.
    clients: &'p [String],
    /// What would be added to an existing chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<ChangesJson<'p>>,
    /// What the new chain would replace.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<EndedJson<'p>>,
}

/// What is done with a chain.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ActionJson {
    /// It is new.
    Created,
    /// It is new and replaces one.
    Replaced,
    /// It existed; a client was added.
    ClientAdded,
    /// It existed; something else was changed.
    Changed,
}

/// What is added to an existing chain.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ChangesJson<'c> {
    /// The previous mode, if the mode changes.
    former_mode: Option<Mode>,
    /// New names of the server certificate.
    sans: Vec<String>,
    /// New clients.
    clients: &'c [String],
    /// Existing clients that get a PKCS#12 bundle.
    bundles: Vec<String>,
}

/// What a new chain replaces.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EndedJson<'e> {
    /// SHA-256 of the previous CA's certificate.
    ca_fingerprint: Option<&'e str>,
    /// Whether the CA's key was in the folder.
    has_key: bool,
    /// How many client certificates the CA issued.
    clients: usize,
    /// Where the previous chain is kept.
    kept: String,
}

/// What was done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OutcomeJson<'o> {
    /// The number of this format.
    schema: SchemaNumber,
    /// What was done, host by host.
    chains: Vec<ChainJson<'o>>,
    /// How many hosts of --hosts-file were left unchanged.
    skipped: usize,
    /// The path of istio-tls.yaml.
    workspace: String,
    /// Notes for the user.
    notes: Vec<String>,
    /// Notes for the user, each with its remedy.
    warnings: Vec<ProblemJson>,
}

/// What was done for a host.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ChainJson<'o> {
    /// The host: a DNS name, a wildcard or an IP address.
    host: &'o Host,
    /// The host's folder.
    folder: String,
    /// What was done.
    action: ActionJson,
    /// How the gateway authenticates clients.
    mode: Mode,
    /// `credentialName`: the Secret that the Gateway names.
    credential_name: Option<&'o str>,
    /// The serial number of the server certificate, lower-case hex pairs with colons.
    serial: &'o str,
    /// Start of its validity, RFC 3339.
    not_before: &'o str,
    /// End of its validity, RFC 3339.
    not_after: &'o str,
    /// The path of the root certificate.
    root: String,
    /// The path of the CA bundle: intermediate, then root.
    ca_chain: String,
    /// The path of the server certificate.
    certificate: String,
    /// The path of its key; null if the key is elsewhere (--csr).
    key: Option<String>,
    /// The clients that got a certificate.
    clients: Vec<ClientJson<'o>>,
    /// Notes for the user.
    notes: &'o [String],
    /// What was added to an existing chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<ChangesJson<'o>>,
    /// What the new chain replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<EndedJson<'o>>,
}

/// A client that was added.
#[derive(Debug, Serialize, JsonSchema)]
struct ClientJson<'o> {
    /// The client's name.
    name: &'o str,
    /// The path of its certificate.
    certificate: String,
    /// The path of its key.
    key: String,
    /// The path of its PKCS#12 bundle, if requested.
    bundle: Option<String>,
}

/// The plan as JSON; `aim` completes the command lines.
pub fn plan<'p>(plan: &'p Plan, aim: &Aim) -> PlanJson<'p> {
    let chains = plan.jobs.iter().map(|job| PlannedChain {
        host: job.layout.host(),
        folder: shown(&job.layout.folder()),
        action: job.into(),
        mode: job.mode,
        clients: &job.clients,
        changes: changes(job),
        ends: ended(job),
    });
    PlanJson {
        schema: SchemaNumber,
        dry_run: true,
        chains: chains.collect(),
        skipped: plan.skipped,
        warnings: problems(&plan.warnings, aim),
    }
}

/// The result as JSON; `aim` completes the command lines.
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
        schema: SchemaNumber,
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
        action: job.into(),
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

impl From<&Job> for ActionJson {
    fn from(job: &Job) -> Self {
        match &job.action {
            Action::Create => Self::Created,
            Action::Replace(_) => Self::Replaced,
            Action::Change(change) if change.is_of_clients_alone() => Self::ClientAdded,
            Action::Change(_) => Self::Changed,
        }
    }
}
