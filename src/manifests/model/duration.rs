//! Durations in Istio's YAML: Go's `1.5s`, `300ms`, `1h2m`.

use std::time::Duration;

/// Parses a duration like Go's `time.ParseDuration`; `None` if it is invalid, negative, or too long
/// to count in nanoseconds.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let nanos: u64 = match unit {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total = total.checked_add(whole.checked_mul(nanos)?)?;
        let mut scale = nanos;
        for digit in fraction.bytes() {
            scale /= 10;
            total = total.checked_add(u64::from(digit - b'0') * scale)?;
        }
        rest = tail;
    }
    (i64::try_from(total).is_ok()).then(|| Duration::from_nanos(total))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn durations() {
        for (text, nanos) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("1.5s", Some(1_500_000_000)),
            ("300ms", Some(300_000_000)),
            ("1h2m", Some(3_720_000_000_000)),
            (".5s", Some(500_000_000)),
            ("1s500ms", Some(1_500_000_000)),
            ("", None),
            ("5", None),
            (".s", None),
            ("1.2.3s", None),
            ("-1s", None),
            ("s", None),
            ("1 s", None),
            ("99999999999h", None),
        ] {
            assert_eq!(super::parse(text), nanos.map(Duration::from_nanos), "{text}");
        }
    }
}
