//! Which names a chain's CAs permit (RFC 5280 section 4.2.1.10), asked before
//! anything is signed: a name outside makes a chain that nobody accepts.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use super::issue::Authority;
use super::plan::{ChainPlan, San, Subtree};
use crate::names::Host;
use crate::problem::Problem;

/// The permitted subtrees of each CA above a leaf. Every CA must permit a name.
pub(super) struct Constraints(Vec<Vec<Subtree>>);

impl Constraints {
    /// Those of a chain to be made: its own CA's, and its authority's.
    pub(super) fn of_plan(plan: &ChainPlan, authority: Authority<'_>) -> Self {
        let own = plan.name_constraints.clone();
        Self(match authority {
            Authority::New => vec![own],
            Authority::Root(root) => vec![permitted(root.certificate()), own],
            // The constraints of the plan are for a CA that is made.
            Authority::Intermediate(intermediate, root) => {
                vec![permitted(intermediate.certificate()), permitted(root)]
            }
        })
    }

    /// Those of one CA.
    pub(super) fn of_authority(certificate: &CertificateDer<'_>) -> Self {
        Self(vec![permitted(certificate)])
    }

    /// Whether every CA permits the name.
    pub(super) fn permit(&self, name: &San) -> bool {
        self.0.iter().all(|subtrees| {
            let mut verdicts = subtrees.iter().filter_map(|subtree| subtree.covers(name)).peekable();
            // Without a subtree of the name's kind, every name of that kind is permitted.
            verdicts.peek().is_none() || verdicts.any(|covered| covered)
        })
    }

    /// Refuses a name that a CA does not permit.
    pub(super) fn check(&self, name: &San) -> Result<(), Problem> {
        if self.permit(name) {
            return Ok(());
        }
        Err(Problem::new(format!("the name constraints do not permit {name}"))
            .why("a certificate with a name outside its CA's permitted subtrees is refused by every client")
            .fix(format!(
                "leave the name out, or make a CA that permits it (--name-constraints {name})"
            )))
    }
}

/// The permitted DNS names and addresses of a CA certificate.
pub(super) fn permitted(certificate: &CertificateDer<'_>) -> Vec<Subtree> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let constraints = parsed.name_constraints().ok().flatten();
    constraints
        .and_then(|found| found.value.permitted_subtrees.as_ref())
        .into_iter()
        .flatten()
        .filter_map(|subtree| match &subtree.base {
            GeneralName::DNSName(name) => Host::parse(name.trim_start_matches('.')).ok().map(Subtree::Dns),
            GeneralName::IPAddress(octets) => range(octets),
            _ => None,
        })
        .collect()
}

/// An address and its mask.
fn range(octets: &[u8]) -> Option<Subtree> {
    let (address, mask) = octets.split_at(octets.len() / 2);
    let address = <[u8; 4]>::try_from(address)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(address).map(IpAddr::from))
        .ok()?;
    let length: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
    Some(Subtree::Ip(address, u8::try_from(length).ok()?))
}
