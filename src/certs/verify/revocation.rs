//! Looks up every certificate of a path in the given CRLs (RFC 5280 section 6.3).

use rustls::pki_types::CertificateRevocationListDer;
use time::OffsetDateTime;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::path::Path;
use super::{Fault, FaultCode};
use crate::certs::names::display;
use crate::certs::signature::{Outcome, check_signed};
use crate::certs::times::shown;

pub(super) fn check(
    path: &Path<'_, '_>,
    crls: &[CertificateRevocationListDer<'_>],
    now: OffsetDateTime,
    faults: &mut Vec<Fault>,
    notes: &mut Vec<Fault>,
) {
    for der in crls {
        let Ok((_, crl)) = CertificateRevocationList::from_der(der) else {
            continue;
        };
        let issued = path
            .certificates
            .windows(2)
            .enumerate()
            .filter(|(_, pair)| pair[0].parsed.issuer().as_raw() == crl.issuer().as_raw());
        for (place, pair) in issued {
            let issuer = display(crl.issuer());
            if check_signed(pair[1].parsed.public_key(), der) != Outcome::Good {
                notes.push(Fault::new(
                    FaultCode::CrlNotTrusted,
                    Some(path.reference(place + 1)),
                    format!("the CRL of \"{issuer}\" is not signed by the CA with that name, and is not used"),
                ));
                continue;
            }
            if let Some(next) = crl.next_update().map(|next| next.to_datetime())
                && next < now
            {
                notes.push(
                    Fault::new(
                        FaultCode::CrlExpired,
                        Some(path.reference(place + 1)),
                        format!("the CRL of \"{issuer}\" expired on {}", shown(next)),
                    )
                    .found(shown(next)),
                );
            }
            let serial = pair[0].parsed.raw_serial();
            if let Some(entry) = crl
                .iter_revoked_certificates()
                .find(|entry| entry.raw_serial() == serial)
            {
                let reference = path.reference(place);
                let when = shown(entry.revocation_date.to_datetime());
                let what = format!("the {reference} was revoked by \"{issuer}\" on {when}");
                faults.push(
                    Fault::new(FaultCode::CertificateRevoked, Some(reference.clone()), what)
                        .found(format!("serial {}", reference.serial))
                        .fix("issue a new certificate"),
                );
            }
        }
    }
}
