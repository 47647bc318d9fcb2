//! What gen-certs, revoke and adopt write, judged by openssl and NSS; and what
//! openssl writes, adopted.

use std::fmt::Write as _;
use std::process::Command;

use crate::harness::Dir;

const HOST: &str = "httpbin.example.com";

/// Runs a program in the folder; fails the test with everything it printed
/// unless it succeeds as expected.
#[track_caller]
fn tool(dir: &Dir, succeeds: bool, line: &str) -> String {
    let mut words = line.split_whitespace();
    let program = words.next().expect("a program");
    let output = Command::new(program)
        .args(words)
        .current_dir(dir.path(""))
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed and does not start: {error}"));
    let shown = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.success(), succeeds, "`{line}`\n{shown}");
    shown
}

#[test]
fn openssl_verifies_every_key_type_strictly() {
    for arguments in [
        &["--key-type", "ecdsa-p256"][..],
        &["--key-type", "ecdsa-p384"],
        &["--key-type", "ed25519"],
        &["--key-type", "rsa-2048"],
        &[
            "--san",
            "10.0.0.7",
            "--san",
            "*.example.com",
            "--subject",
            "C=DE,O=Shop",
        ],
        &["--name-constraints", "example.com", "--days", "7"],
        &["--root", "ca"],
    ] {
        let dir = Dir::new();
        let all: Vec<&str> = ["gen-certs", HOST].iter().chain(arguments).copied().collect();
        dir.run(&all).exits(0);
        for (leaf, purpose) in [("3_application", "sslserver"), ("4_client", "sslclient")] {
            tool(
                &dir,
                true,
                &format!(
                    "openssl verify -x509_strict -purpose {purpose} -verify_hostname {HOST} -CAfile {HOST}/1_root/certs/ca.cert.pem -untrusted {HOST}/2_intermediate/certs/intermediate.cert.pem {HOST}/{leaf}/certs/{HOST}.cert.pem"
                ),
            );
            tool(
                &dir,
                true,
                &format!("openssl pkey -noout -check -in {HOST}/{leaf}/private/{HOST}.key.pem"),
            );
        }
    }
}

#[test]
fn openssl_opens_encrypted_ca_keys_and_nss_the_bundle() {
    let dir = Dir::new();
    dir.write("password", "secret\n");
    dir.run(&["gen-certs", HOST, "--password-file", "password", "--pkcs12"])
        .exits(0);
    for key in [
        "1_root/private/ca.key.pem",
        "2_intermediate/private/intermediate.key.pem",
    ] {
        tool(
            &dir,
            true,
            &format!("openssl pkey -noout -passin file:password -in {HOST}/{key}"),
        );
        tool(
            &dir,
            false,
            &format!("openssl pkey -noout -passin pass:wrong -in {HOST}/{key}"),
        );
    }
    let bundle = format!("{HOST}/4_client/private/{HOST}.p12");
    let shown = tool(
        &dir,
        true,
        &format!("openssl pkcs12 -in {bundle} -passin file:password -nodes"),
    );
    assert_eq!(shown.matches("BEGIN CERTIFICATE").count(), 3, "{shown}");
    assert_eq!(shown.matches("BEGIN PRIVATE KEY").count(), 1);
    std::fs::create_dir(dir.path("nss")).expect("made");
    tool(&dir, true, "certutil -N -d sql:nss --empty-password");
    tool(
        &dir,
        true,
        &format!("pk12util -i {bundle} -d sql:nss -w password -k /dev/null"),
    );
    let shown = tool(&dir, true, "certutil -K -d sql:nss");
    assert!(shown.contains("rsa") || shown.contains("ec"), "{shown}");
}

#[test]
fn openssl_reads_the_crls_and_refuses_the_revoked_client() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice", "--client", "bob"])
        .exits(0);
    dir.run(&["revoke", HOST, "--client", "alice"]).exits(0);
    let crls = [
        dir.read(format!("{HOST}/1_root/crl/ca.crl.pem")),
        dir.read(format!("{HOST}/2_intermediate/crl/intermediate.crl.pem")),
    ];
    dir.write("crls.pem", crls.concat());
    for (name, ca) in [
        ("1_root/crl/ca.crl.pem", "1_root/certs/ca.cert.pem"),
        (
            "2_intermediate/crl/intermediate.crl.pem",
            "2_intermediate/certs/ca-chain.cert.pem",
        ),
    ] {
        let shown = tool(
            &dir,
            true,
            &format!("openssl crl -noout -text -CAfile {HOST}/{ca} -in {HOST}/{name}"),
        );
        assert!(shown.contains("verify OK"), "{shown}");
    }
    for (client, good) in [("alice", false), ("bob", true)] {
        let shown = tool(
            &dir,
            good,
            &format!(
                "openssl verify -x509_strict -crl_check_all -CAfile {HOST}/2_intermediate/certs/ca-chain.cert.pem -CRLfile crls.pem {HOST}/4_client/certs/{client}.cert.pem"
            ),
        );
        assert!(good || shown.contains("revoked"), "{shown}");
    }
}

#[test]
fn a_request_of_openssl_is_signed() {
    let dir = Dir::new();
    tool(
        &dir,
        true,
        &format!(
            "openssl req -new -newkey rsa:2048 -nodes -keyout my.key -out my.csr -subj /CN={HOST} -addext subjectAltName=DNS:{HOST}"
        ),
    );
    dir.run(&["gen-certs", HOST, "--csr", "my.csr"]).exits(0);
    let cert = format!("{HOST}/3_application/certs/{HOST}.cert.pem");
    let of_cert = tool(&dir, true, &format!("openssl x509 -noout -pubkey -in {cert}"));
    assert_eq!(of_cert, tool(&dir, true, "openssl pkey -pubout -in my.key"));
    assert!(
        !dir.path(format!("{HOST}/3_application/private/{HOST}.key.pem"))
            .exists()
    );
    dir.run(&["gen-certs", "a.com", "b.com", "--csr", "my.csr"]).exits(2);
    dir.write("broken.csr", dir.read("my.csr").replacen("MII", "MIJ", 1));
    dir.run(&["gen-certs", "a.com", "--csr", "broken.csr"])
        .exits(2)
        .says("broken.csr");
}

/// A tree as generate.sh makes it, with CAs of the same name, keys encrypted,
/// and leaf files without the intermediate.
fn generate_sh(dir: &Dir, key_options: &str, san: bool) {
    for folder in ["1_root", "2_intermediate", "3_application", "4_client"] {
        for below in ["certs", "private", "newcerts"] {
            std::fs::create_dir_all(dir.path(format!("old/{folder}/{below}"))).expect("made");
        }
    }
    let mut config = String::from("[req]\ndistinguished_name=dn\n[dn]\n");
    config +=
        "[root]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
    config += "[intermediate]\nbasicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";
    for (section, usage) in [("server", "serverAuth"), ("client", "clientAuth")] {
        write!(
            config,
            "[{section}]\nbasicConstraints=CA:false\nextendedKeyUsage={usage}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        .expect("text");
        if san {
            writeln!(config, "subjectAltName=DNS:{HOST}").expect("text");
        }
    }
    dir.write("openssl.cnf", config);
    let (root, intermediate) = (
        "old/1_root/private/ca.key.pem",
        "old/2_intermediate/private/intermediate.key.pem",
    );
    for key in [root, intermediate] {
        tool(
            dir,
            true,
            &format!("openssl genrsa -aes256 {key_options} -passout pass:password -out {key} 2048"),
        );
    }
    let subject = format!("/C=US/ST=Denial/L=Springfield/O=Dis/CN={HOST}");
    tool(
        dir,
        true,
        &format!(
            "openssl req -config openssl.cnf -key {root} -passin pass:password -new -x509 -days 7300 -sha256 -extensions root -subj {subject} -out old/1_root/certs/ca.cert.pem"
        ),
    );
    let sign = |key: &str, extensions: &str, ca: &str, ca_key: &str, out: &str| {
        tool(
            dir,
            true,
            &format!(
                "openssl req -config openssl.cnf -passin pass:password -key {key} -new -sha256 -subj {subject} -out request.pem"
            ),
        );
        tool(
            dir,
            true,
            &format!(
                "openssl x509 -req -in request.pem -CA {ca} -CAkey {ca_key} -passin pass:password -set_serial 0x100212 -days 375 -sha256 -extfile openssl.cnf -extensions {extensions} -out {out}"
            ),
        );
    };
    let intermediate_cert = "old/2_intermediate/certs/intermediate.cert.pem";
    sign(
        intermediate,
        "intermediate",
        "old/1_root/certs/ca.cert.pem",
        root,
        intermediate_cert,
    );
    dir.write(
        "old/2_intermediate/certs/ca-chain.cert.pem",
        dir.read(intermediate_cert) + &dir.read("old/1_root/certs/ca.cert.pem"),
    );
    for (folder, extensions) in [("3_application", "server"), ("4_client", "client")] {
        let key = format!("old/{folder}/private/{HOST}.key.pem");
        tool(dir, true, &format!("openssl genrsa -out {key} 2048"));
        sign(
            &key,
            extensions,
            intermediate_cert,
            intermediate,
            &format!("old/{folder}/certs/{HOST}.cert.pem"),
        );
    }
}

#[test]
fn a_tree_of_generate_sh_is_adopted() {
    let dir = Dir::new();
    generate_sh(&dir, "", true);
    dir.write("password", "password\n");
    dir.run(&["adopt", "old", "--password-file", "password"])
        .exits(0)
        .prints("adopted httpbin.example.com/")
        .prints("mode mutual");
    for leaf in ["3_application", "4_client"] {
        tool(
            &dir,
            true,
            &format!(
                "openssl verify -CAfile {HOST}/1_root/certs/ca.cert.pem -untrusted {HOST}/{leaf}/certs/{HOST}.cert.pem {HOST}/{leaf}/certs/{HOST}.cert.pem"
            ),
        );
    }
    // The adopted CA signs.
    dir.run(&["gen-certs", HOST, "--client", "alice", "--password-file", "password"])
        .exits(0);
    tool(
        &dir,
        true,
        &format!(
            "openssl verify -CAfile {HOST}/2_intermediate/certs/ca-chain.cert.pem {HOST}/4_client/certs/alice.cert.pem"
        ),
    );
    dir.run(&["revoke", HOST, "--client", "alice", "--password-file", "password"])
        .exits(0);

    // Moved into the workspace, as the task page says, it is recorded in place.
    let moved = Dir::new();
    generate_sh(&moved, "", true);
    std::fs::rename(moved.path("old"), moved.path(HOST)).expect("moved");
    moved
        .run(&["adopt", HOST])
        .exits(0)
        .prints("recorded in place")
        .says("ca-chain.cert.pem");
    assert!(moved.read("istio-tls.yaml").contains("host: httpbin.example.com"));
}

#[test]
fn keys_encrypted_the_old_way_and_certificates_without_san() {
    let dir = Dir::new();
    generate_sh(&dir, "-traditional", true);
    dir.run(&["adopt", "old"]).exits(0).says("openssl pkcs8");
    let key = "1_root/private/ca.key.pem";
    assert_eq!(dir.read(format!("{HOST}/{key}")), dir.read(format!("old/{key}")));

    let dir = Dir::new();
    generate_sh(&dir, "", false);
    dir.run(&["adopt", "old"])
        .exits(2)
        .says("subjectAltName")
        .says("--accept-faults");
    assert!(!dir.path(HOST).exists());
    dir.run(&["adopt", "old", "--accept-faults"]).exits(0);
}

#[test]
fn files_of_mkcert_and_pkcs12_are_adopted() {
    let dir = Dir::new();
    // mkcert: the root signs leaves itself; a client's certificate is for servers too.
    tool(
        &dir,
        true,
        "openssl req -new -x509 -newkey rsa:2048 -nodes -days 30 -keyout rootCA-key.pem -out rootCA.pem -subj /O=mkcert -addext basicConstraints=critical,CA:true,pathlen:0 -addext keyUsage=critical,keyCertSign",
    );
    for (name, usage) in [
        ("example.com+2", "serverAuth"),
        ("example.com-client", "serverAuth,clientAuth"),
    ] {
        dir.write(
            "leaf.cnf",
            format!("[leaf]\nkeyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage={usage}\nauthorityKeyIdentifier=keyid\nsubjectAltName=DNS:example.com,DNS:*.example.com,IP:10.0.0.1\n"),
        );
        tool(
            &dir,
            true,
            &format!("openssl req -new -newkey rsa:2048 -nodes -keyout {name}-key.pem -out leaf.csr -subj /O=mkcert"),
        );
        tool(
            &dir,
            true,
            &format!(
                "openssl x509 -req -in leaf.csr -CA rootCA.pem -CAkey rootCA-key.pem -days 30 -extfile leaf.cnf -extensions leaf -out {name}.pem"
            ),
        );
    }
    std::fs::remove_file(dir.path("leaf.csr")).expect("removed");
    dir.run(&["adopt", "example.com+2.pem", "example.com+2-key.pem", "rootCA.pem"])
        .exits(0)
        .prints("adopted example.com/")
        .says("*.example.com");
    assert_eq!(
        dir.read("example.com/2_intermediate/certs/ca-chain.cert.pem"),
        dir.read("rootCA.pem")
    );
    dir.folder("third");
    dir.run(&["-C", "third", "adopt", "."])
        .exits(0)
        .prints("mode mutual")
        .prints("4_client");

    tool(
        &dir,
        true,
        "openssl pkcs12 -export -in example.com+2.pem -inkey example.com+2-key.pem -certfile rootCA.pem -out all.p12 -passout pass:secret",
    );
    dir.write("password", "secret\n");
    dir.folder("other");
    dir.run(&["-C", "other", "adopt", "all.p12"]).exits(2).says("password");
    dir.run(&["-C", "other", "adopt", "all.p12", "--password-file", "password"])
        .exits(0);
    assert!(
        dir.path("other/example.com/3_application/private/example.com.key.pem")
            .exists()
    );
}
