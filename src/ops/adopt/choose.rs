//! Selects, from the certificates and keys that `adopt` found, those that make up a
//! host's chain, and verifies it as a client and the gateway would.

use std::path::Path;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::adopted::{Adopted, AdoptedFile, AdoptedPart, FromSecret};
use super::sources::{FoundCertificate, FoundKey, Material, SecretMaterial};
use crate::certs::plan::check_client_name;
use crate::certs::verify::{Fault, FaultCode, Purpose, Role, Verdict, VerifyInput, verify};
use crate::certs::{CertificateDer, PrivateKey, crl, pem};
use crate::names::Host;
use crate::ops::failure::Failure;
use crate::problem::Problem;
use crate::remedy::{Line, Remedy, Word, ours};
use crate::workspace::layout::Part;

/// The user's options.
pub(super) struct Wishes<'a> {
    /// The host, if it is not the certificate's first name.
    pub(super) host: Option<&'a Host>,
    /// Adopt even if the chain does not verify.
    pub(super) accept_faults: bool,
    /// The time of the checks.
    pub(super) now: OffsetDateTime,
    /// The equivalent command line.
    pub(super) line: Line,
}

/// Finds the chains in what was given.
///
/// # Errors
/// If there is none, or one fails verification.
pub(super) fn choose(material: &Material, wishes: &Wishes<'_>) -> Result<Vec<Adopted>, Failure> {
    let servers: Vec<(&FoundCertificate, &FoundKey)> = (servers(material).into_iter())
        .filter_map(|certificate| Some((certificate, material.key_of(certificate)?)))
        .collect();
    if servers.is_empty() {
        return Err(Failure::usage(nothing(material)));
    }
    let mut adopted: Vec<Adopted> = Vec::new();
    for (certificate, key) in servers {
        let chain = one(material, certificate, key, wishes)?;
        if let Some(other) = adopted.iter().find(|other| other.host == chain.host) {
            return Err(Failure::usage(
                Problem::new(format!("there are two server certificates of {}", chain.host))
                    .why(format!("{} and {}", other.source.display(), chain.source.display()))
                    .fix("give the files of one of them"),
            ));
        }
        adopted.push(chain);
    }
    if wishes.host.is_some() && adopted.len() > 1 {
        return Err(Failure::usage(
            Problem::new("--host needs exactly one server certificate").why(format!("{} were found", adopted.len())),
        ));
    }
    Ok(adopted)
}

/// The server certificates. A lone self-signed certificate is the server's even if it is
/// also a CA certificate, as `openssl req -x509` creates it.
fn servers(material: &Material) -> Vec<&FoundCertificate> {
    let found: Vec<&FoundCertificate> = (material.certificates.iter())
        .filter(|certificate| is_server(certificate))
        .collect();
    match (found.as_slice(), material.certificates.as_slice()) {
        ([], [only]) if only.facts.self_signed && is_for_servers(only) && !only.facts.names.is_empty() => vec![only],
        _ => found,
    }
}

/// Why no server certificate with its key was found.
fn nothing(material: &Material) -> Problem {
    let problem = nothing_of(material);
    match material.secrets.first() {
        Some(secret) if problem.at.is_none() => {
            problem.at(format!("{} in the context {}", secret.path.display(), secret.context))
        }
        _ => problem,
    }
}

fn nothing_of(material: &Material) -> Problem {
    let locked = material.keys.iter().find_map(|found| found.key.as_ref().err());
    let leaf = servers(material).into_iter().next();
    match (leaf, locked) {
        (Some(leaf), Some(locked)) => {
            let mut problem = locked.clone();
            problem.why = Some(match &locked.why {
                Some(why) => format!("{why}; no other key belongs to {}", leaf.path.display()),
                None => format!("no other key belongs to {}", leaf.path.display()),
            });
            problem
        }
        (Some(leaf), None) => Problem::new(format!("the key of {} is missing from the input", leaf.path.display()))
            .why(format!(
                "it needs a key of type {}; {}",
                leaf.facts.key.name(),
                match material.keys.len() {
                    0 => "no private key was found".to_owned(),
                    count => format!("none of the {count} private keys found belongs to it"),
                }
            ))
            .fix("add the private key file that the certificate was requested with as an argument"),
        (None, _) if material.certificates.is_empty() => Problem::new("no certificate was found")
            .why(match material.ignored + material.keys.len() {
                1 => "1 file or key of a Secret was examined".to_owned(),
                count => format!("{count} files and keys of Secrets were examined"),
            })
            .fix("give the certificate, its key and the CA certificates (PEM, DER or PKCS#12)"),
        (None, _) => Problem::new("no server certificate was found")
            .why("the certificates found are CA certificates or client certificates")
            .fix("give the certificate that the gateway should present, and its key"),
    }
}

fn in_folder(path: &Path, folder: &str) -> bool {
    path.components().any(|part| part.as_os_str() == folder)
}

fn is_for_servers(certificate: &FoundCertificate) -> bool {
    let usage = &certificate.facts.extended_key_usage;
    usage.is_empty() || usage.iter().any(|usage| usage == "serverAuth")
}

fn is_server(certificate: &FoundCertificate) -> bool {
    let fits = is_for_servers(certificate);
    !certificate.facts.is_ca && fits && !in_folder(&certificate.path, "4_client") && !is_mkcert_client(certificate)
}

fn is_client(certificate: &FoundCertificate) -> bool {
    let usage = &certificate.facts.extended_key_usage;
    let fits = usage.is_empty() || usage.iter().any(|usage| usage == "clientAuth");
    !certificate.facts.is_ca && fits && !is_server(certificate)
}

/// mkcert's client certificates are also valid for servers; the file name shows their
/// purpose.
fn is_mkcert_client(certificate: &FoundCertificate) -> bool {
    let name = certificate.path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with("-client.pem")
        && certificate
            .facts
            .extended_key_usage
            .iter()
            .any(|usage| usage == "clientAuth")
}

/// The certificates above a leaf that were given.
struct Above<'a> {
    /// Nearest first; what the server sends beside its leaf.
    intermediates: Vec<&'a FoundCertificate>,
    root: Option<&'a FoundCertificate>,
}

fn one(material: &Material, leaf: &FoundCertificate, key: &FoundKey, wishes: &Wishes<'_>) -> Result<Adopted, Failure> {
    let host = match wishes.host {
        Some(host) => host.clone(),
        None => host_of(leaf)?,
    };
    let (mut verdict, above) = check(material, leaf, Purpose::Server, Some(&host), wishes.now);
    let mut notes: Vec<Remedy> = Vec::new();
    if leaf.facts.self_signed {
        verdict.faults.retain(|fault| fault.code != FaultCode::CaAsLeaf);
        notes.push(self_signed_note(leaf, &host));
    }
    if let Some(first) = verdict.first() {
        let all: Vec<&str> = verdict.faults.iter().map(|fault| fault.what.as_str()).collect();
        if !wishes.accept_faults {
            return Err(Failure::usage(
                Problem::new(format!("the chain of {host} cannot be adopted"))
                    .at(leaf.path.display().to_string())
                    .why(all.join("\n"))
                    .fix({
                        let as_it_is = wishes.line.clone().arg("--accept-faults");
                        match fix_of(first, wishes) {
                            Some(fix) => fix.below("or adopt it anyway: ").and(as_it_is),
                            None => Remedy::from("adopt it anyway: ").and(as_it_is),
                        }
                    }),
            ));
        }
        notes.extend(all.iter().map(|what| format!("accepted: {what}").into()));
    }
    let others: Vec<String> = (leaf.facts.names.iter())
        .map(|name| name.value.clone())
        .filter(|name| *name != host.as_str())
        .collect();
    let secret = (material.secrets.iter()).find(|secret| leaf.path.starts_with(&secret.path));
    if !others.is_empty() && secret.is_none() {
        let note = format!(
            "the certificate of {host} is also valid for {}; adopt another of its hosts with --host",
            others.join(", ")
        );
        notes.push(note.into());
    }

    let mut chain = Adopted {
        host: host.clone(),
        source: leaf.path.clone(),
        not_after: leaf.facts.not_after.clone(),
        files: Vec::new(),
        clients: Vec::new(),
        missing: Vec::new(),
        secret: None,
        notes,
    };
    chain.add(
        AdoptedPart::Fixed(Part::ServerCert),
        with_intermediates(leaf, &above),
        &leaf.path,
    );
    chain.add_leaf_key(AdoptedPart::Fixed(Part::ServerKey), key);
    chain.add_authorities(material, &above);
    chain.add_clients(material, &above, wishes.now);
    if let Some(secret) = secret {
        chain.take_from(secret, &above, others);
    }
    Ok(chain)
}

fn self_signed_note(leaf: &FoundCertificate, host: &Host) -> Remedy {
    let as_ca = if leaf.facts.is_ca {
        "; it is also a CA certificate (CA:TRUE), which probe and some clients refuse as a server \
         certificate (ca-as-leaf)"
    } else {
        ""
    };
    Remedy::from(format!(
        "the certificate of {host} is self-signed, so clients must trust it as their root{as_ca}; "
    ))
    .and(ours::rotate_ca(host.as_str()))
    .and(", then ")
    .and(ours::rotate_finish(host.as_str()))
    .and(" create a CA for the host")
}

/// The remedy for a fault at this point, where the chain is not yet in the workspace.
fn fix_of(fault: &Fault, wishes: &Wishes<'_>) -> Option<Remedy> {
    match fault.code {
        FaultCode::UnknownIssuer | FaultCode::IncompleteChain => {
            let with_ca = wishes.line.clone().arg(Word::Placeholder("CA_FILE"));
            Some(Remedy::from("give its CA certificates, too: ").and(with_ca))
        }
        _ => fault.fix.clone(),
    }
}

fn host_of(leaf: &FoundCertificate) -> Result<Host, Failure> {
    let named = |kind: &str| {
        (leaf.facts.names.iter())
            .filter(|name| name.kind == kind)
            .find_map(|name| Host::parse(&name.value).ok())
    };
    named("DNS")
        .or_else(|| named("IP"))
        .or_else(|| common_name(&leaf.facts.subject).and_then(|name| Host::parse(name).ok()))
        .ok_or_else(|| {
            Failure::usage(
                Problem::new(format!("{} does not name a host", leaf.path.display()))
                    .why("it has neither a DNS name nor an IP address")
                    .fix("name the host with --host"),
            )
        })
}

fn common_name(subject: &str) -> Option<&str> {
    subject.split(", ").find_map(|part| part.strip_prefix("CN="))
}

/// Verifies a leaf against the CAs that were given, and finds its path.
fn check<'a>(
    material: &'a Material,
    leaf: &FoundCertificate,
    purpose: Purpose,
    host: Option<&Host>,
    now: OffsetDateTime,
) -> (Verdict, Above<'a>) {
    let cas: Vec<&FoundCertificate> = material.certificates.iter().filter(|found| found.facts.is_ca).collect();
    // Without a root, the topmost CA that was given is the trust anchor. The CA in a
    // Secret may be for clients only, beside a server chain without a root.
    let has_root = material.secrets.is_empty() && cas.iter().any(|ca| ca.facts.self_signed);
    let is_top = |ca: &FoundCertificate| {
        let issued_here = |other: &&FoundCertificate| other.der != ca.der && other.facts.subject == ca.facts.issuer;
        if has_root {
            ca.facts.self_signed
        } else {
            !cas.iter().any(issued_here)
        }
    };
    let der = |found: &FoundCertificate| found.der.clone();
    let mut roots: Vec<CertificateDer<'_>> = cas.iter().filter(|ca| is_top(ca)).map(|ca| der(ca)).collect();
    let is_own_root = leaf.facts.self_signed && purpose == Purpose::Server;
    if is_own_root {
        roots.push(der(leaf));
    }
    let intermediates: Vec<CertificateDer<'_>> = cas.iter().filter(|ca| !is_top(ca)).map(|ca| der(ca)).collect();
    let verdict = verify(&VerifyInput {
        chain: std::slice::from_ref(&leaf.der),
        intermediates: &intermediates,
        roots: &roots,
        crls: &[],
        purpose,
        host,
        now,
    });
    let mut above = Above {
        intermediates: Vec::new(),
        root: None,
    };
    for step in verdict.path.iter().filter(|step| step.role != Role::Leaf) {
        let found = (cas.iter()).find(|ca| ca.facts.serial == step.serial && ca.facts.subject == step.subject);
        match found {
            Some(ca) if ca.facts.self_signed => above.root = Some(ca),
            Some(ca) => above.intermediates.push(ca),
            None => {}
        }
    }
    if is_own_root {
        above.root = material.certificates.iter().find(|found| found.der == leaf.der);
    }
    (verdict, above)
}

fn with_intermediates(leaf: &FoundCertificate, above: &Above<'_>) -> Zeroizing<Vec<u8>> {
    let intermediates = above.intermediates.iter().map(|found| &found.der);
    Zeroizing::new(pem::certificates_text(std::iter::once(&leaf.der).chain(intermediates)).into_bytes())
}

impl Adopted {
    fn note(&mut self, note: impl Into<Remedy>) {
        self.notes.push(note.into());
    }

    fn add(&mut self, part: AdoptedPart, content: Zeroizing<Vec<u8>>, from: &Path) {
        self.files.push(AdoptedFile {
            part,
            content,
            from: from.to_owned(),
        });
    }

    fn add_leaf_key(&mut self, part: AdoptedPart, found: &FoundKey) {
        if let Ok(key) = &found.key {
            if found.encrypted {
                self.note(format!(
                    "{} is written without its password, because a gateway cannot ask for one",
                    found.path.display()
                ));
            }
            self.add(part, pem_of(key), &found.path);
        }
    }

    fn add_authorities(&mut self, material: &Material, above: &Above<'_>) {
        let certificate = |found: &FoundCertificate| Zeroizing::new(pem::certificate_text(&found.der).into_bytes());
        if let Some(root) = above.root {
            self.add(AdoptedPart::Fixed(Part::RootCert), certificate(root), &root.path);
            // The key of a self-signed certificate is the server's and must not be stored
            // as a CA's key.
            if self.leaf().as_ref() != Some(&root.der) {
                self.add_ca_key(material, root, Part::RootKey, "1_root", "the root's key");
            }
        } else {
            self.missing.push("the root's certificate");
        }
        if let Some(issuer) = above.intermediates.first() {
            self.add(
                AdoptedPart::Fixed(Part::IntermediateCert),
                certificate(issuer),
                &issuer.path,
            );
            self.add_ca_key(
                material,
                issuer,
                Part::IntermediateKey,
                "2_intermediate",
                "the intermediate's key",
            );
        }
        let all: Vec<&FoundCertificate> = above.intermediates.iter().copied().chain(above.root).collect();
        if let Some(first) = all.first() {
            let text = pem::certificates_text(all.iter().map(|found| &found.der));
            self.add(
                AdoptedPart::Fixed(Part::CaChain),
                Zeroizing::new(text.into_bytes()),
                &first.path,
            );
        } else {
            self.missing.push("the CA's certificates");
        }
    }

    /// A CA's encrypted key is copied unchanged.
    fn add_ca_key(
        &mut self,
        material: &Material,
        ca: &FoundCertificate,
        part: Part<'static>,
        folder: &str,
        what: &'static str,
    ) {
        let fits = material.key_of(ca);
        let locked = || {
            (material.keys.iter()).find(|found| {
                found.key.is_err() && !found.raw.is_empty() && in_folder(&found.path, folder) && same_tree(found, ca)
            })
        };
        match fits.or_else(locked) {
            Some(found) if found.encrypted => {
                if let Err(problem) = &found.key {
                    let why = problem.fix.clone().unwrap_or_else(|| problem.what.as_str().into());
                    let note = format!("{} is copied encrypted, without a check: ", found.path.display());
                    self.note(Remedy::from(note).and(why));
                }
                let raw = found.raw.clone();
                self.add(AdoptedPart::Fixed(part), raw, &found.path);
            }
            Some(FoundKey { key: Ok(key), path, .. }) => self.add(AdoptedPart::Fixed(part), pem_of(key), path),
            _ => self.missing.push(what),
        }
    }

    /// Keeps the Secret's own CA bundle and CRLs, so that a later apply stores what the
    /// gateway has now.
    fn take_from(&mut self, secret: &SecretMaterial, above: &Above<'_>, other_names: Vec<String>) {
        self.secret = Some(FromSecret {
            namespace: secret.namespace.clone(),
            name: secret.name.clone(),
            verifies_clients: secret.authorities.is_some(),
            context: secret.context.clone(),
            cluster: secret.cluster.clone(),
            controller: secret.controller.clone(),
            fault: secret.fault.clone(),
            other_names,
        });
        let issuers: Vec<&CertificateDer<'_>> = (above.intermediates.iter().copied().chain(above.root))
            .map(|found| &found.der)
            .collect();
        if let Some((bundle, path)) = &secret.authorities {
            if !bundle.iter().any(|ca| issuers.contains(&ca)) {
                self.note(format!(
                    "{} contains a CA other than the server's: it verifies clients, and is stored \
                     in ca-chain.cert.pem; clients verify the server with {}",
                    path.display(),
                    if above.root.is_some() {
                        "ca.cert.pem"
                    } else {
                        "the root of its issuer, which is not in the workspace"
                    }
                ));
            }
            self.files.retain(|file| file.part != AdoptedPart::Fixed(Part::CaChain));
            let text = Zeroizing::new(pem::certificates_text(bundle).into_bytes());
            self.add(AdoptedPart::Fixed(Part::CaChain), text, path);
        }
        for list in &secret.lists {
            let of = |ca: Option<&FoundCertificate>| ca.is_some_and(|ca| crl::is_of(list, &ca.der));
            let part = if of(above.root) {
                Part::RootCrl
            } else if of(above.intermediates.first().copied()) {
                Part::IntermediateCrl
            } else {
                self.note(format!(
                    "a CRL in {} is skipped: no CA of the server's chain issued it",
                    secret.path.display()
                ));
                continue;
            };
            let text = Zeroizing::new(crl::text(list).into_bytes());
            self.add(AdoptedPart::Fixed(part), text, &secret.path);
        }
    }

    fn add_clients(&mut self, material: &Material, server: &Above<'_>, now: OffsetDateTime) {
        for certificate in material
            .certificates
            .iter()
            .filter(|certificate| is_client(certificate))
        {
            let Some(key) = material.key_of(certificate) else {
                self.note(format!(
                    "the client certificate {} is skipped: its key was not found",
                    certificate.path.display()
                ));
                continue;
            };
            let (verdict, above) = check(material, certificate, Purpose::Client, None, now);
            let top = |above: &Above<'_>| {
                above
                    .root
                    .or(above.intermediates.last().copied())
                    .map(|found| found.der.clone())
            };
            if top(&above) != top(server) {
                // A client of another host's CA.
                continue;
            }
            if let Some(fault) = verdict.first() {
                self.note(format!(
                    "the client certificate {} is skipped: {}",
                    certificate.path.display(),
                    fault.what
                ));
                continue;
            }
            let Some(name) = self.client_name(certificate) else {
                self.note(format!(
                    "the client certificate {} is skipped: it has no usable name",
                    certificate.path.display()
                ));
                continue;
            };
            let cert = with_intermediates(certificate, &above);
            self.add(AdoptedPart::ClientCert(name.clone()), cert, &certificate.path);
            self.add_leaf_key(AdoptedPart::ClientKey(name.clone()), key);
            self.clients.push(name);
        }
        let own = self.host.as_str().to_owned();
        self.clients.sort_by_key(|name| (*name != own, name.clone()));
        if self.clients.is_empty() {
            self.missing.push("a client certificate");
        }
    }

    /// The client's name: its CN, its first SAN, or its file name.
    fn client_name(&self, certificate: &FoundCertificate) -> Option<String> {
        let stem = certificate.path.file_name().unwrap_or_default().to_string_lossy();
        let stem = stem
            .trim_end_matches(".pem")
            .trim_end_matches(".crt")
            .trim_end_matches(".cert");
        let names = certificate.facts.names.iter().map(|name| name.value.as_str());
        common_name(&certificate.facts.subject)
            .into_iter()
            .chain(names)
            .chain([stem])
            .find(|name| check_client_name(name).is_ok() && !self.clients.iter().any(|known| known == name))
            .map(str::to_owned)
    }
}

/// Whether key and certificate are in the `private` and `certs` folders of the same
/// parent.
fn same_tree(key: &FoundKey, certificate: &FoundCertificate) -> bool {
    let top = |path: &Path| path.parent().and_then(Path::parent).map(Path::to_owned);
    top(&key.path) == top(&certificate.path)
}

fn pem_of(key: &PrivateKey) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(key.pem().as_bytes().to_vec())
}
