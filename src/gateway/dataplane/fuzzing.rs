//! Fuzz targets of what only the data plane can reach; see [`crate::fuzzing`].

use http::HeaderValue;
use http::header::{CONNECTION, HeaderName, TRANSFER_ENCODING, UPGRADE};

use super::forwarded;
use super::headers::{self as rules, Client};
use super::http1;
use super::http1::head::Bounds;
use super::random::Random;
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
        "x-envoy-external-address",
    ];
    assert!(once.iter().all(|name| headers.get_all(*name).iter().count() == 1));
    for name in ["x-forwarded-client-cert", "x-envoy-internal", "x-envoy-retry-on"] {
        assert!(!headers.contains_key(name), "a client sets {name}");
    }
}

/// An HTTP/1.1 head in two pieces, cut where the first two bytes say: how it is
/// cut changes nothing, and what is written of it has one meaning.
pub(crate) fn http_head(data: &[u8]) {
    let Some((cut, bytes)) = data.split_first_chunk::<2>() else {
        return;
    };
    let cut = usize::from(u16::from_be_bytes(*cut)) % (bytes.len() + 1);
    let bounds = Bounds {
        bytes: usize::MAX,
        lines: usize::MAX,
        is_tls: cut % 2 == 0,
    };
    let mut whole = Vec::new();
    let head = http1::head::read(bytes, 0, bounds, &mut whole);
    let mut pieces = Vec::new();
    if http1::head::read(&bytes[..cut], 0, bounds, &mut pieces).is_none() {
        let second = http1::head::read(bytes, cut, bounds, &mut pieces);
        assert_eq!((&second, &pieces), (&head, &whole), "cut at {cut}");
    }
    let Some(head) = head else {
        assert!(whole.is_empty());
        return;
    };
    assert!(head.consumed <= bytes.len());
    let text = String::from_utf8_lossy(&whole);
    // One head, every line of which is a field, and one framing at most.
    let mut again = Vec::new();
    let second = http1::head::read(&whole, 0, bounds, &mut again);
    let second = second.unwrap_or_else(|| panic!("no head: {text}"));
    assert_eq!(second.consumed, whole.len(), "{text}");
    assert!(!whole.contains(&b'\0') && !text.contains("\n "), "{text}");
    let lines: Vec<String> = text.split("\r\n").map(str::to_ascii_lowercase).collect();
    let framings = lines
        .iter()
        .filter(|line| line.starts_with("content-length:") || line.starts_with("transfer-encoding:"));
    assert!(framings.count() <= 1, "{text}");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text}");
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
