//! Where a server's certificate comes from: which fields its mode needs, and
//! which exclude each other.

use crate::lint::codes::{
    TLS_CRL, TLS_IGNORED, TLS_ISTIO_MUTUAL, TLS_NO_CA, TLS_NO_CERTIFICATE, TLS_PAIRS, TLS_PASSTHROUGH, TLS_SOURCES,
};
use crate::lint::servers::{
    Protocol, ServerAt, is_placeholder, listed, names_secret, passes_through, set, wants_certificate,
};
use crate::lint::{Code, Finding, Findings, Place, Rule, World};
use crate::manifests::model::gateway::{ServerTlsSettings, TlsMode};

pub(super) static RULES: &[&dyn Rule] = &[&ModeForbids, &Sources, &Missing, &Pairs, &Crl, &Ignored];

/// The fields of a server's own certificate that are set, in the order of Istio's definition.
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

/// Modes that use no certificate of the Gateway's.
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
                    let what = format!("{field} stands beside mode ISTIO_MUTUAL");
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
        None => "tls has no mode, and the default is PASSTHROUGH".to_owned(),
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
        finding.fix("mode: SIMPLE, or MUTUAL to ask clients for certificates too")
    } else {
        finding.fix(format!("mode: SIMPLE to serve {pronoun}, or remove {pronoun}"))
    }
}

/// One source of certificates, not several.
struct Sources;

impl Rule for Sources {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_SOURCES]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        // Istio 1.1 wants texts for files beside credentialName, and has no other source.
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
                        format!("{} each say where the certificate is", listed(&sources)),
                    )
                    .why(format!(
                        "Istio refuses the Gateway; where it is not asked, {wins} is used, and the rest is not"
                    )),
                );
            }
        }
    }
}

/// Fields that the mode needs, where no Secret holds the material.
struct Missing;

impl Rule for Missing {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_NO_CERTIFICATE, &TLS_NO_CA]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            let mode = tls.effective_mode();
            // What a plain port lacks is not its certificate.
            let plain = at.protocol().is_some_and(|protocol| protocol != Protocol::Tls);
            if plain || !wants_certificate(mode) || names_secret(tls) {
                continue;
            }
            let mode = mode.as_str();
            if tls.mode != Some(TlsMode::Simple) && set(tls.ca_certificates.as_ref()).is_none() {
                let what = format!("mode {mode} without caCertificates and without a Secret");
                found.push(at.finding(&TLS_NO_CA, "tls", what));
            }
            if tls.tls_certificates.is_empty() {
                let absent = absent_of(&tls.server_certificate, &tls.private_key);
                if absent.len() == 2 {
                    let what = format!("mode {mode} without a Secret and without files");
                    found.push(at.finding(&TLS_NO_CERTIFICATE, "tls", what));
                } else if let Some(field) = absent.first() {
                    let what = format!("mode {mode} without a Secret, and without {field}");
                    found.push(at.finding(&TLS_NO_CERTIFICATE, "tls", what));
                }
            }
            for (index, pair) in tls.tls_certificates.iter().enumerate() {
                let absent = absent_of(&pair.server_certificate, &pair.private_key);
                if !absent.is_empty() {
                    found.push(
                        at.finding(
                            &TLS_NO_CERTIFICATE,
                            &format!("tls.tlsCertificates[{index}]"),
                            format!("a pair of files without {}", listed(&absent)),
                        )
                        .fix("serverCertificate: PATH and privateKey: PATH"),
                    );
                }
            }
        }
    }
}

fn absent_of(certificate: &Option<String>, key: &Option<String>) -> Vec<&'static str> {
    [("serverCertificate", certificate), ("privateKey", key)]
        .into_iter()
        .filter(|(_, value)| set(value.as_ref()).is_none())
        .map(|(field, _)| field)
        .collect()
}

/// The lists, which hold one or two.
struct Pairs;

impl Rule for Pairs {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_PAIRS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            let names: Vec<&str> = tls.credential_names.iter().map(String::as_str).collect();
            for (field, count) in [
                ("credentialNames", names.len()),
                ("tlsCertificates", tls.tls_certificates.len()),
            ] {
                let field = format!("tls.{field}");
                if count > 2 {
                    // Istio's validation counts the files only.
                    let istio = (field == "tls.tlsCertificates").then_some("IST0133");
                    let what = format!("{count} certificates, of which a server takes two");
                    found.push(at.finding(&TLS_PAIRS, &field, what).istio(istio));
                } else if count == 0 && stands(&at, &field) {
                    let finding = at.finding(&TLS_PAIRS, &field, "an empty list of certificates");
                    found.push(finding.istio(None).fix("name one or two, or remove the field"));
                }
            }
            if let [first, second] = names.as_slice()
                && first == second
            {
                let what = format!("the Secret {first} stands twice");
                found.push(
                    at.finding(&TLS_PAIRS, "tls.credentialNames[1]", what)
                        .istio(None)
                        .severity(crate::lint::Severity::Warning)
                        .why("two names are for an RSA and an ECDSA certificate; the same one twice adds nothing")
                        .fix("remove one, or name the other certificate's Secret"),
                );
            }
            for (index, _) in names.iter().enumerate().filter(|(_, name)| name.is_empty()) {
                let field = format!("tls.credentialNames[{index}]");
                let finding = at.finding(&TLS_PAIRS, &field, "an empty Secret name").istio(None);
                found.push(
                    finding
                        .why("there is no Secret of that name, so the server has no certificate and resets connections")
                        .fix("name the Secret, or remove the entry"),
                );
            }
        }
    }
}

/// Whether a list or mapping stands in the text at all: a field that does not
/// has the place of the field around it.
fn stands(at: &ServerAt<'_, '_>, field: &str) -> bool {
    let position = |place: Place| (place.line, place.column);
    position(at.place(field)) != position(at.place("tls"))
}

/// Revocation lists that Istio refuses.
struct Crl;

impl Rule for Crl {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_CRL]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            let Some(path) = set(tls.ca_crl.as_ref()) else { continue };
            let mode = tls.effective_mode();
            if mode == TlsMode::Simple && !names_secret(tls) {
                let what = format!("caCrl {path} beside mode SIMPLE, which asks clients for no certificate");
                found.push(at.finding(&TLS_CRL, "tls.caCrl", what));
            } else if passes_through(mode) && set(tls.credential_name.as_ref()).is_some() {
                let what = format!("caCrl {path} beside credentialName");
                found.push(at.finding(&TLS_CRL, "tls.caCrl", what));
            }
        }
    }
}

/// Paths that a Secret makes useless, and that Istio's validation lets through.
struct Ignored;

impl Rule for Ignored {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_IGNORED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            if !wants_certificate(tls.effective_mode()) || !names_secret(tls) {
                continue;
            }
            let path = |value: &Option<String>| value.clone().filter(|path| !path.is_empty() && !is_placeholder(path));
            let (certificate, key) = (path(&tls.server_certificate), path(&tls.private_key));
            // Both of them are a second source, which is an error of its own.
            let refused = certificate.is_some() && key.is_some() && !world.is_1_1();
            let pair = [("serverCertificate", certificate), ("privateKey", key)];
            for (field, path) in pair.into_iter().filter(|_| !refused) {
                if let Some(path) = path {
                    let what = format!("{field} {path} is never read: the Secret wins");
                    found.push(at.finding(&TLS_IGNORED, &format!("tls.{field}"), what));
                }
            }
            if let Some(path) = path(&tls.ca_certificates).filter(|_| tls.mode != Some(TlsMode::Simple)) {
                let what = format!("caCertificates {path} is never read: the Secret wins");
                found.push(at.finding(&TLS_IGNORED, "tls.caCertificates", what).why(
                    "clients are verified against the CA of the Secret with -cacert after its name, or against ca.crt or cacert in the Secret itself",
                ));
            }
            if let Some(path) = path(&tls.ca_crl) {
                let finding = at.finding(
                    &TLS_IGNORED,
                    "tls.caCrl",
                    format!("caCrl {path} is never read: the Secret wins"),
                );
                found.push(
                    finding
                        .why("with a Secret, revoked certificates are those that its key ca.crl lists; without that key they are accepted")
                        .fix("put the list into the Secret under ca.crl, and remove caCrl"),
                );
            }
        }
    }
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

    #[test]
    fn one_or_two_certificates() {
        let pair = "{serverCertificate: /c, privateKey: /k}";
        assert_cases(
            "ITL0138",
            &[
                (
                    https("mode: SIMPLE, credentialNames: [a, b, c]"),
                    &["spec.servers[0].tls.credentialNames"],
                ),
                (
                    https(&format!("mode: SIMPLE, tlsCertificates: [{pair}, {pair}, {pair}]")),
                    &["spec.servers[0].tls.tlsCertificates"],
                ),
                (
                    https("mode: SIMPLE, credentialName: c, credentialNames: []"),
                    &["spec.servers[0].tls.credentialNames"],
                ),
                (
                    https("mode: SIMPLE, credentialNames: [a, a]"),
                    &["spec.servers[0].tls.credentialNames[1]"],
                ),
                (
                    https("mode: SIMPLE, credentialNames: [a, '']"),
                    &["spec.servers[0].tls.credentialNames[1]"],
                ),
                (https("mode: SIMPLE, credentialNames: [a, b]"), &[]),
                (https("mode: SIMPLE, credentialNames: [a]"), &[]),
                (https(&format!("mode: SIMPLE, tlsCertificates: [{pair}, {pair}]")), &[]),
                (https("mode: SIMPLE, credentialName: c"), &[]),
            ],
        );
    }

    #[test]
    fn revocation_lists() {
        let at: &[&str] = &["spec.servers[0].tls.caCrl"];
        assert_cases(
            "ITL0139",
            &[
                (https(&format!("mode: SIMPLE, caCrl: /r, {FILES}")), at),
                (https("mode: PASSTHROUGH, caCrl: /r, credentialName: c"), at),
                (
                    https(&format!("mode: MUTUAL, caCertificates: /ca, caCrl: /r, {FILES}")),
                    &[],
                ),
                (https("mode: ISTIO_MUTUAL, caCrl: /r"), &[]),
                (https("mode: MUTUAL, caCrl: /r, credentialName: c"), &[]),
            ],
        );
    }

    #[test]
    fn files_beside_a_secret() {
        assert_cases(
            "ITL0140",
            &[
                (
                    https("mode: SIMPLE, credentialName: c, privateKey: /k"),
                    &["spec.servers[0].tls.privateKey"],
                ),
                (
                    https("mode: MUTUAL, credentialNames: [c], caCertificates: /ca, caCrl: /r"),
                    &["spec.servers[0].tls.caCertificates", "spec.servers[0].tls.caCrl"],
                ),
                (https("mode: SIMPLE, credentialName: c, privateKey: sds"), &[]),
                (https(&format!("mode: SIMPLE, credentialName: c, {FILES}")), &[]),
                (
                    https(&format!("mode: MUTUAL, caCertificates: /ca, caCrl: /r, {FILES}")),
                    &[],
                ),
                (https("mode: MUTUAL, credentialName: c, caCertCredentialName: ca"), &[]),
            ],
        );
    }
}
