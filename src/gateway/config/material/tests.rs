//! What becomes of a server's TLS settings: real chains, and each way in which
//! they can be wrong.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::OnceLock;

use time::OffsetDateTime;

use super::{MaterialError, MaterialReader};
use crate::certs::{Authority, Chain, ChainPlan, issue_chain};
use crate::gateway::config::table::{ClientAuth, TlsMaterial};
use crate::manifests::model::gateway::{ServerTlsSettings, TlsMode, TlsProtocol};
use crate::names::Host;
use crate::problem::Problem;
use crate::secrets::{Found, MaterialFiles, SecretData, SecretStore};

struct NoFiles;

impl MaterialFiles for NoFiles {
    fn read(&self, _path: &Path) -> Result<Option<Vec<u8>>, Problem> {
        Ok(None)
    }

    fn list(&self, _folder: &Path) -> Result<Vec<String>, Problem> {
        Ok(Vec::new())
    }
}

fn chain() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(|| {
        let plan = ChainPlan::new(Host::parse("a.com").unwrap());
        let now = OffsetDateTime::from_unix_timestamp(1_760_000_000).unwrap();
        issue_chain(&plan, Authority::New, now).unwrap()
    })
}

fn key() -> String {
    chain().server.key.as_ref().unwrap().pem().to_string()
}

type Secrets<'a> = &'a [(&'a str, &'a [(&'a str, &'a str)])];

/// Reads the material of `tls` with these Secrets in istio-system.
fn read(tls: &ServerTlsSettings, secrets: Secrets<'_>) -> Result<TlsMaterial, MaterialError> {
    let objects = secrets.iter().map(|(name, keys)| {
        let values = keys
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        let data = SecretData::of_object("istio-system", name, None, values);
        (("istio-system".to_owned(), (*name).to_owned()), Rc::new(data))
    });
    let store = SecretStore {
        namespace: "istio-system".to_owned(),
        objects: objects.collect::<HashMap<_, _>>(),
        config_maps: HashMap::new(),
        mounts: Vec::new(),
        folders: Vec::new(),
        chains: HashMap::new(),
        names_of_host: |host| vec![format!("{host}-credential")],
        files: &NoFiles,
        host_files: false,
        in_cluster: false,
        applied: HashSet::new(),
        found: Found::default(),
    };
    MaterialReader::new(&store, &[]).read(tls, &["a.com".to_owned()])
}

fn credential(mode: TlsMode) -> ServerTlsSettings {
    ServerTlsSettings {
        mode: Some(mode),
        credential_name: Some("c".to_owned()),
        ..ServerTlsSettings::default()
    }
}

/// What a failure says, after the word for its kind.
fn failure(outcome: Result<TlsMaterial, MaterialError>) -> String {
    match outcome {
        Ok(_) => "served".to_owned(),
        Err(MaterialError::Missing(problem)) => format!("missing: {problem}"),
        Err(MaterialError::Invalid(problem)) => format!("invalid: {problem}"),
    }
}

#[test]
fn modes_decide_what_is_asked_of_clients() {
    let (certificate, key, ca) = (chain().server_pem(), key(), chain().ca_chain_pem());
    let secrets: Secrets<'_> = &[("c", &[("tls.crt", &certificate), ("tls.key", &key), ("ca.crt", &ca)])];
    let simple = read(&credential(TlsMode::Simple), secrets).ok().unwrap();
    assert!(matches!(simple.client_auth, ClientAuth::None));
    assert_eq!(simple.identities[0].source, "secret istio-system/c");
    assert_eq!(simple.identities[0].certificates.len(), 2);
    assert_eq!(simple.versions, (0x0303, 0x0304));
    let mut settings = credential(TlsMode::Mutual);
    settings.subject_alt_names = vec!["client.a.com".to_owned()];
    settings.min_protocol_version = Some(TlsProtocol::V1_3);
    settings.verify_certificate_hash = vec!["aa:".repeat(31) + "aa"];
    let mutual = read(&settings, secrets).ok().unwrap();
    match mutual.client_auth {
        ClientAuth::Required(verification) => {
            assert_eq!(verification.authorities.len(), 2);
            assert_eq!(verification.subject_alt_names, ["client.a.com"]);
            assert_eq!(verification.certificate_sha256, [[0xaa; 32]]);
        }
        _ => panic!("clients are not verified"),
    }
    assert_eq!(mutual.versions, (0x0304, 0x0304));
    let optional = read(&credential(TlsMode::OptionalMutual), secrets).ok().unwrap();
    assert!(matches!(optional.client_auth, ClientAuth::Optional(_)));
}

#[test]
fn a_separate_ca_secret_is_used_alone() {
    let (certificate, key, ca) = (chain().server_pem(), key(), chain().ca_chain_pem());
    let root = chain().root_pem();
    let base: (&str, &[(&str, &str)]) = ("c", &[("tls.crt", &certificate), ("tls.key", &key), ("ca.crt", &ca)]);
    let authorities = |outcome: Result<TlsMaterial, MaterialError>| match outcome.map(|found| found.client_auth) {
        Ok(ClientAuth::Required(verification)) => verification.authorities.len().to_string(),
        Ok(_) => "none".to_owned(),
        Err(error) => error.problem().what.clone(),
    };
    let mutual = credential(TlsMode::Mutual);
    assert_eq!(
        authorities(read(&mutual, &[base, ("c-cacert", &[("cacert", &root)])])),
        "1"
    );
    // It takes precedence even when it lacks the key.
    let lacking = authorities(read(&mutual, &[base, ("c-cacert", &[("x", &root)])]));
    assert!(
        lacking.contains("c-cacert has neither the key ca.crt nor cacert"),
        "{lacking}"
    );
    let mut named = credential(TlsMode::Mutual);
    named.ca_cert_credential_name = Some("own-ca".to_owned());
    assert_eq!(
        authorities(read(&named, &[base, ("own-ca", &[("ca.crt", &root)])])),
        "1"
    );
    let absent = authorities(read(&named, &[base]));
    assert!(
        absent.contains("secret \"own-ca\" is not in namespace istio-system"),
        "{absent}"
    );
}

#[test]
fn what_is_missing_and_what_is_broken_are_told_apart() {
    let (certificate, key) = (chain().server_pem(), key());
    let other = {
        let plan = ChainPlan::new(Host::parse("b.com").unwrap());
        let now = OffsetDateTime::from_unix_timestamp(1_760_000_000).unwrap();
        let chain = issue_chain(&plan, Authority::New, now).unwrap();
        chain.server.key.as_ref().unwrap().pem().to_string()
    };
    let truncated = &certificate[..certificate.len() / 3];
    let named = |name: &str| {
        let mut settings = credential(TlsMode::Simple);
        settings.credential_name = Some(name.to_owned());
        settings
    };
    let simple = || credential(TlsMode::Simple);
    let good: (&str, &[(&str, &str)]) = ("c", &[("tls.crt", &certificate), ("tls.key", &key)]);
    for (settings, secrets, expected) in [
        (simple(), &[good][..], "served"),
        (named("istio-system/c"), &[good], "served"),
        (named("kubernetes://c"), &[good], "served"),
        (
            named("default/c"),
            &[good],
            "missing: the credential \"default/c\" cannot be used",
        ),
        (
            named("sds://c"),
            &[good],
            "missing: the credential \"sds://c\" cannot be used",
        ),
        (simple(), &[], "missing: secret \"c\" is not in namespace istio-system"),
        (
            simple(),
            &[("c", &[("tls.crt", &certificate)])],
            "invalid: secret istio-system/c has neither",
        ),
        (
            simple(),
            &[("c", &[("tls.crt", truncated), ("tls.key", &key)])],
            "invalid: secret istio-system/c key tls.crt",
        ),
        (
            simple(),
            &[("c", &[("tls.crt", "text"), ("tls.key", &key)])],
            "invalid: secret istio-system/c key tls.crt holds no PEM block",
        ),
        (
            simple(),
            &[("c", &[("tls.crt", &certificate), ("tls.key", "text")])],
            "invalid: secret istio-system/c key tls.key",
        ),
        (
            simple(),
            &[("c", &[("tls.crt", &certificate), ("tls.key", &other)])],
            "invalid: the key in secret istio-system/c key tls.key does not belong to the certificate",
        ),
        (
            credential(TlsMode::Mutual),
            &[good],
            "invalid: secret istio-system/c has neither the key ca.crt nor cacert",
        ),
        (
            ServerTlsSettings {
                mode: Some(TlsMode::Simple),
                ..ServerTlsSettings::default()
            },
            &[],
            "missing: the server names no certificate",
        ),
        (
            ServerTlsSettings {
                mode: Some(TlsMode::Simple),
                server_certificate: Some("/etc/istio/x-certs/tls.crt".to_owned()),
                private_key: Some("/etc/istio/x-certs/tls.key".to_owned()),
                ..ServerTlsSettings::default()
            },
            &[good],
            "missing: /etc/istio/x-certs/tls.crt does not exist in the gateway's pod",
        ),
        (
            ServerTlsSettings {
                verify_certificate_spki: vec!["short".to_owned()],
                ..credential(TlsMode::Mutual)
            },
            &[(
                "c",
                &[("tls.crt", &certificate), ("tls.key", &key), ("ca.crt", &certificate)],
            )],
            "invalid: verifyCertificateSpki holds \"short\"",
        ),
    ] {
        let found = failure(read(&settings, secrets));
        assert!(found.starts_with(expected), "wanted {expected}, found {found}");
    }
}
