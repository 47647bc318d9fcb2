//! Builds the paths from the leaf to a trusted certificate, from the sent certificates and the
//! verifier's own, by names, key identifiers and signatures.

use std::collections::HashMap;

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::{CertificateRef, Fault, FaultCode, Role, VerifyInput};
use crate::certs::names::{
    authority_key_identifier, common_names, display, general_name, serial, subject_key_identifier,
};
use crate::certs::signature::{Outcome, check_signed};
use crate::hex::with_colons;
use crate::remedy::{Remedy, ours};

/// The maximum length of a path; longer ones do not occur in practice.
const LENGTH_LIMIT: usize = 12;
/// Limits of signature checks, steps and paths per leaf, so that no input makes the search explode.
const CHECK_LIMIT: usize = 200;
const STEP_LIMIT: usize = 2000;
const PATH_LIMIT: usize = 64;

/// The source of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Sent, at this index.
    Sent(usize),
    /// An intermediate that the verifier has.
    Extra,
    /// Trusted.
    Trusted,
}

/// A certificate that could be part of the path.
pub(super) struct Candidate<'a> {
    pub(super) der: &'a [u8],
    pub(super) parsed: X509Certificate<'a>,
    pub(super) source: Source,
}

impl Candidate<'_> {
    /// Whether issuer and subject are the same name.
    pub(super) fn is_self_issued(&self) -> bool {
        self.parsed.issuer().as_raw() == self.parsed.subject().as_raw()
    }

    pub(super) fn is_ca(&self) -> bool {
        self.parsed
            .basic_constraints()
            .ok()
            .flatten()
            .is_some_and(|found| found.value.ca)
    }

    pub(super) fn reference(&self, role: Role) -> CertificateRef {
        let mut subject = display(self.parsed.subject());
        if subject.is_empty() {
            let sans = self.parsed.subject_alternative_name().ok().flatten();
            let names: Vec<String> = sans
                .iter()
                .flat_map(|found| &found.value.general_names)
                .map(|name| general_name(name).1)
                .collect();
            subject = names.join(", ");
        }
        CertificateRef {
            role,
            subject,
            serial: serial(&self.parsed),
        }
    }

    /// The name of a certificate in a sentence.
    pub(super) fn called(&self) -> String {
        common_names(self.parsed.subject())
            .into_iter()
            .next()
            .unwrap_or_else(|| self.reference(Role::Leaf).subject)
    }
}

/// All available certificates.
pub(super) struct Pool<'a> {
    sent: Vec<Candidate<'a>>,
    others: Vec<Candidate<'a>>,
    unreadable: Vec<usize>,
}

impl<'a> Pool<'a> {
    pub(super) fn parse(input: &VerifyInput<'a>) -> Self {
        let candidate = |der: &'a [u8], source| {
            X509Certificate::from_der(der)
                .ok()
                .map(|(_, parsed)| Candidate { der, parsed, source })
        };
        let mut unreadable = Vec::new();
        let mut sent = Vec::new();
        for (place, der) in input.chain.iter().enumerate() {
            match candidate(der, Source::Sent(place)) {
                Some(found) => sent.push(found),
                None => unreadable.push(place),
            }
        }
        let roots = input.roots.iter().filter_map(|der| candidate(der, Source::Trusted));
        let extras = input
            .intermediates
            .iter()
            .filter_map(|der| candidate(der, Source::Extra));
        Self {
            sent,
            others: roots.chain(extras).collect(),
            unreadable,
        }
    }

    /// The first sent certificate, if it can be read.
    pub(super) fn leaf(&self) -> Option<&Candidate<'a>> {
        self.sent.first().filter(|first| first.source == Source::Sent(0))
    }

    pub(super) fn unreadable(&self) -> impl Iterator<Item = Fault> {
        self.unreadable.iter().map(|place| {
            Fault::new(
                FaultCode::CertificateUnreadable,
                None,
                format!("certificate {} of the chain is not X.509", place + 1),
            )
        })
    }

    fn is_trusted(&self, der: &[u8]) -> bool {
        self.others
            .iter()
            .any(|other| other.source == Source::Trusted && other.der == der)
    }

    /// Trusted ones first, then the sent ones, then the rest.
    fn issuers(&self) -> impl Iterator<Item = &Candidate<'a>> {
        let of = |trusted: bool| {
            self.others
                .iter()
                .filter(move |other| (other.source == Source::Trusted) == trusted)
        };
        of(true).chain(&self.sent).chain(of(false))
    }
}

/// A path as far as it could be built, leaf first.
pub(super) struct Path<'p, 'a> {
    pub(super) certificates: Vec<&'p Candidate<'a>>,
    /// Whether the last one is trusted.
    pub(super) anchored: bool,
    /// Certificates whose signatures could not be checked.
    unsupported: Vec<usize>,
    /// For the last one: a certificate with the issuer's name that did not sign it.
    impostor: Option<&'p Candidate<'a>>,
}

impl<'p, 'a> Path<'p, 'a> {
    pub(super) fn leaf(&self) -> &'p Candidate<'a> {
        self.certificates[0]
    }

    /// The role of the certificate at index `place`.
    pub(super) fn role(&self, place: usize) -> Role {
        if place == 0 {
            Role::Leaf
        } else if place + 1 == self.certificates.len() && self.anchored {
            Role::Root
        } else {
            Role::Intermediate
        }
    }

    pub(super) fn reference(&self, place: usize) -> CertificateRef {
        self.certificates[place].reference(self.role(place))
    }

    pub(super) fn references(&self) -> Vec<CertificateRef> {
        (0..self.certificates.len())
            .map(|place| self.reference(place))
            .collect()
    }
}

/// Finds the paths that reach a trusted certificate, in the order in which a verifier tries them;
/// if there is none, the longest one.
pub(super) fn all<'p, 'a>(pool: &'p Pool<'a>, leaf: &'p Candidate<'a>) -> Vec<Path<'p, 'a>> {
    let mut search = Search {
        pool,
        steps: 0,
        signatures: HashMap::new(),
        anchored: Vec::new(),
        longest: Vec::new(),
        impostor: None,
    };
    search.extend(&mut vec![leaf]);
    let anchored = !search.anchored.is_empty();
    let found = if anchored {
        std::mem::take(&mut search.anchored)
    } else {
        vec![std::mem::take(&mut search.longest)]
    };
    found
        .into_iter()
        .map(|certificates| Path {
            unsupported: search.unsupported(&certificates),
            certificates,
            anchored,
            impostor: search.impostor,
        })
        .collect()
}

struct Search<'p, 'a> {
    pool: &'p Pool<'a>,
    /// How many certificates were added to a path so far.
    steps: usize,
    /// The result of each check, by issuer and subject.
    signatures: HashMap<(*const u8, *const u8), Outcome>,
    anchored: Vec<Vec<&'p Candidate<'a>>>,
    longest: Vec<&'p Candidate<'a>>,
    impostor: Option<&'p Candidate<'a>>,
}

impl<'p, 'a> Search<'p, 'a> {
    /// Extends the path in all possible ways.
    fn extend(&mut self, path: &mut Vec<&'p Candidate<'a>>) {
        let Some(&last) = path.last() else { return };
        if last.source == Source::Trusted || self.pool.is_trusted(last.der) {
            self.anchored.push(path.clone());
            return;
        }
        let mut impostor = None;
        for issuer in self.pool.issuers() {
            if issuer.parsed.subject().as_raw() != last.parsed.issuer().as_raw()
                || path.iter().any(|known| known.der == issuer.der)
                || path.len() >= LENGTH_LIMIT
                || self.steps >= STEP_LIMIT
                || self.anchored.len() >= PATH_LIMIT
            {
                continue;
            }
            let Some(outcome) = self.signed(issuer, last) else {
                continue;
            };
            if outcome == Outcome::Bad {
                impostor = impostor.or(Some(issuer));
                continue;
            }
            self.steps += 1;
            path.push(issuer);
            self.extend(path);
            path.pop();
        }
        if path.len() > self.longest.len() {
            self.longest.clone_from(path);
            self.impostor = impostor;
        }
    }

    /// Whether `issuer` signed `subject`; none if the limit of checks was reached.
    fn signed(&mut self, issuer: &Candidate<'a>, subject: &Candidate<'a>) -> Option<Outcome> {
        let pair = (issuer.der.as_ptr(), subject.der.as_ptr());
        if let Some(known) = self.signatures.get(&pair) {
            return Some(*known);
        }
        if self.signatures.len() >= CHECK_LIMIT {
            return None;
        }
        let outcome = check_signed(issuer.parsed.public_key(), subject.der);
        self.signatures.insert(pair, outcome);
        Some(outcome)
    }

    fn unsupported(&self, path: &[&Candidate<'a>]) -> Vec<usize> {
        let pairs = path.windows(2).enumerate();
        pairs
            .filter(|(_, pair)| {
                let checked = self.signatures.get(&(pair[1].der.as_ptr(), pair[0].der.as_ptr()));
                checked == Some(&Outcome::Unsupported)
            })
            .map(|(place, _)| place)
            .collect()
    }
}

impl Path<'_, '_> {
    /// Why the path does not reach a trusted certificate, and what could not be checked.
    pub(super) fn broken(&self, nothing_trusted: bool) -> Vec<Fault> {
        let mut faults: Vec<Fault> = self
            .unsupported
            .iter()
            .map(|place| {
                let reference = self.reference(*place);
                let algorithm = self.certificates[*place]
                    .parsed
                    .signature_algorithm
                    .algorithm
                    .to_id_string();
                let what = format!("the signature algorithm of the {reference} is not supported");
                Fault::new(FaultCode::UnsupportedSignature, Some(reference), what).found(algorithm)
            })
            .collect();
        if !self.anchored {
            faults.push(self.why_not_anchored(nothing_trusted));
        }
        faults
    }

    fn why_not_anchored(&self, nothing_trusted: bool) -> Fault {
        let place = self.certificates.len() - 1;
        let last = self.certificates[place];
        let reference = self.reference(place);
        let issuer = display(last.parsed.issuer());
        if let Some(impostor) = self.impostor.filter(|_| !last.is_self_issued()) {
            return signed_by_another(last, reference, impostor, &issuer);
        }
        if last.is_self_issued() && place == 0 {
            let what = format!(
                "the certificate of {} is self-signed and not trusted itself",
                last.called()
            );
            return Fault::new(FaultCode::SelfSigned, Some(reference), what)
                .found(issuer)
                .fix(
                    Remedy::from(
                        "give the client this certificate as its CA (--cacert), or serve one signed by a CA; ",
                    )
                    .and(ours::gen_certs(ours::HOST))
                    .and(" creates one"),
                );
        }
        if last.is_self_issued() {
            let what = format!("the chain ends at the root \"{issuer}\", which is not trusted");
            return Fault::new(FaultCode::UnknownIssuer, Some(reference), what)
                .found(issuer)
                .fix("give the client the root of this chain (--cacert), or serve a chain from a CA that the client trusts");
        }
        let identifier = authority_key_identifier(&last.parsed)
            .map(|identifier| format!(", key identifier {}", with_colons(&identifier)))
            .unwrap_or_default();
        let found = format!("{issuer}{identifier}");
        if place == 0 && !nothing_trusted {
            let what = format!("the issuer of {} was not sent and is not a trusted CA", last.called());
            return Fault::new(FaultCode::IncompleteChain, Some(reference), what)
                .found(found)
                .fix("put the intermediate after the leaf in the served certificate file (cat leaf.pem intermediate.pem); or the CA is not the one that the client trusts");
        }
        let what = format!("\"{issuer}\", which signed the {reference}, is not trusted");
        Fault::new(FaultCode::UnknownIssuer, Some(reference), what)
            .found(found)
            .fix(
                "give the client the root of this chain (--cacert), or serve a chain from a CA that the client \
                trusts",
            )
    }

    /// What is unusual about the sent chain.
    pub(super) fn order(&self, pool: &Pool<'_>) -> Vec<Fault> {
        let mut notes = Vec::new();
        let places: Vec<usize> = self
            .certificates
            .iter()
            .filter_map(|certificate| pool.sent.iter().position(|sent| sent.der == certificate.der))
            .collect();
        if places.windows(2).any(|pair| pair[0] > pair[1]) {
            let order: Vec<String> = places.iter().map(|place| (place + 1).to_string()).collect();
            notes.push(
                Fault::new(
                    FaultCode::WrongOrder,
                    None,
                    "the certificates are not sent in order; some clients reorder them, but older ones do not".into(),
                )
                .expected("leaf, intermediates, each followed by its issuer (RFC 8446 section 4.4.2)")
                .found(format!("the order of the path is {}", order.join(", "))),
            );
        }
        if let Some(root) = pool
            .sent
            .iter()
            .skip(1)
            .find(|sent| sent.is_self_issued() && pool.is_trusted(sent.der))
        {
            notes.push(Fault::new(
                FaultCode::RootSent,
                Some(root.reference(Role::Root)),
                "the root is sent, too, but clients have it already".into(),
            ));
        }
        notes
    }
}

/// The fault of a certificate whose issuer is known by name but has another key.
fn signed_by_another(last: &Candidate<'_>, reference: CertificateRef, impostor: &Candidate<'_>, issuer: &str) -> Fault {
    let wanted = authority_key_identifier(&last.parsed);
    let held = subject_key_identifier(&impostor.parsed);
    match (wanted, held) {
        (Some(wanted), Some(held)) if wanted != held => {
            let what = format!(
                "\"{issuer}\" signed the {reference} with a different key than in the certificate of \
                    that name"
            );
            Fault::new(FaultCode::UnknownIssuer, Some(reference), what)
                .expected(with_colons(&held))
                .found(with_colons(&wanted))
                .fix("the CA may have been replaced: use certificates and CA of the same generation")
        }
        _ => {
            let what = format!("the signature of the {reference} does not verify with the key of \"{issuer}\"");
            Fault::new(FaultCode::BadSignature, Some(reference), what)
                .fix("the certificate was modified, or its CA was replaced under the same name: reissue it")
        }
    }
}

/// The fault of a chain whose first certificate is a CA, followed by a leaf.
pub(super) fn leaf_not_first(pool: &Pool<'_>) -> Option<Fault> {
    let first = pool.leaf().filter(|first| first.is_ca())?;
    let place = pool.sent.iter().position(|sent| !sent.is_ca())?;
    let leaf = &pool.sent[place];
    Some(
        Fault::new(
            FaultCode::WrongOrder,
            Some(first.reference(Role::Leaf)),
            format!(
                "the first certificate is the CA \"{}\"; the leaf is at position {}",
                first.called(),
                place + 1
            ),
        )
        .expected(leaf.reference(Role::Leaf).subject)
        .found(first.reference(Role::Leaf).subject)
        .fix("put the leaf first, and each issuer after the certificate that it signed"),
    )
}
