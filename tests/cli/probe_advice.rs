//! What `probe` says to type or to change: each line and each edit is done as printed.

use std::process::Stdio;

use crate::harness::Dir;
use crate::running_program::{Program, await_condition, free_port};
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";

/// The verdicts of a probe that failed.
fn verdicts(dir: &Dir, args: &[&str]) -> Vec<serde_json::Value> {
    let mut all = vec!["probe", "-o", "json"];
    all.extend_from_slice(args);
    let json = dir.run(&all).exits(1).json();
    let results = json["results"].as_array().expect("results").iter();
    results.map(|result| result["verdict"].clone()).collect()
}

/// Types a line of ours in a shell.
fn typed(dir: &Dir, line: &str) -> i32 {
    let (program, args) = line.split_once(' ').expect("a line");
    assert_eq!(program, "istio-tls");
    let script = format!("'{}' {args}", env!("CARGO_BIN_EXE_istio-tls"));
    let mut shell = std::process::Command::new("sh");
    let ended = shell.arg("-c").arg(script).current_dir(dir.path(".")).output();
    ended.expect("a shell").status.code().expect("an exit code")
}

#[test]
fn mutual_tls_on_a_host_recorded_simple_names_the_line_that_makes_it_mutual() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--mode", "simple"]).exits(0);
    let ca = dir.read(format!("{HOST}/1_root/certs/ca.cert.pem"));
    let _serve = Serve::start(&dir, &[]);
    let found = verdicts(&dir, &["--mtls"]);
    assert_eq!(found.len(), 4);
    let line = format!("istio-tls gen-certs {HOST} --mode mutual");
    for verdict in &found {
        // Nothing was sent, so nothing is proven.
        assert_eq!(verdict["code"], "client-certificate-not-required", "{verdict:#}");
        assert_eq!(verdict["remedy"]["commands"][0]["line"], line, "{verdict:#}");
        assert_eq!(verdict["remedy"]["commands"][0]["complete"], true);
    }
    dir.run(&["probe", "--mtls"])
        .exits(1)
        .prints("0 of 4 checks passed")
        .prints("not requested, so none was sent");
    assert_eq!(typed(&dir, &line), 0);
    assert_eq!(dir.read(format!("{HOST}/1_root/certs/ca.cert.pem")), ca);
    await_condition(
        || dir.run(&["probe", "--mtls"]).code == Some(0),
        || "the gateway never demanded a client certificate".to_owned(),
    );
}

#[test]
fn mutual_tls_on_a_hand_written_gateway_names_its_file_and_field() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let manifests = dir
        .run(&["manifests", "--only", "gateway,virtualservice"])
        .exits(0)
        .stdout;
    assert!(manifests.contains("mode: MUTUAL"), "{manifests}");
    dir.write("gateway.yaml", manifests.replace("mode: MUTUAL", "mode: SIMPLE"));
    let _serve = Serve::start(&dir, &["-f", "gateway.yaml"]);
    for args in [&["--mtls"][..], &[]] {
        let found = verdicts(&dir, args);
        let edit = &found[0]["remedy"]["edits"][0];
        assert_eq!(edit["field"], "spec.servers[0].tls.mode", "{found:#?}");
        assert_eq!(edit["value"], "MUTUAL");
        let place = edit["place"].as_str().expect("a place");
        let (file, line) = place.split_once(':').expect("file and line");
        assert_eq!(file, "gateway.yaml");
        let line: usize = line
            .split(':')
            .next()
            .and_then(|line| line.parse().ok())
            .expect("a line");
        let text = dir.read("gateway.yaml");
        assert!(
            text.lines()
                .nth(line - 1)
                .is_some_and(|line| line.contains("mode: SIMPLE")),
            "{place}"
        );
    }
    let text = dir.read("gateway.yaml");
    dir.write("gateway.yaml", text.replace("mode: SIMPLE", "mode: MUTUAL"));
    await_condition(
        || dir.run(&["probe", "--mtls"]).code == Some(0),
        || "the gateway never demanded a client certificate".to_owned(),
    );
}

#[test]
fn an_expired_leaf_is_renewed_by_the_line_that_is_printed() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--bad", "expired"]).exits(0);
    let ca = dir.read(format!("{HOST}/1_root/certs/ca.cert.pem"));
    let _serve = Serve::start(&dir, &[]);
    let found = verdicts(&dir, &[]);
    let line = format!("istio-tls rotate {HOST}");
    assert_eq!(found[0]["remedy"]["commands"][0]["line"], line, "{found:#?}");
    dir.run(&["verify", HOST]).exits(1).prints(&line);
    assert_eq!(typed(&dir, &line), 0);
    assert_eq!(dir.read(format!("{HOST}/1_root/certs/ca.cert.pem")), ca);
    dir.run(&["verify", HOST]).exits(0);
    dir.run(&["probe"]).exits(0);
}

#[test]
fn a_revoked_client_is_renewed_by_the_line_that_is_printed() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    dir.run(&["revoke", HOST, "--client", HOST]).exits(0);
    let _serve = Serve::start(&dir, &[]);
    let found = verdicts(&dir, &[]);
    assert_eq!(found[0]["code"], "client-certificate-rejected", "{found:#?}");
    let line = format!("istio-tls rotate {HOST} --clients");
    assert_eq!(found[0]["remedy"]["commands"][0]["line"], line);
    dir.run(&["verify", HOST]).exits(1).prints(&line);
    assert_eq!(typed(&dir, &line), 0);
    dir.run(&["probe"]).exits(0);
}

#[test]
fn lines_lead_back_to_the_workspace_of_the_folder_flag() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path("my ws")).expect("a folder");
    dir.run(&["gen-certs", HOST, "--bad", "expired", "-C", "my ws"])
        .exits(0);
    dir.run(&["verify", HOST, "-C", "my ws"])
        .exits(1)
        .prints(&format!("istio-tls -C 'my ws' rotate {HOST}"));
    dir.run(&["probe", "-C", "my ws"])
        .exits(1)
        .says("istio-tls -C 'my ws' serve");
}

#[test]
fn urls_are_understood_as_serve_prints_them() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let serve = Serve::start(&dir, &[]);
    let address = serve.address(443);
    let url = format!("https://{HOST}:{}/status/200", address.port());
    assert!(
        serve.log().contains(&format!("https://{HOST}:{}/", address.port())),
        "{}",
        serve.log()
    );
    let json = dir.run(&["probe", &url, "-o", "json"]).exits(0).json();
    assert_eq!(json["results"][0]["target"], address.to_string());
    assert_eq!(json["results"][0]["facts"]["http"]["path"], "/status/200");
    dir.run(&["probe", &format!("https://{HOST}/status/503")])
        .exits(1)
        .prints("/status/503");
    // A flag beats the URL.
    dir.run(&["probe", &url, "--path", "/status/418"])
        .exits(0)
        .prints("/status/418");
    dir.run(&["request", &format!("https://{HOST}:{}/status/418", address.port())])
        .exits(0)
        .prints("teapot");
    dir.run(&["request", &format!("{HOST}:{}", address.port()), "/status/418"])
        .exits(0)
        .prints("teapot");
    dir.run(&["request", &url, "/status/418"])
        .exits(2)
        .says("the path is given twice");
    for command in ["probe", "request"] {
        dir.run(&[command, &format!("http://{HOST}/")])
            .exits(2)
            .says(&format!("give https://{HOST}/"));
    }
}

#[test]
fn a_probe_that_waits_does_so_for_a_serve_that_is_about_to_start() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    // What a serve left behind that was killed.
    let note = format!(
        "{{\"schema\":1,\"id\":\"{}\",\"pid\":1,\"admin\":\"127.0.0.1:{}\",\"listeners\":[]}}",
        "a".repeat(32),
        free_port()
    );
    dir.write(".istio-tls/serve.json", note);
    let log = "waiting.log";
    let waiting = dir
        .command(&["probe", "--wait", "60s"])
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(dir.path(log)).expect("a log"))
        .spawn()
        .expect("probe starts");
    let mut waiting = Program(waiting);
    await_condition(
        || dir.read(log).contains("no local gateway is running here yet"),
        || format!("it does not wait: {}", dir.read(log)),
    );
    let _serve = Serve::start(&dir, &[]);
    let ended = waiting.0.wait().expect("probe ends");
    assert_eq!(ended.code(), Some(0), "{}", dir.read(log));
}

#[test]
fn a_wait_for_no_gateway_ends() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    dir.run(&["probe", "--wait", "600ms"])
        .exits(1)
        .says("waiting for one")
        .says("error: no local gateway is running here");
}

#[test]
fn a_host_that_is_near_one_of_the_workspace_is_perhaps_meant() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let _serve = Serve::start(&dir, &[]);
    let asked = format!("did you mean {HOST}? If not: ");
    dir.run(&["probe", "htpbin.example.com"]).exits(1).prints(&asked);
    dir.run(&["request", "htpbin.example.com", "/"]).exits(1).says(&asked);
    let ran = dir.run(&["probe", "other.example.org"]).exits(1);
    assert!(!ran.stdout.contains("did you mean"), "{}", ran.stdout);
}
