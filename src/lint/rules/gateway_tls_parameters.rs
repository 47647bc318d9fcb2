//! TLS versions and cipher suites.

use std::collections::HashSet;

use crate::lint::codes::{TLS_CIPHER, TLS_CIPHER_TWICE, TLS_OLD_VERSION, TLS_PARAMETERS_UNUSED, TLS_VERSIONS};
use crate::lint::index::servers::{listed, wants_certificate};
use crate::lint::{Code, Findings, Rule, World};
use crate::manifests::model::gateway::TlsProtocol;

pub(super) static RULES: &[&dyn Rule] = &[&Versions, &Ciphers, &Unused];

/// The cipher suites that Istio passes on to Envoy.
const CIPHERS: [&str; 15] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "DES-CBC3-SHA",
];

/// The lowest and the highest version.
struct Versions;

impl Rule for Versions {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_OLD_VERSION, &TLS_VERSIONS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            let lowest = chosen(tls.min_protocol_version);
            let highest = chosen(tls.max_protocol_version);
            if let Some(old @ (TlsProtocol::V1_0 | TlsProtocol::V1_1)) = lowest
                && tls.cipher_suites.is_empty()
            {
                let what = format!("minProtocolVersion {} needs matching cipherSuites", word(old));
                found.push(at.finding(&TLS_OLD_VERSION, "tls.minProtocolVersion", what));
            }
            if !wants_certificate(tls.effective_mode()) {
                continue;
            }
            // Envoy's defaults.
            let (from, to) = (
                lowest.unwrap_or(TlsProtocol::V1_2),
                highest.unwrap_or(TlsProtocol::V1_3),
            );
            if from > to {
                let field = if highest.is_some() {
                    "tls.maxProtocolVersion"
                } else {
                    "tls.minProtocolVersion"
                };
                let note = if lowest.is_none() { " (the default)" } else { "" };
                let what = format!(
                    "the minimum version {}{note} is higher than the maximum, {}",
                    word(from),
                    word(to)
                );
                found.push(at.finding(&TLS_VERSIONS, field, what));
            }
        }
    }
}

/// An explicit version; `TLS_AUTO` is the same as none.
fn chosen(version: Option<TlsProtocol>) -> Option<TlsProtocol> {
    version.filter(|version| *version != TlsProtocol::Auto)
}

fn word(version: TlsProtocol) -> &'static str {
    match version {
        TlsProtocol::Auto => "TLS_AUTO",
        TlsProtocol::V1_0 => "TLSV1_0",
        TlsProtocol::V1_1 => "TLSV1_1",
        TlsProtocol::V1_2 => "TLSV1_2",
        TlsProtocol::V1_3 => "TLSV1_3",
    }
}

/// Cipher suites are known and unique.
struct Ciphers;

impl Rule for Ciphers {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_CIPHER, &TLS_CIPHER_TWICE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            let mut seen: HashSet<&str> = HashSet::new();
            for (index, cipher) in tls.cipher_suites.iter().enumerate() {
                let field = format!("tls.cipherSuites[{index}]");
                if !is_taken(cipher) {
                    let shown: String = cipher.chars().take(80).collect();
                    let what = format!("unknown cipher suite {shown}");
                    found.push(at.finding(&TLS_CIPHER, &field, what));
                } else if !seen.insert(cipher) {
                    let what = format!("duplicate cipher suite {cipher}");
                    found.push(at.finding(&TLS_CIPHER_TWICE, &field, what));
                }
            }
        }
    }
}

/// Whether Istio accepts it: a suite, `ALL`, nothing, or an expression such as `[A|B]` or `-A`.
fn is_taken(cipher: &str) -> bool {
    // Istio looks at the first byte.
    let first = cipher.bytes().next().map(char::from);
    let expression = first.is_none_or(|first| !first.is_alphanumeric());
    expression || cipher == "ALL" || CIPHERS.contains(&cipher)
}

/// Parameters in modes that do not use them.
struct Unused;

impl Rule for Unused {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_PARAMETERS_UNUSED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            let mode = tls.effective_mode();
            if wants_certificate(mode) {
                continue;
            }
            let fields: Vec<&str> = [
                ("minProtocolVersion", chosen(tls.min_protocol_version).is_some()),
                ("maxProtocolVersion", chosen(tls.max_protocol_version).is_some()),
                ("cipherSuites", !tls.cipher_suites.is_empty()),
            ]
            .into_iter()
            .filter(|(_, used)| *used)
            .map(|(field, _)| field)
            .collect();
            if let Some(first) = fields.first() {
                let verb = if fields.len() == 1 { "has" } else { "have" };
                let what = format!("{} {verb} no effect in mode {}", listed(&fields), mode.as_str());
                found.push(at.finding(&TLS_PARAMETERS_UNUSED, &format!("tls.{first}"), what));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, https};

    fn simple(more: &str) -> String {
        https(&format!("mode: SIMPLE, credentialName: c, {more}"))
    }

    #[test]
    fn versions() {
        let lowest: &[&str] = &["spec.servers[0].tls.minProtocolVersion"];
        assert_cases(
            "ITL0130",
            &[
                (simple("minProtocolVersion: TLSV1_0"), lowest),
                (simple("minProtocolVersion: TLSV1_1, cipherSuites: []"), lowest),
                (
                    simple("minProtocolVersion: TLSV1_1, cipherSuites: [ECDHE-RSA-AES128-SHA]"),
                    &[],
                ),
                (simple("minProtocolVersion: TLSV1_2"), &[]),
                (simple("minProtocolVersion: TLS_AUTO"), &[]),
                (simple("maxProtocolVersion: TLSV1_2"), &[]),
            ],
        );
        let highest: &[&str] = &["spec.servers[0].tls.maxProtocolVersion"];
        assert_cases(
            "ITL0142",
            &[
                (
                    simple("minProtocolVersion: TLSV1_3, maxProtocolVersion: TLSV1_2"),
                    highest,
                ),
                (simple("maxProtocolVersion: TLSV1_1"), highest),
                (simple("minProtocolVersion: TLSV1_2, maxProtocolVersion: TLSV1_2"), &[]),
                (simple("minProtocolVersion: TLSV1_3"), &[]),
                (simple("minProtocolVersion: TLS_AUTO, maxProtocolVersion: TLSV1_3"), &[]),
                (https("mode: ISTIO_MUTUAL, maxProtocolVersion: TLSV1_1"), &[]),
            ],
        );
    }

    #[test]
    fn cipher_suites() {
        let ciphers = |ciphers: &str| simple(&format!("cipherSuites: [{ciphers}]"));
        let second: &[&str] = &["spec.servers[0].tls.cipherSuites[1]"];
        assert_cases(
            "ITL0131",
            &[
                (ciphers("AES128-SHA, TLS_AES_128_GCM_SHA256"), second),
                (ciphers("AES128-SHA, aes128-sha"), second),
                (ciphers("AES128-SHA, ä"), second),
                (ciphers("ECDHE-ECDSA-AES128-GCM-SHA256, DES-CBC3-SHA"), &[]),
                (ciphers("ALL, ''"), &[]),
                (ciphers("'[AES128-SHA|AES256-SHA]', '-AES128-SHA', '+X'"), &[]),
            ],
        );
        assert_cases(
            "ITL0132",
            &[
                (ciphers("AES128-SHA, AES128-SHA"), second),
                (ciphers("X, X"), &[]),
                (ciphers("AES128-SHA, AES256-SHA"), &[]),
                (simple("minProtocolVersion: TLSV1_2"), &[]),
            ],
        );
    }

    #[test]
    fn parameters_of_modes_that_have_none() {
        assert_cases(
            "ITL0148",
            &[
                (
                    https("mode: PASSTHROUGH, maxProtocolVersion: TLSV1_2, cipherSuites: [AES128-SHA]"),
                    &["spec.servers[0].tls.maxProtocolVersion"],
                ),
                (
                    https("mode: ISTIO_MUTUAL, cipherSuites: [AES128-SHA]"),
                    &["spec.servers[0].tls.cipherSuites"],
                ),
                (https("mode: PASSTHROUGH, minProtocolVersion: TLS_AUTO"), &[]),
                (simple("minProtocolVersion: TLSV1_3"), &[]),
                (
                    https("mode: MUTUAL, credentialName: c, cipherSuites: [AES128-SHA]"),
                    &[],
                ),
            ],
        );
    }
}
