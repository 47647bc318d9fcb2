//! `serve --cluster` on a real API server, while kubectl changes the objects
//! there. The gateway is `serve` itself; no node and no pod is needed.

use serde_json::json;

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::{Dir, Ran};
use crate::serve_process::{Serve, client_of, trusting};
use crate::tls_client::Identity;

const HOST: &str = "httpbin.example.com";
const OTHER: &str = "bookinfo.com";
const CREDENTIAL: &str = "httpbin-credential";

/// A workspace that is applied, and the folder from which its cluster is served:
/// another one, so that everything comes from the API server.
pub(crate) struct Served {
    pub(crate) workspace: ClusterWorkspace,
    pub(crate) dir: Dir,
}

impl Served {
    #[track_caller]
    pub(crate) fn new(plane: &ControlPlane, name: &str, hosts: &[&str], mode: &str) -> Self {
        let workspace = ClusterWorkspace::new(plane, name, hosts, mode);
        workspace.run(&["apply", "--no-wait"]).exits(0);
        workspace.make_services(plane);
        Self {
            workspace,
            dir: Dir::new(),
        }
    }

    /// Flags that narrow a command to this workspace's objects: other tests have theirs beside.
    pub(crate) fn flags(&self) -> Vec<String> {
        let kubeconfig = self.workspace.kubeconfig.to_str().expect("text").to_owned();
        let flag = |name: &str, value: &str| [name.to_owned(), value.to_owned()];
        [
            vec!["--cluster".to_owned()],
            flag("--kubeconfig", &kubeconfig).to_vec(),
            flag("-n", &self.workspace.namespace).to_vec(),
            flag("--gateway-namespace", &self.workspace.pod_namespace).to_vec(),
        ]
        .concat()
    }

    #[track_caller]
    pub(crate) fn serve(&self, more: &[&str]) -> Serve<'_> {
        let flags = self.flags();
        let mut args: Vec<&str> = flags.iter().map(String::as_str).collect();
        args.extend(more);
        Serve::start(&self.dir, &args)
    }

    /// New chains in the workspace; the cluster keeps the old ones.
    #[track_caller]
    pub(crate) fn new_chain(&self) {
        self.workspace.dir.run(&["gen-certs", HOST, "--force"]).exits(0);
    }

    /// The Secret of the workspace's present chain, as YAML.
    #[track_caller]
    pub(crate) fn secret(&self) -> String {
        let args = ["manifests", HOST, "--only", "secrets"];
        self.workspace.dir.run(&args).exits(0).stdout
    }

    /// Who is served by the workspace's present chain.
    fn client(&self) -> Identity {
        client_of(&self.workspace.dir, HOST)
    }
}

/// The status of one request over a new connection, or what ended it.
fn ask(serve: &Serve<'_>, identity: &Identity, path: &str) -> Result<u16, String> {
    let mut connection = serve.open(HOST, identity)?;
    Ok(connection.get(path)?.status)
}

/// Waits until new connections are served.
#[track_caller]
fn wait_for(serve: &mut Serve<'_>, identity: &Identity) {
    serve.wait_until("it is served", |serve| ask(serve, identity, "/status/418") == Ok(418));
}

#[test]
fn secrets_that_kubectl_replaces_deletes_and_creates() {
    let plane = ControlPlane::shared();
    let served = Served::new(&plane, "live-secrets", &[HOST], "mutual");
    let mut serve = served.serve(&["-vv"]);
    let old = served.client();
    let mut open = serve.open(HOST, &old).expect("served");
    assert_eq!(open.get("/status/418").expect("an answer").status, 418);

    served.new_chain();
    plane.kubectl_with(&["replace"], &served.secret());
    let new = served.client();
    wait_for(&mut serve, &new);
    assert!(
        serve.open(HOST, &trusting(&served.workspace.dir, HOST)).is_ok(),
        "the server is the new one"
    );
    assert!(
        ask(&serve, &old, "/status/418").is_err(),
        "the old chain is still served"
    );

    // Deleted: it stays in use, as in a running proxy.
    plane.kubectl_ok(&["-n", &served.workspace.pod_namespace, "delete", "secret", CREDENTIAL]);
    serve.wait_until("it is said", |serve| {
        serve.log().contains("is not in namespace live-secrets-ingress")
    });
    assert_eq!(ask(&serve, &new, "/status/418"), Ok(418), "{}", serve.log());
    plane.kubectl_with(&["create"], &served.secret());
    wait_for(&mut serve, &new);

    // Deleted and made anew in one go, as the task page does: never a gap.
    let reloads = reloads(&serve);
    served.new_chain();
    let secret = served.secret();
    let newest = served.client();
    std::thread::scope(|scope| {
        let replacing = scope.spawn(|| plane.kubectl_with(&["replace", "--force"], &secret));
        while !replacing.is_finished() || self::reloads(&serve) == reloads {
            let is_served = [&new, &newest].map(|client| ask(&serve, client, "/status/418") == Ok(418));
            assert!(
                is_served.contains(&true) || ask(&serve, &newest, "/status/418") == Ok(418),
                "{}",
                serve.log()
            );
        }
    });
    wait_for(&mut serve, &newest);

    // All the while one connection was open.
    assert_eq!(open.get("/status/418").expect("the open connection").status, 418);
    served.workspace.is_told_no_key("serve -vv", &serve.log());
    assert_eq!(serve.end(rustix::process::Signal::TERM), Some(0));
}

fn reloads(serve: &Serve<'_>) -> usize {
    serve.log().matches("configuration reloaded").count()
}

#[test]
fn a_bad_secret_leaves_the_last_good_one_and_everything_else_goes_on() {
    let plane = ControlPlane::shared();
    let served = Served::new(&plane, "live-bad", &[HOST, OTHER], "simple");
    let mut serve = served.serve(&[]);
    let good = trusting(&served.workspace.dir, HOST);
    assert_eq!(ask(&serve, &good, "/status/418"), Ok(418));
    let pods = &served.workspace.pod_namespace;
    let patch = |key: &str, value: &str| {
        let patch = json!({"stringData": {key: value}}).to_string();
        plane.kubectl_ok(&["-n", pods, "patch", "secret", CREDENTIAL, "-p", &patch]);
    };
    let stranger = Dir::new();
    stranger.run(&["gen-certs", HOST]).exits(0);
    let key = stranger.read(format!("{HOST}/3_application/private/{HOST}.key.pem"));
    for (key, value, said) in [
        ("tls.key", "no key", "holds no PEM block"),
        ("tls.key", key.as_str(), "does not belong to the certificate"),
        ("tls.crt", "-----BEGIN CERTIFICATE-----\nMIIB", "tls.crt"),
    ] {
        patch(key, value);
        serve.wait_until(said, |serve| {
            let log = serve.log();
            let refused = log.split("the object's last good version stays").skip(1);
            refused.last().is_some_and(|words| words.contains(said))
        });
        assert_eq!(ask(&serve, &good, "/status/418"), Ok(418), "{}", serve.log());
    }
    assert!(
        serve
            .log()
            .contains("Secret live-bad-ingress/httpbin-credential  data.tls.key"),
        "{}",
        serve.log()
    );

    // What others change is taken meanwhile.
    served.workspace.dir.run(&["gen-certs", OTHER, "--force"]).exits(0);
    let other = served
        .workspace
        .dir
        .run(&["manifests", OTHER, "--only", "secrets"])
        .exits(0)
        .stdout;
    plane.kubectl_with(&["replace"], &other);
    let new = trusting(&served.workspace.dir, OTHER);
    serve.wait_until("the other host's new chain", |serve| serve.open(OTHER, &new).is_ok());
    assert_eq!(ask(&serve, &good, "/status/418"), Ok(418));

    // Mended.
    served.new_chain();
    plane.kubectl_with(&["replace"], &served.secret());
    let mended = trusting(&served.workspace.dir, HOST);
    wait_for(&mut serve, &mended);
    served.workspace.is_told_no_key("serve", &serve.log());
}

#[test]
fn gateways_and_routes_that_change() {
    let plane = ControlPlane::shared();
    let served = Served::new(&plane, "live-routes", &[HOST], "simple");
    let mut serve = served.serve(&[]);
    let (namespace, client) = (&served.workspace.namespace, trusting(&served.workspace.dir, HOST));
    assert_eq!(ask(&serve, &client, "/ip"), Ok(404));
    let patch = json!([{"op": "add", "path": "/spec/http/0/match/-", "value": {"uri": {"prefix": "/ip"}}}]);
    let args = [
        "-n",
        namespace,
        "patch",
        "virtualservice",
        "httpbin",
        "--type=json",
        "-p",
        &patch.to_string(),
    ];
    plane.kubectl_ok(&args);
    serve.wait_until("the new route", |serve| ask(serve, &client, "/ip") == Ok(200));
    let routes = plane.kubectl_ok(&["-n", namespace, "get", "virtualservice", "httpbin", "-o", "json"]);
    plane.kubectl_ok(&["-n", namespace, "delete", "virtualservice", "httpbin"]);
    serve.wait_until("no route", |serve| ask(serve, &client, "/status/418") == Ok(404));
    plane.kubectl_with(&["create"], &routes);
    wait_for(&mut serve, &client);

    // A new port is opened, and closed with its server.
    let gateway = [
        "-n",
        namespace,
        "patch",
        "gateways.networking.istio.io",
        "mygateway",
        "--type=json",
        "-p",
    ];
    let plain = json!([{"op": "add", "path": "/spec/servers/-", "value":
        {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": [HOST]}}]);
    plane.kubectl_ok(&[&gateway[..], &[&plain.to_string()]].concat());
    serve.wait_until("port 80", |serve| serve.find_address(80).is_some());
    plane.kubectl_ok(&[&gateway[..], &[r#"[{"op": "remove", "path": "/spec/servers/1"}]"#]].concat());
    serve.wait_until("port 80 is closed", |serve| serve.find_address(80).is_none());
    plane.kubectl_ok(&["-n", namespace, "delete", "gateways.networking.istio.io", "mygateway"]);
    serve.wait_until("every port is closed", |serve| serve.find_address(443).is_none());
    served
        .workspace
        .run(&["apply", "--no-wait", "--force-conflicts"])
        .exits(0);
    serve.wait_until("it is back", |serve| serve.find_address(443).is_some());
    wait_for(&mut serve, &client);
}

#[test]
fn an_api_server_that_is_away_for_a_while() {
    let plane = ControlPlane::start();
    let served = Served::new(&plane, "live-away", &[HOST], "simple");
    // Alone on this cluster: all namespaces are looked at, and whether the Services are there.
    served.workspace.run(&["apply", "--samples", "--no-wait"]).exits(0);
    let kubeconfig = served.workspace.kubeconfig.to_str().expect("text");
    let args = [
        "--cluster",
        "--kubeconfig",
        kubeconfig,
        "--gateway-namespace",
        "live-away-ingress",
    ];
    let mut serve = Serve::start(&served.dir, &args);
    let old = trusting(&served.workspace.dir, HOST);
    let mut open = serve.open(HOST, &old).expect("served");
    for round in 1..=2 {
        plane.stop_apiserver();
        serve.wait_until("it says so", |serve| {
            serve.log().matches("the cluster is unreachable").count() == round
        });
        let present = trusting(&served.workspace.dir, HOST);
        assert_eq!(ask(&serve, &present, "/status/418"), Ok(418));
        assert_eq!(open.get("/status/418").expect("the open connection").status, 418);
        plane.start_apiserver();
        serve.wait_until("it says so", |serve| {
            serve.log().matches("responds again").count() == round
        });
        served.new_chain();
        plane.kubectl_with(&["replace"], &served.secret());
        wait_for(&mut serve, &trusting(&served.workspace.dir, HOST));
    }
    assert_eq!(open.get("/status/418").expect("the open connection").status, 418);
    let log = serve.log();
    for (words, times) in [("the cluster is unreachable", 2), ("responds again", 2)] {
        assert_eq!(log.matches(words).count(), times, "{log}");
    }
    // Nobody to ask at the start.
    plane.stop_apiserver();
    let ran = served.dir.run(&[&["serve"][..], &args].concat());
    ran.exits(3).says("the API server").says("cannot be reached");
}

#[test]
fn users_who_may_not_see_everything() {
    let plane = ControlPlane::shared();
    let served = Served::new(&plane, "live-users", &[HOST], "simple");
    let flags = served.flags();
    let run = |more: &[&str]| -> Ran {
        let mut args = vec!["serve", "--admin", "off", "--port-map", "443=0"];
        args.extend(flags.iter().map(String::as_str));
        args.extend(more);
        served.dir.run(&args)
    };
    // view knows no Secrets; whoever has the files can serve all the same.
    run(&["--context", "viewer"])
        .exits(3)
        .says("the user \"viewer\" may not list secrets in the namespace live-users-ingress")
        .says("--certs DIR");
    let certs = served.workspace.dir.path("").to_str().expect("text").to_owned();
    let serve = served.serve(&["--context", "viewer", "--certs", &certs]);
    assert!(
        serve
            .log()
            .contains("not readable: secrets in the namespace live-users-ingress"),
        "{}",
        serve.log()
    );
    assert_eq!(
        ask(&serve, &trusting(&served.workspace.dir, HOST), "/status/418"),
        Ok(418)
    );
    drop(serve);
    // Another's namespace.
    run(&["--context", "limited"])
        .exits(3)
        .says("the user \"limited\" may not list gateways.networking.istio.io in the namespace live-users");
}

#[test]
fn a_user_of_one_namespace_serves_what_stands_there() {
    let plane = ControlPlane::shared();
    let workspace = ClusterWorkspace::within(&plane, "limited", "limited", &[HOST], "simple");
    workspace.run(&["apply", "--no-wait", "--context", "limited"]).exits(0);
    workspace.make_services(&plane);
    let served = Served {
        workspace,
        dir: Dir::new(),
    };
    let kubeconfig = served.workspace.kubeconfig.to_str().expect("text");
    // The namespace is the context's; nothing else may be seen.
    let args = [
        "--cluster",
        "--kubeconfig",
        kubeconfig,
        "--context",
        "limited",
        "--gateway-namespace",
        "limited",
    ];
    let mut serve = Serve::start(&served.dir, &args);
    let log = serve.log();
    assert!(
        log.contains("not readable: gateways.networking.istio.io outside the namespaces limited"),
        "{log}"
    );
    assert!(
        log.contains("not readable: services outside the namespaces limited"),
        "{log}"
    );
    served.new_chain();
    plane.kubectl_with(&["replace"], &served.secret());
    wait_for(&mut serve, &trusting(&served.workspace.dir, HOST));
    drop(serve);
    served
        .workspace
        .run(&["delete", "--yes", "--context", "limited"])
        .exits(0);
}

#[test]
fn probe_finds_what_serves_a_cluster() {
    let plane = ControlPlane::shared();
    let served = Served::new(&plane, "live-probe", &[HOST], "mutual");
    let flags = served.flags();
    // In the workspace's own folder, and from the context that apply recorded.
    let mut args: Vec<&str> = flags.iter().map(String::as_str).collect();
    args.extend(["--threads", "1"]);
    let serve = Serve::start(&served.workspace.dir, &args);
    served.workspace.run(&["probe", "--mtls"]).exits(0);
    // The chain in the folder is not what the cluster has.
    served.new_chain();
    served.workspace.run(&["probe"]).exits(1);
    drop(serve);
}
