//! Every command counts the same hosts: those of istio-tls.yaml, and those whose
//! chain stands in the folder without an entry there.

use crate::harness::Dir;
use crate::serve_process::{Serve, client_of, trusting};

const HTTPBIN: &str = "httpbin.example.com";
const BOOKINFO: &str = "bookinfo.com";
const NOTE: &str = "istio-tls.yaml has no entry for bookinfo.com, but bookinfo.com/ holds its chain, so the host counts; \
                    to exclude it, move bookinfo.com/ away or delete it";

/// A workspace of two hosts.
fn workspace(of_bookinfo: &[&str]) -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", HTTPBIN]).exits(0);
    let mut args = vec!["gen-certs", BOOKINFO];
    args.extend_from_slice(of_bookinfo);
    dir.run(&args).exits(0);
    dir
}

/// The same where bookinfo.com has no entry.
fn without_entry(of_bookinfo: &[&str]) -> Dir {
    let dir = workspace(of_bookinfo);
    let text = dir.read("istio-tls.yaml");
    let entry = text.find("  - host: bookinfo.com").expect("an entry");
    dir.write("istio-tls.yaml", &text[..entry]);
    dir
}

/// The same where bookinfo.com has no chain.
fn without_chain() -> Dir {
    let dir = workspace(&[]);
    std::fs::remove_dir_all(dir.path(BOOKINFO)).expect("removed");
    dir
}

#[test]
fn a_chain_without_entry_is_served_and_probed() {
    let dir = without_entry(&[]);
    let before = dir.read("istio-tls.yaml");
    let serve = Serve::start(&dir, &[]);
    assert_eq!(serve.log().matches(NOTE).count(), 1, "{}", serve.log());
    for (host, path) in [(HTTPBIN, "/status/200"), (BOOKINFO, "/productpage")] {
        let mut connection = serve.open(host, &client_of(&dir, host)).expect(host);
        assert_eq!(connection.get(path).expect("an answer").status, 200, "{host}");
    }
    for args in [
        &["probe", "--mtls", "-o", "json"][..],
        &["probe", BOOKINFO, "-o", "json"],
    ] {
        let ran = dir.run(args).exits(0).says(NOTE);
        let results = ran.json()["results"].clone();
        let hosts: Vec<_> = results
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| &one["host"])
            .collect();
        assert!(hosts.iter().any(|host| *host == BOOKINFO), "{results}");
    }
    let ran = dir.run(&["request", BOOKINFO, "/productpage"]).exits(0);
    assert!(ran.stdout.contains("200"), "{}", ran.stdout);
    assert_eq!(
        dir.read("istio-tls.yaml"),
        before,
        "commands that only read write nothing"
    );
}

#[test]
fn a_chain_without_entry_comes_and_goes_while_it_is_served() {
    let dir = workspace(&[]);
    std::fs::rename(dir.path(BOOKINFO), dir.path("away")).expect("moved");
    let text = dir.read("istio-tls.yaml");
    dir.write(
        "istio-tls.yaml",
        &text[..text.find("  - host: bookinfo.com").expect("an entry")],
    );
    let mut serve = Serve::start(&dir, &[]);
    let client = |dir: &Dir| trusting(dir, HTTPBIN);
    assert!(serve.open(BOOKINFO, &client(&dir)).is_err());
    std::fs::rename(dir.path("away"), dir.path(BOOKINFO)).expect("moved");
    let identity = client_of(&dir, BOOKINFO);
    serve.wait_until("the chain is served", |serve| serve.open(BOOKINFO, &identity).is_ok());
    std::fs::rename(dir.path(BOOKINFO), dir.path("away")).expect("moved");
    serve.wait_until("it is not", |serve| serve.open(BOOKINFO, &identity).is_err());
}

#[test]
fn a_chain_without_entry_is_linted() {
    let dir = without_entry(&["--bad", "expired"]);
    let ran = dir.run(&["lint"]).exits(1).says(NOTE);
    assert!(ran.stdout.contains("bookinfo.com/3_application"), "{}", ran.stdout);
    let dir = without_entry(&[]);
    dir.run(&["lint"]).exits(0).says(NOTE);
}

#[test]
fn a_chain_without_entry_has_manifests_and_a_status() {
    let dir = without_entry(&[]);
    let ran = dir.run(&["manifests"]).exits(0).says(NOTE);
    assert!(ran.stdout.contains("bookinfo-credential"), "{}", ran.stdout);
    dir.run(&["status"]).exits(0).says(NOTE).prints(BOOKINFO);
}

#[test]
fn without_a_file_every_command_counts_the_chains() {
    let dir = workspace(&[]);
    std::fs::remove_file(dir.path("istio-tls.yaml")).expect("removed");
    let serve = Serve::start(&dir, &[]);
    assert!(!serve.log().contains("has no entry"), "{}", serve.log());
    dir.run(&["probe", "--mtls"]).exits(0).prints(HTTPBIN).prints(BOOKINFO);
    dir.run(&["status"]).exits(0).prints(HTTPBIN).prints(BOOKINFO);
    dir.run(&["lint"]).exits(0);
    let ran = dir.run(&["manifests"]).exits(0);
    assert!(ran.stdout.contains("bookinfo-credential"), "{}", ran.stdout);
    assert!(!dir.path("istio-tls.yaml").exists(), "nothing is written");
}

#[test]
fn an_entry_without_chain_is_named_with_the_line_that_makes_it() {
    const LINE: &str = "istio-tls gen-certs bookinfo.com";
    let dir = without_chain();
    let mut serve = Serve::start(&dir, &[]);
    assert!(serve.log().contains(LINE), "{}", serve.log());
    assert!(serve.open(HTTPBIN, &client_of(&dir, HTTPBIN)).is_ok());
    assert!(serve.open(BOOKINFO, &trusting(&dir, HTTPBIN)).is_err());
    dir.run(&["probe", HTTPBIN]).exits(0);
    dir.run(&["probe", BOOKINFO]).exits(1);
    dir.run(&["lint"]).exits(1).prints(LINE);
    dir.run(&["manifests"])
        .exits(2)
        .says("there is no chain for bookinfo.com")
        .says(LINE);
    dir.run(&["status"]).exits(1).prints(LINE);
    dir.run(&["gen-certs", BOOKINFO]).exits(0);
    let identity = client_of(&dir, BOOKINFO);
    serve.wait_until("the new chain is served", |serve| {
        serve.open(BOOKINFO, &identity).is_ok()
    });
    for args in [&["probe", BOOKINFO][..], &["lint"], &["manifests"], &["status"]] {
        dir.run(args).exits(0);
    }
}
