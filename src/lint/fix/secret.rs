//! Secrets that a gateway asks for: their namespace, the names of their keys,
//! and the order and completeness of their chains.

use std::collections::{BTreeSet, HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use granit_parser::ScalarStyle;
use serde_json::Value as Json;

use super::edit::Edit;
use super::spans::{Entry, Node, Value};
use super::{Change, secret_shown, written_as};
use crate::certs::order::ordered;
use crate::certs::{CertificateDer, inspect, key, pem};
use crate::lint::world::{Item, World};
use crate::manifests::model::Secret;
use crate::manifests::model::gateway::TlsMode;
use crate::secrets::SecretData;

/// Who asks for Secrets by name.
pub(super) struct Uses {
    /// Names in `credentialName` of Gateways that the gateway's pods run, with
    /// whether clients are verified by the same Secret.
    credentials: HashMap<String, bool>,
    /// Names that any other object of the input holds, by namespace.
    elsewhere: HashSet<(String, String)>,
}

impl Uses {
    pub(super) fn of(world: &World<'_>) -> Self {
        let labels = &world.settings.pod_labels;
        let mut credentials: HashMap<String, bool> = HashMap::new();
        for gateway in &world.gateways {
            let selector = &gateway.object.spec.selector;
            if !selector.iter().all(|(name, value)| labels.get(name) == Some(value)) {
                continue;
            }
            for tls in gateway
                .object
                .spec
                .servers
                .iter()
                .filter_map(|server| server.tls.as_ref())
            {
                let verifies = matches!(tls.effective_mode(), TlsMode::Mutual | TlsMode::OptionalMutual);
                for name in tls.credential_name.iter().chain(&tls.credential_names) {
                    *credentials.entry(name.clone()).or_default() |= verifies;
                }
            }
        }
        let mut elsewhere = HashSet::new();
        for other in &world.others {
            let mut names = BTreeSet::new();
            strings(&other.object.content, &mut names);
            elsewhere.extend(names.into_iter().map(|name| (other.namespace.to_owned(), name)));
        }
        for deployment in &world.deployments {
            let volumes = &deployment.object.spec.template.spec.volumes;
            let secrets = volumes
                .iter()
                .filter_map(|volume| volume.secret.as_ref()?.secret_name.clone());
            elsewhere.extend(secrets.map(|name| (deployment.namespace.to_owned(), name)));
        }
        Self { credentials, elsewhere }
    }

    /// Whether a Gateway asks for the Secret, itself or as the CA beside it.
    fn asked_for(&self, name: &str) -> bool {
        let of_ca = name.strip_suffix("-cacert").and_then(|name| self.credentials.get(name));
        self.credentials.contains_key(name) || of_ca == Some(&true)
    }

    fn used_elsewhere(&self, item: &Item<'_, Secret>) -> bool {
        self.elsewhere
            .contains(&(item.namespace.to_owned(), item.metadata.name.clone()))
    }
}

/// Every short text in a value.
fn strings(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::String(text) if text.len() <= 253 => {
            found.insert(text.clone());
        }
        Json::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Json::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        _ => {}
    }
}

/// What can be mended in one Secret.
pub(super) fn changes(world: &World<'_>, uses: &Uses, item: &Item<'_, Secret>, node: &Node, text: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    let name = &item.metadata.name;
    let asked_for = uses.asked_for(name) && !uses.used_elsewhere(item);
    if asked_for && item.namespace != world.pod_namespace() && world.store.namespaces_with(name).len() == 1 {
        changes.extend(namespace(world, item, node, text));
    }
    if asked_for {
        changes.extend(key_names(uses, item, node, text));
    }
    changes.extend(chain(world, item, node, text));
    changes
}

/// Puts the Secret into the namespace of the gateway's pods.
fn namespace(world: &World<'_>, item: &Item<'_, Secret>, node: &Node, text: &str) -> Option<Change> {
    let wanted = world.pod_namespace();
    let metadata = node.get("metadata")?;
    let edit = if let Some(value) = metadata.get("namespace") {
        Edit {
            text: written_as(text.get(value.range.clone())?, wanted),
            range: value.range.clone(),
            shown: None,
        }
    } else {
        let key = &metadata.entry("name")?.key;
        let like = text.get(key.clone())?;
        let Value::Mapping { flow, .. } = &metadata.value else {
            return None;
        };
        let field = written_as(like, "namespace");
        let value = written_as(like, wanted);
        let start = text[..key.start].rfind('\n').map_or(0, |at| at + 1);
        let separator = if *flow {
            ", ".to_owned()
        } else {
            let indent = " ".repeat(text.get(start..key.start)?.chars().count());
            format!("{}{indent}", line_break(text))
        };
        Edit {
            range: key.start..key.start,
            text: format!("{field}: {value}{separator}"),
            shown: None,
        }
    };
    Some(Change {
        what: format!("{}: namespace {wanted}, where the gateway's pods read it", item.title()),
        edits: vec![edit],
    })
}

/// The entry that holds a key's value, as the API server would take it.
fn entry<'n>(node: &'n Node, key: &str) -> Option<(&'n Entry, bool)> {
    let of = |field: &str| node.get(field).and_then(|data| data.entry(key));
    of("stringData")
        .map(|entry| (entry, true))
        .or_else(|| of("data").map(|entry| (entry, false)))
}

/// Names the keys as the gateway looks for them, where their content leaves no doubt.
fn key_names(uses: &Uses, item: &Item<'_, Secret>, node: &Node, text: &str) -> Option<Change> {
    let secret = item.object;
    let name = &item.metadata.name;
    let values = || {
        let keys = secret.keys().into_iter();
        keys.filter_map(|key| Some((key, secret.get(key)?)))
    };
    let data = SecretData::of_object(
        item.namespace,
        name,
        None,
        values().map(|(key, value)| (key.to_owned(), value.to_vec())),
    );
    let kinds: Vec<(&str, Kind)> = values().map(|(key, value)| (key, Kind::of(value))).collect();
    let mut renamed: Vec<(&str, &str)> = Vec::new();
    let mut certificate = None;
    let pair_wanted = uses.credentials.contains_key(name);
    if pair_wanted && data.key_pair().is_err() {
        let mut keys = kinds.iter().filter_map(|(name, kind)| match kind {
            Kind::Key(key) => Some((*name, key)),
            _ => None,
        });
        let (key_name, private) = keys.next()?;
        let mut fitting = kinds.iter().filter(|(_, kind)| match kind {
            Kind::Certificates(list) => list.iter().any(|certificate| private.fits(certificate)),
            _ => false,
        });
        let (certificate_name, _) = fitting.next()?;
        if keys.next().is_some() || fitting.next().is_some() {
            return None;
        }
        renamed.extend([(*certificate_name, "tls.crt"), (key_name, "tls.key")]);
        certificate = Some(*certificate_name);
    } else if pair_wanted {
        let pair = data.key_pair().ok()?;
        let own = data
            .entries
            .iter()
            .find(|(_, entry)| entry.name == pair.certificate.name);
        certificate = own.and_then(|(key, _)| kinds.iter().map(|(name, _)| *name).find(|name| name == key));
    }
    let verifies = uses.credentials.get(name) == Some(&true) || !pair_wanted;
    if verifies && data.authorities().is_err() {
        let mut others = kinds.iter().filter(|(name, kind)| {
            let is_ca = matches!(kind, Kind::Certificates(list) if list.iter().all(is_authority));
            is_ca && Some(*name) != certificate
        });
        if let (Some((name, _)), None) = (others.next(), others.next()) {
            renamed.push((name, "ca.crt"));
        }
    }
    renamed.retain(|(old, new)| old != new);
    // A name that is taken cannot be given.
    if renamed.is_empty() || renamed.iter().any(|(_, new)| data.entries.contains_key(*new)) {
        return None;
    }
    let edits = renamed
        .iter()
        .map(|(old, new)| {
            let (entry, _) = entry(node, old)?;
            Some(Edit {
                text: written_as(text.get(entry.key.clone())?, new),
                range: entry.key.clone(),
                shown: None,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    let list: Vec<String> = renamed.iter().map(|(old, new)| format!("{old} is {new}")).collect();
    Some(Change {
        what: format!("{}: {}, as the gateway looks for it", item.title(), list.join(", ")),
        edits,
    })
}

/// What a value of a Secret is.
enum Kind {
    Key(crate::certs::PrivateKey),
    Certificates(Vec<CertificateDer<'static>>),
    Other,
}

impl Kind {
    fn of(value: &[u8]) -> Self {
        let Ok(blocks) = pem::blocks(value, "value") else {
            return Self::Other;
        };
        let keys = blocks.iter().filter(|block| block.is_private_key()).count();
        match (keys, pem::certificates(value, "value")) {
            (0, Ok(certificates)) if certificates.len() == blocks.len() => Self::Certificates(certificates),
            (1, Err(_)) => key::read(value, "value", None).map_or(Self::Other, Self::Key),
            _ => Self::Other,
        }
    }
}

fn is_authority(certificate: &CertificateDer<'static>) -> bool {
    // Whether it is valid today is no matter here.
    inspect::certificate(certificate, time::OffsetDateTime::UNIX_EPOCH).is_ok_and(|facts| facts.is_ca)
}

/// Puts a chain in order, and puts in an intermediate that is at hand.
fn chain(world: &World<'_>, item: &Item<'_, Secret>, node: &Node, text: &str) -> Option<Change> {
    let secret = item.object;
    let (name, private) = [("tls.crt", "tls.key"), ("cert", "key")]
        .into_iter()
        .find_map(|(certificate, private)| Some((certificate, secret.get(private)?)))?;
    let value = secret.get(name)?;
    // Text beside the certificates would be lost.
    let given = match Kind::of(value) {
        Kind::Certificates(certificates) if only_certificates(value) => certificates,
        _ => return None,
    };
    let private = key::read(private, "value", None).ok()?;
    let mut at_hand: Vec<CertificateDer<'static>> = ["ca.crt", "cacert"]
        .into_iter()
        .filter_map(|key| pem::certificates(secret.get(key)?, key).ok())
        .flatten()
        .collect();
    if let Ok(Some(beside)) = world.store.on_disk(&item.metadata.name, &[]) {
        let lists = ["ca.crt", "tls.crt"]
            .into_iter()
            .filter_map(|key| beside.entries.get(key));
        at_hand.extend(
            lists
                .filter_map(|entry| pem::certificates(&entry.content, "value").ok())
                .flatten(),
        );
    }
    let ordered = ordered(&given, &private, &at_hand)?;
    let chain = pem::certificates_text(&ordered.chain);
    let (entry, plain) = entry(node, name)?;
    let new = written(text, entry, &chain, plain)?;
    let what = match (ordered.moved, ordered.added) {
        (true, 0) => "leaf first, each certificate followed by its issuer".to_owned(),
        (false, added) => format!("{} added that the chain lacked", certificates(added)),
        (true, added) => format!("in order, and {} added that the chain lacked", certificates(added)),
    };
    Some(Change {
        what: format!("{}: {name} {what}", item.title()),
        edits: vec![Edit {
            shown: Some(secret_shown(new.as_bytes())),
            range: entry.value.range.clone(),
            text: new,
        }],
    })
}

fn certificates(count: usize) -> String {
    if count == 1 {
        "one intermediate certificate".to_owned()
    } else {
        format!("{count} intermediate certificates")
    }
}

/// Whether a PEM text has nothing outside its blocks.
fn only_certificates(value: &[u8]) -> bool {
    let mut inside = false;
    String::from_utf8_lossy(value).lines().all(|line| {
        let line = line.trim();
        let begins = line.starts_with("-----BEGIN ");
        let ok = inside || begins || line.is_empty();
        inside = (inside || begins) && !line.starts_with("-----END ");
        ok
    })
}

/// How the text ends its lines.
fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// A value as the entry writes its own: base64 in `data`, PEM in `stringData`.
fn written(text: &str, entry: &Entry, value: &str, plain: bool) -> Option<String> {
    let old = text.get(entry.value.range.clone())?;
    if !plain {
        return Some(written_as(old, &STANDARD.encode(value)));
    }
    let Value::Scalar { style, .. } = &entry.value.value else {
        return None;
    };
    match style {
        ScalarStyle::DoubleQuoted => serde_json::to_string(value).ok(),
        ScalarStyle::Literal => {
            let (header, content) = old.split_once('\n')?;
            if !matches!(header.trim(), "|" | "|-" | "|+") {
                return None;
            }
            let first = content.lines().find(|line| !line.trim().is_empty())?;
            let indent: String = first.chars().take_while(|character| *character == ' ').collect();
            let lines: Vec<String> = value.lines().map(|line| format!("{indent}{line}")).collect();
            let line_break = line_break(text);
            Some(format!("{}{line_break}{}", header.trim_end(), lines.join(line_break)))
        }
        _ => None,
    }
}
