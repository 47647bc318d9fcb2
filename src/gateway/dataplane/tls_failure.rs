//! A failed handshake in words: which side gave up, with which alert, and what
//! that means. Pure; no key material is ever in reach.

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use crate::alert::Alert;
use crate::remedy::{Aim, Remedy, ours};

/// Why a handshake failed, for one log line, to a user who stands at `aim`.
pub(super) fn explain(error: &std::io::Error, aim: &Aim) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(error) => explain_tls(error, aim),
        None => match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                "the client closed the connection during the handshake (a probe that only connects, or a client that does \
                 not trust the certificate and says nothing)"
                    .to_owned()
            }
            std::io::ErrorKind::ConnectionReset => "the client reset the connection during the handshake".to_owned(),
            std::io::ErrorKind::TimedOut => "the client did not finish the handshake in time".to_owned(),
            _ => format!("the connection broke during the handshake: {error}"),
        },
    }
}

fn explain_tls(error: &Error, aim: &Aim) -> String {
    match error {
        Error::AlertReceived(alert) => {
            let sent = Alert(u8::from(*alert));
            format!("the client gave up and sent the alert {} ({}): {}", sent.name(), sent.0, client_alert_means(*alert))
        }
        Error::NoCertificatesPresented => {
            "the gateway refused the client: it presented no certificate, and this server's TLS mode is MUTUAL; sent the \
             alert certificate_required (116); use --cert and --key, or the mode OPTIONAL_MUTUAL or SIMPLE"
                .to_owned()
        }
        Error::InvalidCertificate(reason) => {
            let (words, alert) = client_certificate_fault(reason);
            let fix = fix(reason).map(|fix| format!("; {}", fix.words(aim))).unwrap_or_default();
            format!("the gateway refused the client's certificate: {words}; sent the alert {alert}{fix}")
        }
        Error::PeerIncompatible(reason) => incompatible(reason),
        Error::InvalidMessage(_) => "the client sent something that is no TLS handshake".to_owned(),
        Error::PeerMisbehaved(_) => format!("the client broke the TLS protocol: {error}"),
        other => format!("the handshake failed: {other}"),
    }
}

/// What helps where the gateway's user can do something about it.
fn fix(reason: &CertificateError) -> Option<Remedy> {
    match reason {
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            Some(Remedy::from("renew the list: ").and(ours::revoke_renew(ours::HOST)))
        }
        _ => None,
    }
}

fn client_certificate_fault(reason: &CertificateError) -> (&'static str, &'static str) {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("it has expired", "certificate_expired (45)")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("it is not valid yet (or a clock is wrong)", "certificate_expired (45)")
        }
        CertificateError::Revoked => ("a revocation list names it", "certificate_revoked (44)"),
        CertificateError::UnknownIssuer => (
            "no CA of this server's ca.crt (caCertificates) issued it, or its intermediate was not sent along",
            "unknown_ca (48)",
        ),
        CertificateError::UnknownRevocationStatus => (
            "there is a revocation list for one CA of its chain but not for all, so its status is unknown",
            "unknown_ca (48)",
        ),
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => (
            "the revocation list of its CA is past its next update, and Envoy refuses every client of that CA then",
            "unknown_ca (48)",
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => (
            "its extended key usage does not allow client authentication (a server certificate used as client?)",
            "unsupported_certificate (43)",
        ),
        CertificateError::ApplicationVerificationFailure => (
            "it is trusted, but matches none of verifyCertificateSpki and verifyCertificateHash",
            "access_denied (49)",
        ),
        CertificateError::Other(_) => (
            "it is trusted, but has none of the names in subjectAltNames",
            "certificate_unknown (46)",
        ),
        CertificateError::BadSignature => (
            "its signature is wrong: the key does not belong to it",
            "decrypt_error (51)",
        ),
        CertificateError::BadEncoding => ("it cannot be read", "bad_certificate (42)"),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            "it is signed with an algorithm that is not accepted",
            "bad_certificate (42)",
        ),
        _ => ("it does not verify", "bad_certificate (42)"),
    }
}

fn incompatible(reason: &PeerIncompatible) -> String {
    let words = match reason {
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => {
            "it offers no TLS version that this server allows; sent the alert protocol_version (70)"
        }
        PeerIncompatible::NoCipherSuitesInCommon => {
            "it offers no cipher suite that this server allows; sent the alert handshake_failure (40)"
        }
        PeerIncompatible::NoKxGroupsInCommon | PeerIncompatible::NamedGroupsExtensionRequired => {
            "it offers no key exchange group that this server knows; sent the alert handshake_failure (40)"
        }
        PeerIncompatible::NoSignatureSchemesInCommon => {
            "it verifies no signature that this server's key can make; sent the alert handshake_failure (40)"
        }
        _ => "the two share no way to speak TLS; sent the alert handshake_failure (40)",
    };
    format!("the gateway refused the client: {words}")
}

fn client_alert_means(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::UnknownCA => {
            "it does not trust the CA of this server's certificate; give it the root (curl: --cacert)"
        }
        AlertDescription::CertificateUnknown | AlertDescription::BadCertificate => {
            "it does not accept this server's certificate (browsers say so when the CA is not installed)"
        }
        AlertDescription::CertificateExpired => "for it this server's certificate has expired, or is not valid yet",
        AlertDescription::CertificateRevoked => "for it this server's certificate is revoked",
        AlertDescription::UnsupportedCertificate => "this server's certificate is of a kind that it does not take",
        AlertDescription::ProtocolVersion => "it speaks no TLS version that this server offers",
        AlertDescription::HandshakeFailure => "it found no common cipher suite, group or signature",
        AlertDescription::DecryptError => "a signature or finished message did not check out",
        AlertDescription::UserCanceled | AlertDescription::CloseNotify => "it changed its mind",
        _ => "it did not say more",
    }
}

#[cfg(test)]
mod tests {
    use super::explain;
    use rustls::{AlertDescription, CertificateError, Error};

    use crate::remedy::Aim;

    #[test]
    fn each_side_is_named() {
        for (error, words) in [
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                "the client gave up and sent the alert unknown_ca (48)",
            ),
            (
                Error::NoCertificatesPresented,
                "the gateway refused the client: it presented no certificate",
            ),
            (
                Error::InvalidCertificate(CertificateError::UnknownIssuer),
                "the gateway refused the client's certificate",
            ),
        ] {
            let text = explain(
                &std::io::Error::new(std::io::ErrorKind::InvalidData, error),
                &Aim::default(),
            );
            assert!(text.starts_with(words), "{text}");
        }
    }

    #[test]
    fn what_helps_leads_back_to_the_workspace() {
        let aim = Aim {
            dir: Some("my ws".to_owned()),
        };
        let error = Error::InvalidCertificate(CertificateError::ExpiredRevocationList);
        let text = explain(&std::io::Error::new(std::io::ErrorKind::InvalidData, error), &aim);
        assert!(
            text.ends_with("; renew the list: istio-tls -C 'my ws' revoke HOST --renew"),
            "{text}"
        );
    }
}
