//! Secrets that a gateway needs: their namespace, the names of their keys, and the order and
//! completeness of their chains.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use granit_parser::ScalarStyle;

use super::edit::Edit;
use super::reported::Reported;
use super::spans::{Entry, Node, Value};
use super::wanted::Wanted;
use super::{Change, secret_shown, written_as};
use crate::certs::order::ordered;
use crate::certs::{CertificateDer, inspect, key, pem};
use crate::lint::codes::{CHAIN_INCOMPLETE, CHAIN_ORDER, CLIENT_CA_WRONG_KEYS, SECRET_WITHOUT_PAIR};
use crate::lint::item::Item;
use crate::lint::world::World;
use crate::manifests::model::Secret;
use crate::secrets::SecretData;

/// The possible fixes in one Secret.
pub(super) fn changes(
    world: &World<'_>,
    wanted: &Wanted,
    reported: &Reported<'_>,
    item: &Item<'_, Secret>,
    node: &Node,
    text: &str,
) -> Vec<Change> {
    let mut changes = Vec::new();
    if let Some(wanted) = wanted.namespace(item) {
        changes.extend(namespace(wanted, item, node, text));
    }
    if !wanted.used_elsewhere(item) {
        let missing = Missing {
            pair: reported.in_object(&SECRET_WITHOUT_PAIR, item),
            authority: wanted.lacks_authority(item) || reported.in_object(&CLIENT_CA_WRONG_KEYS, item),
        };
        changes.extend(key_names(&missing, item, node, text));
    }
    changes.extend(chain(world, reported, item, node, text));
    changes
}

/// What a gateway does not find in a Secret.
struct Missing {
    /// Certificate and key.
    pair: bool,
    /// The CA for clients.
    authority: bool,
}

/// Moves the Secret to the namespace of the gateway's pods.
fn namespace(wanted: &str, item: &Item<'_, Secret>, node: &Node, text: &str) -> Option<Change> {
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
        what: format!(
            "{}: set namespace {wanted}, where the gateway's pods read it",
            item.title()
        ),
        edits: vec![edit],
    })
}

/// The entry that holds a key's value, by the API server's precedence.
fn entry<'n>(node: &'n Node, key: &str) -> Option<(&'n Entry, bool)> {
    let of = |field: &str| node.get(field).and_then(|data| data.entry(key));
    of("stringData")
        .map(|entry| (entry, true))
        .or_else(|| of("data").map(|entry| (entry, false)))
}

/// Renames keys to what the gateway looks for, if their content is unambiguous.
fn key_names(missing: &Missing, item: &Item<'_, Secret>, node: &Node, text: &str) -> Option<Change> {
    if !missing.pair && !missing.authority {
        return None;
    }
    let secret = item.object;
    let values = || {
        let keys = secret.keys().into_iter();
        keys.filter_map(|key| Some((key, secret.get(key)?)))
    };
    let data = SecretData::of_object(
        item.namespace,
        &item.metadata.name,
        None,
        values().map(|(key, value)| (key.to_owned(), value.to_vec())),
    );
    let kinds: Vec<(&str, Kind)> = values().map(|(key, value)| (key, Kind::of(value))).collect();
    let mut renamed: Vec<(&str, &str)> = Vec::new();
    let mut certificate = None;
    if missing.pair && data.key_pair().is_err() {
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
    } else if let Ok(pair) = data.key_pair() {
        let own = data
            .entries
            .iter()
            .find(|(_, entry)| entry.name == pair.certificate.name);
        certificate = own.and_then(|(key, _)| kinds.iter().map(|(name, _)| *name).find(|name| name == key));
    }
    if missing.authority && data.authorities().is_err() {
        let mut others = kinds.iter().filter(|(name, kind)| {
            let is_ca = matches!(kind, Kind::Certificates(list) if list.iter().all(is_authority));
            is_ca && Some(*name) != certificate
        });
        if let (Some((name, _)), None) = (others.next(), others.next()) {
            renamed.push((name, "ca.crt"));
        }
    }
    renamed.retain(|(old, new)| old != new);
    // A name already in use cannot be assigned.
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
    let list: Vec<String> = renamed
        .iter()
        .map(|(old, new)| format!("rename {old} to {new}"))
        .collect();
    Some(Change {
        what: format!("{}: {}, which the gateway looks for", item.title(), list.join(", ")),
        edits,
    })
}

/// The kind of a Secret's value.
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
    // Whether it is currently valid does not matter here.
    inspect::certificate(certificate, time::OffsetDateTime::UNIX_EPOCH).is_ok_and(|facts| facts.is_ca)
}

/// Puts a chain in order, and adds an available intermediate: each only if it is reported.
fn chain(
    world: &World<'_>,
    reported: &Reported<'_>,
    item: &Item<'_, Secret>,
    node: &Node,
    text: &str,
) -> Option<Change> {
    let disordered = reported.in_object(&CHAIN_ORDER, item);
    let incomplete = reported.in_object(&CHAIN_INCOMPLETE, item);
    if !disordered && !incomplete {
        return None;
    }
    let secret = item.object;
    let (name, private) = [("tls.crt", "tls.key"), ("cert", "key")]
        .into_iter()
        .find_map(|(certificate, private)| Some((certificate, secret.get(private)?)))?;
    let value = secret.get(name)?;
    // Text next to the certificates would be lost.
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
    if !incomplete {
        at_hand.clear();
    }
    let ordered = ordered(&given, &private, &at_hand)?;
    if ordered.moved && !disordered {
        return None;
    }
    let chain = pem::certificates_text(&ordered.chain);
    let (entry, plain) = entry(node, name)?;
    let new = written(text, entry, &chain, plain)?;
    let what = match (ordered.moved, ordered.added) {
        (true, 0) => "put the leaf first, each certificate followed by its issuer".to_owned(),
        (false, added) => format!("add {} missing from the chain", certificates(added)),
        (true, added) => format!(
            "put the certificates in order, and add {} missing from the chain",
            certificates(added)
        ),
    };
    Some(Change {
        what: format!("{}: {name}: {what}", item.title()),
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

/// The line ending of the text.
fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// A value in the format of the entry: base64 in `data`, PEM in `stringData`.
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
