//! What `adopt`, `verify` and `inspect` say of Secrets that are odd or that others
//! manage. The API server here is the test's own and answers with the Secrets of
//! a test; what a real one holds is tested in tests/real.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::fake_api_server::FakeApiServer;
use crate::harness::{Dir, Ran};
use crate::http_stub::Reply;

const HOST: &str = "shop.example.com";
const NAMESPACE: &str = "istio-system";

/// A Secret with these values, in the gateway's usual namespace.
fn secret(name: &str, values: &[(&str, &[u8])]) -> Value {
    let data: serde_json::Map<String, Value> = (values.iter())
        .map(|(key, value)| ((*key).to_owned(), json!(STANDARD.encode(value))))
        .collect();
    json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data,
        "metadata": {"name": name, "namespace": NAMESPACE,
            "managedFields": [{"manager": "kubectl-create", "operation": "Update"}]}})
}

/// A server that holds these Secrets, and whose kubeconfig is in the folder.
fn serving(dir: &Dir, secrets: Vec<Value>) -> FakeApiServer {
    let server = FakeApiServer::failing(move |request, _| {
        let path = request.target.split('?').next().unwrap_or_default();
        let found = secrets.iter().find(|secret| {
            let text = |field: &str| secret["metadata"][field].as_str().unwrap_or_default();
            path == format!("/api/v1/namespaces/{}/secrets/{}", text("namespace"), text("name"))
        });
        found
            .filter(|_| request.method == "GET")
            .map(|secret| Reply::Answer(200, "", secret.to_string()))
    });
    server.kubeconfig(dir);
    server
}

/// A chain of `gen-certs`, made elsewhere: leaf with intermediate, key, CA bundle.
struct Made {
    chain: Vec<u8>,
    key: Vec<u8>,
    bundle: Vec<u8>,
    root: Vec<u8>,
    folder: Dir,
}

fn made(arguments: &[&str]) -> Made {
    let folder = Dir::new();
    let all: Vec<&str> = ["gen-certs", HOST].iter().chain(arguments).copied().collect();
    folder.run(&all).exits(0);
    let read = |file: &str| folder.read(format!("{HOST}/{file}")).into_bytes();
    Made {
        chain: read(&format!("3_application/certs/{HOST}.cert.pem")),
        key: read(&format!("3_application/private/{HOST}.key.pem")),
        bundle: read("2_intermediate/certs/ca-chain.cert.pem"),
        root: read("1_root/certs/ca.cert.pem"),
        folder,
    }
}

/// A self-signed certificate and its key, as `openssl req -x509` makes them.
fn self_signed(is_ca: bool) -> (String, String) {
    let mut params = CertificateParams::new(vec![HOST.to_owned()]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, HOST);
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    params.not_before = rcgen::date_time_ymd(2024, 1, 1);
    params.not_after = rcgen::date_time_ymd(2044, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

#[test]
fn a_chain_whose_ca_is_being_rotated_is_not_replaced() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    dir.run(&["rotate", HOST, "--ca"]).exits(0);
    let made = made(&[]);
    let elsewhere = made.folder.path(HOST).display().to_string();
    let _server = serving(
        &dir,
        vec![secret(
            "shop-credential",
            &[
                ("tls.crt", &made.chain),
                ("tls.key", &made.key),
                ("ca.crt", &made.bundle),
            ],
        )],
    );
    let root = dir.read(format!("{HOST}/1_root/certs/ca.cert.pem"));
    for source in ["secret/shop-credential", &elsewhere] {
        for more in [&["--force"][..], &["--force", "--dry-run"]] {
            let all: Vec<&str> = ["adopt", source].iter().chain(more).copied().collect();
            dir.run(&all)
                .exits(2)
                .says("the CA of shop.example.com is being replaced")
                .says("5_previous_ca")
                .says("istio-tls rotate shop.example.com --finish")
                .says("--abort");
        }
    }
    assert_eq!(dir.read(format!("{HOST}/1_root/certs/ca.cert.pem")), root);
    dir.run(&["rotate", HOST, "--abort"]).exits(0);
    dir.run(&["adopt", "secret/shop-credential", "--force"]).exits(0);
}

#[test]
fn who_manages_a_secret_is_said() {
    let made = made(&[]);
    let mut issued = secret(
        "shop-tls",
        &[("tls.crt", &made.chain), ("tls.key", &made.key), ("ca.crt", &made.root)],
    );
    issued["metadata"]["annotations"] = json!({"cert-manager.io/certificate-name": "shop"});
    let dir = Dir::new();
    let _server = serving(&dir, vec![issued]);
    let ran = dir
        .run(&["adopt", "secret/shop-tls", "--mode", "simple", "-o", "json"])
        .exits(0);
    assert_eq!(ran.json()["chains"][0]["managedBy"], "cert-manager (Certificate shop)");
    ran.says("the Secret shop-tls is managed by cert-manager (Certificate shop)")
        .says("istio-tls adopt secret/istio-system/shop-tls --host shop.example.com --force");
    dir.run(&["adopt", "secret/shop-tls", "--force"])
        .exits(0)
        .says("managed by cert-manager");
}

#[test]
fn a_self_signed_certificate_that_is_alone_is_the_servers() {
    for is_ca in [true, false] {
        let (certificate, key) = self_signed(is_ca);
        let dir = Dir::new();
        let _server = serving(
            &dir,
            vec![secret(
                "shop-tls",
                &[("tls.crt", certificate.as_bytes()), ("tls.key", key.as_bytes())],
            )],
        );
        let ran = dir
            .run(&["adopt", "secret/shop-tls"])
            .exits(0)
            .prints("adopted shop.example.com/")
            .says("is self-signed");
        assert_eq!(ran.stderr.contains("CA:TRUE"), is_ca, "{}", ran.stderr);
        let read = |file: &str| dir.read(format!("{HOST}/{file}"));
        let served = read(&format!("3_application/certs/{HOST}.cert.pem"));
        assert_eq!(served.trim(), certificate.trim());
        assert_eq!(read("1_root/certs/ca.cert.pem"), served, "it is its own root");
        assert!(
            !dir.path(format!("{HOST}/1_root/private")).exists(),
            "the key is the server's alone"
        );
        // A CA of its own is the way on, as the note says.
        dir.run(&["rotate", HOST]).exits(2).says("--ca");
        fs::remove_dir_all(dir.path(format!("{HOST}/1_root"))).expect("removed");
        fs::remove_dir_all(dir.path(format!("{HOST}/2_intermediate"))).expect("removed");
        let copy = format!("cp {HOST}/3_application/certs/{HOST}.cert.pem {HOST}/1_root/certs/ca.cert.pem");
        dir.run(&["rotate", HOST, "--ca"])
            .exits(2)
            .says("has no root")
            .says(&copy);
        dir.write(&format!("{HOST}/1_root/certs/ca.cert.pem"), &served);
        dir.run(&["rotate", HOST, "--ca"]).exits(0);
        dir.run(&["rotate", HOST, "--finish"]).exits(0);
        dir.run(&["verify", HOST]).exits(0);
        dir.run(&["rotate", HOST]).exits(0);
    }
    // With another certificate beside it, a CA is a CA.
    let (certificate, key) = self_signed(true);
    let (other, _) = self_signed(true);
    let dir = Dir::new();
    let both = format!("{certificate}{other}");
    let _server = serving(
        &dir,
        vec![secret(
            "cas",
            &[("tls.crt", both.as_bytes()), ("tls.key", key.as_bytes())],
        )],
    );
    dir.run(&["adopt", "secret/cas"])
        .exits(2)
        .says("no server certificate was found")
        .says("secret/istio-system/cas in the context there");
}

/// A Secret for each way in which no gateway can use it.
fn unusable(made: &Made) -> Vec<Value> {
    let other = self_signed(false).1;
    let broken = &made.chain[..made.chain.len() / 3];
    vec![
        secret(
            "nofit",
            &[
                ("tls.crt", &made.chain),
                ("tls.key", other.as_bytes()),
                ("ca.crt", &made.root),
            ],
        ),
        secret(
            "swapped",
            &[("tls.crt", &made.key), ("tls.key", &made.chain), ("ca.crt", &made.root)],
        ),
        secret("bin", &[("tls.crt", b"\x00\x01\x02"), ("tls.key", b"\x00\x01\x02")]),
        secret("broken", &[("tls.crt", broken), ("tls.key", &made.key)]),
        secret("emptyvals", &[("tls.crt", b""), ("tls.key", b"")]),
        secret("empty", &[]),
        secret("onlyca", &[("ca.crt", &made.root)]),
        secret("pfx", &[("keystore.p12", b"\x30\x82\x01\x00junk")]),
    ]
}

/// An error that names the Secret, and says what to do.
#[track_caller]
fn names_and_helps(ran: &Ran, name: &str) {
    assert!(
        ran.stderr.contains(&format!("{NAMESPACE}/{name}")) && ran.stderr.contains("try:"),
        "`{}` says:\n{}",
        ran.line,
        ran.stderr
    );
}

#[test]
fn secrets_that_no_gateway_can_use_are_told_apart() {
    let dir = Dir::new();
    let made = made(&[]);
    let _server = serving(&dir, unusable(&made));
    for (name, said) in [
        ("nofit", "does not belong to the certificate in"),
        ("swapped", "are swapped"),
        ("bin", "holds no PEM block"),
        ("broken", "is truncated"),
        ("emptyvals", "they are empty"),
        ("empty", "it has: no key"),
        ("pfx", "it has: keystore.p12"),
    ] {
        let target = format!("secret/{name}");
        let report = dir.run(&["inspect", &target, "-o", "json"]).exits(0).json();
        let why = report["secrets"][0]["noPair"].as_str().unwrap_or_default().to_owned();
        assert!(why.contains(said), "{name}: {why:?}");
        if name == "nofit" {
            let report = dir
                .run(&["verify", &target, "--host", HOST, "-o", "json"])
                .exits(1)
                .json();
            assert_eq!(report["verified"], false);
            assert_eq!(report["results"][0]["faults"], json!([]), "the chain itself is good");
            assert!(
                report["results"][0]["noPair"]
                    .as_str()
                    .is_some_and(|why| why.contains(said))
            );
            dir.run(&["verify", &target, "--host", HOST])
                .exits(1)
                .prints("no gateway can use the Secret")
                .prints(said);
        } else {
            names_and_helps(&dir.run(&["verify", &target, "--host", HOST]).exits(2).says(said), name);
        }
        if name != "swapped" {
            names_and_helps(&dir.run(&["adopt", &target]).exits(2), name);
            assert!(!dir.path("istio-tls.yaml").exists(), "{name}");
        }
    }
    let report = dir.run(&["inspect", "secret/onlyca", "-o", "json"]).exits(0).json();
    assert_eq!(report["secrets"][0]["noPair"], Value::Null, "it is to hold a CA alone");
    names_and_helps(&dir.run(&["verify", "secret/onlyca"]).exits(2), "onlyca");
    names_and_helps(&dir.run(&["adopt", "secret/onlyca"]).exits(2), "onlyca");
    dir.run(&["adopt", "secret/nofit"])
        .exits(2)
        .says("is missing from the input")
        .says("it needs a key of type");
    // The content is good; the Secret is not.
    dir.run(&["adopt", "secret/swapped"])
        .exits(0)
        .says("no gateway can use the Secret swapped in its present form")
        .says("are swapped")
        .says("--force-conflicts");
}

#[test]
fn the_gateways_namespace_is_taken_from_the_secret() {
    let made = made(&[]);
    let mut there = secret("shop-tls", &[("tls.crt", &made.chain), ("tls.key", &made.key)]);
    there["metadata"]["namespace"] = json!("limited");
    let mut second = there.clone();
    second["metadata"]["name"] = json!("other-tls");
    let (other, key) = self_signed(false);
    second["data"] = json!({"tls.crt": STANDARD.encode(&other), "tls.key": STANDARD.encode(key)});
    let secrets = vec![there, second];
    for args in [
        &["adopt", "secret/limited/shop-tls"][..],
        &["adopt", "secret/shop-tls", "--gateway-namespace", "limited"],
        &["adopt", "secret/shop-tls", "-n", "limited"],
    ] {
        let dir = Dir::new();
        let _server = serving(&dir, secrets.clone());
        dir.run(args)
            .exits(0)
            .says("podNamespace limited is recorded")
            .says("the context there is not recorded; the first apply records it");
        assert!(dir.read("istio-tls.yaml").contains("podNamespace: limited"), "{args:?}");
        dir.run(&["manifests", "--only", "secrets"])
            .exits(0)
            .prints("namespace: limited");
        assert!(!dir.read("istio-tls.yaml").contains("context:"));
    }
    // A workspace with hosts keeps its own, and that is said.
    let dir = Dir::new();
    let _server = serving(&dir, secrets);
    dir.run(&["gen-certs", "a.example.com"]).exits(0);
    dir.run(&["adopt", "secret/shop-tls", "--gateway-namespace", "limited"])
        .exits(0)
        .says("the Secret is in limited, but apply stores it in istio-system")
        .says("--gateway-namespace limited is not recorded");
    assert!(!dir.read("istio-tls.yaml").contains("limited"));
}

#[test]
fn hints_are_lines_that_work() {
    let made = made(&["--san", "www.shop.example.com"]);
    let leaf = String::from_utf8(made.chain.clone()).expect("PEM");
    let end = leaf.find("-----END CERTIFICATE-----\n").expect("a leaf") + 26;
    let dir = Dir::new();
    let _server = serving(
        &dir,
        vec![
            secret("shop-tls", &[("tls.crt", &made.chain), ("tls.key", &made.key)]),
            secret("alone", &[("tls.crt", &leaf.as_bytes()[..end]), ("tls.key", &made.key)]),
        ],
    );
    dir.run(&["adopt", "secret/alone"])
        .exits(2)
        .says("istio-tls adopt secret/alone CA_FILE")
        .says("--accept-faults");
    dir.write("ca.pem", made.bundle.as_slice());
    dir.run(&["adopt", "secret/alone", "ca.pem", "--dry-run"]).exits(0);
    fs::create_dir(dir.path("w")).expect("made");
    dir.run(&["-C", "w", "adopt", "secret/shop-tls"])
        .exits(0)
        .prints("next: istio-tls -C w serve")
        .says("istio-tls -C w adopt w/shop.example.com --host HOST");
    dir.run(&[
        "-C",
        "w",
        "adopt",
        "w/shop.example.com",
        "--host",
        "www.shop.example.com",
    ])
    .exits(0);
    dir.write("root.pem", made.root.as_slice());
    dir.run(&["-C", "w", "verify", "www.shop.example.com", "--cacert", "root.pem"])
        .exits(0);
}

#[test]
fn a_plan_of_rotate_is_refused_as_rotate_is() {
    let made = made(&[]);
    let dir = Dir::new();
    let _server = serving(
        &dir,
        vec![secret(
            "shop-tls",
            &[
                ("tls.crt", &made.chain),
                ("tls.key", &made.key),
                ("ca.crt", &made.bundle),
            ],
        )],
    );
    dir.run(&["adopt", "secret/shop-tls"]).exits(0);
    let said = "the server leaf cannot be renewed: the key of its CA is not in the workspace";
    dir.run(&["rotate", HOST, "--dry-run"]).exits(2).says(said);
    dir.run(&["rotate", HOST]).exits(2).says(said);
    let signer = made.folder.path(HOST).display().to_string();
    let before = fs::read(dir.path(format!("{HOST}/3_application/certs/{HOST}.cert.pem"))).expect("read");
    dir.run(&["rotate", HOST, "--dry-run", "--signer", &signer]).exits(0);
    let after = fs::read(dir.path(format!("{HOST}/3_application/certs/{HOST}.cert.pem"))).expect("read");
    assert_eq!(before, after, "--dry-run wrote");
    dir.run(&["rotate", HOST, "--ca", "--dry-run"]).exits(0);
}
