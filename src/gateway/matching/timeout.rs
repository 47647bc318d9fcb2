//! How long a request may take: the route's `timeout` and what a gRPC client
//! asks for with `grpc-timeout` (gRPC over HTTP/2, "Requests").

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

/// gRPC's header.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The longest time of a request; none is without limit. A gRPC client's own
/// limit holds when it is not longer than the route's.
pub fn of_request(route: Option<Duration>, is_grpc: bool, headers: &HeaderMap) -> Option<Duration> {
    if !is_grpc {
        return route;
    }
    let wanted = headers
        .get(GRPC_TIMEOUT)
        .and_then(|value| value.to_str().ok())
        .and_then(parse)
        .filter(|wanted| !wanted.is_zero());
    match (wanted, route) {
        (Some(wanted), Some(route)) => Some(wanted.min(route)),
        (wanted, route) => wanted.or(route),
    }
}

/// Up to eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (at, unit) = text.char_indices().next_back()?;
    let digits = &text[..at];
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        'H' => Duration::from_secs(number * 3600),
        'M' => Duration::from_secs(number * 60),
        'S' => Duration::from_secs(number),
        'm' => Duration::from_millis(number),
        'u' => Duration::from_micros(number),
        'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

/// The header for a limit: milliseconds, or the next unit that fits eight digits.
pub fn grpc_header(limit: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let milliseconds = limit.as_millis();
    let text = if milliseconds <= MOST {
        format!("{milliseconds}m")
    } else if milliseconds / 1000 <= MOST {
        format!("{}S", milliseconds / 1000)
    } else {
        format!("{}M", (milliseconds / 60_000).min(MOST))
    };
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("0m"))
}

#[cfg(test)]
mod tests {
    use super::{GRPC_TIMEOUT, grpc_header, of_request, parse};
    use http::{HeaderMap, HeaderValue};
    use std::time::Duration;

    #[test]
    fn a_client_s_limit_is_read() {
        for (text, expected) in [
            ("1S", Some(Duration::from_secs(1))),
            ("250m", Some(Duration::from_millis(250))),
            ("2H", Some(Duration::from_hours(2))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("123456789m", None),
            ("1", None),
            ("m", None),
            ("-1S", None),
            ("1\u{e9}", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_shorter_limit_holds_for_grpc_alone() {
        let asked = HeaderMap::from_iter([(GRPC_TIMEOUT, HeaderValue::from_static("2S"))]);
        let seconds = |number| Some(Duration::from_secs(number));
        assert_eq!(of_request(None, true, &asked), seconds(2));
        assert_eq!(of_request(seconds(1), true, &asked), seconds(1));
        assert_eq!(of_request(seconds(9), true, &asked), seconds(2));
        assert_eq!(of_request(seconds(9), false, &asked), seconds(9));
        assert_eq!(of_request(None, true, &HeaderMap::new()), None);
        assert_eq!(grpc_header(Duration::from_secs(2)), "2000m");
        assert_eq!(grpc_header(Duration::from_secs(200_000)), "200000S");
    }
}
