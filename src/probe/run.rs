//! Runs checks: dials each expectation, with limited concurrency, judges it, and retries while the
//! caller is willing to wait.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::dial::{Endpoint, dial, resolve};
use super::expectation::Expectation;
use super::facts::Facts;
use super::judge::judge;
use super::served::{ServedCertificate, describe};
use super::verdict::Verdict;

/// The interval between retries of `--wait`.
const PAUSE: Duration = Duration::from_millis(250);

/// How checks are run.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The time limit of each phase.
    pub patience: Duration,
    /// How long a failed check is retried; zero means no retries.
    pub wait: Duration,
    /// How many dials run concurrently.
    pub concurrency: usize,
    /// The start time, for checking certificates.
    pub now: OffsetDateTime,
}

/// The outcome of one check.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The host.
    pub host: String,
    /// Distinguishes the host's checks; empty for the only one.
    pub check: String,
    /// The endpoint that was dialled.
    pub target: String,
    /// The facts.
    pub facts: Facts,
    /// The served chain.
    pub chain: Vec<ServedCertificate>,
    /// The judgement.
    pub verdict: Verdict,
    /// How often it was dialled.
    pub attempts: u32,
}

/// Runs every check; the outcomes are in the order of the expectations.
pub async fn run(expectations: Vec<Expectation>, settings: Settings) -> Vec<Outcome> {
    run_told(expectations, settings, &mut |_| ()).await
}

/// The same; `told` is called with each outcome as soon as it is available.
pub async fn run_told(
    expectations: Vec<Expectation>,
    settings: Settings,
    told: &mut dyn FnMut(&Outcome),
) -> Vec<Outcome> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let gate = Arc::new(Semaphore::new(settings.concurrency.max(1)));
    let mut tasks = JoinSet::new();
    for (index, expectation) in expectations.into_iter().enumerate() {
        let (gate, provider) = (Arc::clone(&gate), Arc::clone(&provider));
        tasks.spawn(async move {
            let _permit = gate.acquire_owned().await;
            (index, check(&expectation, settings, &provider).await)
        });
    }
    let mut outcomes: Vec<(usize, Outcome)> = Vec::new();
    while let Some(done) = tasks.join_next().await {
        match done {
            Ok(outcome) => {
                told(&outcome.1);
                outcomes.push(outcome);
            }
            // A lost check must never look like one that passed.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Resolves names first, and checks each of their addresses (`--all`). A name without an address
/// stays and fails accordingly.
pub async fn every_address(expectations: Vec<Expectation>, patience: Duration) -> Vec<Expectation> {
    let mut all = Vec::new();
    for expectation in expectations {
        let Endpoint::Name { name, port } = &expectation.endpoint else {
            all.push(expectation);
            continue;
        };
        let resolved = resolve(name, *port, patience).await;
        if resolved.addresses.is_empty() || expectation.blocked.is_some() {
            all.push(expectation);
            continue;
        }
        for address in resolved.addresses {
            let label = [expectation.label.as_str(), &format!("address {address}")].join(" ");
            all.push(Expectation {
                endpoint: Endpoint::Address(SocketAddr::new(address, *port)),
                label: label.trim().to_owned(),
                ..expectation.clone()
            });
        }
    }
    all
}

async fn check(expectation: &Expectation, settings: Settings, provider: &Arc<CryptoProvider>) -> Outcome {
    let start = Instant::now();
    let mut attempts = 0;
    loop {
        attempts += 1;
        let facts = if expectation.blocked.is_some() {
            Facts::default()
        } else {
            dial(&expectation.dial(settings.patience), provider).await.facts
        };
        let now = settings.now + start.elapsed();
        let verdict = judge(&facts, expectation, now);
        if verdict.is_ok() || expectation.blocked.is_some() || start.elapsed() + PAUSE > settings.wait {
            return outcome(expectation, facts, verdict, attempts, now);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn outcome(expectation: &Expectation, facts: Facts, verdict: Verdict, attempts: u32, now: OffsetDateTime) -> Outcome {
    let target = match &facts.connect {
        Some(connect) => connect.address.to_string(),
        None => expectation.endpoint.to_string(),
    };
    let chain = facts
        .tls
        .iter()
        .flat_map(|tls| &tls.chain)
        .filter_map(|der| describe(der, now))
        .collect();
    Outcome {
        host: expectation.host.to_string(),
        check: expectation.label.clone(),
        target,
        facts,
        chain,
        verdict,
        attempts,
    }
}
