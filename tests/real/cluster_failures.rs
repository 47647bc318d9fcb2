//! A real API server that is stopped in the middle, is slow, or fails for a
//! while: `apply` waits, or says what it did; run again, it converges.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::http_stub::{HttpStub, Reply, Request};
use crate::running_program::Program;

const HOST: &str = "httpbin.example.com";

/// `kubectl proxy`: the API server's HTTP without TLS, as admin.
pub(crate) fn plain_http(plane: &ControlPlane) -> (Program, std::net::SocketAddr) {
    let mut command = plane.kubectl_command(&["proxy", "--port=0", "--reject-methods=^$"]);
    let mut proxy = Program(command.stdout(Stdio::piped()).spawn().expect("kubectl proxy starts"));
    let mut line = String::new();
    let output = proxy.0.stdout.take().expect("its output");
    BufReader::new(output).read_line(&mut line).expect("a line");
    let address = line.trim().rsplit(' ').next().expect("an address").parse();
    (proxy, address.unwrap_or_else(|error| panic!("{line:?}: {error}")))
}

pub(crate) fn leads_to(workspace: &mut ClusterWorkspace, stub: &HttpStub) {
    workspace.change_kubeconfig("server: ", &format!("    server: http://{}", stub.address));
}

#[test]
fn a_server_that_fails_for_a_while_or_is_slow() {
    let plane = ControlPlane::shared();
    let (_proxy, upstream) = plain_http(&plane);
    let status = |code: u16, reason: &str| {
        Reply::Answer(
            code,
            "",
            format!("{{\"kind\":\"Status\",\"code\":{code},\"reason\":\"{reason}\"}}"),
        )
    };
    let mut seen = 0_usize;
    let failing = move |_: &Request| {
        seen += 1;
        // Two of three fail, each time in another way.
        match (seen % 3, seen / 3 % 4) {
            (0, _) => Reply::Forward(upstream, Duration::ZERO),
            (_, 0) => status(409, "Conflict"),
            (_, 1) => status(429, "TooManyRequests"),
            (_, 2) => status(500, "InternalError"),
            (_, _) => Reply::Drop,
        }
    };
    let slow = move |_: &Request| Reply::Forward(upstream, Duration::from_millis(300));
    let stubs = [("failing", HttpStub::start(failing)), ("slow", HttpStub::start(slow))];
    for (name, stub) in &stubs {
        let mut workspace = ClusterWorkspace::new(&plane, name, &[HOST], "mutual");
        leads_to(&mut workspace, stub);
        workspace
            .run(&["apply", "--retry-for", "60s"])
            .exits(0)
            .prints(&format!("VirtualService {name}/httpbin created"));
        assert!(!plane.get(name, "gateways.networking.istio.io", "mygateway").is_null());
        workspace.run(&["delete", "--yes", "--retry-for", "60s"]).exits(0);
        assert!(plane.get(name, "gateways.networking.istio.io", "mygateway").is_null());
    }
}

#[test]
fn a_server_that_stops_in_the_middle() {
    let plane = Arc::new(ControlPlane::start());
    let (_proxy, upstream) = plain_http(&plane);
    let mut workspace = ClusterWorkspace::new(&plane, "stopped", &[HOST], "mutual");
    // The way to the server ends before the VirtualService is stored.
    let cut = move |request: &Request| {
        let stores = request.method == "PATCH" && !request.target.contains("dryRun");
        if stores && request.target.contains("/virtualservices/") {
            Reply::Drop
        } else {
            Reply::Forward(upstream, Duration::ZERO)
        }
    };
    let real = workspace.kubeconfig.clone();
    let stub = HttpStub::start(cut);
    leads_to(&mut workspace, &stub);
    workspace
        .run(&["apply", "--retry-for", "1s"])
        .exits(3)
        .says("applied: Secret stopped-ingress/httpbin-credential, Gateway stopped/mygateway")
        .says("not applied: VirtualService stopped/httpbin");
    assert!(
        !plane
            .get("stopped", "gateways.networking.istio.io", "mygateway")
            .is_null()
    );
    assert!(plane.get("stopped", "virtualservices", "httpbin").is_null());
    workspace.kubeconfig = real;
    workspace
        .run(&["apply"])
        .exits(0)
        .prints("Gateway stopped/mygateway unchanged")
        .prints("VirtualService stopped/httpbin created");

    // Stopped: a clear error, soon.
    plane.stop_apiserver();
    let start = Instant::now();
    workspace.run(&["apply"]).exits(3).says("cannot be reached");
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "it took {:?}",
        start.elapsed()
    );
    plane.start_apiserver();
    workspace.run(&["apply"]).exits(0);

    // Restarted while the VirtualService is about to be stored: one run is enough.
    workspace.run(&["delete", "--yes"]).exits(0);
    // The stub lives as long as the process; the control plane ends with the test.
    let restarted = Arc::downgrade(&plane);
    let mut seen = 0;
    let restart = move |request: &Request| {
        let stores = request.method == "PATCH" && !request.target.contains("dryRun");
        if stores && request.target.contains("/virtualservices/") {
            seen += 1;
            if seen == 1 {
                let plane = restarted.upgrade().expect("the test holds it");
                plane.stop_apiserver();
                std::thread::spawn(move || plane.start_apiserver());
                return Reply::Drop;
            }
        }
        Reply::Forward(upstream, Duration::ZERO)
    };
    let stub = HttpStub::start(restart);
    leads_to(&mut workspace, &stub);
    workspace
        .run(&["apply", "--retry-for", "120s"])
        .exits(0)
        .prints("VirtualService stopped/httpbin created")
        .says("retrying");
    assert!(!plane.get("stopped", "virtualservices", "httpbin").is_null());
}

#[test]
fn another_servers_certificate() {
    let plane = ControlPlane::shared();
    let mut workspace = ClusterWorkspace::new(&plane, "wrong-ca", &[HOST], "mutual");
    let ca = workspace.dir.read(format!("{HOST}/1_root/certs/ca.cert.pem"));
    let real = workspace.kubeconfig.clone();
    workspace.change_kubeconfig(
        "certificate-authority-data: ",
        &format!("    certificate-authority-data: {}", STANDARD.encode(ca)),
    );
    workspace
        .run(&["apply"])
        .exits(3)
        .says("TLS with the API server")
        .says("UnknownIssuer")
        .says("certificate-authority-data");
    // A name that its certificate does not bear.
    let text = std::fs::read_to_string(&real).expect("a kubeconfig");
    let server = text.lines().find(|line| line.contains("server: ")).expect("a server");
    workspace.kubeconfig = real;
    workspace.change_kubeconfig(
        "server: ",
        &format!("{server}\n    tls-server-name: elsewhere.example.com"),
    );
    workspace
        .run(&["apply"])
        .exits(3)
        .says("TLS with the API server")
        .says("tls-server-name");
}
