//! A summary of a certificate: what identifies it, and its validity.

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::names;
use crate::hex;
use crate::problem::Problem;

/// A summary of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSummary {
    /// The serial number, hex with colons.
    pub serial: String,
    /// The start of its validity.
    pub not_before: OffsetDateTime,
    /// The end of its validity.
    pub not_after: OffsetDateTime,
    /// SHA-256 of the whole certificate, hex with colons.
    pub sha256: String,
}

impl CertificateSummary {
    /// Reads a certificate.
    ///
    /// # Errors
    /// If it is not an X.509 certificate.
    pub fn of(der: &CertificateDer<'_>) -> Result<Self, Problem> {
        let (_, parsed) = X509Certificate::from_der(der).map_err(|_| {
            Problem::new("a certificate cannot be read").why(
                "its content is not an X.509 \
                certificate",
            )
        })?;
        let validity = parsed.validity();
        Ok(Self {
            serial: names::serial(&parsed),
            not_before: validity.not_before.to_datetime(),
            not_after: validity.not_after.to_datetime(),
            sha256: hex::with_colons(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der).as_ref()),
        })
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, OffsetDateTime};

    use super::CertificateSummary;
    use crate::certs::plan::ChainPlan;
    use crate::certs::{Authority, inspect, issue_chain, times};
    use crate::names::Host;

    #[test]
    fn it_says_what_inspect_says() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time");
        let host = Host::parse("a.com").expect("a host");
        let chain = issue_chain(&ChainPlan::new(host), Authority::New, now).expect("a chain");
        let leaf = &chain.server.certificate;
        let (short, whole) = (
            CertificateSummary::of(leaf).expect("a summary"),
            inspect::certificate(leaf, now).expect("its facts"),
        );
        assert_eq!((&short.serial, &short.sha256), (&whole.serial, &whole.sha256));
        assert_eq!(times::rfc3339(short.not_before), whole.not_before);
        assert_eq!(times::rfc3339(short.not_after), whole.not_after);
        assert!(short.not_after - now > Duration::days(300));
        assert!(CertificateSummary::of(&b"none".as_slice().into()).is_err());
    }
}
