//! `serve --cluster` and `lint --cluster` where not all of a cluster is looked at,
//! and what they say where it is a cluster that is looked at. The API server is
//! the test's own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fake_api_server::{kubeconfig, status, unknown_path};
use crate::harness::{Dir, Ran};
use crate::http_stub::{HttpStub, Reply};
use crate::serve_process::Serve;
use crate::tls_client::plain_get;

const HOST: &str = "httpbin.example.com";

/// A folder whose kubeconfig leads to a cluster with these objects, each below
/// its plural; its namespaces are `shop`, `other` and `istio-system`.
fn cluster(objects: Vec<(&'static str, Value)>) -> Dir {
    const KINDS: &[(&str, &[(&str, &str)])] = &[
        (
            "/api/v1",
            &[
                ("services", "Service"),
                ("secrets", "Secret"),
                ("pods", "Pod"),
                ("nodes", "Node"),
            ],
        ),
        ("/apis/apps/v1", &[("deployments", "Deployment")]),
        (
            "/apis/networking.istio.io/v1",
            &[("gateways", "Gateway"), ("virtualservices", "VirtualService")],
        ),
    ];
    let kinds: BTreeMap<&str, &[(&str, &str)]> = KINDS.iter().copied().collect();
    let stub = HttpStub::start(move |request| {
        let ok = |value: &Value| Reply::Answer(200, "", value.to_string());
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if query.contains("watch=1") {
            return Reply::Answer(200, "", String::new());
        }
        if let Some(known) = kinds.get(path) {
            let list = known.iter();
            let list: Vec<Value> = list
                .map(|(name, kind)| json!({"name": name, "kind": kind, "namespaced": true}))
                .collect();
            return ok(&json!({"resources": list}));
        }
        let (_, rest) = path.split_once("/namespaces/").unwrap_or_default();
        let (namespace, plural) = match rest.split_once('/') {
            Some((namespace, plural)) => (namespace, plural),
            None if rest.is_empty() => ("", path.rsplit('/').next().unwrap_or_default()),
            None if ["shop", "other", "istio-system"].contains(&rest) => return ok(&json!({"metadata": {}})),
            None => return status(404, "NotFound", "no such namespace", &json!({})),
        };
        if !kinds.values().any(|of| of.iter().any(|(name, _)| *name == plural)) {
            return unknown_path();
        }
        let items: Vec<&Value> = (objects.iter())
            .filter(|(of, object)| {
                *of == plural && (namespace.is_empty() || object["metadata"]["namespace"] == namespace)
            })
            .map(|(_, object)| object)
            .collect();
        ok(&json!({"metadata": {"resourceVersion": "1"}, "items": items}))
    });
    let dir = Dir::new();
    kubeconfig(&dir, &format!("http://{}", stub.address));
    dir
}

fn gateway(namespace: &str, selector: &str, server: &Value) -> (&'static str, Value) {
    let gateway = json!({"metadata": {"name": "one", "namespace": namespace},
        "spec": {"selector": {"istio": selector}, "servers": [server]}});
    ("gateways", gateway)
}

fn plain() -> Value {
    json!({"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]})
}

fn tls(host: &str, credential: &str) -> Value {
    json!({"port": {"number": 443, "name": "https", "protocol": "HTTPS"}, "hosts": [host],
        "tls": {"mode": "SIMPLE", "credentialName": credential}})
}

/// Routes of the namespace shop: /N to the Nth of these hosts.
fn routes(to: &[&str]) -> (&'static str, Value) {
    let http = to.iter().enumerate();
    let http: Vec<Value> = http
        .map(|(number, host)| {
            json!({"match": [{"uri": {"exact": format!("/{number}")}}],
                "route": [{"destination": {"host": host, "port": {"number": 8000}}}]})
        })
        .collect();
    let service = json!({"metadata": {"name": "all", "namespace": "shop"},
        "spec": {"hosts": ["*"], "gateways": ["one"], "http": http}});
    ("virtualservices", service)
}

fn service(namespace: &str, name: &str) -> (&'static str, Value) {
    let service = json!({"metadata": {"name": name, "namespace": namespace}, "spec": {"ports": [{"port": 8000}]}});
    ("services", service)
}

/// The findings, as code and fix.
fn findings(ran: &Ran) -> Vec<(String, String)> {
    let report = ran.json();
    let findings = report["findings"].as_array().expect("findings").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    findings
        .map(|finding| (text(&finding["code"]), text(&finding["fix"])))
        .collect()
}

#[test]
fn services_are_missing_where_they_may_be_listed_and_exist_elsewhere() {
    let to = ["there", "missing", "unseen.other.svc.cluster.local"];
    let dir = cluster(vec![
        gateway("shop", "ingressgateway", &plain()),
        routes(&to),
        service("shop", "there"),
    ]);
    let flags = ["--cluster", "-n", "shop", "--port-map", "80=0"];
    let serve = Serve::start(&dir, &flags);
    for (path, expected) in [("/0", 200), ("/1", 503), ("/2", 200)] {
        let answer = plain_get(serve.address(80), "a.com", path).expect("an answer");
        assert_eq!(answer.status, expected, "{path}: {}", serve.log());
    }
    drop(serve);
    let narrow = dir.run(&["lint", "--cluster", "-n", "shop", "-o", "json"]);
    assert_eq!(
        findings(&narrow).iter().filter(|(code, _)| code == "ITL0510").count(),
        1
    );
    let wide = dir.run(&["lint", "--cluster", "-o", "json"]);
    assert_eq!(findings(&wide).iter().filter(|(code, _)| code == "ITL0510").count(), 2);

    // What is not seen may be missing.
    dir.run(&[&["serve", "--strict", "--admin", "off"][..], &flags].concat())
        .exits(2)
        .says("--strict: gateways.networking.istio.io outside the namespaces shop, istio-system are not readable");

    // Where there is no Service at all in the namespace, each is missing.
    let dir = cluster(vec![gateway("shop", "ingressgateway", &plain()), routes(&to)]);
    let serve = Serve::start(&dir, &flags);
    let answer = plain_get(serve.address(80), "a.com", "/0").expect("an answer");
    assert_eq!(answer.status, 503, "{}", serve.log());
    drop(serve);
    let narrow = dir.run(&["lint", "--cluster", "-n", "shop", "-o", "json"]);
    assert_eq!(
        findings(&narrow).iter().filter(|(code, _)| code == "ITL0510").count(),
        2
    );
}

#[test]
fn routes_that_are_not_seen_are_not_said_to_be_missing() {
    let dir = cluster(vec![gateway("shop", "ingressgateway", &plain())]);
    for (namespace, reason) in [
        (&[][..], "the cluster holds no VirtualService"),
        (
            &["-n", "shop"],
            "virtualservices.networking.istio.io outside the namespaces shop, istio-system",
        ),
    ] {
        let ran = dir.run(&[&["lint", "--cluster", "-o", "json"], namespace].concat());
        let report = ran.json();
        let skipped = report["skipped"].as_array().expect("a list").iter();
        let reasons: Vec<&str> = (skipped.filter(|skipped| skipped["code"] == "ITL0509"))
            .filter_map(|skipped| skipped["reason"].as_str())
            .collect();
        assert!(
            reasons.len() == 1 && reasons[0].contains(reason),
            "{namespace:?}: {report:#}"
        );
    }
}

/// The gateway's Service with these addresses of its LoadBalancer.
fn balanced(port: u16, addresses: &Value) -> (&'static str, Value) {
    let service = json!({"metadata": {"name": "istio-ingressgateway", "namespace": "istio-system"},
        "spec": {"type": "LoadBalancer", "selector": {"istio": "ingressgateway"},
            "ports": [{"name": "https", "port": port}]},
        "status": {"loadBalancer": {"ingress": addresses}}});
    ("services", service)
}

#[test]
fn of_several_addresses_the_one_that_answers_is_probed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let dir = cluster(vec![balanced(port, &json!([{"ip": "::1"}, {"ip": "127.0.0.1"}]))]);
    let args = ["probe", HOST, "--target", "cluster", "--timeout", "500ms", "-o", "json"];
    let probe = dir
        .run(&args)
        .exits(1)
        .says(&format!("the gateway is at 127.0.0.1 port {port}"))
        .says("which also has ::1");
    let target = probe.json()["results"][0]["target"].to_string();
    assert!(target.contains("127.0.0.1"), "{target}");
    // Flags that name a cluster mean it, whatever else is set.
    let args = ["probe", "--print-env", "--context", "there"];
    let mut command = dir.command(&args);
    let printed = Ran::of(command.env("INGRESS_HOST", "192.0.2.1"), &args)
        .exits(0)
        .says("which also has 127.0.0.1");
    assert!(
        printed.stdout.starts_with("export INGRESS_HOST='[::1]'\n"),
        "{}",
        printed.stdout
    );
    assert!(!printed.stderr.contains("--connect-to"), "{}", printed.stderr);
}

#[test]
fn of_several_nodes_the_one_that_answers_is_probed_and_fixes_name_the_cluster() {
    // It closes every connection at once, as a gateway without the Secret does.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let service = json!({"metadata": {"name": "istio-ingressgateway", "namespace": "istio-system"},
        "spec": {"type": "NodePort", "selector": {"istio": "ingressgateway"},
            "ports": [{"name": "https", "port": 443, "nodePort": port}]}});
    let node = |name: &str, address: &str| {
        let addresses = json!([{"type": "InternalIP", "address": address}]);
        (
            "nodes",
            json!({"metadata": {"name": name}, "status": {"addresses": addresses}}),
        )
    };
    let dir = cluster(vec![("services", service), node("a", "::1"), node("b", "127.0.0.1")]);
    dir.run(&["gen-certs", HOST]).exits(0);
    let flags = ["--kubeconfig", ".kube/config"];
    let probe = [
        &["probe", "--target", "cluster", "--timeout", "5s", "-o", "json"][..],
        &flags,
    ]
    .concat();
    let ran = dir
        .run(&probe)
        .exits(1)
        .says(&format!(
            "the gateway is at 127.0.0.1 port {port}, according to the InternalIP of the node b"
        ))
        .says("which also has ::1");
    let aimed =
        "istio-tls apply --kubeconfig .kube/config; istio-tls doctor --kubeconfig .kube/config httpbin.example.com";
    let json = ran.json();
    let fix = json["results"][0]["verdict"]["fix"].as_str().expect("a fix");
    assert!(fix.starts_with(aimed), "{fix}");
    let request = [&["request", HOST, "/", "--target", "cluster"][..], &flags].concat();
    dir.run(&request).exits(1).says(aimed);
    // kubectl's own context needs no flag.
    let plain = dir.run(&["probe", "--target", "cluster", "--timeout", "5s"]).exits(1);
    plain.prints("istio-tls apply; istio-tls doctor httpbin.example.com");
}

#[test]
fn a_changed_istio_tls_yaml_is_told_while_a_cluster_is_served() {
    let dir = cluster(vec![gateway("shop", "ingressgateway", &plain())]);
    dir.run(&["init", "--gateway-namespace", "istio-system"]).exits(0);
    let mut serve = Serve::start(&dir, &["--cluster", "--port-map", "80=0"]);
    let text = dir.read("istio-tls.yaml");
    let changed = text.replace("podNamespace: istio-system", "podNamespace: other");
    assert_ne!(text, changed);
    dir.write("istio-tls.yaml", changed);
    let told =
        "istio-tls.yaml now has another gateway.podNamespace; this serve still uses the one at its start: restart it";
    serve.wait_until("the change is told", |serve| serve.log().contains(told));
}

#[test]
fn for_a_name_of_the_gateway_the_curl_line_that_works_is_told() {
    let dir = cluster(vec![balanced(443, &json!([{"hostname": "localhost"}]))]);
    let args = ["probe", "--print-env", "--target", "cluster"];
    let printed = dir
        .run(&args)
        .exits(0)
        .says("--connect-to \"HOST:$SECURE_INGRESS_PORT:$INGRESS_HOST:$SECURE_INGRESS_PORT\"");
    assert_eq!(
        printed.stdout,
        "export INGRESS_HOST=localhost\nexport SECURE_INGRESS_PORT=443\n"
    );
}

#[test]
fn an_annotation_of_a_live_object_silences_a_finding() {
    let (plural, mut one) = gateway("shop", "ingressgateway", &tls(HOST, "missing"));
    for (annotation, expected) in [("ITL0301", false), ("IST0101", false), ("IST0102", true)] {
        one["metadata"]["annotations"] = json!({"galley.istio.io/analyze-suppress": annotation});
        let dir = cluster(vec![(plural, one.clone())]);
        let lint = dir.run(&["lint", "--cluster", "-o", "json"]);
        let found = findings(&lint).iter().any(|(code, _)| code == "ITL0301");
        assert_eq!(found, expected, "{annotation}: {}", lint.stdout);
    }
}

#[test]
fn a_namespace_that_is_not_there_or_holds_no_gateway() {
    let dir = cluster(vec![gateway("shop", "ingressgateway", &plain())]);
    for command in ["lint", "serve"] {
        for flag in ["-n", "--gateway-namespace"] {
            dir.run(&[command, "--cluster", flag, "typo"])
                .exits(2)
                .says("there is no namespace typo")
                .says("context there");
        }
    }
    dir.run(&["serve", "--cluster", "--admin", "off", "-n", "other"])
        .exits(2)
        .says("there is no Gateway in the namespaces istio-system, other, and others are not looked at");
}

#[test]
fn a_gateway_for_pods_that_are_not_known_lacks_no_secret() {
    let dir = cluster(vec![
        gateway("shop", "ingressgateway", &plain()),
        gateway("other", "nothing", &tls(HOST, "elsewhere")),
        (
            "secrets",
            json!({"metadata": {"name": "elsewhere", "namespace": "other"}}),
        ),
        (
            "secrets",
            json!({"metadata": {"name": "some", "namespace": "istio-system"}}),
        ),
    ]);
    let serve = Serve::start(&dir, &["--cluster", "--port-map", "80=0"]);
    assert!(
        serve.log().contains("its selector is for other pods"),
        "{}",
        serve.log()
    );
    for word in ["ITL0301", "elsewhere", "--certs"] {
        assert!(!serve.log().contains(word), "{}", serve.log());
    }
    drop(serve);
    let lint = dir.run(&["lint", "--cluster", "-o", "json"]);
    assert!(
        !findings(&lint).iter().any(|(code, _)| code == "ITL0301"),
        "{}",
        lint.stdout
    );
    lint.prints("kubectl get pods -A --show-labels");
}

#[test]
fn a_missing_secret_of_the_workspace_is_brought_by_apply() {
    let server = json!({"port": {"number": 443, "name": "https", "protocol": "HTTPS"}, "hosts": [HOST],
        "tls": {"mode": "SIMPLE", "credentialName": "httpbin-credential"}});
    // There is no Secret at all in the gateway's namespace.
    let dir = cluster(vec![
        gateway("shop", "ingressgateway", &server),
        gateway("other", "ingressgateway", &tls("b.com", "not-ours")),
    ]);
    let lint = || {
        let ran = dir.run(&["lint", "--cluster", "-o", "json"]).exits(1);
        for (_, fix) in findings(&ran) {
            assert!(!fix.contains("--certs") && !fix.contains("the input"), "{fix}");
        }
        let missing = findings(&ran).into_iter().filter(|(code, _)| code == "ITL0301");
        missing.map(|(_, fix)| fix).collect::<Vec<_>>()
    };
    let of_other = "kubectl create -n istio-system secret tls not-ours --cert=FILE --key=FILE";
    let made = "istio-tls gen-certs httpbin.example.com && istio-tls manifests httpbin.example.com --only secrets | kubectl apply --server-side -f -";
    assert_eq!(lint(), [of_other, made]);
    dir.run(&["gen-certs", HOST]).exits(0);
    let apply = "istio-tls apply, which creates the workspace's Secrets";
    assert_eq!(lint(), [of_other, apply]);
    let serve = Serve::start(&dir, &["--cluster", "--port-map", "443=0"]);
    let log = serve.log();
    assert!(log.contains(apply) && !log.contains("--certs"), "{log}");
}
