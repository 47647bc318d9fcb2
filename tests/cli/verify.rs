//! `verify`: every reason for our own chains; those of other programs stand in
//! tests/real.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use crate::harness::Dir;

#[test]
fn a_tree_verifies_with_its_clients() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.example.com", "--client", "alice"]).exits(0);
    let shown = dir.run(&["verify", "a.example.com"]).exits(0);
    assert_eq!(shown.stdout.matches("✓").count(), 3, "{}", shown.stdout);
    let json = dir.run(&["verify", "a.example.com", "-o", "json"]).exits(0).json();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["verified"], true);
    assert_eq!(json["results"][0]["purpose"], "server");
    assert_eq!(json["results"][0]["path"][2]["role"], "root");
    // From elsewhere, with -C; and from within.
    dir.run(&[
        "-C",
        ".",
        "verify",
        "a.example.com/3_application/certs/a.example.com.cert.pem",
    ])
    .exits(0)
    .prints("for a.example.com as a server");
    dir.run(&["verify", "a.example.com/4_client/certs/alice.cert.pem"])
        .exits(0)
        .prints("as a client");
    dir.run(&["verify", "a.example.com", "--purpose", "client"]).exits(0);
}

/// Each deliberate fault, and its code.
#[test]
fn every_bad_leaf_has_its_reason() {
    for (bad, code) in [
        ("expired", "certificate-expired"),
        ("not-yet-valid", "certificate-not-yet-valid"),
        ("wrong-host", "name-mismatch"),
        ("wrong-ca", "unknown-issuer"),
        ("no-san", "no-san"),
        ("weak-key", "weak-key"),
        ("wrong-eku", "wrong-eku"),
    ] {
        let dir = Dir::new();
        dir.run(&["gen-certs", "a.example.com", "--bad", bad]).exits(0);
        let json = dir.run(&["verify", "a.example.com", "-o", "json"]).exits(1).json();
        let faults = json["results"][0]["faults"].as_array().expect("faults").clone();
        assert_eq!(faults.len(), 1, "{bad}: {faults:#?}");
        assert_eq!(faults[0]["code"], code);
        assert_eq!(faults[0]["certificate"]["role"], "leaf");
        assert_eq!(json["results"][1]["verified"], true, "only the server's leaf is bad");
        dir.run(&["verify", "a.example.com"])
            .exits(1)
            .prints(code)
            .prints("try");
    }
}

#[test]
fn what_is_missing_is_named() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.example.com"]).exits(0);
    dir.run(&["gen-certs", "b.example.com"]).exits(0);
    let chain = dir.read("a.example.com/3_application/certs/a.example.com.cert.pem");
    let leaf = chain
        .split_inclusive("-----END CERTIFICATE-----\n")
        .next()
        .expect("a leaf");
    dir.write("leaf.pem", leaf);
    dir.write("chain.pem", &chain);
    let root = "a.example.com/1_root/certs/ca.cert.pem";
    dir.run(&["verify", "leaf.pem", "--cacert", root])
        .exits(1)
        .prints("incomplete-chain")
        .prints("CN=a.example.com intermediate CA, key identifier");
    let intermediate = "a.example.com/2_intermediate/certs/intermediate.cert.pem";
    dir.run(&["verify", "leaf.pem", "--cacert", root, "--intermediate", intermediate])
        .exits(0);
    dir.run(&[
        "verify",
        "chain.pem",
        "--cacert",
        "b.example.com/1_root/certs/ca.cert.pem",
    ])
    .exits(1)
    .prints("unknown-issuer");
    dir.run(&["verify", "chain.pem", "--cacert", root, "--host", "other.example.com"])
        .exits(1)
        .prints("name-mismatch")
        .prints("the certificate is not valid for other.example.com (its names: a.example.com)");
    dir.run(&["verify", "chain.pem", "--cacert", root, "--purpose", "client"])
        .exits(1)
        .prints("wrong-eku");
    dir.run_with_input(&["verify", "-", "--cacert", root], chain.as_bytes())
        .exits(0);
}

#[test]
fn bad_input_is_no_verdict() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.example.com"]).exits(0);
    let key = "a.example.com/3_application/private/a.example.com.key.pem";
    dir.write("empty.pem", "");
    std::fs::create_dir(dir.path("folder")).expect("a folder");
    for (args, words) in [
        (&["verify", key][..], "holds no certificate"),
        (&["verify", "empty.pem"], "it is empty"),
        (&["verify", "folder"], "does not contain a host's chain"),
        (&["verify", "a.example.com", "--cacert", "empty.pem"], "it is empty"),
        (&["verify", "a.example.com", "--crl", key], "holds no CRL"),
        (&["verify", "a.example.com", "--host", "../evil"], "is not a host name"),
        (&["verify", "absent"], "there is no file or folder absent"),
    ] {
        dir.run(args).exits(2).says(words);
    }
}

#[test]
fn what_envoy_does_not_read_is_an_error_with_line_and_cause() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.example.com"]).exits(0);
    let chain = dir.read("a.example.com/3_application/certs/a.example.com.cert.pem");
    let (leaf, issuer) = chain
        .split_once("-----END CERTIFICATE-----\n")
        .expect("two certificates");
    let root = "a.example.com/1_root/certs/ca.cert.pem";
    let late = leaf.lines().count() + 2;
    for (text, line, cause) in [
        (
            format!("\u{feff}{chain}"),
            1,
            "there is a byte order mark before its BEGIN",
        ),
        (format!("  {chain}"), 1, "there are blanks before its BEGIN"),
        (
            format!("{leaf}-----END CERTIFICATE-----\n {issuer}"),
            late,
            "there are blanks before its BEGIN",
        ),
        (chain.replace('\n', "\\n"), 1, "its line breaks are written as \\n"),
    ] {
        dir.write("chain.pem", &text);
        dir.run(&["verify", "chain.pem", "--cacert", root])
            .exits(2)
            .says(&format!("at:  chain.pem:{line}"))
            .says(cause);
    }
    dir.write("chain.pem", chain.replace('\n', " \r\n"));
    dir.run(&["verify", "chain.pem", "--cacert", root]).exits(0);
}

/// A server that presents a host's chain once for each connection.
fn serve(dir: &Dir, host: &str) -> u16 {
    use istio_tls::certs::{key, pem};
    let chain = pem::certificates(
        dir.read(format!("{host}/3_application/certs/{host}.cert.pem"))
            .as_bytes(),
        "chain",
    )
    .expect("a chain");
    let private = dir.read(format!("{host}/3_application/private/{host}.key.pem"));
    let private = key::read(private.as_bytes(), "key", None).expect("a key").to_rustls();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .expect("a pair");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), Ok(mut session)) = (stream, rustls::ServerConnection::new(config.clone())) else {
                break;
            };
            let mut tls = rustls::Stream::new(&mut session, &mut stream);
            let _ = tls.flush();
            let _ = tls.read(&mut [0]);
        }
    });
    port
}

#[test]
fn a_served_chain_is_verified_and_inspected() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.example.com"]).exits(0);
    let target = format!("127.0.0.1:{}", serve(&dir, "a.example.com"));
    // The workspace knows the host's root.
    dir.run(&["verify", &target, "--host", "a.example.com"])
        .exits(0)
        .prints("for a.example.com as a server");
    dir.run(&["inspect", &target])
        .exits(0)
        .prints("server certificate  CN=a.example.com");
    let root = "a.example.com/1_root/certs/ca.cert.pem";
    dir.run(&["verify", &target, "--cacert", root])
        .exits(1)
        .prints("name-mismatch");
}
