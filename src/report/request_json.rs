//! The JSON output of `request`, schema 1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Serialize;

use super::schema_number::SchemaNumber;
use crate::ops::reach::request::Answer;

/// A line for another program.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Line<'l> {
    /// The number of this format.
    schema: SchemaNumber,
    /// A command line for a POSIX shell.
    line: &'l str,
}

/// The report of a line that is printed instead of sending the request.
pub fn line(line: &str) -> Line<'_> {
    Line {
        schema: SchemaNumber,
        line,
    }
}

/// A response. A body that is not text is encoded in base64.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report<'a> {
    /// The number of this format.
    schema: SchemaNumber,
    /// `HTTP/1.1` or `HTTP/2`.
    protocol: Option<&'a str>,
    /// The status code.
    status: u16,
    /// The headers, in order.
    headers: Vec<Header<'a>>,
    /// The body, if it is UTF-8 text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    /// The body in base64, if it is not UTF-8 text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

/// A header of a response.
#[derive(Debug, Serialize, JsonSchema)]
struct Header<'a> {
    /// Its name.
    name: &'a str,
    /// Its value.
    value: &'a str,
}

/// The report of a response.
pub fn answer(answer: &Answer) -> Report<'_> {
    let http = answer.facts.http.as_ref();
    let text = std::str::from_utf8(&answer.body).ok();
    let headers = http.into_iter().flat_map(|http| &http.headers);
    Report {
        schema: SchemaNumber,
        protocol: http.map(|http| http.protocol.as_str()),
        status: answer.status,
        headers: headers.map(|(name, value)| Header { name, value }).collect(),
        body: text,
        body_base64: text.is_none().then(|| STANDARD.encode(&answer.body)),
    }
}
