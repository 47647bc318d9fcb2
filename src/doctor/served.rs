//! Whether a client at the ingress address gets the certificate of the Secret.

use std::collections::BTreeSet;

use super::addresses::{merged, silent_addresses, some_silent, source, unasked};
use super::advice::fix_of;
use super::causes::{Causes, skip_all, skip_for};
use super::control_plane::object;
use super::envoy::serial_digits;
use super::facts::{Certificate, End, Facts, Refusal, Served, some_of};
use crate::certs::inspect::{CertificateFacts, Validity};
use crate::lint::codes::{
    HOST_NOT_SERVED, INGRESS_UNREACHABLE, SERVED_CERTIFICATE_DIFFERS, SERVED_CERTIFICATE_ENDS, SERVED_CERTIFICATE_NAMES,
};
use crate::lint::{Finding, Findings, Severity};
use crate::manifests::server_hosts::intersection;
use crate::names::Host;
use crate::remedy::{Remedy, ours};

/// How many days before expiry a certificate is reported.
const SOON: i64 = 30;

pub(super) fn check(facts: &Facts, causes: &Causes, found: &mut Findings) {
    let served = match &facts.served {
        Ok(served) => served,
        Err(reason) => {
            let codes = [
                &HOST_NOT_SERVED,
                &INGRESS_UNREACHABLE,
                &SERVED_CERTIFICATE_DIFFERS,
                &SERVED_CERTIFICATE_ENDS,
                &SERVED_CERTIFICATE_NAMES,
            ];
            return skip_all(found, &codes, reason);
        }
    };
    unasked(facts, found);
    let silent = silent_addresses(served);
    if !silent.is_empty() {
        some_silent(facts, served, &silent, causes, found);
    }
    let mut unreachable: Vec<&Served> = Vec::new();
    let mut refused: Vec<&Served> = Vec::new();
    let all = merged(served.iter().filter(|one| !silent.contains(&one.address.as_str())));
    for one in &all {
        match &one.outcome {
            Ok(leaf) => judge(facts, one, leaf, causes, found),
            Err(refusal) => {
                let own = certificates(facts, &one.host).into_iter().next();
                let cause = causes.of_host(&one.host, own.map(Certificate::secret_name));
                match cause {
                    Some(cause) => skip_for(found, &HOST_NOT_SERVED, &one.host, cause),
                    None if refusal.end == End::Unreachable => unreachable.push(one),
                    None if refusal.end == End::Refused => refused.push(one),
                    None => found.push(not_served(facts, &[one], refusal)),
                }
            }
        }
    }
    // One finding per address, regardless of the number of hosts.
    let targets: BTreeSet<&str> = refused.iter().map(|one| one.target.as_str()).collect();
    for target in targets {
        let here: Vec<&Served> = refused.iter().copied().filter(|one| one.target == target).collect();
        if let Some(Err(refusal)) = here.first().map(|one| &one.outcome) {
            found.push(not_served(facts, &here, refusal));
        }
    }
    if let Some(first) = unreachable.first()
        && let Err(refusal) = &first.outcome
    {
        found.push(
            Finding::new(
                &INGRESS_UNREACHABLE,
                object(""),
                format!(
                    "the gateway cannot be reached from here at {}: {}",
                    first.target, refusal.what
                ),
            )
            .why(format!(
                "the address is from {}; clients elsewhere may still be able to reach it",
                source(facts)
            ))
            .fix(fix_of(facts, first, refusal)),
        );
    }
}

/// Hosts that are not served at a target, for the same reason.
fn not_served(facts: &Facts, hosts: &[&Served], refusal: &Refusal) -> Finding {
    let names: Vec<&str> = hosts.iter().map(|one| one.host.as_str()).collect();
    let finding = Finding::new(
        &HOST_NOT_SERVED,
        object(""),
        format!(
            "{} {} not served at {}: {}",
            some_of(&names),
            if names.len() == 1 { "is" } else { "are" },
            hosts.first().map(|one| one.target.as_str()).unwrap_or_default(),
            refusal.what
        ),
    );
    match hosts.first() {
        Some(first) => finding.fix(fix_of(facts, first, refusal)),
        None => finding,
    }
}

/// The certificates for a host: those of the servers with the most specific matching host.
pub(super) fn certificates<'f>(facts: &'f Facts, host: &str) -> Vec<&'f Certificate> {
    let covering = |certificate: &Certificate| {
        let hosts = certificate.hosts.iter();
        hosts
            .filter(|known| intersection(known, host) == Some(host))
            .map(String::len)
            .max()
    };
    let best = facts.certificates.iter().filter_map(covering).max();
    let all = facts.certificates.iter();
    all.filter(|certificate| best.is_some() && covering(certificate) == best)
        .collect()
}

fn judge(facts: &Facts, one: &Served, leaf: &CertificateFacts, causes: &Causes, found: &mut Findings) {
    let certificates = certificates(facts, &one.host);
    let known: Vec<(&Certificate, &CertificateFacts)> = certificates
        .iter()
        .filter_map(|certificate| Some((*certificate, certificate.leaf.as_ref().ok()?.as_ref()?)))
        .collect();
    let is_same = |(_, expected): &(&Certificate, &CertificateFacts)| {
        serial_digits(&expected.serial) == serial_digits(&leaf.serial)
    };
    if known.iter().any(is_same) {
        // Faults of the certificate are reported at the Secret.
        return;
    }
    let Some((certificate, expected)) = known.first() else {
        if let Some(Err(reason)) = certificates.first().map(|certificate| &certificate.leaf) {
            found.skip(&SERVED_CERTIFICATE_DIFFERS, reason);
        }
        return by_itself(one, leaf, found);
    };
    if let Some(cause) = causes.secrets.get(certificate.secret_name()) {
        return skip_for(found, &SERVED_CERTIFICATE_DIFFERS, &one.host, cause);
    }
    found.push(
        Finding::new(
            &SERVED_CERTIFICATE_DIFFERS,
            object(&format!("Secret {}", certificate.secret)),
            format!(
                "{} at {} is served with serial {} ({}, until {}), but Secret {} has serial {} ({}, until {})",
                one.host,
                one.target,
                leaf.serial,
                leaf.subject,
                leaf.not_after,
                certificate.secret,
                expected.serial,
                expected.subject,
                expected.not_after
            ),
        )
        .fix(
            Remedy::from(ours::probe_cluster(one.host.as_str()).flag("--wait", "60s")).and(format!(
                "; if nothing changes, check whether {} points to this gateway",
                one.target
            )),
        ),
    );
}

/// If there is no known Secret to compare with, the certificate is judged like a client would.
fn by_itself(one: &Served, leaf: &CertificateFacts, found: &mut Findings) {
    let place = || object("");
    let days = leaf.days_left;
    if leaf.validity != Validity::Valid || days < SOON {
        let (what, severity) = match leaf.validity {
            Validity::Expired => (format!("expired on {}", leaf.not_after), Severity::Error),
            Validity::NotYetValid => (format!("is not valid before {}", leaf.not_before), Severity::Error),
            Validity::Valid => (
                format!("expires on {}, in {days} days", leaf.not_after),
                Severity::Warning,
            ),
        };
        found.push(
            Finding::new(
                &SERVED_CERTIFICATE_ENDS,
                place(),
                format!("the certificate that {} serves for {} {what}", one.target, one.host),
            )
            .severity(severity)
            .fix(ours::rotate(one.host.as_str())),
        );
    }
    let covers = |host: &Host| {
        let kind = if host.ip().is_some() { "IP" } else { "DNS" };
        let mut names = leaf.names.iter().filter(|name| name.kind == kind);
        names.any(|name| host.is_covered_by(&name.value))
    };
    if let Ok(parsed) = Host::parse(&one.host)
        && !covers(&parsed)
    {
        let names: Vec<&str> = leaf.names.iter().map(|name| name.value.as_str()).collect();
        found.push(Finding::new(
            &SERVED_CERTIFICATE_NAMES,
            place(),
            format!(
                "the certificate that {} serves for {} is only for {}",
                one.target,
                one.host,
                some_of(&names)
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::certs::inspect::Validity;
    use crate::doctor::examine;
    use crate::doctor::facts::End;
    use crate::doctor::testing::{assert_one, assert_skipped, change, ended, leaf_of, other_chain};
    use crate::lint::Severity;

    #[test]
    fn where_nothing_listens_all_hosts_are_one_finding() {
        let mut facts = ended(End::Refused);
        let mut other = facts.served.as_ref().unwrap()[0].clone();
        other.host = "shop.example.com".into();
        facts.served.as_mut().unwrap().push(other);
        let words = "httpbin.example.com, shop.example.com are not served at 192.0.2.1:443: the connection";
        assert_one(&facts, "ITL1161", words);
    }

    #[test]
    fn another_certificate_than_the_secrets_is_told_with_both_serials() {
        let facts = change(|facts| facts.served.as_mut().unwrap()[0].outcome = Ok(leaf_of(other_chain())));
        let finding = assert_one(&facts, "ITL1160", &leaf_of(other_chain()).serial);
        assert_eq!(finding.object, "Secret istio-system/httpbin-credential");
    }

    #[test]
    fn a_host_that_is_not_served_is_told_with_the_probes_words() {
        assert_eq!(assert_one(&ended(End::Told), "ITL1161", "reset").fix, "look there");
        let finding = assert_one(&ended(End::Unreachable), "ITL1162", "192.0.2.1:443");
        assert_eq!(finding.severity, Severity::Warning);
        let mut explained = ended(End::Silent);
        explained.endpoints = Ok([].into());
        assert_one(&explained, "ITL1124", "no ready endpoint");
        assert_skipped(&explained, "ITL1161", "see ITL1124");
        assert_skipped(
            &change(|facts| facts.served = Err("--no-probe".into())),
            "ITL1161",
            "--no-probe",
        );
    }

    #[test]
    fn without_the_secret_the_certificate_is_judged_by_itself() {
        let alone = |change_leaf: fn(&mut crate::certs::inspect::CertificateFacts)| {
            change(|facts| {
                facts.certificates[0].leaf = Err("secrets may not be read".into());
                let Ok(leaf) = &mut facts.served.as_mut().unwrap()[0].outcome else {
                    return;
                };
                change_leaf(leaf);
            })
        };
        assert!(examine(&alone(|_| {})).findings.is_empty());
        let soon = alone(|leaf| leaf.days_left = 3);
        assert_eq!(assert_one(&soon, "ITL1163", "in 3 days").severity, Severity::Warning);
        let expired = alone(|leaf| (leaf.days_left, leaf.validity) = (-2, Validity::Expired));
        assert_eq!(assert_one(&expired, "ITL1163", "expired").severity, Severity::Error);
        let early = alone(|leaf| leaf.validity = Validity::NotYetValid);
        assert_one(&early, "ITL1163", "not valid before");
        let wrong = alone(|leaf| leaf.names.clear());
        assert_one(&wrong, "ITL1164", "is only for none");
    }
}
