//! Combines a request and the workspace into the intended configuration.

use super::request::Wanted;
use crate::manifests::build::Intent;
use crate::names::{self, Host, check_object_name};
use crate::ops::{Surroundings, intent as workspace_intent};
use crate::problem::Problem;
use crate::remedy::{Kind, Line, Remedy};
use crate::workspace::config::{HostEntry, WorkspaceConfig};
use crate::workspace::layout::ChainLayout;
use crate::workspace::store;

/// The workspace's configuration, modified by the request, with its chains.
///
/// # Errors
/// If the workspace cannot be read, a chain is missing, or the request contradicts itself
/// or the workspace.
pub fn intent(wanted: &Wanted, here: &Surroundings) -> Result<Intent, Problem> {
    let mut config = workspace_intent::workspace(here)?;
    config.secrets = wanted.secrets.unwrap_or(config.secrets);
    config.istio = wanted.istio.unwrap_or(config.istio);
    if let Some(name) = &wanted.gateway_name {
        check_object_name("Gateway", name)?;
        config.gateway.name.clone_from(name);
    }
    if let Some(namespace) = &here.namespace {
        config.gateway.namespace.clone_from(namespace);
    }
    if let Some(namespace) = secret_namespace(wanted, here)? {
        config.gateway.pod_namespace = namespace;
    }
    let mut entries: Vec<HostEntry> = workspace_intent::entries_of(&config, &wanted.hosts)?
        .into_iter()
        .cloned()
        .collect();
    for_one_host(wanted, &config, &mut entries)?;
    for entry in &mut entries {
        entry.mode = wanted.mode.or(entry.mode);
    }
    let mut intent = workspace_intent::intent(&here.dir, &config, &entries.iter().collect::<Vec<_>>())?;
    intent.api = wanted.api;
    intent.issuer = wanted.issuer;
    if wanted.issuer.is_some() {
        for host in &mut intent.hosts {
            refuse_while_rotating(here, &host.names.host)?;
            host.material.issuer_key = workspace_intent::issuer_key(&here.dir, &host.names.host)?;
        }
    }
    Ok(intent)
}

/// cert-manager would issue the server's leaf from the new CA at once, although some
/// clients trust only the previous one.
fn refuse_while_rotating(here: &Surroundings, host: &Host) -> Result<(), Problem> {
    if !store::has_previous_ca(&ChainLayout::new(&here.dir, host)) {
        return Ok(());
    }
    let finish = Line::new(Kind::RotateFinish, ["rotate", host.as_str(), "--finish"]);
    let abort = Line::new(Kind::RotateAbort, ["rotate", host.as_str(), "--abort"]);
    Err(Problem::new(format!(
        "the CA of {host} is being replaced, so cert-manager cannot use it yet"
    ))
    .why("it would serve a leaf of the new CA at once, which clients that trust only the previous one refuse")
    .fix(Remedy::from(finish.of_cluster()).or(abort.of_cluster())))
}

/// The flags that apply to one host.
fn for_one_host(wanted: &Wanted, config: &WorkspaceConfig, entries: &mut [HostEntry]) -> Result<(), Problem> {
    let flag = match (&wanted.credential_name, wanted.routes.is_empty()) {
        (Some(_), _) => "--credential-name",
        (None, false) => "--route",
        (None, true) => return Ok(()),
    };
    let [entry] = entries else {
        let hosts: Vec<String> = config.hosts.iter().map(|entry| entry.host.to_string()).collect();
        return Err(
            Problem::new(format!("{flag} is for a single host, but there are {}", entries.len()))
                .fix(format!("name one of them: {}", shortened(&hosts))),
        );
    };
    if let Some(name) = &wanted.credential_name {
        check_object_name("Secret", name)?;
        entry.credential_name.clone_from(name);
    }
    if !wanted.routes.is_empty() {
        entry.routes.clone_from(&wanted.routes);
    }
    Ok(())
}

/// The first few of a list that may be long.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 5;
    if names.len() <= SHOWN {
        return names.join(", ");
    }
    format!("{} and {} more", names[..SHOWN].join(", "), names.len() - SHOWN)
}

fn secret_namespace(wanted: &Wanted, here: &Surroundings) -> Result<Option<String>, Problem> {
    match (&wanted.secret_namespace, &here.gateway_namespace) {
        (Some(one), Some(other)) if one != other => Err(Problem::new(format!(
            "--secret-namespace {one} and --gateway-namespace {other} differ"
        ))
        .why("Istio reads a credential only from the namespace of the gateway's pods")),
        (Some(namespace), _) if !names::is_dns_label(namespace) => {
            Err(Problem::new(format!("{namespace:?} is not a valid namespace"))
                .why("a namespace consists of lower-case letters, digits and hyphens, at most 63 (RFC 1123 label)"))
        }
        (one, other) => Ok(one.clone().or_else(|| other.clone())),
    }
}
