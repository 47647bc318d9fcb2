//! Does a client at the ingress address get the certificate of the Secret?

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

use super::causes::{Causes, skip_all, skip_for};
use super::control_plane::object;
use super::envoy::serial_digits;
use super::facts::{ADDRESSES_ASKED, Certificate, End, Facts, Refusal, Served, some_of};
use crate::certs::inspect::{CertificateFacts, Validity};
use crate::lint::codes::{
    HOST_NOT_SERVED, INGRESS_UNREACHABLE, SERVED_CERTIFICATE_DIFFERS, SERVED_CERTIFICATE_ENDS, SERVED_CERTIFICATE_NAMES,
};
use crate::lint::{Finding, Findings, Severity};
use crate::manifests::model::service::TargetPort;
use crate::manifests::server_hosts::intersection;
use crate::names::Host;
use crate::shell::quote;

/// The end of a certificate is told so many days before.
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
                    None => found.push(not_served(facts, one, refusal)),
                }
            }
        }
    }
    // One address: one finding, however many hosts.
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
                "that is the address by {}; clients elsewhere may reach it all the same",
                source(facts)
            ))
            .fix(fix_of(facts, first, refusal)),
        );
    }
}

fn source(facts: &Facts) -> &str {
    let ingress = facts.ingress.as_ref();
    ingress.map(|ingress| ingress.source.as_str()).unwrap_or_default()
}

/// Addresses beyond the most that are asked.
fn unasked(facts: &Facts, found: &mut Findings) {
    let Ok(ingress) = &facts.ingress else { return };
    let left: Vec<&String> = ingress.hosts().skip(ADDRESSES_ASKED).collect();
    if !left.is_empty() {
        found.skip(
            &INGRESS_UNREACHABLE,
            format!(
                "not asked, since {ADDRESSES_ASKED} other addresses of the gateway were: {}",
                some_of(&left)
            ),
        );
    }
}

/// Of several addresses those at which no connection came about, where others answer.
fn silent_addresses(served: &[Served]) -> Vec<&str> {
    let all: BTreeSet<&str> = served.iter().map(|one| one.address.as_str()).collect();
    let answers = |address: &str| {
        let mut here = served.iter().filter(|one| one.address == address);
        here.any(|one| !matches!(&one.outcome, Err(refusal) if refusal.is_unconnected()))
    };
    let silent: Vec<&str> = all.iter().copied().filter(|address| !answers(address)).collect();
    if silent.len() == all.len() { Vec::new() } else { silent }
}

/// Some of the gateway's addresses do not answer, and others do.
fn some_silent(facts: &Facts, served: &[Served], silent: &[&str], causes: &Causes, found: &mut Findings) {
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
                "no way to it, or no answer"
            };
            format!("{} ({end})", one.target)
        })
        .collect();
    // Many a machine has no way to IPv6 at all.
    let is_v6 = |address: &&str| address.parse::<Ipv6Addr>().is_ok();
    let is_of_here = firsts
        .iter()
        .all(|(one, refusal)| is_v6(&one.address.as_str()) && refusal.end == End::Unreachable)
        && !others.iter().any(is_v6);
    let finding = Finding::new(
        &INGRESS_UNREACHABLE,
        object(""),
        format!(
            "{} of {} addresses of the gateway {} not answer from here: {}",
            silent.len(),
            all.len(),
            if silent.len() == 1 { "does" } else { "do" },
            words.join(", ")
        ),
    )
    .why(format!(
        "all of them are addresses by {}, and clients take any; {} answers",
        source(facts),
        some_of(&others)
    ))
    .fix(format!(
        "kubectl -n {} get services -o wide shows the addresses: take those out of DNS that are the gateway's no more; for the others see firewall and load balancer",
        facts.found_namespace
    ));
    found.push(if is_of_here {
        finding.severity(Severity::Info)
    } else {
        finding
    });
}

/// What several addresses serve alike is one.
fn merged<'s>(served: impl Iterator<Item = &'s Served>) -> Vec<Served> {
    let mut places: BTreeMap<(&str, String), usize> = BTreeMap::new();
    let mut all: Vec<Served> = Vec::new();
    for one in served {
        let outcome = match &one.outcome {
            Ok(leaf) => leaf.serial.clone(),
            Err(refusal) if refusal.end == End::Told => refusal.what.clone(),
            Err(refusal) => format!("{:?}", refusal.end),
        };
        match places.get(&(one.host.as_str(), outcome.clone())) {
            Some(place) => {
                let first = &mut all[*place].target;
                first.push_str(", ");
                first.push_str(&one.target);
            }
            None => {
                places.insert((&one.host, outcome), all.len());
                all.push(one.clone());
            }
        }
    }
    all
}

/// Whether a proxy of the gateway has certificates: what is wrong is on the way to it.
fn is_ready_inside(facts: &Facts) -> bool {
    let views = facts.proxies.iter().filter_map(|proxy| proxy.view.as_ref().ok());
    views
        .into_iter()
        .any(|view| !view.active.is_empty() || !view.loaded.is_empty())
}

/// How to see that the gateway is well, and where the way to it ends.
fn around(facts: &Facts, host: &str) -> String {
    format!(
        "the gateway's proxy has its certificates, so look at the way to it: whether that address is its own, firewall, node ports (kubectl -n {} get services -o wide);\n{}",
        facts.found_namespace,
        past_the_way(facts, host)
    )
}

/// A connection to the pod itself.
fn past_the_way(facts: &Facts, host: &str) -> String {
    let namespace = &facts.found_namespace;
    let pods = facts.gateway_pods();
    let pod = pods.first().map_or("POD", |pod| pod.name.as_str());
    let port = pod_port(facts, host);
    format!(
        "to go around it: kubectl -n {namespace} port-forward pod/{pod} 8443:{port}, and in another terminal istio-tls probe {} --target 127.0.0.1:8443",
        quote(host)
    )
}

/// The port of the pods at which a host is served.
fn pod_port(facts: &Facts, host: &str) -> u32 {
    const INSTALLED: u32 = 8443;
    let servers = facts.tls_servers();
    let mut covering = servers
        .iter()
        .filter(|server| server.hosts.iter().any(|known| intersection(known, host).is_some()));
    let Some(number) = covering.next().map(|server| server.server.port.number) else {
        return INSTALLED;
    };
    let pods = facts.gateway_pods();
    let services = facts.services.as_deref().unwrap_or_default().iter();
    let leading = services.filter(|service| pods.iter().any(|pod| pod.is_selected(&service.spec.selector)));
    let mut ports = leading.flat_map(|service| &service.spec.ports);
    match ports
        .find(|port| u32::from(port.port) == number)
        .map(|port| &port.target_port)
    {
        Some(Some(TargetPort::Number(target))) => u32::from(*target),
        Some(Some(TargetPort::Name(name))) => {
            let mut named = pods.iter().filter_map(|pod| pod.ports.get(name));
            named.next().map_or(number, |port| u32::from(*port))
        }
        _ => number,
    }
}

fn not_served(facts: &Facts, one: &Served, refusal: &Refusal) -> Finding {
    Finding::new(
        &HOST_NOT_SERVED,
        object(""),
        format!("{} is not served at {}: {}", one.host, one.target, refusal.what),
    )
    .fix(fix_of(facts, one, refusal))
}

/// What to do, by what is known of the cluster: the probe knows nothing of that.
fn fix_of(facts: &Facts, one: &Served, refusal: &Refusal) -> String {
    match refusal.end {
        End::Told if refusal.fix.is_empty() => format!("istio-tls probe {} --target cluster", quote(&one.host)),
        End::Told => refusal.fix.clone(),
        End::Unreachable | End::Refused if is_ready_inside(facts) => around(facts, &one.host),
        End::Unreachable | End::Refused | End::Silent => by_what_is_known(facts, one),
    }
}

/// Where all that is seen is as it should be, what is not seen is where to look.
fn by_what_is_known(facts: &Facts, one: &Served) -> String {
    let mut unknown: Vec<String> = Vec::new();
    if let Err(reason) = &facts.gateways {
        unknown.push(format!("whether a Gateway has {} ({reason})", one.host));
    }
    if let Some(Certificate {
        secret,
        leaf: Err(reason),
        ..
    }) = certificates(facts, &one.host).first()
    {
        unknown.push(format!("what Secret {secret} holds ({reason})"));
    }
    if let Err(reason) = &facts.pods {
        unknown.push(format!("whether the gateway's pods run ({reason})"));
    }
    if let Err(reason) = &facts.services {
        unknown.push(format!("whether a Service leads to them ({reason})"));
    }
    let views = || facts.proxies.iter().map(|proxy| &proxy.view);
    if facts.pods.is_ok() && !views().any(Result::is_ok) {
        let reason = views().find_map(|view| view.as_ref().err());
        unknown.push(format!(
            "what the gateway's proxy has loaded ({})",
            reason.map_or("no pod was asked", String::as_str)
        ));
    }
    let namespace = &facts.found_namespace;
    let pods = facts.gateway_pods();
    match (unknown.is_empty(), pods.first()) {
        (true, _) => format!(
            "Gateway, Secret and proxy are as they should be, so see what else may answer at {}: kubectl -n {namespace} get services -o wide;\n{}",
            one.target,
            past_the_way(facts, &one.host)
        ),
        (false, Some(pod)) => format!(
            "what is seen of the cluster is as it should be; not known here: {};\na user who may port-forward sees it: kubectl -n {namespace} port-forward pod/{} 15000, and in another terminal curl -s http://127.0.0.1:15000/certs",
            unknown.join(", "),
            pod.name
        ),
        (false, None) => format!(
            "not known here: {};\nistio-tls doctor {} as a user who may read that tells more",
            unknown.join(", "),
            quote(&one.host)
        ),
    }
}

/// The certificates that servers have for a host: those of the most specific host that covers it.
fn certificates<'f>(facts: &'f Facts, host: &str) -> Vec<&'f Certificate> {
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
        // What is wrong with it is said of the Secret.
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
                "{} at {} is served with serial {} ({}, until {}), and Secret {} holds serial {} ({}, until {})",
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
        .fix(format!(
            "istio-tls probe {} --target cluster --wait 60s; if it stays so, see whether {} leads to this gateway",
            quote(&one.host),
            one.target
        )),
    );
}

/// Where no Secret is known to compare with, the certificate is judged as a client would.
fn by_itself(one: &Served, leaf: &CertificateFacts, found: &mut Findings) {
    let place = || object("");
    let host = quote(&one.host);
    let days = leaf.days_left;
    if leaf.validity != Validity::Valid || days < SOON {
        let (what, severity) = match leaf.validity {
            Validity::Expired => (format!("expired on {}", leaf.not_after), Severity::Error),
            Validity::NotYetValid => (format!("is not valid before {}", leaf.not_before), Severity::Error),
            Validity::Valid => (format!("ends on {}, in {days} days", leaf.not_after), Severity::Warning),
        };
        found.push(
            Finding::new(
                &SERVED_CERTIFICATE_ENDS,
                place(),
                format!("the certificate that {} serves for {} {what}", one.target, one.host),
            )
            .severity(severity)
            .fix(format!("istio-tls rotate {host}")),
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
                "the certificate that {} serves for {} names {}",
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
    use crate::doctor::facts::{End, Facts, Refusal};
    use crate::doctor::testing::{assert_one, assert_skipped, change, leaf_of, other_chain, service};
    use crate::lint::Severity;

    fn ended(end: End) -> Facts {
        change(move |facts| {
            facts.served.as_mut().unwrap()[0].outcome = Err(Refusal {
                end,
                what: "the connection was reset".into(),
                fix: "look there".into(),
            });
        })
    }

    #[test]
    fn where_the_proxy_is_well_the_way_to_it_is_looked_at() {
        let finding = assert_one(&ended(End::Unreachable), "ITL1162", "cannot be reached from here");
        assert!(
            finding.fix.contains("port-forward pod/gateway 8443:8443"),
            "{}",
            finding.fix
        );
        assert!(!finding.fix.contains("istio-tls apply"), "{}", finding.fix);
        // Nothing listens there: some other machine, or no port of the gateway.
        let mut facts = ended(End::Refused);
        let finding = assert_one(&facts, "ITL1161", "is not served");
        assert!(
            finding.fix.contains("port-forward pod/gateway 8443:8443"),
            "{}",
            finding.fix
        );
        // The pod's port is the one that the Service leads to.
        for (target, expected) in [("9443", 9443), ("\"https\"", 8443), ("null", 443)] {
            let ports = format!(r#"{{"name":"https","port":443,"targetPort":{target}}}"#);
            facts.services = Ok(vec![service(
                "istio-ingressgateway",
                r#"{"istio":"ingressgateway"}"#,
                &ports,
            )]);
            let finding = assert_one(&facts, "ITL1161", "is not served");
            assert!(
                finding.fix.contains(&format!("pod/gateway 8443:{expected},")),
                "{}",
                finding.fix
            );
        }
    }

    #[test]
    fn the_advice_fits_what_is_known() {
        let finding = assert_one(&ended(End::Silent), "ITL1161", "reset");
        assert!(
            finding
                .fix
                .starts_with("Gateway, Secret and proxy are as they should be"),
            "{}",
            finding.fix
        );
        for end in [End::Silent, End::Refused, End::Unreachable] {
            let code = if end == End::Unreachable { "ITL1162" } else { "ITL1161" };
            let mut facts = ended(end);
            facts.proxies[0].view = Err("pods/portforward is forbidden".into());
            let finding = assert_one(&facts, code, "reset");
            assert!(
                finding
                    .fix
                    .contains("what the gateway's proxy has loaded (pods/portforward is forbidden)")
                    && finding.fix.contains("port-forward pod/gateway 15000"),
                "{}",
                finding.fix
            );
            facts.certificates[0].leaf = Err("secrets are forbidden".into());
            facts.gateways = Err("gateways are forbidden".into());
            facts.pods = Err("pods are forbidden".into());
            let finding = assert_one(&facts, code, "reset");
            for words in [
                "secrets are",
                "gateways are",
                "pods are",
                "istio-tls doctor httpbin.example.com as a user",
            ] {
                assert!(finding.fix.contains(words), "{}", finding.fix);
            }
            assert!(!finding.fix.contains("istio-tls apply"), "{}", finding.fix);
        }
    }

    /// The gateway at several addresses, each with what comes of it.
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
                        fix: String::new(),
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
        let words = "2 of 3 addresses of the gateway do not answer from here: 192.0.2.2:443 (connection refused), 192.0.2.3:443 (no way";
        let finding = assert_one(&some, "ITL1162", words);
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.why.contains("192.0.2.1 answers"), "{}", finding.why);
        // The first one, too.
        assert_one(
            &at(&[("192.0.2.1", Some(End::Refused)), ("192.0.2.2", None)]),
            "ITL1162",
            "1 of 2 addresses",
        );
        // From here there is no way to any IPv6.
        let of_here = at(&[("192.0.2.1", None), ("2001:db8::1", Some(End::Unreachable))]);
        assert_eq!(assert_one(&of_here, "ITL1162", "2001:db8::1").severity, Severity::Info);
        let both = at(&[("2001:db8::2", None), ("2001:db8::1", Some(End::Unreachable))]);
        assert_eq!(assert_one(&both, "ITL1162", "2001:db8::1").severity, Severity::Warning);
        // None answers: that is one finding, too.
        let none = at(&[
            ("192.0.2.1", Some(End::Unreachable)),
            ("192.0.2.2", Some(End::Unreachable)),
        ]);
        assert_one(&none, "ITL1162", "at 192.0.2.1:443, 192.0.2.2:443");
        // What answers otherwise is told with its address.
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
            "not asked, since 8 other addresses of the gateway were: 192.0.2.9, 192.0.2.10",
        );
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
        assert_one(&wrong, "ITL1164", "names none");
    }
}
