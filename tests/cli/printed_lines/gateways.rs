//! Lines about the local gateway, and what a probe of it says.

use istio_tls::remedy::Kind;
use rustix::process::Signal;

use super::stage::{HOST, Printed, Stage, WS};
use crate::running_program::{await_condition, await_value};
use crate::serve_process::Serve;

/// A host of the sample httpbin, whose routes do not lead everywhere.
const SAMPLE: &str = "httpbin.example.com";

/// The gateway of the workspace runs until it is ended.
pub(super) fn serve() -> Stage {
    let stage = Stage::with_chain();
    let line = stage.printed(Kind::Serve, &["probe"]);
    let mut gateway = stage.starts(&line, "the gateway is ready");
    stage.ours(&["probe"]).exits(0);
    let pid = rustix::process::Pid::from_child(&gateway.0);
    rustix::process::kill_process(pid, Signal::TERM).expect("a signal sent");
    let ended = await_value(
        || gateway.0.try_wait().expect("a status"),
        || format!("it does not end: {}", stage.dir.read("started.log")),
    );
    assert_eq!(ended.code(), Some(0), "{}", stage.dir.read("started.log"));
    stage
}

/// `up` serves no files.
pub(super) fn serve_file() -> Stage {
    let stage = Stage::with_chain();
    let objects = stage
        .ours(&["manifests", "--only", "gateway,virtualservice"])
        .exits(0)
        .stdout;
    stage.dir.write("gateway.yaml", objects);
    let refused = ["up", "-f", "gateway.yaml"];
    let line = stage.printed(Kind::ServeFile, &refused).filled("FILE", "gateway.yaml");
    let probe = stage.printed(Kind::Probe, &refused);
    let _gateway = stage.starts(&line, "the gateway is ready");
    stage.types(&probe).exits(0);
    stage
}

/// A second gateway of the same workspace.
pub(super) fn kill() -> Stage {
    let stage = Stage::with_chain();
    let serve = Serve::start(&stage.dir, &["-C", WS]);
    let again = ["serve", "--admin", "127.0.0.1:0", "--port-map", "443=0"];
    let ran = stage.ours(&again).exits(3);
    stage
        .types(&Printed::told(Kind::Kill, &ran, &format!("kill {}", serve.pid())))
        .exits(0);
    assert_eq!(serve.ended(), Some(0));
    stage
}

/// Mutual TLS is probed on a host that demands no client certificate.
pub(super) fn gen_certs_mode() -> Stage {
    let stage = Stage::new();
    stage.ours(&["gen-certs", HOST, "--mode", "simple"]).exits(0);
    let _serve = Serve::start(&stage.dir, &["-C", WS]);
    stage.follows(Kind::GenCertsMode, &["probe", "--mtls"]).exits(0);
    await_condition(
        || stage.ours(&["probe", "--mtls"]).code == Some(0),
        || "the gateway never demanded a client certificate".to_owned(),
    );
    stage
}

/// A client whose key can make no signature that a gateway takes.
pub(super) fn gen_certs_key_type() -> Stage {
    let stage = Stage::new();
    stage.ours(&["gen-certs", HOST, "--key-type", "ed25519"]).exits(0);
    let _serve = Serve::start(&stage.dir, &["-C", WS]);
    stage.follows(Kind::GenCertsKeyType, &["probe"]).exits(0);
    await_condition(
        || stage.ours(&["probe"]).code == Some(0),
        || "the new client was never let in".to_owned(),
    );
    stage
}

/// A path that no route takes.
pub(super) fn manifests_virtual_service() -> Stage {
    let stage = Stage::new();
    stage.ours(&["gen-certs", SAMPLE]).exits(0);
    let _serve = Serve::start(&stage.dir, &["-C", WS]);
    let made = stage
        .follows(Kind::ManifestsVirtualService, &["probe", "--path", "/nothing"])
        .exits(0);
    made.prints("kind: VirtualService").prints(SAMPLE);
    stage
}

/// A browser asks for one host over the connection of another.
pub(super) fn lint() -> Stage {
    let stage = Stage::new();
    let simple = ["--mode", "simple"];
    stage
        .ours(&[&["gen-certs", "a.example.com", "--san", "*.example.com"], &simple[..]].concat())
        .exits(0);
    let ca = format!("{WS}/a.example.com");
    stage
        .ours(&[&["gen-certs", "b.example.com", "--ca", &ca], &simple[..]].concat())
        .exits(0);
    let _serve = Serve::start(&stage.dir, &["-C", WS]);
    let found = stage.follows(Kind::Lint, &["probe", "--coalesce"]);
    found.prints("a.example.com").prints("b.example.com").prints("ITL08");
    stage
}
