//! Rows and findings of `status`.

use time::{Duration, OffsetDateTime};

use super::{HostState, Role, State, judge};
use crate::certs::summary::CertificateSummary as Certificate;
use crate::names::Host;
use crate::ops::status::facts::{Broken, BrokenPart, Held, SecretState, Served, Shown, ShownClient};
use crate::workspace::config::Mode;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time")
}

fn certificate(serial: &str, from: i64, to: i64) -> Certificate {
    Certificate {
        serial: serial.into(),
        not_before: now() + Duration::days(from),
        not_after: now() + Duration::days(to),
        sha256: format!("hash of {serial}"),
    }
}

fn host(server: Certificate, served: Option<Served>) -> HostState {
    HostState {
        host: Host::parse("a.com").expect("a host"),
        mode: Mode::Mutual,
        files: vec![
            (Role::Server, "server.pem".into(), server),
            (Role::Root, "root.pem".into(), certificate("root", -1, 3000)),
        ],
        lists: Vec::new(),
        broken: Vec::new(),
        key_fault: None,
        bundle: Vec::new(),
        leaf_in_force: false,
        secrets: Vec::new(),
        served: served.map(|served| ("127.0.0.1:8443".into(), served)),
        clients: Vec::new(),
    }
}

#[test]
fn what_is_due_or_differs_is_found() {
    let good = || certificate("01", -1, 300);
    let nothing = || Served::Nothing {
        code: "reset-after-client-hello",
        summary: "reset".into(),
        again: Some("cluster".into()),
    };
    for (what, host, within, codes, states) in [
        (
            "all well",
            host(good(), Some(Served::Leaf(good()))),
            Some(30),
            &[][..],
            &[State::Good, State::Good][..],
        ),
        (
            "offline",
            host(good(), None),
            Some(30),
            &[],
            &[State::Good, State::Good],
        ),
        (
            "due",
            host(certificate("01", -1, 20), None),
            Some(30),
            &["ITL1002"],
            &[State::Due, State::Good],
        ),
        (
            "on the day",
            host(certificate("01", -1, 30), None),
            Some(30),
            &["ITL1002"],
            &[State::Due, State::Good],
        ),
        (
            "nobody asks",
            host(certificate("01", -1, 20), None),
            None,
            &[],
            &[State::Good, State::Good],
        ),
        (
            "expired",
            host(certificate("01", -9, -2), None),
            None,
            &["ITL1001"],
            &[State::Expired, State::Good],
        ),
        (
            "later",
            host(certificate("01", 2, 9), None),
            None,
            &["ITL1006"],
            &[State::NotYetValid, State::Good],
        ),
        (
            "drift",
            host(good(), Some(Served::Leaf(certificate("02", -1, 20)))),
            Some(30),
            &["ITL1003", "ITL1002"],
            &[State::Good, State::Due, State::Good],
        ),
        (
            "nothing served",
            host(good(), Some(nothing())),
            None,
            &["ITL1004"],
            &[State::Good, State::Good],
        ),
    ] {
        let (rows, findings) = judge(&[host], within.map(Duration::days), now());
        let found: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        for unserved in findings.iter().filter(|finding| finding.code == "ITL1004") {
            assert!(unserved.fix.ends_with(" --target cluster"), "{what}: {}", unserved.fix);
        }
        assert_eq!(found, codes, "{what}");
        let seen: Vec<_> = rows.iter().map(|row| row.state).collect();
        assert_eq!(seen, states, "{what}");
    }
}

#[test]
fn revocation_lists_that_end_are_found() {
    use crate::lint::Severity::{Error, Warning};
    for (days, within, expected) in [
        (300, Some(30), None),
        (20, None, None),
        (20, Some(30), Some(Warning)),
        (-2, None, Some(Error)),
    ] {
        let mut state = host(certificate("01", -1, 300), None);
        state.lists.push(("ca.crl.pem".into(), now() + Duration::days(days)));
        let (_, findings) = judge(&[state], within.map(Duration::days), now());
        let found = findings.first().map(|finding| finding.severity);
        assert_eq!(found, expected, "{days} days");
        assert!(
            findings
                .iter()
                .all(|finding| finding.code == "ITL1008" && finding.file == "ca.crl.pem")
        );
    }
}

#[test]
fn broken_parts_and_unfinished_rotations_are_found() {
    let mut state = host(certificate("01", -1, 300), None);
    state
        .files
        .push((Role::PreviousRoot, "old.pem".into(), certificate("00", -1, 10)));
    let broken = |part| Broken {
        file: "broken.pem".into(),
        why: "it is truncated".into(),
        part,
    };
    state.broken = vec![broken(BrokenPart::Client("al ice".into())), broken(BrokenPart::Chain)];
    let (rows, findings) = judge(&[state], Some(Duration::days(30)), now());
    let found: Vec<_> = findings
        .iter()
        .map(|finding| (finding.code, finding.fix.to_string()))
        .collect();
    let found: Vec<_> = found.iter().map(|(code, fix)| (*code, fix.as_str())).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        found,
        [
            (
                "ITL1005",
                "rm broken.pem && istio-tls gen-certs a.com --client 'al ice' issues a new one from the same CA"
            ),
            (
                "ITL1005",
                "istio-tls gen-certs a.com --force issues a new chain, with a new CA: clients of \
                 the old one are refused, and do not trust the gateway, until they have the new \
                 files"
            ),
            (
                "ITL1007",
                "istio-tls rotate a.com --finish, when every client has moved; or istio-tls rotate a.com --abort"
            ),
            ("ITL1002", "istio-tls rotate a.com --finish"),
        ]
    );
}

#[test]
fn a_good_secret_brings_a_missing_chain_back() {
    let mut host = host(certificate("01", -9, 300), None);
    host.broken.push(Broken {
        file: "a.com/1_root/certs/ca.cert.pem".into(),
        why: "it does not exist".into(),
        part: BrokenPart::Chain,
    });
    let fix = |host: &HostState| {
        let (_, findings) = judge(std::slice::from_ref(host), None, now());
        let broken = findings.into_iter().find(|finding| finding.code == "ITL1005");
        broken.expect("a finding").fix
    };
    assert!(fix(&host).starts_with("istio-tls gen-certs "), "{}", fix(&host));
    let held = |key: Option<String>| SecretState {
        title: "istio-system/a-credential".into(),
        controller: None,
        elsewhere: None,
        held: Some(Held {
            leaf: Some(Ok(certificate("01", -9, 300))),
            key,
            authorities: None,
        }),
    };
    host.secrets = vec![held(Some("it is another's".into()))];
    assert!(fix(&host).starts_with("istio-tls gen-certs "), "{}", fix(&host));
    host.secrets = vec![held(None)];
    let words = fix(&host);
    assert!(
        words.starts_with("istio-tls adopt secret/istio-system/a-credential --host "),
        "{words}"
    );
}

#[test]
fn secrets_are_compared_with_files_and_what_is_served() {
    let file = || certificate("01", -9, 300);
    let secret = |leaf: Option<Certificate>, authorities: &[&str]| SecretState {
        title: "istio-system/a-credential".into(),
        controller: None,
        elsewhere: None,
        held: leaf.map(|leaf| Held {
            leaf: Some(Ok(leaf)),
            key: None,
            authorities: Some(Ok(authorities
                .iter()
                .map(|serial| certificate(serial, -9, 20))
                .collect())),
        }),
    };
    let broken = SecretState {
        title: "istio-system/a-credential".into(),
        controller: None,
        elsewhere: None,
        held: Some(Held {
            leaf: Some(Err("no pair".into())),
            key: None,
            authorities: None,
        }),
    };
    for (what, secret, served, codes, places) in [
        (
            "all the same",
            secret(Some(file()), &["ca"]),
            file(),
            &[][..],
            &["server: file, Secret, served"][..],
        ),
        (
            "not applied",
            secret(None, &[]),
            file(),
            &["ITL1010"],
            &["server: file, served"],
        ),
        (
            "interrupted",
            secret(Some(certificate("00", -90, 200)), &["ca"]),
            certificate("00", -90, 200),
            &["ITL1009", "ITL1003"],
            &["server: file", "server: Secret, served"],
        ),
        (
            "not taken up",
            secret(Some(file()), &["ca"]),
            certificate("00", -90, 200),
            &["ITL1003"],
            &["server: file, Secret", "server: served"],
        ),
        (
            "renewed by others, and soon due",
            secret(Some(certificate("02", -1, 10)), &["ca"]),
            certificate("02", -1, 10),
            &["ITL1009", "ITL1003", "ITL1002"],
            &["server: file", "server: Secret, served"],
        ),
        (
            "a CA is left, and soon due",
            secret(Some(file()), &["ca", "old"]),
            file(),
            &["ITL1012", "ITL1002"],
            &["server: file, Secret, served", "CA: Secret"],
        ),
        ("no pair", broken, file(), &["ITL1011"], &["server: file, served"]),
    ] {
        let mut state = host(file(), Some(Served::Leaf(served)));
        state.files.truncate(1);
        state
            .files
            .push((Role::Root, "root.pem".into(), certificate("ca", -9, 3000)));
        state.bundle.push(certificate("ca", -9, 3000));
        state.secrets.push(secret);
        let (rows, findings) = judge(&[state], Some(Duration::days(30)), now());
        let found: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(found, codes, "{what}");
        let seen: Vec<String> = (rows.iter().filter(|row| row.role != Role::Root))
            .map(|row| {
                let places = [
                    row.file.as_ref().map(|_| "file"),
                    row.secret.as_ref().map(|_| "Secret"),
                    row.served.as_ref().map(|_| "served"),
                ];
                let places: Vec<&str> = places.into_iter().flatten().collect();
                format!("{}: {}", row.role.words(), places.join(", "))
            })
            .collect();
        assert_eq!(seen, places, "{what}");
        if what == "interrupted" {
            assert!(
                findings[0].fix.starts_with("istio-tls rotate a.com --if-expires-in 0d"),
                "{findings:?}"
            );
        }
        if what.starts_with("renewed") {
            assert!(
                findings[0]
                    .fix
                    .starts_with("istio-tls adopt secret/istio-system/a-credential"),
                "{findings:?}"
            );
        }
    }
}

#[test]
fn what_others_renewed_has_one_advice_in_every_finding() {
    let file = certificate("01", -9, 20);
    let renewed = certificate("02", -1, 300);
    for (controller, leaf, adopts) in [
        (None, renewed.clone(), true),
        (Some("cert-manager"), renewed.clone(), true),
        (Some("cert-manager"), certificate("00", -20, 10), true),
        (None, certificate("00", -20, 10), false),
    ] {
        let mut state = host(file.clone(), Some(Served::Leaf(leaf.clone())));
        state.bundle = vec![certificate("ca", -9, 3000)];
        state.secrets.push(SecretState {
            title: "istio-system/a-credential".into(),
            controller: controller.map(str::to_owned),
            elsewhere: None,
            held: Some(Held {
                leaf: Some(Ok(leaf)),
                key: None,
                authorities: Some(Ok(vec![certificate("other ca", -9, 3000)])),
            }),
        });
        let (_, findings) = judge(&[state], Some(Duration::days(30)), now());
        let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes[..3], ["ITL1009", "ITL1012", "ITL1003"], "{codes:?}");
        assert!(codes[3..].iter().all(|code| *code == "ITL1002"), "{codes:?}");
        for finding in &findings {
            let fix = &finding.fix;
            let is_adopt = fix.starts_with("istio-tls adopt secret/istio-system/a-credential --host a.com --force");
            assert_eq!(is_adopt, adopts, "{}: {fix}", finding.code);
            assert_eq!(
                fix.contains("rotate a.com --if-expires-in"),
                !adopts && finding.code != "ITL1002",
                "{fix}"
            );
        }
    }
    // The Secret cannot be read; nevertheless the gateway must not be set back.
    let (_, findings) = judge(&[host(file, Some(Served::Leaf(renewed)))], None, now());
    assert_eq!(findings.len(), 1);
    assert!(findings[0].fix.starts_with("istio-tls adopt"), "{}", findings[0].fix);
}

#[test]
fn clients_that_the_gateway_treats_as_before_are_found() {
    let file = || certificate("01", -9, 300);
    let refused = || Some(Shown::Refused("alert 48".into()));
    let client = |is_trusted, outcome| ShownClient {
        label: "the client chain",
        is_trusted,
        outcome,
    };
    for (what, client, served, codes) in [
        ("as it should be", client(true, Some(Shown::LetIn)), file(), &[][..]),
        ("gone, and refused", client(false, refused()), file(), &[]),
        ("not seen", client(false, None), file(), &[]),
        (
            "gone, and accepted",
            client(false, Some(Shown::LetIn)),
            file(),
            &["ITL1013"],
        ),
        ("refused", client(true, refused()), file(), &["ITL1014"]),
        (
            "the leaf tells it",
            client(true, refused()),
            certificate("00", -20, 300),
            &["ITL1003"],
        ),
    ] {
        let mut state = host(file(), Some(Served::Leaf(served)));
        state.clients.push(client);
        let (_, findings) = judge(&[state.clone()], None, now());
        let found: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(found, codes, "{what}");
        assert!(
            findings
                .iter()
                .all(|finding| found[0] == "ITL1003" || finding.fix.contains("rotate a.com --if-expires-in 0d"))
        );
        // The reason is a Secret that differs, which is reported separately.
        state.bundle = vec![certificate("ca", -9, 3000)];
        state.secrets.push(SecretState {
            title: "istio-system/a-credential".into(),
            controller: None,
            elsewhere: None,
            held: Some(Held {
                leaf: Some(Ok(file())),
                key: None,
                authorities: Some(Ok(Vec::new())),
            }),
        });
        let (_, findings) = judge(&[state], None, now());
        assert!(
            findings
                .iter()
                .all(|finding| !["ITL1013", "ITL1014"].contains(&finding.code)),
            "{what}"
        );
    }
}
