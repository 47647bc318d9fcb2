//! Real Envoy and `serve` for one case, each with upstreams of its own.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use super::case::{Case, Fixture, Request};
use super::client;
use super::material::filled;
use super::outcome::Outcome;
use super::upstream::Upstreams;
use crate::harness::Dir;
use crate::installed_tools::tool;
use crate::running_program::{Program, await_condition, await_value};
use crate::serve_process::Serve;

/// Envoy with a case's bootstrap.
pub(super) struct Envoy {
    dir: Dir,
    upstreams: Upstreams,
    /// Where a Gateway's port is listened on.
    ports: Vec<(u16, SocketAddr)>,
    _program: Program,
}

impl Envoy {
    pub(super) fn start(case: &Case) -> Self {
        let dir = Dir::new();
        let upstreams = Upstreams::start(case.fixture.upstreams.iter().map(super::case::Destination::key));
        let secret_file = |name: &str| {
            let number = case
                .fixture
                .secrets
                .keys()
                .position(|own| own == name)
                .expect("a Secret of the fixture");
            dir.path(format!("secret-{number}.json")).display().to_string()
        };
        let other = |kind: &str, name: &str| match kind {
            "port" => Some("0".to_owned()),
            "secret" => Some(secret_file(name)),
            "upstream" => upstreams.address(name).map(|address| address.port().to_string()),
            _ => None,
        };
        for (number, answer) in case.fixture.secrets.values().enumerate() {
            dir.write(&format!("secret-{number}.json"), filled(&answer.to_string(), other));
        }
        let mut bootstrap = case.fixture.bootstrap.clone();
        bootstrap["admin"] =
            serde_json::json!({"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}});
        dir.write("envoy.json", filled(&bootstrap.to_string(), other));
        let mut program = start_program(&dir);
        let ports = listeners(&dir, &mut program, &case.fixture);
        Self {
            dir,
            upstreams,
            ports,
            _program: program,
        }
    }

    pub(super) fn log(&self) -> String {
        self.dir.read("envoy.log")
    }

    pub(super) fn answer(&self, request: &Request) -> Outcome {
        let port = request.connection.port;
        let address = self
            .ports
            .iter()
            .find(|(own, _)| *own == port)
            .map(|(_, address)| *address);
        exchange(request, address, &self.upstreams)
    }
}

fn start_program(dir: &Dir) -> Program {
    let child = Command::new(tool("envoy"))
        .args([
            "-c",
            "envoy.json",
            "--use-dynamic-base-id",
            "--concurrency",
            "1",
            "-l",
            "warning",
        ])
        .args(["--admin-address-path", "admin"])
        .current_dir(dir.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(dir.path("envoy.log")).expect("a log"))
        .spawn()
        .expect("Envoy starts; set ISTIO_TLS_TOOLS");
    Program(child)
}

/// Waits until Envoy listens on every port of its bootstrap, and tells where.
fn listeners(dir: &Dir, program: &mut Program, fixture: &Fixture) -> Vec<(u16, SocketAddr)> {
    let log = || format!("Envoy does not get ready: {}", dir.read("envoy.log"));
    let wanted = fixture.ports();
    await_value(
        || {
            if let Some(status) = program.0.try_wait().expect("its state is known") {
                panic!("Envoy ended with {status}: {}", dir.read("envoy.log"));
            }
            let admin = std::fs::read_to_string(dir.path("admin")).ok()?.trim().parse().ok()?;
            if !get(admin, "/ready")?.starts_with("HTTP/1.1 200") {
                return None;
            }
            let text = get(admin, "/listeners")?;
            let addresses: Vec<SocketAddr> = (text.lines())
                .filter_map(|line| line.split_once("::")?.1.parse().ok())
                .collect();
            // In the order of the bootstrap.
            let names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once("::")?.0)).collect();
            let order: Vec<String> = (fixture.bootstrap["static_resources"]["listeners"].as_array()?.iter())
                .map(|listener| listener["name"].as_str().unwrap_or_default().to_owned())
                .collect();
            let found = wanted.iter().zip(&order).filter_map(|(port, name)| {
                let at = names.iter().position(|own| own == name)?;
                Some((*port, addresses[at]))
            });
            Some(found.collect::<Vec<_>>()).filter(|found| found.len() == wanted.len())
        },
        log,
    )
}

fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes())
        .ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

/// `serve` with a case's manifests.
pub(super) struct Ours<'d> {
    serve: Serve<'d>,
    upstreams: Upstreams,
}

impl<'d> Ours<'d> {
    pub(super) fn start(dir: &'d Dir, case: &Case) -> Self {
        let destinations = &case.fixture.upstreams;
        let upstreams = Upstreams::start(destinations.iter().map(super::case::Destination::key));
        dir.write("manifests.yaml", filled(&case.manifests, |_, _| None));
        let mut args = vec![
            "-f".to_owned(),
            "manifests.yaml".to_owned(),
            "--threads".to_owned(),
            "1".to_owned(),
        ];
        // A subset goes where its Service goes, as long as serve runs no subsets.
        for destination in destinations.iter().filter(|destination| destination.subset.is_empty()) {
            let address = upstreams.address(&destination.key()).expect("an upstream");
            args.push("--upstream".to_owned());
            args.push(format!(
                "{}={}://{address}",
                destination.service(),
                destination.protocol
            ));
        }
        for port in case.ports().iter().filter(|port| ![80, 443].contains(*port)) {
            args.push("--port-map".to_owned());
            args.push(format!("{port}=0"));
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Self {
            serve: Serve::start(dir, &args),
            upstreams,
        }
    }

    pub(super) fn log(&self) -> String {
        self.serve.log()
    }

    pub(super) fn answer(&self, request: &Request) -> Outcome {
        exchange(
            request,
            self.serve.find_address(request.connection.port),
            &self.upstreams,
        )
    }
}

fn exchange(request: &Request, address: Option<SocketAddr>, upstreams: &Upstreams) -> Outcome {
    let mut outcome = client::send(request, address);
    if let Some(wanted) = request.connection.upstream {
        await_condition(
            || upstreams.log.count() >= wanted,
            || format!("{}: fewer than {wanted} requests reached the upstreams", request.title),
        );
    }
    upstreams.log.take(&mut outcome);
    outcome
}
