//! A request head as text, for targets that need one.

use http::header::{HeaderMap, HeaderName};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method};

/// A request line and headers, and the rest after the empty line.
pub(crate) struct Head<'a> {
    pub(crate) method: &'a str,
    pub(crate) authority: &'a str,
    pub(crate) path: PathAndQuery,
    pub(crate) headers: HeaderMap,
    pub(crate) rest: &'a str,
}

/// Parses `METHOD AUTHORITY PATH`, headers, an empty line, and the rest; none if the HTTP codec
/// would refuse it.
pub(crate) fn head(text: &str) -> Option<Head<'_>> {
    let (head, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let mut words = lines.next()?.splitn(3, ' ');
    let (method, authority, path) = (words.next()?, words.next()?, words.next()?);
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).ok()?,
            HeaderValue::from_str(value.trim()).ok()?,
        );
    }
    Method::from_bytes(method.as_bytes()).ok()?;
    Some(Head {
        method,
        authority,
        path: PathAndQuery::try_from(path).ok()?,
        headers,
        rest,
    })
}
