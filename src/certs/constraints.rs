//! The names that a chain's CAs permit (RFC 5280 section 4.2.1.10), checked before anything is
//! signed: nobody accepts a chain with any other name.

use std::net::IpAddr;

use rcgen::CustomExtension;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use super::der;
use super::issue::Authority;
use super::plan::{ChainPlan, NameKind, San, Subtree};
use crate::names::Host;
use crate::problem::Problem;

/// The permitted subtrees of each CA above a leaf. All CAs must permit a name.
pub(super) struct Constraints(Vec<Vec<Subtree>>);

impl Constraints {
    /// The constraints of a chain to be issued: those of its own CA and its authority.
    pub(super) fn of_plan(plan: &ChainPlan, authority: Authority<'_>) -> Self {
        let own = plan.name_constraints.clone();
        Self(match authority {
            Authority::New => vec![own],
            Authority::Root(root) => vec![permitted(root.certificate()), own],
            // The plan's constraints are for a newly created CA.
            Authority::Intermediate(intermediate, root) => {
                vec![permitted(intermediate.certificate()), permitted(root)]
            }
        })
    }

    /// The constraints of one CA.
    pub(super) fn of_authority(certificate: &CertificateDer<'_>) -> Self {
        Self(vec![permitted(certificate)])
    }

    /// Whether all CAs permit the name.
    pub(super) fn permit(&self, name: &San) -> bool {
        self.0.iter().all(|subtrees| permit(subtrees, name))
    }

    /// Refuses a name that a CA does not permit.
    pub(super) fn check(&self, name: &San) -> Result<(), Problem> {
        if self.permit(name) {
            return Ok(());
        }
        Err(Problem::new(format!("the name constraints do not permit {name}"))
            .why("every client refuses a certificate with a name outside its CA's permitted subtrees")
            .fix(format!(
                "omit the name, or create a CA that permits it (--name-constraints {})",
                wanted(name)
            )))
    }
}

/// Whether a CA with these permitted subtrees permits the name.
pub(super) fn permit(subtrees: &[Subtree], name: &San) -> bool {
    let mut verdicts = subtrees.iter().filter_map(|subtree| subtree.covers(name)).peekable();
    match verdicts.peek() {
        // With constraints on other kinds only, DNS names remain unrestricted.
        None => subtrees.is_empty() || matches!(name, San::Dns(_)),
        Some(_) => verdicts.any(|covered| covered),
    }
}

/// The constraint that permits a name, in the syntax of `--name-constraints`.
fn wanted(name: &San) -> String {
    match name {
        San::Dns(host) => host.to_string(),
        San::Ip(ip) => format!("ip:{ip}"),
        San::Email(email) => format!("email:{email}"),
        San::Uri(uri) => {
            let host = uri.split_once("://").map_or(uri.as_str(), |(_, rest)| rest);
            format!("uri:{}", host.split(['/', '?', '#', ':']).next().unwrap_or_default())
        }
    }
}

/// A host that cannot exist (RFC 2606): permitting only this one permits none of its kind;
/// verifiers agree on this more than on an excluded empty name.
const NOBODY: &str = "invalid";

/// The extension for constraints: it permits the given names, and no other addresses, emails and
/// URIs. None without constraints.
pub(super) fn extension(permitted: &[Subtree]) -> Option<CustomExtension> {
    if permitted.is_empty() {
        return None;
    }
    let has = |kind: NameKind| permitted.iter().any(|subtree| subtree.kind() == Some(kind));
    let mut allowed: Vec<Vec<u8>> = permitted.iter().filter_map(general_name).collect();
    if !has(NameKind::Email) {
        allowed.push(der::wrap(EMAIL, NOBODY.as_bytes()));
    }
    if !has(NameKind::Uri) {
        allowed.push(der::wrap(URI, NOBODY.as_bytes()));
    }
    let mut lists = der::wrap(0xa0, &subtrees(&allowed));
    if !has(NameKind::Address) {
        lists.extend(der::wrap(
            0xa1,
            &subtrees(&[der::wrap(IP, &[0; 8]), der::wrap(IP, &[0; 32])]),
        ));
    }
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 30], der::wrap(der::SEQUENCE, &lists));
    extension.set_criticality(true);
    Some(extension)
}

/// Tags of GeneralName (RFC 5280 section 4.2.1.6).
const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

fn subtrees(names: &[Vec<u8>]) -> Vec<u8> {
    names.iter().flat_map(|name| der::wrap(der::SEQUENCE, name)).collect()
}

fn general_name(subtree: &Subtree) -> Option<Vec<u8>> {
    Some(match subtree {
        Subtree::Dns(host) => der::wrap(DNS, host.as_str().as_bytes()),
        Subtree::Email(name) => der::wrap(EMAIL, name.as_bytes()),
        Subtree::Uri(host) => der::wrap(URI, host.as_bytes()),
        Subtree::Ip(address, length) => der::wrap(IP, &network(*address, *length)),
        Subtree::Every(_) => return None,
    })
}

/// The octets of an address, followed by those of its mask.
fn network(address: IpAddr, length: u8) -> Vec<u8> {
    let mut octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let mask = (0..octets.len()).map(|place| {
        let ones = usize::from(length).saturating_sub(place * 8).min(8);
        u8::MAX.checked_shl(8 - ones as u32).unwrap_or(0)
    });
    let mask: Vec<u8> = mask.collect();
    octets.extend(mask);
    octets
}

/// What a CA certificate permits, for the kinds that this program writes.
pub(super) fn permitted(certificate: &CertificateDer<'_>) -> Vec<Subtree> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let Some(constraints) = parsed.name_constraints().ok().flatten().map(|found| found.value) else {
        return Vec::new();
    };
    let mut permitted: Vec<Subtree> = constraints
        .permitted_subtrees
        .iter()
        .flatten()
        .filter_map(|subtree| match &subtree.base {
            GeneralName::DNSName(name) => Host::parse(name.trim_start_matches('.')).ok().map(Subtree::Dns),
            GeneralName::IPAddress(octets) => range(octets),
            GeneralName::RFC822Name(name) => Some(Subtree::Email((*name).to_owned())),
            GeneralName::URI(host) => Some(Subtree::Uri((*host).to_owned())),
            _ => None,
        })
        .collect();
    let excludes_addresses = constraints.excluded_subtrees.iter().flatten().any(
        |subtree| matches!(&subtree.base, GeneralName::IPAddress(octets) if octets.iter().all(|octet| *octet == 0)),
    );
    for kind in [NameKind::Address, NameKind::Email, NameKind::Uri] {
        let closed = kind == NameKind::Address && excludes_addresses;
        if !closed && !permitted.iter().any(|subtree| subtree.kind() == Some(kind)) {
            permitted.push(Subtree::Every(kind));
        }
    }
    permitted
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
