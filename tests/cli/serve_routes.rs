//! What a VirtualService's routes do beside forwarding, on the real binary:
//! retries, limits on time, injected faults, CORS, mirrors, delegates, and the
//! Host of one weighted destination. Upstreams are stubs of the test.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::harness::Dir;
use crate::http_stub::{HttpStub, Reply};
use crate::serve_process::Serve;

const GATEWAY: &str = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: gw, namespace: default}\n\
    spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.test]}]}\n";

/// A VirtualService of the Gateway with these `http` items.
fn service(http: &str) -> String {
    format!(
        "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: v, namespace: default}}\n\
         spec: {{gateways: [gw], hosts: [a.test], http: [{http}]}}\n"
    )
}

fn to(host: &str) -> String {
    format!("route: [{{destination: {{host: {host}, port: {{number: 80}}}}}}]")
}

/// Runs `work` against a serve of the manifests with these upstreams.
fn served(manifests: &str, upstreams: &[(&str, SocketAddr)], work: impl FnOnce(SocketAddr)) {
    let dir = Dir::new();
    dir.write("a.yaml", format!("{GATEWAY}{manifests}"));
    let mut args = vec!["-f".to_owned(), "a.yaml".to_owned()];
    for (name, address) in upstreams {
        args.extend(["--upstream".to_owned(), format!("{name}=http://{address}")]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let serve = Serve::start(&dir, &args);
    assert!(!serve.log().contains("does not run"), "{}", serve.log());
    work(serve.address(80));
}

/// The whole answer to a request whose head and body are these.
fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a limit");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    ask(
        address,
        &format!("GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{headers}\r\n"),
    )
}

/// A stub that answers with these statuses, one after the other, the last one
/// for ever; and what it was asked.
fn answering(statuses: &'static [u16]) -> (HttpStub, Receiver<String>) {
    let (seen, requests) = channel();
    let mut at = 0;
    let stub = HttpStub::start(move |request| {
        // Nobody may listen any more.
        let _ = seen.send(format!(
            "{}\n{}",
            request.head(),
            String::from_utf8_lossy(&request.body)
        ));
        let status = statuses[at.min(statuses.len() - 1)];
        at += 1;
        if status == 0 {
            return Reply::Drop;
        }
        Reply::Answer(status, "", format!("answer {at}"))
    });
    (stub, requests)
}

#[test]
fn an_answer_is_tried_again_when_retry_on_says_so() {
    let retries = "retries: {attempts: 3, retryOn: '5xx', backoff: 1ms}";
    let (stub, requests) = answering(&[503, 0, 200]);
    served(
        &service(&format!("{{{retries}, {}}}", to("up"))),
        &[("up", stub.address)],
        |address| {
            let answer = ask(
                address,
                "POST /a HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
            );
            assert!(
                answer.starts_with("HTTP/1.1 200") && answer.ends_with("answer 3"),
                "{answer}"
            );
        },
    );
    let seen: Vec<String> = requests.try_iter().collect();
    assert_eq!(seen.len(), 3, "{seen:#?}");
    for (at, request) in seen.iter().enumerate() {
        assert!(request.ends_with("\nbody"), "the body is sent again: {request}");
        let attempt = format!("x-envoy-attempt-count: {}", at + 1);
        assert!(request.to_ascii_lowercase().contains(&attempt), "{request}");
    }
}

#[test]
fn istio_s_own_retries_leave_answers_alone() {
    let (stub, requests) = answering(&[503, 200]);
    served(
        &service(&format!("{{{}}}", to("up"))),
        &[("up", stub.address)],
        |address| {
            assert!(get(address, "/", "").starts_with("HTTP/1.1 503"));
        },
    );
    assert_eq!(requests.try_iter().count(), 1);
}

#[test]
fn the_last_answer_passes_when_no_attempt_is_left() {
    let (stub, requests) = answering(&[503]);
    let retries = "retries: {attempts: 2, retryOn: '503', backoff: 1ms}";
    served(
        &service(&format!("{{{retries}, {}}}", to("up"))),
        &[("up", stub.address)],
        |address| {
            let answer = get(address, "/", "");
            assert!(
                answer.starts_with("HTTP/1.1 503") && answer.ends_with("answer 3"),
                "{answer}"
            );
        },
    );
    assert_eq!(requests.try_iter().count(), 3);
}

#[test]
fn an_attempt_that_takes_too_long_ends() {
    let http = format!(
        "{{timeout: 60s, retries: {{attempts: 1, perTryTimeout: 100ms, retryOn: '5xx'}}, {}}}",
        to("httpbin")
    );
    served(&service(&http), &[], |address| {
        let answer = get(address, "/delay/9", "");
        assert!(
            answer.starts_with("HTTP/1.1 504") && answer.ends_with("upstream request timeout"),
            "{answer}"
        );
    });
}

#[test]
fn faults_are_injected_by_their_share() {
    let whole = "percentage: {value: 100}";
    let http = [
        format!(
            "{{match: [{{uri: {{prefix: /never}}}}], fault: {{abort: {{httpStatus: 418}}}}, {}}}",
            to("httpbin")
        ),
        format!(
            "{{fault: {{delay: {{fixedDelay: 1ms, {whole}}}, abort: {{httpStatus: 418, {whole}}}}}, {}}}",
            to("httpbin")
        ),
    ];
    served(&service(&http.join(", ")), &[], |address| {
        assert!(
            get(address, "/never", "").starts_with("HTTP/1.1 404"),
            "the sample's own"
        );
        let answer = get(address, "/", "");
        assert!(
            answer.starts_with("HTTP/1.1 418") && answer.ends_with("fault filter abort"),
            "{answer}"
        );
    });
}

#[test]
fn cross_origin_requests_are_answered_by_the_policy() {
    let policy = "corsPolicy: {allowOrigins: [{exact: 'https://b.test'}], allowMethods: [GET, PUT], maxAge: 1m, \
                  allowCredentials: true, exposeHeaders: [x-a]}";
    let http = format!("{{{policy}, {}}}", to("httpbin"));
    served(&service(&http), &[], |address| {
        let preflight = |origin: &str| {
            let request = format!(
                "OPTIONS /get HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: PUT\r\n\r\n"
            );
            ask(address, &request)
        };
        let answer = preflight("https://b.test");
        for line in [
            "HTTP/1.1 200",
            "access-control-allow-origin: https://b.test",
            "access-control-allow-methods: GET,PUT",
            "access-control-max-age: 60",
            "access-control-allow-credentials: true",
        ] {
            assert!(answer.contains(line), "{line} is not in {answer}");
        }
        let actual = get(address, "/get", "Origin: https://b.test\r\n");
        assert!(
            actual.contains("access-control-allow-origin: https://b.test")
                && actual.contains("access-control-expose-headers: x-a"),
            "{actual}"
        );
    });
}

#[test]
fn mirrors_get_a_copy_and_nobody_waits_for_them() {
    let (stub, _requests) = answering(&[200]);
    let (mirror, mirrored) = answering(&[500]);
    let http = format!("{{mirror: {{host: copy, port: {{number: 80}}}}, {}}}", to("up"));
    let upstreams = [("up", stub.address), ("copy", mirror.address)];
    served(&service(&http), &upstreams, |address| {
        let answer = ask(
            address,
            "POST /a?b=c HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
        );
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let copy = mirrored.recv_timeout(Duration::from_mins(1)).expect("a copy");
        assert!(copy.starts_with("POST /a?b=c ") && copy.contains("body"), "{copy}");
    });
}

#[test]
fn routes_are_delegated() {
    let root = service(
        "{match: [{uri: {prefix: /in}}], timeout: 9s, delegate: {name: inner, namespace: team}}, {directResponse: {status: 410}}",
    );
    let inner = format!(
        "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: inner, namespace: team}}\n\
         spec: {{http: [{{match: [{{uri: {{prefix: /in/up}}}}], rewrite: {{uri: /x}}, {}}}, {{match: [{{uri: {{prefix: /out}}}}], directResponse: {{status: 299}}}}]}}\n",
        to("up")
    );
    let (stub, requests) = answering(&[200]);
    served(&format!("{root}{inner}"), &[("up.team", stub.address)], |address| {
        assert!(get(address, "/in/up/1", "").starts_with("HTTP/1.1 200"));
        assert!(get(address, "/out", "").starts_with("HTTP/1.1 410"), "it lies outside");
        assert!(get(address, "/in/other", "").starts_with("HTTP/1.1 410"));
    });
    let seen: Vec<String> = requests.try_iter().collect();
    assert!(seen.len() == 1 && seen[0].starts_with("GET /x/1 "), "{seen:?}");
    assert!(
        seen[0]
            .to_ascii_lowercase()
            .contains("x-envoy-expected-rq-timeout-ms: "),
        "the root's timeout is inherited: {seen:?}"
    );
}

#[test]
fn one_weighted_destination_has_a_host_of_its_own() {
    let (stub, requests) = answering(&[200]);
    let http = "{route: [{destination: {host: up, port: {number: 80}}, weight: 100, headers: {request: {set: {Host: inner.test}}}}, \
                {destination: {host: other, port: {number: 80}}, weight: 0}, {destination: {host: up, port: {number: 80}}, weight: 1, \
                headers: {request: {set: {Host: inner.test}}}}]}";
    served(&service(http), &[("up", stub.address)], |address| {
        assert!(get(address, "/", "").starts_with("HTTP/1.1 200"));
    });
    let seen = requests.recv_timeout(Duration::from_mins(1)).expect("a request");
    assert!(seen.to_ascii_lowercase().contains("host: inner.test"), "{seen}");
}
