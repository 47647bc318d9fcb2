//! The reason phrases of HTTP/1.1 answers: Envoy's own, whatever the upstream says.

use http::{Response, StatusCode};
use hyper::ext::ReasonPhrase;

/// Gives an answer the phrase that Envoy writes for its status.
pub(super) fn set<B>(response: &mut Response<B>) {
    response.extensions_mut().remove::<ReasonPhrase>();
    if let Some(phrase) = uncommon(response.status()) {
        let phrase = ReasonPhrase::from_static(phrase.as_bytes());
        response.extensions_mut().insert(phrase);
    }
}

/// The phrase where it is not the one that the codec writes by itself.
fn uncommon(status: StatusCode) -> Option<&'static str> {
    match status.as_u16() {
        203 => Some("Non-Authoritative Information"),
        418 | 451 => Some("Unknown"),
        599 => Some("Last Unassigned Server Error Code"),
        _ if status.canonical_reason().is_none() => Some("Unknown"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{ReasonPhrase, set};
    use http::{Response, StatusCode};

    #[test]
    fn an_upstreams_phrase_is_not_passed_on() {
        for (status, phrase) in [(200, None), (404, None), (418, Some("Unknown")), (299, Some("Unknown"))] {
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response.extensions_mut().insert(ReasonPhrase::from_static(b"As I Say"));
            set(&mut response);
            let told = response.extensions().get::<ReasonPhrase>().map(ReasonPhrase::as_bytes);
            assert_eq!(told, phrase.map(str::as_bytes), "{status}");
        }
    }
}
