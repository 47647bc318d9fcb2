//! Recognises what may be part of a private key, in text from others: a manifest, a log,
//! a server's message.

/// From this length on, a run of base64 characters may be a key.
const RUN: usize = 40;
/// From this length on, a run of base64 with letters of both cases and digits may be part
/// of a key, in characters. Names of types have no digits, names of objects no capitals;
/// a slash separates them, as in a path.
const MIXED_RUN: usize = 20;
/// This many bytes in hex with colons may be part of a key, as OpenSSL prints one: more
/// than an address has.
const HEX_PAIRS: usize = 12;
/// The beginning of every PEM block, in base64, as in a Secret's value.
const ENCODED_PEM: &str = "LS0tLS1CRUdJTi";

/// Whether a line contains PEM, or long base64; also true for long paths and names.
pub fn may_be_key(line: &str) -> bool {
    let mut runs = line.as_bytes().split(|byte| !is_of_base64(*byte));
    runs.any(|run| run.len() > RUN) || line.contains("-----BEGIN") || line.contains("PRIVATE KEY")
}

/// Whether a text contains something that looks like a key rather than a name or a path:
/// a PEM header in any case, mixed base64, or bytes in hex.
pub fn looks_like_key(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let armour = ["-----begin", "-----end", "private key-----"];
    armour.iter().any(|mark| lower.contains(mark))
        || text.contains(ENCODED_PEM)
        || has_mixed_run(text)
        || has_hex_dump(text)
}

/// Whether a line is only base64.
pub fn is_base64(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && line.bytes().all(is_of_base64)
}

fn is_of_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

fn has_mixed_run(line: &str) -> bool {
    let mut runs = line.as_bytes().split(|byte| *byte == b'/' || !is_of_base64(*byte));
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
    use super::{is_base64, looks_like_key, may_be_key};

    #[test]
    fn keys_are_told_from_names_and_paths() {
        for (text, wide, narrow) in [
            ("MIGHAgEAMBMGByqGSM49", false, true),
            ("LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JR0hB", true, true),
            ("LS0tLS1CRUdJTiBQ", false, true),
            ("-----BEGIN PRIVATE KEY-----", true, true),
            ("-----begin ec private key-----", false, true),
            ("00:f3:ab:01:02:03:04:05:06:07:08:09:0a:0b:0c:", false, true),
            ("/api/v1/namespaces/default/secrets/httpbin/x", true, false),
            ("envoy.config.endpoint.v3.ClusterLoadAssignment", false, false),
            ("2001:db8:0:0:0:0:0:1", false, false),
            (
                "Get \"https://127.0.0.1:10250/containerLogs/edge/igw/istio-proxy\": refused",
                false,
                false,
            ),
            ("spec.servers: Required value", false, false),
        ] {
            assert_eq!((may_be_key(text), looks_like_key(text)), (wide, narrow), "{text}");
        }
        assert!(is_base64(" QgBn ") && !is_base64("") && !is_base64("a b"));
    }
}
