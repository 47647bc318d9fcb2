//! Fuzz targets of what only the data plane can reach; see [`crate::fuzzing`].

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use http::HeaderValue;
use http::header::{CONNECTION, HeaderName, TRANSFER_ENCODING, UPGRADE};

use super::forwarded;
use super::headers::{self as rules, Client};
use super::random::Random;
use super::wire::{Activity, Watched};
use crate::fuzzing::request_head::head;

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
    for name in &named {
        assert!(!headers.contains_key(name), "{name} passes");
    }
    for stripped in [&headers, &response] {
        for name in [CONNECTION, TRANSFER_ENCODING, UPGRADE] {
            assert!(!stripped.contains_key(&name), "{name} passes");
        }
    }
    let address = HeaderValue::from_static("203.0.113.9");
    let client = Client {
        address: &address,
        is_tls: true,
        certificate: None,
    };
    let id = rules::announce_client(&mut headers, &client, &Random::seeded(1));
    assert!(headers.get_all("x-request-id").iter().any(|value| *value == id));
    assert_eq!(headers["x-forwarded-proto"], "https");
    assert_eq!(headers["x-envoy-external-address"], "203.0.113.9");
    let from = headers["x-forwarded-for"].as_bytes();
    assert!(from.ends_with(b"203.0.113.9"));
    let once = [
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-request-id",
        "x-envoy-attempt-count",
        "x-envoy-external-address",
    ];
    assert!(once.iter().all(|name| headers.get_all(*name).iter().count() == 1));
    for name in ["x-forwarded-client-cert", "x-envoy-internal", "x-envoy-retry-on"] {
        assert!(!headers.contains_key(name), "a client sets {name}");
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
