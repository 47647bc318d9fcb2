//! `serve` while its sources change.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::harness::Dir;
use crate::running_program::StopAtEnd;
use crate::serve_process::{Serve, client_of, trusting};
use crate::tls_client::{Connection, Identity, plain_get};

const HOST: &str = "httpbin.example.com";
const OTHER: &str = "bookinfo.com";
const CERT: &str = "3_application/certs/httpbin.example.com.cert.pem";
const KEY: &str = "3_application/private/httpbin.example.com.key.pem";

fn chain(dir: &Dir) {
    dir.run(&["gen-certs", HOST]).exits(0);
}

/// Waits until new handshakes verify with this identity.
#[track_caller]
fn wait_for(serve: &mut Serve<'_>, identity: &Identity) {
    serve.wait_until("the new chain is served", |serve| {
        serve
            .open(HOST, identity)
            .and_then(|mut connection| connection.get("/status/418"))
            .is_ok_and(|answer| answer.status == 418)
    });
}

#[test]
fn a_chain_made_anew_is_served_and_open_connections_stay() {
    let dir = Dir::new();
    chain(&dir);
    let mut serve = Serve::start(&dir, &[]);
    let old = client_of(&dir, HOST);
    let mut connection = serve.open(HOST, &old).expect("served");
    assert_eq!(connection.get("/status/418").expect("an answer").status, 418);
    dir.run(&["gen-certs", HOST, "--force"]).exits(0);
    let new = client_of(&dir, HOST);
    wait_for(&mut serve, &new);
    assert!(
        serve.open(HOST, &trusting_old(&old)).is_err(),
        "the old root verifies the new chain"
    );
    assert_eq!(connection.get("/status/418").expect("the open connection").status, 418);
}

fn trusting_old(old: &Identity) -> Identity {
    Identity {
        authorities: old.authorities.clone(),
        client: None,
    }
}

#[test]
fn a_bad_change_is_reported_and_the_last_good_one_stays() {
    let dir = Dir::new();
    chain(&dir);
    let mut serve = Serve::start(&dir, &[]);
    let client = client_of(&dir, HOST);
    let key = dir.read(format!("{HOST}/{KEY}"));
    let other = Dir::new();
    chain(&other);
    for (file, content, said) in [
        (
            format!("{HOST}/{KEY}"),
            other.read(format!("{HOST}/{KEY}")),
            "does not belong to the certificate",
        ),
        (format!("{HOST}/{KEY}"), key[..key.len() / 2].to_owned(), "is truncated"),
        (
            "istio-tls.yaml".to_owned(),
            "version: [\n".to_owned(),
            "istio-tls.yaml:",
        ),
    ] {
        let good = dir.read(&file);
        dir.write(&file, content);
        serve.wait_until(said, |serve| {
            serve.log().contains("the last good configuration stays") && serve.log().contains(said)
        });
        assert!(serve.open(HOST, &client).is_ok(), "{}", serve.log());
        let reloads = serve.log().matches("configuration reloaded").count();
        dir.write(&file, good);
        serve.wait_until("the good one is back", |serve| {
            serve.log().matches("configuration reloaded").count() > reloads
        });
        assert!(serve.open(HOST, &client).is_ok());
    }
}

#[test]
fn a_chain_folder_that_is_away_for_a_moment_is_waited_for() {
    let dir = Dir::new();
    chain(&dir);
    let mut serve = Serve::start(&dir, &[]);
    let client = client_of(&dir, HOST);
    fs::rename(dir.path(HOST), dir.path("away")).unwrap();
    // Long enough that the watch has seen it, and shorter than a chain may be away.
    std::thread::sleep(Duration::from_millis(400));
    assert!(serve.open(HOST, &client).is_ok(), "{}", serve.log());
    fs::rename(dir.path("away"), dir.path(HOST)).unwrap();
    // Made of two steps, as a user's shell does it.
    let other = Dir::new();
    chain(&other);
    fs::rename(dir.path(HOST), dir.path("old")).unwrap();
    // The time between a user's two commands.
    std::thread::sleep(Duration::from_millis(100));
    assert!(
        std::process::Command::new("cp")
            .arg("-r")
            .args([other.path(HOST), dir.path(HOST)])
            .status()
            .unwrap()
            .success()
    );
    wait_for(&mut serve, &client_of(&other, HOST));
    // Away for good: as a running proxy, it keeps the certificate that it has.
    fs::rename(dir.path(HOST), dir.path("away")).unwrap();
    serve.wait_until("it is said", |serve| serve.log().contains("the last one stays in use"));
    assert!(serve.open(HOST, &client_of(&other, HOST)).is_ok(), "{}", serve.log());
}

#[test]
fn a_new_host_of_the_workspace_is_picked_up() {
    let dir = Dir::new();
    chain(&dir);
    let mut serve = Serve::start(&dir, &[]);
    dir.run(&["gen-certs", "bookinfo.com"]).exits(0);
    let client = client_of(&dir, "bookinfo.com");
    serve.wait_until("the new host is served", |serve| {
        serve.open("bookinfo.com", &client).is_ok()
    });
    assert!(serve.open(HOST, &client_of(&dir, HOST)).is_ok());
}

#[test]
fn a_secret_volumes_data_link_is_followed() {
    let (first, second) = (Dir::new(), Dir::new());
    chain(&first);
    chain(&second);
    let dir = Dir::new();
    dir.write("gateway.yaml", gateway_for("SIMPLE"));
    // As the kubelet lays a Secret out: keys link to ..data, which links to a dated folder.
    let volume = "secrets/httpbin-credential";
    let fill = |dated: &str, source: &Dir| {
        dir.write(
            &format!("{volume}/{dated}/tls.crt"),
            source.read(format!("{HOST}/{CERT}")),
        );
        dir.write(
            &format!("{volume}/{dated}/tls.key"),
            source.read(format!("{HOST}/{KEY}")),
        );
    };
    fill("..2026_01", &first);
    symlink("..2026_01", dir.path(volume).join("..data")).unwrap();
    symlink("..data/tls.crt", dir.path(volume).join("tls.crt")).unwrap();
    symlink("..data/tls.key", dir.path(volume).join("tls.key")).unwrap();
    let mut serve = Serve::start(&dir, &["-f", "gateway.yaml", "--certs", "secrets"]);
    wait_for(&mut serve, &trusting(&first, HOST));
    fill("..2026_02", &second);
    symlink("..2026_02", dir.path(volume).join("..data_tmp")).unwrap();
    fs::rename(dir.path(volume).join("..data_tmp"), dir.path(volume).join("..data")).unwrap();
    wait_for(&mut serve, &trusting(&second, HOST));
    assert!(serve.open(HOST, &trusting(&first, HOST)).is_err());
}

fn gateway_for(mode: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: mygateway}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
  - port: {{number: 443, name: https, protocol: HTTPS}}
    hosts: [httpbin.example.com]
    tls: {{mode: {mode}, credentialName: httpbin-credential}}
---
{}",
        routes_to("/status")
    )
}

fn routes_to(prefix: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: httpbin}}
spec:
  hosts: ['*']
  gateways: [mygateway]
  http:
  - match: [{{uri: {{prefix: {prefix}}}}}]
    route: [{{destination: {{host: httpbin}}}}]
"
    )
}

#[test]
fn manifests_in_a_folder_come_change_and_go() {
    let dir = Dir::new();
    let plain = "apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: mygateway}
spec:
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [a.com]}
";
    dir.write("manifests/gateway.yaml", plain);
    let mut serve = Serve::start(&dir, &["-f", "manifests"]);
    let status = |serve: &mut Serve<'_>, path: &str| {
        plain_get(serve.address(80), "a.com", path)
            .map(|answer| answer.status)
            .unwrap_or_default()
    };
    assert_eq!(status(&mut serve, "/status/204"), 404);
    dir.write("manifests/routes.yaml", routes_to("/status"));
    serve.wait_until("a new file", |serve| status(serve, "/status/204") == 204);
    // An editor's atomic save.
    dir.write("manifests/.routes.yaml.swp", routes_to("/get"));
    fs::rename(
        dir.path("manifests/.routes.yaml.swp"),
        dir.path("manifests/routes.yaml"),
    )
    .unwrap();
    serve.wait_until("a replaced file", |serve| status(serve, "/get") == 200);
    assert_eq!(status(&mut serve, "/status/204"), 404);
    dir.write("manifests/routes.yaml", "kind: [");
    serve.wait_until("a report", |serve| serve.log().contains("manifests/routes.yaml:1:"));
    assert_eq!(status(&mut serve, "/get"), 200);
    fs::remove_file(dir.path("manifests/routes.yaml")).unwrap();
    serve.wait_until("a removed file", |serve| status(serve, "/get") == 404);
    // A port more, and one less.
    dir.write("manifests/gateway.yaml", plain.replace("number: 80", "number: 443"));
    serve.wait_until("the port is opened", |serve| serve.find_address(443).is_some());
    assert!(serve.find_address(80).is_none());
}

#[test]
fn no_request_fails_while_the_configuration_is_replaced() {
    let dir = Dir::new();
    chain(&dir);
    let mut serve = Serve::start(&dir, &["--access-log", "off"]);
    let address = serve.address(443);
    let running = AtomicBool::new(true);
    let workspace = dir.read("istio-tls.yaml");
    let client = client_of(&dir, HOST);
    std::thread::scope(|scope| {
        let stop = StopAtEnd(&running);
        let request = |fresh: bool| {
            let (client, running) = (&client, &running);
            scope.spawn(move || {
                let mut connection = Connection::open(address, HOST, client).expect("served");
                let mut count = 0_u32;
                while running.load(Ordering::Relaxed) {
                    if fresh {
                        connection = Connection::open(address, HOST, client).expect("a new connection");
                    }
                    assert_eq!(connection.get("/status/200").expect("an answer").status, 200);
                    count += 1;
                }
                count
            })
        };
        let clients = [request(false), request(false), request(true)];
        for number in 0..50 {
            let reloads = serve.log().matches("configuration reloaded").count();
            dir.write("new.yaml", format!("{workspace}# {number}\n"));
            fs::rename(dir.path("new.yaml"), dir.path("istio-tls.yaml")).unwrap();
            serve.wait_until("a reload", |serve| {
                serve.log().matches("configuration reloaded").count() > reloads
            });
        }
        drop(stop);
        for client in clients {
            assert!(client.join().expect("no request failed") > 0);
        }
    });
}

#[test]
fn a_named_file_that_is_deleted_takes_its_objects_along() {
    let dir = Dir::new();
    chain(&dir);
    for (only, file) in [("gateway,virtualservice", "routes.yaml"), ("secrets", "secrets.yaml")] {
        let ran = dir.run(&["manifests", "--only", only]).exits(0);
        dir.write(file, &ran.stdout);
    }
    let away = Dir::new();
    fs::rename(dir.path(HOST), away.path(HOST)).unwrap();
    let client = client_of(&away, HOST);
    let mut serve = Serve::start(&dir, &["-f", "routes.yaml", "-f", "secrets.yaml"]);
    wait_for(&mut serve, &client);
    let secrets = dir.read("secrets.yaml");
    fs::remove_file(dir.path("secrets.yaml")).unwrap();
    serve.wait_until("it is said", |serve| {
        serve.log().contains("secrets.yaml is gone, and its objects with it")
    });
    dir.write("secrets.yaml", secrets);
    wait_for(&mut serve, &client);
    // At the start it is a wrong name.
    dir.run(&["serve", "-f", "routes.yaml", "-f", "nowhere.yaml"])
        .exits(2)
        .says("nowhere.yaml cannot be read");
}

fn client_named(dir: &Dir, name: &str) -> Identity {
    Identity {
        client: Some((
            dir.read(format!("{HOST}/4_client/certs/{name}.cert.pem")),
            dir.read(format!("{HOST}/4_client/private/{name}.key.pem")),
        )),
        ..trusting(dir, HOST)
    }
}

fn request(serve: &Serve<'_>, identity: &Identity) -> Result<u16, String> {
    let mut connection = serve.open(HOST, identity)?;
    connection.get("/status/418").map(|answer| answer.status)
}

#[test]
fn a_revoked_client_is_refused_and_the_others_are_served() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice", "--client", "bob"])
        .exits(0);
    let (alice, bob) = (client_named(&dir, "alice"), client_named(&dir, "bob"));
    let mut serve = Serve::start(&dir, &[]);
    assert_eq!(request(&serve, &alice), Ok(418));
    dir.run(&["revoke", HOST, "--client", "alice"]).exits(0);
    let refused = |serve: &Serve<'_>| request(serve, &alice).is_err_and(|error| error.contains("CertificateRevoked"));
    serve.wait_until("alice is refused by certificate_revoked", |serve| refused(serve));
    assert_eq!(request(&serve, &bob), Ok(418));
    serve.wait_until("the log says why", |serve| {
        serve.log().contains("sent the alert certificate_revoked (44)")
    });
    drop(serve);
    // The same by flag, where the chain's folder has no list.
    let lists = ["2_intermediate/crl/intermediate.crl.pem", "1_root/crl/ca.crl.pem"];
    for (index, list) in lists.iter().enumerate() {
        fs::rename(dir.path(HOST).join(list), dir.path(format!("{index}.crl"))).unwrap();
    }
    // A host of another CA, for which no list is, is served all the same.
    dir.run(&["gen-certs", OTHER]).exits(0);
    let serve = Serve::start(&dir, &["--crl", "0.crl", "--crl", "1.crl"]);
    assert!(refused(&serve), "{:?}", request(&serve, &alice));
    assert_eq!(request(&serve, &bob), Ok(418));
    let mut other = serve.open(OTHER, &client_of(&dir, OTHER)).expect("a handshake");
    assert_eq!(other.get("/productpage").map(|answer| answer.status), Ok(200));
}

#[test]
fn lists_that_leave_a_ca_out_are_warned_of() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice"]).exits(0);
    dir.run(&["revoke", HOST, "--client", "alice"]).exits(0);
    let whole = Serve::start(&dir, &[]);
    assert!(!whole.log().contains("revocation lists leave out"), "{}", whole.log());
    drop(whole);
    fs::remove_file(dir.path(HOST).join("1_root/crl/ca.crl.pem")).unwrap();
    let serve = Serve::start(&dir, &[]);
    assert!(
        serve
            .log()
            .contains(&format!("the revocation lists leave out CN={HOST} root CA")),
        "{}",
        serve.log()
    );
}

#[test]
fn what_upstreams_are_verified_by_is_read_at_the_start() {
    let dir = Dir::new();
    chain(&dir);
    dir.write("empty.pem", "");
    for (file, said) in [("nowhere.pem", "nowhere.pem"), ("empty.pem", "empty.pem")] {
        dir.run(&["serve", "--upstream-cacert", file]).exits(2).says(said);
    }
    dir.run(&[
        "serve",
        "--upstream",
        "httpbin=https://10.1.2.3",
        "--upstream-cacert",
        "nowhere.pem",
    ])
    .exits(2);
    let root = format!("{HOST}/1_root/certs/ca.cert.pem");
    let upstream = "httpbin=https://upstream.invalid";
    Serve::start(&dir, &["--upstream", upstream, "--upstream-cacert", &root]);
}
