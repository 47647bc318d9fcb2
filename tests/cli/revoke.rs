//! `istio-tls revoke`.

use istio_tls::certs::{crl, pem};

use crate::harness::Dir;

const HOST: &str = "httpbin.example.com";
const INTERMEDIATE: &str = "httpbin.example.com/2_intermediate/crl/intermediate.crl.pem";
const ROOT: &str = "httpbin.example.com/1_root/crl/ca.crl.pem";

fn revoked(dir: &Dir, file: &str) -> (u64, usize) {
    let contents = crl::contents(dir.read(file).as_bytes(), file).expect("a CRL");
    (contents.number, contents.revoked.len())
}

#[test]
fn clients_are_revoked_one_after_the_other() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice", "--client", "bob"])
        .exits(0);
    dir.run(&["revoke", HOST, "--client", "alice"])
        .exits(0)
        .prints("revoked")
        .prints(&format!("wrote {INTERMEDIATE}"));
    assert_eq!(revoked(&dir, INTERMEDIATE), (1, 1));
    assert_eq!(revoked(&dir, ROOT), (1, 0));
    let json = dir
        .run(&["revoke", HOST, "--client", "bob", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(json["crls"][0], INTERMEDIATE);
    assert_eq!(revoked(&dir, INTERMEDIATE), (2, 2));
    let serial = json["serial"].as_str().expect("a serial").to_owned();
    // Again changes nothing.
    dir.run(&["revoke", HOST, "--serial", &serial])
        .exits(0)
        .prints("already");
    assert_eq!(revoked(&dir, INTERMEDIATE), (2, 2));
    // A serial that no file here has, as of a lost certificate.
    dir.run(&["revoke", HOST, "--serial", "0x0a0B"])
        .exits(0)
        .prints("0a:0b");
    assert_eq!(revoked(&dir, INTERMEDIATE), (3, 3));
    assert_eq!(pem::crls(dir.read(ROOT).as_bytes(), ROOT).expect("a CRL").len(), 1);
    assert!(dir.path(format!("{HOST}/4_client/certs/alice.cert.pem")).exists());
    // A client added later leaves the lists alone; a new chain begins anew.
    dir.run(&["gen-certs", HOST, "--client", "carol"]).exits(0);
    assert_eq!(revoked(&dir, INTERMEDIATE), (3, 3));
    dir.run(&["gen-certs", HOST, "--force"]).exits(0);
    assert!(!dir.path(INTERMEDIATE).exists());
}

#[test]
fn lists_are_renewed_and_status_says_when() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice", "--days", "1000"])
        .exits(0);
    dir.run(&["revoke", HOST, "--renew"]).exits(2).says("no CRLs");
    dir.run(&["revoke", HOST, "--client", "alice"]).exits(0);
    dir.run(&["status", "--expires-within", "300d"]).exits(0);
    dir.run(&["status", "--expires-within", "366d"])
        .exits(1)
        .prints("ITL1008")
        .prints(&format!("istio-tls revoke {HOST} --renew"));
    dir.run(&["revoke", HOST, "--renew"]).exits(0).prints("renewed");
    assert_eq!((revoked(&dir, INTERMEDIATE), revoked(&dir, ROOT)), ((2, 1), (2, 0)));
    // Lists of both CAs while one is rotated.
    dir.run(&["rotate", HOST, "--ca"]).exits(0);
    let json = dir.run(&["revoke", HOST, "--renew", "-o", "json"]).exits(0).json();
    assert_eq!(json["serials"], serde_json::json!([]));
    for file in [INTERMEDIATE, ROOT] {
        let lists = pem::crls(dir.read(file).as_bytes(), file).expect("CRLs");
        let found: Vec<_> = (lists.iter())
            .map(|list| crl::contents(list, file).expect("a CRL").number)
            .collect();
        assert_eq!(found, [2, 3], "{file}");
    }
    dir.run(&["revoke", HOST, "--renew", "--client", "alice"]).exits(2);
    for key in ["1_root/private/ca", "2_intermediate/private/intermediate"] {
        for ca in ["", "5_previous_ca/"] {
            std::fs::remove_file(dir.path(format!("{HOST}/{ca}{key}.key.pem"))).unwrap();
        }
    }
    dir.run(&["revoke", HOST, "--renew"]).exits(2).says("no key of its CAs");
}

#[test]
fn encrypted_and_absent_keys() {
    let dir = Dir::new();
    dir.write("password", "secret\n");
    dir.run(&["gen-certs", HOST, "--password-file", "password"]).exits(0);
    dir.run(&["revoke", HOST, "--client", HOST]).exits(2).says("password");
    assert!(!dir.path(INTERMEDIATE).exists());
    dir.run(&["revoke", HOST, "--client", HOST, "--password-file", "password"])
        .exits(0);
    assert_eq!(revoked(&dir, INTERMEDIATE), (1, 1));

    dir.run(&["gen-certs", "a.com", "--root", "ca"]).exits(0);
    dir.run(&["revoke", "a.com", "--client", "a.com"])
        .exits(0)
        .says("CRL of the root is not written");
    dir.run(&["gen-certs", "b.com", "--ca", "a.com"]).exits(0);
    dir.run(&["revoke", "b.com", "--client", "b.com"])
        .exits(2)
        .says("intermediate.key.pem");
}

#[test]
fn what_cannot_be_revoked() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    for args in [
        &["revoke", HOST][..],
        &["revoke", HOST, "--client", "nobody"],
        &["revoke", HOST, "--client", "../evil"],
        &["revoke", HOST, "--serial", "xyz"],
        &["revoke", HOST, "--serial", "1", "--client", HOST],
        &["revoke", "other.example.com", "--client", HOST],
        &["revoke", "../evil", "--client", HOST],
    ] {
        dir.run(args).exits(2);
    }
    dir.write(INTERMEDIATE, "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    dir.run(&["revoke", HOST, "--client", HOST])
        .exits(2)
        .says("intermediate.crl.pem");
}
