//! Certificates from Envoy's admin interface: `/certs`, and the Secrets of `/config_dump`. Envoy
//! redacts keys, and only certificates are read here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use time::OffsetDateTime;

use super::facts::View;
use crate::certs::inspect::{self, CertificateFacts};
use crate::certs::pem;

/// The requested paths: certificates in use, Secrets in use, pending Secrets.
pub const PATHS: [&str; 3] = [
    "certs",
    "config_dump?resource=dynamic_active_secrets",
    "config_dump?resource=dynamic_warming_secrets",
];

/// Parses the responses for [`PATHS`]; a response that is missing or not JSON counts as empty, as
/// Envoy sends it if there are no such Secrets.
///
/// # Errors
/// If not even the first is from Envoy.
pub fn view(answers: [&[u8]; 3], now: OffsetDateTime) -> Result<View, String> {
    let [certs, active, warming] = answers.map(|answer| serde_json::from_slice::<Value>(answer).unwrap_or_default());
    if !certs["certificates"].is_array() {
        return Err("the response to GET /certs is not from Envoy".to_owned());
    }
    let chains = list(&certs["certificates"]).flat_map(|one| leaves(&one["cert_chain"]));
    let loaded = chains.map(|one| (text(&one["path"]), text(&one["serial_number"])));
    let active = secrets(&active).map(|(name, secret)| {
        let chain = &secret["tls_certificate"]["certificate_chain"];
        (name, leaf(chain, now))
    });
    Ok(View {
        loaded: loaded.collect(),
        active: active.collect(),
        warming: secrets(&warming).map(|(name, _)| name).collect(),
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The certificates of a chain that have names, that is, without intermediates. If none has names,
/// all of them.
fn leaves(chain: &Value) -> Vec<&Value> {
    let is_named = |one: &&Value| list(&one["subject_alt_names"]).next().is_some();
    let named: Vec<&Value> = list(chain).filter(is_named).collect();
    if named.is_empty() { list(chain).collect() } else { named }
}

/// The Secrets of a dump, by name.
fn secrets(dump: &Value) -> impl Iterator<Item = (String, &Value)> {
    list(&dump["configs"]).filter_map(|entry| {
        let secret = &entry["secret"];
        let name = entry["name"].as_str().or_else(|| secret["name"].as_str())?;
        Some((name.to_owned(), secret))
    })
}

fn leaf(chain: &Value, now: OffsetDateTime) -> Option<CertificateFacts> {
    let content = match chain["inline_bytes"].as_str() {
        Some(encoded) => STANDARD.decode(encoded).ok()?,
        None => chain["inline_string"].as_str()?.as_bytes().to_vec(),
    };
    let leaf = pem::certificates(&content, "the proxy's certificate")
        .ok()?
        .into_iter()
        .next()?;
    inspect::certificate(&leaf, now).ok()
}

/// A serial number as plain digits: Envoy omits colons and possibly leading zeros.
pub(super) fn serial_digits(serial: &str) -> String {
    let digits: String = serial.chars().filter(char::is_ascii_hexdigit).collect();
    digits.trim_start_matches('0').to_ascii_lowercase()
}

/// A serial number in the usual format: pairs of digits separated by colons.
pub(super) fn serial_words(serial: &str) -> String {
    let digits: String = serial.chars().filter(char::is_ascii_hexdigit).collect();
    let digits = format!("{}{digits}", "0".repeat(digits.len() % 2)).to_ascii_lowercase();
    let pairs: Vec<&str> = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]).collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::{serial_digits, serial_words, view};
    use crate::doctor::testing::{NOW, chain, leaf_of};

    #[test]
    fn a_dump_is_read() {
        let certs = json!({"certificates": [
            {"ca_cert": [], "cert_chain": [{"path": "<inline>", "serial_number": "0abc", "days_until_expiration": "89"}]},
            {"ca_cert": [{"path": "<inline>", "serial_number": "ff"}], "cert_chain": []},
        ]});
        let active = json!({"configs": [
            {"@type": "x", "name": "kubernetes://a", "secret": {"name": "kubernetes://a", "tls_certificate": {
                "certificate_chain": {"inline_bytes": STANDARD.encode(chain().server_pem())},
                "private_key": {"inline_bytes": "W3JlZGFjdGVkXQ=="}}}},
            {"@type": "x", "name": "kubernetes://a-cacert", "secret": {"validation_context": {}}},
        ]});
        let warming = json!({"configs": [{"name": "kubernetes://b", "version_info": "uninitialized", "secret": {}}]});
        let [certs, active, warming] = [certs, active, warming].map(|value| value.to_string());
        let read = view([certs.as_bytes(), active.as_bytes(), warming.as_bytes()], NOW).unwrap();
        assert_eq!(read.loaded, [("<inline>".to_owned(), "0abc".to_owned())]);
        assert_eq!(read.warming, ["kubernetes://b"]);
        assert_eq!(read.active[0], ("kubernetes://a".to_owned(), Some(leaf_of(chain()))));
        assert_eq!(read.active[1], ("kubernetes://a-cacert".to_owned(), None));
        let few = view([certs.as_bytes(), b"dynamic_active_secrets not found", b""], NOW).unwrap();
        assert!(few.active.is_empty() && few.warming.is_empty());
    }

    #[test]
    fn what_is_no_envoy_is_said_to_be_none() {
        for answer in ["", "{}", "<html>", "[1]", r#"{"certificates": 3}"#] {
            assert!(view([answer.as_bytes(), b"", b""], NOW).is_err(), "{answer}");
        }
    }

    #[test]
    fn serials_are_compared_by_their_digits() {
        for (one, other) in [("0A:BC", "abc"), ("00:01", "1"), ("7F", "7f")] {
            assert_eq!(serial_digits(one), serial_digits(other));
        }
        assert_ne!(serial_digits("0A:BC"), serial_digits("0A:BD"));
        for (serial, expected) in [("abc", "0a:bc"), ("0A:BC", "0a:bc"), ("7F00", "7f:00"), ("", "")] {
            assert_eq!(serial_words(serial), expected);
        }
        let serial = leaf_of(chain()).serial;
        assert_eq!(serial_words(&serial.replace(':', "").to_lowercase()), serial);
    }

    #[test]
    fn of_a_chain_the_leaf_counts() {
        let one = |serial: &str, names: serde_json::Value| json!({"path": "a", "serial_number": serial, "subject_alt_names": names});
        let read = |chain: serde_json::Value| {
            let certs = json!({"certificates": [{"cert_chain": chain}]}).to_string();
            let read = view([certs.as_bytes(), b"", b""], NOW).unwrap();
            read.loaded.into_iter().map(|(_, serial)| serial).collect::<Vec<_>>()
        };
        let names = json!([{"dns": "a.example.com"}]);
        assert_eq!(read(json!([one("1", names), one("2", json!([]))])), ["1"]);
        assert_eq!(read(json!([one("1", json!([])), one("2", json!([]))])), ["1", "2"]);
    }

    proptest::proptest! {
        #[test]
        fn no_answer_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = view([&bytes, &bytes, &bytes], NOW);
        }

        #[test]
        fn json_of_any_shape_is_read(name in ".{0,20}", chain in "[A-Za-z0-9+/=]{0,80}") {
            let dump = json!({"certificates": [{"cert_chain": [{"path": name, "serial_number": chain}]}],
                "configs": [{"name": name, "secret": {"tls_certificate": {"certificate_chain": {"inline_bytes": chain}}}}]});
            let dump = dump.to_string();
            let read = view([dump.as_bytes(), dump.as_bytes(), dump.as_bytes()], NOW).unwrap();
            assert_eq!(read.active, [(name.clone(), None)]);
        }
    }
}
