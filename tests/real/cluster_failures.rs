//! A real API server that is stopped in the middle, is slow, or fails for a
//! while: `apply` waits, or says what it did; run again, it converges.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::http_stub::{HttpStub, Reply, Request};
use crate::running_program::Program;

const HOST: &str = "httpbin.example.com";

/// `kubectl proxy`: the API server's HTTP without TLS, as admin.
fn plain_http(plane: &ControlPlane) -> (Program, std::net::SocketAddr) {
    let mut command = plane.kubectl_command(&["proxy", "--port=0", "--reject-methods=^$"]);
    let mut proxy = Program(command.stdout(Stdio::piped()).spawn().expect("kubectl proxy starts"));
    let mut line = String::new();
    let output = proxy.0.stdout.take().expect("its output");
    BufReader::new(output).read_line(&mut line).expect("a line");
    let address = line.trim().rsplit(' ').next().expect("an address").parse();
    (proxy, address.unwrap_or_else(|error| panic!("{line:?}: {error}")))
}

/// A kubeconfig that leads to the stub.
fn leads_to(workspace: &mut ClusterWorkspace, stub: &HttpStub) {
    workspace.kubeconfig = {
        let real = std::fs::read_to_string(&workspace.kubeconfig).expect("a kubeconfig");
        let text: Vec<String> = real
            .lines()
            .map(|line| match line.trim().starts_with("server: ") {
                true => format!("    server: http://{}", stub.address),
                false => line.to_owned(),
            })
            .collect();
        workspace.dir.write("kubeconfig", text.join("\n"))
    };
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
        match seen % 5 {
            1 => status(409, "Conflict"),
            2 => status(429, "TooManyRequests"),
            3 => status(500, "InternalError"),
            4 => Reply::Drop,
            _ => Reply::Forward(upstream, Duration::ZERO),
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
    let plane = ControlPlane::start();
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
}

#[test]
fn another_servers_certificate() {
    let plane = ControlPlane::shared();
    let mut workspace = ClusterWorkspace::new(&plane, "wrong-ca", &[HOST], "mutual");
    let text = std::fs::read_to_string(&workspace.kubeconfig).expect("a kubeconfig");
    let ca = workspace.dir.read(format!("{HOST}/1_root/certs/ca.cert.pem"));
    let other = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(ca)
    };
    let lines: Vec<String> = text
        .lines()
        .map(|line| match line.trim().starts_with("certificate-authority-data: ") {
            true => format!("    certificate-authority-data: {other}"),
            false => line.to_owned(),
        })
        .collect();
    workspace.kubeconfig = workspace.dir.write("kubeconfig", lines.join("\n"));
    workspace
        .run(&["apply"])
        .exits(3)
        .says("TLS with the API server")
        .says("UnknownIssuer")
        .says("certificate-authority-data");
    // A name that its certificate does not bear.
    let named: Vec<String> = text
        .lines()
        .map(|line| match line.trim().starts_with("server: ") {
            true => format!("{line}\n    tls-server-name: elsewhere.example.com"),
            false => line.to_owned(),
        })
        .collect();
    workspace.kubeconfig = workspace.dir.write("kubeconfig", named.join("\n"));
    workspace
        .run(&["apply"])
        .exits(3)
        .says("TLS with the API server")
        .says("tls-server-name");
}
