//! `probe` against our own gateway, and against listeners of a few lines.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use crate::harness::Dir;
use crate::running_program::{Program, await_condition, free_port};
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";

/// A listener that treats each connection so, until the tests end.
fn listen(treat: fn(TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || treat(stream));
        }
    });
    address.to_string()
}

#[test]
fn both_halves_of_mutual_tls_are_proven_on_the_running_gateway() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let serve = Serve::start(&dir, &[]);
    let address = serve.address(443);
    let ran = dir.run(&["probe", "--mtls", "-o", "json"]).exits(0);
    let json = ran.json();
    assert_eq!(json["schema"], 1);
    let results = json["results"].as_array().expect("results");
    assert_eq!(results.len(), 4);
    for result in results {
        assert_eq!(result["ok"], true, "{result:#}");
        assert_eq!(result["verdict"]["code"], "ok");
        assert_eq!(result["host"], HOST);
        assert_eq!(result["target"], address.to_string());
        assert_eq!(result["chain"].as_array().map(Vec::len), Some(2));
    }
    assert_eq!(results[0]["facts"]["tls"]["version"], "TLS 1.2");
    assert_eq!(results[1]["facts"]["tls"]["version"], "TLS 1.3");
    assert_eq!(results[3]["facts"]["http"]["status"], 418);
    assert_eq!(results[3]["facts"]["http"]["protocol"], "HTTP/2");
    let authorities = &results[3]["facts"]["tls"]["clientCertificate"]["authorities"];
    assert!(authorities.to_string().contains("CA"), "{authorities}");

    dir.run(&["probe", "--mtls"])
        .exits(0)
        .prints("4 of 4 checks passed")
        .prints("teapot")
        .prints("refused without a client certificate");
}

#[test]
fn a_plain_probe_asks_for_the_sample_and_flags_beat_it() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "bookinfo.com", "--root", "ca"]).exits(0);
    let _serve = Serve::start(&dir, &[]);
    dir.run(&["probe"])
        .exits(0)
        .prints("/status/418")
        .prints("/productpage");
    dir.run(&["probe", HOST, "--path", "/status/200"]).exits(0);
    let ran = dir
        .run(&["probe", HOST, "--path", "/status/503", "-o", "json"])
        .exits(1);
    assert_eq!(ran.json()["results"][0]["verdict"]["code"], "unexpected-status");
    let ran = dir.run(&["probe", HOST, "--path", "/nowhere", "-o", "json"]).exits(1);
    let verdict = &ran.json()["results"][0]["verdict"];
    assert_eq!(verdict["code"], "unexpected-status");
    assert!(
        verdict["summary"]
            .as_str()
            .is_some_and(|summary| summary.contains("404 (no route: no VirtualService"))
    );
    // A 404 of the destination itself is no missing route.
    let args = ["probe", HOST, "--path", "/status/404", "--expect-status", "200"];
    let ran = dir
        .run(&args)
        .exits(1)
        .prints("the response comes from the route's destination");
    assert!(!ran.stdout.contains("no route"), "{}", ran.stdout);
    dir.run(&["probe", HOST, "--path", "/status/404", "--expect-status", "404"])
        .exits(0);
    for protocol in ["h2", "http/1.1"] {
        dir.run(&["probe", HOST, "--alpn", protocol]).exits(0);
    }
    let ran = dir.run(&["probe", HOST, "--no-client-cert", "-o", "json"]).exits(1);
    assert_eq!(
        ran.json()["results"][0]["verdict"]["code"],
        "client-certificate-required"
    );
    let ran = dir
        .run(&["probe", HOST, "--sni", "unknown.example.com", "-o", "json"])
        .exits(1);
    assert_eq!(ran.json()["results"][0]["verdict"]["code"], "reset-after-client-hello");
    let ran = dir
        .run(&["probe", HOST, "--sni", "bookinfo.com", "-o", "json"])
        .exits(1);
    assert_eq!(ran.json()["results"][0]["verdict"]["code"], "name-mismatch");
}

#[test]
fn a_host_recorded_simple_proves_neither_half() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--mode", "simple"]).exits(0);
    let _serve = Serve::start(&dir, &[]);
    dir.run(&["probe"]).exits(0);
    let ran = dir.run(&["probe", "--mtls", "-o", "json"]).exits(1);
    let json = ran.json();
    let codes: Vec<&str> = json["results"]
        .as_array()
        .expect("results")
        .iter()
        .filter_map(|result| result["verdict"]["code"].as_str())
        .collect();
    assert_eq!(codes, ["client-certificate-not-required"; 4]);
}

#[test]
fn deliberately_bad_certificates_are_named() {
    for (bad, code) in [
        ("expired", "certificate-expired"),
        ("not-yet-valid", "certificate-not-yet-valid"),
        ("wrong-host", "name-mismatch"),
        ("no-san", "no-san"),
        ("wrong-eku", "wrong-eku"),
    ] {
        let dir = Dir::new();
        dir.run(&["gen-certs", HOST, "--bad", bad]).exits(0);
        let _serve = Serve::start(&dir, &[]);
        let ran = dir.run(&["probe", "-o", "json"]).exits(1);
        let json = ran.json();
        let verdict = &json["results"][0]["verdict"];
        assert_eq!(verdict["code"], code, "{verdict:#}");
        assert_eq!(verdict["fault"], "server");
        dir.run(&["probe"]).exits(1).prints(code).prints("try: ");
    }
}

#[test]
fn without_a_gateway_every_format_says_so() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let line = "no local gateway is running here";
    dir.run(&["probe"])
        .exits(1)
        .says(line)
        .says("try: istio-tls serve in another terminal");
    let ran = dir.run(&["probe", "-o", "json"]).exits(1);
    let json = ran.json();
    assert_eq!(json["results"][0]["verdict"]["summary"], line);
    assert_eq!(json["results"][0]["verdict"]["fault"], "config");
    dir.run(&["probe", "-o", "junit"])
        .exits(1)
        .prints(line)
        .prints("<failure");
}

#[test]
fn a_stale_note_of_a_serve_is_not_believed() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let other = listen(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx-istio-tls-id: another\r\ncontent-length: 0\r\n\r\n");
    });
    let note = format!(
        "{{\"schema\":1,\"id\":\"{}\",\"pid\":1,\"admin\":\"{other}\",\"listeners\":[{{\"port\":443,\"address\":\"{other}\",\"tls\":true}}]}}",
        "a".repeat(32)
    );
    dir.write(".istio-tls/serve.json", note);
    dir.run(&["probe"]).exits(1).says("no local gateway is running here");
}

#[test]
fn the_environment_names_a_gateway() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let serve = Serve::start(&dir, &[]);
    let address = serve.address(443);
    std::fs::remove_file(dir.path(".istio-tls/serve.json")).expect("the note is there");
    let args = ["probe", "-o", "json"];
    let mut command = dir.command(&args);
    command
        .env("INGRESS_HOST", address.ip().to_string())
        .env("SECURE_INGRESS_PORT", address.port().to_string());
    let ran = crate::harness::Ran::of(&mut command, &args).exits(0);
    assert_eq!(ran.json()["results"][0]["target"], address.to_string());
    let rule = format!("{HOST}:{}:{}", address.port(), address.ip());
    dir.run(&["probe", "--resolve", &rule]).exits(0);
    let args = ["probe"];
    let mut command = dir.command(&args);
    command
        .env("INGRESS_HOST", "127.0.0.1")
        .env("SECURE_INGRESS_PORT", "many");
    crate::harness::Ran::of(&mut command, &args)
        .exits(2)
        .says("SECURE_INGRESS_PORT");
}

#[test]
fn the_variables_of_the_gateway_are_printed_for_a_shell() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let args = ["probe", "--print-env"];
    let nothing = "nothing was applied to a cluster from this workspace";
    dir.run(&args)
        .exits(1)
        .says("no local gateway is running here")
        .says(nothing);
    // What is recorded, and not asked, is told as it is.
    let text = dir.read("istio-tls.yaml");
    dir.write("istio-tls.yaml", format!("{text}context: kind-edge\n"));
    for args in [
        &["probe", "--target", "local"][..],
        &["probe", "--print-env", "--target", "local"],
    ] {
        let ran = dir
            .run(args)
            .exits(1)
            .says("--target cluster uses the context kind-edge");
        assert!(!ran.stderr.contains(nothing), "{}", ran.stderr);
    }
    dir.write("istio-tls.yaml", text);
    let with = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = dir.command(args);
        crate::harness::Ran::of(command.envs(variables.iter().copied()), args)
    };
    let given = [("INGRESS_HOST", "[::1]"), ("INGRESS_PORT", "31380")];
    let ran = with(&args, &given).exits(0);
    assert_eq!(
        ran.stdout,
        "export INGRESS_HOST='[::1]'\nexport INGRESS_PORT=31380\nexport SECURE_INGRESS_PORT=443\n"
    );
    with(&args, &[("INGRESS_HOST", "::1"), ("INGRESS_PORT", "many")])
        .exits(2)
        .says("INGRESS_PORT");
    // A running serve comes first, and a shell takes what is printed.
    let serve = Serve::start(&dir, &[]);
    let secure = serve.address(443).port().to_string();
    let ran = with(&args, &given).exits(0);
    let line = format!(
        "{}\nprintf '%s %s' \"$INGRESS_HOST\" \"$SECURE_INGRESS_PORT\"",
        ran.stdout
    );
    let shell = std::process::Command::new("sh").arg("-c").arg(line).output();
    assert_eq!(
        String::from_utf8_lossy(&shell.expect("a shell").stdout),
        format!("127.0.0.1 {secure}")
    );
    let ran = with(&["probe", "--print-env", "-o", "json"], &[]).exits(0);
    assert_eq!(ran.json()["variables"]["SECURE_INGRESS_PORT"], secure);
    dir.run(&["probe", HOST, "--print-env"]).exits(2);
}

#[test]
fn waiting_ends_as_soon_as_the_gateway_serves() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let port = free_port();
    let target = format!("127.0.0.1:{port}");
    let waiting = dir
        .command(&["probe", "--target", &target, "--wait", "60s", "-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("probe starts");
    let map = format!("443={port}");
    let serving = dir
        .command(&["serve", "--port-map", &map, "--admin", "127.0.0.1:0"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("serve starts");
    let _serve = Program(serving);
    let output = waiting.wait_with_output().expect("probe ends");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn endpoints_that_are_no_tls_servers() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let plain = listen(|mut stream| {
        let mut first = [0; 1024];
        let read = stream.read(&mut first).unwrap_or(0);
        if first[..read].starts_with(b"GET ") {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let silent = listen(|mut stream| {
        let mut buffer = [0; 1024];
        while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
    });
    let closes = listen(|mut stream| {
        let _ = stream.read(&mut [0; 16 << 10]);
    });
    for (target, code, fault) in [
        (&plain, "plain-http", "server"),
        (&silent, "timeout", "network"),
        (&closes, "closed-after-client-hello", "server"),
    ] {
        let ran = dir
            .run(&["probe", "--target", target, "--timeout", "500ms", "-o", "json"])
            .exits(1);
        let json = ran.json();
        let verdict = &json["results"][0]["verdict"];
        assert_eq!(verdict["code"], code, "{verdict:#}");
        assert_eq!(verdict["fault"], fault);
    }
}

#[test]
fn a_missing_secret_is_brought_by_a_line_that_harms_no_other_host() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let closes = listen(|mut stream| {
        let _ = stream.read(&mut [0; 16 << 10]);
    });
    for (host, apply) in [
        (HOST, "istio-tls apply; istio-tls doctor httpbin.example.com"),
        ("other.example.com", "istio-tls apply in the workspace of the host"),
    ] {
        let probe = dir.run(&["probe", host, "--target", &closes, "-o", "json"]).exits(1);
        let json = probe.json();
        let fix = json["results"][0]["verdict"]["fix"].as_str().expect("a fix");
        assert!(fix.starts_with(apply), "{fix}");
        let request = dir.run(&["request", host, "/", "--target", &closes]).exits(1);
        for said in [fix, &request.stderr] {
            // Of one host alone, the Gateway would lose the others; and kubectl
            // keeps a Secret in an annotation unless the server applies.
            assert!(
                !said.contains("gateway |") && !said.contains("kubectl apply -f"),
                "{said}"
            );
        }
        request.says(apply);
    }
}

#[test]
fn bad_usage_is_told_and_ends_with_two() {
    let dir = Dir::new();
    dir.run(&["probe"]).exits(2).says("there is no host to probe");
    dir.run(&["probe", "-o", "json"]).exits(2).prints("\"error\"");
    dir.run(&["probe", "../evil"]).exits(2).says("is not a host name");
    dir.run(&["probe", "a.example.com:port"])
        .exits(2)
        .says("is not a port number");
    dir.run(&["probe", "a.example.com", "--target", "cluster"])
        .exits(2)
        .says("kubeconfig");
    dir.run(&["probe", "a.example.com", "--resolve", "a.example.com"])
        .exits(2);
    dir.run(&["probe", "a.example.com", "--cacert", "nothing.pem"])
        .exits(2)
        .says("nothing.pem");
    dir.run(&["probe", "a.example.com", "--path", "/a b"])
        .exits(2)
        .says("is not a valid path");
    dir.run(&["probe", "a.example.com", "--sni", "10.0.0.1"])
        .exits(2)
        .says("server name");
    dir.run(&["probe", "a.example.com", "--wait", "soon"]).exits(2);
    dir.run(&["probe", "a.example.com", "--mtls", "--no-client-cert"])
        .exits(2);
    dir.run(&["probe", "a.example.com", "-o", "yaml"])
        .exits(2)
        .says("-o text|json|junit");
    dir.write("junk.pem", "no certificate");
    dir.run(&["probe", "a.example.com", "--cacert", "junk.pem"])
        .exits(2)
        .says("junk.pem");
    dir.run(&["probe", "a.example.com", "--cert", "junk.pem"])
        .exits(2)
        .says("junk.pem");
}

#[test]
fn overlapping_certificates_are_probed_over_each_others_connections() {
    let dir = Dir::new();
    let simple = |host: &str, more: &[&str]| {
        let mut args = vec!["gen-certs", host, "--mode", "simple"];
        args.extend(more);
        dir.run(&args).exits(0);
    };
    simple("a.example.com", &["--san", "*.example.com"]);
    simple("b.example.com", &["--ca", "a.example.com"]);
    simple("c.example.org", &["--ca", "a.example.com"]);
    let serve = Serve::start(&dir, &[]);
    let ran = dir.run(&["probe", "--coalesce", "-o", "json"]).exits(1);
    let json = ran.json();
    let results = json["results"].as_array().expect("results");
    assert_eq!(
        results.len(),
        4,
        "one request each, and one over a's connection: {json:#}"
    );
    let shared = &results[3];
    assert_eq!(shared["host"], "b.example.com");
    assert_eq!(shared["check"], "over the connection of a.example.com");
    assert_eq!(shared["verdict"]["code"], "coalesced-not-found");
    assert_eq!(shared["verdict"]["fault"], "server");
    assert_eq!(shared["verdict"]["found"], "404");
    dir.run(&["probe", "--coalesce"])
        .exits(1)
        .prints("a browser with a connection to a.example.com reuses it for b.example.com");
    // Without the overlap, nothing is shared.
    simple("a.example.com", &["--force"]);
    simple("b.example.com", &["--ca", "a.example.com", "--force"]);
    drop(serve);
    let _serve = Serve::start(&dir, &[]);
    dir.run(&["probe", "--coalesce", "b.example.com", "a.example.com"])
        .exits(0)
        .says("browsers open a separate connection to each");
    dir.run(&["probe", "--coalesce", "--mtls"]).exits(2);
}

#[test]
fn the_page_escapes_what_a_server_says_and_shows_every_check() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "b.example.com", "--root", "ca"]).exits(0);
    let serve = Serve::start(&dir, &[]);
    let ran = dir.run(&["probe", "-o", "html"]).exits(0);
    assert!(ran.stdout.starts_with("<!DOCTYPE html>"), "{}", ran.stdout);
    assert!(ran.stdout.contains("2 of 2 checks passed"), "{}", ran.stdout);
    assert!(ran.stdout.contains("-=[ teapot ]=-"), "{}", ran.stdout);
    drop(serve);
    let talker = listen(|mut stream| {
        let _ = stream.read(&mut [0; 64]);
        let _ = stream.write_all(b"<script>{checks}\r\n");
    });
    let ran = dir.run(&["probe", HOST, "--target", &talker, "-o", "html"]).exits(1);
    assert!(ran.stdout.contains("&lt;script&gt;{checks}"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("<script>"), "{}", ran.stdout);
}

#[test]
fn a_watch_tells_of_changes_only() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    dir.run(&["probe", "--watch", "-o", "json"]).exits(2);
    let port = free_port().to_string();
    let (map, target) = (format!("443={port}"), format!("127.0.0.1:{port}"));
    let log = dir.path("watch.log");
    let child = dir
        .command(&["probe", "--target", &target, "--watch=50ms"])
        .stdout(std::fs::File::create(&log).expect("a log"))
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let _watch = Program(child);
    let says = |text: &str| {
        await_condition(
            || dir.read("watch.log").contains(text),
            || format!("never: {text}\n{}", dir.read("watch.log")),
        );
    };
    says("connection-refused");
    let serve = Serve::start(&dir, &["--port-map", &map]);
    says(" ok: served");
    drop(serve);
    await_condition(|| dir.read("watch.log").lines().count() >= 3, || dir.read("watch.log"));
    let log = dir.read("watch.log");
    let codes: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split("  ").nth(1)?.split(':').next())
        .collect();
    assert_eq!(
        codes.first().zip(codes.get(1)),
        Some((&"connection-refused", &"ok")),
        "{log}"
    );
    assert!(codes.windows(2).all(|pair| pair[0] != pair[1]), "{log}");
}
