//! CRLs and file paths that have no effect.

use crate::lint::codes::{TLS_CRL, TLS_IGNORED};
use crate::lint::index::servers::{is_placeholder, names_secret, passes_through, set, wants_certificate};
use crate::lint::{Code, Findings, Rule, World};
use crate::manifests::model::gateway::TlsMode;

pub(super) static RULES: &[&dyn Rule] = &[&Crl, &Ignored];

/// CRLs that Istio refuses.
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
                let what = format!(
                    "caCrl {path} is set with mode SIMPLE, which does not request client \
                    certificates"
                );
                found.push(at.finding(&TLS_CRL, "tls.caCrl", what));
            } else if passes_through(mode) && set(tls.credential_name.as_ref()).is_some() {
                let what = format!("caCrl {path} is set with credentialName");
                found.push(at.finding(&TLS_CRL, "tls.caCrl", what));
            }
        }
    }
}

/// Paths that a Secret overrides, and that Istio's validation accepts.
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
            // Both together are a second source, which is a separate error.
            let refused = certificate.is_some() && key.is_some() && !world.is_1_1();
            let pair = [("serverCertificate", certificate), ("privateKey", key)];
            for (field, path) in pair.into_iter().filter(|_| !refused) {
                if let Some(path) = path {
                    let what = format!("{field} {path} is never read: the Secret takes precedence");
                    found.push(at.finding(&TLS_IGNORED, &format!("tls.{field}"), what));
                }
            }
            if let Some(path) = path(&tls.ca_certificates).filter(|_| tls.mode != Some(TlsMode::Simple)) {
                let what = format!("caCertificates {path} is never read: the Secret takes precedence");
                found.push(at.finding(&TLS_IGNORED, "tls.caCertificates", what).why(
                    "clients are verified against the CA in the Secret NAME-cacert, or against ca.crt or cacert in the Secret itself",
                ));
            }
            if let Some(path) = path(&tls.ca_crl) {
                let finding = at.finding(
                    &TLS_IGNORED,
                    "tls.caCrl",
                    format!("caCrl {path} is never read: the Secret takes precedence"),
                );
                found.push(
                    finding
                        .why("with a Secret, the CRL is its key ca.crl; without that key, revoked certificates are accepted")
                        .fix("put the CRL into the Secret under ca.crl, and remove caCrl"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, https};

    const FILES: &str = "serverCertificate: /c, privateKey: /k";

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
