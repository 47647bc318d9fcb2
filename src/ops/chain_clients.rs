//! The clients in a chain's folder, for `rotate` and `status`: which of them the gateway
//! must accept, and which no longer.

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::failure::Failure;
use super::surroundings::Surroundings;
use crate::certs::verify::{Purpose, VerifyInput, verify};
use crate::certs::{CertificateDer, CertificateRevocationListDer, PrivateKey, key, pem, renew};
use crate::files::shown;
use crate::workspace::layout::{ChainLayout, Part, STATE_FOLDER};
use crate::workspace::store;

/// A client's certificate, and its key if it is here.
pub struct HeldClient {
    /// Its name.
    pub name: String,
    /// Its certificate, then those above it.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key; none if it is not here or cannot be read.
    pub key: Option<PrivateKey>,
    /// Its PKCS#12 bundle exists.
    pub has_bundle: bool,
    /// A gateway that trusts the CAs beside it accepts it: it is neither expired nor
    /// revoked.
    pub is_good: bool,
}

impl HeldClient {
    /// Whether it can be presented to a gateway that must accept it.
    pub fn can_be_shown(&self) -> bool {
        self.is_good && self.key.is_some()
    }
}

/// The certificates of a part; none if it does not exist.
///
/// # Errors
/// If it cannot be read, or contains no certificate.
pub fn certificates(layout: &ChainLayout, part: Part<'_>) -> Result<Vec<CertificateDer<'static>>, Failure> {
    match store::read(layout, part).map_err(Failure::usage)? {
        Some(content) => pem::certificates(&content, &shown(&layout.path(part))).map_err(Failure::usage),
        None => Ok(Vec::new()),
    }
}

/// The clients of a chain, with the host's default client first.
///
/// # Errors
/// If they cannot be read.
pub fn of_chain(layout: &ChainLayout, now: OffsetDateTime) -> Result<Vec<HeldClient>, Failure> {
    read(layout, layout, now)
}

/// The clients of the CA that is removed when the replacement of a chain's CA finishes;
/// none if none was started.
///
/// # Errors
/// As [`of_chain`].
pub fn of_previous_ca(layout: &ChainLayout, now: OffsetDateTime) -> Result<Vec<HeldClient>, Failure> {
    read(&layout.previous_ca(), layout, now)
}

/// Clients that the gateway must no longer trust since the chain's last change, from the
/// tree that was replaced. `trusted` are the CAs that the gateway verifies clients with,
/// according to the files.
///
/// # Errors
/// As [`of_chain`].
pub fn gone(
    layout: &ChainLayout,
    trusted: &[CertificateDer<'static>],
    here: &Surroundings,
) -> Result<Vec<HeldClient>, Failure> {
    let kept = layout.kept_in(&here.dir.join(STATE_FOLDER).join("old"));
    let mut clients = of_previous_ca(&kept, here.now)?;
    clients.extend(of_chain(&kept, here.now)?);
    clients.retain(|client| {
        let is_issued = |leaf| trusted.iter().any(|ca| renew::is_issued_by(leaf, ca));
        client.chain.first().is_some_and(|leaf| !is_issued(leaf))
    });
    Ok(clients)
}

/// The clients of `layout`; `listed` are the CRLs of both CAs.
fn read(layout: &ChainLayout, listed: &ChainLayout, now: OffsetDateTime) -> Result<Vec<HeldClient>, Failure> {
    let names = store::clients(layout).map_err(Failure::usage)?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut roots = certificates(layout, Part::CaChain)?;
    if roots.is_empty() {
        roots = certificates(layout, Part::RootCert)?;
    }
    let crls = lists(listed)?;
    let mut found = Vec::new();
    for name in names {
        let part = Part::ClientKey(&name);
        let key = match store::read(layout, part).map_err(Failure::usage)?.map(Zeroizing::new) {
            // A client's encrypted key is not needed here.
            Some(content) => key::read(&content, &shown(&layout.path(part)), None).ok(),
            None => None,
        };
        let chain = certificates(layout, Part::ClientCert(&name))?;
        let verdict = verify(&VerifyInput {
            chain: &chain,
            intermediates: &[],
            roots: &roots,
            crls: &crls,
            purpose: Purpose::Client,
            host: None,
            now,
        });
        found.push(HeldClient {
            is_good: verdict.first().is_none(),
            chain,
            has_bundle: layout.path(Part::ClientBundle(&name)).exists(),
            name,
            key,
        });
    }
    Ok(found)
}

/// The CRLs of a chain.
fn lists(layout: &ChainLayout) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let mut lists = Vec::new();
    for part in [Part::IntermediateCrl, Part::RootCrl] {
        if let Some(content) = store::read(layout, part).map_err(Failure::usage)? {
            lists.extend(pem::crls(&content, &shown(&layout.path(part))).map_err(Failure::usage)?);
        }
    }
    Ok(lists)
}
