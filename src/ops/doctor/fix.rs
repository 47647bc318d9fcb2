//! `doctor --fix`: brings back the workspace's own Secrets where they are
//! missing or broken, by the same way as `apply`.

use std::collections::BTreeSet;

use serde_json::json;

use super::gather::Examined;
use super::scope::Scope;
use crate::cli::Failure;
use crate::ops::cluster_access::{self};
use crate::cli::ask::confirm;
use crate::cli::context::Context;
use crate::ops::interruption::{Interrupted, until_signal};
use crate::cluster::apply::{self, Action, Allowed, Applying, Ready, Refused};
use crate::cluster::client::Client;
use crate::cluster::plan;
use crate::doctor::facts::{Facts, server_index};
use crate::lint::{Finding, Severity, codes};

/// Shows what it would do, asks, and does it; says what was done, an object each.
///
/// # Errors
/// When the server cannot be asked or refuses: exit 3; when somebody else's
/// objects or fields are in the way, or the answer is no: exit 1.
pub(super) async fn run(
    examined: &Examined,
    scope: &Scope,
    client: &Client<'_>,
    context: &Context,
) -> Result<Vec<String>, Failure> {
    let names = broken(examined, scope);
    let contents = names
        .iter()
        .filter_map(|(namespace, name)| scope.own_secret(name, namespace))
        .collect::<Vec<_>>();
    if contents.is_empty() {
        context.say("nothing here can be mended by machine: only the workspace's own Secrets are brought back");
        return Ok(Vec::new());
    }
    let (wanted, _) = plan::wanted(contents).map_err(Failure::runtime)?;
    let allowed = Allowed::default();
    let applying = Applying {
        workspace: scope.config.as_ref().map(|config| config.id.as_str()),
        namespace: &scope.gateway.pod_namespace,
        allowed,
        line: "istio-tls apply",
    };
    let ready = apply::prepare(client, &wanted, &applying)
        .await
        .map_err(|error| refused(error, client))?;
    let changes: Vec<Ready> = ready
        .into_iter()
        .filter(|object| object.forecast != Action::Unchanged)
        .collect();
    if changes.is_empty() {
        context.say(
            "the Secrets in the cluster are those of the workspace already: the workspace's own chain is at fault",
        );
        return Ok(Vec::new());
    }
    for object in &changes {
        context.say_always(&format!("fix: {} would be {}", object.title(), object.forecast.word()));
        for note in &object.notes {
            context.say_always(&format!("note: {}: {note}", object.title()));
        }
    }
    if !context.yes {
        if !context.interactive {
            context.say_always("nothing was changed: --fix applies with --yes, or asks on a terminal");
            return Ok(Vec::new());
        }
        let question = format!(
            "Apply {} to the context {} ({})?",
            if changes.len() == 1 {
                "this Secret"
            } else {
                "these Secrets"
            },
            client.access.context,
            client.access.server
        );
        confirm(&question, "nothing was changed")?;
    }
    let mut done = Vec::new();
    let mut told = |object: &Ready, action: Action| done.push(format!("{} {}", object.title(), action.word()));
    let (objects, told) = (&changes, &mut told);
    let work = |halting| async move { apply::store_until(client, objects, &halting, told).await };
    let (stored, signal) = until_signal(work, context).await?;
    for line in &done {
        context.say(&format!("fixed: {line}"));
    }
    if let Some(error) = stored.refused {
        return Err(refused(error, client).with_result(json!({"fixed": done})));
    }
    let left = [stored.left, stored.unknown].concat();
    match signal {
        Some(signal) => Err(interrupted(signal, "all was brought back", &done, &left)),
        None => Ok(done),
    }
}

/// The failure of a run that a signal ended: what is brought back stays so.
pub(super) fn interrupted(signal: Interrupted, before: &str, fixed: &[String], left: &[String]) -> Failure {
    let listed = |lines: &[String]| match lines {
        [] => "nothing".to_owned(),
        lines => lines.join(", "),
    };
    let mut why = format!("fixed: {}", listed(fixed));
    if !left.is_empty() {
        why = format!("{why}\nnot known to be fixed: {}", listed(left));
    }
    let fix = "istio-tls doctor says how it is now".to_owned();
    signal.failure(before, why, fix).with_result(json!({"fixed": fixed}))
}

/// What is in the way is `apply`'s to take over: its flags are none of `doctor`.
fn refused(mut error: Refused, client: &Client<'_>) -> Failure {
    if error.is_conflict {
        let fix = error.problem.fix.take().unwrap_or_default();
        error.problem.fix = Some(client.access.aimed(&by_apply(&fix)));
    }
    cluster_access::refused(error)
}

/// A fix that names flags of `apply`, as lines to type.
fn by_apply(fix: &str) -> String {
    ["--force-conflicts ", "--replace "]
        .iter()
        .fold(fix.to_owned(), |fix, flag| {
            fix.replace(flag, &format!("istio-tls apply {flag}"))
                .replace("istio-tls apply istio-tls apply", "istio-tls apply")
        })
}

/// The workspace's Secrets of which something is found: that they are not
/// there, or that what they hold cannot be used; each with its namespace.
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

/// Findings that a good Secret ends.
fn is_of_secrets(finding: &Finding) -> bool {
    let waits = [codes::POD_WAITS_FOR_SECRET.id, codes::CREDENTIAL_FILE_MISSING.id];
    let subject = finding.code.get(3..5).unwrap_or_default();
    // A volume that is not mounted is no fault of the Secret.
    if finding.code == codes::CREDENTIAL_FILE_NOT_MOUNTED.id {
        return false;
    }
    waits.contains(&finding.code) || (matches!(subject, "03" | "04") && finding.severity == Severity::Error)
}

fn is_about(facts: &Facts, finding: &Finding, name: &str) -> bool {
    let full = format!("{}/{name}", facts.secret_namespace);
    let own = format!("Secret {full}");
    if finding.object == own {
        return true;
    }
    if finding.code == codes::POD_WAITS_FOR_SECRET.id || finding.code == codes::CREDENTIAL_FILE_MISSING.id {
        return matches!(facts.secrets.get(name), Some(Ok(false))) && finding.what.contains(name);
    }
    // A server's finding, and the Secret that the server names.
    let servers = facts.certificates.iter().filter(|one| one.gateway == finding.object);
    let mut servers = servers.filter(|one| server_index(&finding.path) == Some(one.index));
    servers.any(|one| one.secret == full)
}

#[cfg(test)]
mod tests {
    use super::by_apply;

    #[test]
    fn flags_that_doctor_has_not_are_told_as_those_of_apply() {
        for (fix, expected) in [
            (
                "--force-conflicts takes them over",
                "istio-tls apply --force-conflicts takes them over",
            ),
            (
                "--replace deletes the Secret and makes it anew",
                "istio-tls apply --replace deletes the Secret and makes it anew",
            ),
            (
                "istio-tls apply --replace deletes it",
                "istio-tls apply --replace deletes it",
            ),
            ("change gateway.name", "change gateway.name"),
        ] {
            assert_eq!(by_apply(fix), expected);
        }
    }
}
