//! Ctrl-C while `apply` and `delete` change a cluster: nothing more is sent, the
//! answers that are due are waited for, and what is done is told exactly. The API
//! server here is the test's own, behind one that holds requests back.

use std::process::Stdio;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::fake_api_server::{FakeApiServer, kubeconfig, workspace};
use crate::harness::Dir;
use crate::http_stub::{HttpStub, Reply, Request};
use crate::running_program::{Program, await_condition};

const SECRET: &str = "/api/v1/namespaces/istio-system/secrets/httpbin-credential";
const GATEWAY: &str = "/apis/networking.istio.io/v1/namespaces/default/gateways/mygateway";
/// What is said when answers are waited for.
const WAITING: &str = "sending nothing more; waiting";

/// A request that is held back.
pub(crate) struct Held {
    reached: Receiver<()>,
    pub(crate) release: Sender<()>,
}

impl Held {
    /// Returns when it has come.
    #[track_caller]
    pub(crate) fn await_it(&self) {
        let came = self.reached.recv_timeout(Duration::from_secs(30));
        came.expect("the request comes");
    }
}

/// A server that holds the first request of this kind back until told.
pub(crate) fn holding(inner: &FakeApiServer, dir: &Dir, is_held: impl Fn(&Request) -> bool + Send + 'static) -> Held {
    let ((reach, reached), (release, released)) = (channel(), channel());
    let mut released = Some(released);
    let address = inner.address();
    let outer = HttpStub::start(move |request| match released.take_if(|_| is_held(request)) {
        Some(released) => {
            // A test that has failed waits no more.
            let _ = reach.send(());
            Reply::Held(address, released)
        }
        None => Reply::Forward(address, Duration::ZERO),
    });
    kubeconfig(dir, &format!("http://{}", outer.address));
    Held { reached, release }
}

fn is_stored(request: &Request, path: &str) -> bool {
    request.method == "PATCH" && request.target.starts_with(path) && !request.target.contains("dryRun")
}

/// A command that runs with its output in files.
pub(crate) struct Running<'d> {
    dir: &'d Dir,
    program: Program,
}

impl<'d> Running<'d> {
    pub(crate) fn start(dir: &'d Dir, args: &[&str]) -> Self {
        let file = |name: &str| std::fs::File::create(dir.path(name)).expect("a file");
        let mut command = dir.command(args);
        command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
        let program = Program(command.spawn().expect("it starts"));
        Self { dir, program }
    }

    #[track_caller]
    fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.program.0), signal).expect("a signal sent");
    }

    #[track_caller]
    pub(crate) fn await_said(&self, text: &str) {
        await_condition(|| self.dir.read("err").contains(text), || self.dir.read("err"));
    }

    /// Its exit code, and what it printed.
    #[track_caller]
    pub(crate) fn end(mut self) -> (Option<i32>, Value) {
        let said = || self.dir.read("err");
        await_condition(|| self.program.0.try_wait().expect("a status").is_some(), said);
        let code = self.program.0.wait().expect("a status").code();
        let out = self.dir.read("out");
        let json = serde_json::from_str(&out).unwrap_or_else(|error| panic!("no JSON: {error}\n{out}\n{}", said()));
        (code, json)
    }
}

fn kinds(printed: &Value) -> Vec<&str> {
    let objects = printed["objects"].as_array().expect("a list").iter();
    objects.map(|object| object["kind"].as_str().expect("a kind")).collect()
}

#[test]
fn apply_waits_for_the_answer_that_is_due_and_sends_nothing_more() {
    let dir = workspace();
    let inner = FakeApiServer::start();
    let held = holding(&inner, &dir, |request| is_stored(request, GATEWAY));
    let running = Running::start(&dir, &["apply", "-o", "json"]);
    held.await_it();
    running.interrupt();
    running.await_said(WAITING);
    held.release.send(()).expect("it waits");
    let (code, printed) = running.end();
    assert_eq!(code, Some(130));
    assert_eq!(kinds(&printed), ["Secret", "Gateway"]);
    let error = &printed["error"];
    assert_eq!(error["what"], "interrupted (SIGINT) before everything was applied");
    assert_eq!(
        error["why"],
        "applied: Secret istio-system/httpbin-credential, Gateway default/mygateway\n\
         not applied: VirtualService default/httpbin"
    );
    assert_eq!(inner.stored(), [SECRET, GATEWAY]);
    // It goes on from there.
    inner.kubeconfig(&dir);
    dir.run(&["apply"])
        .exits(0)
        .prints("Gateway default/mygateway unchanged\nVirtualService default/httpbin created");
}

#[test]
fn a_second_interrupt_waits_for_no_answer() {
    let dir = workspace();
    let inner = FakeApiServer::start();
    let held = holding(&inner, &dir, |request| is_stored(request, GATEWAY));
    let running = Running::start(&dir, &["apply", "-o", "json"]);
    held.await_it();
    running.interrupt();
    running.await_said(WAITING);
    running.interrupt();
    let (code, printed) = running.end();
    assert_eq!(code, Some(130));
    assert_eq!(
        printed["error"]["why"],
        "applied: Secret istio-system/httpbin-credential\n\
         not applied: VirtualService default/httpbin\n\
         sent, result unknown: Gateway default/mygateway"
    );
}

#[test]
fn delete_waits_for_the_answer_that_is_due_and_leaves_the_rest() {
    let dir = workspace();
    let inner = FakeApiServer::start();
    inner.kubeconfig(&dir);
    dir.run(&["apply", "--no-wait"]).exits(0);
    let held = holding(&inner, &dir, |request| {
        request.method == "DELETE" && request.target.starts_with(GATEWAY)
    });
    let running = Running::start(&dir, &["delete", "--local", "--yes", "-o", "json"]);
    held.await_it();
    running.interrupt();
    running.await_said(WAITING);
    held.release.send(()).expect("it waits");
    let (code, printed) = running.end();
    assert_eq!(code, Some(130));
    assert_eq!(kinds(&printed), ["VirtualService", "Gateway"]);
    let error = &printed["error"];
    assert_eq!(error["what"], "interrupted (SIGINT) before everything was deleted");
    let why = error["why"].as_str().expect("a reason");
    assert!(
        why.starts_with(
            "deleted so far: VirtualService default/httpbin, Gateway default/mygateway\n\
             not deleted: Secret istio-system/httpbin-credential, "
        ),
        "{why}"
    );
    assert_eq!(inner.stored(), [SECRET]);
    assert!(dir.path("httpbin.example.com").exists(), "files go last");
    inner.kubeconfig(&dir);
    dir.run(&["delete", "--local", "--yes"]).exits(0);
    assert!(inner.stored().is_empty() && !dir.path("httpbin.example.com").exists());
}
