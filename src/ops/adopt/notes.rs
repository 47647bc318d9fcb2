//! What the user of `adopt` should know beside what was copied.

use super::placed::Placed;
use crate::files::shown;
use crate::ops::surroundings::Surroundings;
use crate::remedy::{Kind, Line, Remedy, Word, ours};
use crate::workspace::config::{Mode, WorkspaceConfig};
use crate::workspace::file::WorkspaceFile;

/// Adds the notes of a chain that comes from a Secret; `file` as it will be.
pub(super) fn of_secret(placed: &mut Placed, mode: Option<Mode>, file: &WorkspaceFile) {
    let chain = &mut placed.chain;
    let Some(secret) = &chain.secret else { return };
    let config = &file.config;
    let (name, namespace) = (&secret.name, &secret.namespace);
    let mut notes: Vec<Remedy> = Vec::new();
    if let Some(entry) = config.host(&chain.host).filter(|entry| entry.credential_name != *name) {
        notes.push(
            format!(
                "{} goes on with the Secret {}, which is recorded for it; {name} is not changed by apply",
                chain.host, entry.credential_name
            )
            .into(),
        );
    }
    if let Some(controller) = &secret.controller {
        let again = ours::adopt_secret(&format!("{namespace}/{name}"), chain.host.as_str());
        notes.push(
            Remedy::from(format!(
                "the Secret {name} is managed by {controller}, which goes on renewing it, and the files here lag behind then: take each renewal in with "
            ))
            .and(again)
            .and("; apply and rotate would be in conflict with it, so give it up there before certificates are made here"),
        );
    }
    if let Some(fault) = &secret.fault {
        notes.push(
            Remedy::from(format!("no gateway can use the Secret {name} as it is: {fault}; "))
                .and(Line::new(Kind::ApplyForceConflicts, ["apply", "--force-conflicts"]).of_cluster())
                .and(" puts what was adopted there"),
        );
    }
    if !secret.other_names.is_empty() {
        let other = ours::adopt_folder(shown(&placed.layout.folder())).flag("--host", Word::Placeholder("HOST"));
        notes.push(
            Remedy::from(format!(
                "the certificate of {} is good for {} too, but a Secret is one host's; another gets a chain and a Secret of its own: ",
                chain.host,
                secret.other_names.join(", "),
            ))
            .and(Line { kind: Kind::AdoptForHost, ..other }),
        );
    }
    if *namespace != config.gateway.pod_namespace {
        notes.push(
            format!(
                "the Secret is in {namespace}, and apply puts it into {}: set gateway.podNamespace in {} if the gateway's pods are in {namespace}",
                config.gateway.pod_namespace,
                shown(&file.path)
            )
            .into(),
        );
    }
    match &config.context {
        None => notes.push(
            format!(
                "the context {} is not recorded: the first apply does that, and until then status and rotate look at the files alone",
                secret.context
            )
            .into(),
        ),
        Some(recorded) if *recorded != secret.context => notes.push(
            format!(
                "the Secret is in the context {}, and apply, rotate and status go to {recorded}, which is recorded",
                secret.context
            )
            .into(),
        ),
        Some(_) => {}
    }
    if mode.is_none() && !placed.is_known && secret.verifies_clients {
        notes.push(
            "mode mutual is recorded, since the Secret holds a CA; --mode simple where the Gateway verifies no clients (cert-manager puts a CA into every Secret)"
                .into(),
        );
    }
    if placed.same_ca {
        let note = format!("the CA of {} is the same; its keys and its clients stay", chain.host);
        notes.push(note.into());
        chain.missing.clear();
    }
    let aimed = notes.into_iter().map(|note| note.at_cluster(&secret.cluster));
    chain.notes.extend(aimed);
}

/// Says where the gateway's pods are said to be, where that changes or is not
/// what a flag says; `known` is the workspace as it was.
pub(super) fn of_pods(known: &WorkspaceConfig, file: &WorkspaceFile, here: &Surroundings) {
    let (before, now) = (&known.gateway.pod_namespace, &file.config.gateway.pod_namespace);
    let path = shown(&file.path);
    if before != now {
        here.say(&format!(
            "note: podNamespace {now} is recorded in {path}, in place of {before}"
        ));
    }
    if let Some(flag) = here.gateway_namespace.as_ref().filter(|flag| *flag != now) {
        here.say(&format!(
            "note: --gateway-namespace {flag} is not recorded, since {path} has hosts whose gateway is in {now} (gateway.podNamespace)"
        ));
    }
}
