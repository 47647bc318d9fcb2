//! What `status` examines: the files of the hosts, and what a gateway presents for each
//! of them.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::facts::{Broken, BrokenPart, HostState, KeyFault, Role, Served};
use crate::certs::summary::CertificateSummary;
use crate::certs::{CertificateDer, crl, key, pem, renew};
use crate::files::shown;
use crate::ops::Surroundings;
use crate::probe::dial::dial;
use crate::probe::expectation::{Expectation, Place, Trust};
use crate::probe::judge::judge;
use crate::probe::target::{ProbedHost, Target, Wishes, expectations};
use crate::problem::Problem;
use crate::workspace::config::{HostEntry, Mode, ServerKey};
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::store;

/// How many hosts are probed at once.
const CONCURRENCY: usize = 64;

/// Reads the files of a host; faults are part of the state.
pub(super) fn files(entry: &HostEntry, mode: Mode, here: &Surroundings) -> HostState {
    let host = &entry.host;
    let layout = ChainLayout::new(&here.dir, host);
    let mut state = HostState {
        host: host.clone(),
        mode,
        files: Vec::new(),
        lists: Vec::new(),
        broken: Vec::new(),
        key_fault: None,
        bundle: Vec::new(),
        leaf_in_force: false,
        secrets: Vec::new(),
        served: None,
        clients: Vec::new(),
    };
    let mut take = |layout: &ChainLayout, part: Part<'_>, role: Role, needed: bool| {
        let file = shown(&layout.path(part));
        match first(layout, part) {
            Ok(Some(certificate)) => state.files.push((role, file, certificate)),
            Ok(None) if needed => state.broken.push(Broken::of(&role, file, "it does not exist".into())),
            Ok(None) => {}
            Err(problem) => state.broken.push(Broken::of(&role, file, reason(problem))),
        }
    };
    take(&layout, Part::ServerCert, Role::Server, true);
    match store::clients(&layout) {
        Ok(clients) => {
            for name in clients {
                take(&layout, Part::ClientCert(&name), Role::Client(name.clone()), true);
            }
        }
        Err(problem) => {
            let folder = layout.folder();
            state
                .broken
                .push(Broken::of(&Role::Root, shown(&folder), reason(problem)));
            return state;
        }
    }
    let previous = layout.previous_ca();
    take(&layout, Part::IntermediateCert, Role::Intermediate, false);
    take(&layout, Part::RootCert, Role::Root, false);
    take(&previous, Part::IntermediateCert, Role::PreviousIntermediate, false);
    take(&previous, Part::RootCert, Role::PreviousRoot, false);
    state.leaf_in_force = is_leaf_in_force(&layout);
    state.key_fault =
        server_key_fault(&layout).filter(|fault| !(fault.is_missing && entry.server_key == ServerKey::Elsewhere));
    match all(&layout, Part::CaChain) {
        Ok(bundle) => state.bundle = bundle,
        Err(problem) => {
            let file = shown(&layout.path(Part::CaChain));
            state.broken.push(Broken::of(&Role::Root, file, reason(problem)));
        }
    }
    for part in [Part::IntermediateCrl, Part::RootCrl] {
        let file = shown(&layout.path(part));
        match list_ends(&layout, part, &file) {
            Ok(ends) => state.lists.extend(ends.into_iter().map(|end| (file.clone(), end))),
            Err(problem) => state.broken.push(Broken {
                file,
                why: reason(problem),
                part: BrokenPart::List,
            }),
        }
    }
    state
}

impl Broken {
    /// The certificate with this role.
    fn of(role: &Role, file: String, why: String) -> Self {
        let part = match role {
            Role::Client(name) => BrokenPart::Client(name.clone()),
            _ => BrokenPart::Chain,
        };
        Self { file, why, part }
    }
}

/// Whether a CA beside the server's leaf issued it; unreadable files are reported
/// elsewhere.
fn is_leaf_in_force(layout: &ChainLayout) -> bool {
    let first = |part| read(layout, part).ok().and_then(|all| all.into_iter().next());
    let Some(leaf) = first(Part::ServerCert) else {
        return false;
    };
    [Part::IntermediateCert, Part::RootCert]
        .into_iter()
        .any(|part| first(part).is_some_and(|ca| renew::is_issued_by(&leaf, &ca)))
}

/// What is wrong with the server's key; none if there is no leaf to compare it with,
/// which is reported elsewhere.
fn server_key_fault(layout: &ChainLayout) -> Option<KeyFault> {
    let leaf = read(layout, Part::ServerCert).ok()?.into_iter().next()?;
    let file = shown(&layout.path(Part::ServerKey));
    let content = store::read(layout, Part::ServerKey).map(|content| content.map(Zeroizing::new));
    let (why, is_missing) = match content {
        Ok(None) => ("it does not exist".to_owned(), true),
        Ok(Some(content)) => match key::read(&content, &file, None) {
            Ok(key) if key.fits(&leaf) => return None,
            Ok(_) => ("it does not belong to the server certificate".to_owned(), false),
            Err(problem) => (reason(problem), false),
        },
        Err(problem) => (reason(problem), false),
    };
    Some(KeyFault { file, why, is_missing })
}

/// The nextUpdate times of a part's CRLs.
fn list_ends(layout: &ChainLayout, part: Part<'_>, file: &str) -> Result<Vec<OffsetDateTime>, Problem> {
    let Some(content) = store::read(layout, part)? else {
        return Ok(Vec::new());
    };
    let lists = pem::crls(&content, file)?;
    let ends = lists
        .iter()
        .map(|list| crl::next_update(list, file))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(ends.into_iter().flatten().collect())
}

/// What is wrong with a file, in one line.
pub(super) fn reason(problem: Problem) -> String {
    match problem.why {
        Some(why) => format!("{}: {why}", problem.what),
        None => problem.what,
    }
}

fn first(layout: &ChainLayout, part: Part<'_>) -> Result<Option<CertificateSummary>, Problem> {
    let certificates = read(layout, part)?;
    let first = certificates.first();
    first.map(CertificateSummary::of).transpose()
}

fn all(layout: &ChainLayout, part: Part<'_>) -> Result<Vec<CertificateSummary>, Problem> {
    let certificates = read(layout, part)?;
    certificates.iter().map(CertificateSummary::of).collect()
}

/// The certificates of a part; none if it does not exist.
fn read(layout: &ChainLayout, part: Part<'_>) -> Result<Vec<CertificateDer<'static>>, Problem> {
    match store::read(layout, part)? {
        Some(content) => pem::certificates(&content, &shown(&layout.path(part))),
        None => Ok(Vec::new()),
    }
}

/// Probes the gateway for the certificate of every host.
pub(super) async fn served(states: &mut [HostState], target: &Target, patience: Duration, here: &Surroundings) {
    let gate = Arc::new(Semaphore::new(CONCURRENCY));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tasks = JoinSet::new();
    for (index, state) in states.iter().enumerate() {
        let Some(asked) = question(state, target) else { continue };
        let (gate, provider) = (Arc::clone(&gate), Arc::clone(&provider));
        tasks.spawn(async move {
            let _permit = gate.acquire_owned().await;
            // The chain is sent before the client certificate is requested.
            let mut question = asked.dial(patience);
            question.request = None;
            let facts = dial(&question, &provider).await.facts;
            (index, asked, facts)
        });
    }
    while let Some(done) = tasks.join_next().await {
        let (index, asked, facts) = match done {
            Ok(done) => done,
            // A missing host must never look like one that is served.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => continue,
        };
        let target = match &facts.connect {
            Some(connect) => connect.address.to_string(),
            None => asked.endpoint.to_string(),
        };
        let leaf = facts.tls.as_ref().and_then(|tls| tls.chain.first());
        let leaf = leaf.and_then(|der| CertificateSummary::of(&CertificateDer::from(der.as_slice())).ok());
        let seen = if let Some(leaf) = leaf {
            Served::Leaf(leaf)
        } else {
            let verdict = judge(&facts, &asked, here.now);
            Served::Nothing {
                code: verdict.code.as_str(),
                summary: verdict.summary,
                again: match asked.place {
                    Place::Local | Place::Ingress => None,
                    Place::Cluster => Some("cluster".to_owned()),
                    Place::Given => Some(target.clone()),
                },
            }
        };
        states[index].served = Some((target, seen));
    }
}

/// A dial of the host; none if there is no gateway.
fn question(state: &HostState, target: &Target) -> Option<Expectation> {
    let probed = ProbedHost {
        host: state.host.clone(),
        port: None,
        path: None,
        mode: Some(state.mode),
        entry: None,
        meant: None,
        routes: Vec::new(),
        trust: Arc::new(Trust::default()),
        client: None,
    };
    expectations(&[probed], &Wishes::default(), target)
        .pop()
        .filter(|asked| asked.blocked.is_none())
}
