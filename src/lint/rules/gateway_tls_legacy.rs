//! Differences between Istio versions: placeholders, file mounts, new fields.

use crate::lint::codes::{TLS_CURVES, TLS_FIELD_SINCE, TLS_FILES, TLS_PLACEHOLDER};
use crate::lint::index::servers::{is_placeholder, listed, names_secret, set, wants_certificate};
use crate::lint::{Code, Findings, Rule, Severity, World};
use crate::manifests::model::gateway::TlsMode;
use crate::remedy::{Kind, Line, Remedy, ours};

pub(super) static RULES: &[&dyn Rule] = &[&Placeholders, &MountedFiles, &NewFields, &Curves];

/// The curves that Istio knows.
const CURVES: [&str; 7] = [
    "P-224",
    "P-256",
    "P-384",
    "P-521",
    "X25519",
    "X25519Kyber768Draft00",
    "X25519MLKEM768",
];

/// `use sds` in place of a path.
struct Placeholders;

impl Rule for Placeholders {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_PLACEHOLDER]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            // In other modes, the fields themselves are a finding.
            if !wants_certificate(tls.effective_mode()) || (world.is_1_1() && names_secret(tls)) {
                continue;
            }
            let pair = [&tls.server_certificate, &tls.private_key];
            let refused = pair.iter().all(|path| set(path.as_ref()).is_some());
            for (field, value) in [
                ("serverCertificate", &tls.server_certificate),
                ("privateKey", &tls.private_key),
                ("caCertificates", &tls.ca_certificates),
            ] {
                let Some(value) = value.as_deref().filter(|value| is_placeholder(value)) else {
                    continue;
                };
                let field_path = format!("tls.{field}");
                let finding = at.finding(
                    &TLS_PLACEHOLDER,
                    &field_path,
                    format!("{field} is the placeholder {value:?}"),
                );
                found.push(if !names_secret(tls) {
                    finding
                        .severity(Severity::Error)
                        .why("without credentialName it is treated as a path, and the gateway's pods have no such file")
                        .fix(
                            Remedy::from("use credentialName: SECRET instead; ")
                                .and(Line::new(Kind::ManifestsHost, ["manifests"]).arg(ours::HOST))
                                .and(" writes both"),
                        )
                } else if refused && field != "caCertificates" {
                    finding
                        .severity(Severity::Error)
                        .istio(Some("IST0106"))
                        .why("only Istio 1.1 needed it together with credentialName; in later versions serverCertificate and privateKey together are a second source of the certificate, and Istio refuses the Gateway")
                } else {
                    finding
                });
            }
        }
    }
}

/// Certificates as files in the gateway's pods.
struct MountedFiles;

impl Rule for MountedFiles {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_FILES]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        if world.is_1_1() {
            return;
        }
        for at in world.servers() {
            let Some(tls) = at.spoken_tls() else { continue };
            if !wants_certificate(tls.effective_mode()) || names_secret(tls) {
                continue;
            }
            let own = tls.server_certificate.as_ref().map(|path| ("serverCertificate", path));
            let first = tls.tls_certificates.first();
            let listed = first.and_then(|pair| pair.server_certificate.as_ref());
            let path = own.or(listed.map(|path| ("tlsCertificates[0].serverCertificate", path)));
            if let Some((field, path)) = path.filter(|(_, path)| !path.is_empty() && !is_placeholder(path)) {
                let what = format!("the certificate is a file in the gateway's pods, {path}");
                found.push(at.finding(&TLS_FILES, &format!("tls.{field}"), what));
            }
        }
    }
}

/// Fields by the first version whose Gateway CRD has them, according to the CRDs in each version of
/// istio.io/api.
struct NewFields;

impl Rule for NewFields {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_FIELD_SINCE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            for (field, used, last_without) in [
                ("credentialNames", !tls.credential_names.is_empty(), "1.25"),
                ("tlsCertificates", !tls.tls_certificates.is_empty(), "1.25"),
                (
                    "caCertCredentialName",
                    set(tls.ca_cert_credential_name.as_ref()).is_some(),
                    "1.27",
                ),
                ("insecureSkipVerify", tls.insecure_skip_verify == Some(true), "1.29"),
            ] {
                if used {
                    let what = format!("Istio {last_without} and older have no {field}");
                    let finding = at.finding(&TLS_FIELD_SINCE, &format!("tls.{field}"), what);
                    found.push(if world.is_1_1() {
                        finding
                            .severity(Severity::Error)
                            .why("Istio 1.1 drops it, and the setting has no effect")
                            .fix("use credentialName with one Secret, or a newer Istio")
                    } else {
                        finding
                    });
                }
            }
        }
    }
}

/// Key exchange groups, which can only be set in the mesh configuration.
struct Curves;

impl Rule for Curves {
    fn codes(&self) -> &'static [&'static Code] {
        &[&TLS_CURVES]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for at in world.servers() {
            let Some(tls) = &at.server.tls else { continue };
            if tls.ecdh_curves.is_empty() {
                continue;
            }
            let unknown: Vec<&str> = tls
                .ecdh_curves
                .iter()
                .map(String::as_str)
                .filter(|curve| !curve.is_empty() && !CURVES.contains(curve))
                .collect();
            let mut what = format!("ecdhCurves {} has no effect in a Gateway", listed(&tls.ecdh_curves));
            if !unknown.is_empty() {
                what = format!("{what}, and Istio does not know {}", listed(&unknown));
            }
            let finding = at.finding(&TLS_CURVES, "tls.ecdhCurves", what);
            let unused = tls.mode == Some(TlsMode::IstioMutual) || !wants_certificate(tls.effective_mode());
            found.push(if unused { finding.fix("remove it") } else { finding });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, https};
    use crate::lint::testing::{lint_for, lint_yaml};
    use crate::lint::{Finding, Severity};
    use crate::workspace::config::IstioTarget;

    fn of(code: &str, yaml: &str, target: IstioTarget) -> Vec<Finding> {
        let findings = lint_for(yaml, target).findings.into_iter();
        findings.filter(|finding| finding.code == code).collect()
    }

    #[test]
    fn placeholders_by_target() {
        let whole = https(
            "mode: MUTUAL, credentialName: c, serverCertificate: use sds, privateKey: use sds, caCertificates: use sds",
        );
        assert_cases(
            "ITL0141",
            &[
                (
                    whole.clone(),
                    &[
                        "spec.servers[0].tls.serverCertificate",
                        "spec.servers[0].tls.privateKey",
                        "spec.servers[0].tls.caCertificates",
                    ],
                ),
                (
                    https("mode: SIMPLE, credentialName: c, privateKey: sds"),
                    &["spec.servers[0].tls.privateKey"],
                ),
                (https("mode: SIMPLE, serverCertificate: /c, privateKey: /k"), &[]),
                (https("mode: SIMPLE, credentialName: c, privateKey: /sds"), &[]),
                (https("mode: SIMPLE, credentialName: sds"), &[]),
            ],
        );
        let severities: Vec<_> = of("ITL0141", &whole, IstioTarget::Latest)
            .into_iter()
            .map(|finding| (finding.severity, finding.istio))
            .collect();
        let refused = (Severity::Error, Some("IST0106"));
        assert_eq!(severities, [refused, refused, (Severity::Info, None)]);
        assert_eq!(of("ITL0141", &whole, IstioTarget::V1_1), []);
        let no_secret = https("mode: SIMPLE, serverCertificate: sds, privateKey: sds");
        for target in [IstioTarget::Latest, IstioTarget::V1_1] {
            let found = of("ITL0141", &no_secret, target);
            assert_eq!(found.len(), 2);
            assert!(found.iter().all(|finding| finding.severity == Severity::Error));
        }
    }

    #[test]
    fn mounted_files_are_told_of() {
        let files = https("mode: SIMPLE, serverCertificate: /etc/istio/c/tls.crt, privateKey: /etc/istio/c/tls.key");
        assert_cases(
            "ITL0150",
            &[
                (files.clone(), &["spec.servers[0].tls.serverCertificate"]),
                (
                    https("mode: SIMPLE, tlsCertificates: [{serverCertificate: /c, privateKey: /k}]"),
                    &["spec.servers[0].tls.tlsCertificates[0].serverCertificate"],
                ),
                (https("mode: SIMPLE, credentialName: c"), &[]),
                (https("mode: SIMPLE, credentialName: c, serverCertificate: /c"), &[]),
                (https("mode: PASSTHROUGH, serverCertificate: /c"), &[]),
            ],
        );
        assert_eq!(of("ITL0150", &files, IstioTarget::V1_1), []);
        assert!(!lint_yaml(&files).reaches(Severity::Warning));
    }

    #[test]
    fn new_fields_are_told_of() {
        assert_cases(
            "ITL0151",
            &[
                (
                    https("mode: MUTUAL, credentialNames: [a], caCertCredentialName: b, insecureSkipVerify: true"),
                    &[
                        "spec.servers[0].tls.credentialNames",
                        "spec.servers[0].tls.caCertCredentialName",
                        "spec.servers[0].tls.insecureSkipVerify",
                    ],
                ),
                (https("mode: OPTIONAL_MUTUAL, credentialName: a"), &[]),
                (https("mode: MUTUAL, credentialName: a, insecureSkipVerify: false"), &[]),
                (https("mode: MUTUAL, credentialName: a, caCertCredentialName: ''"), &[]),
            ],
        );
        let old = of(
            "ITL0151",
            &https("mode: SIMPLE, credentialNames: [a]"),
            IstioTarget::V1_1,
        );
        assert_eq!(old[0].severity, Severity::Error);
    }

    #[test]
    fn curves_are_the_meshs() {
        assert_cases(
            "ITL0149",
            &[
                (
                    https("mode: SIMPLE, credentialName: c, ecdhCurves: [P-256]"),
                    &["spec.servers[0].tls.ecdhCurves"],
                ),
                (https("mode: SIMPLE, credentialName: c, ecdhCurves: []"), &[]),
                (https("mode: SIMPLE, credentialName: c, ecdhCurves: null"), &[]),
                (https("mode: SIMPLE, credentialName: c"), &[]),
            ],
        );
        let report = lint_yaml(&https("mode: SIMPLE, credentialName: c, ecdhCurves: [P-256, P256]"));
        assert!(report.findings[0].what.contains("does not know P256"));
    }
}
