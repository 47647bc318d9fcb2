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
