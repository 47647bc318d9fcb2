//! The chain that a `HOST:PORT` serves, for `inspect` and `verify`: whatever
//! is wrong with it, it is fetched, and judged by them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::Failure;
use super::connection::runtime;
use super::context::Context;
use crate::names::Host;
use crate::probe::dial::{Endpoint, TlsVersions, dial};
use crate::probe::expectation::{Check, Expectation, ExpectedStatus, Place, Trust};
use crate::probe::facts::Tls;
use crate::probe::target::{authority, split_port};
use crate::probe::verdict::judge;
use crate::problem::Problem;

/// What a TLS endpoint served.
pub(super) struct Served {
    /// The name or address that was asked.
    pub(super) host: Host,
    /// The chain in the served order.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// The whole handshake.
    pub(super) tls: Tls,
}

/// Reads `HOST:PORT`; none if the text is a path that exists, or no such pair.
pub(super) fn parse(text: &str) -> Option<(Host, u16)> {
    if Path::new(text).exists() {
        return None;
    }
    let (host, port) = split_port(text).ok()?;
    Some((Host::parse(&host).ok()?, port?))
}

/// Asks `host` on `port` for its chain, with `sni` or the host as server name.
///
/// # Errors
/// When no chain came (exit 1): the probe's verdict in words.
pub(super) fn fetch(
    host: &Host,
    port: u16,
    sni: Option<&str>,
    patience: Duration,
    context: &Context,
) -> Result<Served, Failure> {
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
        sni: sni
            .map(str::to_owned)
            .or_else(|| host.ip().is_none().then(|| host.to_string())),
        authority: authority(host),
        trust: Arc::new(Trust::default()),
        client: None,
        path: "/".to_owned(),
        status: ExpectedStatus::Served,
        mode: None,
        versions: TlsVersions::Any,
        alpn: vec!["h2".to_owned(), "http/1.1".to_owned()],
        alpn_demanded: false,
        blocked: None,
    };
    let mut question = asked.dial(patience);
    question.request = None;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let facts = runtime()?.block_on(dial(&question, &provider)).facts;
    match &facts.tls {
        Some(tls) if !tls.chain.is_empty() => Ok(Served {
            host: host.clone(),
            chain: tls.chain.iter().map(|der| CertificateDer::from(der.clone())).collect(),
            tls: tls.clone(),
        }),
        _ => {
            let verdict = judge(&facts, &asked, context.now);
            Err(Failure::findings(Problem {
                what: format!("{host}:{port} served no certificate: {}", verdict.summary),
                at: None,
                why: Some(verdict.code.as_str().to_owned()),
                fix: verdict.fix,
            }))
        }
    }
}
