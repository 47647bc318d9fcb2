//! Certificates and keys, issued for the run: what manifests and bootstraps
//! write as `{{chain NAME}}`, `{{key NAME}}` and `{{ca NAME}}`; `{{hash NAME}}` and
//! `{{spki NAME}}` are the pins of a leaf.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// A leaf's certificate and key, PEM.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) chain: String,
    pub(super) key: String,
}

struct Material {
    authorities: HashMap<String, Arc<CertifiedIssuer<'static, KeyPair>>>,
    pairs: HashMap<String, Pair>,
}

static MATERIAL: LazyLock<Mutex<Material>> = LazyLock::new(|| {
    Mutex::new(Material {
        authorities: HashMap::new(),
        pairs: HashMap::new(),
    })
});

/// A server's leaf by its DNS name, or a client's as CA/NAME.
pub(super) fn pair(name: &str) -> Pair {
    let mut material = MATERIAL.lock().expect("no panic");
    if let Some(pair) = material.pairs.get(name) {
        return pair.clone();
    }
    let (authority, leaf, usage) = match name.split_once('/') {
        Some((authority, leaf)) => (authority, leaf, ExtendedKeyUsagePurpose::ClientAuth),
        None => ("servers", name, ExtendedKeyUsagePurpose::ServerAuth),
    };
    let mut params = CertificateParams::new(vec![leaf.to_owned()]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, leaf);
    params.extended_key_usages = vec![usage];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if leaf.starts_with("expired") {
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    }
    if leaf.starts_with("server-only") {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    }
    let key = KeyPair::generate().expect("a key");
    let issuer = material.authority(authority);
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let pair = Pair {
        chain: certificate.pem(),
        key: key.serialize_pem(),
    };
    material.pairs.insert(name.to_owned(), pair.clone());
    pair
}

impl Material {
    fn authority(&mut self, name: &str) -> Arc<CertifiedIssuer<'static, KeyPair>> {
        let made = self.authorities.entry(name.to_owned()).or_insert_with(|| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, format!("CA {name}"));
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            let key = KeyPair::generate().expect("a key");
            Arc::new(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
        });
        Arc::clone(made)
    }
}

/// Text with its placeholders filled in, as the inside of a quoted string of
/// JSON or YAML; those of other kinds come from `other`.
pub(super) fn filled(text: &str, other: impl Fn(&str, &str) -> Option<String>) -> String {
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (placeholder, after) = after.split_once("}}").expect("the end of a placeholder");
        let (kind, name) = placeholder.split_once(' ').expect("a kind and a name");
        made.push_str(before);
        let value = other(kind, name).unwrap_or_else(|| pem(kind, name));
        let quoted = serde_json::to_string(&value).expect("a string");
        made.push_str(&quoted[1..quoted.len() - 1]);
        rest = after;
    }
    made.push_str(rest);
    made
}

fn pem(kind: &str, name: &str) -> String {
    match kind {
        "chain" => pair(name).chain,
        "key" => pair(name).key,
        "hash" => hash(&pair(name)),
        "spki" => spki_hash(&pair(name)),
        "ca" => MATERIAL.lock().expect("no panic").authority(name).pem(),
        _ => panic!("no placeholder {kind:?} {name:?}"),
    }
}

/// `verifyCertificateHash` of a leaf: SHA-256 in hex.
fn hash(pair: &Pair) -> String {
    let certificate = CertificateDer::from_pem_slice(pair.chain.as_bytes()).expect("a certificate");
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &certificate);
    istio_tls::hex::digits(hash.as_ref())
}

/// `verifyCertificateSpki` of a leaf: SHA-256 of its key in base64.
fn spki_hash(pair: &Pair) -> String {
    let certificate = CertificateDer::from_pem_slice(pair.chain.as_bytes()).expect("a certificate");
    let (_, parsed) = x509_parser::parse_x509_certificate(&certificate).expect("a certificate");
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, parsed.public_key().raw);
    base64::engine::general_purpose::STANDARD.encode(hash.as_ref())
}
