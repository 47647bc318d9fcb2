//! PEM (RFC 7468): [`blocks`] is the careful reader, which reports the line of an error; [`envoy`]
//! reads like a gateway, and has the final say. Output is in OpenSSL's format.

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
/// The label of a certificate followed by OpenSSL's trust settings.
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

/// Padding is optional, as in OpenSSL.
const DECODER: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One block of a PEM file.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    /// The label after BEGIN, such as `CERTIFICATE`.
    pub label: String,
    /// The line of BEGIN, from 1.
    pub line: usize,
    /// The content; zeroed on drop, since it may be a key.
    pub der: Zeroizing<Vec<u8>>,
    /// Whether it has legacy encryption (RFC 1421 `Proc-Type: 4,ENCRYPTED`).
    pub legacy_encrypted: bool,
}

impl Block {
    /// Whether the block is a certificate (including OpenSSL's older labels).
    pub fn is_certificate(&self) -> bool {
        matches!(
            self.label.as_str(),
            CERTIFICATE | "X509 CERTIFICATE" | TRUSTED_CERTIFICATE
        )
    }

    /// The certificate in a certificate block, which may also contain OpenSSL's trust settings.
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

/// Whether the bytes contain the start of a PEM block.
pub fn is_pem(content: &[u8]) -> bool {
    memchr::memmem::find(content, BEGIN.as_bytes()).is_some()
}

/// Whether the bytes look like DER: one ASN.1 SEQUENCE.
pub fn is_der(content: &[u8]) -> bool {
    matches!(content, [0x30, second, ..] if *second >= 0x80 || usize::from(*second) + 2 == content.len())
}

/// Reads all blocks of a PEM file. Text outside blocks is skipped, and lines may end with CRLF.
/// Errors contain `name`.
///
/// # Errors
/// If there is no block, or one is invalid; the error contains the file and the line.
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
                    .why("the line contains bytes that are not text"));
            }
            continue;
        };
        let line = line.trim();
        // Most lines are base64, which contains no marker.
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
                    "a new block begins inside the {} block that begins at line {}",
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
                    .why("there is an END marker without a BEGIN"));
            };
            if block.label != label {
                return Err(Problem::new(format!("{name} is no valid PEM")).at(at()).why(format!(
                    "the block at line {} begins with {} and ends with {}",
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
            .why("its -----BEGIN is on a line with bytes that are not text")),
        None => Ok(found),
    }
}

/// Whether a label is valid (RFC 7468 section 2): printable ASCII, not too long.
fn is_label(text: &str) -> bool {
    (1..=64).contains(&text.len()) && !text.contains(DASHES) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// A block whose END line was not reached yet.
struct Open {
    label: String,
    line: usize,
    base64: Zeroizing<String>,
    base64_line: usize,
    legacy_encrypted: bool,
    in_headers: bool,
}

impl Open {
    /// A new block in a text of `length` bytes.
    fn new(label: &str, line: usize, length: usize) -> Self {
        Self {
            label: label.to_owned(),
            line,
            // Room for most keys: growing would leave parts of them in memory.
            base64: Zeroizing::new(String::with_capacity(length.min(4096))),
            base64_line: line + 1,
            legacy_encrypted: false,
            in_headers: false,
        }
    }

    /// Whether the line is a truncated END line of this block.
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
        // RFC 1421 headers come first, have the form `Name: value`, and end with an empty line.
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
                        "the line contains characters that are not base64, in the {} block that begins at line {}",
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
                    "the base64 of the {} block is invalid (a character is missing or extra)",
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

/// The certificates of a PEM file, in its order; other blocks are skipped. Blocks that Envoy does
/// not recognise are not counted, although others may read them.
///
/// # Errors
/// If the PEM is invalid, has no certificate, or has one that is not X.509 or that Envoy skips.
pub fn certificates(content: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let read = envoy::certificates(content, name, envoy::Use::Authorities)?;
    match read.passed_over {
        Some(problem) => Err(problem),
        None => Ok(read.list.into_iter().map(|(_, certificate)| certificate).collect()),
    }
}

/// Why no certificate was found in a text.
fn without_certificate(content: &[u8], name: &str) -> Problem {
    match blocks(content, name) {
        Err(problem) => problem,
        Ok(held) => {
            let held: Vec<&str> = held.iter().map(|block| block.label.as_str()).collect();
            Problem::new(format!("{name} holds no certificate"))
                .why(format!("it holds no CERTIFICATE, only {}", held.join(", ")))
        }
    }
}

/// Whether the bytes are one certificate in DER.
pub fn is_der_certificate(content: &[u8]) -> bool {
    is_der(content) && check_certificate(content).is_ok()
}

/// Whether the DER is exactly one X.509 certificate.
///
/// # Errors
/// The reason why not.
pub(crate) fn check_certificate(der: &[u8]) -> Result<(), &'static str> {
    match x509_parser::certificate::X509Certificate::from_der(der) {
        Ok(([], _)) => Ok(()),
        Ok(_) => Err("there are extra bytes after the certificate"),
        Err(_) => Err(NO_CERTIFICATE),
    }
}

const NO_CERTIFICATE: &str = "its content is not an X.509 certificate";

/// The CRLs of a file, PEM or DER.
///
/// # Errors
/// If it is invalid or has no CRL.
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
            .why("its content is not an X.509 CRL")),
    }
}

/// Writes one block in lines of 64 characters, with a final newline.
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
