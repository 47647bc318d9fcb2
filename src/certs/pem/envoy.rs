//! PEM as read by Envoy, that is, by BoringSSL (`PEM_read_bio`, crypto/pem/pem_lib.cc): a marker is
//! recognised only at the very beginning of its line. Anything that Envoy refuses or skips is
//! reported with line and cause. docs/pem.md compares the readers.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use zeroize::Zeroizing;

use super::{BEGIN, Block, CRL, DASHES, END, TRUSTED_CERTIFICATE, cause, check_crl};
use crate::certs::der;
use crate::problem::Problem;

/// BoringSSL reads lines in pieces of at most this many bytes.
const PIECE: usize = 253;

/// Padding is required; the unused bits of the last character are ignored.
const DECODER: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The purpose of a text with certificates: Envoy has a reader for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use {
    /// A server's chain, leaf first: a TRUSTED CERTIFICATE is accepted only in first position.
    Chain,
    /// The CAs for verifying clients.
    Authorities,
}

/// The certificates that Envoy reads from a text.
#[derive(Debug)]
pub struct Certificates {
    /// Each with the line of its BEGIN, from 1.
    pub list: Vec<(usize, CertificateDer<'static>)>,
    /// Why Envoy does not recognise the first block that it skips although it looks like one to
    /// people.
    pub passed_over: Option<Problem>,
}

/// The certificates that Envoy reads from a text. Errors contain `name`.
///
/// # Errors
/// If Envoy refuses the text, or finds no certificate in it.
pub fn certificates(content: &[u8], name: &str, purpose: Use) -> Result<Certificates, Problem> {
    let mut list = Vec::new();
    let mut late_trusted = None;
    for block in Pieces::of(content).blocks() {
        let block = block.map_err(|broken| broken.problem(content, name))?;
        if !block.block.is_certificate() {
            continue;
        }
        if block.block.label == TRUSTED_CERTIFICATE && purpose == Use::Chain && !list.is_empty() {
            late_trusted.get_or_insert(block.block.line);
            continue;
        }
        let found = block.certificate(content, name)?;
        list.push((block.block.line, found));
    }
    let passed_over = cause::passed_over(content, name).or_else(|| {
        late_trusted.map(|line| {
            cause::unlike_envoy(
                name,
                line,
                "Envoy reads a TRUSTED CERTIFICATE only in the first position of a chain",
            )
            .fix("convert it to a CERTIFICATE block (openssl x509 -in FILE)")
        })
    });
    if !list.is_empty() {
        return Ok(Certificates { list, passed_over });
    }
    Err(match passed_over {
        Some(problem) => problem,
        None => super::without_certificate(content, name),
    })
}

/// The CRLs that Envoy reads from a text.
///
/// # Errors
/// See [`certificates`].
pub fn crls(content: &[u8], name: &str) -> Result<Vec<CertificateRevocationListDer<'static>>, Problem> {
    let mut crls = Vec::new();
    for block in blocks(content, name)?.into_iter().filter(|block| block.label == CRL) {
        check_crl(&block.der, name, block.line)?;
        crls.push(CertificateRevocationListDer::from(block.der.to_vec()));
    }
    if let Some(problem) = cause::passed_over(content, name) {
        return Err(problem);
    }
    if crls.is_empty() {
        return Err(match super::blocks(content, name) {
            Err(problem) => problem,
            Ok(_) => Problem::new(format!("{name} holds no CRL")).why("none of its PEM blocks is an X509 CRL"),
        });
    }
    Ok(crls)
}

/// All blocks that Envoy recognises.
///
/// # Errors
/// If Envoy refuses one.
pub fn blocks(content: &[u8], name: &str) -> Result<Vec<Block>, Problem> {
    Pieces::of(content)
        .blocks()
        .map(|block| match block {
            Ok(read) => Ok(read.block),
            Err(broken) => Err(broken.problem(content, name)),
        })
        .collect()
}

/// The first private key, where Envoy stops; the rest is not read.
///
/// # Errors
/// If there is none, or if it or anything before it is refused.
pub fn private_key(content: &[u8], name: &str) -> Result<Block, Problem> {
    let mut held = Vec::new();
    for block in Pieces::of(content).blocks() {
        let read = block.map_err(|broken| broken.problem(content, name))?;
        if !read.block.is_private_key() {
            held.push(read.block.label.clone());
            continue;
        }
        if read.block.legacy_encrypted {
            return Ok(read.block);
        }
        read.check_headers(content, name)?;
        return Ok(read.block);
    }
    if let Some(problem) = cause::passed_over(content, name) {
        return Err(problem);
    }
    Err(match super::blocks(content, name) {
        Err(problem) => problem,
        Ok(_) => Problem::new(format!("{name} holds no private key")).why(format!("it holds {}", held.join(", "))),
    })
}

/// A block with the text between BEGIN and the first empty line.
struct Read {
    block: Block,
    has_headers: bool,
}

impl Read {
    fn check_headers(&self, content: &[u8], name: &str) -> Result<(), Problem> {
        if self.has_headers {
            let broken = Broken {
                line: self.block.line,
                what: What::Headers,
            };
            return Err(broken.problem(content, name));
        }
        Ok(())
    }

    /// The certificate; anything after it in the block (OpenSSL's trust settings) is ignored.
    fn certificate(&self, content: &[u8], name: &str) -> Result<CertificateDer<'static>, Problem> {
        self.check_headers(content, name)?;
        let unreadable = |why: &str| {
            Problem::new(format!("{name} holds an unreadable certificate"))
                .at(format!("{name}:{}", self.block.line))
                .why(why)
        };
        let whole = der::take_tag(&self.block.der, der::SEQUENCE)
            .map(|element| element.whole)
            .ok_or_else(|| unreadable(super::NO_CERTIFICATE))?;
        super::check_certificate(whole).map_err(unreadable)?;
        Ok(CertificateDer::from(whole.to_vec()))
    }
}

/// What is wrong with a block, and on which line of the text.
struct Broken {
    line: usize,
    what: What,
}

enum What {
    /// Its END line has another label, or is not valid.
    End,
    /// An empty line splits it: everything before is treated as headers.
    Headers,
    /// It is empty.
    Empty,
    /// Its base64 cannot be decoded.
    Base64,
}

impl Broken {
    /// The problem, with the text of the careful reader if that refuses the text, too.
    fn problem(&self, content: &[u8], name: &str) -> Problem {
        if let Err(problem) = super::blocks(content, name) {
            return problem;
        }
        let why = match self.what {
            What::End => "the END marker of the block that begins here is not alone at the beginning of its line",
            What::Headers => {
                "an empty line splits the block that begins here, and Envoy treats everything before it as headers"
            }
            What::Empty => {
                "there is an empty line before the END line of the block that begins here, and Envoy treats everything before it as headers"
            }
            What::Base64 => "the base64 of the block that begins here is invalid",
        };
        let fix = match self.what {
            What::End => {
                "put each -----BEGIN ...----- and -----END ...----- marker on its own line, without leading blanks"
            }
            _ => "remove empty lines, headers and comments from the block",
        };
        cause::unlike_envoy(name, self.line, why).fix(fix)
    }
}

/// The text in lines, or pieces of long ones, without trailing bytes that BoringSSL treats as
/// blanks: control characters and all non-ASCII bytes.
struct Pieces<'a> {
    rest: &'a [u8],
    /// The line of the next piece, from 1.
    line: usize,
}

impl<'a> Pieces<'a> {
    fn of(content: &'a [u8]) -> Self {
        Self { rest: content, line: 1 }
    }

    fn blocks(mut self) -> impl Iterator<Item = Result<Read, Broken>> {
        std::iter::from_fn(move || {
            let (line, label) = loop {
                let (line, piece) = self.next()?;
                if let Some(label) = piece.strip_prefix(BEGIN.as_bytes())
                    && let Some(label) = label.strip_suffix(DASHES.as_bytes())
                {
                    break (line, String::from_utf8_lossy(label).into_owned());
                }
            };
            Some(self.block(line, label))
        })
    }

    fn block(&mut self, line: usize, label: String) -> Result<Read, Broken> {
        let broken = |what| Broken { line, what };
        let mut headers: Zeroizing<Vec<u8>> = Zeroizing::default();
        let mut body: Option<Zeroizing<Vec<u8>>> = None;
        let end = loop {
            let Some((_, piece)) = self.next() else { break None };
            if piece.starts_with(END.as_bytes()) {
                break Some(piece);
            }
            match &mut body {
                None if piece.is_empty() => body = Some(Zeroizing::default()),
                None => headers.extend_from_slice(piece),
                Some(body) => body.extend_from_slice(piece),
            }
        };
        if end.is_none_or(|end| end != [END, &label, DASHES].concat().as_bytes()) {
            return Err(broken(What::End));
        }
        // Without an empty line, there are no headers.
        let (headers, body) = match body {
            Some(body) => (headers, body),
            None => (Zeroizing::default(), headers),
        };
        let base64: Zeroizing<Vec<u8>> =
            Zeroizing::new(body.iter().copied().filter(|byte| !b" \t\r\n".contains(byte)).collect());
        if base64.is_empty() {
            return Err(broken(What::Empty));
        }
        let decoded = DECODER.decode(&*base64).map_err(|_| broken(What::Base64))?;
        let has_headers = !headers.is_empty();
        Ok(Read {
            block: Block {
                legacy_encrypted: has_headers && headers.starts_with(b"Proc-Type: 4,ENCRYPTED"),
                label,
                line,
                der: Zeroizing::new(decoded),
            },
            has_headers,
        })
    }

    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        if self.rest.is_empty() {
            return None;
        }
        let window = &self.rest[..self.rest.len().min(PIECE)];
        let (piece, ended) = match memchr::memchr(b'\n', window) {
            Some(end) => (&window[..end], true),
            None => (window, false),
        };
        let line = self.line;
        self.rest = &self.rest[piece.len() + usize::from(ended)..];
        self.line += usize::from(ended);
        let text = piece.iter().rposition(|byte| (b'!'..=b'\x7f').contains(byte));
        Some((line, &piece[..text.map_or(0, |last| last + 1)]))
    }
}
