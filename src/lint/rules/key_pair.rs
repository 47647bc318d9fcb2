//! Certificate and key: can they be read, do they belong together, and can
//! gateways use them?

use std::rc::Rc;

use crate::certs::{PrivateKey, key, pem};
use crate::lint::codes::{
    CERTIFICATE_UNREADABLE, CHAIN_ORDER, CIPHER_SUITES_WITHOUT_KEY, KEY_ENCRYPTED, KEY_MISMATCH,
    KEY_TYPE_OF_LATER_ENVOY, KEY_TYPE_UNSUPPORTED, KEY_UNREADABLE,
};
use crate::lint::credentials::{Certificate, NAME, Pair, TlsServer, Value, explained, words};
use crate::lint::{Code, Finding, Findings, Rule, Severity, World};
use crate::manifests::model::gateway::TlsProtocol;

pub(super) static RULES: &[&dyn Rule] = &[&Readable, &KeyType, &CipherSuites];

/// Both can be read and fit.
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
            match key::read(pair.key.content(), NAME, None) {
                Err(problem) => found.push(unreadable_key(&pair.key, &problem)),
                Ok(key) => found.push_some(mismatch(pair, &key)),
            }
        }
    }
}

fn unreadable_certificate(pair: &Pair<'_>, error: &crate::lint::credentials::Unreadable) -> Finding {
    let value = &pair.certificate;
    let finding = Finding::new(
        &CERTIFICATE_UNREADABLE,
        value.place(error.line),
        format!(
            "{} holds no certificate that can be read: {}{}",
            value.name(),
            error.why,
            value.line_of_value(error.line)
        ),
    );
    let finding = if error.from_the_start {
        finding
    } else {
        finding.istio(None)
    };
    let is_key = holds_key(value.content());
    if is_key && holds_certificate(pair.key.content()) {
        return finding.fix(format!(
            "exchange {} and {}: they hold each other's content",
            value.key, pair.key.key
        ));
    }
    if is_key {
        return finding.fix(format!(
            "put the certificate under {}; the key belongs under {}",
            value.key, pair.key.key
        ));
    }
    if error.why.contains("encoded twice") {
        return finding.fix("put the base64 of the PEM under data, or the PEM itself under stringData");
    }
    finding
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
    let blocks = pem::blocks(value.content(), NAME).unwrap_or_default();
    let first = blocks.iter().find(|block| block.is_private_key());
    if first.is_some_and(|block| block.legacy_encrypted || block.label == pem::ENCRYPTED_PRIVATE_KEY) {
        return Finding::new(
            &KEY_ENCRYPTED,
            value.place(line),
            format!("the private key in {} is encrypted", value.name()),
        );
    }
    let why = explained(value.content()).unwrap_or(why);
    Finding::new(
        &KEY_UNREADABLE,
        value.place(line),
        format!(
            "{} holds no private key that can be read: {why}{}",
            value.name(),
            value.line_of_value(line)
        ),
    )
}

fn mismatch(pair: &Pair<'_>, key: &PrivateKey) -> Option<Finding> {
    let leaf = pair.leaf()?;
    if key.fits(&leaf.der) {
        return None;
    }
    let mut later = pair.chain().iter().enumerate().skip(1);
    if let Some((place, (line, meant))) = later.find(|(_, (_, certificate))| key.fits(&certificate.der)) {
        return Some(Finding::new(
            &CHAIN_ORDER,
            pair.certificate.place(*line),
            format!(
                "{} begins with the certificate of \"{}\"; that of \"{}\", to which the key belongs, is number {}",
                pair.certificate.name(),
                leaf.called,
                meant.called,
                place + 1
            ),
        ));
    }
    Some(Finding::new(
        &KEY_MISMATCH,
        pair.key.place(0),
        format!(
            "the key in {} does not belong to the certificate of \"{}\" in {}",
            pair.key.name(),
            leaf.called,
            pair.certificate.name()
        ),
    ))
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
                // Weak ones are told as such.
                ("RSA", _) | ("ECDSA", Some("P-256")) => {}
                ("ECDSA", Some("P-384" | "P-521")) if world.is_1_1() => found.push(
                    Finding::new(&KEY_TYPE_OF_LATER_ENVOY, place, what)
                        .severity(Severity::Error)
                        .why("the Envoy of Istio 1.1 takes RSA and P-256 keys only, and refuses the certificate"),
                ),
                ("ECDSA", Some("P-384" | "P-521")) => found.push(Finding::new(&KEY_TYPE_OF_LATER_ENVOY, place, what)),
                _ if leaf.key.too_weak().is_some() => {}
                ("Ed25519", _) => found.push(Finding::new(&KEY_TYPE_UNSUPPORTED, place, what)),
                _ => found.push(
                    Finding::new(&KEY_TYPE_UNSUPPORTED, place, what)
                        .severity(Severity::Error)
                        .why("Envoy takes RSA keys and ECDSA keys on P-256, P-384 and P-521, and refuses the certificate"),
                ),
            }
        }
    }
}

/// `cipherSuites` has a suite for a key of the server.
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
    // A group or an operator (`[A|B]`, `ALL`) may stand for any suite.
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
            "the suites are for {} keys, and the server's key is {first}: {who} can connect",
            kinds.first()?
        ),
    );
    Some(if only_1_2 {
        finding.severity(Severity::Error)
    } else {
        finding
    })
}

/// The type of key that a suite of TLS 1.2 goes with, by OpenSSL's name.
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
