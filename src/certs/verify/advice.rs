//! Remedies for faults of a workspace's own chain: it is renewed from the same CA, whatever is
//! wrong with it.

use super::{Fault, FaultCode, Purpose, Role, Verdict};
use crate::names::Host;
use crate::remedy::{Line, Remedy, ours};

/// The origin of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'a> {
    /// The workspace's chain for this host, whose CA can issue certificates.
    Workspace(&'a Host),
    /// Another chain, with an unknown issuer.
    Elsewhere,
}

impl Verdict {
    /// The verdict with remedies that match the origin of the chain.
    #[must_use]
    pub fn advised(mut self, purpose: Purpose, origin: Origin<'_>) -> Self {
        if let Origin::Workspace(host) = origin {
            for fault in &mut self.faults {
                if let Some(fix) = renewal(fault, purpose, host) {
                    fault.fix = Some(fix);
                }
            }
        }
        self
    }
}

/// The command that renews the certificate at fault; none if that does not help.
fn renewal(fault: &Fault, purpose: Purpose, host: &Host) -> Option<Remedy> {
    let role = fault
        .certificate
        .as_ref()
        .map_or(Role::Leaf, |certificate| certificate.role);
    let line = match (role, purpose) {
        (Role::Leaf, Purpose::Server) => ours::rotate(host),
        (Role::Leaf, Purpose::Client) => ours::rotate_clients(host),
        (Role::Intermediate | Role::Root, _) => ours::rotate_ca(host),
    };
    match fault.code {
        FaultCode::CertificateExpired
        | FaultCode::CertificateRevoked
        | FaultCode::BadSignature
        | FaultCode::X509V1
        | FaultCode::CaAsLeaf
        | FaultCode::NoSan
        | FaultCode::WrongEku
        | FaultCode::WeakKey
        | FaultCode::UnsupportedKey
        | FaultCode::WeakSignature
        | FaultCode::UnsupportedSignature
        | FaultCode::DuplicateExtension
        | FaultCode::UnknownCriticalExtension => Some(line.into()),
        FaultCode::CertificateNotYetValid => Some(
            Remedy::from("check the clock of this machine; or ")
                .and(line)
                .and(" issues one that is valid now"),
        ),
        // A CA with this name and another key: it was replaced in the meantime.
        FaultCode::UnknownIssuer if fault.expected.is_some() => Some(line.into()),
        FaultCode::NameMismatch => Some(
            Remedy::from("use a name that the certificate has; or issue one with this name: ")
                .and(naming(fault, host, line)),
        ),
        FaultCode::NoCertificate
        | FaultCode::CertificateUnreadable
        | FaultCode::WrongOrder
        | FaultCode::SelfSigned
        | FaultCode::IncompleteChain
        | FaultCode::UnknownIssuer
        | FaultCode::IssuerNotCa
        | FaultCode::PathTooLong
        | FaultCode::NameConstraintViolation
        | FaultCode::MustStaple
        | FaultCode::RootSent
        | FaultCode::CrlExpired
        | FaultCode::CrlNotTrusted => None,
    }
}

/// The command that adds the requested name to the certificate; a renewed one has the host's own
/// name.
fn naming(fault: &Fault, host: &Host, renewal: Line) -> Line {
    let asked = fault.expected.as_deref().and_then(|name| Host::parse(name).ok());
    match asked.filter(|asked| !asked.is_covered_by(host.as_str())) {
        Some(other) => ours::add_name(host, other.as_str()),
        None => renewal,
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;
    use crate::certs::verify::{CertificateRef, Fault, FaultCode, Purpose, Role, Verdict};
    use crate::names::Host;

    fn advice(code: FaultCode, role: Role, purpose: Purpose, expected: Option<&str>) -> Option<String> {
        let host = Host::parse("a.com").expect("a host");
        let certificate = CertificateRef {
            role,
            subject: "CN=a.com".to_owned(),
            serial: "01".to_owned(),
        };
        let mut fault = Fault::new(code, Some(certificate), "a fault".to_owned());
        fault.expected = expected.map(str::to_owned);
        let verdict = Verdict {
            path: Vec::new(),
            faults: vec![fault],
            notes: Vec::new(),
        };
        let advised = verdict.advised(purpose, Origin::Workspace(&host));
        advised.faults[0].fix.as_ref().map(ToString::to_string)
    }

    #[test]
    fn a_chain_of_the_workspace_is_renewed_and_never_replaced() {
        use FaultCode::{CertificateExpired, CertificateRevoked, NameMismatch, UnknownIssuer};
        for (code, role, purpose, expected, line) in [
            (
                CertificateExpired,
                Role::Leaf,
                Purpose::Server,
                None,
                Some("istio-tls rotate a.com"),
            ),
            (
                CertificateRevoked,
                Role::Leaf,
                Purpose::Client,
                None,
                Some("istio-tls rotate a.com --clients"),
            ),
            (
                CertificateExpired,
                Role::Intermediate,
                Purpose::Server,
                None,
                Some("istio-tls rotate a.com --ca"),
            ),
            (
                NameMismatch,
                Role::Leaf,
                Purpose::Server,
                Some("a.com"),
                Some("istio-tls rotate a.com"),
            ),
            (
                NameMismatch,
                Role::Leaf,
                Purpose::Server,
                Some("b.com"),
                Some("istio-tls gen-certs a.com --san b.com"),
            ),
            (UnknownIssuer, Role::Leaf, Purpose::Server, None, None),
        ] {
            let said = advice(code, role, purpose, expected);
            assert_eq!(said.is_some(), line.is_some(), "{said:?}");
            assert!(said.is_none_or(|said| line.is_some_and(|line| said.ends_with(line)) && !said.contains("--force")));
        }
    }
}
