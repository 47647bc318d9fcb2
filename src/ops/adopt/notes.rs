//! Notes for the user of `adopt`, apart from the files that were copied.

use super::placed::Placed;
use crate::files::shown;
use crate::ops::surroundings::Surroundings;
use crate::remedy::{Kind, Line, Remedy, Word, ours};
use crate::workspace::config::{Mode, WorkspaceConfig};
use crate::workspace::file::WorkspaceFile;

/// Adds the notes for a chain from a Secret; `file` is the future istio-tls.yaml.
pub(super) fn of_secret(placed: &mut Placed, mode: Option<Mode>, file: &WorkspaceFile) {
    let chain = &mut placed.chain;
    let Some(secret) = &chain.secret else { return };
    let config = &file.config;
    let (name, namespace) = (&secret.name, &secret.namespace);
    let mut notes: Vec<Remedy> = Vec::new();
    if let Some(entry) = config.host(&chain.host).filter(|entry| entry.credential_name != *name) {
        notes.push(
            format!(
                "{} keeps using the Secret {}, which is recorded for it; apply will not change {name}",
                chain.host, entry.credential_name
            )
            .into(),
        );
    }
    if let Some(controller) = &secret.controller {
        let again = ours::adopt_secret(&format!("{namespace}/{name}"), chain.host.as_str());
        notes.push(
            Remedy::from(format!(
                "the Secret {name} is managed by {controller}, which will go on renewing it, so \
                 the files here become outdated; after each renewal run "
            ))
            .and(again)
            .and(
                "; apply and rotate would conflict with it, so stop managing the Secret there \
                before you issue certificates here",
            ),
        );
    }
    if let Some(fault) = &secret.fault {
        notes.push(
            Remedy::from(format!(
                "no gateway can use the Secret {name} in its present form: {fault}; "
            ))
            .and(Line::new(Kind::ApplyForceConflicts, ["apply", "--force-conflicts"]).of_cluster())
            .and(" stores the adopted chain there"),
        );
    }
    if !secret.other_names.is_empty() {
        let other = ours::adopt_folder(shown(&placed.layout.folder())).flag("--host", Word::Placeholder("HOST"));
        notes.push(
            Remedy::from(format!(
                "the certificate of {} is also valid for {}, but a Secret belongs to one host; \
                 give another host its own chain and Secret: ",
                chain.host,
                secret.other_names.join(", "),
            ))
            .and(Line {
                kind: Kind::AdoptForHost,
                ..other
            }),
        );
    }
    if *namespace != config.gateway.pod_namespace {
        notes.push(
            format!(
                "the Secret is in {namespace}, but apply stores it in {}: set \
                 gateway.podNamespace in {} if the gateway's pods are in {namespace}",
                config.gateway.pod_namespace,
                shown(&file.path)
            )
            .into(),
        );
    }
    match &config.context {
        None => notes.push(
            format!(
                "the context {} is not recorded; the first apply records it, and until then \
                 status and rotate use only the files",
                secret.context
            )
            .into(),
        ),
        Some(recorded) if *recorded != secret.context => notes.push(
            format!(
                "the Secret is in the context {}, but apply, rotate and status use {recorded}, which is recorded",
                secret.context
            )
            .into(),
        ),
        Some(_) => {}
    }
    if mode.is_none() && !placed.is_known && secret.verifies_clients {
        notes.push(
            "mode mutual is recorded, since the Secret contains a CA; use --mode simple if the \
             Gateway does not verify clients (cert-manager puts a CA into every Secret)"
                .into(),
        );
    }
    if placed.same_ca {
        let note = format!("the CA of {} is unchanged; its keys and clients are kept", chain.host);
        notes.push(note.into());
        chain.missing.clear();
    }
    let aimed = notes.into_iter().map(|note| note.at_cluster(&secret.cluster));
    chain.notes.extend(aimed);
}

/// Reports the recorded namespace of the gateway's pods if it changes or differs from a
/// flag; `known` is the workspace as it was.
pub(super) fn of_pods(known: &WorkspaceConfig, file: &WorkspaceFile, here: &Surroundings) {
    let (before, now) = (&known.gateway.pod_namespace, &file.config.gateway.pod_namespace);
    let path = shown(&file.path);
    if before != now {
        here.say(&format!(
            "note: podNamespace {now} is recorded in {path}, instead of {before}"
        ));
    }
    if let Some(flag) = here.gateway_namespace.as_ref().filter(|flag| *flag != now) {
        here.say(&format!(
            "note: --gateway-namespace {flag} is not recorded, since {path} has hosts whose gateway is in {now} (gateway.podNamespace)"
        ));
    }
}
