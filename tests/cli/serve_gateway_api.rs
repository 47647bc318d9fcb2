//! `serve` with objects of the Gateway API: those that `manifests` writes, and others.

use crate::harness::Dir;
use crate::serve_process::{Serve, trusting};
use crate::tls_client::Identity;

const HOST: &str = "shop.example.com";

/// A folder with a chain for HOST, and the Gateway API's objects in `all.yaml`.
fn folder(mode: &str, more: &[&str]) -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--mode", mode]).exits(0);
    let args = [&["manifests", "--api", "gateway-api"][..], more].concat();
    let mut written = dir.run(&args).exits(0);
    // What some releases do not honour is told.
    for (of, told) in [
        ("mutual", "spec.tls.frontend needs the definitions of Gateway API 1.5"),
        ("optional-mutual", "without the fix of its issue 60618"),
    ] {
        if of == mode {
            written = written.says(told);
        }
    }
    dir.write("all.yaml", &written.stdout);
    dir
}

fn status(serve: &Serve<'_>, identity: &Identity) -> Result<u16, String> {
    Ok(serve.open(HOST, identity)?.get("/")?.status)
}

#[test]
fn what_manifests_writes_for_the_gateway_api_is_served() {
    for mode in ["simple", "mutual", "optional-mutual"] {
        let dir = folder(mode, &[]);
        let written = dir.read("all.yaml");
        assert_eq!(written.contains("kind: ConfigMap"), mode == "mutual", "{written}");
        let serve = Serve::start(&dir, &["-f", "all.yaml", "--strict"]);
        let told = "plays the gateway Gateway default/mygateway";
        assert!(serve.log().contains(told), "{}", serve.log());
        let anonymous = status(&serve, &trusting(&dir, HOST));
        if mode == "mutual" {
            assert!(anonymous.is_err(), "{anonymous:?}");
        } else {
            assert_eq!(anonymous, Ok(200), "{}", serve.log());
        }
        dir.run(&["probe", HOST]).exits(0);
    }
}

#[test]
fn one_of_several_gateways_is_named_by_a_flag() {
    let dir = folder("simple", &[]);
    let other = dir.read("all.yaml").replace("mygateway", "another");
    dir.write("other.yaml", other);
    dir.run(&["serve", "-f", "all.yaml", "-f", "other.yaml"])
        .exits(2)
        .says("the input has Gateways for several gateways")
        .says("Gateway default/mygateway");
    let serve = Serve::start(
        &dir,
        &["-f", "all.yaml", "-f", "other.yaml", "--gateway", "default/another"],
    );
    assert_eq!(status(&serve, &trusting(&dir, HOST)), Ok(200), "{}", serve.log());
    let told = "serve does not play Gateway default/mygateway";
    assert!(serve.log().contains(told), "{}", serve.log());
}

#[test]
fn what_is_not_run_of_the_gateway_api_stops_a_strict_start() {
    let dir = folder("simple", &[]);
    dir.write(
        "udp.yaml",
        "apiVersion: gateway.networking.k8s.io/v1alpha2\nkind: UDPRoute\nmetadata: {name: dns, namespace: default}\n\
         spec: {parentRefs: [{name: mygateway}]}\n",
    );
    let files = ["-f", "all.yaml", "-f", "udp.yaml"];
    let serve = Serve::start(&dir, &files);
    let told = "serve does not run UDPRoute default/dns";
    assert_eq!(serve.log().matches(told).count(), 1, "{}", serve.log());
    assert!(serve.log().contains("udp.yaml:2:7  kind"), "{}", serve.log());
    dir.run(&[&["serve", "--strict"][..], &files].concat())
        .exits(2)
        .says(told);
}

#[test]
fn a_secret_that_comes_opens_its_listener() {
    let dir = folder("simple", &["--only", "gateway,virtualservice"]);
    let secret = dir
        .run(&["manifests", "--api", "gateway-api", "--only", "secrets"])
        .exits(0);
    let secret = secret.stdout.clone();
    // The workspace's chains would stand in for it.
    let elsewhere = Dir::new();
    let plain = "listeners:\n  - name: http\n    port: 80\n    protocol: HTTP\n";
    elsewhere.write("all.yaml", dir.read("all.yaml").replace("listeners:\n", plain));
    let mut serve = Serve::start(&elsewhere, &["-f", "."]);
    assert!(
        serve
            .log()
            .contains("listener https-shop of Gateway default/mygateway is left out"),
        "{}",
        serve.log()
    );
    elsewhere.write("secret.yaml", secret);
    let trusting = trusting(&dir, HOST);
    serve.wait_until("the listener is served", |serve| {
        serve.find_address(443).is_some() && status(serve, &trusting) == Ok(200)
    });
}
