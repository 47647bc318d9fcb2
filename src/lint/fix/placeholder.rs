//! `serverCertificate: use sds` and similar next to `credentialName`, which only Istio 1.1 needed.

use super::reported::Reported;
use super::spans::Node;
use super::{Change, without};
use crate::lint::codes::TLS_PLACEHOLDER;
use crate::lint::index::servers::names_secret;
use crate::lint::item::Item;
use crate::manifests::model::Gateway;

/// Removes reported placeholders from a Gateway if there is a Secret next to them.
pub(super) fn changes(reported: &Reported<'_>, gateway: &Item<'_, Gateway>, node: &Node, text: &str) -> Vec<Change> {
    let servers = node.get("spec").and_then(|spec| spec.get("servers"));
    let servers = servers.map(Node::items).unwrap_or_default();
    let mut changes = Vec::new();
    for (index, (server, read)) in servers.iter().zip(&gateway.object.spec.servers).enumerate() {
        let Some(tls) = server.get("tls") else { continue };
        if !read.tls.as_ref().is_some_and(names_secret) {
            continue;
        }
        let path = format!("spec.servers[{index}].tls");
        let is_placeholder = |name: &str| reported.at(&TLS_PLACEHOLDER, &gateway.place(&format!("{path}.{name}")));
        let names: Vec<&str> = tls
            .entries()
            .iter()
            .map(|entry| entry.name.as_str())
            .filter(|name| is_placeholder(name))
            .collect();
        if names.is_empty() {
            continue;
        }
        if let Some(edits) = without(text, tls, is_placeholder) {
            let what = format!(
                "{}: {path}: remove the placeholder {}",
                gateway.title(),
                names.join(" and ")
            );
            changes.push(Change { what, edits });
        }
    }
    changes
}
