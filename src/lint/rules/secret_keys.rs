//! What is in a Secret, by its keys, its type and its annotations.

use std::collections::HashSet;
use std::rc::Rc;

use crate::lint::codes::{
    SECRET_INVISIBLE, SECRET_KEY_IN_ANNOTATION, SECRET_PAIRS_DIFFER, SECRET_TYPE_WITHOUT_KEYS, SECRET_WITHOUT_PAIR,
};
use crate::lint::credentials::UsedSecret;
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::manifests::model::secret::TYPE_TLS;

pub(super) static RULES: &[&dyn Rule] = &[&UsablePair, &TypeOfSecret, &KeyInAnnotation];

/// A server's Secret has one usable pair.
struct UsablePair;

impl Rule for UsablePair {
    fn codes(&self) -> &'static [&'static Code] {
        &[&SECRET_WITHOUT_PAIR, &SECRET_PAIRS_DIFFER, &SECRET_INVISIBLE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let mut seen = HashSet::new();
        for server in &world.credentials().servers {
            for credential in &server.credentials {
                let Some(secret) = credential.secret() else { continue };
                if !seen.insert(Rc::as_ptr(secret)) {
                    continue;
                }
                if let Some(kind) = invisible(secret) {
                    found.push(Finding::new(
                        &SECRET_INVISIBLE,
                        secret.place(""),
                        format!("{} is of type {kind}, which istiod leaves out", secret.title()),
                    ));
                }
                match secret.data().key_pair() {
                    Err(_) => {
                        let istio = credential.analysed.then_some("IST0161");
                        found.push(without_pair(secret).istio(istio));
                    }
                    Ok(_) => found_two_pairs(secret, found),
                }
            }
        }
    }
}

fn invisible<'s>(secret: &'s UsedSecret<'_>) -> Option<&'s str> {
    let kind = secret.item.as_ref()?.object.secret_type.as_deref()?;
    let hidden = ["kubernetes.io/service-account-token", "helm.sh/release.v1"];
    hidden.contains(&kind).then_some(kind)
}

const PAIRS: [(&str, &str); 2] = [("cert", "key"), ("tls.crt", "tls.key")];

fn without_pair(secret: &UsedSecret<'_>) -> Finding {
    let title = secret.title();
    let entries = &secret.data().entries;
    for (certificate, key) in PAIRS {
        if entries.contains_key(certificate) && entries.contains_key(key) {
            let empty = [certificate, key]
                .into_iter()
                .filter(|key| secret.filled(key).is_none());
            let empty: Vec<&str> = empty.collect();
            return Finding::new(
                &SECRET_WITHOUT_PAIR,
                secret.place(empty.first().copied().unwrap_or(key)),
                format!(
                    "{title} has {certificate} and {key}, but nothing stands under {}",
                    empty.join(" and ")
                ),
            )
            .fix("fill in both values");
        }
    }
    let finding = Finding::new(
        &SECRET_WITHOUT_PAIR,
        secret.place(""),
        format!(
            "{title} has neither tls.crt and tls.key nor cert and key; it has {}",
            secret.key_names()
        ),
    );
    // A key that holds what is wanted under another name.
    let holding = |marker: &str| {
        let mut entries = entries.iter();
        let found = entries.find(|(_, entry)| {
            entry
                .content
                .windows(marker.len())
                .any(|part| part == marker.as_bytes())
        });
        found.map(|(key, _)| key.as_str())
    };
    let renamed: Vec<String> = [
        ("tls.crt", "-----BEGIN CERTIFICATE-----"),
        ("tls.key", "PRIVATE KEY-----"),
    ]
    .into_iter()
    .filter_map(|(wanted, marker)| Some((wanted, holding(marker)?)))
    .filter(|(wanted, held)| wanted != held)
    .map(|(wanted, held)| format!("{held} to {wanted}"))
    .collect();
    if renamed.is_empty() {
        finding
    } else {
        finding.fix(format!("rename {}", renamed.join(" and ")))
    }
}

fn found_two_pairs(secret: &UsedSecret<'_>, found: &mut Findings) {
    let values = PAIRS.map(|(certificate, key)| Some((secret.filled(certificate)?, secret.filled(key)?)));
    let [Some(generic), Some(typed)] = values else { return };
    let trimmed = |(certificate, key): (&'_ [u8], &'_ [u8])| {
        (
            certificate.trim_ascii().to_vec(),
            zeroize::Zeroizing::new(key.trim_ascii().to_vec()),
        )
    };
    if trimmed(generic) != trimmed(typed) {
        found.push(Finding::new(
            &SECRET_PAIRS_DIFFER,
            secret.place("cert"),
            format!(
                "{} has cert and key, which count, and another pair under tls.crt and tls.key",
                secret.title()
            ),
        ));
    }
}

/// What the type asks for is there.
struct TypeOfSecret;

impl Rule for TypeOfSecret {
    fn codes(&self) -> &'static [&'static Code] {
        &[&SECRET_TYPE_WITHOUT_KEYS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for item in &world.secrets {
            if item.object.secret_type.as_deref() != Some(TYPE_TLS) {
                continue;
            }
            let keys = item.object.keys();
            let missing: Vec<&str> = ["tls.crt", "tls.key"]
                .into_iter()
                .filter(|key| !keys.contains(key))
                .collect();
            if !missing.is_empty() {
                found.push(Finding::new(
                    &SECRET_TYPE_WITHOUT_KEYS,
                    item.place("type"),
                    format!("a Secret of type {TYPE_TLS} lacks {}", missing.join(" and ")),
                ));
            }
        }
    }
}

/// kubectl's copy of a Secret holds its private key.
struct KeyInAnnotation;

impl Rule for KeyInAnnotation {
    fn codes(&self) -> &'static [&'static Code] {
        &[&SECRET_KEY_IN_ANNOTATION]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
        for item in &world.secrets {
            let Some(copy) = item.metadata.annotations.get(ANNOTATION) else {
                continue;
            };
            let Some(key) = private_key_in(copy) else { continue };
            found.push(Finding::new(
                &SECRET_KEY_IN_ANNOTATION,
                item.place(&format!("metadata.annotations[\"{ANNOTATION}\"]")),
                format!("the annotation holds a copy of the private key under {key}"),
            ));
        }
    }
}

/// The key of a Secret, written as JSON, that holds a private key.
fn private_key_in(copy: &str) -> Option<String> {
    use base64::Engine as _;
    let object: serde_json::Value = serde_json::from_str(copy).ok()?;
    let values = |field: &str| {
        object
            .get(field)
            .and_then(serde_json::Value::as_object)
            .cloned()
            .unwrap_or_default()
    };
    let is_key = |text: &str| text.contains("PRIVATE KEY-----");
    let decodes_to_key = |text: &str| {
        let decoded = base64::engine::general_purpose::STANDARD.decode(text);
        decoded.is_ok_and(|bytes| is_key(&String::from_utf8_lossy(&zeroize::Zeroizing::new(bytes))))
    };
    let encoded = values("data").into_iter();
    let encoded = encoded.filter(|(_, value)| value.as_str().is_some_and(decodes_to_key));
    let plain = values("stringData").into_iter();
    let plain = plain.filter(|(_, value)| value.as_str().is_some_and(is_key));
    encoded.chain(plain).map(|(key, _)| key).next()
}
