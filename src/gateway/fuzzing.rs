//! Fuzz targets of what only the gateway can reach; see [`crate::fuzzing`].

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderMap, HeaderName, TRANSFER_ENCODING, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Uri};

use super::forwarded;
use super::headers::{self as rules, Client};
use super::matching::path;
use super::matching::{self, RequestParts};
use super::random::Random;
use super::samples::{self, Asked};
use super::source::GatewaySources;
use super::wire::{Activity, Watched};
use crate::fuzzing::told;
use crate::gateway::config::authority::split_port;
use crate::gateway::config::build::Built;
use crate::gateway::config::table::{FilterChain, ListenerProtocol, RouteAction, RouteTable, Sample};
use crate::manifests::load;
use crate::manifests::model::Manifest;
use crate::manifests::render;
use crate::problem::Problem;
use crate::sources::disk::DiskFiles;
use crate::sources::{Gone, Sources};

/// A request's line and headers, and what follows the empty line behind them.
struct Head<'a> {
    method: &'a str,
    authority: &'a str,
    path: PathAndQuery,
    headers: HeaderMap,
    rest: &'a str,
}

/// Reads `METHOD AUTHORITY PATH`, headers, an empty line, and a rest; none
/// where the HTTP codec would refuse it.
fn head(text: &str) -> Option<Head<'_>> {
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

/// A request against the table of manifests: it is found by names of any case,
/// and wherever the objects stand.
pub(crate) fn request(data: &[u8]) {
    let Some(head) = std::str::from_utf8(data).ok().and_then(head) else {
        return;
    };
    let normal = path::normalised(head.path.path());
    let is_dotted = |segment: &str| segment == "." || segment == "..";
    if head.path.path().starts_with('/') {
        assert!(normal.starts_with('/') && !normal.split('/').any(is_dotted), "{normal}");
        assert!(normal.len() <= head.path.path().len(), "{normal} is longer");
    }
    let (host, port) = split_port(head.authority);
    assert_eq!(format!("{host}{port}"), head.authority);
    let Some(built) = built(head.rest) else { return };
    for note in &built.notes {
        told(note, &[]);
    }
    let parts = RequestParts {
        scheme: "https",
        method: head.method,
        authority: head.authority,
        path: &normal,
        query: head.path.query(),
        headers: &head.headers,
    };
    let found = answers(&built, &parts);
    let upper = head.authority.to_ascii_uppercase();
    for listener in &built.table.listeners {
        matching::served_names(listener);
        let ListenerProtocol::Tls(table) = &listener.protocol else {
            continue;
        };
        let by = |name: &str| matching::filter_chain(table, Some(name)).map(Arc::as_ptr);
        assert_eq!(by(host), by(&host.to_ascii_uppercase()), "{host}");
    }
    if let Some(again) = backwards(head.rest).and_then(|text| built_of(&text)) {
        assert_eq!(found, answers(&again, &parts), "in another order");
    }
    for_each_table(&built, |_, table| {
        let by = |authority: &str| matching::virtual_host(table, authority).map(Arc::as_ptr);
        assert_eq!(by(head.authority), by(&upper), "{}", head.authority);
    });
}

fn built(text: &str) -> Option<Built> {
    built_of(text)
}

fn built_of(text: &str) -> Option<Built> {
    let sources = GatewaySources {
        inputs: Sources {
            stdin: Some(text.as_bytes().to_vec()),
            workspace: PathBuf::from("no-such-folder"),
            ..Sources::default()
        },
        ..GatewaySources::default()
    };
    match sources.load(&DiskFiles::default(), Gone::IsError) {
        Ok(loaded) => Some(loaded.built),
        Err(error) => {
            told(&Problem::from(error), &[]);
            None
        }
    }
}

/// The same objects from the last to the first; none where two have one name,
/// of which the first counts.
fn backwards(text: &str) -> Option<String> {
    let loaded = load::load(text, "a").whole().ok()?;
    let mut titles: Vec<String> = (loaded.objects.iter())
        .map(|object| object.manifest.title("default"))
        .collect();
    titles.sort();
    if titles.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let objects = loaded.objects.into_iter().rev();
    let manifests: Vec<Manifest> = objects.map(|object| object.manifest).collect();
    Some(render::yaml(&manifests).to_string())
}

fn for_each_table(built: &Built, mut visit: impl FnMut(u16, &RouteTable)) {
    for listener in &built.table.listeners {
        match &listener.protocol {
            ListenerProtocol::Http(table) => visit(listener.port, table),
            ListenerProtocol::Tls(table) => {
                let chains = table.exact.values().chain(table.wildcard.values()).chain(&table.any);
                let mut chains: Vec<&FilterChain> = chains.map(Arc::as_ref).collect();
                chains.sort_by(|a, b| a.name.cmp(&b.name));
                for chain in chains {
                    visit(listener.port, &chain.routes);
                }
            }
        }
    }
}

/// What each listener does with a request.
fn answers(built: &Built, request: &RequestParts<'_>) -> Vec<String> {
    let mut answers = Vec::new();
    for_each_table(built, |port, table| {
        let route = matching::virtual_host(table, request.authority).and_then(|host| matching::route(host, request));
        let answer = match route.map(|route| &route.action) {
            None => "404".to_owned(),
            Some(RouteAction::Redirect(redirect)) => matching::location(redirect, request),
            Some(RouteAction::Direct { status, .. }) => status.to_string(),
            Some(RouteAction::Forward(forward)) => {
                let destination = matching::destination(forward, 7);
                let cluster = destination.and_then(|found| built.table.clusters.get(found.cluster));
                let path = forward.rewrite.as_ref().and_then(|rewrite| rewrite.path.as_ref());
                let path = path.map(|path| matching::rewritten(path, request.path, request.query));
                format!("{:?} {path:?}", cluster.map(|cluster| &cluster.name))
            }
        };
        assert!(matching::https_location(request).starts_with("https://"));
        answers.push(format!("{port} {answer}"));
    });
    answers.sort();
    answers
}

/// A request's headers on their way: nothing of the hop, and nothing that a
/// client claims of itself, passes.
pub(crate) fn headers(data: &[u8]) {
    let Some(mut headers) = std::str::from_utf8(data).ok().and_then(head).map(|head| head.headers) else {
        return;
    };
    let named: Vec<HeaderName> = (headers.get_all(CONNECTION).iter())
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        .filter(|name| !["host", "te", "content-length"].contains(&name.as_str()))
        .collect();
    let mut response = headers.clone();
    rules::strip_request_hop(&mut headers);
    rules::strip_response_hop(&mut response);
    for stripped in [&headers, &response] {
        for name in named.iter().chain(&[CONNECTION, TRANSFER_ENCODING, UPGRADE]) {
            assert!(!stripped.contains_key(name), "{name} passes");
        }
    }
    for is_internal in [false, true] {
        let mut headers = headers.clone();
        let address = HeaderValue::from_static("203.0.113.9");
        let client = Client {
            address: &address,
            is_internal,
            is_tls: true,
            certificate: None,
        };
        let before = headers.clone();
        let id = rules::announce_client(&mut headers, &client, &Random::seeded(1));
        assert!(headers.get_all("x-request-id").iter().any(|value| *value == id));
        assert_eq!(headers["x-forwarded-proto"], "https");
        let from = headers["x-forwarded-for"].as_bytes();
        assert!(from.ends_with(b"203.0.113.9"));
        let once = ["x-forwarded-for", "x-forwarded-proto", "x-envoy-attempt-count"];
        assert!(once.iter().all(|name| headers.get_all(*name).iter().count() == 1));
        assert!(!headers.contains_key("x-forwarded-client-cert"));
        let trusted = is_internal && !before.contains_key("x-forwarded-for");
        assert_eq!(headers.contains_key("x-envoy-internal"), trusted);
        let own = ["x-envoy-attempt-count", "x-envoy-external-address"];
        let of_envoy = |name: &&HeaderName| name.as_str().starts_with("x-envoy-");
        assert!(
            trusted || headers.keys().filter(of_envoy).all(|name| own.contains(&name.as_str())),
            "an outside client sets Envoy's headers"
        );
    }
}

/// An HTTP/1.1 head in two pieces, cut where the first two bytes say: how it is
/// cut changes nothing.
pub(crate) fn http_head(data: &[u8]) {
    let Some((cut, bytes)) = data.split_first_chunk::<2>() else {
        return;
    };
    let cut = usize::from(u16::from_be_bytes(*cut)) % (bytes.len() + 1);
    let verdict = |pieces: &[&[u8]]| {
        let activity = Activity::new(&Arc::new(AtomicU32::new(0)));
        let mut watched = Watched::new((), Arc::clone(&activity), true, usize::MAX);
        for piece in pieces {
            watched.came(piece);
        }
        activity.both_lengths.load(Relaxed)
    };
    let whole = verdict(&[bytes]);
    let (first, second) = bytes.split_at(cut);
    // The codec reads on only for a head that has not ended.
    if !ends_in(first) {
        assert_eq!(verdict(&[first, second]), whole, "cut at {cut}");
    }
    assert_eq!(whole, reference(bytes), "{}", String::from_utf8_lossy(bytes));
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let whole = lines.filter_map(|line| line.strip_suffix(b"\n"));
    let whole = whole.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    // Empty lines before a request are passed over (RFC 9112 section 2.2).
    whole.skip_while(|line| line.is_empty())
}

fn ends_in(bytes: &[u8]) -> bool {
    lines(bytes).any(<[u8]>::is_empty)
}

/// Whether a whole head has both framings, read line by line.
fn reference(bytes: &[u8]) -> bool {
    if !ends_in(bytes) {
        return false;
    }
    let fields: Vec<&[u8]> = lines(bytes).skip(1).take_while(|line| !line.is_empty()).collect();
    let has = |name: &[u8]| {
        fields.iter().any(|line| {
            line.get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        })
    };
    has(b"content-length:") && has(b"transfer-encoding:")
}

/// A client's certificate in DER, as `x-forwarded-client-cert` describes it:
/// its subject does not end the quotes around it.
pub(crate) fn client_certificate(data: &[u8]) {
    let Some(value) = forwarded::client_certificate(data) else {
        return;
    };
    // A URI may hold what is no ASCII, as Envoy passes it.
    let text = String::from_utf8_lossy(value.as_bytes());
    assert!(text.starts_with("Hash="), "{text}");
    let (_, rest) = text.split_once(";Subject=\"").unwrap_or_else(|| panic!("{text}"));
    assert!(rest.contains("\";URI="), "{text}");
}

/// A request to each of the samples.
pub(crate) fn sample_request(data: &[u8]) {
    let Some(head) = std::str::from_utf8(data).ok().and_then(head) else {
        return;
    };
    let Ok(uri) = Uri::builder().path_and_query(head.path.clone()).build() else {
        return;
    };
    let body = Bytes::copy_from_slice(head.rest.as_bytes());
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::from_bytes(head.method.as_bytes()).unwrap_or_default();
    parts.uri = uri;
    parts.headers = head.headers;
    for sample in [Sample::Httpbin, Sample::Helloworld, Sample::Productpage, Sample::Echo] {
        let asked = Asked {
            head: &parts,
            body: &body,
            random: 7,
            is_tls: true,
        };
        let answered = samples::respond(sample, &asked);
        let limit = 1 << 20;
        assert!(answered.response.body().len() <= limit + 16 * data.len());
        assert!(answered.delay.as_secs() <= 60, "{:?}", answered.delay);
    }
}
