//! The chain that `HOST:PORT` serves, for `inspect` and `verify`: it is fetched whatever
//! is wrong with it, for them to judge.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::cluster_access::runtime;
use super::failure::Failure;
use super::surroundings::Surroundings;
use crate::names::Host;
use crate::probe::dial::{Endpoint, TlsVersions, dial};
use crate::probe::expectation::{Check, Expectation, ExpectedStatus, Place, Trust};
use crate::probe::judge::judge;
use crate::probe::target::authority;
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};

/// Fetches the chain of `host` on `port`, with `sni` as server name if given; in the
/// order served.
///
/// # Errors
/// If no chain came (exit 1): the probe's verdict in words.
pub fn fetch(
    host: &Host,
    port: u16,
    sni: &Host,
    patience: Duration,
    here: &Surroundings,
) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let endpoint = match host.ip() {
        Some(ip) => Endpoint::Address((ip, port).into()),
        None => Endpoint::Name {
            name: host.to_string(),
            port,
        },
    };
    let asked = Expectation {
        host: host.clone(),
        label: String::new(),
        check: Check::Served,
        endpoint,
        place: Place::Given,
        sni: (sni.ip().is_none() && !sni.is_wildcard()).then(|| sni.to_string()),
        authority: authority(host),
        trust: Arc::new(Trust::default()),
        client: None,
        path: "/".to_owned(),
        status: ExpectedStatus::Served,
        mode: None,
        entry: None,
        meant: None,
        hand_written: None,
        versions: TlsVersions::Any,
        alpn: vec!["h2".to_owned(), "http/1.1".to_owned()],
        alpn_demanded: false,
        over: None,
        blocked: None,
    };
    let mut question = asked.dial(patience);
    question.request = None;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let facts = runtime()?.block_on(dial(&question, &provider)).facts;
    match &facts.tls {
        Some(tls) if !tls.chain.is_empty() => Ok(tls.chain.iter().cloned().map(CertificateDer::from).collect()),
        _ => {
            let verdict = judge(&facts, &asked, here.now);
            Err(Failure::findings(Problem {
                what: format!("{host}:{port} presented no certificate: {}", verdict.summary),
                at: None,
                why: Some(verdict.code.as_str().to_owned()),
                fix: Some(
                    Remedy::from(ours::probe(format!("{host}:{port}"))).and(" shows each step of the connection"),
                ),
            }))
        }
    }
}
