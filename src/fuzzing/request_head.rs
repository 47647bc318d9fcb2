//! A request's head as text, for targets that take one.

use http::header::{HeaderMap, HeaderName};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method};

/// A request's line and headers, and what follows the empty line behind them.
pub(crate) struct Head<'a> {
    pub(crate) method: &'a str,
    pub(crate) authority: &'a str,
    pub(crate) path: PathAndQuery,
    pub(crate) headers: HeaderMap,
    pub(crate) rest: &'a str,
}

/// Reads `METHOD AUTHORITY PATH`, headers, an empty line, and a rest; none
/// where the HTTP codec would refuse it.
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
