//! `istio-tls gen-certs` on chains that exist: what is new is done, and the CA and
//! every key stay.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use istio_tls::certs::verify::{Purpose, VerifyInput, verify};
use istio_tls::certs::{inspect, key, pem, pkcs12};
use istio_tls::names::Host;

use crate::harness::Dir;

const HOST: &str = "a.com";

/// Every file of a host's chain.
fn tree(dir: &Dir, host: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.insert(path.clone(), fs::read(&path).expect("read"));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&dir.path(host), &mut found);
    found
}

/// The files that are new, then those that changed, by name.
fn differences(
    dir: &Dir,
    before: &BTreeMap<PathBuf, Vec<u8>>,
    after: &BTreeMap<PathBuf, Vec<u8>>,
) -> (Vec<String>, Vec<String>) {
    let short = |path: &PathBuf| path.strip_prefix(dir.path("")).expect("below").display().to_string();
    assert!(before.keys().all(|path| after.contains_key(path)), "a file is gone");
    let new = after.keys().filter(|path| !before.contains_key(*path)).map(short);
    let changed = (before.iter().filter(|(path, content)| after[*path] != **content)).map(|(path, _)| short(path));
    (new.collect(), changed.collect())
}

fn names(dir: &Dir, host: &str) -> Vec<String> {
    let text = dir.read(format!("{host}/3_application/certs/{host}.cert.pem"));
    let chain = pem::certificates(text.as_bytes(), "server").expect("a chain");
    let facts = inspect::certificate(&chain[0], std::time::SystemTime::now().into()).expect("a certificate");
    facts.names.into_iter().map(|name| name.value).collect()
}

/// Fails unless the server's certificate fits its key and clients that trust the root
/// take it for the host.
fn serves(dir: &Dir, host: &str) {
    let read = |file: &str| dir.read(format!("{host}/{file}"));
    let chain = read(&format!("3_application/certs/{host}.cert.pem"));
    let chain = pem::certificates(chain.as_bytes(), "server").expect("a chain");
    let key = read(&format!("3_application/private/{host}.key.pem"));
    assert!(key::read(key.as_bytes(), "key", None).expect("a key").fits(&chain[0]));
    let roots = pem::certificates(read("1_root/certs/ca.cert.pem").as_bytes(), "root").expect("a root");
    let verdict = verify(&VerifyInput {
        chain: &chain,
        intermediates: &[],
        roots: &roots,
        crls: &[],
        purpose: Purpose::Server,
        host: Some(&Host::parse(host).expect("a host")),
        now: std::time::SystemTime::now().into(),
    });
    assert!(verdict.faults.is_empty(), "it does not verify");
}

fn fingerprint(dir: &Dir, host: &str) -> String {
    let root = dir.read(format!("{host}/1_root/certs/ca.cert.pem"));
    inspect::sha256(&pem::certificates(root.as_bytes(), "root").expect("a root")[0])
}

#[test]
fn a_mode_is_recorded_and_gets_the_client_that_it_asks_for() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--mode", "simple"]).exits(0);
    let before = tree(&dir, HOST);
    dir.run(&["gen-certs", HOST, "--mode", "mutual", "--dry-run"])
        .exits(0)
        .prints("change   a.com/ (mode mutual instead of simple; new clients: a.com)");
    assert_eq!(tree(&dir, HOST), before);
    assert!(dir.read("istio-tls.yaml").contains("mode: simple"));

    let json = dir
        .run(&["gen-certs", HOST, "--mode", "mutual", "-o", "json"])
        .exits(0)
        .json();
    let chain = &json["chains"][0];
    assert_eq!(
        (&chain["action"], &chain["mode"]),
        (&"changed".into(), &"mutual".into())
    );
    assert_eq!(chain["changes"]["formerMode"], "simple");
    assert_eq!(chain["changes"]["clients"][0], HOST);
    let after = tree(&dir, HOST);
    let (new, changed) = differences(&dir, &before, &after);
    assert_eq!(
        (new.as_slice(), changed.len()),
        (
            &[
                "a.com/4_client/certs/a.com.cert.pem".to_owned(),
                "a.com/4_client/private/a.com.key.pem".to_owned()
            ][..],
            0
        )
    );
    assert!(!dir.read("istio-tls.yaml").contains("mode: simple"));

    // Back, and to the third: the client is there already.
    for mode in ["simple", "optional-mutual"] {
        dir.run(&["gen-certs", HOST, "--mode", mode])
            .exits(0)
            .prints(&format!("mode {mode}"));
        assert!(dir.read("istio-tls.yaml").contains(&format!("    mode: {mode}")));
        assert_eq!(tree(&dir, HOST), after);
    }
    dir.run(&["gen-certs", HOST, "--mode", "optional-mutual"])
        .exits(2)
        .says("the request adds nothing: its mode is optional-mutual");
}

#[test]
fn a_mode_of_a_variable_changes_no_chain() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let (before, yaml) = (tree(&dir, HOST), dir.read("istio-tls.yaml"));
    let with_variable = |args: &[&str]| {
        let mut command = dir.command(args);
        command.env("ISTIO_TLS_MODE", "simple").env("ISTIO_TLS_DAYS", "9");
        command.output().expect("it runs")
    };
    let refused = with_variable(&["gen-certs", HOST]);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!((tree(&dir, HOST), dir.read("istio-tls.yaml")), (before, yaml));
    let added = with_variable(&["gen-certs", HOST, "--client", "bob"]);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    assert!(!dir.read("istio-tls.yaml").contains("mode: simple"));
    let made = with_variable(&["gen-certs", "b.com"]);
    assert!(made.status.success());
    assert!(dir.read("istio-tls.yaml").contains("    mode: simple"));
}

#[test]
fn a_name_is_added_to_the_server_certificate_and_its_key_stays() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--san", "10.0.0.7"]).exits(0);
    let before = tree(&dir, HOST);
    dir.run(&["gen-certs", HOST, "--san", "b.com", "--san", "10.0.0.7"])
        .exits(0)
        .prints("changed a.com/")
        .prints("now with b.com, for the same key");
    let (new, changed) = differences(&dir, &before, &tree(&dir, HOST));
    assert_eq!(
        (new.len(), changed),
        (0, vec!["a.com/3_application/certs/a.com.cert.pem".to_owned()])
    );
    assert_eq!(names(&dir, HOST), ["a.com", "10.0.0.7", "b.com"]);
    serves(&dir, HOST);
    dir.run(&["gen-certs", HOST, "--san", "b.com"])
        .exits(2)
        .says("its server certificate already has the names of --san")
        .says("istio-tls rotate a.com");

    // With the days that are given.
    let ran = dir
        .run(&["gen-certs", HOST, "--san", "c.com", "--days", "9", "-o", "json"])
        .exits(0);
    let (from, to) = {
        let chain = &ran.json()["chains"][0];
        let day = |field: &str| chain[field].as_str().expect("a time")[..10].to_owned();
        (day("notBefore"), day("notAfter"))
    };
    let day = |text: &str| {
        time::Date::parse(text, &time::format_description::well_known::Iso8601::DATE)
            .expect("a date")
            .to_julian_day()
    };
    assert!((8..=9).contains(&(day(&to) - day(&from))), "{from} to {to}");
}

#[test]
fn a_key_that_is_elsewhere_is_no_reason_against_a_name() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let key = dir.path("a.com/3_application/private/a.com.key.pem");
    let kept = fs::read(&key).expect("a key");
    fs::remove_file(&key).expect("removed");
    dir.run(&["gen-certs", HOST])
        .exits(2)
        .says("istio-tls rotate a.com  # issues a new server key and certificate");
    dir.run(&["gen-certs", HOST, "--san", "b.com"]).exits(0);
    fs::write(&key, kept).expect("written");
    serves(&dir, HOST);
}

#[test]
fn bundles_are_made_for_clients_that_exist_and_have_a_key() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice", "--client", "bob"])
        .exits(0);
    fs::remove_file(dir.path("a.com/4_client/private/bob.key.pem")).expect("removed");
    let before = tree(&dir, HOST);
    dir.run(&["gen-certs", HOST, "--pkcs12"])
        .exits(0)
        .says("the password of the PKCS#12 bundles is changeit")
        .prints("4_client/private/alice.p12");
    let after = tree(&dir, HOST);
    let (new, changed) = differences(&dir, &before, &after);
    assert_eq!(
        (new, changed.len()),
        (
            vec![
                "a.com/4_client/private/a.com.p12".to_owned(),
                "a.com/4_client/private/alice.p12".to_owned()
            ],
            0
        )
    );
    let bundle = fs::read(dir.path("a.com/4_client/private/alice.p12")).expect("a bundle");
    let bundle = pkcs12::read(&bundle, "alice", Some("changeit")).expect("it opens");
    assert_eq!((bundle.certificates.len(), bundle.keys.len()), (3, 1));
    assert!(bundle.keys[0].fits(&bundle.certificates[0]));
    dir.run(&["gen-certs", HOST, "--pkcs12"])
        .exits(2)
        .says("has its PKCS#12 bundle");

    // A new client gets its own, and the ones before keep theirs.
    dir.run(&["gen-certs", HOST, "--client", "carol", "--pkcs12"]).exits(0);
    let last = tree(&dir, HOST);
    assert!(last.contains_key(&dir.path("a.com/4_client/private/carol.p12")));
    assert_eq!(differences(&dir, &after, &last).1.len(), 0);
}

#[test]
fn several_things_at_once_and_what_a_killed_process_left() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--mode", "simple"]).exits(0);
    let before = tree(&dir, HOST);
    dir.run(&[
        "gen-certs",
        HOST,
        "--mode",
        "mutual",
        "--client",
        "alice",
        "--san",
        "b.com",
        "--pkcs12",
        "--key-type",
        "rsa-2048",
    ])
    .exits(0);
    let (new, changed) = differences(&dir, &before, &tree(&dir, HOST));
    assert_eq!((new.len(), changed.len()), (6, 1), "{new:?} {changed:?}");
    serves(&dir, HOST);

    // Killed before istio-tls.yaml was named: the client is there, and not recorded.
    let yaml = dir.read("istio-tls.yaml");
    assert!(yaml.contains("- alice"), "{yaml}");
    dir.write("istio-tls.yaml", yaml.replace("    clients:\n      - alice\n", ""));
    let before = tree(&dir, HOST);
    dir.run(&["gen-certs", HOST, "--client", "alice"]).exits(0);
    assert_eq!(tree(&dir, HOST), before);
    assert!(dir.read("istio-tls.yaml").contains("- alice"));
    dir.run(&["gen-certs", HOST, "--client", "alice"])
        .exits(2)
        .says("already has a client alice")
        .says("istio-tls rotate a.com --clients");
}

#[test]
fn what_cannot_be_met_is_refused_with_the_reason() {
    let dir = Dir::new();
    dir.write("password", "secret\n");
    dir.run(&["gen-certs", HOST, "--mode", "simple", "--password-file", "password"])
        .exits(0);
    dir.run(&[
        "gen-certs",
        "shared.com",
        "--mode",
        "simple",
        "--ca",
        HOST,
        "--password-file",
        "password",
    ])
    .exits(0);
    dir.run(&["gen-certs", "narrow.com", "--name-constraints", "narrow.com"])
        .exits(0);
    let all = || [HOST, "shared.com", "narrow.com"].map(|host| tree(&dir, host));
    let (before, yaml) = (all(), dir.read("istio-tls.yaml"));
    for (args, said) in [
        (&["a.com", "--mode", "mutual"][..], "password"),
        (&["a.com", "--san", "b.com"], "password"),
        (&["a.com", "--client", "bob"], "password"),
        (
            &["shared.com", "--mode", "mutual"],
            "intermediate.key.pem does not exist",
        ),
        (&["shared.com", "--san", "b.com"], "intermediate.key.pem does not exist"),
        (&["narrow.com", "--san", "b.com"], "b.com"),
        (&["narrow.com", "--days", "9"], "istio-tls rotate narrow.com --clients"),
        (
            &["narrow.com", "--mode", "simple", "--days", "9"],
            "--days cannot be applied",
        ),
        (
            &["narrow.com", "--san", "b.narrow.com", "--key-type", "rsa-2048"],
            "--key-type cannot be applied",
        ),
        (
            &["narrow.com", "--mode", "simple", "--root", "ca"],
            "--root cannot be applied",
        ),
        (
            &["narrow.com", "--mode", "simple", "--bad", "expired"],
            "--bad cannot be applied",
        ),
    ] {
        for dry_run in [false, true] {
            let mut line = vec!["gen-certs"];
            line.extend(args);
            line.extend(dry_run.then_some("--dry-run"));
            dir.run(&line).exits(2).says(said);
        }
        assert_eq!(
            (all(), dir.read("istio-tls.yaml")),
            (before.clone(), yaml.clone()),
            "{args:?}"
        );
    }
    // Nothing has to be issued for this one, and the next has its password.
    dir.run(&["gen-certs", "narrow.com", "--mode", "simple"]).exits(0);
    dir.run(&["gen-certs", HOST, "--mode", "mutual", "--password-file", "password"])
        .exits(0);
    assert!(dir.path("a.com/4_client/certs/a.com.cert.pem").exists());
    assert_eq!(
        dir.read("a.com/1_root/private/ca.key.pem").as_bytes(),
        before[0][&dir.path("a.com/1_root/private/ca.key.pem")]
    );
}

#[test]
fn while_the_ca_is_rotated_nothing_is_changed() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--mode", "simple"]).exits(0);
    dir.write(
        "a.com/5_previous_ca/1_root/certs/ca.cert.pem",
        dir.read("a.com/1_root/certs/ca.cert.pem"),
    );
    let before = tree(&dir, HOST);
    for args in [
        &["--mode", "mutual"][..],
        &["--client", "bob"],
        &["--san", "b.com"],
        &["--force"],
    ] {
        let line: Vec<&str> = ["-C", ".", "gen-certs", HOST].iter().chain(args).copied().collect();
        dir.run(&line)
            .exits(2)
            .says("the CA of a.com is being replaced")
            .says("istio-tls rotate a.com --finish");
        assert_eq!(tree(&dir, HOST), before, "{args:?}");
    }
}

#[test]
fn several_hosts_are_changed_together_or_not_at_all() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "b.com", "c.com", "--mode", "simple"])
        .exits(0);
    fs::remove_file(dir.path("b.com/2_intermediate/private/intermediate.key.pem")).expect("removed");
    dir.run(&["gen-certs", "c.com", "--mode", "mutual"]).exits(0);
    let all = || [HOST, "b.com", "c.com"].map(|host| tree(&dir, host));
    let (before, yaml) = (all(), dir.read("istio-tls.yaml"));
    dir.run(&["gen-certs", HOST, "b.com", "c.com", "d.com", "--mode", "mutual"])
        .exits(2)
        .says("2 hosts are refused, so nothing was done for any")
        .says("b.com/2_intermediate/private/intermediate.key.pem does not exist")
        .says("a chain of c.com already exists: the request adds nothing: its mode is mutual");
    assert_eq!((all(), dir.read("istio-tls.yaml")), (before, yaml));
    assert!(!dir.path("d.com").exists());
    dir.run(&["gen-certs", HOST, "d.com", "--mode", "mutual"])
        .exits(0)
        .prints("changed a.com/")
        .prints("created d.com/");
    assert!(dir.path("a.com/4_client").exists() && dir.path("d.com/4_client").exists());
    // Those that are left alone are.
    dir.run(&["gen-certs", HOST, "e.com", "--mode", "simple", "--skip-existing"])
        .exits(0);
    assert!(dir.path("e.com").exists() && !dir.path("e.com/4_client").exists());
    assert!(dir.path("a.com/4_client").exists());
}

#[test]
fn a_chain_without_an_entry_is_recorded_with_what_is_new() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice"]).exits(0);
    fs::remove_file(dir.path("istio-tls.yaml")).expect("removed");
    dir.run(&["gen-certs", HOST, "--mode", "optional-mutual"]).exits(0);
    let yaml = dir.read("istio-tls.yaml");
    assert!(
        yaml.contains("    mode: optional-mutual") && yaml.contains("- alice"),
        "{yaml}"
    );
}

#[test]
fn force_says_what_it_ends_and_where_the_old_tree_is_kept() {
    let dir = Dir::new();
    fs::create_dir(dir.path("w s")).expect("made");
    dir.run(&["-C", "w s", "gen-certs", HOST, "--client", "alice"]).exits(0);
    let old = fingerprint(&dir, "w s/a.com");
    let plan = dir
        .run(&["-C", "w s", "gen-certs", HOST, "--force", "--dry-run"])
        .exits(0)
        .prints(&format!("ends: the CA with the SHA-256 fingerprint {old}"))
        .prints("its 2 client certificates")
        .prints("w s/.istio-tls/old/a.com/");
    assert_eq!(fingerprint(&dir, "w s/a.com"), old, "{}", plan.stdout);
    let refused = dir.run(&["-C", "w s", "gen-certs", HOST]).exits(2);
    refused
        .says("istio-tls -C 'w s' rotate a.com")
        .says("istio-tls -C 'w s' gen-certs a.com --force  # creates a new CA: whatever the present CA issued");
    let json = dir
        .run(&["-C", "w s", "gen-certs", HOST, "--force", "-o", "json"])
        .exits(0)
        .json();
    let ended = &json["chains"][0]["ended"];
    assert_eq!(ended["caFingerprint"], old);
    assert_eq!(ended["clients"], 2);
    let kept = ended["kept"].as_str().expect("a folder");
    let kept = dir.read(format!("{kept}/1_root/certs/ca.cert.pem"));
    assert_eq!(
        inspect::sha256(&pem::certificates(kept.as_bytes(), "old").expect("a root")[0]),
        old
    );
    assert_ne!(fingerprint(&dir, "w s/a.com"), old);
    dir.run(&["-C", "w s", "gen-certs", HOST, "--force"])
        .exits(0)
        .prints("ended: the CA with the SHA-256 fingerprint")
        .prints("next: istio-tls -C 'w s' serve");
}

#[test]
fn hosts_that_are_hardly_meant_are_warned_of() {
    let dir = Dir::new();
    let json = dir.run(&["gen-certs", HOST, "secret", "-o", "json"]).exits(0);
    let warnings = json.json()["warnings"].clone();
    assert_eq!(warnings.as_array().expect("a list").len(), 1);
    json.says("warning: \"secret\" is taken as a host")
        .says("generate.sh took a password as its second argument")
        .says("--password-file");
    dir.run(&["gen-certs", "shop", "--dry-run"])
        .exits(0)
        .says("warning: \"shop\" is taken as a host")
        .says("the full name");
    for args in [
        &["gen-certs", "localhost"][..],
        &["gen-certs", "::1", "10.0.0.1", "*.b.com"],
        &["gen-certs", "secret", "--mode", "simple"],
    ] {
        let ran = dir.run(args).exits(0);
        assert!(!ran.stderr.contains("warning:"), "{args:?}\n{}", ran.stderr);
    }
}

#[test]
fn killed_at_any_moment_a_change_is_made_whole_or_not_at_all() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let root = fingerprint(&dir, HOST);
    let key = dir.read("a.com/3_application/private/a.com.key.pem");
    let started = Instant::now();
    dir.run(&["gen-certs", HOST, "--san", "first.com", "--client", "first"])
        .exits(0);
    let usual = started.elapsed();
    let rounds = 16;
    for round in 0..rounds {
        let before = tree(&dir, HOST);
        let (name, client) = (format!("n{round}.com"), format!("c{round}"));
        let mut child = dir
            .command(&["gen-certs", HOST, "--san", &name, "--client", &client])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        // The moment of the kill is what is tested: spread over the usual time.
        std::thread::sleep(usual.mul_f64(f64::from(round) / f64::from(rounds - 4)));
        child.kill().expect("killed");
        child.wait().expect("ended");
        let after = tree(&dir, HOST);
        if after != before {
            let (new, changed) = differences(&dir, &before, &after);
            assert_eq!((new.len(), changed.len()), (2, 1), "{new:?} {changed:?}");
            assert!(names(&dir, HOST).contains(&name));
        }
        serves(&dir, HOST);
        // Again, as a user would: what is left is done, and a second time is refused.
        let again = dir.run(&["gen-certs", HOST, "--san", &name, "--client", &client]);
        assert!(matches!(again.code, Some(0 | 2)), "{}", again.stderr);
        dir.run(&["gen-certs", HOST, "--san", &name]).exits(2);
        assert!(dir.read("istio-tls.yaml").contains(&format!("- {client}\n")));
    }
    assert_eq!(fingerprint(&dir, HOST), root);
    assert_eq!(dir.read("a.com/3_application/private/a.com.key.pem"), key);
}
