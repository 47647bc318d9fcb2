//! `rotate` killed at random moments: the whole old state or the whole new
//! one, and the same command again comes to the end.

use std::process::Stdio;
use std::time::{Duration, Instant};

use istio_tls::certs::verify::{Purpose, VerifyInput, verify};
use istio_tls::certs::{CertificateAuthority, CertificateDer, key, pem};
use istio_tls::names::Host;

use crate::harness::Dir;

const HOST: &str = "httpbin.example.com";

fn certificates(dir: &Dir, file: &str) -> Vec<CertificateDer<'static>> {
    pem::certificates(dir.read(format!("{HOST}/{file}")).as_bytes(), file).expect("certificates")
}

fn fits(dir: &Dir, cert: &str, key: &str) {
    let key = key::read(dir.read(format!("{HOST}/{key}")).as_bytes(), key, None).expect("a key");
    assert!(key.fits(&certificates(dir, cert)[0]), "{cert}");
}

/// Checks that every file of the host belongs to the same state; says whether
/// the CA is being rotated, and gives the server's leaf.
fn whole(dir: &Dir) -> (bool, CertificateDer<'static>) {
    let roots = certificates(dir, "1_root/certs/ca.cert.pem");
    let ca_chain = certificates(dir, "2_intermediate/certs/ca-chain.cert.pem");
    let rotating = dir.path(format!("{HOST}/5_previous_ca")).exists();
    assert_eq!((roots.len(), ca_chain.len()), if rotating { (2, 4) } else { (1, 2) });
    let mut cas = vec![""];
    if rotating {
        cas.push("5_previous_ca/");
    }
    for ca in cas {
        for (name, file) in [("1_root", "ca"), ("2_intermediate", "intermediate")] {
            let cert = certificates(dir, &format!("{ca}{name}/certs/{file}.cert.pem")).remove(0);
            assert!(ca_chain.contains(&cert), "{ca}{name}");
            let key_file = format!("{HOST}/{ca}{name}/private/{file}.key.pem");
            let key = key::read(dir.read(&key_file).as_bytes(), &key_file, None).expect("a key");
            CertificateAuthority::new(cert, &key).expect("key and certificate fit");
        }
        let client = format!("{ca}4_client/certs/{HOST}.cert.pem");
        fits(dir, &client, &format!("{ca}4_client/private/{HOST}.key.pem"));
        judge(&certificates(dir, &client), &ca_chain, Purpose::Client);
    }
    let server = certificates(dir, &format!("3_application/certs/{HOST}.cert.pem"));
    fits(
        dir,
        &format!("3_application/certs/{HOST}.cert.pem"),
        &format!("3_application/private/{HOST}.key.pem"),
    );
    judge(&server, &roots, Purpose::Server);
    (rotating, server[0].clone())
}

fn judge(chain: &[CertificateDer<'static>], roots: &[CertificateDer<'static>], purpose: Purpose) {
    let host = Host::parse(HOST).expect("a host");
    let verdict = verify(&VerifyInput {
        chain,
        intermediates: &[],
        roots,
        crls: &[],
        purpose,
        host: (purpose == Purpose::Server).then_some(&host),
        now: std::time::SystemTime::now().into(),
    });
    assert!(verdict.is_ok(), "{:?}", verdict.first());
}

/// Kills the command after a time; gives how long it ran.
fn killed(dir: &Dir, args: &[&str], after: Duration) {
    let mut child = dir
        .command(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    // The moment of the kill is what is tested.
    std::thread::sleep(after);
    child.kill().expect("killed");
    child.wait().expect("ended");
}

#[test]
fn killed_at_any_moment_it_leaves_one_whole_state_and_is_resumed() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    // How long a command takes, as busy as the machine is just now.
    let mut usual = Duration::ZERO;
    let (mut old, mut new) = (0, 0);
    let rounds = 8;
    for round in 0..rounds {
        // Spread over the usual time and well beyond.
        let part = f64::from(round) / f64::from(rounds - 3);
        for (args, begins_with) in [
            (&["rotate", HOST, "--clients"][..], false),
            (&["rotate", HOST, "--ca"], false),
            (&["rotate", HOST], true),
            (&["rotate", HOST, "--finish"], true),
        ] {
            let before = whole(&dir);
            assert_eq!(before.0, begins_with);
            killed(&dir, args, usual.mul_f64(part));
            let after = whole(&dir);
            if after == before {
                old += 1;
            } else {
                new += 1;
            }
            // Again, and it comes to its end, whatever was done before.
            let started = Instant::now();
            let again = dir.run(args);
            usual = started.elapsed();
            again.exits(0);
            let now = whole(&dir);
            assert_eq!(
                now.0,
                args.contains(&"--ca") || begins_with && !args.contains(&"--finish")
            );
            assert!(args.contains(&"--ca") || args.contains(&"--finish") || now.1 != before.1);
        }
    }
    println!("{old} times the old state, {new} times the new one");
    assert!(
        old > 0 && new > 0,
        "every kill came too early or too late: {old} and {new}"
    );
    let left: Vec<_> = std::fs::read_dir(dir.path(".istio-tls"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("new-"))
        .collect();
    assert!(left.is_empty(), "{left:?} stayed");
}

#[test]
fn two_at_once_do_not_mix() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let start = |args: &[&str]| {
        dir.command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts")
    };
    let children = [
        start(&["rotate", HOST]),
        start(&["rotate", HOST, "--ca"]),
        start(&["rotate", HOST, "--clients"]),
        start(&["rotate", HOST, "--ca"]),
    ];
    let mut done = 0;
    for mut child in children {
        match child.wait().expect("it ends").code() {
            Some(0) => done += 1,
            // Another one was first.
            Some(3) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(done > 0);
    whole(&dir);
}
