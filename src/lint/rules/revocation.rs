//! The CRLs of the CAs that sign client certificates.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use time::OffsetDateTime;

use crate::certs::pem;
use crate::certs::times::shown;
use crate::lint::codes::{CRL_EXPIRED, CRL_IGNORED, CRL_INCOMPLETE, CRL_UNREADABLE};
use crate::lint::index::credentials::{Authorities, NAME, RevocationList, words};
use crate::lint::{Code, Finding, Findings, Rule, World};

pub(super) static RULES: &[&dyn Rule] = &[&RevocationLists];

/// CRLs are readable, current, complete for all CAs, and where Istio looks for them.
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
            // The server's own Secret holds a CRL, but the CA comes from another Secret.
            if let (Some(separate), Some(base), Some(_)) = (&client_ca.separate, &client_ca.base, client_ca.found)
                && let Some(key) = ["crl", "ca.crl"].into_iter().find(|key| base.filled(key).is_some())
                && seen.insert(Rc::as_ptr(base))
            {
                found.push(
                    Finding::new(
                        &CRL_IGNORED,
                        base.place(key),
                        format!(
                            "{key} of {} is not used, because the CA comes from {}",
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
    let lists = match pem::envoy::crls(value.content(), NAME) {
        Ok(lists) => lists,
        Err(problem) => {
            let (line, why) = words(&problem);
            let line_of_value = value.line_of_value(line);
            found.push(Finding::new(
                &CRL_UNREADABLE,
                value.place(line),
                format!("{} holds no readable CRL: {why}{line_of_value}", value.name()),
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
                    "the CRL of \"{}\" in {} expired on {}",
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
                "{} has no CRL of \"{}\", a CA in {}",
                value.name(),
                called.join("\", \""),
                bundle.value.name()
            ),
        ));
    }
}

/// A CRL under the key that belongs to the other key of the CA.
fn found_beside(bundle: &Authorities<'_>, found: &mut Findings) {
    let (wanted, other) = match bundle.value.key.as_str() {
        "cacert" => ("crl", "ca.crl"),
        "ca.crt" => ("ca.crl", "crl"),
        _ => return,
    };
    let secret = &bundle.value.secret;
    // The CRL of a file mount is set by caCrl.
    if bundle.of_secret && secret.filled(other).is_some() {
        found.push(
            Finding::new(
                &CRL_IGNORED,
                secret.place(other),
                format!(
                    "{other} of {} is not used: with {}, Istio reads {wanted}",
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
    use crate::certs::{CertificateAuthority, Chain, Issued};
    use crate::lint::testing::{
        NOW, assert_code, httpbin, httpbin_with, mutual, mutual_secret_of, secret, secret_of, simple,
    };

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
            assert_code(&mutual(&httpbin_with(values)), code, paths);
        }
        // The CA comes from a separate Secret, and so must its CRL.
        let separate =
            |values: &[(&str, &str)]| mutual(&(httpbin_with(&[("ca.crl", &all)]) + &secret("c-cacert", values)));
        assert_code(&separate(&[("ca.crt", &ca), ("ca.crl", &all)]), "ITL0328", path);
        assert_code(&mutual(&mutual_secret_of("c", httpbin())), "ITL0328", &[]);
        assert_code(&simple(&secret_of("c", httpbin())), "ITL0328", &[]);
    }
}
