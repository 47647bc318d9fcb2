//! Istio's own configuration in real Envoy beside `serve`: the same requests to
//! both, and every difference is a row of docs/istio-differences.md.
//!
//! `JUDGE_CASE=NAME` runs one case of tests/data/judge, `JUDGE_SHOW=1` prints
//! every outcome.

mod case;
mod client;
mod client_http1;
mod client_http2;
mod material;
mod outcome;
mod stack;
mod table;
mod upstream;
mod upstream_http2;

use std::collections::BTreeSet;

use case::{Case, Request};
use outcome::{Difference, differences};
use stack::{Envoy, Ours};

use crate::harness::Dir;

/// What a run of cases found.
#[derive(Default)]
struct Verdict {
    /// What is wrong, for people.
    faults: Vec<String>,
    /// The rows that were needed.
    rows: BTreeSet<String>,
}

#[test]
fn cases_are_answered_as_istio_s_envoy_answers_them() {
    let only = std::env::var("JUDGE_CASE").ok();
    let names: Vec<String> = (Case::names().into_iter())
        .filter(|name| only.as_ref().is_none_or(|only| only == name))
        .collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let judge_all = || {
        let mut verdict = Verdict::default();
        while let Some(name) = names.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            judge(&Case::read(name), &mut verdict);
        }
        verdict
    };
    let (mut verdict, other) = std::thread::scope(|scope| {
        let other = scope.spawn(judge_all);
        (judge_all(), other.join().expect("no panic"))
    });
    verdict.faults.extend(other.faults);
    verdict.rows.extend(other.rows);
    if only.is_none() {
        for row in table::rows().difference(&verdict.rows) {
            verdict
                .faults
                .push(format!("docs/istio-differences.md: no case needs row {row:?}"));
        }
        for row in verdict.rows.difference(&table::rows()) {
            verdict
                .faults
                .push(format!("docs/istio-differences.md: there is no row {row:?}"));
        }
    }
    let count = verdict.faults.len();
    assert!(count == 0, "{count} faults\n\n{}", verdict.faults.join("\n"));
}

/// Sends a case's requests to both gateways.
fn judge(case: &Case, verdict: &mut Verdict) {
    let dir = Dir::new();
    let envoy = Envoy::start(case);
    let ours = Ours::start(&dir, case);
    let before = verdict.faults.len();
    for request in &case.requests {
        let (of_envoy, of_serve) = (envoy.answer(request), ours.answer(request));
        if std::env::var_os("JUDGE_SHOW").is_some() {
            println!(
                "{}/{}\n envoy {:#?}\n serve {:#?}",
                case.name, request.title, of_envoy.0, of_serve.0
            );
        }
        weigh(case, request, differences(&of_envoy, &of_serve), verdict);
    }
    if verdict.faults.len() > before && std::env::var_os("JUDGE_SHOW").is_some() {
        println!(
            "{}: Envoy's log\n{}\nserve's log\n{}",
            case.name,
            envoy.log(),
            ours.log()
        );
    }
}

/// Holds differences against what the request is marked with.
fn weigh(case: &Case, request: &Request, found: Vec<Difference>, verdict: &mut Verdict) {
    let mut lines = Vec::new();
    let mut used = BTreeSet::new();
    for difference in found {
        if let Some(row) = difference.everywhere {
            verdict.rows.insert(row.to_owned());
            continue;
        }
        match request.allowed.iter().find(|mark| mark.covers(&difference.aspect)) {
            Some(mark) => {
                used.insert(mark.row.clone());
            }
            None => lines.push(format!(
                "    {}\n      envoy: {}\n      serve: {}",
                difference.aspect, difference.envoy, difference.serve
            )),
        }
    }
    for mark in &request.allowed {
        if !used.contains(&mark.row) {
            lines.push(format!(
                "    differs no more: {}: {}",
                mark.row,
                mark.aspects.join(", ")
            ));
        }
    }
    verdict.rows.extend(used);
    if !lines.is_empty() {
        verdict
            .faults
            .push(format!("{}: {}\n{}", case.name, request.title, lines.join("\n")));
    }
}
