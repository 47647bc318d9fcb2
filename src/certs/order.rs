//! Sorts the certificates of a chain into the order in which a server sends them (RFC 8446 section
//! 4.4.2): the leaf first, each followed by its issuer.

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::PrivateKey;
use super::signature::{Outcome, check_signed};

/// Longer chains do not occur in practice.
const LENGTH_LIMIT: usize = 12;

/// A chain as a server should send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered {
    /// The certificates, the leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// How many of them were added.
    pub added: usize,
    /// Whether the order of the existing ones changed.
    pub moved: bool,
}

/// Sorts `given`, starting with the leaf that matches `key`, and adds missing intermediates from
/// `at_hand`; roots are not added, as clients have them anyway. None if nothing has to change, or
/// if it is unclear what to do: no leaf or several, or certificates that do not belong to the
/// chain.
pub fn ordered(
    given: &[CertificateDer<'static>],
    key: &PrivateKey,
    at_hand: &[CertificateDer<'static>],
) -> Option<Ordered> {
    if given.len() > LENGTH_LIMIT {
        return None;
    }
    let parse = |der| X509Certificate::from_der(der).ok().map(|(_, parsed)| parsed);
    let parsed: Vec<X509Certificate<'_>> = given.iter().map(|der| parse(der)).collect::<Option<_>>()?;
    let more: Vec<(&CertificateDer<'static>, X509Certificate<'_>)> = at_hand
        .iter()
        .filter_map(|der| Some((der, parse(der)?)))
        .filter(|(_, parsed)| !is_self_issued(parsed))
        .collect();
    let mut leaves = (0..given.len()).filter(|index| key.fits(&given[*index]));
    let leaf = leaves.next()?;
    if leaves.next().is_some() {
        return None;
    }
    let mut order = vec![leaf];
    let mut chain = vec![given[leaf].clone()];
    let (mut last, mut last_der) = (&parsed[leaf], &given[leaf]);
    while chain.len() < LENGTH_LIMIT && !is_self_issued(last) {
        let next = (0..given.len()).find(|index| !order.contains(index) && issued(&parsed[*index], last, last_der));
        if let Some(index) = next {
            order.push(index);
            (last, last_der) = (&parsed[index], &given[index]);
        } else if let Some((der, parsed)) = more
            .iter()
            .find(|(der, parsed)| !chain.contains(der) && issued(parsed, last, last_der))
        {
            (last, last_der) = (parsed, *der);
        } else {
            break;
        }
        chain.push(last_der.clone());
    }
    let added = chain.len() - order.len();
    let moved = !order.is_sorted();
    (order.len() == given.len() && (moved || added > 0)).then_some(Ordered { chain, added, moved })
}

/// Sorts certificates without a key, by names: first those that issued none of the others, each
/// followed by its issuers. None is dropped.
pub fn by_names(given: &[CertificateDer<'static>]) -> Vec<CertificateDer<'static>> {
    let names: Vec<Option<(Vec<u8>, Vec<u8>)>> = given
        .iter()
        .map(|der| {
            let (_, parsed) = X509Certificate::from_der(der).ok()?;
            Some((parsed.subject().as_raw().to_vec(), parsed.issuer().as_raw().to_vec()))
        })
        .collect();
    let issued = |issuer: usize, subject: usize| match (&names[issuer], &names[subject]) {
        (Some((name, _)), Some((_, wanted))) => issuer != subject && name == wanted,
        _ => false,
    };
    let all = 0..given.len();
    let mut order: Vec<usize> = Vec::new();
    let leaves = all
        .clone()
        .filter(|place| !all.clone().any(|subject| issued(*place, subject)));
    for leaf in leaves {
        let mut next = Some(leaf);
        while let Some(place) = next.filter(|place| !order.contains(place)) {
            order.push(place);
            next = all.clone().find(|issuer| issued(*issuer, place));
        }
    }
    order.extend(all.filter(|place| !order.contains(place)).collect::<Vec<_>>());
    order.into_iter().map(|place| given[place].clone()).collect()
}

fn is_self_issued(certificate: &X509Certificate<'_>) -> bool {
    certificate.issuer().as_raw() == certificate.subject().as_raw()
}

fn issued(issuer: &X509Certificate<'_>, subject: &X509Certificate<'_>, der: &[u8]) -> bool {
    subject.issuer().as_raw() == issuer.subject().as_raw() && check_signed(issuer.public_key(), der) == Outcome::Good
}
