//! A request's head: where it ends, what Envoy makes of it, and the same head in a
//! form that has one meaning.

use super::super::wire::Refusal;

/// How a request's body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    Empty,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

/// A head that is all there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// How many bytes of the input it took.
    pub(crate) consumed: usize,
    /// What the client is told in place of an answer.
    pub(crate) refusal: Refusal,
    pub(super) framing: Framing,
}

/// What bounds a head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) bytes: usize,
    pub(crate) lines: usize,
    /// Whether the client speaks TLS.
    pub(crate) is_tls: bool,
}

/// Envoy's methods; others are malformed.
const METHODS: [&[u8]; 35] = [
    b"ACL",
    b"BIND",
    b"CHECKOUT",
    b"CONNECT",
    b"COPY",
    b"DELETE",
    b"GET",
    b"HEAD",
    b"LINK",
    b"LOCK",
    b"MERGE",
    b"MKACTIVITY",
    b"MKCALENDAR",
    b"MKCOL",
    b"MOVE",
    b"MSEARCH",
    b"NOTIFY",
    b"OPTIONS",
    b"PATCH",
    b"POST",
    b"PROPFIND",
    b"PROPPATCH",
    b"PURGE",
    b"PUT",
    b"QUERY",
    b"REBIND",
    b"REPORT",
    b"SEARCH",
    b"SOURCE",
    b"SUBSCRIBE",
    b"TRACE",
    b"UNBIND",
    b"UNLINK",
    b"UNLOCK",
    b"UNSUBSCRIBE",
];

/// Reads a head from the beginning of `input`, of which `scanned` bytes were looked at
/// before, and appends it in its one form to `output`. None: more is needed.
///
/// What is refused is stood in for by a request that the codec takes.
pub(crate) fn read(input: &[u8], scanned: usize, bounds: Bounds, output: &mut Vec<u8>) -> Option<Head> {
    let start = input
        .iter()
        .position(|byte| !matches!(byte, b'\r' | b'\n'))
        .unwrap_or(input.len());
    let before = output.len();
    let refused = |refusal, method: &[u8], output: &mut Vec<u8>| {
        output.truncate(before);
        // The answer to HEAD has no body, whatever else is wrong.
        let method: &[u8] = if method == b"HEAD" { method } else { b"GET" };
        for part in [method, b" / HTTP/1.1\r\nhost: -\r\n\r\n"] {
            output.extend_from_slice(part);
        }
        Some(Head {
            consumed: input.len(),
            refusal,
            framing: Framing::Empty,
        })
    };
    let bytes = &input[start..];
    let first = *bytes.first()?;
    if !METHODS.iter().any(|method| method[0] == first) {
        return refused(Refusal::BadRequest, b"", output);
    }
    let Some(end) = end(bytes, scanned.saturating_sub(start)) else {
        if bytes.len() > bounds.bytes {
            return refused(Refusal::TooLarge, b"", output);
        }
        return None;
    };
    if end > bounds.bytes {
        return refused(Refusal::TooLarge, b"", output);
    }
    let mut lines = bytes[..end].split(|byte| *byte == b'\n').map(without_cr);
    let line = lines.next().unwrap_or_default();
    let method = line.split(|byte| is_blank(*byte)).next().unwrap_or_default();
    match rewrite(line, lines, bounds, output) {
        Ok((refusal, framing)) => Some(Head {
            consumed: start + end,
            refusal,
            framing,
        }),
        Err(refusal) => refused(refusal, method, output),
    }
}

/// Where the head's last line, an empty one, ends.
fn end(bytes: &[u8], scanned: usize) -> Option<usize> {
    // The ends of two lines are three bytes at most.
    let from = scanned.saturating_sub(2);
    memchr::memchr_iter(b'\n', &bytes[from..]).find_map(|at| {
        let next = from + at + 1;
        match bytes[next..] {
            [b'\n', ..] => Some(next + 1),
            [b'\r', b'\n', ..] => Some(next + 2),
            _ => None,
        }
    })
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The parts of a first line.
struct FirstLine<'a> {
    method: &'a [u8],
    target: &'a [u8],
    version: &'a [u8],
}

impl<'a> FirstLine<'a> {
    /// Any blanks part them.
    fn of(line: &'a [u8]) -> Self {
        let word = |text: &'a [u8]| {
            let length = text.iter().position(|byte| is_blank(*byte)).unwrap_or(text.len());
            let (word, rest) = text.split_at(length);
            (word, rest.trim_ascii())
        };
        let (method, rest) = word(line);
        let (target, version) = word(rest);
        Self {
            method,
            target,
            version,
        }
    }
}

fn rewrite<'a>(
    line: &'a [u8],
    lines: impl Iterator<Item = &'a [u8]>,
    bounds: Bounds,
    output: &mut Vec<u8>,
) -> Result<(Refusal, Framing), Refusal> {
    let first = FirstLine::of(line);
    let connects = first.method == b"CONNECT";
    let is_version = match first.version {
        [] => true,
        version => matches!(version, [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']),
    };
    if !METHODS.contains(&first.method) || !is_target(first.target, connects) || !is_version {
        return Err(Refusal::BadRequest);
    }
    let fields = Fields::read(lines, bounds)?;
    if first.version != b"HTTP/1.1" {
        return Err(Refusal::UpgradeRequired);
    }
    let framing = fields.framing()?;
    if first.method == b"QUERY" {
        return Err(Refusal::BadRequestWithoutBody);
    }
    let target = Target::of(first.method, first.target)?;
    if target.scheme == Some(Scheme::Https) && !bounds.is_tls {
        return Err(Refusal::Forbidden);
    }
    let hosts = fields.list.iter().filter(|field| field.is(b"host"));
    if target.host.is_none()
        && hosts
            .into_iter()
            .any(|host| !host.value().iter().all(|byte| is_host(*byte)))
    {
        return Err(Refusal::BadRequest);
    }
    if has_nul(target.path) {
        return Err(Refusal::BadRequestWithoutBody);
    }
    target.write(first.method, bounds.is_tls, output);
    fields.write(target.host, output);
    let refusal = if target.is_nowhere {
        Refusal::NotFound
    } else {
        Refusal::None
    };
    Ok((refusal, framing))
}

/// `%00` in the path.
fn has_nul(target: &[u8]) -> bool {
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    path.windows(3).any(|part| part == b"%00")
}

/// Envoy's first look at a target (its `isUrlValid`).
fn is_target(target: &[u8], connects: bool) -> bool {
    let visible = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_graphic);
    let rest = match target {
        [] => return false,
        [b'/' | b'*', rest @ ..] => return visible(rest),
        authority if connects => authority,
        absolute => {
            let Some((scheme, rest)) = scheme_of(absolute) else {
                return false;
            };
            if !scheme[0].is_ascii_alphabetic() {
                return false;
            }
            rest
        }
    };
    let at = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(rest.len());
    let (host, path) = rest.split_at(at);
    host.iter().all(|byte| is_host(*byte)) && !host.windows(2).any(|two| two == b"@@") && visible(path)
}

/// The scheme of an absolute target, and what follows its `://`.
fn scheme_of(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = target
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'-' | b'.'))?;
    let rest = target[length..].strip_prefix(b"://")?;
    (length > 0).then_some((&target[..length], rest))
}

/// What may stand in an authority.
const fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b'-'
                | b'.'
                | b':'
                | b';'
                | b'='
                | b'@'
                | b'['
                | b']'
                | b'_'
                | b'~'
        )
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// A request's target.
struct Target<'a> {
    /// Of the absolute form.
    scheme: Option<Scheme>,
    host: Option<&'a [u8]>,
    /// Path and query; the authority of CONNECT.
    path: &'a [u8],
    /// No route can match it.
    is_nowhere: bool,
}

impl<'a> Target<'a> {
    fn of(method: &[u8], target: &'a [u8]) -> Result<Self, Refusal> {
        let path = |path: &'a [u8]| path.split(|byte| *byte == b'#').next().unwrap_or_default();
        if method == b"CONNECT" {
            if !target.contains(&b':') || !target.iter().all(|byte| is_host(*byte)) {
                return Err(Refusal::BadRequest);
            }
            return Ok(Self {
                scheme: None,
                host: Some(target),
                path: target,
                is_nowhere: false,
            });
        }
        if target[0] == b'/' || (method == b"OPTIONS" && target == b"*") {
            return Ok(Self {
                scheme: None,
                host: None,
                path: path(target),
                is_nowhere: target[0] == b'*',
            });
        }
        let (scheme, rest) = scheme_of(target).ok_or(Refusal::BadRequest)?;
        let scheme = match scheme {
            scheme if scheme.eq_ignore_ascii_case(b"http") => Scheme::Http,
            scheme if scheme.eq_ignore_ascii_case(b"https") => Scheme::Https,
            _ => return Err(Refusal::BadRequest),
        };
        let at = rest
            .iter()
            .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
            .unwrap_or(rest.len());
        let (host, rest) = rest.split_at(at);
        // Who the user is, is not passed on.
        let host = host.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
        if host.is_empty() {
            return Err(Refusal::BadRequest);
        }
        let rest = path(rest);
        Ok(Self {
            scheme: Some(scheme),
            host: Some(host),
            path: if rest.is_empty() { b"/" } else { rest },
            is_nowhere: rest.first() == Some(&b'?'),
        })
    }

    /// Writes the first line. Bytes that no target may hold are escaped.
    fn write(&self, method: &[u8], is_tls: bool, output: &mut Vec<u8>) {
        output.extend_from_slice(method);
        output.push(b' ');
        if is_tls && self.scheme == Some(Scheme::Http) {
            output.extend_from_slice(b"http://");
            output.extend_from_slice(self.host.unwrap_or_default());
        }
        if self.is_nowhere {
            output.push(b'/');
        } else {
            let mut in_query = false;
            for byte in self.path {
                match byte {
                    b'<' => output.extend_from_slice(b"%3C"),
                    b'>' => output.extend_from_slice(b"%3E"),
                    b'"' => output.extend_from_slice(b"%22"),
                    b'`' if !in_query => output.extend_from_slice(b"%60"),
                    byte => output.push(*byte),
                }
                in_query |= *byte == b'?';
            }
        }
        output.extend_from_slice(b" HTTP/1.1\r\n");
    }
}

/// A header field; folded lines are joined.
struct Field<'a> {
    name: &'a [u8],
    first: &'a [u8],
    more: Vec<&'a [u8]>,
}

impl Field<'_> {
    fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn value(&self) -> std::borrow::Cow<'_, [u8]> {
        if self.more.is_empty() {
            return self.first.into();
        }
        let mut joined = self.first.to_vec();
        for line in &self.more {
            joined.extend_from_slice(line);
        }
        joined.trim_ascii().to_vec().into()
    }
}

/// The header fields of a head.
pub(super) struct Fields<'a> {
    list: Vec<Field<'a>>,
}

impl<'a> Fields<'a> {
    /// Reads lines up to the empty one.
    pub(super) fn read(lines: impl Iterator<Item = &'a [u8]>, bounds: Bounds) -> Result<Self, Refusal> {
        let mut list: Vec<Field<'_>> = Vec::with_capacity(16);
        for line in lines.take_while(|line| !line.is_empty()) {
            if !line.iter().all(|byte| is_value(*byte)) {
                return Err(Refusal::BadRequest);
            }
            if is_blank(line[0]) {
                let last = list.last_mut().ok_or(Refusal::BadRequest)?;
                last.more.push(line);
                continue;
            }
            let colon = memchr::memchr(b':', line).ok_or(Refusal::BadRequest)?;
            let (name, value) = line.split_at(colon);
            if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
                return Err(Refusal::BadRequest);
            }
            if list.len() == bounds.lines {
                return Err(Refusal::TooLarge);
            }
            list.push(Field {
                name,
                first: value[1..].trim_ascii(),
                more: Vec::new(),
            });
        }
        Ok(Self { list })
    }

    /// How they frame the body.
    fn framing(&self) -> Result<Framing, Refusal> {
        let mut lengths = self.list.iter().filter(|field| field.is(b"content-length"));
        let mut codings = self.list.iter().filter(|field| field.is(b"transfer-encoding"));
        let length = match (lengths.next(), lengths.next()) {
            (None, _) => None,
            (Some(length), None) => Some(number(&length.value()).ok_or(Refusal::BadRequest)?),
            (Some(_), Some(_)) => return Err(Refusal::BadRequest),
        };
        let Some(coding) = codings.next() else {
            return Ok(match length {
                None | Some(0) => Framing::Empty,
                Some(length) => Framing::Length(length),
            });
        };
        if length.is_some() {
            return Err(Refusal::BadRequest);
        }
        if codings.next().is_some() || !coding.value().eq_ignore_ascii_case(b"chunked") {
            return Err(Refusal::NotImplemented);
        }
        Ok(Framing::Chunked)
    }

    /// Writes them, with the host of an absolute target in place of their own.
    fn write(&self, host: Option<&[u8]>, output: &mut Vec<u8>) {
        if let Some(host) = host {
            output.extend_from_slice(b"host: ");
            output.extend_from_slice(host);
            output.extend_from_slice(b"\r\n");
        }
        for field in &self.list {
            if host.is_some() && field.is(b"host") {
                continue;
            }
            output.extend_from_slice(field.name);
            output.extend_from_slice(b": ");
            output.extend_from_slice(&field.value());
            output.extend_from_slice(b"\r\n");
        }
        output.extend_from_slice(b"\r\n");
    }
}

/// The largest that the codec takes.
const LONGEST: u64 = u64::MAX - 2;

fn number(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (length <= LONGEST).then_some(length)
}

/// What may stand in a line of a field.
const fn is_value(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// What may stand in a field's name (RFC 9110, section 5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Framing, read};
    use crate::gateway::dataplane::wire::Refusal;

    const BOUNDS: Bounds = Bounds {
        bytes: 1000,
        lines: 4,
        is_tls: false,
    };

    fn rewritten(text: &str) -> Option<(Refusal, String)> {
        let mut output = Vec::new();
        let head = read(text.as_bytes(), 0, BOUNDS, &mut output)?;
        Some((head.refusal, String::from_utf8(output).unwrap()))
    }

    #[test]
    fn a_head_is_written_in_one_form() {
        for (text, expected) in [
            (
                "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest",
                "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            ),
            ("\r\n\nGET\t/  HTTP/1.1 \nx:  b \n\n", "GET / HTTP/1.1\r\nx: b\r\n\r\n"),
            (
                "GET / HTTP/1.1\r\nx: a\r\n\tb\r\n\r\n",
                "GET / HTTP/1.1\r\nx: a\tb\r\n\r\n",
            ),
            (
                "GET http://u@b:1/c#d HTTP/1.1\r\nhost: a\r\nx:\r\n\r\n",
                "GET /c HTTP/1.1\r\nhost: b:1\r\nx: \r\n\r\n",
            ),
            ("GET /<\"> HTTP/1.1\r\n\r\n", "GET /%3C%22%3E HTTP/1.1\r\n\r\n"),
        ] {
            assert_eq!(rewritten(text), Some((Refusal::None, expected.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn what_envoy_refuses_is_refused() {
        use Refusal::{
            BadRequest, BadRequestWithoutBody, Forbidden, NotFound, NotImplemented, TooLarge, UpgradeRequired,
        };
        for (text, refusal) in [
            ("hello", BadRequest),
            ("FOO / HTTP/1.1\r\n\r\n", BadRequest),
            ("get / HTTP/1.1\r\n\r\n", BadRequest),
            ("GET a HTTP/1.1\r\n\r\n", BadRequest),
            ("GET /ä HTTP/1.1\r\n\r\n", BadRequest),
            ("GET * HTTP/1.1\r\n\r\n", BadRequest),
            ("OPTIONS * HTTP/1.1\r\n\r\n", NotFound),
            ("GET https://a/ HTTP/1.1\r\n\r\n", Forbidden),
            ("GET ftp://a/ HTTP/1.1\r\n\r\n", BadRequest),
            ("GET /%00 HTTP/1.1\r\n\r\n", BadRequestWithoutBody),
            ("GET / HTTP/1.0\r\n\r\n", UpgradeRequired),
            ("GET /\r\n\r\n", UpgradeRequired),
            ("GET / HTTP/1.1x\r\n\r\n", BadRequest),
            ("GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", BadRequest),
            ("GET / HTTP/1.1\r\nx : b\r\n\r\n", BadRequest),
            ("GET / HTTP/1.1\r\n x: b\r\n\r\n", BadRequest),
            ("GET / HTTP/1.1\r\nx: b\0\r\n\r\n", BadRequest),
            ("GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\n\r\n", TooLarge),
            (
                "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
                BadRequest,
            ),
            ("POST / HTTP/1.1\r\ncontent-length: +1\r\n\r\n", BadRequest),
            (
                "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
                BadRequest,
            ),
            (
                "POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
                NotImplemented,
            ),
        ] {
            let found = rewritten(text).map(|(refusal, _)| refusal);
            assert_eq!(found, Some(refusal), "{text:?}");
        }
        let long = format!("GET /{} HTTP/1.1", "a".repeat(1000));
        assert_eq!(rewritten(&long).map(|(refusal, _)| refusal), Some(TooLarge));
    }

    #[test]
    fn a_head_that_has_not_ended_is_waited_for() {
        let whole = b"POST / HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n";
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length], 0, BOUNDS, &mut Vec::new()), None, "{length}");
            let head = read(whole, length, BOUNDS, &mut Vec::new()).unwrap();
            assert_eq!((head.consumed, head.framing), (whole.len(), Framing::Chunked));
        }
    }
}
