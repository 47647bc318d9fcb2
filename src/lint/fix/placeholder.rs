//! `serverCertificate: use sds` and the like beside `credentialName`, which
//! Istio 1.1 wanted and later releases do not.

use super::spans::Node;
use super::{Change, without};
use crate::lint::world::{Item, World};
use crate::manifests::model::Gateway;

/// What Istio 1.1's documents wrote where a path was not needed.
const PLACEHOLDER: &str = "use sds";
/// The fields that held it.
const FIELDS: &[&str] = &["serverCertificate", "privateKey", "caCertificates"];

/// Takes the placeholders out of a Gateway.
pub(super) fn changes(world: &World<'_>, gateway: &Item<'_, Gateway>, node: &Node, text: &str) -> Vec<Change> {
    if world.is_1_1() {
        return Vec::new();
    }
    let servers = node.get("spec").and_then(|spec| spec.get("servers"));
    let servers = servers.map(Node::items).unwrap_or_default();
    let mut changes = Vec::new();
    for (index, server) in servers.iter().enumerate() {
        let Some(tls) = server.get("tls") else { continue };
        let is_placeholder = |name: &str| {
            let value = tls.get(name).and_then(Node::text);
            FIELDS.contains(&name) && value.is_some_and(|value| value.trim().eq_ignore_ascii_case(PLACEHOLDER))
        };
        let names: Vec<&str> = tls
            .entries()
            .iter()
            .map(|entry| entry.name.as_str())
            .filter(|name| is_placeholder(name))
            .collect();
        if names.is_empty() || tls.get("credentialName").and_then(Node::text).is_none_or(str::is_empty) {
            continue;
        }
        if let Some(edits) = without(text, tls, is_placeholder) {
            let what = format!(
                "{}: spec.servers[{index}].tls without the placeholder {}",
                gateway.title(),
                names.join(" and ")
            );
            changes.push(Change { what, edits });
        }
    }
    changes
}
