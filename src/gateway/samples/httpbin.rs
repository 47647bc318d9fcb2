//! The httpbin sample: the parts of it that people use to look at requests
//! and to provoke answers, in httpbin's own shapes.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{Answered, Asked, json, response};

/// The drawing of `/status/418`.
pub(super) const TEAPOT: &str = r#"
    -=[ teapot ]=-

       _...._
     .'  _ _ `.
    | ."` ^ `". _,
    \_;`"---"`|//
      |       ;/
      \_     _/
        `"""`
"#;

/// At most so many bytes or lines, as httpbin has it.
const MOST_BYTES: usize = 100 * 1024;
const MOST_LINES: usize = 100;

/// Answers as httpbin does.
pub(super) fn respond(asked: &Asked<'_>) -> Answered {
    let path = asked.path().to_owned();
    let mut segments = path.trim_start_matches('/').splitn(2, '/');
    let (first, rest) = (segments.next().unwrap_or_default(), segments.next());
    let method = &asked.head.method;
    let reads = method == Method::GET || method == Method::HEAD;
    let mut answered: Answered = match (first, rest) {
        ("status", Some(codes)) => status(codes, asked.random).into(),
        ("delay", Some(seconds)) => delay(seconds, asked),
        ("get", None) => only(reads, "GET, HEAD, OPTIONS", || json(&without_body(asked))),
        ("post", None) => only(method == Method::POST, "POST, OPTIONS", || json(&with_body(asked))),
        ("put", None) => only(method == Method::PUT, "PUT, OPTIONS", || json(&with_body(asked))),
        ("patch", None) => only(method == Method::PATCH, "PATCH, OPTIONS", || json(&with_body(asked))),
        ("delete", None) => only(method == Method::DELETE, "DELETE, OPTIONS", || json(&with_body(asked))),
        ("anything", _) => {
            let mut value = with_body(asked);
            value
                .as_object_mut()
                .expect("it is built as one")
                .insert("method".into(), method.as_str().into());
            json(&value).into()
        }
        ("headers", None) => only(reads, "GET, HEAD, OPTIONS", || {
            json(&json!({ "headers": headers(asked) }))
        }),
        ("ip", None) => only(reads, "GET, HEAD, OPTIONS", || {
            json(&json!({ "origin": origin(asked) }))
        }),
        ("user-agent", None) => only(reads, "GET, HEAD, OPTIONS", || {
            json(&json!({ "user-agent": asked.header("user-agent") }))
        }),
        ("bytes", Some(count)) => bytes(count, asked.random).into(),
        ("stream", Some(count)) => stream(count, asked).into(),
        ("", None) => response(StatusCode::OK, "text/html; charset=utf-8", INDEX).into(),
        _ => not_found().into(),
    };
    let headers = answered.response.headers_mut();
    let origin = asked
        .head
        .headers
        .get("origin")
        .cloned()
        .unwrap_or(HeaderValue::from_static("*"));
    headers.insert(HeaderName::from_static("access-control-allow-origin"), origin);
    headers.insert(
        HeaderName::from_static("access-control-allow-credentials"),
        HeaderValue::from_static("true"),
    );
    answered
}

const INDEX: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>httpbin</title></head>\n<body><h1>httpbin (built in)</h1>\n<p>/status/{codes} /delay/{seconds} /get /post /put /patch /delete /anything /headers /ip /user-agent /bytes/{n} /stream/{n}</p></body></html>\n";

fn only(allowed: bool, methods: &'static str, answer: impl FnOnce() -> Response<Bytes>) -> Answered {
    if allowed {
        return answer().into();
    }
    let mut refused = response(
        StatusCode::METHOD_NOT_ALLOWED,
        "text/html",
        "<h1>Method Not Allowed</h1>\n",
    );
    refused.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    refused.into()
}

fn not_found() -> Response<Bytes> {
    response(StatusCode::NOT_FOUND, "text/html", "<h1>Not Found</h1>\n")
}

fn bad_request(text: &'static str) -> Response<Bytes> {
    response(StatusCode::BAD_REQUEST, "text/plain", text)
}

/// One status, or one of several by weight: `200`, `200,500`, `200:3,500:1`.
fn status(codes: &str, random: u64) -> Response<Bytes> {
    let mut choices = Vec::new();
    for choice in codes.split(',') {
        let (code, weight) = choice.split_once(':').unwrap_or((choice, "1"));
        let code = code
            .trim()
            .parse::<u16>()
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok());
        let weight = weight
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|weight| *weight >= 0.0 && weight.is_finite());
        match (code, weight) {
            // The statuses below 200 belong to the protocol; no answer can be one.
            (Some(code), Some(weight)) if code.as_u16() >= 200 => choices.push((code, weight)),
            _ => return bad_request("Invalid status code"),
        }
    }
    let total: f64 = choices.iter().map(|(_, weight)| weight).sum();
    let mut left = (random >> 11) as f64 / (1_u64 << 53) as f64 * total;
    let chosen = choices.iter().find(|(_, weight)| {
        left -= weight;
        left < 0.0
    });
    match chosen.or(choices.last()) {
        Some((code, _)) => of_status(*code),
        None => bad_request("Invalid status code"),
    }
}

fn of_status(code: StatusCode) -> Response<Bytes> {
    let mut answer = response(code, "text/html; charset=utf-8", "");
    let headers = answer.headers_mut();
    match code.as_u16() {
        301 | 302 | 303 | 305 | 307 => {
            headers.insert(LOCATION, HeaderValue::from_static("/redirect/1"));
        }
        401 => {
            headers.insert(
                "www-authenticate",
                HeaderValue::from_static("Basic realm=\"Fake Realm\""),
            );
        }
        407 => {
            headers.insert(
                "proxy-authenticate",
                HeaderValue::from_static("Basic realm=\"Fake Realm\""),
            );
        }
        402 => {
            headers.insert("x-more-info", HeaderValue::from_static("http://vimeo.com/22053820"));
        }
        406 => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *answer.body_mut() = Bytes::from_static(
                b"{\"message\": \"Client did not request a supported media type.\", \"accept\": [\"image/webp\", \"image/svg+xml\", \"image/jpeg\", \"image/png\", \"image/*\"]}",
            );
        }
        418 => {
            headers.insert(
                "x-more-info",
                HeaderValue::from_static("http://tools.ietf.org/html/rfc2324"),
            );
            headers.remove(CONTENT_TYPE);
            *answer.body_mut() = Bytes::from_static(TEAPOT.as_bytes());
        }
        204 | 304 => {
            headers.remove(CONTENT_TYPE);
        }
        _ => {}
    }
    answer
}

/// Waits, at most ten seconds, and answers as `/get` or `/post` would.
fn delay(seconds: &str, asked: &Asked<'_>) -> Answered {
    let Some(seconds) = seconds.parse::<f64>().ok().filter(|seconds| *seconds >= 0.0) else {
        return bad_request("Invalid delay").into();
    };
    Answered {
        response: json(&with_body(asked)),
        delay: Duration::from_secs_f64(seconds.min(10.0)),
    }
}

fn bytes(count: &str, seed: u64) -> Response<Bytes> {
    let Ok(count) = count.parse::<usize>() else {
        return not_found();
    };
    let mut state = seed;
    let body: Vec<u8> = (0..count.min(MOST_BYTES))
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect();
    response(StatusCode::OK, "application/octet-stream", body)
}

/// `n` lines of JSON, at most a hundred.
fn stream(count: &str, asked: &Asked<'_>) -> Response<Bytes> {
    let Ok(count) = count.parse::<usize>() else {
        return not_found();
    };
    let mut value = json!({
        "url": url(asked),
        "args": args(asked),
        "headers": headers(asked),
        "origin": origin(asked),
    });
    let mut body = String::new();
    for id in 0..count.min(MOST_LINES) {
        value["id"] = id.into();
        body.push_str(&value.to_string());
        body.push('\n');
    }
    response(StatusCode::OK, "application/json", body)
}

fn without_body(asked: &Asked<'_>) -> Value {
    json!({
        "args": args(asked),
        "headers": headers(asked),
        "origin": origin(asked),
        "url": url(asked),
    })
}

/// What `/post` answers: the body as form fields, as JSON, and as it came.
fn with_body(asked: &Asked<'_>) -> Value {
    let kind = asked.header("content-type").unwrap_or_default();
    let (mut form, mut data) = (Value::Object(Map::new()), Value::from(""));
    if kind.starts_with("application/x-www-form-urlencoded") {
        form = fields(&String::from_utf8_lossy(asked.body));
    } else {
        data = if let Ok(text) = std::str::from_utf8(asked.body) {
            text.into()
        } else {
            let base64 = base64::engine::general_purpose::STANDARD.encode(asked.body);
            format!("data:application/octet-stream;base64,{base64}").into()
        };
    }
    json!({
        "args": args(asked),
        "data": data,
        "files": {},
        "form": form,
        "headers": headers(asked),
        "json": serde_json::from_slice::<Value>(asked.body).unwrap_or(Value::Null),
        "origin": origin(asked),
        "url": url(asked),
    })
}

fn args(asked: &Asked<'_>) -> Value {
    fields(asked.head.uri.query().unwrap_or_default())
}

/// `a=1&a=2&b=3` as `{"a": ["1", "2"], "b": "3"}`.
fn fields(text: &str) -> Value {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        fields.entry(decoded(name)).or_default().push(decoded(value));
    }
    fields
        .into_iter()
        .map(|(name, mut values)| match values.len() {
            1 => (name, Value::from(values.swap_remove(0))),
            _ => (name, Value::from(values)),
        })
        .collect::<Map<String, Value>>()
        .into()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%')
            .then(|| after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()))
            .flatten()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, escaped) {
            (_, Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', None) => {
                bytes.push(b' ');
                rest = after;
            }
            (other, None) => {
                bytes.push(*other);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The request's headers under the names that httpbin shows: `X-Request-Id`.
fn headers(asked: &Asked<'_>) -> Value {
    let all: &HeaderMap = &asked.head.headers;
    let shown: BTreeMap<String, Value> = all
        .keys()
        .map(|name| (title_case(name.as_str()), Value::from(asked.header(name.as_str()))))
        .collect();
    Value::Object(shown.into_iter().collect())
}

fn title_case(name: &str) -> String {
    let mut start = true;
    name.chars()
        .map(|character| {
            let shown = if start {
                character.to_ascii_uppercase()
            } else {
                character
            };
            start = character == '-';
            shown
        })
        .collect()
}

fn origin(asked: &Asked<'_>) -> String {
    asked.header("x-forwarded-for").unwrap_or_default()
}

fn url(asked: &Asked<'_>) -> String {
    let scheme = if asked.is_tls { "https" } else { "http" };
    let host = asked.header("host").unwrap_or_default();
    let path = asked.head.uri.path_and_query().map_or("/", |path| path.as_str());
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::{TEAPOT, decoded, status};
    use crate::gateway::config::table::Sample;
    use crate::gateway::samples::ask;
    use serde_json::{Value, json};
    use std::time::Duration;

    fn value(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Value {
        serde_json::from_slice(ask(Sample::Httpbin, method, uri, headers, body).response.body()).unwrap()
    }

    #[test]
    fn the_teapot_is_drawn() {
        let answered = ask(Sample::Httpbin, "GET", "/status/418", &[], "");
        assert_eq!(answered.response.status(), 418);
        assert_eq!(answered.response.body(), TEAPOT);
        assert!(TEAPOT.starts_with("\n    -=[ teapot ]=-\n"));
        assert_eq!(TEAPOT.len(), 135);
    }

    #[test]
    fn statuses_are_chosen_by_weight() {
        for (codes, random, expected) in [
            ("200", 0, 200),
            ("503", u64::MAX, 503),
            ("200,500", 0, 200),
            ("200,500", u64::MAX, 500),
            ("200:0,500:1", 0, 500),
            ("abc", 0, 400),
            ("", 0, 400),
            ("99", 0, 400),
            ("101", 0, 400),
            ("1000", 0, 400),
            ("200:x", 0, 400),
        ] {
            assert_eq!(status(codes, random).status(), expected, "{codes} {random}");
        }
    }

    #[test]
    fn a_request_is_shown_in_httpbins_shape() {
        let headers = [
            ("host", "httpbin.example.com"),
            ("x-forwarded-for", "10.0.0.9"),
            ("x-a-b", "c"),
        ];
        let shown = value("GET", "/get?a=1&a=2&b=%20x+y", &headers, "");
        assert_eq!(
            shown,
            json!({
                "args": {"a": ["1", "2"], "b": " x y"},
                "headers": {"Host": "httpbin.example.com", "X-A-B": "c", "X-Forwarded-For": "10.0.0.9"},
                "origin": "10.0.0.9",
                "url": "https://httpbin.example.com/get?a=1&a=2&b=%20x+y",
            })
        );
    }

    #[test]
    fn bodies_are_shown_as_form_json_and_data() {
        let form = value(
            "POST",
            "/post",
            &[("content-type", "application/x-www-form-urlencoded")],
            "a=1&b=2",
        );
        assert_eq!(form["form"], json!({"a": "1", "b": "2"}));
        assert_eq!(form["data"], "");
        let sent = value("PUT", "/put", &[("content-type", "application/json")], "{\"a\":[1]}");
        assert_eq!(sent["json"], json!({"a": [1]}));
        assert_eq!(sent["data"], "{\"a\":[1]}");
        assert_eq!(value("DELETE", "/anything/x", &[], "")["method"], "DELETE");
    }

    #[test]
    fn wrong_methods_and_paths_are_refused() {
        for (method, path, expected) in [
            ("POST", "/get", 405),
            ("GET", "/post", 405),
            ("GET", "/nothing", 404),
            ("GET", "/bytes/x", 404),
            ("GET", "/delay/-1", 400),
            ("GET", "/delay/NaN", 400),
            ("GET", "/headers", 200),
            ("HEAD", "/get", 200),
        ] {
            assert_eq!(
                ask(Sample::Httpbin, method, path, &[], "").response.status(),
                expected,
                "{method} {path}"
            );
        }
    }

    #[test]
    fn delays_bytes_and_streams_are_bounded() {
        assert_eq!(
            ask(Sample::Httpbin, "GET", "/delay/99", &[], "").delay,
            Duration::from_secs(10)
        );
        assert_eq!(
            ask(Sample::Httpbin, "GET", "/bytes/10", &[], "").response.body().len(),
            10
        );
        assert_eq!(
            ask(Sample::Httpbin, "GET", "/bytes/99999999", &[], "")
                .response
                .body()
                .len(),
            100 * 1024
        );
        let lines = ask(Sample::Httpbin, "GET", "/stream/3", &[], "").response;
        assert_eq!(String::from_utf8_lossy(lines.body()).lines().count(), 3);
    }

    #[test]
    fn broken_escapes_stay() {
        assert_eq!(decoded("%zz%+1%4"), "%zz% 1%4");
        assert_eq!(decoded("%41+"), "A ");
    }
}
