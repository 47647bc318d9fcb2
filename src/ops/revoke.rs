//! `revoke`: adds a certificate to the CRL of its CA.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::authority;
use super::failure::Failure;
use super::surroundings::Surroundings;
use crate::certs::{CertificateAuthority, CertificateDer, CertificateRevocationListDer, crl, inspect, pem};
use crate::files::{self, shown};
use crate::hex;
use crate::names::Host;
use crate::problem::Problem;
use crate::remedy::{Kind, Line, Remedy, Word, ours};
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::store::{self, Keep, Store};

/// The request.
pub struct Request {
    /// The host whose CA issued the certificate.
    pub host: Host,
    /// Which certificate.
    pub what: What,
    /// Decrypts the CAs' keys.
    pub password: Option<Zeroizing<String>>,
}

/// Which certificate to revoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The certificate of this client.
    Client(String),
    /// The certificate with this serial number, in hex.
    Serial(String),
    /// No further one: the CRLs are signed again.
    Renew,
}

/// The result.
pub struct Outcome {
    /// The host.
    pub host: Host,
    /// The serial numbers, hex with colons.
    pub serials: Vec<String>,
    /// They were already revoked: nothing was written.
    pub already: bool,
    /// The CRLs that were written.
    pub lists: Vec<PathBuf>,
}

/// A CA of a host, and where its files are.
struct Issuer {
    what: &'static str,
    /// The folder of its certificate and key: the previous CA's while the CA is being
    /// replaced.
    layout: ChainLayout,
    cert: Part<'static>,
    key: Part<'static>,
    /// Its CRL, in the file of the same part of the host's chain.
    crl: Part<'static>,
    certificate: CertificateDer<'static>,
    /// What to add to its CRL.
    serials: Vec<Vec<u8>>,
}

/// The CAs of a host: the current ones, then the previous ones.
fn issuers(layout: &ChainLayout) -> Result<Vec<Issuer>, Failure> {
    let mut found = Vec::new();
    for (layout, intermediate, root) in [
        (layout.clone(), "intermediate", "root"),
        (layout.previous_ca(), "previous intermediate", "previous root"),
    ] {
        for (what, cert, key, crl) in [
            (
                intermediate,
                Part::IntermediateCert,
                Part::IntermediateKey,
                Part::IntermediateCrl,
            ),
            (root, Part::RootCert, Part::RootKey, Part::RootCrl),
        ] {
            if let Some(certificate) = first_certificate(&layout, cert)? {
                found.push(Issuer {
                    what,
                    layout: layout.clone(),
                    cert,
                    key,
                    crl,
                    certificate,
                    serials: Vec::new(),
                });
            }
        }
    }
    Ok(found)
}

/// Revokes a certificate, or renews the CRLs.
///
/// # Errors
/// If the host has no chain or no such client, a CA's key is not in the workspace, or a
/// file cannot be written.
pub fn revoke(request: &Request, here: &Surroundings) -> Result<Outcome, Failure> {
    let host = &request.host;
    let layout = ChainLayout::new(&here.dir, host);
    if !store::has_chain(&layout).map_err(Failure::runtime)? {
        return Err(Failure::usage(
            Problem::new(format!("{host} has no chain in this workspace"))
                .at(format!("{}/", shown(&layout.folder())))
                .fix(ours::gen_certs(host.as_str())),
        ));
    }
    let mut issuers = issuers(&layout)?;
    let client = match &request.what {
        What::Client(client) => Some(client.as_str()),
        What::Serial(_) | What::Renew => None,
    };
    let asked = match &request.what {
        What::Client(client) => Some(serial_of_client(&layout, client, here)?),
        What::Serial(text) => Some(parse_serial(text)?),
        What::Renew => None,
    };
    let serials = match &asked {
        Some(serial) => assign(&mut issuers, &layout, client, serial, here)?,
        None if has_list(&layout, &issuers)? => Vec::new(),
        None => {
            return Err(Failure::usage(
                Problem::new(format!("{host} has no CRLs to renew"))
                    .why("the first one is created when the first certificate is revoked"),
            ));
        }
    };
    let signers = signers(request, &issuers)?;
    let store = Store::open(&here.dir, || {
        here.say("waiting for another istio-tls that is writing to this workspace");
    })
    .map_err(Failure::runtime)?;
    let lists = lists(&layout, &issuers, &signers, here)?;
    let mut outcome = Outcome {
        host: host.clone(),
        serials: serials.iter().map(|serial| hex::with_colons(serial)).collect(),
        already: lists.already && asked.is_some(),
        lists: Vec::new(),
    };
    if outcome.already {
        return Ok(outcome);
    }
    let parts: Vec<(Part<'_>, &[u8])> = (lists.files.iter())
        .map(|(part, text)| (*part, text.as_slice()))
        .collect();
    store
        .write_chain(&layout, &parts, Keep::Everything)
        .map_err(Failure::runtime)?;
    outcome.lists = parts.iter().map(|(part, _)| layout.path(*part)).collect();
    Ok(outcome)
}

/// Whether a CA of the chain has published a CRL.
fn has_list(layout: &ChainLayout, issuers: &[Issuer]) -> Result<bool, Failure> {
    for issuer in issuers {
        if files::is_there(&layout.path(issuer.crl)).map_err(Failure::usage)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Who signs each CRL; none if its CA's key is not here and it does not change. Each CA
/// that must sign can, or nothing is written.
fn signers(request: &Request, issuers: &[Issuer]) -> Result<Vec<Option<CertificateAuthority>>, Failure> {
    let password = request.password.as_ref().map(|password| password.as_str());
    let mut signers = Vec::with_capacity(issuers.len());
    for issuer in issuers {
        let key = issuer.layout.path(issuer.key);
        signers.push(
            if !issuer.serials.is_empty() || files::is_there(&key).map_err(Failure::usage)? {
                Some(authority::ca(&issuer.layout.path(issuer.cert), &key, password)?)
            } else {
                None
            },
        );
    }
    if request.what == What::Renew && signers.iter().all(Option::is_none) {
        return Err(Failure::usage(
            Problem::new(format!(
                "the CRLs of {} cannot be renewed: no key of its CAs is in the workspace",
                request.host
            ))
            .fix("renew them where the CA's key is, and copy them to 1_root/crl and 2_intermediate/crl"),
        ));
    }
    Ok(signers)
}

/// The new CRLs.
struct Lists {
    files: Vec<(Part<'static>, Vec<u8>)>,
    /// Every serial number was on them already.
    already: bool,
}

fn lists(
    layout: &ChainLayout,
    issuers: &[Issuer],
    signers: &[Option<CertificateAuthority>],
    here: &Surroundings,
) -> Result<Lists, Failure> {
    let mut files: Vec<(Part<'static>, Vec<u8>)> = Vec::new();
    let mut already = true;
    for (issuer, signer) in issuers.iter().zip(signers) {
        let mut contents = contents(layout, issuer)?;
        for serial in &issuer.serials {
            already &= !contents.revoke(serial, here.now);
        }
        let list = if let Some(ca) = signer {
            issue(&contents, ca, here)?
        } else {
            here.say(&format!(
                "note: the CRL of the {} is not written: its key is not in the workspace ({})",
                issuer.what,
                issuer.layout.path(issuer.key).display()
            ));
            kept(layout, issuer)?
        };
        match files.iter_mut().find(|(part, _)| *part == issuer.crl) {
            Some((_, text)) => text.extend_from_slice(list.as_bytes()),
            None => files.push((issuer.crl, list.into_bytes())),
        }
    }
    files.retain(|(_, text)| !text.is_empty());
    Ok(Lists { files, already })
}

/// Assigns to each CA what it must revoke, and returns all serial numbers that are
/// revoked. While a CA is being replaced, a client may have a certificate of either; for
/// a bare serial number the issuer is unknown, so both list it.
fn assign(
    issuers: &mut [Issuer],
    layout: &ChainLayout,
    client: Option<&str>,
    asked: &[u8],
    here: &Surroundings,
) -> Result<Vec<Vec<u8>>, Failure> {
    let mut serials = vec![asked.to_vec()];
    let previous = layout.previous_ca();
    let older = match client {
        Some(client) => serial_of(&previous, Part::ClientCert(client), here)?,
        None => None,
    };
    let intermediates: Vec<Option<Vec<u8>>> = (issuers.iter())
        .map(|issuer| match issuer.cert {
            Part::IntermediateCert => serial_of(&issuer.layout, issuer.cert, here),
            _ => Ok(None),
        })
        .collect::<Result<_, Failure>>()?;
    for of_previous in [false, true] {
        let layout = if of_previous { &previous } else { layout };
        let own = |issuer: &Issuer| issuer.layout == *layout;
        let serial = match (client, of_previous) {
            (Some(_), true) => older.clone(),
            _ => Some(asked.to_vec()),
        };
        let Some(serial) = serial else { continue };
        let is_intermediate =
            (issuers.iter().zip(&intermediates)).any(|(issuer, known)| own(issuer) && known.as_ref() == Some(&serial));
        // The intermediate issues leaves; the root issues the intermediate, and
        // everything if there is none.
        let place = (issuers.iter())
            .position(|issuer| own(issuer) && (issuer.cert == Part::RootCert) == is_intermediate)
            .or_else(|| issuers.iter().position(own));
        if let Some(place) = place {
            issuers[place].serials.push(serial.clone());
        }
        if !serials.contains(&serial) {
            serials.push(serial);
        }
    }
    Ok(serials)
}

/// The CRL of one CA among those in its file.
fn list_of(layout: &ChainLayout, issuer: &Issuer) -> Result<Option<CertificateRevocationListDer<'static>>, Failure> {
    let Some(content) = store::read(layout, issuer.crl).map_err(Failure::usage)? else {
        return Ok(None);
    };
    let name = layout.path(issuer.crl).display().to_string();
    let broken = |problem: Problem| {
        Failure::usage(problem.fix(format!("restore {name}; without it the earlier revocations are lost")))
    };
    let lists = pem::crls(&content, &name).map_err(broken)?;
    for list in &lists {
        // An unreadable one may be the one in question.
        crl::contents(list, &name).map_err(broken)?;
    }
    Ok(lists.into_iter().find(|list| crl::is_of(list, &issuer.certificate)))
}

fn contents(layout: &ChainLayout, issuer: &Issuer) -> Result<crl::Contents, Failure> {
    match list_of(layout, issuer)? {
        Some(list) => crl::contents(&list, issuer.what).map_err(Failure::usage),
        None => Ok(crl::Contents::default()),
    }
}

/// The existing CRL, if it cannot be renewed.
fn kept(layout: &ChainLayout, issuer: &Issuer) -> Result<String, Failure> {
    Ok(list_of(layout, issuer)?
        .map(|list| crl::text(&list))
        .unwrap_or_default())
}

fn issue(contents: &crl::Contents, ca: &CertificateAuthority, here: &Surroundings) -> Result<String, Failure> {
    let crl = crl::issue(contents, ca, here.now).map_err(Failure::usage)?;
    Ok(crl::text(&crl))
}

fn first_certificate(layout: &ChainLayout, part: Part<'_>) -> Result<Option<CertificateDer<'static>>, Failure> {
    let Some(content) = store::read(layout, part).map_err(Failure::usage)? else {
        return Ok(None);
    };
    let certificates = pem::certificates(&content, &layout.path(part).display().to_string()).map_err(Failure::usage)?;
    Ok(certificates.into_iter().next())
}

fn serial_of_client(layout: &ChainLayout, client: &str, here: &Surroundings) -> Result<Vec<u8>, Failure> {
    let known = store::clients(layout).map_err(Failure::runtime)?;
    let unknown = || {
        Failure::usage(
            Problem::new(format!("{} has no client {client:?}", layout.host())).why(if known.is_empty() {
                "it has no clients".to_owned()
            } else {
                format!("its clients are {}", known.join(", "))
            }),
        )
    };
    if !known.iter().any(|name| name == client) {
        return Err(unknown());
    }
    serial_of(layout, Part::ClientCert(client), here)?.ok_or_else(unknown)
}

fn serial_of(layout: &ChainLayout, part: Part<'_>, here: &Surroundings) -> Result<Option<Vec<u8>>, Failure> {
    match first_certificate(layout, part)? {
        Some(leaf) => parse_serial(&inspect::certificate(&leaf, here.now).map_err(Failure::usage)?.serial).map(Some),
        None => Ok(None),
    }
}

/// The octets of a serial number without leading zeros, from hex with or without colons
/// and `0x`.
fn parse_serial(text: &str) -> Result<Vec<u8>, Failure> {
    let wrong = || {
        let shown: String = text.chars().take(80).collect();
        Failure::usage(
            Problem::new(format!("{shown:?} is not a serial number"))
                .why("a serial number is 1 to 20 octets in hex (RFC 5280 section 4.1.2.2)")
                .fix(
                    Remedy::from(
                        Line::new(Kind::InspectFile, ["inspect"])
                            .arg(Word::Placeholder("FILE"))
                            .anywhere(),
                    )
                    .and(" shows it"),
                ),
        )
    };
    let digits: String = text
        .trim_start_matches("0x")
        .chars()
        .filter(|c| *c != ':' && *c != ' ')
        .collect();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() || digits.len() > 40 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let even = if digits.len().is_multiple_of(2) {
        digits.to_owned()
    } else {
        format!("0{digits}")
    };
    (0..even.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&even[at..at + 2], 16).map_err(|_| wrong()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::parse_serial;

    #[test]
    fn serial_numbers_are_read_as_tools_show_them() {
        for text in ["4f12", "4F:12", "0x4f12", "004F12", "4f 12"] {
            assert_eq!(parse_serial(text).ok(), Some(vec![0x4f, 0x12]), "{text}");
        }
        assert_eq!(parse_serial("f12").ok(), Some(vec![0x0f, 0x12]));
        for text in ["", "0", "xyz", "é1", &"f".repeat(41)] {
            assert!(parse_serial(text).is_err(), "{text}");
        }
    }
}
