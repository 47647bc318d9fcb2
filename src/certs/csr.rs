//! Certificate signing requests (PKCS#10, RFC 2986): reading them, and checking their signature as
//! proof of possession of the key.

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use super::plan::San;
use super::signature::{self, Outcome};
use super::{names, pem};
use crate::problem::Problem;
use crate::remedy::other;

/// A request with a verified signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The SubjectPublicKeyInfo (DER).
    pub(super) public_key: Vec<u8>,
    /// The requested subject, for display; the issued certificate has the plan's.
    pub subject: String,
    /// The requested names.
    pub sans: Vec<San>,
}

/// Reads a request, PEM or DER. Errors contain `name`.
///
/// # Errors
/// If it is invalid, its signature does not verify, its key is too weak, or it requests a name that
/// is not supported here.
pub fn read(content: &[u8], name: &str) -> Result<CertificateRequest, Problem> {
    let der = if !pem::is_pem(content) && pem::is_der(content) {
        content.to_vec()
    } else {
        let blocks = pem::blocks(content, name)?;
        let request = blocks.iter().find(|block| {
            matches!(
                block.label.as_str(),
                pem::CERTIFICATE_REQUEST | "NEW CERTIFICATE REQUEST"
            )
        });
        let Some(request) = request else {
            return Err(Problem::new(format!("{name} holds no certificate request"))
                .why("none of its PEM blocks is a CERTIFICATE REQUEST")
                .fix(other::make_request()));
        };
        request.der.to_vec()
    };
    let refused = |why: String| {
        Problem::new(format!(
            "{name} holds a certificate request that is not \
        acceptable"
        ))
        .why(why)
    };
    let (_, request) = X509CertificationRequest::from_der(&der)
        .map_err(|_| Problem::new(format!("{name} holds no certificate request")).why("its content is not PKCS#10"))?;
    let info = &request.certification_request_info;
    match signature::check_signed(&info.subject_pki, &der) {
        Outcome::Good => {}
        Outcome::Bad => {
            return Err(refused(
                "its signature does not verify, so it does not prove possession of the key".into(),
            ));
        }
        Outcome::Unsupported => return Err(refused("its signature algorithm is not supported".into())),
    }
    if let Ok(PublicKey::RSA(key)) = info.subject_pki.parsed()
        && key.key_size() < 2048
    {
        return Err(refused(format!(
            "its RSA key has {} bits; the minimum is 2048",
            key.key_size()
        )));
    }
    let mut sans = Vec::new();
    for extension in request.requested_extensions().into_iter().flatten() {
        let ParsedExtension::SubjectAlternativeName(found) = extension else {
            continue;
        };
        for general in &found.general_names {
            let (_, text) = names::general_name(general);
            let typed = match general {
                GeneralName::DNSName(_) => format!("DNS:{text}"),
                GeneralName::IPAddress(_) => format!("IP:{text}"),
                GeneralName::URI(_) => format!("URI:{text}"),
                GeneralName::RFC822Name(_) => format!("email:{text}"),
                _ => {
                    return Err(refused(format!(
                        "it requests a name that is not a DNS name, IP address, URI or email: {text}"
                    )));
                }
            };
            sans.push(San::parse(&typed).map_err(|problem| refused(problem.what))?);
        }
    }
    Ok(CertificateRequest {
        public_key: info.subject_pki.raw.to_vec(),
        subject: names::display(&info.subject),
        sans,
    })
}
