//! PEM (RFC 7468): [`blocks`] is the careful reader, which says at which line a
//! text is broken; [`envoy`] reads as a gateway does, and what counts is its word.
//! Written the way OpenSSL writes it.

mod cause;
pub mod envoy;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose::STANDARD};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::prelude::FromDer as _;
use zeroize::Zeroizing;

use super::der;
use crate::problem::Problem;

/// The label of a certificate (RFC 7468 section 5).
pub const CERTIFICATE: &str = "CERTIFICATE";
/// The label of a certificate with OpenSSL's trust settings behind it.
pub const TRUSTED_CERTIFICATE: &str = "TRUSTED CERTIFICATE";
/// The label of a CRL (RFC 7468 section 6).
pub const CRL: &str = "X509 CRL";
/// The label of a certificate request (RFC 7468 section 7).
pub const CERTIFICATE_REQUEST: &str = "CERTIFICATE REQUEST";
/// The label of a PKCS#8 key (RFC 7468 section 10).
pub const PRIVATE_KEY: &str = "PRIVATE KEY";
/// The label of an encrypted PKCS#8 key (RFC 7468 section 11).
pub const ENCRYPTED_PRIVATE_KEY: &str = "ENCRYPTED PRIVATE KEY";

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
const LINE: usize = 64;

/// Padding may be missing, as OpenSSL also lets it be.
const DECODER: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One block of a PEM file.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    /// What stands after BEGIN, as `CERTIFICATE`.
    pub label: String,
    /// The line of BEGIN, from 1.
    pub line: usize,
    /// The content; wiped when dropped, since it may be a key.
    pub der: Zeroizing<Vec<u8>>,
    /// Whether it is encrypted the old way (RFC 1421 `Proc-Type: 4,ENCRYPTED`).
    pub legacy_encrypted: bool,
}

impl Block {
    /// Whether the block is a certificate (OpenSSL's older labels included).
    pub fn is_certificate(&self) -> bool {
        matches!(
            self.label.as_str(),
            CERTIFICATE | "X509 CERTIFICATE" | TRUSTED_CERTIFICATE
        )
    }

    /// The certificate in a block that is one; OpenSSL's trust settings may follow it there.
    pub fn certificate(&self) -> CertificateDer<'static> {
        let first = der::take_tag(&self.der, der::SEQUENCE).map_or(&self.der[..], |element| element.whole);
        CertificateDer::from(
            if self.label == TRUSTED_CERTIFICATE {
                first
            } else {
                &self.der
            }
            .to_vec(),
        )
    }

    /// Whether the block is a private key, encrypted or not.
    pub fn is_private_key(&self) -> bool {
        self.label.ends_with("PRIVATE KEY")
    }
}

/// Whether the bytes hold the beginning of a PEM block.
pub fn is_pem(content: &[u8]) -> bool {
    memchr::memmem::find(content, BEGIN.as_bytes()).is_some()
}

/// Whether the bytes look like DER: one ASN.1 SEQUENCE.
pub fn is_der(content: &[u8]) -> bool {
    matches!(content, [0x30, second, ..] if *second >= 0x80 || usize::from(*second) + 2 == content.len())
}

/// Reads every block of a PEM file. Text outside blocks is passed over, and
/// lines may end in CRLF. `name` is said in errors.
///
/// # Errors
/// When there is no block, or one is broken: it names the file and the line.
pub fn blocks(content: &[u8], name: &str) -> Result<Vec<Block>, Problem> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    if !is_pem(content) {
        return Err(cause::without_begin(content, name));
    }
    let mut found = Vec::new();
    let mut open: Option<Open> = None;
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        let at = || format!("{name}:{number}");
        let Ok(line) = std::str::from_utf8(line) else {
            if open.is_some() {
                return Err(Problem::new(format!("{name} is no valid PEM"))
                    .at(at())
                    .why("the line holds bytes that are no text"));
            }
            continue;
        };
        let line = line.trim();
        // Most lines are base64, which no marker is and none stands in.
        let may_mark = line.contains('-');
        if may_mark
            && let Some((before, after)) = line.split_once(BEGIN)
            && !(before.is_empty() && after.strip_suffix(DASHES).is_some_and(is_label))
        {
            let (why, fix) = cause::after_marker(&line.as_bytes()[before.len()..]);
            return Err(Problem::new(format!("{name} is no valid PEM"))
                .at(at())
                .why(why)
                .fix(fix));
        }
        if may_mark
            && let Some(open) = &open
            && open.is_cut_end(line)
        {
            return Err(open.truncated(name));
        }
        if let Some(label) = line.strip_prefix(BEGIN) {
            if let Some(open) = &open {
                return Err(Problem::new(format!("{name} is no valid PEM")).at(at()).why(format!(
                    "a new block begins before the {} block of line {} has ended",
                    open.label, open.line
                )));
            }
            let label = label.strip_suffix(DASHES).unwrap_or(label);
            open = Some(Open::new(label, number, content.len()));
        } else if let Some(label) = line.strip_prefix(END) {
            let label = label.strip_suffix(DASHES).ok_or_else(|| {
                Problem::new(format!("{name} is no valid PEM"))
                    .at(at())
                    .why("the END marker does not end in five hyphens")
            })?;
            let Some(block) = open.take() else {
                return Err(Problem::new(format!("{name} is no valid PEM"))
                    .at(at())
                    .why("a block ends that has not begun"));
            };
            if block.label != label {
                return Err(Problem::new(format!("{name} is no valid PEM")).at(at()).why(format!(
                    "the block of line {} begins as {} and ends as {}",
                    block.line,
                    block.label,
                    if is_label(label) { label } else { "something else" }
                )));
            }
            found.push(block.close(name)?);
        } else if let Some(open) = &mut open {
            open.take_line(line, number, name)?;
        }
    }
    match open {
        Some(open) => Err(open.truncated(name)),
        None if found.is_empty() => Err(Problem::new(format!("{name} holds no PEM block"))
            .why("its -----BEGIN stands on a line that holds bytes that are no text")),
        None => Ok(found),
    }
}

/// Whether a label is one (RFC 7468 section 2): printable ASCII, not too long.
fn is_label(text: &str) -> bool {
    (1..=64).contains(&text.len()) && !text.contains(DASHES) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// A block whose END line was not seen yet.
struct Open {
    label: String,
    line: usize,
    base64: Zeroizing<String>,
    base64_line: usize,
    legacy_encrypted: bool,
    in_headers: bool,
}

impl Open {
    /// A block of a text of `length` bytes.
    fn new(label: &str, line: usize, length: usize) -> Self {
        Self {
            label: label.to_owned(),
            line,
            // Room for most keys: growing would leave parts of them behind.
            base64: Zeroizing::new(String::with_capacity(length.min(4096))),
            base64_line: line + 1,
            legacy_encrypted: false,
            in_headers: false,
        }
    }

    /// Whether the line is the beginning of this block's END line, and no more.
    fn is_cut_end(&self, line: &str) -> bool {
        let whole = format!("{END}{}{DASHES}", self.label);
        !line.is_empty() && line != whole && whole.starts_with(line)
    }

    fn truncated(&self, name: &str) -> Problem {
        Problem::new(format!("{name} is truncated"))
            .at(format!("{name}:{}", self.line))
            .why(format!("the {} block that begins here has no END line", self.label))
    }

    fn take_line(&mut self, line: &str, number: usize, name: &str) -> Result<(), Problem> {
        // RFC 1421 headers come first, are `Name: value`, and end with an empty line.
        if self.base64.is_empty() && line.contains(':') {
            self.in_headers = true;
            self.legacy_encrypted |= line.starts_with("Proc-Type:") && line.contains("ENCRYPTED");
            return Ok(());
        }
        if self.in_headers && line.is_empty() {
            self.in_headers = false;
            return Ok(());
        }
        if self.in_headers {
            return Ok(());
        }
        if self.base64.is_empty() {
            self.base64_line = number;
        }
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        for part in line.split_ascii_whitespace() {
            if !part.chars().all(is_base64) {
                return Err(Problem::new(format!("{name} is no valid PEM"))
                    .at(format!("{name}:{number}"))
                    .why(format!(
                        "the line holds characters that are not base64, inside the {} block of line {}",
                        self.label, self.line
                    )));
            }
            self.base64.push_str(part);
        }
        Ok(())
    }

    fn close(self, name: &str) -> Result<Block, Problem> {
        let der = DECODER.decode(self.base64.as_bytes()).map_err(|_| {
            Problem::new(format!("{name} is no valid PEM"))
                .at(format!("{name}:{}", self.base64_line))
                .why(format!(
                    "the base64 of the {} block is broken (a character is missing or too many)",
                    self.label
                ))
        })?;
        if der.is_empty() {
            return Err(Problem::new(format!("{name} is no valid PEM"))
                .at(format!("{name}:{}", self.line))
                .why(format!("the {} block is empty", self.label)));
        }
        Ok(Block {
            label: self.label,
            line: self.line,
            der: Zeroizing::new(der),
            legacy_encrypted: self.legacy_encrypted,
        })
    }
}

/// The certificates of a PEM file, in its order; other blocks are passed over. What
/// Envoy does not see is no certificate of the file, though others may read it.
///
/// # Errors
/// When the PEM is broken, holds no certificate, or one that is no X.509 or that
/// Envoy passes over.
pub fn certificates(content: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let read = envoy::certificates(content, name, envoy::Use::Authorities)?;
    match read.passed_over {
        Some(problem) => Err(problem),
        None => Ok(read.list.into_iter().map(|(_, certificate)| certificate).collect()),
    }
}

/// Why a text, in which no certificate was seen, has none.
fn without_certificate(content: &[u8], name: &str) -> Problem {
    match blocks(content, name) {
        Err(problem) => problem,
        Ok(held) => {
            let held: Vec<&str> = held.iter().map(|block| block.label.as_str()).collect();
            Problem::new(format!("{name} holds no certificate"))
                .why(format!("it holds no CERTIFICATE but {}", held.join(", ")))
        }
    }
}

/// Whether the bytes are one certificate in DER.
pub fn is_der_certificate(content: &[u8]) -> bool {
    is_der(content) && check_certificate(content).is_ok()
}

/// Whether the DER is one whole X.509 certificate.
///
/// # Errors
/// Says what is wrong.
pub(crate) fn check_certificate(der: &[u8]) -> Result<(), &'static str> {
    match x509_parser::certificate::X509Certificate::from_der(der) {
        Ok(([], _)) => Ok(()),
        Ok(_) => Err("bytes are left over after the certificate"),
        Err(_) => Err(NO_CERTIFICATE),
    }
}

const NO_CERTIFICATE: &str = "its content is no X.509 certificate";

/// The CRLs of a file, PEM or DER.
///
/// # Errors
/// When it is broken or holds no CRL.
pub fn crls(content: &[u8], name: &str) -> Result<Vec<CertificateRevocationListDer<'static>>, Problem> {
    if !is_pem(content) && is_der(content) {
        check_crl(content, name, 1)?;
        return Ok(vec![CertificateRevocationListDer::from(content.to_vec())]);
    }
    envoy::crls(content, name)
}

fn check_crl(der: &[u8], name: &str, line: usize) -> Result<(), Problem> {
    match x509_parser::revocation_list::CertificateRevocationList::from_der(der) {
        Ok(_) => Ok(()),
        Err(_) => Err(Problem::new(format!("{name} holds a CRL that cannot be read"))
            .at(format!("{name}:{line}"))
            .why("its content is no X.509 CRL")),
    }
}

/// Writes one block, lines of 64 characters, with a final newline.
pub fn text(label: &str, der: &[u8]) -> String {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let mut text = String::with_capacity(base64.len() + base64.len() / LINE + 2 * label.len() + 40);
    text.push_str(BEGIN);
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(END);
    text.push_str(label);
    text.push_str("-----\n");
    text
}

/// Writes one certificate.
pub fn certificate_text(der: &CertificateDer<'_>) -> String {
    text(CERTIFICATE, der)
}

/// Writes certificates one after the other.
pub fn certificates_text<'a, 'b: 'a>(ders: impl IntoIterator<Item = &'a CertificateDer<'b>>) -> String {
    ders.into_iter().map(|der| certificate_text(der)).collect()
}
