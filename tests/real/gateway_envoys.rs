//! Envoys as a gateway's proxy, with what their admin interface tells of
//! certificates: a played one, and a real one that gets its certificate by SDS.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::doctor_patient::{HOST, SECRET};
use crate::harness::Dir;
use crate::http_stub::{HttpStub, Reply};
use crate::installed_tools::tool;
use crate::running_program::{Program, free_address};

/// What the played Envoy tells: a Secret by name, with its chain, or awaited.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) chain: Option<String>,
}

/// The answers of an Envoy's admin interface, as Envoy 1.40 gives them.
pub(crate) fn answers(told: &Told) -> [Reply; 3] {
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
pub(crate) struct Envoy {
    pub(crate) stub: HttpStub,
    pub(crate) told: Arc<Mutex<Told>>,
}

impl Envoy {
    pub(crate) fn start(told: Told) -> Self {
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

    pub(crate) fn tells(&self, name: &str, chain: Option<String>) {
        *self.told.lock().expect("no panic") = Told {
            name: name.to_owned(),
            chain,
        };
    }
}

/// A real Envoy that gets its certificate as a gateway does, by SDS, here from
/// a file; its admin interface and its log are its own.
pub(crate) struct RealEnvoy {
    pub(crate) dir: Dir,
    pub(crate) admin: SocketAddr,
    pub(crate) listener: SocketAddr,
    _program: Program,
}

impl RealEnvoy {
    #[track_caller]
    pub(crate) fn start(secret: &Value) -> Self {
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
    pub(crate) fn gets(&self, secret: &Value) {
        let next = self.dir.write("sds.json.next", secret.to_string());
        std::fs::rename(next, self.dir.path("sds.json")).expect("a file renamed");
    }
}

/// What SDS hands over: a chain with its key, or nothing yet.
pub(crate) fn by_sds(pair: Option<(&str, &str)>) -> Value {
    let resources = pair.map(|(chain, key)| {
        json!({"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            "name": format!("kubernetes://{SECRET}"), "tls_certificate":
            {"certificate_chain": {"inline_string": chain}, "private_key": {"inline_string": key}}})
    });
    json!({"resources": resources.into_iter().collect::<Vec<_>>()})
}
