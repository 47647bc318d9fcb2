//! PEM as Envoy reads it, which is as BoringSSL does (`PEM_read_bio`, crypto/pem/pem_lib.cc):
//! a marker counts only at the very beginning of its line. What Envoy refuses or
//! passes over is told with its line and cause. docs/pem.md compares the readers.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use zeroize::Zeroizing;

use super::{BEGIN, Block, CRL, DASHES, END, TRUSTED_CERTIFICATE, cause, check_crl};
use crate::certs::der;
use crate::problem::Problem;

/// BoringSSL reads lines in pieces of at most so many bytes.
const PIECE: usize = 253;

/// Padding must be there; the unused bits of the last character are not looked at.
const DECODER: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// What a text of certificates is for: Envoy has a reader for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use {
    /// A server's chain, leaf first: a TRUSTED CERTIFICATE counts in the first place only.
    Chain,
    /// The CAs that clients are verified with.
    Authorities,
}

/// The certificates that Envoy takes from a text.
#[derive(Debug)]
pub struct Certificates {
    /// Each with the line of its BEGIN, from 1.
    pub list: Vec<(usize, CertificateDer<'static>)>,
    /// Why Envoy does not see the first of the blocks that it passes over though a
    /// reader of the text would take it for one.
    pub passed_over: Option<Problem>,
}

/// The certificates that Envoy takes from a text. `name` is said in errors.
///
/// # Errors
/// When Envoy refuses the text, or sees no certificate in it.
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
                "Envoy reads a TRUSTED CERTIFICATE in the first place of a chain only",
            )
            .fix("write it as a CERTIFICATE (openssl x509 -in FILE)")
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

/// The CRLs that Envoy takes from a text.
///
/// # Errors
/// As for [`certificates`].
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

/// Every block that Envoy sees.
///
/// # Errors
/// When Envoy refuses one.
pub fn blocks(content: &[u8], name: &str) -> Result<Vec<Block>, Problem> {
    Pieces::of(content)
        .blocks()
        .map(|block| match block {
            Ok(read) => Ok(read.block),
            Err(broken) => Err(broken.problem(content, name)),
        })
        .collect()
}

/// The first private key, at which Envoy stops; what follows is not read.
///
/// # Errors
/// When there is none, or what stands before it or it itself is refused.
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

/// A block with what stood between BEGIN and the first empty line.
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

    /// The certificate; what follows it in its block (OpenSSL's trust settings) is not looked at.
    fn certificate(&self, content: &[u8], name: &str) -> Result<CertificateDer<'static>, Problem> {
        self.check_headers(content, name)?;
        let unreadable = |why: &str| {
            Problem::new(format!("{name} holds a certificate that cannot be read"))
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

/// What is wrong with a block, and in which line of the text.
struct Broken {
    line: usize,
    what: What,
}

enum What {
    /// Its END line is another's, or is none.
    End,
    /// An empty line parts it: what stands before it is taken for headers.
    Headers,
    /// Nothing stands in it.
    Empty,
    /// Its base64 cannot be decoded.
    Base64,
}

impl Broken {
    /// In the words of the careful reader, where it refuses the text, too.
    fn problem(&self, content: &[u8], name: &str) -> Problem {
        if let Err(problem) = super::blocks(content, name) {
            return problem;
        }
        let why = match self.what {
            What::End => "the END line of the block that begins here does not stand alone at the beginning of its line",
            What::Headers => {
                "an empty line parts the block that begins here, and Envoy takes what stands before it for headers"
            }
            What::Empty => {
                "an empty line stands before the END line of the block that begins here, and Envoy takes what stands before it for headers"
            }
            What::Base64 => "the base64 of the block that begins here is broken",
        };
        let fix = match self.what {
            What::End => {
                "put each -----BEGIN ...----- and -----END ...----- marker at the beginning of a line of its own"
            }
            _ => "write the block without empty lines, headers or comments inside",
        };
        cause::unlike_envoy(name, self.line, why).fix(fix)
    }
}

/// The text in lines, or pieces of long ones, without the bytes at their end
/// that BoringSSL takes for blanks: control characters and all that is not ASCII.
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
        // Without an empty line there are no headers.
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
