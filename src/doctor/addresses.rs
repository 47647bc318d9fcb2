//! A gateway with several addresses, as a LoadBalancer may have: each is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

use super::causes::{Causes, skip_for};
use super::control_plane::object;
use super::facts::{ADDRESSES_ASKED, End, Facts, Refusal, Served, some_of};
use crate::lint::codes::INGRESS_UNREACHABLE;
use crate::lint::{Finding, Findings, Severity};
use crate::remedy::{Remedy, kubectl};

/// The object that provides the address.
pub(super) fn source(facts: &Facts) -> &str {
    let ingress = facts.ingress.as_ref();
    ingress.map(|ingress| ingress.source.as_str()).unwrap_or_default()
}

/// Addresses beyond the maximum that is checked.
pub(super) fn unasked(facts: &Facts, found: &mut Findings) {
    let Ok(ingress) = &facts.ingress else { return };
    let left: Vec<&String> = ingress.hosts().skip(ADDRESSES_ASKED).collect();
    if !left.is_empty() {
        found.skip(
            &INGRESS_UNREACHABLE,
            format!(
                "not checked, because {ADDRESSES_ASKED} other addresses of the gateway were: {}",
                some_of(&left)
            ),
        );
    }
}

/// Addresses where no connection was possible, if others respond.
pub(super) fn silent_addresses(served: &[Served]) -> Vec<&str> {
    let all: BTreeSet<&str> = served.iter().map(|one| one.address.as_str()).collect();
    let answers = |address: &str| {
        let mut here = served.iter().filter(|one| one.address == address);
        here.any(|one| !matches!(&one.outcome, Err(refusal) if refusal.is_unconnected()))
    };
    let silent: Vec<&str> = all.iter().copied().filter(|address| !answers(address)).collect();
    if silent.len() == all.len() { Vec::new() } else { silent }
}

/// Some of the gateway's addresses do not respond, and others do.
pub(super) fn some_silent(facts: &Facts, served: &[Served], silent: &[&str], causes: &Causes, found: &mut Findings) {
    if let Some(cause) = causes.pods.or(causes.service) {
        return skip_for(found, &INGRESS_UNREACHABLE, &some_of(silent), cause);
    }
    let all: BTreeSet<&str> = served.iter().map(|one| one.address.as_str()).collect();
    let others: Vec<&str> = all
        .iter()
        .copied()
        .filter(|address| !silent.contains(address))
        .collect();
    let firsts: Vec<(&Served, &Refusal)> = silent
        .iter()
        .filter_map(|address| {
            let one = served.iter().find(|one| one.address == *address)?;
            Some((one, one.outcome.as_ref().err()?))
        })
        .collect();
    let words: Vec<String> = firsts
        .iter()
        .map(|(one, refusal)| {
            let end = if refusal.end == End::Refused {
                "connection refused"
            } else {
                "no route, or no response"
            };
            format!("{} ({end})", one.target)
        })
        .collect();
    // Many machines have no IPv6 connectivity.
    let is_v6 = |address: &&str| address.parse::<Ipv6Addr>().is_ok();
    let is_of_here = firsts
        .iter()
        .all(|(one, refusal)| is_v6(&one.address.as_str()) && refusal.end == End::Unreachable)
        && !others.iter().any(is_v6);
    let finding = Finding::new(
        &INGRESS_UNREACHABLE,
        object(""),
        format!(
            "{} of {} addresses of the gateway {} not respond from here: {}",
            silent.len(),
            all.len(),
            if silent.len() == 1 { "does" } else { "do" },
            words.join(", ")
        ),
    )
    .why(format!(
        "{} lists all of them, and clients may use any; {} responds",
        source(facts),
        some_of(&others)
    ))
    .fix(Remedy::from(kubectl::services(&facts.found_namespace)).and(
        " shows the addresses: remove those from DNS that no longer belong to the gateway; for the others, check firewall and load balancer",
    ));
    found.push(if is_of_here {
        finding.severity(Severity::Info)
    } else {
        finding
    });
}

/// Merges addresses that serve the same.
pub(super) fn merged<'s>(served: impl Iterator<Item = &'s Served>) -> Vec<Served> {
    let mut places: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut all: Vec<Served> = Vec::new();
    for one in served {
        let outcome = match &one.outcome {
            Ok(leaf) => leaf.serial.clone(),
            Err(refusal) if refusal.end == End::Told => refusal.what.clone(),
            Err(refusal) => format!("{:?}", refusal.end),
        };
        if let Some(place) = places.get(&(one.host.as_str(), outcome.clone())) {
            let first = &mut all[*place].target;
            first.push_str(", ");
            first.push_str(&one.target);
        } else {
            places.insert((&one.host, outcome), all.len());
            all.push(one.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use crate::doctor::examine;
    use crate::doctor::facts::{End, Facts, Refusal};
    use crate::doctor::testing::{assert_one, assert_skipped, change, leaf_of, other_chain};
    use crate::lint::Severity;

    /// The gateway at several addresses, each with its result.
    fn at(addresses: &[(&str, Option<End>)]) -> Facts {
        change(|facts| {
            let ingress = facts.ingress.as_mut().unwrap();
            ingress.others = addresses
                .iter()
                .skip(1)
                .map(|(address, _)| (*address).to_owned())
                .collect();
            let first = facts.served.as_ref().unwrap()[0].clone();
            let all = addresses.iter().map(|(address, end)| {
                let mut one = first.clone();
                (*address).clone_into(&mut one.address);
                one.target = format!("{address}:443");
                if let Some(end) = *end {
                    one.outcome = Err(Refusal {
                        end,
                        what: "w".into(),
                        fix: crate::remedy::Remedy::default(),
                    });
                }
                one
            });
            facts.served = Ok(all.collect());
        })
    }

    #[test]
    fn of_several_addresses_those_are_named_that_do_not_answer() {
        assert_eq!(examine(&at(&[("192.0.2.1", None), ("192.0.2.2", None)])).findings, []);
        let some = at(&[
            ("192.0.2.1", None),
            ("192.0.2.2", Some(End::Refused)),
            ("192.0.2.3", Some(End::Unreachable)),
        ]);
        let words = "2 of 3 addresses of the gateway do not respond from here: 192.0.2.2:443 (connection refused), 192.0.2.3:443 (no route";
        let finding = assert_one(&some, "ITL1162", words);
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.why.contains("192.0.2.1 responds"), "{}", finding.why);
        // The first one, too.
        assert_one(
            &at(&[("192.0.2.1", Some(End::Refused)), ("192.0.2.2", None)]),
            "ITL1162",
            "1 of 2 addresses",
        );
        // There is no route to any IPv6 address from here.
        let of_here = at(&[("192.0.2.1", None), ("2001:db8::1", Some(End::Unreachable))]);
        assert_eq!(assert_one(&of_here, "ITL1162", "2001:db8::1").severity, Severity::Info);
        let both = at(&[("2001:db8::2", None), ("2001:db8::1", Some(End::Unreachable))]);
        assert_eq!(assert_one(&both, "ITL1162", "2001:db8::1").severity, Severity::Warning);
        // If none responds, that is one finding, too.
        let none = at(&[
            ("192.0.2.1", Some(End::Unreachable)),
            ("192.0.2.2", Some(End::Unreachable)),
        ]);
        assert_one(&none, "ITL1162", "at 192.0.2.1:443, 192.0.2.2:443");
        // Different responses are reported with their address.
        let other = at(&[("192.0.2.1", None), ("192.0.2.2", Some(End::Silent))]);
        assert_one(&other, "ITL1161", "is not served at 192.0.2.2:443");
        let mut differs = at(&[("192.0.2.1", None), ("192.0.2.2", None)]);
        differs.served.as_mut().unwrap()[1].outcome = Ok(leaf_of(other_chain()));
        assert_one(&differs, "ITL1160", "at 192.0.2.2:443 is served with serial");
    }

    #[test]
    fn what_explains_silence_is_told_in_its_place() {
        let mut some = at(&[("192.0.2.1", None), ("192.0.2.2", Some(End::Refused))]);
        some.endpoints = Ok([].into());
        assert_one(&some, "ITL1124", "no ready endpoint");
        assert_skipped(&some, "ITL1162", "192.0.2.2: see ITL1124");
        let many: Vec<String> = (1..=10).map(|number| format!("192.0.2.{number}")).collect();
        let asked: Vec<(&str, Option<End>)> = many.iter().map(|one| (one.as_str(), None)).collect();
        assert_skipped(
            &at(&asked),
            "ITL1162",
            "not checked, because 8 other addresses of the gateway were: 192.0.2.9, 192.0.2.10",
        );
    }
}
