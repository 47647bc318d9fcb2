//! Lists of certificates, which must have one or two entries.

use crate::lint::codes::TLS_PAIRS;
use crate::lint::index::servers::{ServerAt, names_secret, wants_certificate};
use crate::lint::{Code, Findings, Place, Rule, Severity, World};

pub(super) static RULES: &[&dyn Rule] = &[&Pairs];

/// `credentialNames` and `tlsCertificates`.
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
                    // Istio's validation counts only the files, and only if they are used.
                    let used = wants_certificate(tls.effective_mode()) && !names_secret(tls);
                    let istio = (used && field == "tls.tlsCertificates").then_some("IST0133");
                    let what = format!("{count} certificates, but a server takes at most two");
                    found.push(at.finding(&TLS_PAIRS, &field, what).istio(istio));
                } else if count == 0 && stands(&at, &field) {
                    let finding = at.finding(&TLS_PAIRS, &field, "an empty list of certificates");
                    found.push(finding.istio(None).fix("list one or two, or remove the field"));
                }
            }
            if let [first, second] = names.as_slice()
                && first == second
            {
                let what = format!("the Secret {first} is listed twice");
                found.push(
                    at.finding(&TLS_PAIRS, "tls.credentialNames[1]", what)
                        .istio(None)
                        .severity(Severity::Warning)
                        .why(
                            "two entries are for an RSA and an ECDSA certificate; the same Secret twice has no \
                            effect",
                        )
                        .fix("remove one, or use the Secret of the other certificate"),
                );
            }
            for (index, _) in names.iter().enumerate().filter(|(_, name)| name.is_empty()) {
                let field = format!("tls.credentialNames[{index}]");
                let finding = at.finding(&TLS_PAIRS, &field, "an empty Secret name").istio(None);
                found.push(
                    finding
                        .why(
                            "there is no Secret with that name, so the server has no certificate and resets \
                            connections",
                        )
                        .fix("name the Secret, or remove the entry"),
                );
            }
        }
    }
}

/// Whether a list or mapping is present in the text: a missing field has the position of its
/// parent.
fn stands(at: &ServerAt<'_, '_>, field: &str) -> bool {
    let position = |place: Place| (place.line, place.column);
    position(at.place(field)) != position(at.place("tls"))
}

#[cfg(test)]
mod tests {
    use super::super::gateway_yaml::{assert_cases, https};

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
}
