//! The clients that stand in a chain's folder, for `rotate` and `status`: who is
//! to be let in by the gateway, and who no longer.

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::failure::Failure;
use super::surroundings::Surroundings;
use crate::certs::verify::{Purpose, VerifyInput, verify};
use crate::certs::{CertificateDer, CertificateRevocationListDer, PrivateKey, key, pem, renew};
use crate::files::shown;
use crate::workspace::layout::{ChainLayout, Part, STATE_FOLDER};
use crate::workspace::store;

/// One client's certificate, its key if it is here.
pub struct HeldClient {
    /// Its name.
    pub name: String,
    /// Its certificate, then what is above it.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key; none where it is not here, or cannot be read.
    pub key: Option<PrivateKey>,
    /// A PKCS#12 bundle of it is here.
    pub has_bundle: bool,
    /// A gateway that trusts the CAs beside it lets it in: it has not ended, and is
    /// not revoked.
    pub is_good: bool,
}

impl HeldClient {
    /// Whether it can be shown to a gateway which must let it in.
    pub fn can_be_shown(&self) -> bool {
        self.is_good && self.key.is_some()
    }
}

/// The certificates of a part; none when it is not there.
///
/// # Errors
/// When it cannot be read, or holds no certificate.
pub fn certificates(layout: &ChainLayout, part: Part<'_>) -> Result<Vec<CertificateDer<'static>>, Failure> {
    match store::read(layout, part).map_err(Failure::usage)? {
        Some(content) => pem::certificates(&content, &shown(&layout.path(part))).map_err(Failure::usage),
        None => Ok(Vec::new()),
    }
}

/// The clients of a chain, the host's own first.
///
/// # Errors
/// When they cannot be read.
pub fn of_chain(layout: &ChainLayout, now: OffsetDateTime) -> Result<Vec<HeldClient>, Failure> {
    read(layout, layout, now)
}

/// The clients of the CA that goes when the rotation of a chain's CA ends; none
/// when none was begun.
///
/// # Errors
/// As [`of_chain`].
pub fn of_previous_ca(layout: &ChainLayout, now: OffsetDateTime) -> Result<Vec<HeldClient>, Failure> {
    read(&layout.previous_ca(), layout, now)
}

/// Clients that the chain's last change took out of what the gateway is to trust,
/// as the tree that was replaced holds them. `trusted` are the CAs that the gateway
/// verifies clients with by the files.
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

/// The clients of `layout`; the revocation lists of both CAs stand in `listed`.
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
            // A client's own encrypted key is nothing that is needed here.
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

/// The revocation lists of a chain.
fn lists(layout: &ChainLayout) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let mut lists = Vec::new();
    for part in [Part::IntermediateCrl, Part::RootCrl] {
        if let Some(content) = store::read(layout, part).map_err(Failure::usage)? {
            lists.extend(pem::crls(&content, &shown(&layout.path(part))).map_err(Failure::usage)?);
        }
    }
    Ok(lists)
}
