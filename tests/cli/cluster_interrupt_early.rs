//! Ctrl-C and SIGTERM before anything is changed, and while something is awaited
//! that nothing is changed by: exit code 130, and JSON that says what is done.

use std::io::Read as _;
use std::net::TcpListener;

use rustix::process::Signal;

use crate::cluster_interrupt::{Running, holding};
use crate::fake_api_server::{FakeApiServer, workspace};
use crate::harness::Dir;
use crate::running_program::await_condition;

const SIGNALS: [(Signal, &str); 2] = [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")];

#[test]
fn apply_says_that_nothing_is_stored_when_a_signal_comes_before() {
    for (signal, name) in SIGNALS {
        for (args, before) in [
            (&["apply", "-o", "json"][..], "anything was stored"),
            (&["apply", "--diff", "-o", "json"], "the comparison was complete"),
            (
                &["apply", "--dry-run", "server", "-o", "json"],
                "the dry run was complete; nothing was stored",
            ),
        ] {
            let dir = workspace();
            let inner = FakeApiServer::start();
            let held = holding(&inner, &dir, |request| request.target.contains("dryRun"));
            let running = Running::start(&dir, args);
            held.await_it();
            running.signal(signal);
            let (code, printed) = running.end();
            assert_eq!(code, Some(130), "{args:?} {name}");
            assert_eq!(
                printed["error"]["what"],
                format!("interrupted ({name}) before {before}")
            );
            assert_eq!(printed["schema"], 1);
            if before == "anything was stored" {
                assert_eq!(printed["objects"], serde_json::json!([]));
            }
            assert!(inner.stored().is_empty());
        }
    }
}

#[test]
fn doctor_and_status_end_with_130_and_json() {
    for (signal, name) in SIGNALS {
        for args in [
            &["doctor", "-o", "json"][..],
            &["status", "--context", "there", "-o", "json"],
        ] {
            let dir = workspace();
            let inner = FakeApiServer::start();
            let held = holding(&inner, &dir, |_| true);
            let running = Running::start(&dir, args);
            held.await_it();
            running.signal(signal);
            let (code, printed) = running.end();
            assert_eq!(code, Some(130), "{args:?} {name}");
            assert_eq!(printed["error"]["what"], format!("interrupted ({name})"));
        }
    }
}

#[test]
fn a_probe_that_waits_tells_the_checks_that_have_ended() {
    const HOST: &str = "httpbin.example.com";
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    // One gateway that serves, and one that closes every connection.
    let serve = crate::serve_process::Serve::start(&dir, &[]);
    let served = serve.address(443);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closing = listener.local_addr().expect("an address");
    let (reach, reached) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 64]);
            // The test may have ended.
            let _ = reach.send(());
        }
    });
    let resolve = format!("other.example.com:{}:127.0.0.1", closing.port());
    let args = [
        "probe",
        &format!("{HOST}:{}", served.port()),
        &format!("other.example.com:{}", closing.port()),
        "--resolve",
        &resolve,
        "--resolve",
        &format!("{HOST}:{}:127.0.0.1", served.port()),
        "--wait",
        "300s",
        "-o",
        "json",
    ];
    for (signal, name) in SIGNALS {
        while reached.try_recv().is_ok() {}
        let running = Running::start(&dir, &args);
        // A second try says that the first one had ended; the other check is one dial.
        for _ in 0..8 {
            reached
                .recv_timeout(std::time::Duration::from_secs(30))
                .expect("it tries again");
        }
        running.signal(signal);
        let (code, printed) = running.end();
        assert_eq!(code, Some(130), "{printed}");
        assert_eq!(
            printed["error"]["what"],
            format!("interrupted ({name}) before every check had ended")
        );
        assert_eq!(printed["ok"], false);
        let results = printed["results"].as_array().expect("results");
        assert_eq!(results.len(), 1, "{printed:#}");
        assert_eq!((&results[0]["host"], &results[0]["ok"]), (&HOST.into(), &true.into()));
    }
}

#[test]
fn a_watch_ends_with_130_and_no_error() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    let file = |name: &str| std::fs::File::create(dir.path(name)).expect("a file");
    let args = ["probe", "--target", "127.0.0.1:1", "--watch=50ms"];
    let mut command = dir.command(&args);
    let mut watch = crate::running_program::Program(
        command
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .expect("it starts"),
    );
    await_condition(|| dir.read("out").contains("connection-refused"), || dir.read("err"));
    let pid = rustix::process::Pid::from_child(&watch.0);
    rustix::process::kill_process(pid, Signal::TERM).expect("a signal sent");
    await_condition(|| watch.0.try_wait().expect("a status").is_some(), || dir.read("err"));
    assert_eq!(watch.0.wait().expect("a status").code(), Some(130));
    assert_eq!(dir.read("err"), "");
}
