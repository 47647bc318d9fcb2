//! Whether certificate and key can be read, belong together, and can be used by gateways.

use std::collections::HashSet;
use std::rc::Rc;

use crate::certs::loadable::Unloadable;
use crate::certs::{PrivateKey, key, pem};
use crate::lint::codes::{
    CERTIFICATE_UNREADABLE, CHAIN_ORDER, CIPHER_SUITES_WITHOUT_KEY, KEY_ENCRYPTED, KEY_MISMATCH,
    KEY_TYPE_OF_LATER_ENVOY, KEY_TYPE_UNSUPPORTED, KEY_UNREADABLE,
};
use crate::lint::index::credentials::{Certificate, NAME, Pair, TlsServer, UsedSecret, Value, words};
use crate::lint::remedies::issue_again;
use crate::lint::{Code, Finding, Findings, Rule, Severity, World};
use crate::manifests::model::gateway::TlsProtocol;

pub(super) static RULES: &[&dyn Rule] = &[&Readable, &KeyType, &CipherSuites];

/// Both can be read and match.
struct Readable;

impl Rule for Readable {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &CERTIFICATE_UNREADABLE,
            &KEY_UNREADABLE,
            &KEY_ENCRYPTED,
            &KEY_MISMATCH,
            &CHAIN_ORDER,
        ]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for pair in &world.credentials().pairs {
            if let Err(error) = pair.certificates.as_ref() {
                found.push(unreadable_certificate(pair, error));
            }
            match key::of_gateway(pair.key.content(), NAME) {
                Err(problem) => found.push(unreadable_key(&pair.key, &problem)),
                Ok(key) => found.push_some(mismatch(world, pair, &key)),
            }
        }
        // A cluster also holds those of other programs.
        if !world.store.in_cluster {
            check_unused(world, found);
        }
    }
}

/// TLS Secrets that no server in the input uses, for example because they are applied before their
/// Gateway: other checks depend on the server.
fn check_unused(world: &World<'_>, found: &mut Findings) {
    let pairs = world.credentials().pairs.iter();
    let used: HashSet<(&str, &str)> = pairs
        .map(|pair| &pair.certificate.secret)
        .map(|secret| (secret.namespace.as_str(), secret.name.as_str()))
        .collect();
    for item in &world.secrets {
        let (namespace, name) = (item.namespace, item.metadata.name.as_str());
        if item.object.secret_type.as_deref() != Some("kubernetes.io/tls") || used.contains(&(namespace, name)) {
            continue;
        }
        let Some(data) = world.store.objects.get(&(namespace.to_owned(), name.to_owned())) else {
            continue;
        };
        let secret = UsedSecret::new(namespace, name, Some(item.clone()), data.clone());
        let read = |name: &str| secret.filled(name);
        let (Some(certificate), Some(key)) = (read("tls.crt"), read("tls.key")) else {
            continue;
        };
        let (Ok(chain), Ok(key)) = (pem::certificates(certificate, NAME), key::of_gateway(key, NAME)) else {
            continue;
        };
        if !chain.is_empty() && !chain.iter().any(|certificate| key.fits(certificate)) {
            let what = format!(
                "the key in tls.key of {0} does not belong to the certificate in tls.crt of {0}",
                secret.title()
            );
            found.push(Finding::new(&KEY_MISMATCH, secret.place("tls.key"), what));
        }
    }
}

fn unreadable_certificate(pair: &Pair<'_>, error: &crate::lint::index::credentials::Unreadable) -> Finding {
    let value = &pair.certificate;
    let finding = Finding::new(
        &CERTIFICATE_UNREADABLE,
        value.place(error.line),
        format!(
            "{} holds no readable certificate: {}{}",
            value.name(),
            error.why,
            value.line_of_value(error.line)
        ),
    );
    let finding = if error.from_the_start && pair.analysed {
        finding
    } else {
        finding.istio(None)
    };
    let is_key = holds_key(value.content());
    if is_key && holds_certificate(pair.key.content()) {
        return finding.fix(format!(
            "swap {} and {}: each holds the other's content",
            value.key, pair.key.key
        ));
    }
    if is_key {
        return finding.fix(format!(
            "put the certificate under {}; the key belongs under {}",
            value.key, pair.key.key
        ));
    }
    match &error.fix {
        Some(fix) => finding.fix(fix.clone().of_value(NAME)),
        None => finding,
    }
}

fn holds_key(content: &[u8]) -> bool {
    let blocks = pem::blocks(content, NAME).unwrap_or_default();
    !blocks.is_empty() && blocks.iter().all(pem::Block::is_private_key)
}

fn holds_certificate(content: &[u8]) -> bool {
    let blocks = pem::blocks(content, NAME).unwrap_or_default();
    blocks.iter().any(pem::Block::is_certificate)
}

fn unreadable_key(value: &Value<'_>, problem: &crate::problem::Problem) -> Finding {
    let (line, why) = words(problem);
    let first = pem::envoy::private_key(value.content(), NAME);
    if first.is_ok_and(|block| block.legacy_encrypted || block.label == pem::ENCRYPTED_PRIVATE_KEY) {
        return Finding::new(
            &KEY_ENCRYPTED,
            value.place(line),
            format!("the private key in {} is encrypted", value.name()),
        );
    }
    let finding = Finding::new(
        &KEY_UNREADABLE,
        value.place(line),
        format!(
            "{} holds no readable private key: {why}{}",
            value.name(),
            value.line_of_value(line)
        ),
    );
    match &problem.fix {
        Some(fix) => finding.fix(fix.clone().of_value(NAME)),
        None => finding,
    }
}

fn mismatch(world: &World<'_>, pair: &Pair<'_>, key: &PrivateKey) -> Option<Finding> {
    let leaf = pair.leaf()?;
    // Other curves cannot be checked, and the key's type is reported anyway.
    let comparable = !matches!(
        leaf.unloadable,
        Some(Unloadable::Curve(_) | Unloadable::ExplicitCurve | Unloadable::KeyType(_))
    );
    if !comparable || key.fits(&leaf.der) {
        return None;
    }
    let mut later = pair.chain().iter().enumerate().skip(1);
    if let Some((place, (line, meant))) = later.find(|(_, (_, certificate))| key.fits(&certificate.der)) {
        return Some(Finding::new(
            &CHAIN_ORDER,
            pair.certificate.place(*line),
            format!(
                "{} begins with the certificate of \"{}\"; the key belongs to \"{}\", which is certificate {}",
                pair.certificate.name(),
                leaf.called,
                meant.called,
                place + 1
            ),
        ));
    }
    let finding = Finding::new(
        &KEY_MISMATCH,
        pair.key.place(0),
        format!(
            "the key in {} does not belong to the certificate of \"{}\" in {}",
            pair.key.name(),
            leaf.called,
            pair.certificate.name()
        ),
    );
    Some(issue_again(world, pair, true, finding))
}

/// Gateways and clients can use the key.
struct KeyType;

impl Rule for KeyType {
    fn codes(&self) -> &'static [&'static Code] {
        &[&KEY_TYPE_OF_LATER_ENVOY, &KEY_TYPE_UNSUPPORTED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for pair in &world.credentials().pairs {
            let Some((line, leaf)) = pair.chain().first() else {
                continue;
            };
            let name = leaf.key.name();
            let what = format!(
                "the key of \"{}\" in {} is {name}",
                leaf.called,
                pair.certificate.name()
            );
            let place = pair.certificate.place(*line);
            match (leaf.key.algorithm.as_str(), leaf.key.curve.as_deref()) {
                // Weak keys have their own finding.
                ("RSA", _) | ("ECDSA", Some("P-256")) => {}
                ("ECDSA", Some("P-384" | "P-521")) if world.is_1_1() => found.push(
                    Finding::new(&KEY_TYPE_OF_LATER_ENVOY, place, what)
                        .severity(Severity::Error)
                        .why("the Envoy of Istio 1.1 supports only RSA and P-256 keys, and refuses the certificate"),
                ),
                ("ECDSA", Some("P-384" | "P-521")) => found.push(Finding::new(&KEY_TYPE_OF_LATER_ENVOY, place, what)),
                _ if leaf.key.too_weak().is_some() => {}
                ("Ed25519", _) => found.push(Finding::new(&KEY_TYPE_UNSUPPORTED, place, what)),
                _ => {
                    let why = match &leaf.unloadable {
                        Some(unloadable) => format!("Envoy does not load the certificate: {unloadable}"),
                        None => "Envoy does not load the certificate".to_owned(),
                    };
                    found.push(
                        Finding::new(&KEY_TYPE_UNSUPPORTED, place, what)
                            .severity(Severity::Error)
                            .why(why),
                    );
                }
            }
        }
    }
}

/// `cipherSuites` has a suite for at least one of the server's keys.
struct CipherSuites;

impl Rule for CipherSuites {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CIPHER_SUITES_WITHOUT_KEY]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let credentials = world.credentials();
        for server in credentials.servers.iter().filter(|server| server.terminates()) {
            let leaves: Vec<&Rc<Certificate>> = credentials.pairs_of(server).filter_map(Pair::leaf).collect();
            found.push_some(suites_without_key(server, &leaves));
        }
    }
}

fn suites_without_key(server: &TlsServer<'_>, leaves: &[&Rc<Certificate>]) -> Option<Finding> {
    let tls = server.tls?;
    if tls.cipher_suites.is_empty() || tls.min_protocol_version == Some(TlsProtocol::V1_3) {
        return None;
    }
    // A group or an operator (`[A|B]`, `ALL`) may mean any suite.
    let kinds: Vec<&str> = tls
        .cipher_suites
        .iter()
        .map(|suite| kind_of_suite(suite))
        .collect::<Option<_>>()?;
    let mut names: Vec<String> = Vec::new();
    for leaf in leaves {
        let kind = match leaf.key.algorithm.as_str() {
            "RSA" => "RSA",
            "ECDSA" => "ECDSA",
            _ => return None,
        };
        if kinds.contains(&kind) {
            return None;
        }
        names.push(leaf.key.name());
    }
    let first = names.first()?;
    let only_1_2 = tls
        .max_protocol_version
        .is_some_and(|version| !matches!(version, TlsProtocol::Auto | TlsProtocol::V1_3));
    let who = if only_1_2 { "no client" } else { "no TLS 1.2 client" };
    let finding = Finding::new(
        &CIPHER_SUITES_WITHOUT_KEY,
        server.place(&format!("{}.tls.cipherSuites", server.path)),
        format!(
            "the cipher suites are for {} keys, but the server's key is {first}: {who} can connect",
            kinds.first()?
        ),
    );
    Some(if only_1_2 {
        finding.severity(Severity::Error)
    } else {
        finding
    })
}

/// The type of key that a TLS 1.2 cipher suite requires, by its OpenSSL name.
fn kind_of_suite(suite: &str) -> Option<&'static str> {
    if suite.starts_with("ECDHE-ECDSA-") {
        return Some("ECDSA");
    }
    let plain = [
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-SHA",
        "AES256-SHA",
        "DES-CBC3-SHA",
    ];
    (suite.starts_with("ECDHE-RSA-") || plain.contains(&suite)).then_some("RSA")
}

#[cfg(test)]
mod tests {
    use crate::certs::KeyType;
    use crate::certs::plan::Profile;
    use crate::lint::Severity;
    use crate::lint::testing::{
        assert_code, gateway, httpbin, issue, key_pem, lint_for, mutual, only, plan, secret, secret_of, simple,
    };
    use crate::workspace::config::IstioTarget;

    #[test]
    fn certificates_can_be_read() {
        let good = httpbin().server_pem();
        let key = key_pem(&httpbin().server);
        let end = "-----END CERTIFICATE-----\n";
        let joined = good.replacen(end, end.trim_end(), 1);
        let (first, second) = good.split_once(end).expect("two certificates");
        let path = &["data[\"tls.crt\"]"][..];
        for (value, paths, istio) in [
            (good.as_str(), &[][..], None),
            (&good.replace('\n', "\r\n"), &[], None),
            (&format!("subject=CN = x\n\n{good}\ntext after it"), &[], None),
            (good.trim_end(), &[], None),
            (&format!("{key}{good}"), &[], None),
            (&joined, path, Some("IST0161")),
            (first, path, Some("IST0161")),
            ("word", path, Some("IST0161")),
            (&key, path, Some("IST0161")),
            (&good.replacen("\nM", "\n!", 1), path, Some("IST0161")),
            // Istio reads only the first one.
            (&format!("{first}{end}{}", second.replacen("\nM", "\n!", 1)), path, None),
            (
                &format!("{first}{end}-----BEGIN CERTIFICATE-----\nMAMCAQU=\n{end}"),
                path,
                None,
            ),
        ] {
            let yaml = simple(&secret("c", &[("tls.crt", value), ("tls.key", &key)]));
            assert_code(&yaml, "ITL0401", paths);
            if !paths.is_empty() {
                assert_eq!(only(&yaml, "ITL0401").istio, istio, "{value}");
            }
        }
        let marked = format!("\u{feff}{good}");
        let indented = good.replace("-----BEGIN", "  -----BEGIN");
        for (value, cause) in [(&marked, "a byte order mark"), (&indented, "there are blanks before")] {
            let yaml = simple(&secret("c", &[("tls.crt", value), ("tls.key", &key)]));
            let found = only(&yaml, "ITL0401");
            assert!(
                found.what.contains(cause) && found.what.contains("(line 1 of the value)"),
                "{}",
                found.what
            );
            assert_eq!(found.istio, Some("IST0161"));
            // Unreadable values are not checked any further.
            assert_code(&yaml, "ITL0404", &[]);
            let yaml = simple(&secret(
                "c",
                &[
                    ("tls.crt", &good),
                    ("tls.key", &key.replacen("-----BEGIN", " -----BEGIN", 1)),
                ],
            ));
            let found = only(&yaml, "ITL0402");
            assert!(found.what.contains("there are blanks before"), "{}", found.what);
            let bundle = format!("{}{value}", httpbin().root_pem());
            let yaml = mutual(&secret(
                "c",
                &[("tls.crt", &good), ("tls.key", &key), ("ca.crt", &bundle)],
            ));
            let found = only(&yaml, "ITL0323");
            assert!(found.what.contains(cause), "{}", found.what);
        }
        let swapped = only(
            &simple(&secret("c", &[("tls.crt", &key), ("tls.key", &good)])),
            "ITL0401",
        );
        assert!(swapped.fix.starts_with("swap tls.crt and tls.key"), "{}", swapped.fix);
    }

    #[test]
    fn the_place_is_the_value_of_the_secret() {
        let good = httpbin().server_pem();
        let cut = &good[..good.len() / 4];
        let found = only(&simple(&secret("c", &[("tls.crt", cut), ("tls.key", "")])), "ITL0310");
        assert_eq!(
            (found.object.as_str(), found.file.as_str()),
            ("Secret istio-system/c", "-")
        );
        let found = only(
            &simple(&secret(
                "c",
                &[("tls.crt", cut), ("tls.key", &key_pem(&httpbin().server))],
            )),
            "ITL0401",
        );
        assert_eq!(found.path, "data[\"tls.crt\"]");
        assert!(
            found.line > 1 && found.what.contains("tls.crt of secret istio-system/c"),
            "{}",
            found.what
        );
    }

    #[test]
    fn keys_can_be_read_and_belong_to_the_certificate() {
        let certificate = httpbin().server_pem();
        let issued = httpbin().server.key.as_ref().expect("a key");
        let encrypted = issued.encrypted_pem("password").expect("encrypted");
        let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMAMCAQU=\n-----END RSA PRIVATE KEY-----\n";
        let other = issue(&plan("httpbin.example.com"));
        let (own, other) = (key_pem(&httpbin().server), key_pem(&other.server));
        let path = &["data[\"tls.key\"]"][..];
        for (value, code, paths) in [
            (own.as_str(), "ITL0402", &[][..]),
            (&own.replace('\n', "\r\n"), "ITL0402", &[]),
            (&format!("{certificate}{own}"), "ITL0402", &[]),
            (&own, "ITL0403", &[]),
            (&own, "ITL0404", &[]),
            ("word", "ITL0402", path),
            (&certificate, "ITL0402", path),
            (&own[..60], "ITL0402", path),
            (&encrypted, "ITL0403", path),
            (legacy, "ITL0403", path),
            (&encrypted, "ITL0402", &[]),
            (&other, "ITL0404", path),
        ] {
            assert_code(
                &simple(&secret("c", &[("tls.crt", &certificate), ("tls.key", value)])),
                code,
                paths,
            );
        }
    }

    #[test]
    fn the_pair_of_a_secret_that_no_server_names_is_compared_too() {
        let other = issue(&plan("httpbin.example.com"));
        let certificate = httpbin().server_pem();
        for (issued, paths) in [(httpbin(), &[][..]), (&other, &["data[\"tls.key\"]"])] {
            let values = [("tls.crt", certificate.as_str()), ("tls.key", &key_pem(&issued.server))];
            let typed = secret("alone", &values).replace("kind: Secret\n", "kind: Secret\ntype: kubernetes.io/tls\n");
            assert!(typed.contains("type: kubernetes.io/tls"), "{typed}");
            assert_code(&typed, "ITL0404", paths);
            // Other types may hold anything.
            assert_code(&secret("alone", &values), "ITL0404", &[]);
        }
    }

    #[test]
    fn some_keys_are_for_some_gateways() {
        let of = |key_type| {
            let mut plan = plan("httpbin.example.com");
            plan.profile = Profile {
                leaf_key: key_type,
                ..Profile::default()
            };
            simple(&secret_of("c", &issue(&plan)))
        };
        let path = &["data[\"tls.crt\"]"][..];
        let (p256, p384) = (of(KeyType::EcdsaP256), of(KeyType::EcdsaP384));
        let (rsa, ed25519) = (of(KeyType::Rsa2048), of(KeyType::Ed25519));
        for (yaml, code, paths) in [
            (&p256, "ITL0405", &[][..]),
            (&rsa, "ITL0405", &[]),
            (&p256, "ITL0406", &[]),
            (&rsa, "ITL0406", &[]),
            (&p384, "ITL0406", &[]),
            (&p384, "ITL0405", path),
            (&ed25519, "ITL0406", path),
        ] {
            assert_code(yaml, code, paths);
        }
        assert_eq!(only(&p384, "ITL0405").severity, Severity::Info);
        let old = lint_for(&p384, IstioTarget::V1_1).findings.into_iter();
        let old: Vec<Severity> = old
            .filter(|found| found.code == "ITL0405")
            .map(|found| found.severity)
            .collect();
        assert_eq!(old, [Severity::Error]);
    }

    #[test]
    fn suites_go_with_the_key() {
        let yaml = |suites: &str, more: &str| {
            let tls = format!("mode: SIMPLE, credentialName: c, cipherSuites: [{suites}]{more}");
            gateway("a", &[("httpbin.example.com", &tls)]) + &secret_of("c", httpbin())
        };
        let (ecdsa, rsa) = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256");
        let only_1_2 = ", maxProtocolVersion: TLSV1_2";
        let path = &["spec.servers[0].tls.cipherSuites"][..];
        for (yaml, paths) in [
            (yaml(ecdsa, ""), &[][..]),
            (yaml(&format!("{rsa}, {ecdsa}"), only_1_2), &[]),
            (
                yaml("\"[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-RSA-AES128-GCM-SHA256]\"", ""),
                &[],
            ),
            (yaml("ALL", ""), &[]),
            (yaml("", ""), &[]),
            (yaml(rsa, ", minProtocolVersion: TLSV1_3"), &[]),
            (yaml(rsa, ""), path),
            (yaml("AES128-SHA, DES-CBC3-SHA", only_1_2), path),
        ] {
            assert_code(&yaml, "ITL0407", paths);
        }
        assert_eq!(only(&yaml(rsa, ""), "ITL0407").severity, Severity::Warning);
        assert_eq!(only(&yaml(rsa, only_1_2), "ITL0407").severity, Severity::Error);
    }
}
