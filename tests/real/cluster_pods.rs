//! Logs, commands and ports of pods through a real API server. The node, its
//! kubelet and what runs in the pods are played (`played_node`).

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use istio_tls::cluster::client::Client;
use istio_tls::cluster::kubeconfig::{Access, Places};
use istio_tls::cluster::pods::{Forward, PodRef, exec, logs};
use istio_tls::problem::Problem;
use istio_tls::remedy::Aim;
use serde_json::json;
use time::OffsetDateTime;

use crate::control_plane::ControlPlane;
use crate::played_node::PlayedNode;

const PROXY: &str = "istio-proxy";

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

/// Runs a test that blocks beside a runtime that goes on meanwhile.
fn beside_runtime(test: impl FnOnce(&tokio::runtime::Handle) + Send + 'static) {
    let runtime = runtime();
    let handle = runtime.handle().clone();
    let test = runtime.spawn_blocking(move || test(&handle));
    runtime.block_on(test).expect("the test passes");
}

/// A client of one of the control plane's users.
async fn client(plane: &ControlPlane, user: &str) -> Client<'static> {
    let places = Places {
        file: Some(plane.kubeconfig()),
        variable: None,
        home: None,
        in_pod: false,
    };
    let access = Access::read(&places, Some(user), OffsetDateTime::now_utc()).await;
    Client::new(access.expect("a kubeconfig"), Duration::from_secs(5), &|_| {}).expect("a client")
}

fn pod(namespace: &str, name: &str) -> PodRef {
    PodRef {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

#[track_caller]
fn fails<T>(result: Result<T, Problem>, words: &[&str]) {
    let Err(problem) = result else {
        panic!("it did not fail, but should have said {words:?}");
    };
    let said = problem.text(&Aim::default());
    for words in words {
        assert!(said.contains(words), "not {words:?}, but: {said}");
    }
}

/// Serves one connection after another on a port of its own.
fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let serve = std::sync::Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = std::sync::Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

#[test]
fn logs_and_commands_of_a_container() {
    let plane = ControlPlane::shared();
    let [namespace, _] = plane.namespaces("asked");
    let node = PlayedNode::start(&plane, "played-asked");
    let containers = json!([{"name": PROXY, "image": "auto"}, {"name": "app", "image": "app"}]);
    node.make_pod(&namespace, "gateway", &json!({}), &containers);
    let line = ["pilot-agent", "request", "GET", "certs"];
    let long = "x".repeat(200_000);
    node.play(
        &namespace,
        "gateway",
        json!({"containers": {PROXY: {
            "log": node.file("proxy.log", "first\nsecond\nthird \u{fffd}\n"),
            "exec": [
                {"command": line, "stdout": node.file("certs.json", &long)},
                {"command": ["false"], "stderr": "it is false\n", "exitCode": 7},
            ],
        }}}),
    );
    let gateway = pod(&namespace, "gateway");
    runtime().block_on(async {
        let admin = client(&plane, "admin").await;
        let log = logs(&admin, &gateway, PROXY, 2).await.expect("a log");
        assert_eq!(log, "second\nthird \u{fffd}\n");
        let by_kubectl = plane.kubectl_ok(&["-n", &namespace, "logs", "gateway", "-c", PROXY, "--tail", "2"]);
        assert_eq!(log, by_kubectl);
        let output = exec(&admin, &gateway, PROXY, &line).await.expect("its output");
        assert_eq!(String::from_utf8(output).expect("text"), long);
        fails(
            exec(&admin, &gateway, PROXY, &["false"]).await,
            &["false ended with exit code 7", "it is false", PROXY],
        );
        fails(
            exec(&admin, &gateway, PROXY, &["unknown"]).await,
            &["unknown could not be run", "no such command"],
        );
        for container in ["nothing", "app"] {
            // The first is not the pod's; the second has not started.
            let words = match container {
                "app" => format!("the pod {namespace}/gateway is not running on its node"),
                _ => format!("the pod {namespace}/gateway has no container nothing"),
            };
            fails(logs(&admin, &gateway, container, 2).await, &[&words]);
            if container == "nothing" {
                fails(exec(&admin, &gateway, container, &line).await, &[&words]);
            }
        }
        let missing = pod(&namespace, "missing");
        let words = format!("the pod {namespace}/missing does not exist");
        fails(logs(&admin, &missing, PROXY, 2).await, &[&words, "get pods"]);
        fails(exec(&admin, &missing, PROXY, &line).await, &[&words]);

        // view lets read logs, and neither run commands nor forward ports.
        let viewer = client(&plane, "viewer").await;
        logs(&viewer, &gateway, PROXY, 1).await.expect("a log");
        let words = |resource: &str| format!("the user \"viewer\" may not get {resource} in the namespace {namespace}");
        fails(exec(&viewer, &gateway, PROXY, &line).await, &[&words("pods/exec"), "can-i get pods/exec"]);
        fails(Forward::open(&viewer, &gateway, 8443).await, &[&words("pods/portforward")]);
        let limited = client(&plane, "limited").await;
        fails(
            logs(&limited, &gateway, PROXY, 1).await,
            &["the user \"limited\" may not get pods/log"],
        );

        // A pod that no node runs, a node that is not there, and one that does not answer.
        let unscheduled = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "waits", "namespace": namespace},
            "spec": {"containers": containers}});
        plane.kubectl_with(&["apply", "--server-side"], &unscheduled.to_string());
        let waits = pod(&namespace, "waits");
        fails(Forward::open(&admin, &waits, 8443).await, &["is not running", "describe pod waits"]);
        fails(exec(&admin, &waits, PROXY, &line).await, &["is not running"]);
        let mut lost = unscheduled.clone();
        lost["metadata"]["name"] = json!("lost");
        lost["spec"]["nodeName"] = json!("nowhere");
        plane.kubectl_with(&["apply", "--server-side"], &lost.to_string());
        fails(
            Forward::open(&admin, &pod(&namespace, "lost"), 8443).await,
            &["the node nowhere of the pod"],
        );
        node.stop_kubelet();
        let words = format!("the node of the pod {namespace}/gateway cannot be reached");
        fails(logs(&admin, &gateway, PROXY, 1).await, &[&words, "connection refused"]);
        fails(exec(&admin, &gateway, PROXY, &line).await, &[&words]);
        fails(Forward::open(&admin, &gateway, 8443).await, &[&words, "get nodes"]);
    });
}

#[test]
fn each_connection_through_a_forward_is_its_own() {
    beside_runtime(forward_connections);
}

fn forward_connections(runtime: &tokio::runtime::Handle) {
    let plane = ControlPlane::shared();
    let [namespace, _] = plane.namespaces("forwarded");
    let node = PlayedNode::start(&plane, "played-forwarded");
    node.make_pod(
        &namespace,
        "gateway",
        &json!({}),
        &json!([{"name": PROXY, "image": "auto"}]),
    );
    let echo = server(|mut stream| {
        let mut copy = stream.try_clone().expect("the same stream");
        // It ends with its client.
        let _ = std::io::copy(&mut stream, &mut copy);
    });
    // A server that answers, and ends the connection itself.
    let clock = server(|mut stream| {
        stream.write_all(&vec![b't'; 300_000]).expect("written");
    });
    // One that answers when its client has stopped sending.
    let patient = server(|mut stream| {
        let mut question = [0; 8];
        stream.read_exact(&mut question).expect("a question");
        std::thread::sleep(Duration::from_millis(300));
        stream.write_all(b"late answer").expect("written");
    });
    node.play(
        &namespace,
        "gateway",
        json!({"ports": {"7": echo.to_string(), "13": clock.to_string(), "17": patient.to_string()}}),
    );
    let gateway = pod(&namespace, "gateway");
    let open = |port| {
        runtime.block_on(async {
            let admin = client(&plane, "admin").await;
            Forward::open(&admin, &gateway, port).await.expect("a forward")
        })
    };
    let connect = |forward: &Forward| {
        let stream = TcpStream::connect(forward.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
        stream
    };

    let forward = open(7);
    assert!(forward.address().ip().is_loopback());
    // All are open before the first one says something.
    let mut streams: Vec<TcpStream> = (0..5).map(|_| connect(&forward)).collect();
    for (number, stream) in streams.iter_mut().enumerate().rev() {
        let sent = format!("{number}").repeat(50_000);
        let mut writer = stream.try_clone().expect("the same stream");
        let text = sent.clone();
        let writing = std::thread::spawn(move || writer.write_all(text.as_bytes()).expect("written"));
        let mut back = vec![0; sent.len()];
        stream.read_exact(&mut back).expect("what was sent");
        assert!(back == sent.as_bytes(), "stream {number} mixes up");
        writing.join().expect("all sent");
    }
    // One that breaks off takes no other with it.
    drop(streams.remove(0));
    streams[0].write_all(b"still here").expect("written");
    let mut back = [0; 10];
    streams[0].read_exact(&mut back).expect("what was sent");
    assert_eq!(&back, b"still here");
    assert!(forward.trouble().is_none());

    let ending = open(13);
    let mut all = Vec::new();
    connect(&ending).read_to_end(&mut all).expect("an answer with an end");
    assert_eq!(all.len(), 300_000);

    let half = open(17);
    let mut stream = connect(&half);
    stream.write_all(b"question").expect("written");
    stream.shutdown(Shutdown::Write).expect("a half-close");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert_eq!(answer, "late answer");

    // Nothing listens in the pod: the connection ends, and the forward knows why.
    let nothing = open(99);
    let _ = connect(&nothing).read_to_end(&mut Vec::new());
    let told = crate::running_program::await_value(|| nothing.trouble(), || "no trouble is told".to_owned());
    let told = told.to_string();
    assert!(
        told.contains(&format!("nothing responds on port 99 of the pod {namespace}/gateway")),
        "{told}"
    );
    assert!(told.contains("connection refused"), "{told}");
    assert!(nothing.trouble().is_none(), "it is told once");

    // The pod goes: the next connection ends, and the forward knows why.
    node.end_pod(&namespace, "gateway");
    let _ = connect(&ending).read_to_end(&mut Vec::new());
    let told = crate::running_program::await_value(|| ending.trouble(), || "no trouble is told".to_owned());
    assert!(told.what.contains("does not exist"), "{told}");

    // A forward that is dropped leaves no port and no connection.
    let address = forward.address();
    drop(forward);
    let mut rest = Vec::new();
    let _ = streams[0].read_to_end(&mut rest);
    assert!(rest.is_empty());
    crate::running_program::await_condition(
        || TcpStream::connect(address).is_err(),
        || format!("{address} is still listened on"),
    );
}
