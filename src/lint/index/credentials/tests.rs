//! The sources of key material: Secrets, the workspace's chains, `--certs`; and that no content
//! makes lint panic.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::certs::{Bad, Chain};
use crate::lint::testing::{NOW, gateway, httpbin, issue, key_pem, lint_yaml, mutual, plan, secret, simple};
use crate::lint::{Finding, Settings, World, lint};
use crate::manifests::load;
use crate::problem::Problem;
use crate::secrets::{Found, MaterialFiles, SecretStore};
use crate::workspace::config::IstioTarget;

struct Files(BTreeMap<PathBuf, Vec<u8>>);

impl MaterialFiles for Files {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Problem> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, Problem> {
        let below = self.0.keys().filter_map(|path| path.strip_prefix(folder).ok());
        let mut names: Vec<String> = below
            .filter_map(|path| Some(path.iter().next()?.to_str()?.to_owned()))
            .collect();
        names.dedup();
        Ok(names)
    }
}

/// A chain in the layout of gen-certs.
fn tree(folder: &str, chain: &Chain) -> Vec<(PathBuf, Vec<u8>)> {
    let host = "httpbin.example.com";
    [
        (format!("3_application/certs/{host}.cert.pem"), chain.server_pem()),
        (format!("3_application/private/{host}.key.pem"), key_pem(&chain.server)),
        (
            "2_intermediate/certs/ca-chain.cert.pem".to_owned(),
            chain.ca_chain_pem(),
        ),
    ]
    .into_iter()
    .map(|(path, text)| (Path::new(folder).join(path), text.into_bytes()))
    .collect()
}

/// Lints a Gateway with material from files only.
fn lint_files(yaml: &str, files: Vec<(PathBuf, Vec<u8>)>, chains: &[(&str, &str)], certs: &[&str]) -> Vec<Finding> {
    let files = Files(files.into_iter().collect());
    let loaded = load::load(yaml, "gateway.yaml");
    let store = SecretStore {
        namespace: "istio-system".to_owned(),
        objects: HashMap::new(),
        config_maps: HashMap::new(),
        mounts: Vec::new(),
        folders: certs.iter().map(PathBuf::from).collect(),
        chains: chains
            .iter()
            .map(|(name, folder)| ((*name).to_owned(), PathBuf::from(folder)))
            .collect(),
        names_of_host: |_| vec!["httpbin-credential".to_owned()],
        files: &files,
        host_files: false,
        in_cluster: false,
        applied: HashSet::new(),
        found: Found::default(),
    };
    let settings = Settings {
        target: IstioTarget::Latest,
        now: NOW,
        namespace: "default".to_owned(),
        pod_labels: BTreeMap::from([("istio".to_owned(), "ingressgateway".to_owned())]),
        secrets_elsewhere: true,
        unseen: std::collections::BTreeMap::new(),
    };
    lint(&World::new(
        &loaded.objects,
        &loaded.errors,
        &loaded.warnings,
        &store,
        &settings,
    ))
    .findings
}

fn of_credentials(findings: &[Finding]) -> Vec<(&'static str, &str, u32)> {
    let own = findings.iter().filter(|finding| {
        ["ITL03", "ITL04", "ITL08"]
            .iter()
            .any(|code| finding.code.starts_with(code))
    });
    own.map(|finding| (finding.code, finding.file.as_str(), finding.line))
        .collect()
}

#[test]
fn material_in_files_is_found_and_its_file_is_the_place() {
    let mut bad = plan("httpbin.example.com");
    bad.bad = Some(Bad::Expired);
    let bad = issue(&bad);
    let yaml = gateway(
        "a",
        &[(
            "httpbin.example.com",
            "mode: MUTUAL, credentialName: httpbin-credential",
        )],
    );
    let chain = ("httpbin-credential", "ws/httpbin.example.com");
    let certificate = "ws/httpbin.example.com/3_application/certs/httpbin.example.com.cert.pem";
    let good = || tree("ws/httpbin.example.com", httpbin());
    let expired = || tree("ws/httpbin.example.com", &bad);
    // The workspace's chain by its Secret's name, and a chain folder or a folder of chain folders
    // with --certs.
    for (chains, certs) in [
        (&[chain][..], &[][..]),
        (&[], &["ws/httpbin.example.com"]),
        (&[], &["ws"]),
    ] {
        assert_eq!(of_credentials(&lint_files(&yaml, good(), chains, certs)), []);
        let found = lint_files(&yaml, expired(), chains, certs);
        assert_eq!(of_credentials(&found), [("ITL0420", certificate, 1)]);
    }
    // A folder of keys.
    let folder = |chain: &Chain| {
        let values = [
            ("tls.crt", chain.server_pem()),
            ("tls.key", key_pem(&chain.server)),
            ("ca.crt", chain.ca_chain_pem()),
        ];
        let path = |key| Path::new("certs/httpbin-credential").join(key);
        values.map(|(key, text)| (path(key), text.into_bytes())).to_vec()
    };
    assert_eq!(
        of_credentials(&lint_files(&yaml, folder(httpbin()), &[], &["certs"])),
        []
    );
    assert_eq!(
        of_credentials(&lint_files(&yaml, folder(&bad), &[], &["certs"])),
        [("ITL0420", "certs/httpbin-credential/tls.crt", 1)]
    );
    // Nothing.
    let found = lint_files(&yaml, Vec::new(), &[], &[]);
    assert_eq!(
        of_credentials(&found).first().map(|(code, file, _)| (*code, *file)),
        Some(("ITL0301", "gateway.yaml"))
    );
    assert!(
        found
            .iter()
            .any(|finding| finding.fix.starts_with("istio-tls gen-certs httpbin.example.com"))
    );
}

#[test]
fn the_second_certificate_of_a_file_has_its_own_line() {
    let mut old = plan("httpbin.example.com");
    old.profile.root_days = 400;
    let old = crate::certs::issue_chain(&old, crate::certs::Authority::New, NOW - time::Duration::days(500));
    let leaf = crate::certs::pem::certificate_text(&httpbin().server.certificate);
    let text = leaf.clone() + &old.expect("a chain").intermediate_pem();
    let second = leaf.lines().count() + 1;
    let path = "certs/httpbin-credential";
    let files = [("tls.crt", text), ("tls.key", key_pem(&httpbin().server))];
    let files = files
        .map(|(key, text)| (Path::new(path).join(key), text.into_bytes()))
        .to_vec();
    let yaml = gateway(
        "a",
        &[(
            "httpbin.example.com",
            "mode: SIMPLE, credentialName: httpbin-credential",
        )],
    );
    let found = lint_files(&yaml, files, &[], &["certs"]);
    let line = found
        .iter()
        .find(|finding| finding.code == "ITL0420")
        .map(|finding| finding.line as usize);
    assert_eq!(line, Some(second));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_content_makes_it_panic(bytes in ".{0,400}", place in 0_usize..900, value in "[ -~\\n]{0,3}") {
        // A certificate's text with a part replaced, and text that is not a certificate.
        let good = httpbin().server_pem();
        let place = place.min(good.len());
        let damaged = format!("{}{value}{}", &good[..place], &good[(place + value.len()).min(good.len())..]);
        let key = key_pem(&httpbin().server);
        let damaged_key = format!("{value}{}", &key[place.min(key.len())..]);
        for (certificate, key, ca) in [
            (damaged.as_str(), damaged_key.as_str(), damaged.as_str()),
            (&bytes, &bytes, &bytes),
            (&damaged, &key, &bytes),
        ] {
            let values = [("tls.crt", certificate), ("tls.key", key), ("ca.crt", ca), ("ca.crl", ca)];
            lint_yaml(&mutual(&secret("c", &values)));
            lint_yaml(&simple(&secret("c", &values)));
        }
    }

    #[test]
    fn no_names_make_it_panic(name in ".{0,30}", host in ".{0,30}") {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let tls = format!("mode: MUTUAL, credentialName: {}, caCertCredentialName: {}", quoted(&name), quoted(&host));
        let yaml = gateway("a", &[(&quoted(&host), &tls), ("\"*.example.com\"", "mode: SIMPLE, credentialName: c")]);
        lint_yaml(&(yaml + &crate::lint::testing::secret_of("c", httpbin())));
    }
}
