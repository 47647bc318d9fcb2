//! The JSON output of `rotate`: the plan of `--dry-run`, and the result.

use schemars::JsonSchema;
use serde::Serialize;

use super::probe_json::VerdictJson;
use super::rotate_text::{nothing, untouched};
use super::schema_number::SchemaNumber;
use crate::certs::summary::CertificateSummary;
use crate::certs::times::rfc3339;
use crate::cluster::apply::Action;
use crate::files::shown;
use crate::names::Host;
use crate::ops::client_look::Look;
use crate::ops::rotate::decide::{LeftDue, Step};
use crate::ops::rotate::outcome::{
    Change, Done, DryRun, Outcome, PlannedHost, PlannedSecret, Pods, Proof, Rotated, Seen, Stored,
};
use crate::remedy::Aim;

/// What would be done.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanReport<'o> {
    /// The number of this format.
    schema: SchemaNumber,
    /// True: nothing was done.
    dry_run: bool,
    /// The kubeconfig context, if a cluster was used.
    context: Option<&'o str>,
    /// What would be done, host by host.
    rotations: Vec<PlannedJson<'o>>,
}

/// A step of a rotation.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum StepJson {
    /// Nothing.
    None,
    /// New leaves from the same CA.
    Leaf,
    /// A new CA beside the old one.
    CaStart,
    /// The same, resumed after an interruption.
    CaResume,
    /// A new server certificate, from the new CA.
    CaFinishLeaf,
    /// The old CA is removed.
    CaFinish,
    /// The new CA is removed.
    CaAbort,
    /// The files are unchanged; outdated Secrets are updated.
    Secret,
}

/// What would be done for a host.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PlannedJson<'o> {
    /// The host: a DNS name, a wildcard or an IP address.
    host: &'o Host,
    /// The step that would be done.
    action: StepJson,
    /// Why nothing would be done.
    reason: Option<String>,
    /// Whether the server certificate would be renewed.
    server: bool,
    /// The clients whose certificates would be renewed.
    clients: Vec<&'o str>,
    /// Whether a rotation of the CA is under way.
    rotating_ca: bool,
    /// What is due as well but would not be renewed.
    due: Vec<DueJson<'o>>,
    /// The Secrets that would change.
    secrets: Vec<PlannedSecretJson<'o>>,
}

/// A Secret of the host.
#[derive(Debug, Serialize, JsonSchema)]
struct PlannedSecretJson<'o> {
    /// `metadata.namespace`.
    namespace: &'o str,
    /// `metadata.name`.
    name: &'o str,
    /// The keys of its data that would change.
    changes: &'o [String],
    /// Whether its contents differ from the files.
    lags: bool,
    /// The server certificate in it.
    leaf: Option<LeafJson<'o>>,
}

/// What was done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report<'o> {
    /// The number of this format.
    schema: SchemaNumber,
    /// What was done, in order.
    rotations: Vec<RotationJson<'o>>,
}

/// The result for a host.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum RotationJson<'o> {
    Nothing(NothingJson<'o>),
    Rotated(Box<RotatedJson<'o>>),
}

/// A host for which nothing was due.
#[derive(Debug, Serialize, JsonSchema)]
struct NothingJson<'o> {
    /// The host: a DNS name, a wildcard or an IP address.
    host: &'o Host,
    /// That nothing was done.
    action: StepJson,
    /// Why nothing was done.
    reason: String,
    /// What is due as well but was not renewed.
    due: Vec<DueJson<'o>>,
}

/// A host whose files or Secrets were processed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RotatedJson<'o> {
    /// The host: a DNS name, a wildcard or an IP address.
    host: &'o Host,
    /// The step that was done.
    action: StepJson,
    /// Why nothing was done.
    reason: Option<String>,
    /// What is due as well but was not renewed.
    due: Vec<DueJson<'o>>,
    /// The certificates that changed.
    certificates: Vec<ChangeJson<'o>>,
    /// The files that were written.
    files: Vec<String>,
    /// The kubeconfig context, if a cluster was used.
    context: Option<&'o str>,
    /// The Secrets that were stored.
    secrets: Vec<StoredJson<'o>>,
    /// The Secrets that were not stored because of a failure or a signal, as `Secret
    /// namespace/name`.
    not_stored: &'o [String],
    /// Those that were sent but whose answer is unknown.
    not_known: Vec<&'o str>,
    /// The first of `proofs`; null if no gateway was probed.
    live: Option<ProofJson<'o>>,
    /// What the gateways served.
    proofs: Vec<ProofJson<'o>>,
    /// Why the cluster's gateway was not probed.
    not_proven_in_cluster: Option<String>,
    /// Notes for the user.
    notes: &'o [String],
}

/// A certificate that is due.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DueJson<'o> {
    /// Which certificate, in words.
    what: &'o str,
    /// End of validity, RFC 3339.
    not_after: String,
    /// The flag of `rotate` that renews it.
    flag: &'static str,
}

/// A server certificate in a Secret.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LeafJson<'o> {
    /// The serial number, lower-case hex pairs with colons.
    serial: &'o str,
    /// End of validity, RFC 3339.
    not_after: String,
    /// SHA-256 of the certificate, lower-case hex pairs with colons.
    sha256: &'o str,
}

/// A certificate, before or after.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EndJson<'o> {
    /// The serial number, lower-case hex pairs with colons.
    serial: &'o str,
    /// End of validity, RFC 3339.
    not_after: String,
}

/// A certificate that changed.
#[derive(Debug, Serialize, JsonSchema)]
struct ChangeJson<'o> {
    /// Which certificate, in words.
    what: &'o str,
    /// The previous one; null if there was none.
    old: Option<EndJson<'o>>,
    /// The new one; null if it was removed.
    new: Option<EndJson<'o>>,
}

/// A Secret that was stored.
#[derive(Debug, Serialize, JsonSchema)]
struct StoredJson<'o> {
    /// `metadata.namespace`.
    namespace: &'o str,
    /// `metadata.name`.
    name: &'o str,
    /// What the API server did with it.
    action: Action,
    /// The previous server certificate; null for a CA's Secret.
    old: Option<LeafJson<'o>>,
    /// The new server certificate; null for a CA's Secret.
    new: Option<LeafJson<'o>>,
}

/// What a gateway served.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ProofJson<'o> {
    /// The address that was probed.
    target: &'o str,
    /// Whether it serves what the files hold.
    proven: bool,
    /// How long that took, in microseconds.
    waited_micros: u64,
    /// What was observed before the change.
    before: LookJson<'o>,
    /// What was observed after it, by client.
    after: Vec<LookJson<'o>>,
    /// What a client of the removed CA got.
    removed: Option<LookJson<'o>>,
    /// True if no client of that CA could be tried.
    removed_unseen: bool,
    /// What each pod of a cluster's gateway served.
    pods: Option<PodsJson<'o>>,
}

/// A connection to a gateway.
#[derive(Debug, Serialize, JsonSchema)]
struct LookJson<'o> {
    /// The client.
    client: &'static str,
    /// Whether the result was the expected one.
    ok: bool,
    /// The serial number of the served certificate; null if there was none.
    serial: Option<&'o str>,
    /// The verdict, as in `probe`.
    verdict: VerdictJson<'o>,
    /// Of a client whose CA was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<bool>,
}

/// The pods of a gateway.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PodsJson<'o> {
    /// How many are ready.
    ready: usize,
    /// Those that were probed.
    asked: Vec<PodJson<'o>>,
    /// Why others were not.
    not_asked: Option<&'o str>,
}

/// A pod of a gateway.
#[derive(Debug, Serialize, JsonSchema)]
struct PodJson<'o> {
    /// Its name.
    pod: &'o str,
    /// Whether it serves what the files hold.
    proven: bool,
    /// What was observed after the change, by client.
    after: Vec<LookJson<'o>>,
    /// What a client of the removed CA got.
    removed: Option<LookJson<'o>>,
}

/// The plan.
pub fn plan(dry_run: &DryRun) -> PlanReport<'_> {
    PlanReport {
        schema: SchemaNumber,
        dry_run: true,
        context: dry_run.context.as_deref(),
        rotations: dry_run.hosts.iter().map(PlannedJson::new).collect(),
    }
}

/// The result; `aim` completes the command lines.
pub fn report<'o>(outcome: &'o Outcome, aim: &Aim) -> Report<'o> {
    let rotations = outcome.done.iter().map(|done| match done {
        Done::Nothing {
            host,
            idle,
            absent_key,
            due,
        } => RotationJson::Nothing(NothingJson {
            host,
            action: StepJson::None,
            reason: untouched(host, idle, *absent_key, aim),
            due: due.iter().map(DueJson::new).collect(),
        }),
        Done::Rotated(done) => RotationJson::Rotated(Box::new(RotatedJson::new(done, aim))),
    });
    Report {
        schema: SchemaNumber,
        rotations: rotations.collect(),
    }
}

impl From<&Step> for StepJson {
    fn from(step: &Step) -> Self {
        match step {
            Step::Nothing(_) => Self::None,
            Step::Leaves { .. } => Self::Leaf,
            Step::StartCa => Self::CaStart,
            Step::ResumeCa => Self::CaResume,
            Step::FinishLeaf => Self::CaFinishLeaf,
            Step::FinishCa => Self::CaFinish,
            Step::AbortCa => Self::CaAbort,
            Step::CatchUp { .. } => Self::Secret,
        }
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
            action: step.into(),
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
            action: (&done.step).into(),
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
            action: secret.action,
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

    /// Of the clients that must be accepted.
    fn of_let_in(seen: &'o Seen, aim: &Aim) -> Vec<Self> {
        seen.after.iter().map(|look| Self::new(look, aim)).collect()
    }

    /// Of the client that must be refused.
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
