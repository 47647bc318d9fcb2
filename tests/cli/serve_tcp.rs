//! `serve`: connections that are not HTTP there. TLS is passed on by server name, TLS
//! that ends may carry anything, and TCP is proxied; what stands in for a destination
//! is said.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::harness::Dir;
use crate::running_program::free_address;
use crate::serve_process::{Serve, client_of, trusting};
use crate::tls_client::{Connection, plain_get};

const HTTPBIN: &str = "httpbin.example.com";

/// Servers of one port in every mode, and one of plain TCP.
const MANIFESTS: &str = "\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 443, name: pass, protocol: TLS}, hosts: [httpbin.example.com, lost.example.com], tls: {mode: PASSTHROUGH}}
  - {port: {number: 443, name: ends, protocol: TLS}, hosts: [tcp.example.com], tls: {mode: SIMPLE, credentialName: httpbin-credential}}
  - {port: {number: 443, name: mesh, protocol: HTTPS}, hosts: [mesh.example.com], tls: {mode: ISTIO_MUTUAL}}
  - {port: {number: 443, name: wide, protocol: HTTPS}, hosts: ['*.example.com'], tls: {mode: SIMPLE, credentialName: httpbin-credential}}
  - {port: {number: 443, name: plain, protocol: HTTP}, hosts: ['*.example.com']}
  - {port: {number: 31400, name: tcp, protocol: TCP}, hosts: ['*']}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge, namespace: default}
spec:
  hosts: ['*']
  gateways: [edge]
  http: [{route: [{destination: {host: httpbin, port: {number: 8000}}}]}]
  tls:
  - {match: [{sniHosts: [httpbin.example.com]}], route: [{destination: {host: inner, port: {number: 443}}}]}
  - {match: [{sniHosts: [lost.example.com]}], route: [{destination: {host: lost, port: {number: 443}}}]}
  tcp: [{route: [{destination: {host: db, port: {number: 27017}}}]}]
";

fn folder() -> Dir {
    let dir = Dir::new();
    let sans = [
        "--san",
        "tcp.example.com",
        "--san",
        "wide.example.com",
        "--san",
        "mesh.example.com",
    ];
    dir.run(&[&["gen-certs", HTTPBIN, "--san", "lost.example.com"], &sans[..]].concat())
        .exits(0);
    dir.write("edge.yaml", MANIFESTS);
    dir
}

fn open(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .expect("a timeout");
    stream
}

#[test]
fn tls_is_passed_on_to_the_upstream_that_ends_it() {
    let dir = folder();
    let inner = Serve::start(&dir, &[]);
    let upstream = format!("inner:443=tcp://{}", inner.address(443));
    let outer = Dir::new();
    outer.write("edge.yaml", MANIFESTS);
    let mut edge = Serve::start(
        &outer,
        &["-f", "edge.yaml", "--port-map", "31400=0", "--upstream", &upstream],
    );
    // The outer gateway has no key at all: the handshake, with the client's certificate, is the inner one's.
    let direct = inner.open(HTTPBIN, &client_of(&dir, HTTPBIN)).expect("served");
    let mut passed = Connection::open(edge.address(443), HTTPBIN, &client_of(&dir, HTTPBIN)).expect("passed on");
    assert_eq!(passed.leaf(), direct.leaf());
    assert_eq!(passed.get("/status/418").expect("an answer").status, 418);
    let refusal = Connection::open(edge.address(443), HTTPBIN, &trusting(&dir, HTTPBIN))
        .and_then(|mut connection| connection.get("/status/418"))
        .expect_err("refused by the inner gateway");
    assert!(refusal.contains("CertificateRequired"), "{refusal}");
    drop(passed);
    edge.wait_until("its log has the connection", |edge| {
        let log = edge.log();
        log.contains("\"- - -\" 0 - ") && log.contains("sni=httpbin.example.com route=\"default/edge tls[0]\"")
    });
    // Nothing is dialled but an --upstream.
    let closed = Connection::open(edge.address(443), "lost.example.com", &trusting(&dir, HTTPBIN)).err();
    assert!(!closed.expect("closed").contains("alert"));
    assert!(
        edge.log()
            .contains("serve closes the connections to lost.default.svc.cluster.local:443")
    );
    assert!(
        edge.log().contains("--upstream lost:443=tcp://HOST:PORT"),
        "{}",
        edge.log()
    );
}

#[test]
fn tls_that_ends_carries_tcp_and_a_wider_server_answers_for_no_closed_host() {
    let dir = folder();
    let serve = Serve::start(&dir, &["-f", "edge.yaml", "--port-map", "31400=0"]);
    let trusting = trusting(&dir, HTTPBIN);
    // No upstream is given for it, so what is sent comes back.
    let echoed = serve.open("tcp.example.com", &trusting).expect("served");
    assert_eq!(echoed.echo(b"no HTTP at all\r\n\r\n"), b"no HTTP at all\r\n\r\n");
    let mut wide = serve.open("wide.example.com", &trusting).expect("served");
    assert_eq!(wide.get("/status/418").expect("an answer").status, 418);
    let closed = serve.open("mesh.example.com", &trusting).err().expect("closed");
    assert!(!closed.contains("alert"), "{closed}");
    assert!(
        serve
            .log()
            .contains("closes mesh.example.com: serve does not run mode ISTIO_MUTUAL")
    );
    // The plain server that stands after them shares the port.
    let answer = plain_get(serve.address(443), "wide.example.com", "/status/418").expect("an answer");
    assert_eq!(answer.status, 418);
    // TLS for a name of no chain goes to it, too.
    let refused = serve.open("elsewhere.test", &trusting).err().expect("no TLS is spoken");
    assert!(!refused.is_empty());
}

#[test]
fn tcp_is_proxied_both_ways_and_half_closed() {
    let dir = folder();
    let upstream = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let flag = format!("db:27017=tcp://{}", upstream.local_addr().unwrap());
    let mut serve = Serve::start(&dir, &["-f", "edge.yaml", "--port-map", "31400=0", "--upstream", &flag]);
    let mut client = open(serve.address(31400));
    let (mut server, _) = upstream.accept().unwrap();
    // The server speaks first, as MySQL does.
    server.write_all(b"greeting").unwrap();
    let mut greeting = [0; 8];
    client.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"greeting");
    client.write_all(b"question").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut question = String::new();
    server.read_to_string(&mut question).unwrap();
    assert_eq!(question, "question");
    server.write_all(b"the answer comes after the client's end").unwrap();
    drop(server);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "the answer comes after the client's end");
    serve.wait_until("its log has the bytes of both ways", |serve| {
        serve.log().contains("\"- - -\" 0 - 8 47 ")
    });
}

#[test]
fn an_upstream_of_tcp_that_refuses_ends_the_connection() {
    let dir = folder();
    let flag = format!("db=tcp://{}", free_address());
    let mut serve = Serve::start(&dir, &["-f", "edge.yaml", "--port-map", "31400=0", "--upstream", &flag]);
    let mut client = open(serve.address(31400));
    assert!(matches!(client.read(&mut [0; 1]), Ok(0) | Err(_)));
    serve.wait_until("its log says why", |serve| serve.log().contains("cannot be reached"));
}

#[test]
fn strict_stops_where_a_destination_of_tcp_is_not_given() {
    let dir = folder();
    dir.run(&["serve", "-f", "edge.yaml", "--strict"]).exits(2);
    dir.run(&["serve", "-f", "edge.yaml", "--upstream", "db=tcp://127.0.0.1"])
        .exits(2)
        .says("a tcp address needs a port");
}
