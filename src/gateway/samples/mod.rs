//! The built-in samples, which stand behind routes that no `--upstream` serves.
//! Pure: a request in, a response out, and how long to wait before it is sent.

mod echo;
mod helloworld;
mod httpbin;
mod productpage;

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode, request};

use crate::gateway::config::table::Sample;

/// A request as a sample sees it: after the gateway's edits.
pub(super) struct Asked<'a> {
    pub(super) head: &'a request::Parts,
    pub(super) body: &'a Bytes,
    /// Any number; for weighted statuses and random bytes.
    pub(super) random: u64,
    /// Whether the client speaks TLS.
    pub(super) is_tls: bool,
}

impl Asked<'_> {
    fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// A header's text; repeated ones joined by a comma.
    fn header(&self, name: &str) -> Option<String> {
        let mut values = self.head.headers.get_all(name).iter().peekable();
        values.peek()?;
        let texts: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        Some(texts.join(","))
    }
}

/// A sample's answer.
pub(super) struct Answered {
    pub(super) response: Response<Bytes>,
    /// How long to wait before it is sent.
    pub(super) delay: Duration,
}

impl From<Response<Bytes>> for Answered {
    fn from(response: Response<Bytes>) -> Self {
        Self {
            response,
            delay: Duration::ZERO,
        }
    }
}

/// What a sample is called.
pub(super) fn name(sample: Sample) -> &'static str {
    match sample {
        Sample::Httpbin => "httpbin",
        Sample::Helloworld => "helloworld",
        Sample::Productpage => "productpage",
        Sample::Echo => "echo",
    }
}

/// A sample's answer to a request.
pub(super) fn respond(sample: Sample, asked: &Asked<'_>) -> Answered {
    match sample {
        Sample::Httpbin => httpbin::respond(asked),
        Sample::Helloworld => helloworld::respond(asked).into(),
        Sample::Productpage => productpage::respond(asked).into(),
        Sample::Echo => echo::respond(asked).into(),
    }
}

fn response(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn json(value: &serde_json::Value) -> Response<Bytes> {
    let text = serde_json::to_string_pretty(value).expect("a JSON value is writable");
    response(StatusCode::OK, "application/json", text + "\n")
}

#[cfg(test)]
fn ask(sample: Sample, method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Answered {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    let asked = Asked {
        head: &head,
        body: &Bytes::copy_from_slice(body.as_bytes()),
        random: 7,
        is_tls: true,
    };
    respond(sample, &asked)
}
