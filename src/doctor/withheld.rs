//! Which lines of a log may hold a part of a key. Nothing of them is shown, not
//! even a name that seems to stand in them.

use crate::lint::secrecy::may_be_key;

/// From this length on, a run of base64 with letters of both cases and digits
/// may be a part of a key, in characters. Names of types have no digits, names
/// of objects no capitals.
const MIXED_RUN: usize = 20;
/// So many bytes in hex with colons between may be a part of a key, as OpenSSL
/// prints one: more than an address has.
const HEX_PAIRS: usize = 12;

/// For each line, whether it may hold a part of a key.
pub(super) fn withheld(lines: &[String]) -> Vec<bool> {
    let mut marks: Vec<bool> = Vec::with_capacity(lines.len());
    let mut before = "";
    for line in lines {
        // A line that goes on with base64, or that ends it, is short at times.
        let goes_on = marks.last() == Some(&true) && (is_base64(line) || is_base64(before));
        marks.push(goes_on || holds_key(line));
        before = line;
    }
    marks
}

/// Whether a line by itself may hold a part of a key.
pub(super) fn holds_key(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let armour = ["-----begin", "-----end", "private key-----"];
    may_be_key(line) || armour.iter().any(|mark| lower.contains(mark)) || has_mixed_run(line) || has_hex_dump(line)
}

fn is_of_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

fn is_base64(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && line.bytes().all(is_of_base64)
}

fn has_mixed_run(line: &str) -> bool {
    let mut runs = line.as_bytes().split(|byte| !is_of_base64(*byte));
    runs.any(|run| {
        let has = |class: fn(&u8) -> bool| run.iter().any(class);
        run.len() >= MIXED_RUN && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
    })
}

fn has_hex_dump(line: &str) -> bool {
    let is_pair = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    line.split_whitespace().any(|word| {
        let mut pairs = 0;
        word.split(':').any(|part| {
            pairs = if is_pair(part) { pairs + 1 } else { 0 };
            pairs >= HEX_PAIRS
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{holds_key, withheld};

    #[test]
    fn what_may_be_a_part_of_a_key_is_told_from_what_is_not() {
        for (line, expected) in [
            ("failed to generate secret: MIGHAgEAMBMGByqGSM49", true),
            ("secret \"MIGHAgEAMBMGByqGSM49AgEG/CCqGSM49+wEH\" not found", true),
            ("failed: -----BEGIN PRIVATE KEY-----", true),
            ("failed: -----begin ec private key-----", true),
            ("key 00:f3:ab:01:02:03:04:05:06:07:08:09:0a:0b:0c:", true),
            ("0123456789abcdef0123456789abcdef0123456789abcdef", true),
            (
                "gRPC config for type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment rejected: bad",
                false,
            ),
            (
                "Failed to load private key from <inline>, Cause: error:0b000074:X.509 certificate routines:OPENSSL_internal:KEY_VALUES_MISMATCH",
                false,
            ),
            ("error sds secret istio-system/httpbin-credential not found", false),
            ("2026-11-23T10:00:00.000Z upstream 2001:db8:0:0:0:0:0:1", false),
            ("istio-ingressgateway-6b5c4d7f9-x2x7k", false),
        ] {
            assert_eq!(holds_key(line), expected, "{line}");
        }
    }

    #[test]
    fn the_short_end_of_a_key_is_withheld_with_the_rest_of_it() {
        let lines = [
            "error secret is missing a key: -----BEGIN PRIVATE KEY-----",
            "c2hvcnQ",
            "QgBn: secret not found",
            "secret one not found",
        ]
        .map(str::to_owned);
        assert_eq!(withheld(&lines), [true, true, true, false]);
    }
}
