//! curl and nghttp at the gateway, nginx behind it: HTTP/1.1, h2c and HTTPS
//! upstreams, bodies of some size, connection reuse.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use istio_tls::gateway::config::table::{ClientAuth, Endpoint, SniTable, UpstreamProtocol};

use super::gateway_fixture::{self as fixture, Authority, Leaf, SERVER};
use crate::running_program::{await_condition, free_port};

/// An nginx with a plain, an h2c and an HTTPS port.
struct Nginx {
    child: Child,
    ports: [u16; 3],
    log: PathBuf,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM, so that the worker ends with its master.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Nginx {
    fn start(folder: &Path, leaf: &Leaf) -> Self {
        let ports = [free_port(), free_port(), free_port()];
        let [plain, h2c, https] = ports;
        let log = folder.join("access.log");
        let (at, certificate, key) = (folder.display(), leaf.certificate.display(), leaf.key.display());
        let locations = format!(
            "location / {{ add_header x-seen-protocol $server_protocol; return 200 \"$request_method $request_uri $http_x_forwarded_proto\"; }}
             location /files/ {{ alias {at}/files/; dav_methods PUT; client_max_body_size 100m; }}"
        );
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {at}/{kind};"))
            .concat();
        let config = format!(
            "daemon off; worker_processes 1; pid {at}/nginx.pid; error_log {at}/error.log; user root;
             events {{ worker_connections 1024; }}
             http {{ {temporary} log_format connections '$connection $server_protocol'; access_log {log} connections;
               server {{ listen 127.0.0.1:{plain}; {locations} }}
               server {{ listen 127.0.0.1:{h2c} http2; {locations} }}
               server {{ listen 127.0.0.1:{https} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key}; {locations} }} }}",
            log = log.display(),
        );
        std::fs::create_dir(folder.join("files")).unwrap();
        std::fs::write(folder.join("nginx.conf"), config).unwrap();
        let program = if Path::new("/usr/sbin/nginx").exists() {
            "/usr/sbin/nginx"
        } else {
            "nginx"
        };
        let child = Command::new(program)
            .args(["-e", &format!("{at}/error.log"), "-c", &format!("{at}/nginx.conf")])
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx is installed");
        let nginx = Self { child, ports, log };
        for port in ports {
            await_condition(
                || TcpStream::connect(("127.0.0.1", port)).is_ok(),
                || format!("nginx does not listen at {port}"),
            );
        }
        nginx
    }

    fn remote(&self, protocol: UpstreamProtocol) -> Endpoint {
        let port = match protocol {
            UpstreamProtocol::Http | UpstreamProtocol::Tcp => self.ports[0],
            UpstreamProtocol::H2c => self.ports[1],
            UpstreamProtocol::Https => self.ports[2],
        };
        Endpoint::Remote {
            host: "127.0.0.1".into(),
            port,
            protocol,
        }
    }
}

fn curl(address: SocketAddr, path: &str, args: &[&str]) -> String {
    let output = Command::new("curl")
        .args([
            "-sS",
            "-k",
            "--resolve",
            &format!("a.test:{}:127.0.0.1", address.port()),
        ])
        .args(args)
        .arg(format!("https://a.test:{}{path}", address.port()))
        .output()
        .expect("curl is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{args:?} {text} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[test]
fn curl_reaches_every_kind_of_upstream_over_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("ca");
    let leaf = authority.leaf(folder.path(), "server", "a.test", &SERVER);
    let nginx = Nginx::start(folder.path(), &leaf);
    let big = folder.path().join("big");
    let content: Vec<u8> = (0..12_000_000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    std::fs::write(&big, &content).unwrap();
    let protocols = [
        (UpstreamProtocol::Http, "HTTP/1.1"),
        (UpstreamProtocol::H2c, "HTTP/2.0"),
        (UpstreamProtocol::Https, "HTTP/2.0"),
    ];
    for (protocol, spoken) in protocols {
        let mut chains = SniTable::default();
        chains
            .exact
            .insert("a.test".into(), fixture::chain("a", &leaf, ClientAuth::None));
        let (server, address) = fixture::start(fixture::table(chains, nginx.remote(protocol)));
        for version in ["--http1.1", "--http2"] {
            let text = curl(address, "/x?y=1", &[version, "-i"]);
            assert!(text.contains(&format!("x-seen-protocol: {spoken}")), "{text}");
            assert!(text.ends_with("GET /x?y=1 https"), "{text}");
            let head = curl(address, "/x", &[version, "-I"]);
            assert!(
                head.contains(" 200") && head.to_lowercase().contains("content-length:"),
                "{head}"
            );
            let posted = curl(address, "/x", &[version, "-d", "a=b"]);
            assert!(posted.starts_with("POST /x"), "{posted}");

            let name = format!("{spoken}{version}").replace(['/', '.'], "-");
            let upload = big.to_str().unwrap();
            let status = curl(
                address,
                &format!("/files/{name}"),
                &[version, "-T", upload, "-w", "%{http_code}"],
            );
            assert!(status.ends_with("201") || status.ends_with("204"), "{status}");
            let back = folder.path().join("back");
            curl(
                address,
                &format!("/files/{name}"),
                &[version, "-o", back.to_str().unwrap()],
            );
            assert!(
                std::fs::read(&back).unwrap() == content,
                "{name}: the body changed on its way"
            );
        }
        server.drain(Duration::from_secs(5));
    }
}

#[test]
fn one_upstream_connection_serves_many_requests() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("ca");
    let leaf = authority.leaf(folder.path(), "server", "a.test", &SERVER);
    let nginx = Nginx::start(folder.path(), &leaf);
    let chains = SniTable {
        any: Some(fixture::chain("a", &leaf, ClientAuth::None)),
        ..SniTable::default()
    };
    let (_server, address) = fixture::start(fixture::table(chains, nginx.remote(UpstreamProtocol::Http)));
    let output = Command::new("h2load")
        .args(["-n", "200", "-c", "1", "-m", "1", &format!("https://{address}/")])
        .output()
        .expect("h2load is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("200 succeeded, 0 failed"), "{text}");
    let log = std::fs::read_to_string(&nginx.log).unwrap();
    let connections: std::collections::BTreeSet<&str> = log.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(
        connections.len() <= 2,
        "{} connections for 200 requests",
        connections.len()
    );
}

#[test]
fn nghttp_multiplexes_over_h2c() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("ca");
    let leaf = authority.leaf(folder.path(), "server", "a.test", &SERVER);
    let nginx = Nginx::start(folder.path(), &leaf);
    let chains = SniTable {
        any: Some(fixture::chain("a", &leaf, ClientAuth::None)),
        ..SniTable::default()
    };
    let (_server, address) = fixture::start(fixture::table(chains, nginx.remote(UpstreamProtocol::H2c)));
    let output = Command::new("nghttp")
        .args(["-n", "-s", "-m", "20", &format!("https://{address}/many")])
        .output()
        .expect("nghttp is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.matches(" 200 ").count(), 20, "{text}");
}
