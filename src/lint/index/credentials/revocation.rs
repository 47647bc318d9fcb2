//! The parts of a CRL that rules check (RFC 5280 section 5).

use rustls::pki_types::CertificateRevocationListDer;
use time::OffsetDateTime;
use x509_parser::prelude::FromDer as _;

use crate::certs::names::display;

/// A CRL.
pub(crate) struct RevocationList {
    /// The CA, in the form `C=US, CN=a`.
    pub issuer: String,
    /// The CA's name as encoded in the CRL.
    pub issuer_name: Vec<u8>,
    /// The nextUpdate time.
    pub next_update: Option<OffsetDateTime>,
}

impl RevocationList {
    /// Parses a CRL; none if it is not one.
    pub(crate) fn read(der: &CertificateRevocationListDer<'_>) -> Option<Self> {
        let (_, parsed) = x509_parser::revocation_list::CertificateRevocationList::from_der(der).ok()?;
        Some(Self {
            issuer: display(parsed.issuer()),
            issuer_name: parsed.issuer().as_raw().to_vec(),
            next_update: parsed.next_update().map(|next| next.to_datetime()),
        })
    }
}
