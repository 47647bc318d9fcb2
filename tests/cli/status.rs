//! `istio-tls status`: files, a running `serve`, and what differs.

use crate::harness::Dir;
use crate::running_program::free_address;
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";

/// The codes of the findings of a JSON report.
fn codes(json: &serde_json::Value) -> Vec<&str> {
    let findings = json["findings"].as_array().expect("findings");
    findings
        .iter()
        .map(|finding| finding["code"].as_str().expect("a code"))
        .collect()
}

#[test]
fn offline_it_tells_of_the_files() {
    let dir = Dir::new();
    dir.run(&["status"]).exits(2).says("gen-certs");
    dir.run(&["gen-certs", HOST, "--client", "alice"]).exits(0);
    dir.run(&["gen-certs", "*.shop.example", "--mode", "simple", "--days", "20"])
        .exits(0);
    let ran = dir.run(&["status"]).exits(0).says("no gateway was probed");
    for text in [
        "HOST",
        HOST,
        "*.shop.example",
        "client alice",
        "intermediate",
        "root",
        "mutual",
        "simple",
        "364",
    ] {
        assert!(ran.stdout.contains(text), "{text}\n{}", ran.stdout);
    }
    let json = dir.run(&["status", "-o", "json"]).exits(0).json();
    assert_eq!(json["schema"], 1);
    let rows: Vec<(&str, &str)> = (json["certificates"].as_array().expect("rows").iter())
        .map(|row| {
            (
                row["host"].as_str().expect("a host"),
                row["what"].as_str().expect("a word"),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (HOST, "server"),
            (HOST, "client"),
            (HOST, "client"),
            (HOST, "intermediate"),
            (HOST, "root"),
            ("*.shop.example", "server"),
            ("*.shop.example", "intermediate"),
            ("*.shop.example", "root"),
        ]
    );
    assert_eq!(json["certificates"][0]["served"], serde_json::Value::Null);
    assert_eq!(json["skipped"][0]["code"], "ITL1003");
    // Only one of the two is due.
    let json = dir
        .run(&["status", "--expires-within", "30d", "-o", "json"])
        .exits(1)
        .json();
    assert_eq!(codes(&json), ["ITL1002"]);
    assert_eq!(json["findings"][0]["severity"], "warning");
    assert_eq!(json["findings"][0]["fix"], "istio-tls rotate '*.shop.example'");
    dir.run(&["status", HOST, "--expires-within", "30d"]).exits(0);
    dir.run(&["status", "*.shop.example", "--expires-within", "30d"])
        .exits(1)
        .prints("istio-tls rotate '*.shop.example'");
    dir.run(&["status", "--expires-within", "10d"]).exits(0);
    dir.run(&["status", "other.example.com"]).exits(2);
    dir.run(&["status", "--expires-within", "soon"]).exits(2);
}

#[test]
fn what_is_wrong_with_the_files_is_found() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "expired.com", "--bad", "expired"]).exits(0);
    dir.run(&["gen-certs", "early.com", "--bad", "not-yet-valid"]).exits(0);
    dir.run(&["gen-certs", "broken.com"]).exits(0);
    dir.write(
        "broken.com/4_client/certs/broken.com.cert.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
    );
    dir.run(&["gen-certs", "gone.com"]).exits(0);
    std::fs::remove_dir_all(dir.path("gone.com")).unwrap();
    let json = dir.run(&["status", "-o", "json"]).exits(1).json();
    assert_eq!(codes(&json), ["ITL1001", "ITL1006", "ITL1005", "ITL1005"]);
    let files: Vec<_> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| &finding["file"])
        .collect();
    assert_eq!(files[2], "broken.com/4_client/certs/broken.com.cert.pem");
    dir.run(&["status"])
        .exits(1)
        .prints("expired")
        .prints("istio-tls rotate expired.com");
}

#[test]
fn a_server_key_that_does_not_fit_is_found_and_rotated_away() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "b.com"]).exits(0);
    let key = |host: &str| format!("{host}/3_application/private/{host}.key.pem");
    for (content, said) in [
        (dir.read(key("b.com")), "does not belong to the server certificate"),
        ("garbage".to_owned(), "no PEM block"),
    ] {
        dir.write(&key(HOST), content);
        let json = dir.run(&["status", HOST, "-o", "json"]).exits(1).json();
        assert_eq!(codes(&json), ["ITL1005"]);
        assert_eq!(json["findings"][0]["file"], key(HOST));
        dir.run(&["status", HOST])
            .exits(1)
            .prints(said)
            .prints("istio-tls rotate httpbin.example.com issues a new leaf and key");
        dir.run(&["rotate", HOST]).exits(0);
        dir.run(&["status", HOST]).exits(0);
    }
    std::fs::remove_file(dir.path(key(HOST))).expect("removed");
    for args in [&["status"][..], &["status", "--local"]] {
        dir.run(args)
            .exits(1)
            .prints("error: the server key of httpbin.example.com is missing (ITL1005)")
            .prints("istio-tls rotate httpbin.example.com issues a new leaf and key; or restore the key");
    }
    dir.run(&["status", "b.com"]).exits(0);
}

#[test]
fn a_broken_client_is_replaced_by_the_line_that_status_prints() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice"]).exits(0);
    let root = dir.read(format!("{HOST}/1_root/certs/ca.cert.pem"));
    for client in [HOST, "alice"] {
        let file = format!("{HOST}/4_client/certs/{client}.cert.pem");
        dir.write(&file, "garbage");
        let json = dir.run(&["status", "-o", "json"]).exits(1).json();
        let line = format!("rm {file} && istio-tls gen-certs {HOST} --client {client}");
        assert_eq!(json["findings"][0]["remedy"]["commands"][0]["line"], line);
        dir.types(&line).exits(0);
        dir.run(&["status"]).exits(0);
    }
    assert_eq!(dir.read(format!("{HOST}/1_root/certs/ca.cert.pem")), root);
}

#[test]
fn a_running_gateway_is_compared_with_the_files() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    dir.run(&["gen-certs", "bookinfo.com"]).exits(0);
    // It serves the Secrets of its input, so that the files can differ from it.
    let objects = dir.run(&["manifests"]).exits(0).stdout;
    dir.write("objects.yaml", objects);
    let serve = Serve::start(&dir, &["-f", "objects.yaml"]);
    let address = serve.address(443).to_string();
    let json = dir.run(&["status", "-o", "json"]).exits(0).json();
    assert_eq!(json["certificates"][0]["served"], address);
    assert_eq!(json["skipped"], serde_json::json!([]));
    dir.run(&["status"])
        .exits(0)
        .prints(&format!("file, served at {address}"));

    let served = json["certificates"][0]["serial"].as_str().unwrap().to_owned();
    dir.run(&["rotate", HOST, "--wait", "0s"]).exits(1);
    let json = dir.run(&["status", "-o", "json"]).exits(1).json();
    assert_eq!(codes(&json), ["ITL1003"]);
    let rows = json["certificates"].as_array().unwrap();
    assert_eq!(rows[0]["served"], serde_json::Value::Null);
    assert_eq!(
        (&rows[1]["file"], &rows[1]["served"]),
        (&serde_json::Value::Null, &address.clone().into())
    );
    assert_eq!(rows[1]["serial"], served);
    let ran = dir.run(&["status"]).exits(1).prints("not the file's");
    assert!(ran.stdout.contains(&served), "{}", ran.stdout);
    // The same gateway, named; and a place where nothing is.
    dir.run(&["status", "bookinfo.com", "--target", &address]).exits(0);
    let nowhere = free_address().to_string();
    let json = dir
        .run(&["status", "bookinfo.com", "--target", &nowhere, "-o", "json"])
        .exits(1)
        .json();
    assert_eq!(codes(&json), ["ITL1004"]);
    // A host that the gateway does not know.
    dir.run(&["gen-certs", "new.example.com"]).exits(0);
    let json = dir.run(&["status", "new.example.com", "-o", "json"]).exits(1).json();
    assert_eq!(codes(&json), ["ITL1004"]);
    assert!(
        json["findings"][0]["why"]
            .as_str()
            .unwrap()
            .contains("reset-after-client-hello"),
        "{json}"
    );
}

#[test]
fn a_rotation_of_the_ca_is_told_of() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    dir.run(&["rotate", HOST, "--ca"]).exits(0);
    let json = dir.run(&["status", "-o", "json"]).exits(0).json();
    assert_eq!(codes(&json), ["ITL1007"]);
    let what: Vec<_> = json["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["what"])
        .collect();
    assert_eq!(
        what,
        [
            "server",
            "client",
            "intermediate",
            "root",
            "previous-intermediate",
            "previous-root"
        ]
    );
    dir.run(&["rotate", HOST, "--finish"]).exits(0);
    let json = dir.run(&["status", "-o", "json"]).exits(0).json();
    assert!(codes(&json).is_empty());
}
