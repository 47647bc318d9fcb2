//! Why a server refused the client certificate: determined from the sent chain, the CAs that the
//! server accepts, and its alert. If several causes remain, all of them are listed. Pure.

use time::OffsetDateTime;

use super::codes::Code;
use super::expectation::{Expectation, HandWritten};
use super::facts::{Facts, HttpOutcome, Tls, TlsOutcome};
use super::served::{self, ServedCertificate};
use super::verdict::Verdict;
use super::verdict_client::accepted;
use crate::alert::Alert;
use crate::certs::CertificateDer;
use crate::certs::times::rfc3339;
use crate::certs::verify::{self, FaultCode, Purpose, Role, VerifyInput};
use crate::hex;
use crate::remedy::{Remedy, ours};

const SEND_ALONG: &str = "also send the intermediate: leaf, then intermediate, in --cert";
/// Where Envoy logs the details that its alert lacks: istio-proxy's log at debug level.
const LOOK_IN_LOG: &str = "the gateway's log shows which (istioctl proxy-config log POD --level connection:debug, then \"verify cert failed\" or \"TLS error\")";

/// What is known about the refusal.
struct Refusal<'a> {
    tls: &'a Tls,
    wanted: &'a Expectation,
    chain: Vec<ServedCertificate>,
    der: &'a [CertificateDer<'static>],
    alert: Option<u8>,
    now: OffsetDateTime,
}

/// The reason, as parts of a verdict.
struct Reason {
    expected: String,
    found: String,
    why: String,
    fix: Remedy,
}

/// The client certificate was sent and refused; `how` is in words.
pub(super) fn rejected(facts: &Facts, tls: &Tls, wanted: &Expectation, how: &str, now: OffsetDateTime) -> Verdict {
    let der: &[CertificateDer<'static>] = wanted.client.as_ref().map_or(&[], |pair| &pair.chain);
    let refusal = Refusal {
        tls,
        wanted,
        chain: der.iter().filter_map(|der| served::describe(der, now)).collect(),
        der,
        alert: alert_of(facts, tls),
        now,
    };
    let reason = refusal
        .by_revocation()
        .or_else(|| refusal.by_the_chain_itself())
        .or_else(|| refusal.by_the_gateways_list())
        .or_else(|| refusal.by_the_servers_clock())
        .unwrap_or_else(|| refusal.by_issuer());
    let source = wanted.client.as_ref().map(|pair| format!(" ({})", pair.source));
    Verdict::new(
        Code::ClientCertificateRejected,
        format!(
            "the server refuses the client certificate {:?}{}: {} ({how})",
            refusal.leaf(|leaf| &leaf.subject),
            source.unwrap_or_default(),
            reason.why
        ),
        reason.expected,
        reason.found,
        reason.fix,
    )
}

fn alert_of(facts: &Facts, tls: &Tls) -> Option<u8> {
    match (&tls.outcome, facts.http.as_ref().map(|http| &http.outcome)) {
        (TlsOutcome::Alert(Alert(alert)), _) | (_, Some(HttpOutcome::Alert(Alert(alert)))) => Some(*alert),
        _ => None,
    }
}

impl Refusal<'_> {
    fn leaf<'s>(&'s self, part: impl Fn(&'s ServedCertificate) -> &'s String) -> &'s str {
        self.chain.first().map_or("?", |leaf| part(leaf))
    }

    /// The remedy that renews a certificate of the sent chain.
    fn renew(&self, role: Role) -> Remedy {
        match (&self.wanted.entry, role) {
            (Some(entry), Role::Leaf) if entry.sends_own && entry.can_issue => ours::rotate_clients(&entry.host).into(),
            (Some(entry), _) if entry.sends_own && entry.can_issue => ours::rotate_ca(&entry.host).into(),
            (_, Role::Leaf) => Remedy::from("send a new certificate from the same CA"),
            _ => Remedy::from("have the client's CA reissued, and then the client certificate"),
        }
    }

    /// Alert 44: the leaf, or a CA above it.
    fn by_revocation(&self) -> Option<Reason> {
        if self.alert != Some(44) {
            return None;
        }
        let serial = self.leaf(|leaf| &leaf.serial);
        let above = if self.chain.len() > 1 {
            ", or that of a CA above it"
        } else {
            ""
        };
        Some(Reason {
            expected: "a certificate that is not revoked".to_owned(),
            found: format!("serial {serial}"),
            why: format!(
                "it is revoked: the server's CRL lists its serial {serial}{above}, but expected one that is not revoked"
            ),
            fix: self.renew(Role::Leaf),
        })
    }

    /// Faults that any verifier finds in the sent chain, regardless of its roots.
    fn by_the_chain_itself(&self) -> Option<Reason> {
        let verdict = verify::verify(&VerifyInput {
            chain: self.der,
            intermediates: &[],
            roots: &[],
            crls: &[],
            purpose: Purpose::Client,
            host: None,
            now: self.now,
        });
        let fault = verdict.faults.into_iter().find(|fault| {
            !matches!(
                fault.code,
                FaultCode::UnknownIssuer | FaultCode::IncompleteChain | FaultCode::SelfSigned | FaultCode::WrongOrder
            ) && self.may_be(fault.code)
        })?;
        let role = fault
            .certificate
            .as_ref()
            .map_or(Role::Leaf, |certificate| certificate.role);
        let leaf = role == Role::Leaf;
        let today = rfc3339(self.now);
        let why = match fault.code {
            FaultCode::CertificateExpired if leaf => {
                format!(
                    "it expired at {}, and it is now {today}",
                    self.leaf(|leaf| &leaf.not_after)
                )
            }
            FaultCode::WrongEku if leaf && self.chain.first().is_some_and(|leaf| !allows_clients(leaf)) => {
                let purposes = self.chain[0].purposes.join(", ");
                format!("it allows only {purposes}, but a client certificate needs extendedKeyUsage clientAuth")
            }
            FaultCode::WrongEku if !leaf => format!("{}, so it cannot sign client certificates", fault.what),
            _ => fault.what.clone(),
        };
        let fix = match (
            fault.code,
            self.wanted.entry.as_ref().and_then(|entry| entry.client.as_ref()),
        ) {
            (FaultCode::WrongEku, Some(own)) if leaf => {
                format!("send the client certificate ({own}), not a server certificate").into()
            }
            (FaultCode::WrongEku, None) if leaf => {
                "send a client certificate, with clientAuth and digitalSignature, not a server certificate".into()
            }
            (FaultCode::WrongEku, _) => {
                "have the intermediate reissued with extendedKeyUsage clientAuth, or without that extension".into()
            }
            _ => self.renew(role),
        };
        Some(Reason {
            expected: match fault.code {
                FaultCode::CertificateExpired => format!("valid at {today}"),
                _ => fault.expected.unwrap_or_else(|| "a valid chain".to_owned()),
            },
            found: fault.found.unwrap_or_else(|| fault.code.as_str().to_owned()),
            why,
            fix,
        })
    }

    /// Whether the server's alert is consistent with a fault of the chain.
    fn may_be(&self, code: FaultCode) -> bool {
        use FaultCode::{
            BadSignature, CaAsLeaf, CertificateExpired, CertificateNotYetValid, DuplicateExtension, IssuerNotCa,
            NameConstraintViolation, PathTooLong, UnsupportedKey, WeakKey, WeakSignature, WrongEku, X509V1,
        };
        let told: &[FaultCode] = match self.alert {
            None | Some(40 | 42 | 46 | 49 | 80) => return true,
            Some(45) => &[CertificateExpired, CertificateNotYetValid],
            Some(43 | 47) => &[WrongEku, CaAsLeaf, X509V1, WeakKey, UnsupportedKey],
            // BoringSSL reports an issuer that is not a CA, or an exceeded path length, as an
            // unknown CA.
            Some(48) => &[IssuerNotCa, PathTooLong, NameConstraintViolation, WeakSignature, X509V1],
            Some(50 | 51) => &[BadSignature, UnsupportedKey, DuplicateExtension],
            _ => &[],
        };
        told.contains(&code)
    }

    /// The names and pins that a Gateway requires in addition to the CA.
    fn by_the_gateways_list(&self) -> Option<Reason> {
        let place = match &self.wanted.hand_written {
            Some(HandWritten { place, server }) => format!("{server}.tls of {place}"),
            None => "spec.servers[].tls of the Gateway".to_owned(),
        };
        let sha256 = |bytes: &[u8]| hex::digits(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
        match self.alert? {
            114 => {
                let held = self.leaf(|leaf| &leaf.sha256);
                let key = self.der.first().and_then(|der| served::public_key(der));
                let key = key.map_or_else(|| "?".to_owned(), |key| sha256(&key));
                Some(Reason {
                    expected: "a certificate or key that the Gateway pins".to_owned(),
                    found: format!("certificate SHA-256 {held}"),
                    why: format!("the server pins neither its SHA-256 {held} nor that of its public key, {key}"),
                    fix: format!("send the pinned certificate, or put {held} into verifyCertificateHash of {place}")
                        .into(),
                })
            }
            alert @ (46 | 49) => {
                let names = self.chain.first().map(|leaf| leaf.names.join(", "));
                let names = names
                    .filter(|names| !names.is_empty())
                    .unwrap_or_else(|| "none".to_owned());
                let pins = if alert == 49 { " or its pins" } else { "" };
                Some(Reason {
                    expected: "a name of the Gateway's subjectAltNames".to_owned(),
                    found: names.clone(),
                    why: format!(
                        "its CA is accepted, but not the certificate itself: as far as the alert shows, none of its names ({names}) is in the server's subjectAltNames{pins}"
                    ),
                    fix: format!(
                        "send a certificate with a name from subjectAltNames in {place}, or add one of its names there; {LOOK_IN_LOG}"
                    )
                    .into(),
                })
            }
            _ => None,
        }
    }

    /// Alert 45, although everything is valid by the local clock.
    fn by_the_servers_clock(&self) -> Option<Reason> {
        if self.alert != Some(45) {
            return None;
        }
        let (from, to) = (self.leaf(|leaf| &leaf.not_before), self.leaf(|leaf| &leaf.not_after));
        Some(Reason {
            expected: "a certificate that is valid by the server's clock".to_owned(),
            found: format!("{from} to {to}"),
            why: format!(
                "it has expired or is not yet valid by the server's clock, or the server's own CA or CRL has expired; it is valid from {from} to {to}"
            ),
            fix: Remedy::from(
                "compare the clocks, and check the CA and CRL in the Secret (istio-tls inspect secret/NAME); or ",
            )
            .and(self.renew(Role::Leaf)),
        })
    }

    /// The CA: the intermediate was not sent, or the server accepts different ones.
    fn by_issuer(&self) -> Reason {
        let accepted = accepted(self.tls);
        let issuer = self.leaf(|leaf| &leaf.issuer).to_owned();
        let known = &self.tls.client_certificate.authorities_der;
        let reaches = self
            .der
            .iter()
            .any(|der| served::issuer_der(der).is_some_and(|issuer| known.contains(&issuer)));
        let add = format!("add the issuer to ca.crt of the Secret of {}", self.wanted.host);
        let self_signed = self.chain.first().is_some_and(|leaf| leaf.subject == leaf.issuer);
        let (why, fix): (String, Remedy) = if reaches {
            (
                format!(
                    "it chains to {accepted} by name, but cannot be verified: the server's CA with that name has another key, or the alert has a different cause"
                ),
                format!("send a certificate from the current CA, or {add}; {LOOK_IN_LOG}").into(),
            )
        } else if self.chain.len() == 1 && !self_signed {
            (
                format!(
                    "it was issued by {issuer:?} and sent alone, and the server accepts {accepted}: either {issuer:?} is an intermediate, which must be sent too, or it is another CA"
                ),
                Remedy::from(format!(
                    "{SEND_ALONG}; if it is another CA, send a certificate from a CA that the server accepts, or {add}"
                )),
            )
        } else {
            (
                format!("it was issued by {issuer:?}, but the server accepts {accepted}"),
                format!("send a certificate from a CA that the server accepts, or {add}").into(),
            )
        };
        Reason {
            expected: accepted,
            found: issuer,
            why,
            fix,
        }
    }
}

fn allows_clients(leaf: &ServedCertificate) -> bool {
    leaf.purposes.is_empty()
        || leaf
            .purposes
            .iter()
            .any(|purpose| purpose == "clientAuth" || purpose == "anyExtendedKeyUsage")
}
