//! `istio-tls gen-certs`: what is made, where, and what is refused.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::harness::Dir;

const HOST: &str = "httpbin.example.com";

/// Every file below a folder with its content; the state folder is left out.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(top: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(top).expect("below").display().to_string();
            if name == ".istio-tls" {
            } else if path.is_dir() {
                walk(top, &path, found);
            } else {
                found.insert(name, std::fs::read(&path).expect("read"));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn one_command_makes_the_four_folders_and_the_workspace_file() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST])
        .exits(0)
        .prints("created httpbin.example.com/")
        .prints("Secret httpbin-credential")
        .prints("next: istio-tls serve");
    let files: Vec<String> = tree(&dir.path(HOST)).into_keys().collect();
    assert_eq!(
        files,
        [
            "1_root/certs/ca.cert.pem",
            "1_root/private/ca.key.pem",
            "2_intermediate/certs/ca-chain.cert.pem",
            "2_intermediate/certs/intermediate.cert.pem",
            "2_intermediate/private/intermediate.key.pem",
            "3_application/certs/httpbin.example.com.cert.pem",
            "3_application/private/httpbin.example.com.key.pem",
            "4_client/certs/httpbin.example.com.cert.pem",
            "4_client/private/httpbin.example.com.key.pem",
        ]
    );
    for file in &files {
        let path = dir.path(HOST).join(file);
        let expected = if file.contains("/private/") { 0o600 } else { 0o644 };
        assert_eq!(mode(&path), expected, "{file}");
    }
    assert_eq!(mode(&dir.path(HOST)), 0o700);
    let yaml = dir.read("istio-tls.yaml");
    assert!(
        yaml.contains("- host: httpbin.example.com\n    credentialName: httpbin-credential\n"),
        "{yaml}"
    );
    let chain = dir.read(format!("{HOST}/2_intermediate/certs/ca-chain.cert.pem"));
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2);
    let server = dir.read(format!("{HOST}/3_application/certs/{HOST}.cert.pem"));
    assert_eq!(server.matches("BEGIN CERTIFICATE").count(), 2);
}

#[test]
fn an_existing_chain_is_replaced_only_with_force() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice"]).exits(0);
    let before = tree(&dir.path(""));
    dir.run(&["gen-certs", HOST]).exits(2).says(HOST).says("--force");
    dir.run(&["gen-certs", "other.example.com", HOST])
        .exits(2)
        .says("--force");
    assert_eq!(tree(&dir.path("")), before);

    dir.write(&format!("{HOST}/notes.txt"), "mine");
    let ran = dir.run(&["gen-certs", HOST, "--force", "-o", "json"]).exits(0);
    let json = ran.json();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["chains"][0]["action"], "replaced");
    assert_eq!(json["chains"][0]["clients"][1]["name"], "alice");
    let after = tree(&dir.path(""));
    for (file, content) in &before {
        if file != "istio-tls.yaml" {
            assert_ne!(after.get(file).expect(file), content, "{file} is the old one");
        }
    }
    assert_eq!(after["istio-tls.yaml"], before["istio-tls.yaml"]);
    assert_eq!(dir.read(format!("{HOST}/notes.txt")), "mine");
    let old = dir.path(format!(".istio-tls/old/{HOST}/1_root/certs/ca.cert.pem"));
    assert_eq!(
        std::fs::read(old).expect("the old tree"),
        before[&format!("{HOST}/1_root/certs/ca.cert.pem")]
    );
}

#[test]
fn a_client_is_added_to_the_chain_that_is_there() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let before = tree(&dir.path(HOST));
    dir.run(&["gen-certs", HOST, "--client", "alice", "--client", "bob"])
        .exits(0)
        .prints("added");
    let after = tree(&dir.path(HOST));
    for (file, content) in &before {
        assert_eq!(&after[file], content, "{file} has changed");
    }
    assert_eq!(after.len(), before.len() + 4);
    assert!(after.contains_key("4_client/private/bob.key.pem"));
    assert!(dir.read("istio-tls.yaml").contains("- alice"));
    dir.run(&["gen-certs", HOST, "--client", "alice"])
        .exits(2)
        .says("already has a client alice");
    dir.run(&["gen-certs", HOST, "--client", "carol", "--root", "ca"])
        .exits(2)
        .says("--root")
        .says("--force");
}

#[test]
fn hosts_of_every_kind_have_their_folder() {
    let dir = Dir::new();
    let ran = dir
        .run(&[
            "gen-certs",
            "*.a.com",
            "Bücher.example",
            "10.0.0.1",
            "::1",
            "-o",
            "json",
        ])
        .exits(0);
    let json = ran.json();
    let folders: Vec<&str> = (json["chains"].as_array().expect("chains").iter())
        .map(|chain| chain["folder"].as_str().expect("text"))
        .collect();
    assert_eq!(folders, ["_wildcard.a.com", "xn--bcher-kva.example", "10.0.0.1", "--1"]);
    let yaml = dir.read("istio-tls.yaml");
    assert!(yaml.contains("'*.a.com'") || yaml.contains("\"*.a.com\""), "{yaml}");
    assert!(
        dir.path("_wildcard.a.com/3_application/certs/_wildcard.a.com.cert.pem")
            .exists()
    );
}

#[test]
fn a_shared_root_and_a_shared_intermediate() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.com", "b.com", "--root", "ca"])
        .exits(0)
        .says("shared");
    let root = dir.read("ca/certs/ca.cert.pem");
    for host in ["a.com", "b.com"] {
        assert_eq!(dir.read(format!("{host}/1_root/certs/ca.cert.pem")), root);
        assert!(!dir.path(format!("{host}/1_root/private")).exists());
        assert!(
            dir.path(format!("{host}/2_intermediate/private/intermediate.key.pem"))
                .exists()
        );
    }
    dir.run(&["gen-certs", "c.com", "--root", "ca"]).exits(0);
    assert_eq!(dir.read("c.com/1_root/certs/ca.cert.pem"), root);

    for (host, ca) in [("d.com", "a.com"), ("e.com", "a.com/2_intermediate")] {
        dir.run(&["gen-certs", host, "--ca", ca]).exits(0).says("shared");
        assert_eq!(
            dir.read(format!("{host}/2_intermediate/certs/ca-chain.cert.pem")),
            dir.read("a.com/2_intermediate/certs/ca-chain.cert.pem")
        );
        assert!(!dir.path(format!("{host}/2_intermediate/private")).exists());
    }
    dir.run(&["gen-certs", "f.com", "--ca", "e.com"])
        .exits(2)
        .says("intermediate.key.pem");
    dir.run(&["gen-certs", "f.com", "--ca", "nowhere"]).exits(2);
    assert!(!dir.path("f.com").exists());
}

#[test]
fn ca_keys_are_encrypted_and_usable_with_the_password() {
    let dir = Dir::new();
    dir.write("password", "secret word\nsecond line\n");
    dir.run(&["gen-certs", HOST, "--password-file", "password"]).exits(0);
    for key in [
        "1_root/private/ca.key.pem",
        "2_intermediate/private/intermediate.key.pem",
    ] {
        assert!(
            dir.read(format!("{HOST}/{key}"))
                .contains("BEGIN ENCRYPTED PRIVATE KEY"),
            "{key}"
        );
    }
    let leaf = dir.read(format!("{HOST}/3_application/private/{HOST}.key.pem"));
    assert!(leaf.contains("BEGIN PRIVATE KEY"));

    dir.run(&["gen-certs", HOST, "--client", "alice"])
        .exits(2)
        .says("password");
    dir.run_with_input(
        &["gen-certs", HOST, "--client", "alice", "--password-stdin"],
        b"wrong\n",
    )
    .exits(2);
    assert!(!dir.path(format!("{HOST}/4_client/certs/alice.cert.pem")).exists());
    dir.run_with_input(
        &["gen-certs", HOST, "--client", "alice", "--password-stdin"],
        b"secret word\n",
    )
    .exits(0);
    let mut command = dir.command(&["gen-certs", "b.com", "--ca", HOST]);
    command.env("ISTIO_TLS_PASSWORD", "secret word");
    assert!(command.status().expect("it runs").success());
    dir.run(&["gen-certs", HOST, "--force"])
        .exits(0)
        .says("not: use --password-file");
}

#[test]
fn a_dry_run_tells_and_writes_nothing() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--dry-run", "--root", "ca"])
        .exits(0)
        .prints("httpbin.example.com/")
        .prints("ca/");
    let json = dir.run(&["gen-certs", HOST, "--dry-run", "-o", "json"]).exits(0).json();
    assert_eq!(json["chains"][0]["action"], "created");
    assert_eq!(std::fs::read_dir(dir.path("")).expect("a folder").count(), 0);
}

#[test]
fn the_mode_is_recorded_and_kept() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.com", "--mode", "simple"]).exits(0);
    assert!(!dir.path("a.com/4_client").exists());
    assert!(dir.read("istio-tls.yaml").contains("mode: simple"));
    dir.run(&["gen-certs", "a.com", "--force"])
        .exits(0)
        .prints("mode simple");
    assert!(!dir.path("a.com/4_client").exists());
    dir.run(&["gen-certs", "a.com", "--force", "--mode", "optional-mutual"])
        .exits(0);
    assert!(dir.path("a.com/4_client").exists());
    assert!(dir.read("istio-tls.yaml").contains("    mode: optional-mutual"));
    dir.run(&["gen-certs", "a.com", "--force", "--mode", "mutual"])
        .exits(0)
        .prints("mode mutual");
}

#[test]
fn entries_and_chains_that_lack_each_other_are_repaired() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.com", "--client", "alice"]).exits(0);
    let yaml = dir.read("istio-tls.yaml");
    // A chain without an entry.
    let id = yaml.lines().find(|line| line.starts_with("id: ")).expect("an id");
    dir.write("istio-tls.yaml", format!("# mine\nversion: 1\n{id}\n"));
    dir.run(&["gen-certs", "a.com"]).exits(2).says("istio-tls adopt a.com");
    dir.run(&["gen-certs", "b.com"])
        .exits(0)
        .says("the chain of a.com was missing from");
    let repaired = dir.read("istio-tls.yaml");
    for text in [
        "# mine",
        "host: a.com",
        "credentialName: a-credential",
        "- alice",
        "host: b.com",
    ] {
        assert!(repaired.contains(text), "{text} is not in\n{repaired}");
    }
    // An entry without a chain.
    std::fs::remove_dir_all(dir.path("a.com")).expect("removed");
    dir.run(&["gen-certs", "a.com"]).exits(0);
    assert_eq!(dir.read("istio-tls.yaml"), repaired);
    assert!(
        dir.path("a.com/4_client/certs/alice.cert.pem").exists(),
        "the recorded client is made"
    );
}

#[test]
fn many_hosts_from_a_file() {
    let dir = Dir::new();
    let hosts: Vec<String> = (0..200)
        .map(|number| format!("h{number}.example.com # comment\n"))
        .collect();
    dir.write("hosts", hosts.join("\n"));
    dir.run(&["gen-certs", "--hosts-file", "hosts", "--root", "ca"])
        .exits(0)
        .prints("200 chains");
    assert!(dir.path("h199.example.com/4_client").exists());
    assert_eq!(dir.read("istio-tls.yaml").matches("- host:").count(), 200);
    dir.run(&["gen-certs", "--hosts-file", "hosts"])
        .exits(2)
        .says("199 more");
    dir.run(&["gen-certs", "z.com", "--hosts-file", "hosts", "--skip-existing"])
        .exits(0)
        .prints("200 exist already");
    dir.run_with_input(&["gen-certs", "--hosts-file", "-"], b"x.com\ny.com\n")
        .exits(0);
}

#[test]
fn credential_names_do_not_clash_and_comments_stay() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "api.a.com"]).exits(0);
    let yaml = dir
        .read("istio-tls.yaml")
        .replace("- host: api.a.com", "- host: api.a.com # the first");
    dir.write("istio-tls.yaml", format!("{yaml}# the end\n"));
    dir.run(&["gen-certs", "api.b.com"])
        .exits(0)
        .prints("api-b-com-credential");
    let yaml = dir.read("istio-tls.yaml");
    assert!(
        yaml.contains("api.a.com # the first") && yaml.contains("# the end"),
        "{yaml}"
    );
}

#[test]
fn certificates_that_are_wrong_on_purpose_are_said_so() {
    let dir = Dir::new();
    for bad in [
        "expired",
        "not-yet-valid",
        "wrong-host",
        "wrong-ca",
        "no-san",
        "weak-key",
        "wrong-eku",
    ] {
        dir.run(&["gen-certs", "a.com", "--bad", bad, "--force"]).exits(0);
    }
}

#[test]
fn a_password_comes_through_a_pipe() {
    let dir = Dir::new();
    let pipe = dir.path("password");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .expect("a pipe");
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, "secret\n")
    });
    dir.run(&["gen-certs", "a.com", "--password-file", "password"]).exits(0);
    writer.join().expect("no panic").expect("written");
    assert!(dir.read("a.com/1_root/private/ca.key.pem").contains("ENCRYPTED"));
}

#[test]
fn what_cannot_be_made_is_refused_before_anything_is_written() {
    let dir = Dir::new();
    let long = format!("{}.example", ["a".repeat(60).as_str(); 4].join("."));
    dir.run(&["gen-certs", &long]).exits(2).says("too long for the files");
    dir.run(&[
        "gen-certs",
        "a.com",
        "--not-before",
        "2049-12-31",
        "--not-after",
        "2050-02-01",
    ])
    .exits(2)
    .says("that of its issuer")
    .says("--not-after");
    assert_eq!(std::fs::read_dir(dir.path("")).expect("a folder").count(), 0);
    dir.run(&["gen-certs", "a.com"]).exits(0);
    dir.run(&["gen-certs", "b.com", "--root", "a.com"])
        .exits(2)
        .says("--root a.com/1_root");
    assert!(!dir.path("a.com/certs").exists() && !dir.path("b.com").exists());
    dir.run(&["gen-certs", "b.com", "--root", "a.com/1_root"]).exits(0);
}

#[test]
fn a_client_of_a_simple_host_is_told_that_nobody_asks() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.com", "--mode", "simple"]).exits(0);
    dir.run(&["gen-certs", "a.com", "--client", "alice"])
        .exits(0)
        .says("asks for no client certificate");
}

#[test]
fn many_chains_are_replaced_at_once() {
    let dir = Dir::new();
    let hosts: Vec<String> = (0..40).map(|number| format!("h{number}.example")).collect();
    dir.write("hosts.txt", hosts.join("\n"));
    let args = ["gen-certs", "--hosts-file", "hosts.txt", "--root", "ca", "--force"];
    for _ in 0..3 {
        dir.run(&args).exits(0).prints("40 chains");
    }
    let state: Vec<_> = std::fs::read_dir(dir.path(".istio-tls"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| name.to_string_lossy().starts_with("new-"))
        .collect();
    assert!(state.is_empty(), "{state:?}");
}

#[test]
fn the_secrets_that_apply_makes_are_named() {
    let dir = Dir::new();
    dir.run(&["init"]).exits(0);
    let text = dir.read("istio-tls.yaml");
    dir.write(
        "istio-tls.yaml",
        text.replace("secrets: credential", "secrets: file-mount"),
    );
    dir.run(&["gen-certs", "a.com"])
        .exits(0)
        .prints("mode mutual, Secrets istio-ingressgateway-certs and istio-ingressgateway-ca-certs");
    dir.run(&["gen-certs", "b.com", "--mode", "simple"])
        .exits(0)
        .prints("mode simple, Secret istio-ingressgateway-b-certs");
}
