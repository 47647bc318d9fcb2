//! The source of a server's certificate: which fields its mode needs, and which are mutually
//! exclusive.

use crate::lint::codes::{TLS_ISTIO_MUTUAL, TLS_NO_CA, TLS_NO_CERTIFICATE, TLS_PASSTHROUGH, TLS_SOURCES};
use crate::lint::index::servers::{
    Protocol, ServerAt, is_placeholder, listed, names_secret, passes_through, set, wants_certificate,
};
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::manifests::model::gateway::{ServerTlsSettings, TlsMode};

pub(super) static RULES: &[&dyn Rule] = &[&ModeForbids, &Sources, &Missing];

/// The set fields of a server's own certificate, in the order of Istio's CRD.
fn certificate_fields(tls: &ServerTlsSettings) -> Vec<&'static str> {
    let texts = [
        ("serverCertificate", set(tls.server_certificate.as_ref())),
        ("privateKey", set(tls.private_key.as_ref())),
        ("caCertificates", set(tls.ca_certificates.as_ref())),
        ("credentialName", set(tls.credential_name.as_ref())),
    ];
    let mut fields: Vec<&'static str> = texts
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .map(|(field, _)| field)
        .collect();
    if !tls.credential_names.is_empty() {
        fields.push("credentialNames");
    }
    if !tls.tls_certificates.is_empty() {
        fields.push("tlsCertificates");
    }
    fields
}

/// Modes that do not use a certificate from the Gateway.
struct ModeForbids;

impl Rule for ModeForbids {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_ISTIO_MUTUAL, &TLS_PASSTHROUGH]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            let mode = tls.effective_mode();
            let mut fields = certificate_fields(tls);
            if mode == TlsMode::IstioMutual {
                for field in fields {
                    let what = format!("{field} is set with mode ISTIO_MUTUAL");
                    found.push(at.finding(&TLS_ISTIO_MUTUAL, &format!("tls.{field}"), what));
                }
            } else if passes_through(mode) {
                if set(tls.ca_crl.as_ref()).is_some() {
                    fields.push("caCrl");
                }
                if let Some(first) = fields.first() {
                    found.push(ignored_by_passthrough(&at, tls, first, &fields));
                }
            }
        }
    }
}

fn ignored_by_passthrough(at: &ServerAt<'_, '_>, tls: &ServerTlsSettings, first: &str, fields: &[&str]) -> Finding {
    let (verb, pronoun) = if fields.len() == 1 {
        ("is", "it")
    } else {
        ("are", "them")
    };
    let because = match tls.mode {
        Some(mode) => format!("mode {} passes TLS through", mode.as_str()),
        None => "tls has no mode, and PASSTHROUGH is the default".to_owned(),
    };
    let finding = at.finding(
        &TLS_PASSTHROUGH,
        &format!("tls.{first}"),
        format!("{} {verb} ignored: {because}", listed(fields)),
    );
    if at.protocol() == Some(Protocol::Http) {
        finding.fix(format!(
            "remove {pronoun}; certificates belong to a server with protocol HTTPS"
        ))
    } else if tls.mode.is_none() {
        finding.fix("mode: SIMPLE, or MUTUAL to require client certificates as well")
    } else {
        finding.fix(format!("mode: SIMPLE to serve {pronoun}, or remove {pronoun}"))
    }
}

/// Only one source of certificates.
struct Sources;

impl Rule for Sources {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_SOURCES]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        // Istio 1.1 requires file fields next to credentialName, and has no other source.
        if world.is_1_1() {
            return;
        }
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            if tls.mode == Some(TlsMode::IstioMutual) {
                continue;
            }
            let pair = [&tls.server_certificate, &tls.private_key];
            let files = pair.iter().all(|path| set(path.as_ref()).is_some())
                && !pair.iter().any(|path| path.as_deref().is_some_and(is_placeholder));
            let sources: Vec<&str> = [
                ("credentialName", set(tls.credential_name.as_ref()).is_some()),
                ("credentialNames", !tls.credential_names.is_empty()),
                ("tlsCertificates", !tls.tls_certificates.is_empty()),
                ("serverCertificate", files),
            ]
            .into_iter()
            .filter(|(_, used)| *used)
            .map(|(field, _)| field)
            .collect();
            if let [first, .., last] = sources.as_slice() {
                let wins = if names_secret(tls) { "the Secret" } else { first };
                found.push(
                    at.finding(
                        &TLS_SOURCES,
                        &format!("tls.{last}"),
                        format!("{} are alternative sources of the certificate", listed(&sources)),
                    )
                    .why(format!(
                        "Istio refuses the Gateway; without its webhook, {wins} is used and the rest is ignored"
                    )),
                );
            }
        }
    }
}

/// Fields that the mode needs if there is no Secret.
struct Missing;

impl Rule for Missing {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_NO_CERTIFICATE, &TLS_NO_CA]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            let mode = tls.effective_mode();
            // A plain port does not need a certificate.
            let plain = at.protocol().is_some_and(|protocol| protocol != Protocol::Tls);
            if plain || !wants_certificate(mode) || names_secret(tls) {
                continue;
            }
            let mode = mode.as_str();
            if tls.mode != Some(TlsMode::Simple) && set(tls.ca_certificates.as_ref()).is_none() {
                let what = format!("mode {mode} needs a Secret or caCertificates");
                found.push(at.finding(&TLS_NO_CA, "tls", what));
            }
            if tls.tls_certificates.is_empty() {
                let absent = absent_of(tls.server_certificate.as_ref(), tls.private_key.as_ref());
                if absent.len() == 2 {
                    let what = format!("mode {mode} needs a Secret or certificate files");
                    found.push(at.finding(&TLS_NO_CERTIFICATE, "tls", what));
                } else if let Some(field) = absent.first() {
                    let what = format!("mode {mode} needs a Secret or {field}");
                    found.push(at.finding(&TLS_NO_CERTIFICATE, "tls", what));
                }
            }
            for (index, pair) in tls.tls_certificates.iter().enumerate() {
                let absent = absent_of(pair.server_certificate.as_ref(), pair.private_key.as_ref());
                if !absent.is_empty() {
                    found.push(
                        at.finding(
                            &TLS_NO_CERTIFICATE,
                            &format!("tls.tlsCertificates[{index}]"),
                            format!("the entry lacks {}", listed(&absent)),
                        )
                        .fix("serverCertificate: PATH and privateKey: PATH"),
                    );
                }
            }
        }
    }
}

fn absent_of(certificate: Option<&String>, key: Option<&String>) -> Vec<&'static str> {
    [("serverCertificate", certificate), ("privateKey", key)]
        .into_iter()
        .filter(|(_, value)| set(*value).is_none())
        .map(|(field, _)| field)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, gateway, https};
    use crate::lint::testing::{assert_code, lint_for, lint_yaml};
    use crate::workspace::config::IstioTarget;

    const FILES: &str = "serverCertificate: /c, privateKey: /k";

    fn tls(field: &str) -> String {
        format!("spec.servers[0].tls.{field}")
    }

    #[test]
    fn modes_without_certificates() {
        for field in ["serverCertificate", "privateKey", "caCertificates", "credentialName"] {
            let yaml = https(&format!("mode: ISTIO_MUTUAL, {field}: x"));
            assert_code(&yaml, "ITL0133", &[&tls(field)]);
        }
        assert_cases(
            "ITL0133",
            &[
                (
                    https("mode: ISTIO_MUTUAL, credentialNames: [a], tlsCertificates: [{}]"),
                    &[
                        "spec.servers[0].tls.credentialNames",
                        "spec.servers[0].tls.tlsCertificates",
                    ],
                ),
                (https("mode: ISTIO_MUTUAL"), &[]),
                (https("mode: ISTIO_MUTUAL, credentialName: ''"), &[]),
                (https("mode: MUTUAL, credentialName: c"), &[]),
            ],
        );
        assert_cases(
            "ITL0134",
            &[
                (https("credentialName: c"), &["spec.servers[0].tls.credentialName"]),
                (
                    https("mode: PASSTHROUGH, privateKey: /k, caCrl: /r"),
                    &["spec.servers[0].tls.privateKey"],
                ),
                (
                    https("mode: AUTO_PASSTHROUGH, caCrl: /r"),
                    &["spec.servers[0].tls.caCrl"],
                ),
                (https("mode: PASSTHROUGH"), &[]),
                (https("mode: SIMPLE, credentialName: c"), &[]),
                (https(""), &[]),
                (https("httpsRedirect: true"), &[]),
            ],
        );
        let report = lint_yaml(&https("credentialName: c"));
        assert!(
            report
                .findings
                .iter()
                .any(|finding| finding.fix.contains("mode: SIMPLE"))
        );
    }

    #[test]
    fn one_source() {
        assert_cases(
            "ITL0135",
            &[
                (
                    https(&format!("mode: SIMPLE, credentialName: c, {FILES}")),
                    &["spec.servers[0].tls.serverCertificate"],
                ),
                (
                    https("mode: MUTUAL, credentialName: c, credentialNames: [a]"),
                    &["spec.servers[0].tls.credentialNames"],
                ),
                (
                    https(
                        "mode: SIMPLE, credentialNames: [a], tlsCertificates: [{serverCertificate: /c, privateKey: /k}]",
                    ),
                    &["spec.servers[0].tls.tlsCertificates"],
                ),
                (https("mode: SIMPLE, credentialName: c, serverCertificate: /c"), &[]),
                (https("mode: SIMPLE, credentialName: c, privateKey: sds"), &[]),
                (https("mode: SIMPLE, credentialNames: [a, b]"), &[]),
                (https(&format!("mode: SIMPLE, {FILES}")), &[]),
                (https(&format!("mode: SIMPLE, credentialName: '', {FILES}")), &[]),
            ],
        );
        let both = https(&format!("mode: SIMPLE, credentialName: c, {FILES}"));
        let old = lint_for(&both, IstioTarget::V1_1).findings;
        assert!(old.iter().all(|finding| finding.code != "ITL0135"));
        assert_eq!(old.iter().filter(|finding| finding.code == "ITL0140").count(), 2);
    }

    #[test]
    fn what_a_mode_needs() {
        let at: &[&str] = &["spec.servers[0].tls"];
        assert_cases(
            "ITL0136",
            &[
                (https("mode: SIMPLE"), at),
                (https("mode: SIMPLE, credentialName: ''"), at),
                (https("mode: SIMPLE, serverCertificate: /c"), at),
                (https("mode: MUTUAL, privateKey: /k, caCertificates: /ca"), at),
                (
                    https("mode: SIMPLE, tlsCertificates: [{serverCertificate: /c, privateKey: /k}, {privateKey: /k}]"),
                    &["spec.servers[0].tls.tlsCertificates[1]"],
                ),
                (https(&format!("mode: SIMPLE, {FILES}")), &[]),
                (https("mode: OPTIONAL_MUTUAL, credentialName: c"), &[]),
                (https("mode: SIMPLE, credentialNames: [c]"), &[]),
                (https("mode: ISTIO_MUTUAL"), &[]),
                (https("mode: PASSTHROUGH"), &[]),
                (
                    gateway("{port: {number: 80, name: a, protocol: HTTP}, hosts: [a.com], tls: {mode: SIMPLE}}"),
                    &[],
                ),
            ],
        );
        assert_cases(
            "ITL0137",
            &[
                (https(&format!("mode: MUTUAL, {FILES}")), at),
                (https(&format!("mode: OPTIONAL_MUTUAL, {FILES}")), at),
                (https(&format!("mode: MUTUAL, caCertificates: /ca, {FILES}")), &[]),
                (https("mode: MUTUAL, credentialName: c"), &[]),
                (https(&format!("mode: SIMPLE, {FILES}")), &[]),
            ],
        );
    }
}
