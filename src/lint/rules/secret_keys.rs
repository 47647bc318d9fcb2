//! The content of a Secret: its keys, type and annotations.

use std::collections::HashSet;
use std::rc::Rc;

use crate::lint::codes::{
    SECRET_INVISIBLE, SECRET_KEY_IN_ANNOTATION, SECRET_PAIRS_DIFFER, SECRET_TYPE_WITHOUT_KEYS, SECRET_WITHOUT_PAIR,
};
use crate::lint::index::credentials::UsedSecret;
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::manifests::model::secret::TYPE_TLS;
use crate::remedy::{Remedy, kubectl, ours};

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
                        format!("{} is of type {kind}, which istiod ignores", secret.title()),
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
                    "{title} has {certificate} and {key}, but {} is empty",
                    empty.join(" and ")
                ),
            )
            .fix("fill in both values");
        }
    }
    if secret.item.is_none() && entries.contains_key("tls.crt") {
        return Finding::new(
            &SECRET_WITHOUT_PAIR,
            secret.place("tls.key"),
            format!("{title} has a certificate but no key"),
        )
        .fix(
            Remedy::from("put the key of this certificate into 3_application/private in the host's folder (with gen-certs --csr, the key is where the CSR was created); if it is lost, ")
                .and(ours::rotate(ours::HOST))
                .and(" issues a new key and certificate"),
        );
    }
    let finding = Finding::new(
        &SECRET_WITHOUT_PAIR,
        secret.place(""),
        format!(
            "{title} has neither tls.crt and tls.key nor cert and key; its keys are {}",
            secret.key_names()
        ),
    );
    // A key with the right content but another name.
    let holding = |marker: &str| {
        // The CA certificate is not a server certificate.
        let entries = entries
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "ca.crt" | "cacert"));
        let held = |content: &[u8]| content.windows(marker.len()).any(|part| part == marker.as_bytes());
        let mut found = entries.filter(|(_, entry)| held(&entry.content));
        found.next().map(|(key, _)| key.as_str())
    };
    let renamed: Vec<String> = [
        ("tls.crt", "-----BEGIN CERTIFICATE-----"),
        ("tls.key", "PRIVATE KEY-----"),
    ]
    .into_iter()
    .filter_map(|(wanted, marker)| Some((wanted, holding(marker)?)))
    // An existing key must not be overwritten.
    .filter(|(wanted, held)| wanted != held && !entries.contains_key(*wanted))
    .map(|(wanted, held)| format!("{held} to {wanted}"))
    .collect();
    if renamed.is_empty() {
        // A CA in the Secret must not be lost.
        let with_ca = ["ca.crt", "cacert"].iter().any(|key| entries.contains_key(*key));
        finding.fix(kubectl::put_secret(
            secret.namespace.as_str(),
            secret.name.as_str(),
            with_ca,
        ))
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
                "{} has cert and key, which are used, and another pair under tls.crt and tls.key",
                secret.title()
            ),
        ));
    }
}

/// The keys that the type requires are present.
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

/// kubectl's copy of a Secret contains its private key.
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
            found.push(
                Finding::new(
                    &SECRET_KEY_IN_ANNOTATION,
                    item.place(&format!("metadata.annotations[\"{ANNOTATION}\"]")),
                    format!("the annotation contains a copy of the private key under {key}"),
                )
                .fix(
                    Remedy::from(kubectl::drop_last_applied(item.namespace, item.metadata.name.as_str()))
                        .and(", then use kubectl replace instead of kubectl apply"),
                ),
            );
        }
    }
}

/// The key of a Secret in JSON that holds a private key.
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use crate::lint::testing::{
        assert_code, httpbin, issue, key_pem, lint_yaml, only, plan, secret, secret_of, simple,
    };

    #[test]
    fn a_pair_is_complete_and_filled() {
        let (certificate, key) = (httpbin().server_pem(), key_pem(&httpbin().server));
        let (certificate, key) = (certificate.as_str(), key.as_str());
        for (values, paths, fix) in [
            (&[("tls.crt", certificate), ("tls.key", key)][..], &[][..], ""),
            (&[("cert", certificate), ("key", key)], &[], ""),
            (
                &[("cert", certificate), ("key", key), ("tls.crt", ""), ("tls.key", "")],
                &[],
                "",
            ),
            (
                &[("cert", ""), ("key", ""), ("tls.crt", certificate), ("tls.key", key)],
                &[],
                "",
            ),
            (
                &[("tls.crt", certificate), ("tls.key", "")],
                &["data[\"tls.key\"]"],
                "fill in both values",
            ),
            (&[("cert", ""), ("key", key)], &["data.cert"], "fill in both values"),
            (
                &[("cert", certificate), ("tls.key", key)],
                &["data"],
                "rename cert to tls.crt",
            ),
            (
                &[("cert-chain.pem", certificate), ("key.pem", key)],
                &["data"],
                "rename cert-chain.pem to tls.crt and key.pem to tls.key",
            ),
            (
                &[("tls.key", key)],
                &["data"],
                "kubectl create -n istio-system secret tls c --cert=FILE",
            ),
            (&[("ca.crt", certificate)], &["data"], "kubectl create"),
            (
                &[("chain.pem", certificate), ("tls.crt", certificate)],
                &["data"],
                "kubectl create",
            ),
        ] {
            let yaml = simple(&secret("c", values));
            assert_code(&yaml, "ITL0310", paths);
            if !paths.is_empty() {
                let found = only(&yaml, "ITL0310");
                assert!(found.fix.starts_with(fix), "{}", found.fix);
                assert_eq!(found.istio, Some("IST0161"));
            }
        }
        // A Secret that no server uses may hold anything.
        assert_code(&secret("c", &[("password", "x")]), "ITL0310", &[]);
    }

    #[test]
    fn two_pairs_are_one() {
        let other = issue(&plan("httpbin.example.com"));
        let pair = |chain| (crate::certs::Chain::server_pem(chain), key_pem(&chain.server));
        let (first, second) = (pair(httpbin()), pair(&other));
        let both = |(certificate, key): &(String, String), ending: &str| {
            let typed = (format!("{certificate}{ending}"), format!("{key}{ending}"));
            simple(&secret(
                "c",
                &[
                    ("cert", &first.0),
                    ("key", &first.1),
                    ("tls.crt", &typed.0),
                    ("tls.key", &typed.1),
                ],
            ))
        };
        assert_code(&both(&first, ""), "ITL0311", &[]);
        assert_code(&both(&first, "\n"), "ITL0311", &[]);
        assert_code(&simple(&secret_of("c", httpbin())), "ITL0311", &[]);
        assert_code(&both(&second, ""), "ITL0311", &["data.cert"]);
    }

    #[test]
    fn types_that_matter() {
        let typed = |kind: &str| secret_of("c", httpbin()).replace("\ndata:", &format!("\ntype: {kind}\ndata:"));
        for (kind, hidden) in [
            ("kubernetes.io/tls", &[][..]),
            ("Opaque", &[]),
            ("example.com/own", &[]),
            ("kubernetes.io/service-account-token", &["data"]),
            ("helm.sh/release.v1", &["data"]),
        ] {
            assert_code(&simple(&typed(kind)), "ITL0312", hidden);
            assert_code(&simple(&typed(kind)), "ITL0313", &[]);
        }
        let lacking = secret("c", &[("tls.crt", "")]);
        assert_code(&lacking, "ITL0313", &[]);
        assert_code(
            &lacking.replace("\ndata:", "\ntype: kubernetes.io/tls\ndata:"),
            "ITL0313",
            &["type"],
        );
    }

    #[test]
    fn kubectl_leaves_no_key_in_an_annotation() {
        let with = |copy: &str| {
            let copy = copy.replace('\'', "''");
            secret_of("c", httpbin()).replace(
                "namespace: istio-system}",
                &format!("namespace: istio-system, annotations: {{kubectl.kubernetes.io/last-applied-configuration: '{copy}'}}}}"),
            )
        };
        let key = key_pem(&httpbin().server);
        let encoded = base64::engine::general_purpose::STANDARD.encode(&key);
        let path = "metadata.annotations[\"kubectl.kubernetes.io/last-applied-configuration\"]";
        for (copy, paths) in [
            (
                format!(r#"{{"kind":"Secret","data":{{"tls.crt":"","tls.key":"{encoded}"}}}}"#),
                &[path][..],
            ),
            (
                serde_json::json!({"kind": "Secret", "stringData": {"own": key}}).to_string(),
                &[path],
            ),
            (r#"{"kind":"Secret","data":{"tls.crt":"aGk="}}"#.to_owned(), &[]),
            (r#"{"kind":"Secret"}"#.to_owned(), &[]),
            ("no JSON".to_owned(), &[]),
        ] {
            assert_code(&with(&copy), "ITL0314", paths);
        }
        assert_code(&secret_of("c", httpbin()), "ITL0314", &[]);
        let copy = serde_json::json!({"kind": "Secret", "stringData": {"own": key}}).to_string();
        let fix = only(&with(&copy), "ITL0314").fix;
        assert!(
            fix.starts_with("kubectl annotate secret -n istio-system c kubectl."),
            "{fix}"
        );
    }

    /// No finding quotes key material, whatever is wrong with it.
    #[test]
    fn keys_are_never_quoted() {
        let key = key_pem(&httpbin().server);
        let body: Vec<&str> = key.lines().filter(|line| !line.starts_with('-')).collect();
        let cut = &key[..key.len() - 40];
        let joined = key.replace('\n', "");
        let certificate = httpbin().server_pem();
        for value in [key.as_str(), cut, &joined, &body.join("\n")] {
            for values in [
                [("tls.crt", certificate.as_str()), ("tls.key", value)],
                [("tls.crt", value), ("tls.key", value)],
                [("other", value), ("tls.key", value)],
            ] {
                for finding in lint_yaml(&simple(&secret("c", &values))).findings {
                    let said = format!("{} {} {}", finding.what, finding.why, finding.fix);
                    for line in &body {
                        assert!(!said.contains(&line[..line.len().min(12)]), "{said}");
                    }
                }
            }
        }
    }
}
