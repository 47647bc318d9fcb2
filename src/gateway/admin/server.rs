//! The admin's HTTP server and its pages: `/ready`, `/certs`, `/config_dump`,
//! `/stats/prometheus`, `/logging`. On a thread of its own, so that busy
//! workers do not delay it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use super::certs;
use super::config_dump;
use super::prometheus;
use crate::gateway::config::authority::split_port;
use crate::gateway::dataplane::clock;
use crate::gateway::dataplane::current::Current;
use crate::gateway::dataplane::settings::ServerSettings;
use crate::gateway::dataplane::stats::Stats;
use crate::gateway::matching;
use crate::workspace::running::ID_HEADER;

/// The running admin; it ends with this.
pub(in crate::gateway) struct AdminHandle {
    /// Where it listens.
    pub(in crate::gateway) address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

struct Admin {
    settings: Arc<ServerSettings>,
    current: Arc<Current>,
    stats: Vec<Arc<Stats>>,
    bound_to_loopback: bool,
}

impl AdminHandle {
    /// Answers on `socket`.
    pub(in crate::gateway) fn start(
        address: SocketAddr,
        socket: std::net::TcpListener,
        settings: &Arc<ServerSettings>,
        current: &Arc<Current>,
        stats: Vec<Arc<Stats>>,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let admin = Admin {
            settings: Arc::clone(settings),
            current: Arc::clone(current),
            stats,
            bound_to_loopback: address.ip().to_canonical().is_loopback(),
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("admin".into()).spawn(move || {
            LocalSet::new().block_on(&runtime, accept(Arc::new(admin), socket, stopped));
        })?;
        Ok(Self { address, stop, thread })
    }

    /// Ends the admin.
    pub(in crate::gateway) fn stop(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

async fn accept(admin: Arc<Admin>, socket: std::net::TcpListener, mut stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!("the admin cannot be served: {error}"),
    };
    loop {
        let accepted = tokio::select! {
            _ = &mut stopped => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let admin = Arc::clone(&admin);
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let answer = admin.answer(request.method(), request.uri(), request.headers());
                std::future::ready(Ok::<_, std::convert::Infallible>(answer))
            });
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

const HELP: &str = "istio-tls admin

  GET  /certs             certificates: where from, serial, subject, names, days until expiration
  GET  /config_dump       listeners, filter chains, routes and clusters (keys redacted)
  GET  /listeners         Gateway ports and the names served on them
  GET  /ready             LIVE once requests are served
  GET  /stats/prometheus  counters in Prometheus' text format
  GET  /logging           the level of the log
  POST /logging?level=debug   changes it
";

impl Admin {
    fn answer(&self, method: &Method, uri: &http::Uri, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let mut response = match self.refuse(headers) {
            Some(why) => text(StatusCode::FORBIDDEN, why.to_owned()),
            None => self.page(method, uri),
        };
        if let Ok(id) = HeaderValue::from_str(&self.settings.id) {
            response.headers_mut().insert(HeaderName::from_static(ID_HEADER), id);
        }
        response
            .headers_mut()
            .insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        response
            .headers_mut()
            .insert("cache-control", HeaderValue::from_static("no-cache, max-age=0"));
        response
    }

    /// A web page must not reach the admin by a name that it points here (DNS
    /// rebinding), nor send it a form from elsewhere.
    fn refuse(&self, headers: &HeaderMap) -> Option<&'static str> {
        let host = headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        if self.bound_to_loopback && !is_loopback_name(host) {
            return Some("this admin listens on a loopback address and is asked by another name: refused\n");
        }
        let origin = headers.get(ORIGIN)?.to_str().unwrap_or_default();
        let origin_host = origin.split_once("://").map_or(origin, |(_, host)| host);
        (origin_host != host).then_some("a page of another origin asks: refused\n")
    }

    fn page(&self, method: &Method, uri: &http::Uri) -> Response<Full<Bytes>> {
        let reads = method == Method::GET || method == Method::HEAD;
        match uri.path() {
            "/logging" if method == Method::POST => self.set_level(uri.query()),
            path if !reads && path != "/logging" => {
                let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "only GET here\n".into());
                refused
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
                refused
            }
            "/" | "/help" => text(StatusCode::OK, HELP.to_owned()),
            "/ready" => text(StatusCode::OK, "LIVE\n".into()),
            "/certs" => json(&certs::certs(&self.current.generation().table, clock::now().as_secs())),
            "/config_dump" => json(&config_dump::dump(&self.current.generation())),
            "/listeners" => text(StatusCode::OK, self.listeners()),
            "/stats/prometheus" => {
                let mut page = text(StatusCode::OK, prometheus::page(&self.stats, &self.current));
                page.headers_mut().insert(
                    CONTENT_TYPE,
                    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
                );
                page
            }
            "/logging" if reads => self.level(None),
            "/logging" => text(StatusCode::METHOD_NOT_ALLOWED, "GET or POST here\n".into()),
            _ => text(StatusCode::NOT_FOUND, format!("no such page\n\n{HELP}")),
        }
    }

    fn listeners(&self) -> String {
        let generation = self.current.generation();
        let lines = generation.table.listeners.iter().map(|listener| {
            let names = matching::served_names(listener).join(", ");
            format!("{}: {names}\n", listener.port)
        });
        lines.collect()
    }

    fn set_level(&self, query: Option<&str>) -> Response<Full<Bytes>> {
        let level = query
            .unwrap_or_default()
            .split('&')
            .find_map(|pair| pair.strip_prefix("level="));
        match level {
            Some(level) if !level.is_empty() => self.level(Some(level)),
            _ => text(
                StatusCode::BAD_REQUEST,
                "say which: /logging?level=error|warn|info|debug|trace\n".into(),
            ),
        }
    }

    fn level(&self, new: Option<&str>) -> Response<Full<Bytes>> {
        match &self.settings.log_level {
            None => text(
                StatusCode::NOT_IMPLEMENTED,
                "the level of this log cannot be read or changed\n".into(),
            ),
            Some(handle) => match handle(new) {
                Ok(level) => text(StatusCode::OK, format!("level: {level}\n")),
                Err(why) => text(StatusCode::BAD_REQUEST, format!("{why}\n")),
            },
        }
    }
}

fn is_loopback_name(host: &str) -> bool {
    let name = split_port(host).0.trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn json(value: &serde_json::Value) -> Response<Full<Bytes>> {
    let body = serde_json::to_string_pretty(value).expect("a JSON value is writable") + "\n";
    let mut response = text(StatusCode::OK, body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::is_loopback_name;

    #[test]
    fn only_loopback_names_reach_a_loopback_admin() {
        for (host, loopback) in [
            ("127.0.0.1:15000", true),
            ("localhost:15000", true),
            ("LOCALHOST", true),
            ("[::1]:15000", true),
            ("127.1.2.3", true),
            ("evil.example.com:15000", false),
            ("localhost.evil.com", false),
            ("127.0.0.1.evil.com", false),
            ("", false),
        ] {
            assert_eq!(is_loopback_name(host), loopback, "{host}");
        }
    }
}
