//! Issues new chains. Nothing is written.

use time::OffsetDateTime;

use super::job::{Job, Plan};
use super::outcome::LeafFacts;
use super::request::{Request, Signer};
use crate::certs::issue::issue_root;
use crate::certs::{
    Authority, CertificateAuthority, CertificateDer, Chain, ChainPlan, PrivateKey, inspect, issue_chain,
};
use crate::ops::authority::{self, Intermediate};
use crate::ops::failure::Failure;
use crate::ops::surroundings::Surroundings;
use crate::problem::Problem;
use crate::workspace::layout::RootLayout;

/// The CAs that sign, read or created once for all hosts.
pub(super) enum Signers {
    /// Each chain has its own.
    Own,
    /// This root signs the intermediates.
    Root(Box<CertificateAuthority>),
    /// This intermediate signs the leaves.
    Intermediate(Box<Intermediate>),
}

/// A shared root that was created, but is not written yet.
pub(super) struct NewRoot {
    pub(super) layout: RootLayout,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivateKey,
}

/// A new chain that is not written yet.
pub(super) struct Issued {
    pub(super) chain: Chain,
    pub(super) leaf: LeafFacts,
}

impl Signers {
    /// Reads the CAs that sign, or creates the shared root if planned.
    ///
    /// # Errors
    /// If one cannot be used.
    pub(super) fn open(
        request: &Request,
        plan: &Plan,
        here: &Surroundings,
    ) -> Result<(Self, Option<NewRoot>), Failure> {
        let password = request.password();
        let Some(job) = plan.jobs.iter().find(|job| job.makes_chain()) else {
            return Ok((Self::Own, None));
        };
        if let Some(layout) = &plan.new_root {
            let issued = issue_root(&root_name(layout), &chain_plan(request, job), here.now).map_err(Failure::usage)?;
            let key = issued
                .key
                .ok_or_else(|| Failure::runtime(Problem::new("the new root has no key")))?;
            let root = CertificateAuthority::new(issued.certificate.clone(), &key).map_err(Failure::runtime)?;
            let new_root = NewRoot {
                layout: layout.clone(),
                certificate: issued.certificate,
                key,
            };
            return Ok((Self::Root(Box::new(root)), Some(new_root)));
        }
        let signers = match &request.signer {
            Signer::Own => Self::Own,
            Signer::Root(dir) => match authority::shared_root(&RootLayout::new(dir), password)? {
                Some(root) => Self::Root(Box::new(root)),
                None => Self::Own,
            },
            Signer::Intermediate(dir) => {
                Self::Intermediate(Box::new(authority::intermediate_of_folder(here, dir, password)?))
            }
        };
        Ok((signers, None))
    }
}

/// Issues the chain of a job.
///
/// # Errors
/// If the plan is impossible: a name outside the name constraints, an expired CA.
pub(super) fn issue(request: &Request, job: &Job, signers: &Signers, now: OffsetDateTime) -> Result<Issued, Failure> {
    let authority = match signers {
        Signers::Own => Authority::New,
        Signers::Root(root) => Authority::Root(root),
        Signers::Intermediate(intermediate) => Authority::Intermediate(&intermediate.ca, &intermediate.root),
    };
    let chain = issue_chain(&chain_plan(request, job), authority, now).map_err(Failure::usage)?;
    let leaf = inspect::certificate(&chain.server.certificate, now).map_err(Failure::runtime)?;
    Ok(Issued {
        chain,
        leaf: leaf.into(),
    })
}

fn chain_plan(request: &Request, job: &Job) -> ChainPlan {
    ChainPlan {
        sans: request.sans.clone(),
        clients: job.clients.clone(),
        name_constraints: request.name_constraints.clone(),
        bad: request.bad,
        csr: request.csr.clone(),
        ..request.client_plan(job.layout.host())
    }
}

fn root_name(layout: &RootLayout) -> String {
    match layout.folder().file_name() {
        Some(name) => format!("{} root", name.to_string_lossy()),
        None => "istio-tls root".to_owned(),
    }
}
