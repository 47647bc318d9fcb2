//! Detects log lines that may contain part of a key. Nothing of them is shown, not even an apparent
//! name in them.

use crate::secrecy::{is_base64, looks_like_key, may_be_key};

/// For each line, whether it may contain part of a key.
pub(super) fn withheld(lines: &[String]) -> Vec<bool> {
    let mut marks: Vec<bool> = Vec::with_capacity(lines.len());
    let mut before = "";
    for line in lines {
        // A line that continues or ends base64 may be short.
        let goes_on = marks.last() == Some(&true) && (is_base64(line) || is_base64(before));
        marks.push(goes_on || holds_key(line));
        before = line;
    }
    marks
}

/// Whether a single line may contain part of a key.
pub(super) fn holds_key(line: &str) -> bool {
    may_be_key(line) || looks_like_key(line)
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
