//! PKCS#12 bundles in openssl's and NSS's hands (Chromium on Linux imports by
//! NSS), and theirs in ours.

use istio_tls::certs::issue::{Authority, issue_chain};
use istio_tls::certs::pkcs12::Form;
use istio_tls::certs::plan::{ChainPlan, KeyType, Profile};
use istio_tls::certs::{pem, pkcs7, pkcs12};
use istio_tls::names::Host;
use time::OffsetDateTime;

use crate::certificates::{output, run};
use crate::harness::Dir;

fn now() -> OffsetDateTime {
    OffsetDateTime::from(std::time::UNIX_EPOCH + std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970"))
}

/// Writes `alice.p12`, password `secret`.
fn bundle(dir: &Dir, key_type: KeyType, form: Form) {
    let mut plan = ChainPlan::new(Host::parse("a.example.com").expect("a host"));
    plan.profile = Profile::with_key_type(key_type);
    plan.clients = vec!["alice".into()];
    let chain = issue_chain(&plan, Authority::New, now()).expect("a chain");
    let client = &chain.clients[0].issued;
    let certificates = [
        client.certificate.clone(),
        chain.intermediate.certificate.clone(),
        chain.root.certificate.clone(),
    ];
    let key = client.key.as_ref().expect("a key");
    dir.write(
        "alice.p12",
        pkcs12::write("alice", key, &certificates, "secret", form).expect("a bundle"),
    );
    dir.write("root.pem", chain.root_pem());
    dir.write("alice.key", key.pem().as_bytes());
}

#[test]
fn openssl_reads_our_bundles() {
    for (key_type, form) in [
        (KeyType::EcdsaP256, Form::Modern),
        (KeyType::EcdsaP384, Form::Modern),
        (KeyType::Ed25519, Form::Modern),
        (KeyType::Rsa2048, Form::Modern),
        (KeyType::EcdsaP256, Form::Legacy),
        (KeyType::Rsa2048, Form::Legacy),
    ] {
        let dir = Dir::new();
        bundle(&dir, key_type, form);
        let content = std::fs::read(dir.path("alice.p12")).expect("a bundle");
        assert_eq!(Form::of(&content), form);
        let mut args = vec!["pkcs12", "-in", "alice.p12", "-passin", "pass:secret", "-nodes"];
        if form == Form::Legacy {
            args.push("-legacy");
        }
        let shown = run(&dir, "openssl", &args);
        assert_eq!(shown.matches("BEGIN CERTIFICATE").count(), 3, "{key_type:?}");
        assert!(shown.contains("friendlyName: alice"), "{shown}");
        let key = &shown[shown.find("-----BEGIN PRIVATE KEY").expect("a key")..];
        let key = &key[..key.find("-----END PRIVATE KEY").expect("its end")];
        assert!(dir.read("alice.key").contains(key.trim()), "{key_type:?}");
        let wrong = output(
            &dir,
            "openssl",
            &["pkcs12", "-in", "alice.p12", "-passin", "pass:wrong", "-noout"],
        );
        assert!(!wrong.status.success());
    }
}

#[test]
fn nss_imports_our_bundles() {
    for (key_type, form) in [
        (KeyType::EcdsaP256, Form::Modern),
        (KeyType::Rsa2048, Form::Modern),
        (KeyType::Rsa2048, Form::Legacy),
    ] {
        let dir = Dir::new();
        bundle(&dir, key_type, form);
        run(&dir, "certutil", &["-N", "-d", "sql:.", "--empty-password"]);
        run(
            &dir,
            "pk12util",
            &["-i", "alice.p12", "-d", "sql:.", "-W", "secret", "-K", ""],
        );
        let keys = run(&dir, "certutil", &["-K", "-d", "sql:."]);
        assert!(keys.contains("alice"), "{keys}");
        run(
            &dir,
            "certutil",
            &["-A", "-d", "sql:.", "-n", "root", "-t", "CT,C,C", "-i", "root.pem"],
        );
        // C: good for a TLS client, with the intermediate that the bundle brought.
        run(&dir, "certutil", &["-V", "-d", "sql:.", "-n", "CN=alice", "-u", "C"]);
    }
}

#[test]
fn java_reads_our_bundles() {
    for form in [Form::Modern, Form::Legacy] {
        let dir = Dir::new();
        bundle(&dir, KeyType::EcdsaP256, form);
        let args = [
            "-list",
            "-storetype",
            "PKCS12",
            "-keystore",
            "alice.p12",
            "-storepass",
            "secret",
        ];
        let shown = run(&dir, "keytool", &args);
        assert!(
            shown.contains("alice, ") && shown.contains("PrivateKeyEntry"),
            "{shown}"
        );
    }
}

#[test]
fn certificate_bundles_of_openssl_are_read() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.example.com"]).exits(0);
    let (leaf, root) = (
        "a.example.com/3_application/certs/a.example.com.cert.pem",
        "a.example.com/1_root/certs/ca.cert.pem",
    );
    let chain = pem::certificates(dir.read(leaf).as_bytes(), leaf).expect("a chain");
    for (name, form) in [("chain.p7b", "PEM"), ("chain.der.p7b", "DER")] {
        let args = ["crl2pkcs7", "-nocrl", "-certfile", leaf, "-out", name, "-outform", form];
        run(&dir, "openssl", &args);
        let content = std::fs::read(dir.path(name)).expect("a bundle");
        assert_eq!(pkcs7::read(&content, name), Ok(chain.clone()));
        dir.run(&["verify", name, "--cacert", root, "--host", "a.example.com"])
            .exits(0);
        dir.run(&["inspect", name])
            .exits(0)
            .prints("CN=a.example.com intermediate CA");
        let into = Dir::new();
        let key = dir.path("a.example.com/3_application/private/a.example.com.key.pem");
        let paths = [dir.path(name), key, dir.path(root)].map(|path| path.display().to_string());
        into.run(&["adopt", &paths[0], &paths[1], &paths[2]]).exits(0);
        assert_eq!(into.read(leaf), dir.read(leaf));
    }
}

#[test]
fn bundles_of_openssl_are_read() {
    let dir = Dir::new();
    bundle(&dir, KeyType::EcdsaP256, Form::Modern);
    run(
        &dir,
        "openssl",
        &[
            "pkcs12",
            "-in",
            "alice.p12",
            "-passin",
            "pass:secret",
            "-nodes",
            "-out",
            "all.pem",
        ],
    );
    for (name, extra) in [
        ("modern", &[][..]),
        ("legacy", &["-legacy"]),
        (
            "3des",
            &["-legacy", "-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"],
        ),
    ] {
        let out = format!("{name}.p12");
        let args = [
            "pkcs12",
            "-export",
            "-in",
            "all.pem",
            "-out",
            &out,
            "-passout",
            "pass:secret",
        ];
        run(&dir, "openssl", &[&args, extra].concat());
        let content = std::fs::read(dir.path(&out)).expect("a bundle");
        assert!(pkcs12::is_pkcs12(&content));
        let read = pkcs12::read(&content, &out, Some("secret")).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!((read.keys.len(), read.certificates.len()), (1, 3), "{name}");
        let leaf = pem::certificates(dir.read("all.pem").as_bytes(), "all.pem")
            .expect("certificates")
            .remove(0);
        assert!(read.keys[0].fits(&leaf));
        for password in [None, Some("wrong")] {
            assert!(pkcs12::read(&content, &out, password).is_err());
        }
        dir.write("password", "secret\n");
        dir.run(&["inspect", &out, "--password-file", "password"])
            .exits(0)
            .prints("client certificate  CN=alice")
            .prints("private key  ECDSA P-256, PKCS#12, encrypted");
        dir.run(&["inspect", &out]).exits(2).says("no password was given");
    }
}
