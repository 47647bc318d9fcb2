//! What clients are verified with: the CA bundle and its CRLs.

use std::collections::HashSet;
use std::rc::Rc;

use time::OffsetDateTime;

use crate::certs::pem::envoy::Use;
use crate::lint::codes::{
    CLIENT_CA_MISSING, CLIENT_CA_NO_AUTHORITY, CLIENT_CA_SHADOWED, CLIENT_CA_UNREADABLE, CLIENT_CA_WRONG_KEYS,
};
use crate::lint::index::credentials::{
    Certificate, Certificates, ClientCa, Outcome, Reader, TlsServer, Unreadable, UsedSecret, Value,
};
use crate::lint::{Code, Finding, Findings, Rule, Severity, World};

pub(super) static RULES: &[&dyn Rule] = &[&ClientCaIsThere, &ClientCaIsOne];

/// A server that verifies clients has a CA.
struct ClientCaIsThere;

impl Rule for ClientCaIsThere {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CLIENT_CA_MISSING, &CLIENT_CA_WRONG_KEYS, &CLIENT_CA_SHADOWED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let mut wrong = HashSet::new();
        let mut reader = Reader::default();
        let mut missing = HashSet::new();
        for server in &world.credentials().servers {
            found.push_some(no_config_map(server).filter(|finding| missing.insert(finding.at())));
            let Some(client_ca) = &server.client_ca else { continue };
            match (&client_ca.separate, &client_ca.base) {
                (Some(separate), base) if client_ca.found.is_some() => {
                    if let Some(base) = base
                        && wrong.insert(Rc::as_ptr(separate))
                    {
                        found_shadowed(base, separate, world.settings.now, &mut reader, found);
                    }
                }
                (Some(separate), _) if client_ca.found.is_none() && wrong.insert(Rc::as_ptr(separate)) => {
                    found.push(wrong_keys(separate));
                }
                (None, Some(base)) if client_ca.found.is_none() => found.push(no_ca(server, client_ca, base)),
                _ => {}
            }
        }
    }
}

/// A missing ConfigMap with the CA.
fn no_config_map(server: &TlsServer<'_>) -> Option<Finding> {
    let named = server.ca_credential.as_ref().filter(|named| named.is_config_map)?;
    let Outcome::Missing { namespaces, .. } = &named.outcome else {
        return None;
    };
    let namespace = namespaces.first()?;
    let what = format!("there is no ConfigMap {} in the namespace {namespace}", named.name);
    let finding = Finding::new(&CLIENT_CA_MISSING, server.place(&named.field), what);
    Some(finding.fix(format!(
        "correct the name, or create the ConfigMap {namespace}/{} with the CA under ca.crt",
        named.name
    )))
}

fn wrong_keys(secret: &UsedSecret<'_>) -> Finding {
    let entries = &secret.data().entries;
    let empty = ["cacert", "ca.crt"].into_iter().find(|key| entries.contains_key(*key));
    let what = match empty {
        Some(key) => format!(
            "{key} of {}, which must hold the CA for clients, is empty",
            secret.title()
        ),
        None => format!(
            "{} must hold the CA for clients under ca.crt or cacert, but its keys are {}",
            secret.title(),
            secret.key_names()
        ),
    };
    Finding::new(&CLIENT_CA_WRONG_KEYS, secret.place(empty.unwrap_or_default()), what)
}

fn no_ca(server: &TlsServer<'_>, client_ca: &ClientCa<'_>, base: &UsedSecret<'_>) -> Finding {
    let mode = server.mode.as_str();
    let entries = &base.data().entries;
    let empty = ["cacert", "ca.crt"].into_iter().find(|key| entries.contains_key(*key));
    let beside = &client_ca.separate_name;
    let elsewhere = match client_ca.elsewhere.as_slice() {
        [] => String::new(),
        others => format!(" in that namespace, only in {}", others.join(" and ")),
    };
    let what = match empty {
        Some(key) => format!("mode {mode} needs a CA, but {key} of {} is empty", base.title()),
        None => format!(
            "mode {mode} needs a CA, but {} has no ca.crt, and there is no secret \"{beside}\"{elsewhere}",
            base.title()
        ),
    };
    Finding::new(&CLIENT_CA_MISSING, server.place(&client_ca.field), what).fix(format!(
        "add the key ca.crt to the Secret {}/{}, or create the Secret {}/{beside} with it",
        base.namespace, base.name, base.namespace
    ))
}

/// Two different CAs: which one is used, and whether it is outdated.
fn found_shadowed(
    base: &UsedSecret<'_>,
    separate: &UsedSecret<'_>,
    now: OffsetDateTime,
    reader: &mut Reader,
    found: &mut Findings,
) {
    let bundle = |secret: &UsedSecret<'_>| {
        let key = ["cacert", "ca.crt"]
            .into_iter()
            .find(|key| secret.filled(key).is_some())?;
        Some((key, secret.filled(key)?.to_vec()))
    };
    let (Some((hidden_key, hidden)), Some((key, used))) = (bundle(base), bundle(separate)) else {
        return;
    };
    if hidden.trim_ascii() == used.trim_ascii() {
        return;
    }
    let (hidden, used) = (
        reader.certificates(&hidden, Use::Authorities),
        reader.certificates(&used, Use::Authorities),
    );
    let list = |read: &Certificates| -> Vec<_> {
        let certificates = read.as_ref().as_deref().unwrap_or_default();
        certificates
            .iter()
            .map(|(_, certificate)| certificate.clone())
            .collect()
    };
    let (hidden, used) = (list(&hidden), list(&used));
    // Every CA of the hidden bundle is trusted anyway.
    if !hidden.is_empty() && hidden.iter().all(|ca| used.iter().any(|known| known.der == ca.der)) {
        return;
    }
    let remade = used.iter().find(|ca| {
        let alike = |other: &&Rc<Certificate>| other.subject_name() == ca.subject_name() && other.der != ca.der;
        hidden.iter().any(|other| alike(&other))
    });
    let expired = used.iter().find(|ca| ca.not_after < now);
    let (severity, old) = match (expired, remade) {
        (Some(ca), _) => (Severity::Warning, format!("; its CA \"{}\" has expired", ca.called)),
        (None, Some(ca)) => (
            Severity::Warning,
            format!(
                "; \"{}\" is in both with different certificates, so one of them is outdated",
                ca.called
            ),
        ),
        (None, None) => (Severity::Info, String::new()),
    };
    found.push(
        Finding::new(
            &CLIENT_CA_SHADOWED,
            base.place(hidden_key),
            format!(
                "{hidden_key} of {} is not used: clients are verified with {key} of {}{old}",
                base.title(),
                separate.title()
            ),
        )
        .severity(severity)
        .fix(format!(
            "to use the CA of {}, delete the Secret {}/{}",
            base.title(),
            separate.namespace,
            separate.name
        )),
    );
}

/// The CA bundle holds CA certificates.
struct ClientCaIsOne;

impl Rule for ClientCaIsOne {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CLIENT_CA_UNREADABLE, &CLIENT_CA_NO_AUTHORITY]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for bundle in &world.credentials().authorities {
            match bundle.certificates.as_ref() {
                Err(error) => found.push(unreadable(&bundle.value, error)),
                Ok(list) if list.iter().any(|(_, certificate)| certificate.is_authority()) => {}
                Ok(list) => {
                    let called: Vec<&str> = list.iter().take(3).map(|(_, ca)| ca.called.as_str()).collect();
                    let own = list.iter().any(|(_, certificate)| certificate.is_self_issued());
                    let finding = Finding::new(
                        &CLIENT_CA_NO_AUTHORITY,
                        bundle.value.place(list.first().map_or(0, |(line, _)| *line)),
                        format!(
                            "{} holds no CA certificate, only {}",
                            bundle.value.name(),
                            called.join(", ")
                        ),
                    );
                    // This is a way to let in a client with a self-signed certificate.
                    found.push(if own {
                        finding.severity(Severity::Warning)
                    } else {
                        finding
                    });
                }
            }
        }
    }
}

fn unreadable(value: &Value<'_>, error: &Unreadable) -> Finding {
    let finding = Finding::new(
        &CLIENT_CA_UNREADABLE,
        value.place(error.line),
        format!(
            "{} holds no readable CA: {}{}",
            value.name(),
            error.why,
            value.line_of_value(error.line)
        ),
    );
    match &error.fix {
        Some(fix) => finding.fix(fix.clone()),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use crate::certs::pem;
    use crate::lint::Severity;
    use crate::lint::testing::{
        NOW, assert_code, gateway, httpbin, httpbin_with, issue, key_pem, mutual, only, plan, secret, secret_of, simple,
    };

    #[test]
    fn a_server_that_verifies_clients_has_a_ca() {
        let (ca, root) = (httpbin().ca_chain_pem(), httpbin().root_pem());
        let field = "spec.servers[0].tls.credentialName";
        let optional = |beside: &str| {
            gateway(
                "a",
                &[("httpbin.example.com", "mode: OPTIONAL_MUTUAL, credentialName: c")],
            ) + beside
        };
        let named = |beside: &str| {
            let tls = "mode: MUTUAL, credentialName: c, caCertCredentialName: own";
            gateway("a", &[("httpbin.example.com", tls)]) + beside
        };
        for (yaml, code, paths) in [
            (mutual(&httpbin_with(&[("ca.crt", &ca)])), "ITL0320", &[][..]),
            (mutual(&httpbin_with(&[("cacert", &ca)])), "ITL0320", &[]),
            (
                mutual(&(httpbin_with(&[]) + &secret("c-cacert", &[("cacert", &root)]))),
                "ITL0320",
                &[],
            ),
            (
                named(&(httpbin_with(&[]) + &secret("own", &[("ca.crt", &root)]))),
                "ITL0320",
                &[],
            ),
            (simple(&httpbin_with(&[])), "ITL0320", &[]),
            (mutual(&httpbin_with(&[])), "ITL0320", &[field]),
            (optional(&httpbin_with(&[])), "ITL0320", &[field]),
            (mutual(&httpbin_with(&[("ca.crt", "")])), "ITL0320", &[field]),
            (
                mutual(&(httpbin_with(&[]) + &secret("c-cacert", &[("cacert", &root)]))),
                "ITL0321",
                &[],
            ),
            (mutual(&httpbin_with(&[("ca.crt", &ca)])), "ITL0321", &[]),
            (
                simple(&(httpbin_with(&[]) + &secret("c-cacert", &[("x", &root)]))),
                "ITL0321",
                &[],
            ),
            // If a Secret of that name exists, only that one is used, even if its content is
            // unusable.
            (
                mutual(&(httpbin_with(&[("ca.crt", &ca)]) + &secret("c-cacert", &[("x", &root)]))),
                "ITL0321",
                &["data"],
            ),
            (
                mutual(&(httpbin_with(&[("ca.crt", &ca)]) + &secret("c-cacert", &[("cacert", "")]))),
                "ITL0321",
                &["data.cacert"],
            ),
            (
                named(&(httpbin_with(&[]) + &secret("own", &[("tls.crt", &root)]))),
                "ITL0321",
                &["data"],
            ),
        ] {
            assert_code(&yaml, code, paths);
        }
    }

    #[test]
    fn a_hidden_ca_is_told() {
        let ca = httpbin().ca_chain_pem();
        let again = issue(&plan("httpbin.example.com"));
        let stranger = issue(&plan("clients.example.com"));
        let mut ended = plan("old.example.com");
        ended.profile.root_days = 1000;
        let ended = crate::certs::issue_chain(&ended, crate::certs::Authority::New, NOW - Duration::days(1200));
        let ended = ended.expect("a chain").root_pem();
        let both =
            |other: &str| mutual(&(httpbin_with(&[("ca.crt", &ca)]) + &secret("c-cacert", &[("ca.crt", other)])));
        for (yaml, expected) in [
            (both(&ca), None),
            (both(&format!("{ca}{}", stranger.root_pem())), None),
            (mutual(&httpbin_with(&[("ca.crt", &ca)])), None),
            (both(&stranger.root_pem()), Some(Severity::Info)),
            (both(&again.ca_chain_pem()), Some(Severity::Warning)),
            (both(&ended), Some(Severity::Warning)),
        ] {
            match expected {
                None => assert_code(&yaml, "ITL0322", &[]),
                Some(severity) => {
                    let found = only(&yaml, "ITL0322");
                    assert_eq!(
                        (found.severity, found.path.as_str()),
                        (severity, "data[\"ca.crt\"]"),
                        "{}",
                        found.what
                    );
                }
            }
        }
    }

    #[test]
    fn a_bundle_holds_certificates_of_cas() {
        let (ca, root, leaf) = (
            httpbin().ca_chain_pem(),
            httpbin().root_pem(),
            pem::certificate_text(&httpbin().server.certificate),
        );
        let key = key_pem(&httpbin().server);
        let path = &["data[\"ca.crt\"]"][..];
        for (value, code, paths) in [
            (ca.as_str(), "ITL0323", &[][..]),
            (&root, "ITL0324", &[]),
            (&format!("{leaf}{root}"), "ITL0324", &[]),
            (&ca.replace('\n', "\r\n"), "ITL0323", &[]),
            ("word", "ITL0323", path),
            (&key, "ITL0323", path),
            (&format!("{}{root}", root.trim_end()), "ITL0323", path),
            (&leaf, "ITL0324", path),
        ] {
            assert_code(&mutual(&httpbin_with(&[("ca.crt", value)])), code, paths);
        }
        assert_code(&simple(&httpbin_with(&[("ca.crt", "word")])), "ITL0323", &[]);
    }

    /// A CA may be in a ConfigMap; the Gateway API has one for the Gateway or for a port.
    #[test]
    fn a_ca_may_be_in_a_config_map() {
        let chain = httpbin();
        let ca = chain.ca_chain_pem().replace('\n', "\\n");
        let map = |name: &str, key: &str| {
            format!(
                "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: istio-system}}\ndata: {{{key}: \"{ca}\"}}\n"
            )
        };
        let secret = secret_of("c", chain);
        let istio = |beside: &str| {
            let tls = "mode: MUTUAL, credentialName: c, caCertCredentialName: 'configmap://istio-system/ca'";
            gateway("a", &[("httpbin.example.com", tls)]) + &secret + beside
        };
        let frontend = |which: &str, beside: &str| {
            format!(
                "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g, namespace: istio-system}}\n\
                 spec: {{gatewayClassName: istio, tls: {{frontend: {{{which}}}}}, listeners: [{{name: a, port: 443, \
                 protocol: HTTPS, hostname: httpbin.example.com, tls: {{certificateRefs: [{{name: c}}]}}}}]}}\n{secret}{beside}"
            )
        };
        let validation = "validation: {caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}";
        let default = format!("default: {{{validation}}}");
        let port = format!("default: {{}}, perPort: [{{port: 443, tls: {{{validation}}}}}]");
        let other_port = port.replace("443", "8443");
        let named = &["spec.servers[0].tls.caCertCredentialName"][..];
        let of_default = &["spec.tls.frontend.default.validation.caCertificateRefs[0].name"][..];
        let of_port = &["spec.tls.frontend.perPort[0].tls.validation.caCertificateRefs[0].name"][..];
        let (good, other) = (map("ca", "ca.crt"), map("other", "ca.crt"));
        for (yaml, code, paths) in [
            (istio(&good), "ITL0320", &[][..]),
            (istio(&other), "ITL0320", named),
            // Without any ConfigMap in the input, it is unknown which ones exist.
            (istio(""), "ITL0320", &[]),
            (istio(&map("ca", "tls.crt")), "ITL0321", &["data"]),
            (frontend(&default, &good), "ITL0320", &[]),
            (frontend(&default, &other), "ITL0320", of_default),
            (frontend(&port, &other), "ITL0320", of_port),
            (frontend(&other_port, &other), "ITL0320", &[]),
        ] {
            assert_code(&yaml, code, paths);
        }
    }
}
