//! Turns a Gateway server's TLS settings and the Secrets it names into what
//! the listener presents and demands. Certificate and key are proven to belong
//! together before they may replace anything.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::table::{ClientAuth, ClientVerification, ServerIdentity, TlsMaterial};
use crate::certs::loadable::Unloadable;
use crate::certs::pem::envoy::Use;
use crate::certs::{key, pem};
use crate::manifests::model::gateway::{ServerTlsSettings, TlsMode, TlsProtocol};
use crate::names::Host;
use crate::problem::Problem;
use crate::remedy::{Remedy, kubectl, ours};
use crate::secrets::reference::{self, CredentialName};
use crate::secrets::{Entry, SecretData, SecretStore};
use crate::spelling::Index;

/// Why a server has no usable material; its SNI is then reset, as under Istio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaterialError {
    /// It is not there: the input may be incomplete, or it was deleted.
    Missing(Problem),
    /// It is there and broken; at a reload the last good configuration stays.
    Invalid(Problem),
}

impl MaterialError {
    /// The problem in words.
    pub fn problem(&self) -> &Problem {
        match self {
            Self::Missing(problem) | Self::Invalid(problem) => problem,
        }
    }
}

/// Which Secrets credentials may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Those of the pods' own namespace.
    Own,
    /// Also those that [`reference::granted_secret`] names.
    Granted,
}

/// Reads material, each value only once however many servers name it.
pub struct MaterialReader<'a> {
    store: &'a SecretStore<'a>,
    /// `--crl`: added to every server that verifies clients.
    extra_crls: &'a [CertificateRevocationListDer<'static>],
    parsed: HashMap<String, Arc<[CertificateDer<'static>]>>,
    /// The Secrets that the last reading looked at, by namespace and name.
    asked: Vec<(String, String)>,
    /// The names of Secrets, once one is missing.
    known: OnceCell<Index<'a>>,
}

impl<'a> MaterialReader<'a> {
    /// Reads from `store`; `extra_crls` count for every server that verifies clients.
    pub fn new(store: &'a SecretStore<'a>, extra_crls: &'a [CertificateRevocationListDer<'static>]) -> Self {
        Self {
            store,
            extra_crls,
            parsed: HashMap::new(),
            asked: Vec::new(),
            known: OnceCell::new(),
        }
    }

    /// The Secrets that the last reading looked at, by namespace and name.
    pub fn asked(&self) -> &[(String, String)] {
        &self.asked
    }

    /// The material of one server; `hosts` are its hosts without namespaces.
    ///
    /// # Errors
    /// [`MaterialError`]; the fields named are relative to `tls`.
    pub fn read(&mut self, tls: &ServerTlsSettings, hosts: &[String]) -> Result<TlsMaterial, MaterialError> {
        self.read_as(tls, hosts, Names::Own)
    }

    /// The same for a listener of the Gateway API, which may use what its credentials name
    /// in other namespaces: that was seen to when they were named.
    ///
    /// # Errors
    /// As [`MaterialReader::read`].
    pub fn read_granted(&mut self, tls: &ServerTlsSettings, hosts: &[String]) -> Result<TlsMaterial, MaterialError> {
        self.read_as(tls, hosts, Names::Granted)
    }

    fn read_as(
        &mut self,
        tls: &ServerTlsSettings,
        hosts: &[String],
        names: Names,
    ) -> Result<TlsMaterial, MaterialError> {
        self.asked.clear();
        let single = tls.credential_name.iter().filter(|name| !name.is_empty());
        let credentials: Vec<&str> = if tls.credential_names.is_empty() {
            single.map(String::as_str).collect()
        } else {
            tls.credential_names.iter().map(String::as_str).collect()
        };
        let (identities, client_auth) = if credentials.is_empty() {
            self.of_files(tls, hosts)?
        } else {
            self.of_credentials(&credentials, tls, hosts, names)?
        };
        Ok(TlsMaterial {
            identities,
            client_auth,
            versions: versions(tls),
            cipher_suites: tls.cipher_suites.clone(),
            ecdh_curves: tls.ecdh_curves.clone(),
        })
    }

    fn of_credentials(
        &mut self,
        credentials: &[&str],
        tls: &ServerTlsSettings,
        hosts: &[String],
        names: Names,
    ) -> Result<(Vec<ServerIdentity>, ClientAuth), MaterialError> {
        let mut identities = Vec::new();
        // The CA for clients stands with the first one.
        let mut first = None;
        for credential in credentials {
            let place @ (namespace, name) = self.place(credential, names)?;
            self.asked.push((namespace.to_owned(), name.to_owned()));
            let secret = self
                .store
                .find_in(namespace, name, hosts)
                .map_err(MaterialError::Invalid)?
                .ok_or_else(|| self.secret_missing(name, hosts))?;
            let pair = secret.key_pair().map_err(MaterialError::Invalid)?;
            let source = secret.source.clone();
            identities.push(self.identity(source, pair.certificate, pair.key, pair.staple.is_some())?);
            first.get_or_insert((place, secret));
        }
        let verifies = verifies_clients(tls.effective_mode());
        let client_auth = match first.filter(|_| verifies) {
            Some((place, secret)) => {
                let holder = self.authority_holder(place, &secret, tls, hosts, names)?;
                let found = holder.authorities().map_err(MaterialError::Invalid)?;
                let crls = found.crl.map_or_else(|| Ok(Vec::new()), crls_of)?;
                let mut verification = self.verification(tls, found.authorities, crls)?;
                verification.spki_sha256 = hashes(&tls.verify_certificate_spki, spki_hash, "verifyCertificateSpki")?;
                verification.certificate_sha256 =
                    hashes(&tls.verify_certificate_hash, certificate_hash, "verifyCertificateHash")?;
                client_auth(tls.effective_mode(), verification)
            }
            None => ClientAuth::None,
        };
        Ok((identities, client_auth))
    }

    /// What holds the CA for clients of the server whose Secret is at `place`.
    fn authority_holder(
        &mut self,
        place: (&str, &str),
        secret: &Rc<SecretData>,
        tls: &ServerTlsSettings,
        hosts: &[String],
        names: Names,
    ) -> Result<Rc<SecretData>, MaterialError> {
        let written = tls.ca_cert_credential_name.as_deref().filter(|name| !name.is_empty());
        if let Some(CredentialName::ConfigMap { namespace, name }) = written.map(CredentialName::parse) {
            let found = self.store.config_maps.get(&(namespace.to_owned(), name.to_owned()));
            return found.cloned().ok_or_else(|| self.config_map_missing(namespace, name));
        }
        let (namespace, ca_name) = match written {
            Some(ca) => {
                let (namespace, name) = self.place(ca, names)?;
                (namespace.to_owned(), name.to_owned())
            }
            None => (place.0.to_owned(), reference::ca_secret(place.1)),
        };
        self.asked.push((namespace.clone(), ca_name.clone()));
        // A Secret of that exact name is used alone; only without one is the base Secret looked at.
        let find = |name: &str| {
            self.store
                .find_in(&namespace, name, &[])
                .map_err(MaterialError::Invalid)
        };
        if let Some(separate) = find(&ca_name)? {
            return Ok(separate);
        }
        let found = match reference::server_secret(&ca_name) {
            Some(base) if (namespace.as_str(), base) == place => Some(Rc::clone(secret)),
            Some(base) if names == Names::Granted => find(base)?,
            _ => None,
        };
        found.ok_or_else(|| self.secret_missing(&ca_name, hosts))
    }

    fn config_map_missing(&self, namespace: &str, name: &str) -> MaterialError {
        let problem = Problem::new(format!(
            "ConfigMap {namespace}/{name} is not in {}",
            self.store.source()
        ));
        MaterialError::Missing(if self.store.in_cluster {
            problem
                .why("serve --cluster reads the CA for clients from Secrets only")
                .fix("serve the objects from files, with -f")
        } else {
            problem.fix("add the ConfigMap, with key ca.crt, to the input")
        })
    }

    fn identity(
        &mut self,
        source: String,
        certificate: &Entry,
        key: &Entry,
        has_staple: bool,
    ) -> Result<ServerIdentity, MaterialError> {
        let certificates = self.certificates(certificate, Use::Chain)?;
        check_loadable(certificate, &certificates, has_staple)?;
        let key = key_of(certificate, &certificates, key)?;
        Ok(ServerIdentity {
            source,
            certificates,
            key,
        })
    }

    fn of_files(
        &mut self,
        tls: &ServerTlsSettings,
        hosts: &[String],
    ) -> Result<(Vec<ServerIdentity>, ClientAuth), MaterialError> {
        let filled = |path: &Option<String>| path.clone().filter(|path| !path.is_empty());
        let own = (filled(&tls.server_certificate), filled(&tls.private_key));
        let pairs = if own == (None, None) {
            let listed = tls.tls_certificates.iter();
            listed
                .map(|one| (filled(&one.server_certificate), filled(&one.private_key)))
                .collect()
        } else {
            vec![own]
        };
        let mut identities = Vec::new();
        for pair in pairs {
            let (Some(certificate), Some(key)) = pair else {
                return Err(no_certificate());
            };
            let certificate_entry = self.mounted(&certificate, hosts)?;
            let key_entry = self.mounted(&key, hosts)?;
            identities.push(self.identity(certificate, &certificate_entry, &key_entry, false)?);
        }
        if identities.is_empty() {
            return Err(no_certificate());
        }
        if !verifies_clients(tls.effective_mode()) {
            return Ok((identities, ClientAuth::None));
        }
        let mut listed = tls.tls_certificates.iter().map(|one| filled(&one.ca_certificates));
        let authorities = filled(&tls.ca_certificates).or_else(|| listed.next().flatten());
        let Some(path) = authorities else {
            return Err(MaterialError::Missing(Problem::new(
                "clients are to be verified, but tls.caCertificates is not given",
            )));
        };
        let entry = self.mounted(&path, hosts)?;
        let crls = match filled(&tls.ca_crl) {
            Some(path) => crls_of(&self.mounted(&path, hosts)?)?,
            None => Vec::new(),
        };
        let verification = self.verification(tls, &entry, crls)?;
        Ok((identities, client_auth(tls.effective_mode(), verification)))
    }

    fn verification(
        &mut self,
        tls: &ServerTlsSettings,
        authorities: &Entry,
        mut crls: Vec<CertificateRevocationListDer<'static>>,
    ) -> Result<ClientVerification, MaterialError> {
        let unlisted_allowed = crls.is_empty();
        crls.extend(self.extra_crls.iter().cloned());
        Ok(ClientVerification {
            authorities: self.certificates(authorities, Use::Authorities)?,
            crls,
            unlisted_allowed,
            subject_alt_names: tls.subject_alt_names.clone(),
            accept_untrusted: tls.insecure_skip_verify.unwrap_or_default(),
            ..ClientVerification::default()
        })
    }

    /// Namespace and name of a Secret: of the gateway's own namespace, unless a grant lets it
    /// be another.
    fn place<'n>(&self, credential: &'n str, names: Names) -> Result<(&'n str, &'n str), MaterialError>
    where
        'a: 'n,
    {
        if let Some(granted) = reference::granted(credential).filter(|_| names == Names::Granted) {
            return Ok(granted);
        }
        let refused = |why: String| {
            Err(MaterialError::Missing(
                Problem::new(format!("the credential {credential:?} cannot be used")).why(why),
            ))
        };
        let own = self.store.namespace.as_str();
        match CredentialName::parse(credential) {
            CredentialName::ConfigMap { .. } => {
                refused("a ConfigMap gives the CA for clients only, by caCertCredentialName".to_owned())
            }
            CredentialName::OtherProvider { scheme } => refused(format!(
                "serve reads Secrets only, no {scheme}:// source; Istio would ask another provider"
            )),
            CredentialName::Secret {
                namespace: Some(namespace),
                ..
            } if namespace != own => refused(format!(
                "it is in namespace {namespace}; Istio gives a gateway in {own} no Secret of another namespace"
            )),
            CredentialName::Secret { name, .. } => Ok((own, name)),
        }
    }

    fn secret_missing(&self, name: &str, hosts: &[String]) -> MaterialError {
        let elsewhere = self.store.namespaces_with(name);
        let problem = Problem::new(format!(
            "secret {name:?} is not in namespace {}, where the gateway's pods run",
            self.store.namespace
        ));
        if !elsewhere.is_empty() {
            return MaterialError::Missing(
                problem
                    .why(format!(
                        "it is in {}; Istio reads it from the gateway workload's namespace, not from the Gateway's",
                        elsewhere.join(", ")
                    ))
                    .fix(format!("put the Secret into namespace {}", self.store.namespace)),
            );
        }
        let near = self.known.get_or_init(|| self.store.names()).nearest(name);
        if let Some(meant) = near {
            return MaterialError::Missing(
                problem.fix(format!("did you mean {meant}? If not, make the Secret {name}")),
            );
        }
        if self.store.in_cluster {
            let own = Remedy::from(ours::apply()).and(", which makes the workspace's Secrets");
            let other = kubectl::create_pair(self.store.namespace.as_str(), name);
            return MaterialError::Missing(problem.fix(own.or(other)));
        }
        // The gen-certs line helps only where its Secret would have this name.
        let host = hosts
            .iter()
            .find(|host| (self.store.names_of_host)(host).iter().any(|known| known == name));
        MaterialError::Missing(match host {
            Some(host) if Host::parse(host).is_ok() => problem.fix(ours::gen_certs(host.as_str())),
            _ => problem.fix(format!(
                "add --certs DIR, where DIR/{name} holds tls.crt and tls.key, or add the Secret to the input"
            )),
        })
    }

    fn mounted(&mut self, path: &str, hosts: &[String]) -> Result<Entry, MaterialError> {
        let own = &self.store.namespace;
        let at = self.store.secret_at(path);
        self.asked.extend(at.map(|(secret, _)| (own.clone(), secret)));
        if let Some(entry) = self.store.mounted(path, hosts).map_err(MaterialError::Invalid)? {
            return Ok(entry);
        }
        let problem = Problem::new(format!("{path} does not exist in the gateway's pod"));
        Err(MaterialError::Missing(match self.store.secret_at(path) {
            Some((secret, key)) => problem
                .why(format!(
                    "it is key {key} of secret {}/{secret}, which is neither in the input, nor below --certs, nor in the workspace",
                    self.store.namespace
                ))
                .fix(format!("add --certs DIR, where DIR/{secret}/{key} exists")),
            None => problem
                .why("no Deployment of the input mounts a Secret there, and serve does not read this machine's paths by itself")
                .fix("add --host-files, if the path is one of this machine"),
        }))
    }

    fn certificates(&mut self, entry: &Entry, purpose: Use) -> Result<Arc<[CertificateDer<'static>]>, MaterialError> {
        if let Some(known) = self.parsed.get(&entry.name) {
            return Ok(known.clone());
        }
        let read = pem::envoy::certificates(&entry.content, &entry.name, purpose)
            .map_err(|problem| MaterialError::Invalid(entry.locate(problem)))?;
        let list: Arc<[_]> = read.list.into_iter().map(|(_, certificate)| certificate).collect();
        self.parsed.insert(entry.name.clone(), list.clone());
        Ok(list)
    }
}

/// Whether Envoy loads the leaf for a server.
fn check_loadable(
    entry: &Entry,
    certificates: &[CertificateDer<'static>],
    has_staple: bool,
) -> Result<(), MaterialError> {
    let unloadable = certificates.first().and_then(|leaf| {
        let (_, parsed) = X509Certificate::from_der(leaf).ok()?;
        Unloadable::of(&parsed, has_staple)
    });
    match unloadable {
        None => Ok(()),
        Some(why) => Err(MaterialError::Invalid(entry.locate(
            Problem::new(format!("Envoy does not load the certificate in {}", entry.name)).why(why.to_string()),
        ))),
    }
}

fn no_certificate() -> MaterialError {
    MaterialError::Missing(
        Problem::new("the server names no certificate: neither credentialName nor serverCertificate and privateKey")
            .fix("add tls.credentialName"),
    )
}

fn key_of(
    certificate: &Entry,
    certificates: &[CertificateDer<'static>],
    entry: &Entry,
) -> Result<key::PrivateKey, MaterialError> {
    let read = key::of_gateway(&entry.content, &entry.name)
        .map_err(|problem| MaterialError::Invalid(entry.locate(problem)))?;
    if certificates.first().is_some_and(|leaf| read.fits(leaf)) {
        return Ok(read);
    }
    Err(MaterialError::Invalid(
        entry.locate(
            Problem::new(format!(
                "the key in {} does not belong to the certificate in {}",
                entry.name, certificate.name
            ))
            .why("the first certificate holds another public key")
            .fix(
                Remedy::from("use the key and the certificate of one chain; for a chain of this workspace ")
                    .and(ours::rotate(ours::HOST))
                    .and(" issues both, of the same CA"),
            ),
        ),
    ))
}

fn crls_of(entry: &Entry) -> Result<Vec<CertificateRevocationListDer<'static>>, MaterialError> {
    pem::envoy::crls(&entry.content, &entry.name).map_err(|problem| MaterialError::Invalid(entry.locate(problem)))
}

/// Whether a mode verifies clients with a CA of the Gateway's.
pub fn verifies_clients(mode: TlsMode) -> bool {
    matches!(mode, TlsMode::Mutual | TlsMode::OptionalMutual)
}

fn client_auth(mode: TlsMode, verification: ClientVerification) -> ClientAuth {
    match mode {
        TlsMode::OptionalMutual => ClientAuth::Optional(verification),
        _ => ClientAuth::Required(verification),
    }
}

/// TLS 1.2 and 1.3 are run; older ones are no part of the TLS stack here.
fn versions(tls: &ServerTlsSettings) -> (u16, u16) {
    let number = |version: Option<TlsProtocol>, default: u16| match version {
        None | Some(TlsProtocol::Auto) => default,
        Some(TlsProtocol::V1_0 | TlsProtocol::V1_1 | TlsProtocol::V1_2) => 0x0303,
        Some(TlsProtocol::V1_3) => 0x0304,
    };
    (
        number(tls.min_protocol_version, 0x0303),
        number(tls.max_protocol_version, 0x0304),
    )
}

fn hashes(texts: &[String], read: fn(&str) -> Option<[u8; 32]>, field: &str) -> Result<Vec<[u8; 32]>, MaterialError> {
    texts
        .iter()
        .map(|text| {
            read(text).ok_or_else(|| {
                MaterialError::Invalid(Problem::new(format!(
                    "{field} holds {text:?}, which is no SHA-256 digest"
                )))
            })
        })
        .collect()
}

/// Base64 of 32 bytes.
fn spki_hash(text: &str) -> Option<[u8; 32]> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .ok()?
        .try_into()
        .ok()
}

/// 64 hex digits, with or without colons.
fn certificate_hash(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| *byte != b':')
        .map(|byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    (digits.len() == 64).then(|| bytes.try_into().ok()).flatten()
}

#[cfg(test)]
mod tests;
