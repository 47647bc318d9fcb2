//! `doctor` on a real API server with kubectl as witness. Played are the node
//! and its kubelet (`played_node`: the pods' status, logs, commands and ports),
//! the admin interface of the gateway's Envoy behind that, the cloud that gives
//! the LoadBalancer its address, and the gateway itself: a running `serve`.
//! Objects, rights, Services with their endpoints, and Deployments are real.

use std::cell::Cell;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::harness::{Dir, Ran};
use crate::http_stub::{HttpStub, Reply};
use crate::installed_tools::tool;
use crate::played_node::PlayedNode;
use crate::running_program::{Program, await_condition, free_address};
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";
const SERVICE: &str = "istio-ingressgateway";
const SECRET: &str = "httpbin-credential";
const PROXY: &str = "istio-proxy";
const LEAF: &str = "httpbin.example.com/3_application/certs/httpbin.example.com.cert.pem";

/// What the played Envoy tells: a Secret by name, with its chain, or awaited.
#[derive(Clone)]
struct Told {
    name: String,
    chain: Option<String>,
}

/// The answers of an Envoy's admin interface, as Envoy 1.40 gives them.
fn answers(told: &Told) -> [Reply; 3] {
    let ok = |value: Value| Reply::Answer(200, "", value.to_string());
    let absent = |part: &str| Reply::Answer(404, "", format!("{part} not found in config dump"));
    let secret = |secret: Value| {
        json!({"configs": [{"@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump.DynamicSecret",
            "name": told.name, "version_info": "1", "secret": secret}]})
    };
    match &told.chain {
        Some(chain) => [
            ok(json!({"certificates": [{"ca_cert": [], "cert_chain": [{"path": "<inline>", "serial_number": "00"}]}]})),
            ok(secret(json!({"name": told.name, "tls_certificate": {
                "certificate_chain": {"inline_bytes": STANDARD.encode(chain)},
                "private_key": {"inline_bytes": STANDARD.encode("[redacted]")}}}))),
            absent("dynamic_warming_secrets"),
        ],
        None => [
            ok(json!({"certificates": []})),
            absent("dynamic_active_secrets"),
            ok(secret(json!({"name": told.name}))),
        ],
    }
}

/// The admin interface of an Envoy, played.
struct Envoy {
    stub: HttpStub,
    told: Arc<Mutex<Told>>,
}

impl Envoy {
    fn start(told: Told) -> Self {
        let told = Arc::new(Mutex::new(told));
        let shared = Arc::clone(&told);
        let stub = HttpStub::start(move |request| {
            let [certs, active, warming] = answers(&shared.lock().expect("no panic"));
            match request.target.as_str() {
                "/certs" => certs,
                "/config_dump?resource=dynamic_active_secrets" => active,
                "/config_dump?resource=dynamic_warming_secrets" => warming,
                _ => Reply::Answer(404, "", String::new()),
            }
        });
        Self { stub, told }
    }

    fn tells(&self, name: &str, chain: Option<String>) {
        *self.told.lock().expect("no panic") = Told {
            name: name.to_owned(),
            chain,
        };
    }
}

/// A workspace, its gateway in the cluster, and what is played of it.
struct Patient<'p> {
    plane: &'p ControlPlane,
    node: PlayedNode<'p>,
    workspace: ClusterWorkspace,
    envoy: Envoy,
    selector: String,
    /// What answers on the pod's own port, for a port-forward.
    serving: Cell<SocketAddr>,
}

impl<'p> Patient<'p> {
    /// A workspace with a selector of its own, since other tests have gateways,
    /// too; nothing is applied yet.
    fn new(plane: &'p ControlPlane, name: &str, secrets: &str) -> Self {
        let workspace = ClusterWorkspace::new(plane, name, &[HOST], "mutual");
        let text = workspace.dir.read("istio-tls.yaml");
        let text = text.replace("istio: ingressgateway", &format!("istio: {name}"));
        workspace.dir.write(
            "istio-tls.yaml",
            text.replace("secrets: credential", &format!("secrets: {secrets}")),
        );
        let envoy = Envoy::start(Told {
            name: format!("kubernetes://{SECRET}"),
            chain: Some(workspace.dir.read(LEAF)),
        });
        let node = PlayedNode::start(plane, &format!("played-{name}"));
        let patient = Self {
            plane,
            node,
            workspace,
            envoy,
            selector: name.to_owned(),
            serving: Cell::new(free_address()),
        };
        patient.log("info\tEnvoy proxy is ready\n");
        patient
    }

    fn pod_namespace(&self) -> &str {
        &self.workspace.pod_namespace
    }

    fn labels(&self) -> Value {
        json!({"app": SERVICE, "istio": self.selector})
    }

    /// Plays what answers in the pod: the log, and Envoy's admin interface.
    fn log(&self, text: &str) {
        self.play(text, self.envoy.stub.address);
    }

    fn play(&self, log: &str, admin: SocketAddr) {
        let log = self.node.file("proxy.log", log);
        // Where the Service leads; nothing comes through unless a test says so.
        let ports = json!({"15000": admin.to_string(), "443": self.serving.get().to_string()});
        let containers = json!({PROXY: {"log": log, "exec": []}});
        self.node.play(
            self.pod_namespace(),
            "gateway",
            json!({"containers": containers, "ports": ports}),
        );
    }

    /// The gateway's pod and one of istiod, a Role for its service account, and
    /// the Service, whose LoadBalancer leads to `port` of this machine.
    fn install(&self, port: u16) {
        let containers = json!([{"name": PROXY, "image": "auto", "ports": [{"name": "https", "containerPort": 8443}]}]);
        self.node
            .make_pod(self.pod_namespace(), "gateway", &self.labels(), &containers);
        let istiod = json!([{"name": "discovery", "image": "auto"}]);
        self.node
            .make_pod(self.pod_namespace(), "istiod", &json!({"app": "istiod"}), &istiod);
        self.grant();
        let service = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": SERVICE, "namespace": self.pod_namespace()},
            "spec": {"type": "LoadBalancer", "selector": self.labels(), "allocateLoadBalancerNodePorts": false,
                "ports": [{"name": "https", "port": port, "targetPort": 443}]}});
        self.plane
            .kubectl_with(&["apply", "--server-side"], &service.to_string());
        self.play_address("127.0.0.1");
        self.await_endpoint(true);
    }

    fn grant(&self) {
        let here = ["-n", self.pod_namespace()];
        let role = ["create", "role", "sds", "--resource=secrets", "--verb=get,watch,list"];
        self.plane.kubectl_ok(&[&here[..], &role].concat());
        let account = format!("--serviceaccount={}:default", self.pod_namespace());
        self.plane
            .kubectl_ok(&[&here[..], &["create", "rolebinding", "sds", "--role=sds", &account]].concat());
    }

    fn play_address(&self, address: &str) {
        let ingress = if address.is_empty() {
            json!(null)
        } else {
            json!([{"ip": address}])
        };
        let status = json!({"status": {"loadBalancer": {"ingress": ingress}}}).to_string();
        self.kubectl(&[
            "patch",
            "service",
            SERVICE,
            "--subresource=status",
            "--type=merge",
            "-p",
            &status,
        ]);
    }

    /// Waits for the controller of endpoints, which is a real one.
    fn await_endpoint(&self, ready: bool) {
        let label = format!("-lkubernetes.io/service-name={SERVICE}");
        let path = "jsonpath={.items[*].endpoints[*].conditions.ready}";
        let ask = || self.kubectl(&["get", "endpointslices", &label, "-o", path]);
        await_condition(|| ask().contains("true") == ready, ask);
    }

    fn kubectl(&self, args: &[&str]) -> String {
        self.plane.kubectl_ok(&[&["-n", self.pod_namespace()], args].concat())
    }

    /// Runs a line that a finding tells to type, with the cluster's kubeconfig.
    #[track_caller]
    fn type_line(&self, line: &str) {
        let kubectl = tool("kubectl");
        let folder = kubectl.parent().expect("a folder").display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-c", line])
            .env("PATH", format!("{folder}:{path}"))
            .env("KUBECONFIG", self.plane.kubeconfig())
            .env("HOME", self.workspace.dir.path("."))
            .output()
            .expect("a shell");
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn doctor(&self, args: &[&str]) -> Ran {
        self.workspace.run(&[&["doctor", "--timeout", "5s"], args].concat())
    }

    /// Nothing is found and nothing is skipped but DNS, which knows no example.
    #[track_caller]
    fn is_well(&self) {
        let report = self.doctor(&["-o", "json"]).exits(0).json();
        assert_eq!(report["findings"], json!([]), "{report:#}");
        let skipped = report["skipped"].as_array().expect("a list");
        assert!(
            skipped
                .iter()
                .all(|one| one["reason"].as_str().expect("words").contains("reserved")),
            "{report:#}"
        );
    }

    /// There is one finding, with this code and these words in what it says.
    #[track_caller]
    fn finds(&self, code: &str, words: &str) -> Value {
        let exit = i32::from(!code.ends_with(" info"));
        let code = code.trim_end_matches(" info");
        let ran = self.doctor(&["-o", "json"]).exits(exit);
        let report = ran.json();
        let findings = report["findings"].as_array().expect("a list");
        assert_eq!(findings.len(), 1, "{report:#}");
        let finding = findings[0].clone();
        assert_eq!(finding["code"], code, "{report:#}");
        let what = finding["what"].as_str().expect("words");
        assert!(what.contains(words), "not {words:?} in {report:#}");
        assert!(!finding["fix"].as_str().expect("words").is_empty());
        finding
    }
}

fn fix_of(finding: &Value) -> String {
    finding["fix"].as_str().expect("words").to_owned()
}

/// Copies chains and istio-tls.yaml to where the gateway reads them.
#[track_caller]
fn copy(from: &Dir, to: &Dir) {
    let mut line = Command::new("cp");
    line.arg("-r").arg(from.path(".")).arg(to.path("."));
    assert!(line.status().expect("cp").success());
}

#[test]
fn a_healthy_gateway_has_no_finding_and_each_breakage_has_its_own() {
    let plane = ControlPlane::shared();
    let patient = Patient::new(&plane, "examined", "credential");
    let gateway = Dir::new();
    copy(&patient.workspace.dir, &gateway);
    let serve = Serve::start(&gateway, &[]);
    let port = serve.address(443).port();
    let namespace = patient.pod_namespace().to_owned();

    // Nothing is installed yet.
    let report = patient.doctor(&["-o", "json"]).exits(1).json();
    let codes: Vec<&Value> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["code"])
        .collect();
    assert!(
        codes.contains(&&json!("ITL1104")) && codes.contains(&&json!("ITL1110")),
        "{report:#}"
    );

    patient.install(port);
    patient.workspace.run(&["apply"]).exits(0);
    patient.is_well();
    patient
        .doctor(&[HOST])
        .exits(0)
        .prints("no findings: 1 Gateway, 1 gateway pod, 1 certificate, 127.0.0.1 port");

    // The Service: what is told to type mends it.
    patient.kubectl(&[
        "patch",
        "service",
        SERVICE,
        "-p",
        r#"{"spec":{"selector":{"istio":"ingress"}}}"#,
    ]);
    patient.await_endpoint(false);
    let finding = patient.finds("ITL1121", "selects app=istio-ingressgateway,istio=ingress");
    patient.type_line(&fix_of(&finding));
    patient.await_endpoint(true);
    patient.is_well();
    let target = |target: &str| format!(r#"[{{"op":"replace","path":"/spec/ports/0/targetPort","value":{target}}}]"#);
    patient.kubectl(&["patch", "service", SERVICE, "--type=json", "-p", &target("8443")]);
    let finding = patient.finds("ITL1123", "leads to port 443 of Gateway examined/mygateway");
    assert!(fix_of(&finding).contains("\"port\":443"), "{finding:#}");
    patient.kubectl(&["patch", "service", SERVICE, "--type=json", "-p", &target("443")]);
    patient.play_address("");
    let finding = patient.finds("ITL1122", "has no address yet");
    assert!(fix_of(&finding).contains("minikube tunnel"), "{finding:#}");
    // What is served is seen all the same: through a port-forward to the pod.
    let skipped = patient.doctor(&["-o", "json"]).exits(1).json()["skipped"].to_string();
    assert!(
        skipped.contains("ITL1161") && skipped.contains("nothing answers on port 443"),
        "{skipped}"
    );
    patient.serving.set(serve.address(443));
    patient.log("info\tEnvoy proxy is ready\n");
    let skipped = patient.doctor(&["-o", "json"]).exits(1).json()["skipped"].to_string();
    assert!(!skipped.contains("ITL1161"), "{skipped}");
    patient.play_address("127.0.0.1");

    // The pod.
    patient.node.set_ready(&namespace, "gateway", false);
    patient.await_endpoint(false);
    let finding = patient.finds("ITL1112", "none of the gateway's pods is ready: gateway");
    assert!(fix_of(&finding).contains("describe pod gateway"), "{finding:#}");
    patient.node.set_ready(&namespace, "gateway", true);
    patient.await_endpoint(true);

    // Pods in another namespace than the one that was named.
    let ran = patient
        .doctor(&["--gateway-namespace", "examined", "-o", "json"])
        .exits(1);
    let report = ran.json();
    assert_eq!(report["findings"].as_array().expect("a list").len(), 1, "{report:#}");
    assert_eq!(report["findings"][0]["code"], "ITL1111", "{report:#}");
    assert!(
        fix_of(&report["findings"][0]).contains("podNamespace: examined-ingress"),
        "{report:#}"
    );

    // The Gateway's selector.
    let selector = |istio: &str| json!({"spec": {"selector": {"istio": istio}}}).to_string();
    let patch = |istio: &str| {
        let patch = selector(istio);
        let args = [
            "-n",
            "examined",
            "patch",
            "gateways.networking.istio.io",
            "mygateway",
            "--type=merge",
            "-p",
            &patch,
        ];
        plane.kubectl_ok(&args);
    };
    patch("examind");
    let finding = patient.finds("ITL1110", "istio=examind");
    assert!(
        fix_of(&finding).contains("examined-ingress/gateway has istio=examined"),
        "{finding:#}"
    );
    patch("examined");

    // The rights of its service account: what is told to type mends it.
    patient.kubectl(&["delete", "rolebinding", "sds"]);
    let finding = patient.finds("ITL0307", "examined-ingress/default may not list Secrets");
    patient.type_line(&fix_of(&finding));
    patient.is_well();

    // What the proxy says of itself.
    patient.envoy.tells(&format!("kubernetes://{SECRET}"), None);
    let finding = patient.finds(
        "ITL1150",
        "waits for the certificate of Secret examined-ingress/httpbin-credential",
    );
    assert!(fix_of(&finding).contains("istiod"), "{finding:#}");
    let own = patient.workspace.dir.read(LEAF);
    patient
        .envoy
        .tells(&format!("kubernetes://{SECRET}"), Some(own.clone()));

    // Where no port leads there, a command in the pod asks.
    let [certs, active, _] = answers(&patient.envoy.told.lock().expect("no panic").clone());
    let text = |reply: Reply| match reply {
        Reply::Answer(_, _, body) => body,
        _ => String::new(),
    };
    let ask = |path: &str, file: &str| json!({"command": ["pilot-agent", "request", "GET", path], "stdout": file});
    let commands = json!([
        ask("certs", patient.node.file("certs.json", text(certs))),
        ask(
            "config_dump?resource=dynamic_active_secrets",
            patient.node.file("active.json", text(active))
        ),
    ]);
    let proxy = json!({PROXY: {"log": patient.node.file("proxy.log", ""), "exec": commands}});
    patient
        .node
        .play(&namespace, "gateway", json!({"containers": proxy, "ports": {}}));
    patient.is_well();
    let proxy = json!({PROXY: {"log": "proxy.log", "exec": []}});
    patient
        .node
        .play(&namespace, "gateway", json!({"containers": proxy, "ports": {}}));
    let report = patient.doctor(&["-o", "json"]).exits(0).json();
    let skipped = report["skipped"].to_string();
    assert!(
        skipped.contains("nothing answers on port 15000") && skipped.contains("pilot-agent"),
        "{report:#}"
    );

    // The log.
    patient.log("error\tsds\tsecret examined-ingress/httpbin-credential not found\n");
    patient.finds("ITL1170 info", "speaks once of a Secret httpbin-credential");
    patient.log(
        "warning\tenvoy config\tgRPC config for type.googleapis.com/envoy.config.listener.v3.Listener rejected: bad\n",
    );
    patient.finds("ITL1174", "configuration that it refuses");
    patient.log("info\tEnvoy proxy is ready\n");
    patient.is_well();

    // Another chain in the Secret than the gateway has.
    let other = Dir::new();
    other.run(&["gen-certs", HOST]).exits(0);
    let file = |part: &str| other.path(format!("{HOST}/{part}")).display().to_string();
    let args = [
        format!(
            "--from-file=tls.crt={}",
            file(&format!("3_application/certs/{HOST}.cert.pem"))
        ),
        format!(
            "--from-file=tls.key={}",
            file(&format!("3_application/private/{HOST}.key.pem"))
        ),
        format!("--from-file=ca.crt={}", file("2_intermediate/certs/ca-chain.cert.pem")),
    ];
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    patient.kubectl(&["delete", "secret", SECRET]);
    patient.kubectl(&[&["create", "secret", "generic", SECRET][..], &args].concat());
    patient.finds("ITL1151", "the proxy of examined-ingress/gateway holds serial");
    patient
        .envoy
        .tells(&format!("kubernetes://{SECRET}"), Some(other.read(LEAF)));
    patient.finds("ITL1160", &format!("{HOST} at 127.0.0.1:{port} is served with serial"));
    patient.doctor(&["--no-probe"]).exits(0).prints("--no-probe");
    patient.envoy.tells(&format!("kubernetes://{SECRET}"), Some(own));

    // The Secret lies where nobody looks, then nowhere; --fix brings it back.
    patient.kubectl(&["delete", "secret", SECRET]);
    plane.kubectl_ok(&[&["-n", "examined", "create", "secret", "generic", SECRET][..], &args].concat());
    let finding = patient.finds("ITL0302", "is in namespace examined, not in examined-ingress");
    assert!(fix_of(&finding).contains("doctor --fix"), "{finding:#}");
    plane.kubectl_ok(&["-n", "examined", "delete", "secret", SECRET]);
    patient.finds(
        "ITL0301",
        "there is no secret \"httpbin-credential\" in namespace examined-ingress",
    );
    let ran = patient.doctor(&["--fix"]).exits(1);
    ran.says("fix: Secret examined-ingress/httpbin-credential would be created")
        .says("nothing was changed: --fix applies with --yes");
    assert_eq!(plane.get(&namespace, "secret", SECRET), Value::Null);
    let report = patient.doctor(&["--fix", "--yes", "-o", "json"]).exits(0).json();
    assert_eq!(
        report["fixed"],
        json!(["Secret examined-ingress/httpbin-credential created"]),
        "{report:#}"
    );
    assert_eq!(report["findings"], json!([]), "{report:#}");
    assert_eq!(
        plane.get(&namespace, "secret", SECRET)["metadata"]["labels"]["app.kubernetes.io/managed-by"],
        "istio-tls"
    );
    patient.is_well();
    patient
        .doctor(&["--fix", "--yes"])
        .exits(0)
        .says("nothing here can be mended by machine");

    // A key that does not belong to the certificate, in our own Secret: --fix applies ours.
    let key = STANDARD.encode(other.read(format!("{HOST}/3_application/private/{HOST}.key.pem")));
    let data = json!({"data": {"tls.key": key}}).to_string();
    patient.kubectl(&[
        "patch",
        "secret",
        SECRET,
        "--type=merge",
        "--field-manager=istio-tls",
        "-p",
        &data,
    ]);
    patient.finds("ITL0404", "does not belong to");

    // Users who may read less: reasons, and no finding.
    let report = patient.doctor(&["--context", "viewer", "-o", "json"]).exits(0).json();
    assert_eq!(report["findings"], json!([]), "{report:#}");
    let reasons = report["skipped"].to_string();
    for words in [
        "may not get secrets in the namespace examined-ingress",
        "pods/portforward in the namespace examined-ingress",
        "may not create subjectaccessreviews.authorization.k8s.io in the whole cluster",
    ] {
        assert!(reasons.contains(words), "{words}: {report:#}");
    }
    // Who may not ask for a service account's rights, but read Roles: those tell.
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": SERVICE, "namespace": namespace},
        "spec": {"replicas": 0, "selector": {"matchLabels": patient.labels()}, "template": {
            "metadata": {"labels": patient.labels()},
            "spec": {"containers": [{"name": PROXY, "image": "auto"}]}}}});
    plane.kubectl_with(&["apply", "--server-side"], &deployment.to_string());
    let kinds = "--resource=roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io,clusterroles.rbac.authorization.k8s.io,clusterrolebindings.rbac.authorization.k8s.io";
    plane.kubectl_ok(&["create", "clusterrole", "examined-roles", "--verb=list", kinds]);
    plane.kubectl_ok(&[
        "create",
        "clusterrolebinding",
        "examined-roles",
        "--clusterrole=examined-roles",
        "--user=viewer",
    ]);
    let as_viewer = || patient.doctor(&["--context", "viewer", "-o", "json"]);
    let report = as_viewer().exits(0).json();
    assert!(!report["skipped"].to_string().contains("ITL0307"), "{report:#}");
    let rules = json!({"rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]}).to_string();
    patient.kubectl(&["patch", "role", "default-sds", "--type=merge", "-p", &rules]);
    let report = as_viewer().exits(1).json();
    assert_eq!(report["findings"][0]["code"], "ITL0307", "{report:#}");
    assert!(
        report["findings"][0]["what"]
            .as_str()
            .expect("words")
            .contains("default-sds"),
        "{report:#}"
    );
    plane.kubectl_ok(&["delete", "clusterrolebinding", "examined-roles"]);
    plane.kubectl_ok(&["delete", "clusterrole", "examined-roles"]);

    let report = patient.doctor(&["--context", "limited", "-o", "json"]).exits(0).json();
    assert_eq!(report["findings"], json!([]), "{report:#}");
    assert!(
        report["skipped"]
            .to_string()
            .contains("may not list pods in the namespace examined-ingress"),
        "{report:#}"
    );
}

/// A real Envoy that gets its certificate as a gateway does, by SDS, here from
/// a file; its admin interface and its log are its own.
struct RealEnvoy {
    dir: Dir,
    admin: SocketAddr,
    listener: SocketAddr,
    _program: Program,
}

impl RealEnvoy {
    #[track_caller]
    fn start(secret: &Value) -> Self {
        let dir = Dir::new();
        let (admin, listener) = (free_address(), free_address());
        dir.write("sds.json", secret.to_string());
        let socket =
            |address: SocketAddr| json!({"socket_address": {"address": "127.0.0.1", "port_value": address.port()}});
        let name = format!("kubernetes://{SECRET}");
        let source = json!({"path_config_source": {"path": dir.path("sds.json")}, "resource_api_version": "V3"});
        let tls = json!({"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {"tls_certificate_sds_secret_configs": [{"name": name, "sds_config": source}]}});
        let manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "gateway",
            "http_filters": [{"name": "router", "typed_config":
                {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
            "route_config": {"virtual_hosts": [{"name": "a", "domains": ["*"],
                "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 418}}]}]},
        });
        let config = json!({
            "admin": {"address": socket(admin)},
            "node": {"id": "a", "cluster": "a"},
            "static_resources": {"listeners": [{
                "name": "gateway",
                "address": socket(listener),
                "listener_filters": [{"name": "tls_inspector", "typed_config":
                    {"@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"}}],
                "filter_chains": [{
                    "filter_chain_match": {"server_names": [HOST]},
                    "transport_socket": {"name": "tls", "typed_config": tls},
                    "filters": [{"name": "http", "typed_config": manager}],
                }],
            }]},
        });
        dir.write("envoy.json", config.to_string());
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
            .current_dir(dir.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.path("envoy.log")).expect("a log"))
            .spawn()
            .expect("Envoy starts; set ISTIO_TLS_TOOLS");
        let mut program = Program(child);
        program.await_listening(admin, || dir.read("envoy.log"));
        Self {
            dir,
            admin,
            listener,
            _program: program,
        }
    }

    /// Another Secret by SDS: Envoy looks when the file is exchanged.
    fn gets(&self, secret: &Value) {
        let next = self.dir.write("sds.json.next", secret.to_string());
        std::fs::rename(next, self.dir.path("sds.json")).expect("a file renamed");
    }
}

/// What SDS hands over: a chain with its key, or nothing yet.
fn by_sds(pair: Option<(&str, &str)>) -> Value {
    let resources = pair.map(|(chain, key)| {
        json!({"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            "name": format!("kubernetes://{SECRET}"), "tls_certificate":
            {"certificate_chain": {"inline_string": chain}, "private_key": {"inline_string": key}}})
    });
    json!({"resources": resources.into_iter().collect::<Vec<_>>()})
}

#[test]
fn a_real_envoy_tells_what_it_has_loaded() {
    let plane = ControlPlane::shared();
    let patient = Patient::new(&plane, "enveloped", "credential");
    let key = format!("{HOST}/3_application/private/{HOST}.key.pem");
    let pair = |dir: &Dir| (dir.read(LEAF), dir.read(&key));
    let (chain, secret_key) = pair(&patient.workspace.dir);
    let envoy = RealEnvoy::start(&by_sds(Some((&chain, &secret_key))));
    patient.install(envoy.listener.port());
    patient.play("", envoy.admin);
    patient.workspace.run(&["apply", "--no-wait"]).exits(0);
    patient.is_well();

    // A new chain in the Secret, which Envoy has not got.
    patient.workspace.dir.run(&["gen-certs", HOST, "--force"]).exits(0);
    patient.workspace.run(&["apply", "--no-wait"]).exits(0);
    patient.finds("ITL1151", "the proxy of enveloped-ingress/gateway holds serial");
    let (chain, secret_key) = pair(&patient.workspace.dir);
    envoy.gets(&by_sds(Some((&chain, &secret_key))));
    let doctor = || patient.doctor(&["-o", "json"]);
    await_condition(|| doctor().code == Some(0), || doctor().stdout);
    patient.is_well();

    // A key that does not fit: Envoy says so in its log, and goes on with what it has.
    let other = Dir::new();
    other.run(&["gen-certs", HOST]).exits(0);
    envoy.gets(&by_sds(Some((&chain, &other.read(&key)))));
    let log = || envoy.dir.read("envoy.log");
    await_condition(|| log().contains("KEY_VALUES_MISMATCH"), log);
    patient.play(&log(), envoy.admin);
    let finding = patient.finds("ITL1171 info", "a certificate or key that it cannot use");
    assert!(
        finding["why"].as_str().expect("words").contains("KEY_VALUES_MISMATCH"),
        "{finding:#}"
    );

    // One that waits for its Secret.
    let waiting = RealEnvoy::start(&by_sds(None));
    patient.play("", waiting.admin);
    patient.finds(
        "ITL1150",
        "waits for the certificate of Secret enveloped-ingress/httpbin-credential",
    );
}

const FILES: &str = "istio-ingressgateway-certs";

#[test]
fn mounted_files_are_followed_from_the_secret_to_the_pod() {
    let plane = ControlPlane::shared();
    let patient = Patient::new(&plane, "mounted", "file-mount");
    let gateway = Dir::new();
    copy(&patient.workspace.dir, &gateway);
    let serve = Serve::start(&gateway, &[]);
    patient.install(serve.address(443).port());
    let namespace = patient.pod_namespace().to_owned();
    // Without replicas, or the controller would make pods that no scheduler takes.
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": SERVICE, "namespace": namespace},
        "spec": {"replicas": 0, "selector": {"matchLabels": patient.labels()}, "template": {
            "metadata": {"labels": patient.labels()},
            "spec": {"containers": [{"name": PROXY, "image": "auto"}]}}}});
    plane.kubectl_with(&["apply", "--server-side"], &deployment.to_string());
    patient.workspace.run(&["apply", "--no-wait"]).exits(0);

    // The pod is older than the volumes of its Deployment.
    patient.envoy.tells("default", None);
    let finding = patient.finds("ITL1140", "made before that: gateway");
    assert!(
        fix_of(&finding).contains("rollout restart deployment/istio-ingressgateway"),
        "{finding:#}"
    );

    // Its successor has them, and so has the proxy.
    let make = |optional: bool| {
        let path = "/etc/istio/ingressgateway-certs";
        patient.node.end_pod(&namespace, "gateway");
        let volume =
            |name: &str| json!({"name": name, "secret": {"secretName": format!("istio-{name}"), "optional": optional}});
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "gateway", "namespace": namespace, "labels": patient.labels()},
            "spec": {"nodeName": "played-mounted",
                "volumes": [volume("ingressgateway-certs"), volume("ingressgateway-ca-certs")],
                "containers": [{"name": PROXY, "image": "auto",
                    "volumeMounts": [{"name": "ingressgateway-certs", "mountPath": path}]}]}});
        plane.kubectl_with(&["apply", "--server-side"], &pod.to_string());
        patient.log("info\tEnvoy proxy is ready\n");
        patient.envoy.tells(
            &format!("file-cert:{path}/tls.crt~{path}/tls.key"),
            Some(patient.workspace.dir.read(LEAF)),
        );
        patient.node.set_ready(&namespace, "gateway", true);
        patient.await_endpoint(true);
    };
    make(true);
    patient.is_well();
    // File mounts are the kubelet's: the pods need no right to Secrets.
    patient.kubectl(&["delete", "rolebinding", "sds"]);
    patient.is_well();

    // The volume is optional, and the Secret is gone: the pod runs without files.
    patient.kubectl(&["delete", "secret", FILES]);
    let finding = patient.finds("ITL0305", "istio-ingressgateway-certs, which is not there");
    assert!(fix_of(&finding).contains("doctor --fix"), "{finding:#}");

    // A pod that needs it does not even start.
    make(false);
    patient.node.set_ready(&namespace, "gateway", false);
    patient.await_endpoint(false);
    patient.finds("ITL1141", "its volumes need the Secret istio-ingressgateway-certs");
    let ran = patient.doctor(&["--fix", "--yes", "--wait", "0s"]).exits(1);
    ran.says("fixed: Secret mounted-ingress/istio-ingressgateway-certs created")
        .prints("ITL1112");
    // The kubelet mounts it, and the pod starts.
    patient.node.set_ready(&namespace, "gateway", true);
    patient.await_endpoint(true);
    patient.is_well();
}
