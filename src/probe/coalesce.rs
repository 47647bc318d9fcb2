//! Requests like those of a browser that reuses a connection: to one host, over the HTTP/2
//! connection of another whose certificate covers both (RFC 9113 section 9.1.1). Istio's gateway
//! has a route table per server, so it answers with 404 unless both hosts belong to one server.
//! Pure.

use std::collections::{HashMap, HashSet};

use super::expectation::{Check, Expectation};
use super::run::Outcome;

/// The pairs of served hosts that may share a connection: an expectation per pair, for a request to
/// the second over the connection of the first. `outcomes` belong to `expectations`, in the same
/// order.
pub fn expectations(checks: &[Expectation], outcomes: &[Outcome]) -> Vec<Expectation> {
    let served: Vec<(&Expectation, &Outcome)> = checks
        .iter()
        .zip(outcomes)
        .filter(|(check, outcome)| {
            let http2 = outcome
                .facts
                .tls
                .as_ref()
                .is_some_and(|tls| tls.alpn.as_deref() == Some("h2"));
            check.check == Check::Served && check.over.is_none() && outcome.verdict.is_ok() && http2
        })
        .collect();
    let mut by_name: HashMap<(&str, &str), &Expectation> = HashMap::new();
    for (check, outcome) in &served {
        by_name.insert((outcome.target.as_str(), check.host.as_str()), check);
    }
    let mut carriers: HashSet<(&str, &str)> = HashSet::new();
    let mut pairs = Vec::new();
    for (carrier, outcome) in &served {
        let target = outcome.target.as_str();
        if !carriers.insert((target, carrier.host.as_str())) {
            continue;
        }
        let Some(leaf) = outcome.chain.first() else { continue };
        let mut named: Vec<&Expectation> = Vec::new();
        for name in &leaf.names {
            if name.starts_with('*') {
                let covered = by_name
                    .iter()
                    .filter(|((at, _), check)| *at == target && check.host.is_covered_by(name));
                named.extend(covered.map(|(_, check)| *check));
            } else {
                named.extend(by_name.get(&(target, name.as_str())));
            }
        }
        named.sort_by_key(|check| check.host.as_str());
        named.dedup_by_key(|check| check.host.as_str());
        for other in named {
            if other.host != carrier.host {
                pairs.push(over(carrier, other));
            }
        }
    }
    pairs
}

/// A request to `other` over the connection of `carrier`.
fn over(carrier: &Expectation, other: &Expectation) -> Expectation {
    Expectation {
        label: format!("over the connection of {}", carrier.host),
        over: Some(carrier.host.clone()),
        sni: carrier.sni.clone(),
        client: carrier.client.clone(),
        versions: carrier.versions,
        alpn: vec!["h2".to_owned()],
        alpn_demanded: false,
        ..other.clone()
    }
}
