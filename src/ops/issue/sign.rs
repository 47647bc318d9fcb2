//! Issues what a job needs. Nothing is written.

use time::OffsetDateTime;

use super::outcome::LeafFacts;
use super::plan::{Action, Job};
use super::request::Request;
use crate::certs::issue::issue_client;
use crate::certs::{Authority, CertificateAuthority, CertificateDer, Chain, ChainPlan, Client, inspect, issue_chain};
use crate::ops::authority::{self, Intermediate};
use crate::ops::failure::Failure;
use crate::problem::Problem;

/// The CAs that sign, read or made once for all hosts.
pub(super) enum Signers {
    Own,
    Root(CertificateAuthority),
    Intermediate(Intermediate),
}

pub(super) fn chain_plan(request: &Request, job: &Job) -> ChainPlan {
    ChainPlan {
        sans: request.sans.clone(),
        profile: request.profile.clone(),
        leaf_validity: request.leaf_validity,
        clients: job.clients.clone(),
        name_constraints: request.name_constraints.clone(),
        bad: request.bad,
        csr: request.csr.clone(),
        ..ChainPlan::new(job.layout.host().clone())
    }
}

/// Issued, and not written yet.
pub(super) struct Issued {
    pub(super) what: What,
    pub(super) leaf: LeafFacts,
}

pub(super) enum What {
    Chain(Box<Chain>),
    /// Clients, and the intermediate and root above them.
    Clients(Vec<Client>, [CertificateDer<'static>; 2]),
}

pub(super) fn issue(
    request: &Request,
    job: &Job,
    signers: &Signers,
    password: Option<&str>,
    now: OffsetDateTime,
) -> Result<Issued, Failure> {
    let plan = chain_plan(request, job);
    let (what, leaf) = if job.action == Action::AddClients {
        let intermediate = authority::intermediate_of_host(&job.layout, password)?;
        let clients: Vec<Client> = (job.clients.iter())
            .map(|name| issue_client(name, &plan, &intermediate.ca, now))
            .collect::<Result<_, _>>()
            .map_err(Failure::usage)?;
        let leaf = match clients.first() {
            Some(client) => client.issued.certificate.clone(),
            None => return Err(Failure::usage(Problem::new("no client is given"))),
        };
        let above = [intermediate.ca.certificate().clone(), intermediate.root];
        (What::Clients(clients, above), leaf)
    } else {
        let authority = match signers {
            Signers::Own => Authority::New,
            Signers::Root(root) => Authority::Root(root),
            Signers::Intermediate(intermediate) => Authority::Intermediate(&intermediate.ca, &intermediate.root),
        };
        let chain = issue_chain(&plan, authority, now).map_err(Failure::usage)?;
        let leaf = chain.server.certificate.clone();
        (What::Chain(Box::new(chain)), leaf)
    };
    let leaf = inspect::certificate(&leaf, now).map_err(Failure::runtime)?;
    Ok(Issued {
        what,
        leaf: leaf.into(),
    })
}
