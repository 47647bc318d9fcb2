//! `istio-tls rotate`: leaves and CAs, offline and under a running `serve`.

use std::sync::atomic::{AtomicBool, Ordering};

use istio_tls::certs::inspect::{CertificateFacts, certificate};
use istio_tls::certs::pem;

use crate::harness::Dir;
use crate::running_program::StopAtEnd;
use crate::serve_process::{Serve, client_of, trusting};
use crate::tls_client::{Connection, Identity};

const HOST: &str = "httpbin.example.com";

/// The first certificate of a file.
fn facts(dir: &Dir, file: &str) -> CertificateFacts {
    let certificates = pem::certificates(dir.read(file).as_bytes(), file).expect("certificates");
    certificate(&certificates[0], std::time::SystemTime::now().into()).expect("readable")
}

fn server(dir: &Dir, host: &str) -> CertificateFacts {
    facts(dir, &format!("{host}/3_application/certs/{host}.cert.pem"))
}

fn client_named(dir: &Dir, host: &str, name: &str) -> Identity {
    Identity {
        client: Some((
            dir.read(format!("{host}/4_client/certs/{name}.cert.pem")),
            dir.read(format!("{host}/4_client/private/{name}.key.pem")),
        )),
        ..trusting(dir, host)
    }
}

fn served(serve: &Serve<'_>, identity: &Identity) -> Result<u16, String> {
    let mut connection = serve.open(HOST, identity)?;
    connection.get("/status/418").map(|answer| answer.status)
}

#[test]
fn a_leaf_keeps_its_names_key_type_and_length() {
    let dir = Dir::new();
    dir.run(&[
        "gen-certs",
        HOST,
        "--key-type",
        "rsa-2048",
        "--days",
        "90",
        "--san",
        "10.0.0.7",
        "--subject",
        "C=US,O=Shop",
    ])
    .exits(0);
    dir.run(&["gen-certs", "*.shop.example", "--san", "shop.example"])
        .exits(0);
    for (host, folder) in [(HOST, HOST), ("*.shop.example", "_wildcard.shop.example")] {
        let old = server(&dir, folder);
        let client = dir.read(format!("{folder}/4_client/certs/{folder}.cert.pem"));
        let planned = dir.run(&["rotate", host, "--dry-run"]).exits(0).prints(&old.serial);
        assert!(planned.stdout.contains("--dry-run"), "{}", planned.stdout);
        assert_eq!(server(&dir, folder), old, "--dry-run wrote");
        let ran = dir
            .run(&["rotate", host])
            .exits(0)
            .prints(&old.serial)
            .prints("not verified at a gateway");
        let new = server(&dir, folder);
        assert!(ran.stdout.contains(&new.serial), "{}", ran.stdout);
        assert_ne!(new.serial, old.serial);
        assert_ne!(new.public_key_sha256, old.public_key_sha256);
        assert_eq!(
            (&new.names, &new.key, &new.subject, new.days_left),
            (&old.names, &old.key, &old.subject, old.days_left)
        );
        assert_eq!(dir.read(format!("{folder}/4_client/certs/{folder}.cert.pem")), client);
        assert_eq!(server_of_old(&dir, folder).serial, old.serial, "the old tree is kept");
        dir.run(&["verify", host]).exits(0);
    }
    let json = dir
        .run(&["rotate", HOST, "--clients", "--days", "7", "-o", "json"])
        .exits(0)
        .json();
    let rotation = &json["rotations"][0];
    assert_eq!(rotation["action"], "leaf");
    assert_eq!(rotation["live"], serde_json::Value::Null);
    assert_eq!(rotation["certificates"][0]["new"]["serial"], server(&dir, HOST).serial);
    assert_eq!(rotation["certificates"][1]["what"], format!("client {HOST}"));
    assert_eq!(server(&dir, HOST).days_left, 6);
}

fn server_of_old(dir: &Dir, host: &str) -> CertificateFacts {
    facts(
        dir,
        &format!(".istio-tls/old/{host}/3_application/certs/{host}.cert.pem"),
    )
}

#[test]
fn only_what_is_due_is_rotated() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.com", "--days", "10"]).exits(0);
    dir.run(&["gen-certs", "b.com"]).exits(0);
    dir.run(&["rotate"]).exits(2).says("--if-expires-in");
    let (a, b) = (server(&dir, "a.com"), server(&dir, "b.com"));
    dir.run(&["rotate", "--if-expires-in", "5d"])
        .exits(0)
        .prints("nothing to do: the server leaf of a.com is valid for 9 more days");
    assert_eq!((server(&dir, "a.com"), server(&dir, "b.com")), (a.clone(), b.clone()));
    let ran = dir.run(&["rotate", "--if-expires-in", "30d"]).exits(0);
    assert!(
        ran.stdout.contains("nothing to do: the server leaf of b.com"),
        "{}",
        ran.stdout
    );
    assert_ne!(server(&dir, "a.com").serial, a.serial);
    assert_eq!(server(&dir, "b.com"), b);
    // The same with both, named.
    dir.run(&["rotate", "a.com", "b.com", "--days", "20"]).exits(0);
    assert_eq!(
        (server(&dir, "a.com").days_left, server(&dir, "b.com").days_left),
        (19, 19)
    );
}

#[test]
fn what_cannot_be_rotated_is_said_and_left() {
    let dir = Dir::new();
    dir.write("password", "secret\n");
    dir.write("wrong", "other\n");
    dir.run(&["gen-certs", "locked.com", "--password-file", "password"])
        .exits(0);
    dir.run(&["gen-certs", "b.com"]).exits(0);
    dir.run(&["gen-certs", "shared.com", "--ca", "b.com"]).exits(0);
    let before: Vec<_> = ["locked.com", "b.com", "shared.com"]
        .map(|host| server(&dir, host))
        .into();
    for (args, said) in [
        (&["rotate", "locked.com"][..], "no password was given"),
        (
            &["rotate", "locked.com", "--password-file", "wrong"],
            "the password is wrong",
        ),
        (&["rotate", "locked.com", "--ca"], "no password was given"),
        (
            &["rotate", "locked.com", "--ca", "--password-file", "wrong"],
            "the password is wrong",
        ),
        // A refused host keeps the others from being touched.
        (&["rotate", "b.com", "locked.com"], "no password was given"),
        (&["rotate", "shared.com"], "--signer DIR"),
        (
            &[
                "rotate",
                "shared.com",
                "--signer",
                "locked.com",
                "--password-file",
                "password",
            ],
            "did not issue",
        ),
        (&["rotate", "nowhere.com"], "istio-tls gen-certs nowhere.com"),
        (&["rotate", "../evil"], "not a host name"),
        (&["rotate", "b.com", "--finish"], "--ca"),
        (&["rotate", "b.com", "--abort"], "there is no replacement"),
        (&["rotate", "b.com", "--finish", "--abort"], "cannot be used with"),
        (&["rotate", "b.com", "--ca", "--finish"], "cannot be used with"),
        (&["rotate", "b.com", "--ca", "--abort"], "cannot be used with"),
        (&["rotate", "b.com", "--if-expires-in", "soon"], "duration"),
        // Seconds or days? Nobody can know.
        (
            &["rotate", "b.com", "--if-expires-in", "30"],
            "a number and a unit, such as 30s or 30d",
        ),
        (&["rotate", "b.com", "--wait", "30"], "a number and a unit"),
        (&["status", "--expires-within", "30"], "a number and a unit"),
        (
            &["rotate", "b.com", "--if-expires-in", "3661d"],
            "longer than ten years",
        ),
    ] {
        dir.run(args).exits(2).says(said);
    }
    let after: Vec<_> = ["locked.com", "b.com", "shared.com"]
        .map(|host| server(&dir, host))
        .into();
    assert_eq!(before, after);
    dir.run(&["rotate", "locked.com", "--password-file", "password"])
        .exits(0);
    dir.run(&["rotate", "shared.com", "--signer", "b.com"]).exits(0);
    dir.run(&["verify", "shared.com"]).exits(0);
    // The keys of a new CA are as well protected as the old ones were.
    dir.run(&["rotate", "locked.com", "--ca", "--password-file", "password"])
        .exits(0);
    assert!(dir.read("locked.com/1_root/private/ca.key.pem").contains("ENCRYPTED"));
    dir.run(&["rotate", "locked.com", "--finish"]).exits(2).says("password");
    dir.run(&["rotate", "locked.com", "--finish", "--password-file", "password"])
        .exits(0);
    dir.run(&["verify", "locked.com"]).exits(0);
    // A chain of another CA's key gets a CA of its own.
    dir.run(&["rotate", "b.com", "--ca"])
        .exits(0)
        .says("has also issued for shared.com");
    dir.run(&["rotate", "shared.com", "--ca"])
        .exits(0)
        .says("belongs only to shared.com");
    dir.run(&["rotate", "shared.com", "--finish"]).exits(0);
    dir.run(&["rotate", "shared.com"]).exits(0);
    dir.run(&["verify", "shared.com"]).exits(0);
}

#[test]
fn a_leaf_whose_ca_is_elsewhere() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    std::fs::remove_file(dir.path(format!("{HOST}/2_intermediate/private/intermediate.key.pem"))).unwrap();
    dir.run(&["rotate", HOST])
        .exits(2)
        .says("intermediate.key.pem")
        .says("--ca");
    // A deliberately wrong leaf becomes a right one.
    dir.run(&["gen-certs", HOST, "--force", "--bad", "wrong-host"]).exits(0);
    dir.run(&["verify", HOST]).exits(1);
    dir.run(&["rotate", HOST]).exits(0).says("does not cover");
    dir.run(&["verify", HOST]).exits(0);
}

#[test]
fn a_running_gateway_proves_the_new_leaf() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let serve = Serve::start(&dir, &[]);
    let old = client_of(&dir, HOST);
    let before = server(&dir, HOST).serial;
    let json = dir.run(&["rotate", HOST, "--clients", "-o", "json"]).exits(0).json();
    let live = &json["rotations"][0]["live"];
    let new = server(&dir, HOST).serial;
    assert_eq!(live["proven"], true);
    assert_eq!(live["before"]["serial"], before);
    let after: Vec<_> = live["after"]
        .as_array()
        .unwrap()
        .iter()
        .map(|look| &look["serial"])
        .collect();
    assert_eq!(after, [&new, &new], "old and new client chain");
    assert_eq!(served(&serve, &old), Ok(418));
    assert_eq!(served(&serve, &client_of(&dir, HOST)), Ok(418));
}

#[test]
fn a_leaf_that_expired_is_rotated_and_proven() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--bad", "expired"]).exits(0);
    let serve = Serve::start(&dir, &[]);
    let client = client_of(&dir, HOST);
    assert!(served(&serve, &client).is_err());
    dir.run(&["rotate", "--if-expires-in", "1d"])
        .exits(0)
        .prints("with a failure (certificate-expired)")
        .prints("verified at");
    assert_eq!(served(&serve, &client), Ok(418));
    assert_eq!(server(&dir, HOST).days_left, 29, "as long as the old one was valid");
}

#[test]
fn several_hosts_of_every_mode_are_proven_one_after_the_other() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "simple.example", "--mode", "simple"]).exits(0);
    dir.run(&["gen-certs", "*.wild.example", "--mode", "optional-mutual"])
        .exits(0);
    dir.run(&["gen-certs", HOST]).exits(0);
    let serve = Serve::start(&dir, &[]);
    for args in [
        &["rotate", "simple.example", "*.wild.example", HOST, "-o", "json"][..],
        &["rotate", "--if-expires-in", "366d", "--clients", "-o", "json"],
        &["rotate", "simple.example", "*.wild.example", HOST, "--ca", "-o", "json"],
        &[
            "rotate",
            "simple.example",
            "*.wild.example",
            HOST,
            "--finish",
            "-o",
            "json",
        ],
    ] {
        let ran = dir.run(args).exits(0);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("PRIVATE KEY"));
        let json = ran.json();
        let proven: Vec<_> = (json["rotations"].as_array().unwrap().iter())
            .map(|rotation| rotation["live"]["proven"] == true)
            .collect();
        let exchanges = if args.contains(&"--finish") { 6 } else { 3 };
        assert_eq!(proven, vec![true; exchanges], "{json}");
    }
    assert_eq!(served(&serve, &client_of(&dir, HOST)), Ok(418));
    dir.run(&["probe"]).exits(0);
    dir.run(&["status"]).exits(0);
}

#[test]
fn a_status_that_was_unwanted_before_is_not_the_rotations_doing() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    // Nobody listens on port 1: the gateway answers 503, before and afterwards.
    let _serve = Serve::start(&dir, &["--upstream", "httpbin:8000=http://127.0.0.1:1"]);
    dir.run(&["probe"]).exits(1);
    dir.run(&["rotate", HOST, "--wait", "10s"])
        .exits(0)
        .prints("with a failure (unexpected-status)")
        .prints("as before the rotation, expected status 418 for /status/418, but got 503");
    dir.run(&["status"]).exits(0);
}

#[test]
fn a_chain_whose_ca_is_rotated_is_not_made_anew() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let before = facts(&dir, &format!("{HOST}/1_root/certs/ca.cert.pem"));
    dir.run(&["rotate", HOST, "--ca"]).exits(0);
    dir.run(&["gen-certs", HOST, "--force"])
        .exits(2)
        .says("is being replaced, so its chain is not replaced")
        .says("--abort aborts it; then gen-certs");
    dir.run(&["rotate", HOST, "--abort"]).exits(0);
    assert_eq!(facts(&dir, &format!("{HOST}/1_root/certs/ca.cert.pem")), before);
    dir.run(&["gen-certs", HOST, "--force"]).exits(0);
}

#[test]
fn a_gateway_that_does_not_take_it_up_is_a_failed_rotation() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    // It serves the Secrets of its input, not the workspace's files.
    let objects = dir.run(&["manifests"]).exits(0).stdout;
    dir.write("objects.yaml", objects);
    let serve = Serve::start(&dir, &["-f", "objects.yaml"]);
    let before = server(&dir, HOST).serial;
    let ran = dir.run(&["rotate", HOST, "--wait", "0s"]).exits(1);
    assert!(ran.stdout.contains("NOT verified"), "{}", ran.stdout);
    assert!(ran.stdout.contains(&format!("still served {before}")), "{}", ran.stdout);
    assert_ne!(server(&dir, HOST).serial, before);
    assert_eq!(served(&serve, &client_of(&dir, HOST)), Ok(418));
}

#[test]
fn a_ca_is_rotated_without_losing_a_client() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice"]).exits(0);
    let mut serve = Serve::start(&dir, &[]);
    let old = client_named(&dir, HOST, "alice");
    let leaf = server(&dir, HOST).serial;
    dir.run(&["rotate", HOST, "--ca", "--if-expires-in", "30d"])
        .exits(0)
        .prints("nothing to do");
    dir.run(&["rotate", HOST, "--ca"])
        .exits(0)
        .prints("the new client chain: served");
    let between = client_named(&dir, HOST, "alice");
    assert_eq!(
        server(&dir, HOST).serial,
        leaf,
        "the leaf of the old CA is served until the end"
    );
    // Who trusts only the old root, and who has moved.
    assert_eq!(served(&serve, &old), Ok(418));
    assert_eq!(served(&serve, &between), Ok(418));
    assert_ne!(old.client, between.client);

    // Again is no third CA.
    let root = facts(&dir, &format!("{HOST}/1_root/certs/ca.cert.pem"));
    dir.run(&["rotate", HOST, "--ca"]).exits(0).prints("already under way");
    assert_eq!(facts(&dir, &format!("{HOST}/1_root/certs/ca.cert.pem")), root);

    // Everything else works in between.
    dir.run(&["probe", "--mtls"]).exits(0);
    dir.run(&["request", HOST, "/status/418"]).exits(0);
    dir.run(&["verify", HOST]).exits(0);
    dir.run(&["inspect", HOST]).exits(0).prints("root CA G2");
    let manifests = dir.run(&["manifests"]).exits(0).stdout;
    assert!(manifests.contains("ca.crt"), "{manifests}");
    dir.run(&["manifests", "--issuer", "cert-manager"])
        .exits(2)
        .says("--finish");
    dir.run(&["gen-certs", HOST, "--client", "bob"])
        .exits(2)
        .says("is being replaced")
        .says("--finish");
    dir.run(&["rotate", HOST])
        .exits(0)
        .prints("the client chain of the previous CA: served");
    assert_eq!(served(&serve, &old), Ok(418));

    dir.run(&["rotate", HOST, "--finish"])
        .exits(0)
        .prints("no longer trusted");
    let issuer = server(&dir, HOST).issuer;
    assert!(issuer.ends_with("intermediate CA G2"), "{issuer}");
    assert!(!dir.path(format!("{HOST}/5_previous_ca")).exists());
    assert_eq!(served(&serve, &between), Ok(418), "who has moved needs nothing else");
    dir.run(&["rotate", HOST, "--finish"])
        .exits(0)
        .prints("has already finished");
    dir.run(&["gen-certs", HOST, "--client", "bob"]).exits(0);
    let bob = facts(&dir, &format!("{HOST}/4_client/certs/bob.cert.pem"));
    assert!(bob.issuer.ends_with("intermediate CA G2"), "{}", bob.issuer);
    assert_eq!(served(&serve, &client_named(&dir, HOST, "bob")), Ok(418));
    serve.wait_until("the old CA is no longer trusted", |serve| {
        let old_client = Identity {
            client: old.client.clone(),
            ..trusting(&dir, HOST)
        };
        served(serve, &old_client).is_err_and(|error| error.contains("UnknownCA"))
    });
    assert!(
        served(&serve, &trusting_only(&old)).is_err(),
        "the old root verifies the new leaf"
    );
    dir.run(&["verify", HOST]).exits(0);
}

fn trusting_only(identity: &Identity) -> Identity {
    Identity {
        authorities: identity.authorities.clone(),
        client: None,
    }
}

#[test]
fn a_rotation_of_the_ca_is_taken_back() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--pkcs12"]).exits(0);
    let files = [
        "1_root/certs/ca.cert.pem",
        "1_root/private/ca.key.pem",
        "2_intermediate/certs/ca-chain.cert.pem",
    ];
    let read = || files.map(|file| dir.read(format!("{HOST}/{file}")));
    let (before, client) = (read(), client_of(&dir, HOST).client);
    let bundle = |dir: &Dir| std::fs::read(dir.path(format!("{HOST}/4_client/private/{HOST}.p12"))).expect("a bundle");
    let old_bundle = bundle(&dir);
    dir.run(&["rotate", HOST, "--ca"]).exits(0).says("changeit");
    assert_ne!(bundle(&dir), old_bundle);
    // A client of the new CA, issued by other means.
    for file in ["certs/NAME.cert.pem", "private/NAME.key.pem"] {
        let path = |name: &str| dir.path(format!("{HOST}/4_client/{}", file.replace("NAME", name)));
        std::fs::copy(path(HOST), path("carol")).expect("copied");
    }
    dir.run(&["rotate", HOST, "--abort"]).exits(0).says("carol");
    assert_eq!(read(), before);
    assert_eq!(client_of(&dir, HOST).client, client);
    assert_eq!(bundle(&dir), old_bundle);
    assert!(!dir.path(format!("{HOST}/5_previous_ca")).exists());
    assert!(!dir.path(format!("{HOST}/4_client/certs/carol.cert.pem")).exists());
    dir.run(&["verify", HOST]).exits(0);
}

#[test]
fn what_is_revoked_stays_revoked_while_the_ca_is_rotated() {
    let dir = Dir::new();
    dir.run(&[
        "gen-certs",
        HOST,
        "--client",
        "alice",
        "--client",
        "bob",
        "--client",
        "eve",
    ])
    .exits(0);
    dir.run(&["revoke", HOST, "--client", "eve"]).exits(0);
    let old = ["alice", "bob", "eve"].map(|name| client_named(&dir, HOST, name));
    let mut serve = Serve::start(&dir, &[]);
    dir.run(&["rotate", HOST, "--ca"]).exits(0);
    let new = ["alice", "bob"].map(|name| client_named(&dir, HOST, name));
    for identity in old[..2].iter().chain(&new) {
        assert_eq!(served(&serve, identity), Ok(418), "{}", serve.log());
    }
    let revoked = |serve: &Serve<'_>, identity: &Identity| {
        served(serve, identity).is_err_and(|error| error.contains("CertificateRevoked"))
    };
    assert!(revoked(&serve, &old[2]));
    let json = dir
        .run(&["revoke", HOST, "--client", "alice", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(json["serials"].as_array().map(Vec::len), Some(2), "{json}");
    serve.wait_until("both certificates of alice are refused", |serve| {
        revoked(serve, &old[0]) && revoked(serve, &new[0])
    });
    assert_eq!(served(&serve, &old[1]), Ok(418));
    assert_eq!(served(&serve, &new[1]), Ok(418));
    // Of a number alone nobody knows whose it is.
    let serial = &facts(&dir, &format!("{HOST}/5_previous_ca/4_client/certs/bob.cert.pem")).serial;
    dir.run(&["revoke", HOST, "--serial", serial]).exits(0);
    serve.wait_until("the old certificate of bob is refused", |serve| revoked(serve, &old[1]));
    assert_eq!(served(&serve, &new[1]), Ok(418));
    dir.run(&["revoke", HOST, "--serial", serial])
        .exits(0)
        .prints("already");
    dir.run(&["rotate", HOST, "--finish"]).exits(0);
    assert_eq!(served(&serve, &new[1]), Ok(418));
    assert!(revoked(&serve, &new[0]), "{:?}", served(&serve, &new[0]));
}

/// Requests of one client until told to end; every one must be answered.
fn requests(address: std::net::SocketAddr, identity: &Identity, fresh: bool, running: &AtomicBool) -> u32 {
    let mut connection = Connection::open(address, HOST, identity).expect("served");
    let mut count = 0;
    while running.load(Ordering::Relaxed) {
        if fresh {
            connection = Connection::open(address, HOST, identity).expect("a new connection");
        }
        assert_eq!(connection.get("/status/200").expect("an answer").status, 200);
        count += 1;
    }
    count
}

#[test]
fn no_request_is_lost_by_a_rotation() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let serve = Serve::start(&dir, &["--access-log", "off"]);
    let address = serve.address(443);
    let old = client_of(&dir, HOST);
    let under_load = |identities: &[&Identity], commands: &[&[&str]]| {
        let running = AtomicBool::new(true);
        std::thread::scope(|scope| {
            let running = &running;
            let stop = StopAtEnd(running);
            let clients: Vec<_> = (identities.iter())
                .flat_map(|identity| [(*identity, true), (*identity, false)])
                .map(|(identity, fresh)| scope.spawn(move || requests(address, identity, fresh, running)))
                .collect();
            let ran: Vec<_> = commands.iter().map(|command| dir.run(command)).collect();
            drop(stop);
            let mut count = 0;
            for client in clients {
                let answered = client.join().expect("no request was lost");
                assert!(answered > 0);
                count += answered;
            }
            println!("{count} requests during {} rotations", commands.len());
            for ran in ran {
                ran.exits(0).prints("verified at");
            }
        });
    };
    // The old clients know nothing of what happens.
    under_load(
        &[&old],
        &[
            &["rotate", HOST],
            &["rotate", HOST, "--clients"],
            &["rotate", HOST, "--ca"],
            &["rotate", HOST],
            &["rotate", HOST, "--ca"],
        ],
    );
    // All have moved.
    let moved = client_of(&dir, HOST);
    under_load(&[&moved], &[&["rotate", HOST, "--finish"], &["rotate", HOST]]);
    let now = client_of(&dir, HOST);
    under_load(&[&now], &[&["rotate", HOST, "--ca"], &["rotate", HOST, "--abort"]]);
}
