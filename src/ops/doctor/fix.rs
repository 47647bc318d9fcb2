//! `doctor --fix`: restores the workspace's own Secrets if they are missing or broken, in
//! the same way as `apply`.

use std::collections::BTreeSet;

use super::examine::Examined;
use super::scope::Scope;
use crate::cluster::apply::{self, Action, Allowed, Applying, Ready, Ways};
use crate::cluster::client::Client;
use crate::cluster::plan;
use crate::doctor::facts::{Facts, server_index};
use crate::lint::codes::Subject;
use crate::lint::{Facts as About, Finding, Severity, codes};
use crate::ops::interruption::{Cancel, Interrupted, until_signal};
use crate::ops::object_change::ObjectChange;
use crate::ops::{Failure, Surroundings, cluster_access};
use crate::remedy::{Remedy, ours};

/// What was restored, and why it stopped early, if it did.
pub struct Fixed {
    /// The Secrets that were stored.
    pub done: Vec<ObjectChange>,
    /// Why not all were.
    pub failure: Option<Failure>,
}

/// What would be restored; none, with a report, if nothing can be.
///
/// # Errors
/// If the server cannot be reached or refuses, or objects or fields belong to somebody
/// else.
pub async fn plan(
    examined: &Examined,
    scope: &Scope,
    client: &Client<'_>,
    here: &Surroundings,
) -> Result<Vec<Ready>, Failure> {
    let names = broken(examined, scope);
    let contents = names
        .iter()
        .filter_map(|(namespace, name)| scope.own_secret(name, namespace))
        .collect::<Vec<_>>();
    if contents.is_empty() {
        here.say("nothing here can be fixed automatically: only the workspace's own Secrets are restored");
        return Ok(Vec::new());
    }
    let (wanted, _) = plan::wanted(contents).map_err(Failure::runtime)?;
    let applying = Applying {
        workspace: scope.config.as_ref().map(|config| config.id.as_str()),
        namespace: &scope.gateway.pod_namespace,
        allowed: Allowed::default(),
        // Conflicts are for `apply` to resolve: `doctor` does not have its flags.
        ways: Ways {
            force_conflicts: &ours::apply_force_conflicts(),
            replace: &ours::apply_replace(),
        },
    };
    let ready = apply::prepare(client, &wanted, &applying)
        .await
        .map_err(cluster_access::refused)?;
    let changes: Vec<Ready> = ready
        .into_iter()
        .filter(|object| object.forecast != Action::Unchanged)
        .collect();
    if changes.is_empty() {
        here.say("the Secrets in the cluster already match the workspace: the workspace's own chain is at fault");
    }
    for object in &changes {
        here.say_always(&format!("fix: {} would be {}", object.title(), object.forecast.word()));
        for note in &object.notes {
            here.advise(&Remedy::from(format!("{}: ", object.title())).and(note.words()));
        }
    }
    Ok(changes)
}

/// Stores them. After a signal nothing new is started.
pub async fn carry_out(changes: &[Ready], client: &Client<'_>, cancel: &mut Cancel, here: &Surroundings) -> Fixed {
    let mut done = Vec::new();
    let mut told = |object: &Ready, action: Action| done.push(ObjectChange::of_ready(object, action));
    let told = &mut told;
    let work = |halting| async move { apply::store_until(client, changes, &halting, told).await };
    let (stored, signal) = until_signal(work, cancel, here).await;
    for line in lines(&done) {
        here.say(&format!("fixed: {line}"));
    }
    let left = [stored.left, stored.unknown].concat();
    let failure = match (stored.refused, signal) {
        (Some(error), _) => Some(cluster_access::refused(error)),
        (None, Some(signal)) => Some(interrupted(signal, "everything was restored", &done, &left)),
        (None, None) => None,
    };
    Fixed { done, failure }
}

/// `Secret istio-system/a created`, for each.
pub fn lines(done: &[ObjectChange]) -> Vec<String> {
    let lines = done.iter();
    lines
        .map(|object| format!("{} {}", object.title, object.change.word()))
        .collect()
}

/// The failure of a run that a signal interrupted: what was restored is kept.
pub fn interrupted(signal: Interrupted, before: &str, fixed: &[ObjectChange], left: &[String]) -> Failure {
    let listed = |lines: &[String]| match lines {
        [] => "nothing".to_owned(),
        lines => lines.join(", "),
    };
    let mut why = format!("fixed: {}", listed(&lines(fixed)));
    if !left.is_empty() {
        why = format!("{why}\nresult unknown: {}", listed(left));
    }
    let fix = Remedy::from(ours::doctor()).and(" shows the current state");
    signal.failure(before, why, fix)
}

/// The workspace's Secrets with findings: they are missing, or their content cannot be
/// used; each with its namespace.
fn broken<'s>(examined: &'s Examined, scope: &'s Scope) -> BTreeSet<(&'s str, &'s str)> {
    let findings = examined.report.findings.iter().filter(|finding| is_of_secrets(finding));
    findings
        .flat_map(|finding| {
            examined.gateways.iter().flat_map(move |facts| {
                let names = scope.secrets.keys().filter(|name| is_about(facts, finding, name));
                names.map(|name| (facts.secret_namespace.as_str(), name.as_str()))
            })
        })
        .collect()
}

/// Findings that a good Secret resolves.
fn is_of_secrets(finding: &Finding) -> bool {
    let waits = [codes::POD_WAITS_FOR_SECRET.id, codes::CREDENTIAL_FILE_MISSING.id];
    // A missing mount is not a fault of the Secret.
    if finding.code == codes::CREDENTIAL_FILE_NOT_MOUNTED.id {
        return false;
    }
    waits.contains(&finding.code)
        || (matches!(finding.subject, Subject::Credential | Subject::Certificate)
            && finding.severity == Severity::Error)
}

fn is_about(facts: &Facts, finding: &Finding, name: &str) -> bool {
    let full = format!("{}/{name}", facts.secret_namespace);
    let own = format!("Secret {full}");
    if finding.object == own {
        return true;
    }
    if let About::Secrets(names) = &finding.facts {
        return matches!(facts.secrets.get(name), Some(Ok(false))) && names.iter().any(|one| one == name);
    }
    // A finding on a server, and the Secret that the server names.
    let servers = facts.certificates.iter().filter(|one| one.gateway == finding.object);
    let mut servers = servers.filter(|one| server_index(&finding.path) == Some(one.index));
    servers.any(|one| one.secret == full)
}
