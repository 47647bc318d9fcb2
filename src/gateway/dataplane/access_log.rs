//! A line per request or passed connection, as text or JSON, with the fields of Istio's access log.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use http::header::{HOST, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, StatusCode, Version};

use super::clock;
use super::downstream::Downstream;
use super::tasks::Tasks;

/// The access log's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessLog {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object per line, with Istio's field names.
    Json,
    /// None.
    Off,
}

/// What is known of a request when its line is written.
pub(super) struct Entry {
    pub(super) at: Duration,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) authority: String,
    pub(super) version: Version,
    pub(super) status: Option<StatusCode>,
    /// Envoy's response flags: `NR`, `UF`, `UC`, `UT` ...; `-` is none.
    pub(super) flags: &'static str,
    pub(super) bytes_received: Rc<Cell<u64>>,
    pub(super) bytes_sent: u64,
    /// Milliseconds until the upstream's head.
    pub(super) upstream_time: Option<u64>,
    /// Where it went: `sample httpbin`, `127.0.0.1:9000`.
    pub(super) upstream: Option<String>,
    /// The destination.
    pub(super) cluster: Option<String>,
    /// The route.
    pub(super) route: Option<String>,
    pub(super) request_id: Option<HeaderValue>,
    pub(super) user_agent: Option<HeaderValue>,
}

impl Entry {
    /// What a request's head says of it; the answer is still to come.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let host = request.headers().get(HOST).map(HeaderValue::as_bytes);
        let authority = match request.uri().authority() {
            Some(authority) => authority.as_str().to_owned(),
            None => String::from_utf8_lossy(host.unwrap_or_default()).into_owned(),
        };
        Self {
            at: clock::now(),
            method: request.method().clone(),
            path: request
                .uri()
                .path_and_query()
                .map_or("/", PathAndQuery::as_str)
                .to_owned(),
            authority,
            version: request.version(),
            status: None,
            // A client that goes away before the answer leaves this.
            flags: "DC",
            bytes_received: Rc::default(),
            bytes_sent: 0,
            upstream_time: None,
            upstream: None,
            cluster: None,
            route: None,
            request_id: None,
            user_agent: request.headers().get(USER_AGENT).cloned(),
        }
    }
}

/// What is known of a connection that was passed on, when it has ended.
pub(super) struct PassedEntry {
    pub(super) at: Duration,
    pub(super) peer: SocketAddr,
    pub(super) sni: Option<String>,
    /// Envoy's response flags, as in [`Entry`].
    pub(super) flags: &'static str,
    pub(super) bytes_received: u64,
    pub(super) bytes_sent: u64,
    /// Where it went.
    pub(super) upstream: Option<String>,
    /// The destination.
    pub(super) cluster: Option<String>,
    /// The route.
    pub(super) route: String,
}

/// One worker's lines on their way to standard error: gathered for a moment,
/// so that a busy worker writes many at once.
pub(super) struct AccessWriter {
    format: AccessLog,
    buffer: Rc<RefCell<Vec<u8>>>,
    flush_is_due: Rc<Cell<bool>>,
    tasks: Tasks,
}

const GATHER: Duration = Duration::from_millis(20);
const ENOUGH: usize = 32 * 1024;

impl AccessWriter {
    /// A writer that flushes in a task; what is gathered when the worker's
    /// tasks have ended is for the worker to flush.
    pub(super) fn new(format: AccessLog, tasks: Tasks) -> Self {
        Self {
            format,
            buffer: Rc::default(),
            flush_is_due: Rc::default(),
            tasks,
        }
    }

    /// Whether requests are logged at all.
    pub(super) fn is_on(&self) -> bool {
        self.format != AccessLog::Off
    }

    /// Writes a request's line.
    pub(super) fn write(&self, entry: &Entry, downstream: &Downstream, took: Duration) {
        let peer = downstream.peer.to_string();
        let line = match self.format {
            AccessLog::Off => return,
            AccessLog::Text => text(entry, &peer, downstream.sni(), took),
            AccessLog::Json => json(entry, &peer, downstream.sni(), took),
        };
        self.gather(&line);
    }

    /// Writes a passed connection's line.
    pub(super) fn write_passed(&self, entry: &PassedEntry, took: Duration) {
        match self.format {
            AccessLog::Off => {}
            AccessLog::Text => self.gather(&passed_text(entry, took)),
            AccessLog::Json => self.gather(&passed_json(entry, took)),
        }
    }

    fn gather(&self, line: &str) {
        self.buffer.borrow_mut().extend_from_slice(line.as_bytes());
        if self.buffer.borrow().len() >= ENOUGH {
            self.flush();
        } else if !self.flush_is_due.replace(true) {
            let (buffer, due) = (Rc::clone(&self.buffer), Rc::clone(&self.flush_is_due));
            let later = async move {
                tokio::time::sleep(GATHER).await;
                due.set(false);
                flush(&buffer);
            };
            self.tasks.spawn(later);
        }
    }

    /// Writes out what is gathered.
    pub(super) fn flush(&self) {
        flush(&self.buffer);
    }
}

fn flush(buffer: &RefCell<Vec<u8>>) {
    let lines = buffer.take();
    // If nobody reads the log it is lost; requests are served all the same.
    let _ = std::io::stderr().lock().write_all(&lines);
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

fn shown(value: Option<&HeaderValue>) -> &str {
    value.and_then(|value| value.to_str().ok()).unwrap_or("-")
}

/// `[time] "GET /status/418 HTTP/2" 418 - 0 135 1ms (upstream 0ms) ...`
fn text(entry: &Entry, peer: &str, sni: Option<&str>, took: Duration) -> String {
    let mut line = String::with_capacity(256);
    let _ = write!(
        line,
        "[{}] \"{} {} {}\" {} {} {} {} {}ms",
        clock::rfc3339(entry.at),
        entry.method,
        entry.path.escape_debug(),
        version(entry.version),
        entry.status.map_or(0, |status| status.as_u16()),
        entry.flags,
        entry.bytes_received.get(),
        entry.bytes_sent,
        took.as_millis(),
    );
    if let Some(time) = entry.upstream_time {
        let _ = write!(line, " (upstream {time}ms)");
    }
    let _ = writeln!(
        line,
        " host={} peer={peer} sni={} agent=\"{}\" id={} route=\"{}\" to=\"{}\" at=\"{}\"",
        entry.authority.escape_debug(),
        sni.unwrap_or("-").escape_debug(),
        shown(entry.user_agent.as_ref()).escape_debug(),
        shown(entry.request_id.as_ref()).escape_debug(),
        entry.route.as_deref().unwrap_or("-"),
        entry.cluster.as_deref().unwrap_or("-"),
        entry.upstream.as_deref().unwrap_or("-"),
    );
    line
}

/// `[time] "- - -" 0 - 1024 2048 12ms ...`
fn passed_text(entry: &PassedEntry, took: Duration) -> String {
    format!(
        "[{}] \"- - -\" 0 {} {} {} {}ms peer={} sni={} route=\"{}\" to=\"{}\" at=\"{}\"\n",
        clock::rfc3339(entry.at),
        entry.flags,
        entry.bytes_received,
        entry.bytes_sent,
        took.as_millis(),
        entry.peer,
        entry.sni.as_deref().unwrap_or("-").escape_debug(),
        entry.route,
        entry.cluster.as_deref().unwrap_or("-"),
        entry.upstream.as_deref().unwrap_or("-"),
    )
}

fn passed_json(entry: &PassedEntry, took: Duration) -> String {
    let value = serde_json::json!({
        "start_time": clock::rfc3339(entry.at),
        "method": null,
        "path": null,
        "protocol": null,
        "response_code": 0,
        "response_flags": entry.flags,
        "bytes_received": entry.bytes_received,
        "bytes_sent": entry.bytes_sent,
        "duration": took.as_millis() as u64,
        "upstream_service_time": null,
        "authority": null,
        "downstream_remote_address": entry.peer.to_string(),
        "requested_server_name": entry.sni,
        "user_agent": null,
        "request_id": null,
        "route_name": entry.route,
        "upstream_cluster": entry.cluster,
        "upstream_host": entry.upstream,
    });
    format!("{value}\n")
}

fn json(entry: &Entry, peer: &str, sni: Option<&str>, took: Duration) -> String {
    let value = serde_json::json!({
        "start_time": clock::rfc3339(entry.at),
        "method": entry.method.as_str(),
        "path": entry.path,
        "protocol": version(entry.version),
        "response_code": entry.status.map_or(0, |status| status.as_u16()),
        "response_flags": entry.flags,
        "bytes_received": entry.bytes_received.get(),
        "bytes_sent": entry.bytes_sent,
        "duration": took.as_millis() as u64,
        "upstream_service_time": entry.upstream_time,
        "authority": entry.authority,
        "downstream_remote_address": peer,
        "requested_server_name": sni,
        "user_agent": entry.user_agent.as_ref().and_then(|value| value.to_str().ok()),
        "request_id": entry.request_id.as_ref().and_then(|value| value.to_str().ok()),
        "route_name": entry.route,
        "upstream_cluster": entry.cluster,
        "upstream_host": entry.upstream,
    });
    format!("{value}\n")
}

#[cfg(test)]
mod tests {
    use super::{Entry, PassedEntry, json, passed_json, passed_text, text};
    use http::{HeaderValue, Method, StatusCode, Version};
    use std::time::Duration;

    fn entry() -> Entry {
        Entry {
            at: Duration::from_secs(0),
            method: Method::GET,
            path: "/status/418?a=\n".into(),
            authority: "httpbin.example.com".into(),
            version: Version::HTTP_2,
            status: Some(StatusCode::IM_A_TEAPOT),
            flags: "-",
            bytes_received: std::rc::Rc::default(),
            bytes_sent: 135,
            upstream_time: Some(2),
            upstream: Some("sample httpbin".into()),
            cluster: Some("httpbin.default.svc.cluster.local:8000".into()),
            route: Some("default/httpbin http[0]".into()),
            request_id: Some(HeaderValue::from_static("id")),
            user_agent: None,
        }
    }

    #[test]
    fn a_text_line_is_one_line() {
        let line = text(
            &entry(),
            "127.0.0.1:5",
            Some("httpbin.example.com"),
            Duration::from_millis(3),
        );
        assert!(
            line.starts_with("[1970-01-01T00:00:00.000Z] \"GET /status/418?a=\\n HTTP/2\" 418 - 0 135 3ms (upstream 2ms) host=httpbin"),
            "{line}"
        );
        assert_eq!(line.matches('\n').count(), 1);
    }

    #[test]
    fn a_json_line_parses() {
        let line = json(&entry(), "127.0.0.1:5", None, Duration::ZERO);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["response_code"], 418);
        assert_eq!(value["requested_server_name"], serde_json::Value::Null);
    }

    #[test]
    fn a_passed_connection_has_the_same_fields_without_a_request() {
        let entry = PassedEntry {
            at: Duration::ZERO,
            peer: "127.0.0.1:5".parse().unwrap(),
            sni: Some("a\n.com".into()),
            flags: "UF",
            bytes_received: 10,
            bytes_sent: 20,
            upstream: Some("127.0.0.1:9000".into()),
            cluster: None,
            route: "default/v tcp[0]".into(),
        };
        let line = passed_text(&entry, Duration::from_millis(3));
        assert_eq!(
            line,
            "[1970-01-01T00:00:00.000Z] \"- - -\" 0 UF 10 20 3ms peer=127.0.0.1:5 sni=a\\n.com \
             route=\"default/v tcp[0]\" to=\"-\" at=\"127.0.0.1:9000\"\n"
        );
        let passed: serde_json::Value = serde_json::from_str(&passed_json(&entry, Duration::ZERO)).unwrap();
        let of_request: serde_json::Value =
            serde_json::from_str(&json(&self::entry(), "127.0.0.1:5", None, Duration::ZERO)).unwrap();
        let keys = |value: &serde_json::Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
        assert_eq!(keys(&passed), keys(&of_request));
    }
}
