//! Checks on client certificates: names and pins, and whether the mode requests certificates at
//! all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::lint::codes::{TLS_CLIENT_UNCHECKED, TLS_PIN, TLS_PIN_DROPPED, TLS_SAN};
use crate::lint::index::servers::{is_placeholder, listed, names_secret, passes_through, set};
use crate::lint::{Code, Findings, Rule, World};
use crate::manifests::model::gateway::{ServerTlsSettings, TlsMode};

pub(super) static RULES: &[&dyn Rule] = &[&Unchecked, &Names, &Pins];

/// The length of a SHA-256 digest in bytes.
const SHA_256: usize = 32;

/// Client checks in modes that never see a client certificate.
struct Unchecked;

impl Rule for Unchecked {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_CLIENT_UNCHECKED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            let mode = tls.effective_mode();
            if mode != TlsMode::Simple && !passes_through(mode) {
                continue;
            }
            let mut fields = checks(tls);
            // A passthrough mode ignores every certificate, which is a separate finding.
            if mode == TlsMode::Simple && set(tls.ca_certificates.as_ref()).is_some_and(|path| !is_placeholder(path)) {
                fields.insert(0, "caCertificates");
            }
            if let Some(first) = fields.first() {
                let verb = if fields.len() == 1 { "has" } else { "have" };
                found.push(at.finding(
                    &TLS_CLIENT_UNCHECKED,
                    &format!("tls.{first}"),
                    format!(
                        "{} {verb} no effect: mode {} does not request client certificates",
                        listed(&fields),
                        mode.as_str()
                    ),
                ));
            }
        }
    }
}

/// The fields that restrict client certificates beyond the CA.
fn checks(tls: &ServerTlsSettings) -> Vec<&'static str> {
    [
        (
            "caCertCredentialName",
            set(tls.ca_cert_credential_name.as_ref()).is_some(),
        ),
        ("subjectAltNames", !tls.subject_alt_names.is_empty()),
        ("verifyCertificateSpki", !tls.verify_certificate_spki.is_empty()),
        ("verifyCertificateHash", !tls.verify_certificate_hash.is_empty()),
        ("insecureSkipVerify", tls.insecure_skip_verify == Some(true)),
    ]
    .into_iter()
    .filter(|(_, used)| *used)
    .map(|(field, _)| field)
    .collect()
}

/// Names of which a client certificate must have one.
struct Names;

impl Rule for Names {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_SAN]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            for (index, name) in tls.subject_alt_names.iter().enumerate() {
                if let Some(fault) = name_fault(name) {
                    found.push(at.finding(
                        &TLS_SAN,
                        &format!("tls.subjectAltNames[{index}]"),
                        format!("the name {name:?} {fault}"),
                    ));
                }
            }
        }
    }
}

/// Why no certificate can have such a name.
fn name_fault(name: &str) -> Option<&'static str> {
    /// Prefixes that OpenSSL prints before a name; they are not part of the certificate.
    const KINDS: [&str; 4] = ["DNS:", "URI:", "IP:", "email:"];
    if name.is_empty() {
        Some("is empty")
    } else if name.contains(char::is_whitespace) {
        Some("contains a space")
    } else if name.contains('*') {
        Some("contains a wildcard, but must match exactly")
    } else if KINDS.iter().any(|kind| name.get(..kind.len()) == Some(kind)) {
        Some("begins with a type prefix, which is not part of the name in a certificate")
    } else {
        None
    }
}

/// Digests of the accepted certificates or keys.
struct Pins;

impl Rule for Pins {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_PIN, &TLS_PIN_DROPPED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            let mode = tls.effective_mode();
            let keys = tls.verify_certificate_spki.iter().map(|pin| (pin, is_key_pin(pin)));
            let hashes = tls.verify_certificate_hash.iter().map(|pin| (pin, is_hash(pin)));
            let keys = keys.enumerate().map(|found| ("verifyCertificateSpki", found));
            let hashes = hashes.enumerate().map(|found| ("verifyCertificateHash", found));
            let mut first = None;
            for (field, (index, (pin, fits))) in keys.chain(hashes) {
                first = first.or(Some(field));
                if !fits {
                    let shown: String = pin.chars().take(80).collect();
                    let what = format!("{shown:?} is not a valid SHA-256 hash for {field}");
                    found.push(at.finding(&TLS_PIN, &format!("tls.{field}[{index}]"), what));
                }
            }
            let verifies = matches!(mode, TlsMode::Mutual | TlsMode::OptionalMutual | TlsMode::IstioMutual);
            let kept = names_secret(tls) && mode != TlsMode::IstioMutual;
            if let Some(field) = first.filter(|_| verifies && !kept) {
                let source = if mode == TlsMode::IstioMutual {
                    "mode ISTIO_MUTUAL"
                } else {
                    "certificate files"
                };
                let what = format!("{field} is dropped with {source}");
                found.push(at.finding(&TLS_PIN_DROPPED, &format!("tls.{field}"), what));
            }
        }
    }
}

/// Base64 of 32 bytes.
fn is_key_pin(text: &str) -> bool {
    STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == SHA_256)
}

/// 32 pairs of hexadecimal digits, with colons between all pairs or none.
fn is_hash(text: &str) -> bool {
    let digits = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text.contains(':') {
        text.split(':').count() == SHA_256 && text.split(':').all(digits)
    } else {
        text.len() == 2 * SHA_256 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, gateway, https};

    const SPKI: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    const FILES: &str = "serverCertificate: /c, privateKey: /k, caCertificates: /ca";

    #[test]
    fn clients_are_checked_where_they_show_a_certificate() {
        assert_cases(
            "ITL0147",
            &[
                (
                    https("mode: SIMPLE, credentialName: c, subjectAltNames: [a], caCertCredentialName: ca"),
                    &["spec.servers[0].tls.caCertCredentialName"],
                ),
                (
                    https(&format!("mode: SIMPLE, {FILES}")),
                    &["spec.servers[0].tls.caCertificates"],
                ),
                (
                    https(&format!("mode: PASSTHROUGH, verifyCertificateSpki: ['{SPKI}']")),
                    &["spec.servers[0].tls.verifyCertificateSpki"],
                ),
                (https("subjectAltNames: [a]"), &["spec.servers[0].tls.subjectAltNames"]),
                (https(&format!("mode: MUTUAL, subjectAltNames: [a], {FILES}")), &[]),
                (
                    https("mode: OPTIONAL_MUTUAL, credentialName: c, subjectAltNames: [a]"),
                    &[],
                ),
                (https("mode: ISTIO_MUTUAL, subjectAltNames: [a]"), &[]),
                (https("mode: SIMPLE, credentialName: c, caCertificates: use sds"), &[]),
                (https("mode: SIMPLE, credentialName: c, insecureSkipVerify: false"), &[]),
                (
                    gateway(
                        "{port: {number: 80, name: a, protocol: HTTP}, hosts: [a.com], tls: {httpsRedirect: true}}",
                    ),
                    &[],
                ),
            ],
        );
    }

    #[test]
    fn names_are_compared_as_they_stand() {
        let names = |names: &str| https(&format!("mode: MUTUAL, credentialName: c, subjectAltNames: [{names}]"));
        let second: &[&str] = &["spec.servers[0].tls.subjectAltNames[1]"];
        assert_cases(
            "ITL0143",
            &[
                (names("a.com, '*.a.com'"), second),
                (names("a.com, ''"), second),
                (names("a.com, 'DNS:a.com'"), second),
                (names("a.com, 'a.com '"), second),
                (names("'ä€ö'"), &[]),
                (names("a.com, spiffe://cluster.local/ns/a/sa/b"), &[]),
                (names("10.0.0.1, me@example.com"), &[]),
                (names(""), &[]),
            ],
        );
    }

    #[test]
    fn pins_are_digests() {
        let hash = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        let pins = |field: &str, pin: &str| https(&format!("mode: MUTUAL, credentialName: c, {field}: ['{pin}']"));
        let (spki, sha) = ("verifyCertificateSpki", "verifyCertificateHash");
        assert_cases(
            "ITL0144",
            &[
                (
                    pins(spki, "not base64"),
                    &["spec.servers[0].tls.verifyCertificateSpki[0]"],
                ),
                (pins(spki, "AAAA"), &["spec.servers[0].tls.verifyCertificateSpki[0]"]),
                (pins(spki, &hash), &["spec.servers[0].tls.verifyCertificateSpki[0]"]),
                (pins(sha, SPKI), &["spec.servers[0].tls.verifyCertificateHash[0]"]),
                (pins(sha, &hash[2..]), &["spec.servers[0].tls.verifyCertificateHash[0]"]),
                (
                    pins(sha, &colons[3..]),
                    &["spec.servers[0].tls.verifyCertificateHash[0]"],
                ),
                (pins(spki, SPKI), &[]),
                (pins(sha, &hash), &[]),
                (pins(sha, &colons), &[]),
            ],
        );
        let at: &[&str] = &["spec.servers[0].tls.verifyCertificateHash"];
        assert_cases(
            "ITL0146",
            &[
                (
                    https(&format!("mode: MUTUAL, {FILES}, verifyCertificateHash: [{hash}]")),
                    at,
                ),
                (
                    https(&format!("mode: ISTIO_MUTUAL, verifyCertificateHash: [{hash}]")),
                    at,
                ),
                (pins(sha, &hash), &[]),
                (
                    https(&format!(
                        "mode: MUTUAL, credentialNames: [c], verifyCertificateSpki: ['{SPKI}']"
                    )),
                    &[],
                ),
                (https(&format!("mode: MUTUAL, {FILES}")), &[]),
            ],
        );
    }
}
