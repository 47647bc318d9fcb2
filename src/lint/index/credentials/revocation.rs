//! What rules look at in a revocation list (RFC 5280 section 5).

use rustls::pki_types::CertificateRevocationListDer;
use time::OffsetDateTime;
use x509_parser::prelude::FromDer as _;

use crate::certs::names::display;

/// One list.
pub(crate) struct RevocationList {
    /// The CA, as `C=US, CN=a`.
    pub issuer: String,
    /// The CA's name, as it stands in the list.
    pub issuer_name: Vec<u8>,
    /// Until when the next list is promised.
    pub next_update: Option<OffsetDateTime>,
}

impl RevocationList {
    /// Reads a list; none if it is no list.
    pub(crate) fn read(der: &CertificateRevocationListDer<'_>) -> Option<Self> {
        let (_, parsed) = x509_parser::revocation_list::CertificateRevocationList::from_der(der).ok()?;
        Some(Self {
            issuer: display(parsed.issuer()),
            issuer_name: parsed.issuer().as_raw().to_vec(),
            next_update: parsed.next_update().map(|next| next.to_datetime()),
        })
    }
}
