//! What `rotate` would do, and what came of it, for programs.

use serde::Serialize;

use super::probe_json::VerdictJson;
use super::rotate_text::{nothing, untouched};
use crate::certs::summary::CertificateSummary;
use crate::certs::times::rfc3339;
use crate::files::shown;
use crate::names::Host;
use crate::ops::client_look::Look;
use crate::ops::rotate::decide::{LeftDue, Step};
use crate::ops::rotate::outcome::{
    Change, Done, DryRun, Outcome, PlannedHost, PlannedSecret, Pods, Proof, Rotated, Seen, Stored,
};
use crate::remedy::Aim;

/// What would be done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanReport<'o> {
    schema: u32,
    dry_run: bool,
    context: Option<&'o str>,
    rotations: Vec<PlannedJson<'o>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlannedJson<'o> {
    host: &'o Host,
    action: &'static str,
    reason: Option<String>,
    server: bool,
    clients: Vec<&'o str>,
    rotating_ca: bool,
    due: Vec<DueJson<'o>>,
    secrets: Vec<PlannedSecretJson<'o>>,
}

#[derive(Debug, Serialize)]
struct PlannedSecretJson<'o> {
    namespace: &'o str,
    name: &'o str,
    changes: &'o [String],
    lags: bool,
    leaf: Option<LeafJson<'o>>,
}

/// What was done.
#[derive(Debug, Serialize)]
pub struct Report<'o> {
    schema: u32,
    rotations: Vec<RotationJson<'o>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum RotationJson<'o> {
    Nothing(NothingJson<'o>),
    Rotated(Box<RotatedJson<'o>>),
}

#[derive(Debug, Serialize)]
struct NothingJson<'o> {
    host: &'o Host,
    action: &'static str,
    reason: String,
    due: Vec<DueJson<'o>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RotatedJson<'o> {
    host: &'o Host,
    action: &'static str,
    reason: Option<String>,
    due: Vec<DueJson<'o>>,
    certificates: Vec<ChangeJson<'o>>,
    files: Vec<String>,
    context: Option<&'o str>,
    secrets: Vec<StoredJson<'o>>,
    not_stored: &'o [String],
    not_known: Vec<&'o str>,
    live: Option<ProofJson<'o>>,
    proofs: Vec<ProofJson<'o>>,
    not_proven_in_cluster: Option<String>,
    notes: &'o [String],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DueJson<'o> {
    what: &'o str,
    not_after: String,
    flag: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LeafJson<'o> {
    serial: &'o str,
    not_after: String,
    sha256: &'o str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EndJson<'o> {
    serial: &'o str,
    not_after: String,
}

#[derive(Debug, Serialize)]
struct ChangeJson<'o> {
    what: &'o str,
    old: Option<EndJson<'o>>,
    new: Option<EndJson<'o>>,
}

#[derive(Debug, Serialize)]
struct StoredJson<'o> {
    namespace: &'o str,
    name: &'o str,
    action: &'static str,
    old: Option<LeafJson<'o>>,
    new: Option<LeafJson<'o>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProofJson<'o> {
    target: &'o str,
    proven: bool,
    waited_micros: u64,
    before: LookJson<'o>,
    after: Vec<LookJson<'o>>,
    removed: Option<LookJson<'o>>,
    removed_unseen: bool,
    pods: Option<PodsJson<'o>>,
}

#[derive(Debug, Serialize)]
struct LookJson<'o> {
    client: &'static str,
    ok: bool,
    serial: Option<&'o str>,
    verdict: VerdictJson<'o>,
    /// Of a client whose CA went.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PodsJson<'o> {
    ready: usize,
    asked: Vec<PodJson<'o>>,
    not_asked: Option<&'o str>,
}

#[derive(Debug, Serialize)]
struct PodJson<'o> {
    pod: &'o str,
    proven: bool,
    after: Vec<LookJson<'o>>,
    removed: Option<LookJson<'o>>,
}

/// What would be done.
pub fn plan(dry_run: &DryRun) -> PlanReport<'_> {
    PlanReport {
        schema: 1,
        dry_run: true,
        context: dry_run.context.as_deref(),
        rotations: dry_run.hosts.iter().map(PlannedJson::new).collect(),
    }
}

/// What was done, for a user who stands at `aim`.
pub fn report<'o>(outcome: &'o Outcome, aim: &Aim) -> Report<'o> {
    let rotations = outcome.done.iter().map(|done| match done {
        Done::Nothing {
            host,
            idle,
            absent_key,
            due,
        } => RotationJson::Nothing(NothingJson {
            host,
            action: "none",
            reason: untouched(host, idle, *absent_key, aim),
            due: due.iter().map(DueJson::new).collect(),
        }),
        Done::Rotated(done) => RotationJson::Rotated(Box::new(RotatedJson::new(done, aim))),
    });
    Report {
        schema: 1,
        rotations: rotations.collect(),
    }
}

/// The word for a step.
fn action(step: &Step) -> &'static str {
    match step {
        Step::Nothing(_) => "none",
        Step::Leaves { .. } => "leaf",
        Step::StartCa => "ca-start",
        Step::ResumeCa => "ca-resume",
        Step::FinishLeaf => "ca-finish-leaf",
        Step::FinishCa => "ca-finish",
        Step::AbortCa => "ca-abort",
        Step::CatchUp { .. } => "secret",
    }
}

/// Why nothing is done.
fn reason(host: &Host, step: &Step) -> Option<String> {
    match step {
        Step::Nothing(idle) => Some(nothing(host, idle)),
        _ => None,
    }
}

impl<'o> PlannedJson<'o> {
    fn new(planned: &'o PlannedHost) -> Self {
        let PlannedHost {
            state,
            step,
            due,
            secrets,
        } = planned;
        let (server, clients) = match step {
            Step::Leaves { server, clients } => (*server, clients.iter().map(String::as_str).collect()),
            Step::FinishLeaf => (true, Vec::new()),
            Step::StartCa => (false, state.clients.iter().map(|(name, _)| name.as_str()).collect()),
            Step::Nothing(_) | Step::ResumeCa | Step::FinishCa | Step::AbortCa | Step::CatchUp { .. } => {
                (false, Vec::new())
            }
        };
        Self {
            host: &state.host,
            action: action(step),
            reason: reason(&state.host, step),
            server,
            clients,
            rotating_ca: state.rotating,
            due: due.iter().map(DueJson::new).collect(),
            secrets: secrets.iter().map(PlannedSecretJson::new).collect(),
        }
    }
}

impl<'o> PlannedSecretJson<'o> {
    fn new(secret: &'o PlannedSecret) -> Self {
        Self {
            namespace: &secret.namespace,
            name: &secret.name,
            changes: &secret.changes,
            lags: secret.lags,
            leaf: secret.leaf.as_ref().map(LeafJson::new),
        }
    }
}

impl<'o> RotatedJson<'o> {
    fn new(done: &'o Rotated, aim: &Aim) -> Self {
        let proof = |proof: &'o Proof| ProofJson::new(proof, aim);
        Self {
            host: &done.host,
            action: action(&done.step),
            reason: reason(&done.host, &done.step),
            due: done.due.iter().map(DueJson::new).collect(),
            certificates: done.changes.iter().map(ChangeJson::new).collect(),
            files: done.files.iter().map(|path| shown(path)).collect(),
            context: done.context.as_deref(),
            secrets: done.secrets.iter().map(StoredJson::new).collect(),
            not_stored: &done.left,
            not_known: done.unknown.iter().map(String::as_str).collect(),
            live: done.proofs.first().map(proof),
            proofs: done.proofs.iter().map(proof).collect(),
            not_proven_in_cluster: done.unseen.as_ref().map(|why| why.words(aim)),
            notes: &done.notes,
        }
    }
}

impl<'o> DueJson<'o> {
    fn new(left: &'o LeftDue) -> Self {
        Self {
            what: &left.what,
            not_after: rfc3339(left.ends.not_after),
            flag: left.flag,
        }
    }
}

impl<'o> LeafJson<'o> {
    fn new(leaf: &'o CertificateSummary) -> Self {
        Self {
            serial: &leaf.serial,
            not_after: rfc3339(leaf.not_after),
            sha256: &leaf.sha256,
        }
    }
}

impl<'o> EndJson<'o> {
    fn new(certificate: &'o CertificateSummary) -> Self {
        Self {
            serial: &certificate.serial,
            not_after: rfc3339(certificate.not_after),
        }
    }
}

impl<'o> ChangeJson<'o> {
    fn new(change: &'o Change) -> Self {
        Self {
            what: &change.what,
            old: change.old.as_ref().map(EndJson::new),
            new: change.new.as_ref().map(EndJson::new),
        }
    }
}

impl<'o> StoredJson<'o> {
    fn new(secret: &'o Stored) -> Self {
        Self {
            namespace: &secret.namespace,
            name: &secret.name,
            action: secret.action.word(),
            old: secret.old.as_ref().map(LeafJson::new),
            new: secret.new.as_ref().map(LeafJson::new),
        }
    }
}

impl<'o> ProofJson<'o> {
    fn new(proof: &'o Proof, aim: &Aim) -> Self {
        Self {
            target: &proof.target,
            proven: proof.proven,
            waited_micros: proof.waited.as_micros() as u64,
            before: LookJson::new(&proof.before, aim),
            after: LookJson::of_let_in(&proof.seen, aim),
            removed: LookJson::of_removed(&proof.seen, aim),
            removed_unseen: proof.removal_unseen,
            pods: proof.pods.as_ref().map(|pods| PodsJson::new(pods, aim)),
        }
    }
}

impl<'o> LookJson<'o> {
    fn new(look: &'o Look, aim: &Aim) -> Self {
        Self {
            client: look.label,
            ok: look.outcome.verdict.is_ok(),
            serial: look.serial(),
            verdict: VerdictJson::new(&look.outcome.verdict, aim),
            refused: None,
        }
    }

    /// Of the clients that are to be let in.
    fn of_let_in(seen: &'o Seen, aim: &Aim) -> Vec<Self> {
        seen.after.iter().map(|look| Self::new(look, aim)).collect()
    }

    /// Of the client that is to be refused.
    fn of_removed(seen: &'o Seen, aim: &Aim) -> Option<Self> {
        seen.removed.as_ref().map(|look| Self {
            refused: Some(look.is_refused()),
            ..Self::new(look, aim)
        })
    }
}

impl<'o> PodsJson<'o> {
    fn new(pods: &'o Pods, aim: &Aim) -> Self {
        let asked = pods.asked.iter().map(|pod| PodJson {
            pod: &pod.pod,
            proven: pod.seen.proven,
            after: LookJson::of_let_in(&pod.seen, aim),
            removed: LookJson::of_removed(&pod.seen, aim),
        });
        Self {
            ready: pods.ready,
            asked: asked.collect(),
            not_asked: pods.unasked.as_deref(),
        }
    }
}
