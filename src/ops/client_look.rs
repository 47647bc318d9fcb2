//! A single probe of a gateway as a client, for `rotate` and `status`: what it serves,
//! and whether it accepts this client.

use std::sync::Arc;
use std::time::Duration;

use super::chain_clients::HeldClient;
use super::cluster_ingress::Reached;
use super::failure::Failure;
use super::reach::client_pair::client_pair;
use super::surroundings::Surroundings;
use crate::certs::{CertificateDer, PrivateKey};
use crate::files::shown;
use crate::probe::codes::Code;
use crate::probe::expectation::{Entry, Trust};
use crate::probe::facts::HttpOutcome;
use crate::probe::judge::refusal;
use crate::probe::run::{Outcome, Settings, run};
use crate::probe::target::{ProbedHost, Wishes, expectations};
use crate::problem::Problem;
use crate::workspace::config::{HostEntry, Mode};
use crate::workspace::layout::{ChainLayout, Part};

/// What a client of the gateway trusts and presents.
pub struct Identity {
    /// `the old client chain`, for the report.
    pub label: &'static str,
    /// The roots that it trusts.
    pub roots: Vec<CertificateDer<'static>>,
    /// Its chain and key; none in mode simple, or if there is no key.
    pub pair: Option<(Vec<CertificateDer<'static>>, PrivateKey)>,
}

impl Identity {
    /// With the first of these clients that can be presented: the default client, if it
    /// is valid and its key is here.
    pub fn of(label: &'static str, roots: &[CertificateDer<'static>], clients: &[HeldClient]) -> Self {
        let shown = clients.iter().find(|client| client.can_be_shown());
        Self {
            label,
            roots: roots.to_vec(),
            pair: shown.and_then(|client| Some((client.chain.clone(), client.key.clone()?))),
        }
    }
}

/// Whose gateway is probed: a host, and what the workspace records about it.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Where its chain is.
    pub layout: &'a ChainLayout,
    /// Its entry.
    pub entry: &'a HostEntry,
    /// Its mode.
    pub mode: Mode,
}

/// What one client saw of the gateway.
pub struct Look {
    /// The client.
    pub label: &'static str,
    /// What it saw.
    pub outcome: Outcome,
    /// It was refused because a certificate that is not in the workspace is required;
    /// what is served was seen nevertheless.
    pub lacks_pair: bool,
    /// A certificate could be presented.
    has_pair: bool,
    /// The result was neither better nor worse than before the rotation.
    pub as_before: bool,
}

impl Look {
    /// Whether this client got the leaf with this serial number.
    pub fn is_served(&self, serial: &str) -> bool {
        (self.outcome.verdict.is_ok() || self.lacks_pair || self.as_before) && self.serial() == Some(serial)
    }

    /// Whether this client was refused for its certificate, and for no other reason.
    pub fn is_refused(&self) -> bool {
        self.outcome.verdict.code == Code::ClientCertificateRejected
    }

    /// How the gateway refused this client for its certificate, in words, whatever the
    /// client's verdict on the gateway.
    pub fn refusal(&self) -> Option<String> {
        refusal(&self.outcome.facts)
    }

    /// Whether the gateway asked for the client's certificate but answered the request.
    pub fn is_let_in(&self) -> bool {
        let facts = &self.outcome.facts;
        let asked = facts.tls.as_ref().is_some_and(|tls| tls.client_certificate.requested);
        asked && self.refusal().is_none() && self.is_answered()
    }

    fn is_answered(&self) -> bool {
        let http = self.outcome.facts.http.as_ref();
        http.is_some_and(|http| http.outcome == HttpOutcome::Answered)
    }

    /// Whether the fault existed before, and is unrelated to the rotation: an unexpected
    /// status, which depends on the route or Service, or a fault of the same leaf, which
    /// hides the status.
    pub fn is_as(&self, before: &Self) -> bool {
        let status = |look: &Self| look.outcome.facts.http.as_ref().and_then(|answer| answer.status);
        match (self.outcome.verdict.code, before.outcome.verdict.code) {
            (Code::UnexpectedStatus, Code::UnexpectedStatus | Code::Certificate(_)) => {
                status(self).is_some() && status(self) == status(before)
            }
            (Code::Certificate(now), Code::Certificate(then)) => {
                // A client without a certificate may be refused for that reason.
                let is_taken = match self.refusal() {
                    Some(_) => !self.has_pair,
                    None => self.is_answered(),
                };
                now == then && self.serial() == before.serial() && is_taken
            }
            _ => false,
        }
    }

    /// The serial number of the served leaf.
    pub fn serial(&self) -> Option<&str> {
        self.outcome.chain.first().map(|leaf| leaf.serial.as_str())
    }
}

/// Probes the gateway once as this client; `patience` limits each phase.
///
/// # Errors
/// If TLS cannot use the client's key.
pub async fn look(
    asked: Asked<'_>,
    identity: &Identity,
    reached: &Reached,
    patience: Duration,
    here: &Surroundings,
) -> Result<Look, Failure> {
    let host = asked.layout.host();
    let path = |part: Part<'_>| shown(&asked.layout.path(part));
    let client = match &identity.pair {
        Some((chain, key)) => Some(client_pair(
            chain.clone(),
            key,
            path(Part::ClientCert(host.as_str())),
            path(Part::ClientKey(host.as_str())),
        )?),
        None => None,
    };
    let probed = ProbedHost {
        host: host.clone(),
        port: None,
        path: None,
        mode: Some(asked.mode),
        meant: None,
        entry: Some(Entry {
            host: host.clone(),
            client: Some(path(Part::ClientCert(host.as_str()))),
            can_issue: asked.layout.path(Part::IntermediateKey).exists(),
            sends_own: true,
        }),
        routes: asked.entry.routes.clone(),
        trust: Arc::new(Trust {
            source: format!("the roots of {}", identity.label),
            roots: identity.roots.clone(),
            crls: Vec::new(),
        }),
        client,
    };
    let checks = expectations(&[probed], &Wishes::default(), &reached.target);
    let settings = Settings {
        patience,
        wait: Duration::ZERO,
        concurrency: 1,
        now: here.now,
    };
    let mut outcome = Box::pin(run(checks, settings)).await.pop();
    if let Some(outcome) = &mut outcome {
        reached.aim(outcome);
    }
    outcome
        .map(|outcome| Look {
            label: identity.label,
            lacks_pair: identity.pair.is_none() && outcome.verdict.code == Code::ClientCertificateRequired,
            has_pair: identity.pair.is_some(),
            as_before: false,
            outcome,
        })
        .ok_or_else(|| Failure::runtime(Problem::new(format!("{host} could not be probed"))))
}
