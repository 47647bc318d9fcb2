//! `probe` against real Envoy, configured as istiod configures a gateway:
//! a filter chain per host chosen by SNI, MUTUAL, OPTIONAL_MUTUAL and SIMPLE,
//! one whose certificate never comes. These are the answers that Istio's users meet.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::Dir;
use crate::installed_tools::tool;
use crate::running_program::{Program, free_address};

const MUTUAL: &str = "mutual.example.com";
const OPTIONAL: &str = "optional.example.com";
const SIMPLE: &str = "simple.example.com";

fn tls(dir: &Dir, host: &str, mode: &str) -> Value {
    let file = |name: String| json!({ "filename": dir.path(name) });
    let mut common = json!({
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificates": [{
            "certificate_chain": file(format!("{host}/3_application/certs/{host}.cert.pem")),
            "private_key": file(format!("{host}/3_application/private/{host}.key.pem")),
        }],
    });
    if mode != "SIMPLE" {
        common["validation_context"] =
            json!({ "trusted_ca": file(format!("{host}/2_intermediate/certs/ca-chain.cert.pem")) });
    }
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": common,
            "require_client_certificate": mode == "MUTUAL",
        },
    })
}

fn chain(dir: &Dir, host: &str, mode: &str) -> Value {
    let route = |path: &str, status: u16| json!({ "match": { "prefix": path }, "direct_response": { "status": status, "body": { "inline_string": "-=[ teapot ]=-" } } });
    json!({
        "filter_chain_match": { "server_names": [host] },
        "transport_socket": tls(dir, host, mode),
        "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "gateway",
                "server_name": "istio-envoy",
                "http_filters": [{
                    "name": "envoy.filters.http.router",
                    "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
                }],
                "route_config": { "virtual_hosts": [{
                    "name": host,
                    "domains": [host],
                    "routes": [
                        route("/status/418", 418),
                        { "match": { "prefix": "/empty" }, "route": { "cluster": "empty" } },
                    ],
                }] },
            },
        }],
    })
}

/// Starts Envoy for the three hosts; the address of its listener.
fn start(dir: &Dir) -> (Program, String) {
    let address = free_address();
    let config = json!({
        "static_resources": {
            "listeners": [{
                "name": "gateway",
                "address": { "socket_address": { "address": "127.0.0.1", "port_value": address.port() } },
                "listener_filters": [{
                    "name": "envoy.filters.listener.tls_inspector",
                    "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector" },
                }],
                "filter_chains": [
                    chain(dir, MUTUAL, "MUTUAL"),
                    chain(dir, OPTIONAL, "OPTIONAL_MUTUAL"),
                    chain(dir, SIMPLE, "SIMPLE"),
                ],
            }],
            "clusters": [{ "name": "empty", "type": "STATIC", "connect_timeout": "1s", "load_assignment": { "cluster_name": "empty" } }],
        },
    });
    dir.write("envoy.json", config.to_string());
    let program = tool("envoy");
    let child = Command::new(&program)
        .args([
            "-c",
            "envoy.json",
            "--base-id-path",
            "base-id",
            "--use-dynamic-base-id",
            "--concurrency",
            "1",
            "-l",
            "error",
        ])
        .current_dir(dir.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}; set ISTIO_TLS_TOOLS", program.display()));
    let mut running = Program(child);
    running.await_listening(address, || "of Envoy nothing is kept".to_owned());
    (running, address.to_string())
}

#[test]
fn envoy_s_answers_have_their_verdicts() {
    let dir = Dir::new();
    dir.run(&["gen-certs", MUTUAL]).exits(0);
    dir.run(&["gen-certs", OPTIONAL, "--mode", "optional-mutual"]).exits(0);
    dir.run(&["gen-certs", SIMPLE, "--mode", "simple"]).exits(0);
    // A stranger's chain, and a client whose key Envoy takes no signature of.
    let strange = Dir::new();
    strange.run(&["gen-certs", MUTUAL]).exits(0);
    let edwards = Dir::new();
    edwards.run(&["gen-certs", MUTUAL, "--key-type", "ed25519"]).exits(0);
    let pair = |dir: &Dir| {
        let folder = |kind: &str, file: &str| {
            dir.path(format!("{MUTUAL}/4_client/{kind}/{MUTUAL}.{file}.pem"))
                .display()
                .to_string()
        };
        [
            "--cert".to_owned(),
            folder("certs", "cert"),
            "--key".to_owned(),
            folder("private", "key"),
        ]
    };
    let (strange_pair, edwards_pair) = (pair(&strange), pair(&edwards));
    let words = |pair: &'_ [String; 4]| -> Vec<String> { pair.to_vec() };
    let (_envoy, target) = start(&dir);

    let rows: Vec<(&str, Vec<String>, &str)> = vec![
        (MUTUAL, vec![], "ok"),
        (
            MUTUAL,
            vec!["--no-client-cert".into(), "--tls".into(), "1.2".into()],
            "client-certificate-required",
        ),
        (
            MUTUAL,
            vec!["--no-client-cert".into(), "--tls".into(), "1.3".into()],
            "client-certificate-required",
        ),
        (MUTUAL, words(&strange_pair), "client-certificate-rejected"),
        (MUTUAL, words(&edwards_pair), "client-certificate-rejected"),
        (
            MUTUAL,
            vec!["--sni".into(), "unknown.example.com".into()],
            "reset-after-client-hello",
        ),
        (MUTUAL, vec!["--path".into(), "/nowhere".into()], "unexpected-status"),
        (MUTUAL, vec!["--path".into(), "/empty".into()], "unexpected-status"),
        (OPTIONAL, vec![], "ok"),
        (OPTIONAL, vec!["--no-client-cert".into()], "ok"),
        (SIMPLE, vec![], "ok"),
    ];
    for (host, flags, code) in rows {
        let mut args = vec![
            "probe",
            host,
            "--target",
            &target,
            "-o",
            "json",
            "--path",
            "/status/418",
        ];
        if flags.iter().any(|flag| flag == "--path") {
            args.truncate(6);
        }
        args.extend(flags.iter().map(String::as_str));
        let ran = dir.run(&args).exits(i32::from(code != "ok"));
        let json = ran.json();
        let verdict = &json["results"][0]["verdict"];
        assert_eq!(verdict["code"], code, "{flags:?}: {verdict:#}");
    }
    dir.run(&["probe", MUTUAL, "--target", &target, "--mtls", "--path", "/status/418"])
        .exits(0)
        .prints("4 of 4 checks passed")
        .prints("alert 40 handshake_failure")
        .prints("alert 116 certificate_required");
    let mtls = [
        "probe",
        OPTIONAL,
        "--target",
        &target,
        "--mtls",
        "--path",
        "/status/418",
        "-o",
        "json",
    ];
    let json = dir.run(&mtls).exits(1).json();
    assert_eq!(json["results"][0]["verdict"]["code"], "client-certificate-not-required");
}
