//! What clients are verified with: the CA's bundle and its revocation lists.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use time::OffsetDateTime;

use crate::certs::pem;
use crate::certs::times::shown;
use crate::lint::codes::{
    CLIENT_CA_MISSING, CLIENT_CA_NO_AUTHORITY, CLIENT_CA_SHADOWED, CLIENT_CA_UNREADABLE, CLIENT_CA_WRONG_KEYS,
    CRL_EXPIRED, CRL_IGNORED, CRL_INCOMPLETE, CRL_UNREADABLE,
};
use crate::lint::credentials::{
    Authorities, Certificate, Certificates, ClientCa, NAME, Reader, RevocationList, TlsServer, UsedSecret, explained,
    words,
};
use crate::lint::{Code, Finding, Findings, Rule, Severity, World};

pub(super) static RULES: &[&dyn Rule] = &[&ClientCaIsThere, &ClientCaIsOne, &RevocationLists];

/// A server that verifies clients leads to a CA.
struct ClientCaIsThere;

impl Rule for ClientCaIsThere {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CLIENT_CA_MISSING, &CLIENT_CA_WRONG_KEYS, &CLIENT_CA_SHADOWED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let mut wrong = HashSet::new();
        let mut reader = Reader::default();
        for server in &world.credentials().servers {
            let Some(client_ca) = &server.client_ca else { continue };
            match (&client_ca.separate, &client_ca.base) {
                (Some(separate), base) if client_ca.found.is_some() => {
                    if let Some(base) = base
                        && wrong.insert(Rc::as_ptr(separate))
                    {
                        found_shadowed(base, separate, world.settings.now, &mut reader, found);
                    }
                }
                (Some(separate), _) => {
                    if wrong.insert(Rc::as_ptr(separate)) {
                        found.push(wrong_keys(separate));
                    }
                }
                (None, Some(base)) if client_ca.found.is_none() => found.push(no_ca(server, client_ca, base)),
                _ => {}
            }
        }
    }
}

fn wrong_keys(secret: &UsedSecret<'_>) -> Finding {
    let entries = &secret.data().entries;
    let empty = ["cacert", "ca.crt"].into_iter().find(|key| entries.contains_key(*key));
    let what = match empty {
        Some(key) => format!(
            "{} is to hold the clients' CA, but nothing stands under {key}",
            secret.title()
        ),
        None => format!(
            "{} is to hold the clients' CA under ca.crt or cacert; it has {}",
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
    let what = match empty {
        Some(key) => format!(
            "mode {mode} needs a CA, but nothing stands under {key} of {}",
            base.title()
        ),
        None => format!(
            "mode {mode} needs a CA, but {} has no ca.crt, and there is no secret \"{beside}\"",
            base.title()
        ),
    };
    Finding::new(&CLIENT_CA_MISSING, server.place(&client_ca.field), what).fix(format!(
        "add the key ca.crt to the Secret {}/{}, or make the Secret {}/{beside} with it",
        base.namespace, base.name, base.namespace
    ))
}

/// Two different CAs: which one counts, and whether it is an old one.
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
    let (hidden, used) = (reader.certificates(&hidden), reader.certificates(&used));
    let list = |read: &Certificates| -> Vec<_> {
        let certificates = read.as_ref().as_deref().unwrap_or_default();
        certificates
            .iter()
            .map(|(_, certificate)| certificate.clone())
            .collect()
    };
    let (hidden, used) = (list(&hidden), list(&used));
    // Every CA of the hidden bundle is trusted all the same.
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
                "; \"{}\" is in both with different certificates, so one is out of date",
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
            "if the CA of {} is meant, delete the Secret {}/{}",
            base.title(),
            separate.namespace,
            separate.name
        )),
    );
}

/// What is to be a CA is one.
struct ClientCaIsOne;

impl Rule for ClientCaIsOne {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CLIENT_CA_UNREADABLE, &CLIENT_CA_NO_AUTHORITY]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for bundle in &world.credentials().authorities {
            match bundle.certificates.as_ref() {
                Err(error) => found.push(Finding::new(
                    &CLIENT_CA_UNREADABLE,
                    bundle.value.place(error.line),
                    format!(
                        "{} holds no CA that can be read: {}{}",
                        bundle.value.name(),
                        error.why,
                        bundle.value.line_of_value(error.line)
                    ),
                )),
                Ok(list) if list.iter().any(|(_, certificate)| certificate.is_authority()) => {}
                Ok(list) => {
                    let called: Vec<&str> = list.iter().take(3).map(|(_, ca)| ca.called.as_str()).collect();
                    let own = list.iter().any(|(_, certificate)| certificate.is_self_issued());
                    let finding = Finding::new(
                        &CLIENT_CA_NO_AUTHORITY,
                        bundle.value.place(list.first().map_or(0, |(line, _)| *line)),
                        format!(
                            "{} holds no certificate of a CA, but that of {}",
                            bundle.value.name(),
                            called.join(", ")
                        ),
                    );
                    // A client that signed its own certificate can be let in this way.
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

/// Lists are whole, in time, for every CA, and where Istio looks.
struct RevocationLists;

impl Rule for RevocationLists {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CRL_UNREADABLE, &CRL_EXPIRED, &CRL_INCOMPLETE, &CRL_IGNORED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let credentials = world.credentials();
        for bundle in &credentials.authorities {
            match &bundle.crl {
                Some(_) => found_in_lists(bundle, world.settings.now, found),
                None => found_beside(bundle, found),
            }
        }
        let mut seen = HashSet::new();
        for client_ca in credentials
            .servers
            .iter()
            .filter_map(|server| server.client_ca.as_ref())
        {
            // The server's own Secret holds a list, its CA comes from another.
            if let (Some(separate), Some(base), Some(_)) = (&client_ca.separate, &client_ca.base, client_ca.found)
                && let Some(key) = ["crl", "ca.crl"].into_iter().find(|key| base.filled(key).is_some())
                && seen.insert(Rc::as_ptr(base))
            {
                found.push(
                    Finding::new(
                        &CRL_IGNORED,
                        base.place(key),
                        format!(
                            "{key} of {} is not used, since the CA comes from {}",
                            base.title(),
                            separate.title()
                        ),
                    )
                    .fix(format!(
                        "move {key} to the Secret {}/{}",
                        separate.namespace, separate.name
                    )),
                );
            }
        }
    }
}

fn found_in_lists(bundle: &Authorities<'_>, now: OffsetDateTime, found: &mut Findings) {
    let Some(value) = &bundle.crl else { return };
    let lists = match pem::crls(value.content(), NAME) {
        Ok(lists) => lists,
        Err(problem) => {
            let (line, why) = words(&problem);
            let why = explained(value.content()).unwrap_or(why);
            let line_of_value = value.line_of_value(line);
            found.push(Finding::new(
                &CRL_UNREADABLE,
                value.place(line),
                format!("{} holds no list that can be read: {why}{line_of_value}", value.name()),
            ));
            return;
        }
    };
    let mut issuers = HashSet::new();
    for list in &lists {
        let Some(list) = RevocationList::read(list) else {
            continue;
        };
        if let Some(next) = list.next_update.filter(|next| *next < now) {
            found.push(Finding::new(
                &CRL_EXPIRED,
                value.place(0),
                format!(
                    "the list of \"{}\" in {} was to be replaced by {}",
                    list.issuer,
                    value.name(),
                    shown(next)
                ),
            ));
        }
        issuers.insert(list.issuer_name);
    }
    let mut missing: HashMap<&[u8], &str> = HashMap::new();
    for (_, ca) in bundle.list().iter().filter(|(_, ca)| ca.is_authority()) {
        if !issuers.contains(ca.subject_name()) {
            missing.insert(ca.subject_name(), &ca.called);
        }
    }
    if !missing.is_empty() {
        let mut called: Vec<&str> = missing.into_values().collect();
        called.sort_unstable();
        found.push(Finding::new(
            &CRL_INCOMPLETE,
            value.place(0),
            format!(
                "{} has no list of \"{}\", a CA of {}",
                value.name(),
                called.join("\", \""),
                bundle.value.name()
            ),
        ));
    }
}

/// A list under the key that goes with another key of the CA.
fn found_beside(bundle: &Authorities<'_>, found: &mut Findings) {
    let (wanted, other) = match bundle.value.key.as_str() {
        "cacert" => ("crl", "ca.crl"),
        "ca.crt" => ("ca.crl", "crl"),
        _ => return,
    };
    let secret = &bundle.value.secret;
    // A file-mount's list is named by caCrl.
    if bundle.of_secret && secret.filled(other).is_some() {
        found.push(
            Finding::new(
                &CRL_IGNORED,
                secret.place(other),
                format!(
                    "{other} of {} is not used: with {} Istio takes {wanted}",
                    secret.title(),
                    bundle.value.key
                ),
            )
            .fix(format!("rename {other} to {wanted}")),
        );
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, OffsetDateTime};

    use crate::certs::crl::{self, Contents};
    use crate::certs::{CertificateAuthority, Chain, Issued, pem};
    use crate::lint::Severity;
    use crate::lint::testing::{
        NOW, assert_code, gateway, httpbin, issue, key_pem, mutual, mutual_secret_of, only, plan, secret, secret_of,
        simple,
    };

    /// The Secret `c` with the pair of httpbin and further values.
    fn with(values: &[(&str, &str)]) -> String {
        let (certificate, key) = (httpbin().server_pem(), key_pem(&httpbin().server));
        let mut all = vec![("tls.crt", certificate.as_str()), ("tls.key", key.as_str())];
        all.extend_from_slice(values);
        secret("c", &all)
    }

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
            (mutual(&with(&[("ca.crt", &ca)])), "ITL0320", &[][..]),
            (mutual(&with(&[("cacert", &ca)])), "ITL0320", &[]),
            (
                mutual(&(with(&[]) + &secret("c-cacert", &[("cacert", &root)]))),
                "ITL0320",
                &[],
            ),
            (
                named(&(with(&[]) + &secret("own", &[("ca.crt", &root)]))),
                "ITL0320",
                &[],
            ),
            (simple(&with(&[])), "ITL0320", &[]),
            (mutual(&with(&[])), "ITL0320", &[field]),
            (optional(&with(&[])), "ITL0320", &[field]),
            (mutual(&with(&[("ca.crt", "")])), "ITL0320", &[field]),
            (
                mutual(&(with(&[]) + &secret("c-cacert", &[("cacert", &root)]))),
                "ITL0321",
                &[],
            ),
            (mutual(&with(&[("ca.crt", &ca)])), "ITL0321", &[]),
            (
                simple(&(with(&[]) + &secret("c-cacert", &[("x", &root)]))),
                "ITL0321",
                &[],
            ),
            // A Secret of that name is used alone, even when it holds nothing of use.
            (
                mutual(&(with(&[("ca.crt", &ca)]) + &secret("c-cacert", &[("x", &root)]))),
                "ITL0321",
                &["data"],
            ),
            (
                mutual(&(with(&[("ca.crt", &ca)]) + &secret("c-cacert", &[("cacert", "")]))),
                "ITL0321",
                &["data.cacert"],
            ),
            (
                named(&(with(&[]) + &secret("own", &[("tls.crt", &root)]))),
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
        let both = |other: &str| mutual(&(with(&[("ca.crt", &ca)]) + &secret("c-cacert", &[("ca.crt", other)])));
        for (yaml, expected) in [
            (both(&ca), None),
            (both(&format!("{ca}{}", stranger.root_pem())), None),
            (mutual(&with(&[("ca.crt", &ca)])), None),
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
            assert_code(&mutual(&with(&[("ca.crt", value)])), code, paths);
        }
        assert_code(&simple(&with(&[("ca.crt", "word")])), "ITL0323", &[]);
    }

    fn list_of(issued: &Issued, now: OffsetDateTime) -> String {
        let key = issued.key.as_ref().expect("a key");
        let authority = CertificateAuthority::new(issued.certificate.clone(), key).expect("a CA");
        crl::text(&crl::issue(&Contents::default(), &authority, now).expect("a list"))
    }

    fn lists_of(chain: &Chain, now: OffsetDateTime) -> [String; 2] {
        [list_of(&chain.root, now), list_of(&chain.intermediate, now)]
    }

    #[test]
    fn lists_are_there_for_all_cas_and_in_time() {
        let (ca, root) = (httpbin().ca_chain_pem(), httpbin().root_pem());
        let [of_root, of_intermediate] = lists_of(httpbin(), NOW - Duration::days(1));
        let all = format!("{of_root}{of_intermediate}");
        let [old, _] = lists_of(httpbin(), NOW - Duration::days(400));
        let path = &["data[\"ca.crl\"]"][..];
        for (values, code, paths) in [
            (
                &[("ca.crt", ca.as_str()), ("ca.crl", all.as_str())][..],
                "ITL0325",
                &[][..],
            ),
            (&[("ca.crt", &ca), ("ca.crl", &all)], "ITL0326", &[]),
            (&[("ca.crt", &ca), ("ca.crl", &all)], "ITL0327", &[]),
            (&[("ca.crt", &ca), ("ca.crl", &all)], "ITL0328", &[]),
            (&[("cacert", &ca), ("crl", &all)], "ITL0328", &[]),
            (&[("ca.crt", &root), ("ca.crl", &of_root)], "ITL0327", &[]),
            (&[("ca.crt", &ca)], "ITL0327", &[]),
            (&[("ca.crt", &ca), ("ca.crl", &all), ("crl", &all)], "ITL0328", &[]),
            (&[("ca.crt", &ca), ("ca.crl", "word")], "ITL0325", path),
            (&[("ca.crt", &ca), ("ca.crl", &root)], "ITL0325", path),
            (&[("ca.crt", &root), ("ca.crl", &old)], "ITL0326", path),
            (&[("ca.crt", &ca), ("ca.crl", &of_root)], "ITL0327", path),
            (&[("ca.crt", &ca), ("ca.crl", &of_intermediate)], "ITL0327", path),
            (&[("cacert", &ca), ("ca.crl", &all)], "ITL0328", path),
            (&[("ca.crt", &ca), ("crl", &all)], "ITL0328", &["data.crl"]),
        ] {
            assert_code(&mutual(&with(values)), code, paths);
        }
        // The CA comes from a Secret of its own, and so must its list.
        let separate = |values: &[(&str, &str)]| mutual(&(with(&[("ca.crl", &all)]) + &secret("c-cacert", values)));
        assert_code(&separate(&[("ca.crt", &ca), ("ca.crl", &all)]), "ITL0328", path);
        assert_code(&mutual(&mutual_secret_of("c", httpbin())), "ITL0328", &[]);
        assert_code(&simple(&secret_of("c", httpbin())), "ITL0328", &[]);
    }
}
