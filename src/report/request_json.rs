//! What `request` got, as JSON, schema 1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::ops::reach::request::Answer;

/// A line for another program.
#[derive(Debug, Serialize)]
pub struct Line<'l> {
    schema: u32,
    line: &'l str,
}

/// The report of a line that is printed instead of sending.
pub fn line(line: &str) -> Line<'_> {
    Line { schema: 1, line }
}

/// An answer. A body that is no text is in base64.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report<'a> {
    schema: u32,
    protocol: Option<&'a str>,
    status: u16,
    headers: Vec<Header<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

#[derive(Debug, Serialize)]
struct Header<'a> {
    name: &'a str,
    value: &'a str,
}

/// The report of an answer.
pub fn answer(answer: &Answer) -> Report<'_> {
    let http = answer.facts.http.as_ref();
    let text = std::str::from_utf8(&answer.body).ok();
    let headers = http.into_iter().flat_map(|http| &http.headers);
    Report {
        schema: 1,
        protocol: http.map(|http| http.protocol.as_str()),
        status: answer.status,
        headers: headers.map(|(name, value)| Header { name, value }).collect(),
        body: text,
        body_base64: text.is_none().then(|| STANDARD.encode(&answer.body)),
    }
}
