//! What the user of `adopt` should know beside what was copied.

use super::Placed;
use crate::cli::context::Context;
use crate::files::shown;
use crate::shell::quote;
use crate::workspace::config::{Mode, WorkspaceConfig};
use crate::workspace::file::WorkspaceFile;

/// Adds the notes of a chain that comes from a Secret; `file` as it will be.
pub(super) fn of_secret(placed: &mut Placed, mode: Option<Mode>, file: &WorkspaceFile, context: &Context) {
    let chain = &mut placed.chain;
    let Some(secret) = &chain.secret else { return };
    let config = &file.config;
    let (name, namespace) = (&secret.name, &secret.namespace);
    let mut notes = Vec::new();
    if let Some(entry) = config.host(&chain.host).filter(|entry| entry.credential_name != *name) {
        notes.push(format!(
            "{} goes on with the Secret {}, which is recorded for it; {name} is not changed by apply",
            chain.host, entry.credential_name
        ));
    }
    if let Some(controller) = &secret.controller {
        notes.push(format!(
            "the Secret {name} is managed by {controller}, which goes on renewing it, and the files here lag behind then: take each renewal in with adopt --force; apply and rotate would be in conflict with it, so give it up there before certificates are made here"
        ));
    }
    if let Some(fault) = &secret.fault {
        notes.push(format!(
            "no gateway can use the Secret {name} as it is: {fault}; apply --force-conflicts puts what was adopted there"
        ));
    }
    if !secret.other_names.is_empty() {
        notes.push(format!(
            "the certificate of {} is good for {} too, but a Secret is one host's; another gets a chain and a Secret of its own: istio-tls{} adopt {} --host HOST",
            chain.host,
            secret.other_names.join(", "),
            context.dir_flag(),
            quote(&shown(&placed.layout.folder()))
        ));
    }
    if *namespace != config.gateway.pod_namespace {
        notes.push(format!(
            "the Secret is in {namespace}, and apply puts it into {}: set gateway.podNamespace in {} if the gateway's pods are in {namespace}",
            config.gateway.pod_namespace,
            shown(&file.path)
        ));
    }
    match &config.context {
        None => notes.push(format!(
            "the context {} is not recorded: the first apply does that, and until then status and rotate look at the files alone",
            secret.context
        )),
        Some(recorded) if *recorded != secret.context => notes.push(format!(
            "the Secret is in the context {}, and apply, rotate and status go to {recorded}, which is recorded",
            secret.context
        )),
        Some(_) => {}
    }
    if mode.is_none() && !placed.is_known && secret.verifies_clients {
        notes.push(
            "mode mutual is recorded, since the Secret holds a CA; --mode simple where the Gateway verifies no clients (cert-manager puts a CA into every Secret)"
                .to_owned(),
        );
    }
    if placed.same_ca {
        notes.push(format!(
            "the CA of {} is the same; its keys and its clients stay",
            chain.host
        ));
        chain.missing.clear();
    }
    chain.notes.extend(notes);
}

/// Says where the gateway's pods are said to be, where that changes or is not
/// what a flag says; `known` is the workspace as it was.
pub(super) fn of_pods(known: &WorkspaceConfig, file: &WorkspaceFile, context: &Context) {
    let (before, now) = (&known.gateway.pod_namespace, &file.config.gateway.pod_namespace);
    let path = shown(&file.path);
    if before != now {
        context.say(&format!(
            "note: podNamespace {now} is recorded in {path}, in place of {before}"
        ));
    }
    if let Some(flag) = context.gateway_namespace.as_ref().filter(|flag| *flag != now) {
        context.say(&format!(
            "note: --gateway-namespace {flag} is not recorded, since {path} has hosts whose gateway is in {now} (gateway.podNamespace)"
        ));
    }
}
