//! `istio-tls adopt`.

use std::fs;
use std::path::Path;

use crate::harness::Dir;

const HOST: &str = "httpbin.example.com";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

/// A chain made elsewhere, at `elsewhere/HOST`.
fn elsewhere(arguments: &[&str]) -> Dir {
    let dir = Dir::new();
    fs::create_dir(dir.path("elsewhere")).expect("made");
    let all: Vec<&str> = ["-C", "elsewhere", "gen-certs", HOST]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    dir.run(&all).exits(0);
    dir
}

#[test]
fn a_tree_of_generate_sh_is_copied() {
    let dir = elsewhere(&["--client", "alice"]);
    let ran = dir.run(&["adopt", "elsewhere/httpbin.example.com"]).exits(0);
    let ran = ran
        .prints("adopted httpbin.example.com/")
        .prints("from elsewhere/httpbin.example.com/");
    assert!(!ran.stdout.contains("missing"), "{}", ran.stdout);
    for file in [
        "1_root/certs/ca.cert.pem",
        "1_root/private/ca.key.pem",
        "2_intermediate/certs/ca-chain.cert.pem",
        "2_intermediate/certs/intermediate.cert.pem",
        "2_intermediate/private/intermediate.key.pem",
        "3_application/certs/httpbin.example.com.cert.pem",
        "3_application/private/httpbin.example.com.key.pem",
        "4_client/certs/httpbin.example.com.cert.pem",
        "4_client/certs/alice.cert.pem",
        "4_client/private/alice.key.pem",
    ] {
        assert_eq!(
            dir.read(format!("{HOST}/{file}")),
            dir.read(format!("elsewhere/{HOST}/{file}")),
            "{file}"
        );
    }
    let yaml = dir.read("istio-tls.yaml");
    assert!(
        yaml.contains("credentialName: httpbin-credential") && yaml.contains("- alice"),
        "{yaml}"
    );
    // What was adopted works as what was made.
    dir.run(&["gen-certs", HOST, "--client", "bob"]).exits(0);
    dir.run(&["revoke", HOST, "--client", "alice"]).exits(0);
    dir.run(&["adopt", "elsewhere/httpbin.example.com"])
        .exits(2)
        .says("--force");
    dir.run(&["adopt", "elsewhere/httpbin.example.com", "--force"]).exits(0);
}

#[test]
fn a_tree_that_stands_in_the_workspace_is_only_recorded() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    fs::remove_file(dir.path("istio-tls.yaml")).expect("removed");
    fs::remove_dir_all(dir.path(".istio-tls")).expect("removed");
    let key = dir.read(format!("{HOST}/3_application/private/{HOST}.key.pem"));
    let inode = |dir: &Dir| std::os::unix::fs::MetadataExt::ino(&fs::metadata(dir.path(HOST)).expect("there"));
    let before = inode(&dir);
    let json = dir.run(&["adopt", HOST, "-o", "json"]).exits(0).json();
    assert_eq!(json["chains"][0]["action"], "recorded");
    assert_eq!(inode(&dir), before, "the folder was replaced");
    assert_eq!(dir.read(format!("{HOST}/3_application/private/{HOST}.key.pem")), key);
    assert!(dir.read("istio-tls.yaml").contains("host: httpbin.example.com"));
}

#[test]
fn a_corporate_ca_with_files_of_any_name() {
    let dir = elsewhere(&["--san", "shop.example.com"]);
    let read = |file: &str| dir.read(format!("elsewhere/{HOST}/{file}"));
    let leaf_and_more = read(&format!("3_application/certs/{HOST}.cert.pem"));
    let leaf = leaf_and_more
        .split_inclusive("-----END CERTIFICATE-----\n")
        .next()
        .expect("a leaf");
    dir.write("in/www.crt", leaf.replace('\n', "\r\n"));
    dir.write("in/www.key", read(&format!("3_application/private/{HOST}.key.pem")));
    dir.write("in/issuer.txt", read("2_intermediate/certs/intermediate.cert.pem"));
    dir.write("in/readme", "not a certificate");
    // No root: the intermediate is what clients are told to trust.
    dir.run(&[
        "adopt",
        "in/www.crt",
        "in/www.key",
        "in/issuer.txt",
        "--host",
        "shop.example.com",
    ])
    .exits(0)
    .prints("adopted shop.example.com/")
    .prints("missing: the root's certificate, the intermediate's key, a client certificate");
    let yaml = dir.read("istio-tls.yaml");
    assert!(
        yaml.contains("credentialName: shop-credential") && yaml.contains("mode: simple"),
        "{yaml}"
    );
    let served = dir.read("shop.example.com/3_application/certs/shop.example.com.cert.pem");
    assert_eq!(served, leaf_and_more, "the intermediate is added");
    assert!(!dir.path("shop.example.com/1_root").exists());
    dir.run(&["adopt", "in", "--mode", "mutual"])
        .exits(0)
        .prints("mode mutual")
        .says("shop.example.com");
}

#[test]
fn what_does_not_stand_the_checks_is_refused_with_the_reason() {
    let dir = elsewhere(&[]);
    let read = |file: &str| dir.read(format!("elsewhere/{HOST}/{file}"));
    let (cert, key) = (
        read(&format!("3_application/certs/{HOST}.cert.pem")),
        read(&format!("3_application/private/{HOST}.key.pem")),
    );
    let root = read("1_root/certs/ca.cert.pem");
    dir.write("in/cert.pem", &cert);
    dir.write("in/key.pem", &key);
    dir.write("in/root.pem", &root);
    dir.write("in/other.pem", read(&format!("4_client/private/{HOST}.key.pem")));
    dir.write("in/broken.pem", &cert[..cert.len() / 3]);
    dir.write("in/joined.pem", format!("{}{}", cert.trim_end(), key));
    dir.write("in/empty.pem", "");
    fs::create_dir(dir.path("in/folder")).expect("made");
    for (files, said) in [
        (&["in/cert.pem", "in/root.pem"][..], "key"),
        (&["in/cert.pem", "in/other.pem", "in/root.pem"], "belongs to it"),
        (&["in/key.pem"], "no certificate"),
        (&["in/root.pem", "in/key.pem"], "no server certificate"),
        (&["in/broken.pem", "in/key.pem", "in/root.pem"], "broken.pem"),
        (&["in/empty.pem"], "empty.pem"),
        (&["in/absent.pem"], "absent.pem"),
        (&["in/folder"], "no certificate"),
        (
            &["in/cert.pem", "in/key.pem", "in/root.pem", "--host", "other.com"],
            "other.com",
        ),
        (&["secret/httpbin-credential"], "there is no kubeconfig"),
        (&["secret/a b"], "is not a valid name for a Secret"),
        (&[], "required"),
    ] {
        let all: Vec<&str> = ["adopt"].iter().chain(files).copied().collect();
        dir.run(&all).exits(2).says(said);
        assert!(
            !dir.path("istio-tls.yaml").exists() && !dir.path(".istio-tls").exists(),
            "{files:?}"
        );
    }
    for (bad, said) in [
        ("expired", "expired"),
        ("wrong-host", "cannot be adopted"),
        ("no-san", "subjectAltName"),
    ] {
        fs::create_dir(dir.path(bad)).expect("made");
        dir.run(&["-C", bad, "gen-certs", HOST, "--bad", bad]).exits(0);
        let folder = format!("{bad}/{HOST}");
        dir.run(&["adopt", &folder, "--host", HOST])
            .exits(2)
            .says(said)
            .says("--accept-faults");
        assert!(!dir.path(HOST).exists());
        dir.run(&["adopt", &folder, "--host", HOST, "--accept-faults", "--dry-run"])
            .exits(0);
        assert!(!dir.path(HOST).exists());
    }
}

#[test]
fn encrypted_ca_keys_are_copied_as_they_are() {
    let dir = Dir::new();
    dir.write("password", "secret\n");
    fs::create_dir(dir.path("elsewhere")).expect("made");
    dir.run(&["-C", "elsewhere", "gen-certs", HOST, "--password-file", "password"])
        .exits(0);
    dir.run(&["adopt", "elsewhere/httpbin.example.com"])
        .exits(0)
        .says("without a check");
    let key = "2_intermediate/private/intermediate.key.pem";
    assert_eq!(
        dir.read(format!("{HOST}/{key}")),
        dir.read(format!("elsewhere/{HOST}/{key}"))
    );
    dir.run(&["gen-certs", HOST, "--client", "alice", "--password-file", "password"])
        .exits(0);
}

#[test]
fn several_hosts_in_one_folder() {
    let dir = Dir::new();
    fs::create_dir(dir.path("elsewhere")).expect("made");
    dir.run(&["-C", "elsewhere", "gen-certs", "a.com", "b.com"]).exits(0);
    copy(&dir.path("elsewhere/a.com"), &dir.path("in/a.com"));
    copy(&dir.path("elsewhere/b.com"), &dir.path("in/b.com"));
    dir.run(&["adopt", "in"])
        .exits(0)
        .prints("adopted a.com/")
        .prints("adopted b.com/");
    assert_eq!(
        dir.read("b.com/2_intermediate/certs/ca-chain.cert.pem"),
        dir.read("elsewhere/b.com/2_intermediate/certs/ca-chain.cert.pem")
    );
    assert_eq!(
        dir.read("b.com/4_client/private/b.com.key.pem"),
        dir.read("elsewhere/b.com/4_client/private/b.com.key.pem")
    );
}
