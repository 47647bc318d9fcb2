//! The files and Secrets given to `adopt`, recognised by their content.

use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::certs::inspect::{self, CertificateFacts};
use crate::certs::{CertificateDer, CertificateRevocationListDer, PrivateKey, key, pem, pkcs7, pkcs12};
use crate::cluster::secrets::LiveSecret;
use crate::files::{self, PEM_LIMIT, plain};
use crate::ops::failure::Failure;
use crate::ops::secret_source::{FoundSecret, pair_fault};
use crate::problem::Problem;
use crate::remedy::Cluster;
use crate::secrets::Entry;

/// The limits of a folder search: depth and number of files.
const DEPTH: usize = 8;
const MOST_FILES: usize = 10_000;

/// A certificate and its source.
pub(super) struct FoundCertificate {
    pub(super) der: CertificateDer<'static>,
    pub(super) facts: CertificateFacts,
    pub(super) path: PathBuf,
}

/// A private key and its source.
pub(super) struct FoundKey {
    pub(super) path: PathBuf,
    /// The key, or why it cannot be read (encrypted, without a matching password).
    pub(super) key: Result<PrivateKey, Problem>,
    /// The file unchanged.
    pub(super) raw: Zeroizing<Vec<u8>>,
    /// Whether the key is encrypted in the file.
    pub(super) encrypted: bool,
}

/// Everything that was found.
#[derive(Default)]
pub(super) struct Material {
    pub(super) certificates: Vec<FoundCertificate>,
    pub(super) keys: Vec<FoundKey>,
    /// Files with neither.
    pub(super) ignored: usize,
    /// The Secrets among the sources.
    pub(super) secrets: Vec<SecretMaterial>,
}

/// Facts about a Secret other than its certificates and keys.
pub(super) struct SecretMaterial {
    pub(super) namespace: String,
    pub(super) name: String,
    /// The source of its values: `secret/istio-system/httpbin-credential`.
    pub(super) path: PathBuf,
    /// The CA bundle that the gateway verifies clients with, and its key in the Secret.
    pub(super) authorities: Option<(Vec<CertificateDer<'static>>, PathBuf)>,
    /// CRLs.
    pub(super) lists: Vec<CertificateRevocationListDer<'static>>,
    /// The context of its cluster.
    pub(super) context: String,
    /// The flags that select its cluster.
    pub(super) cluster: Cluster,
    /// The program that manages it, in words.
    pub(super) controller: Option<String>,
    /// Why no gateway can use it in its present form.
    pub(super) fault: Option<String>,
}

/// Reads files and folders, recursively.
///
/// # Errors
/// If one cannot be read, or a named file contains neither certificate nor key; such
/// files in folders are only counted.
pub(super) fn read(paths: &[PathBuf], password: Option<&str>, now: OffsetDateTime) -> Result<Material, Failure> {
    let mut material = Material::default();
    for path in paths {
        if path.is_dir() {
            let mut found = Vec::new();
            walk(path, DEPTH, &mut found)?;
            found.sort();
            for file in found {
                // A broken file beside the chain is no reason to refuse it; if a part is
                // missing then, that is reported.
                match read_file(&file, password, now, &mut material) {
                    Ok(true) => {}
                    Ok(false) | Err(_) => material.ignored += 1,
                }
            }
        } else if !read_file(path, password, now, &mut material).map_err(Failure::usage)? {
            return Err(Failure::usage(
                Problem::new(format!(
                    "{} contains neither a certificate nor a private key",
                    path.display()
                ))
                .fix("give the certificate, its key and the CA certificates (PEM, DER or PKCS#12)"),
            ));
        }
    }
    Ok(material)
}

/// Reads what the gateway reads of a Secret: its key pair and CA bundle. Every key of a
/// Secret without a key pair is searched.
///
/// # Errors
/// If it contains neither certificate nor key, or an unreadable one.
pub(super) fn read_secret(
    found: &FoundSecret,
    password: Option<&str>,
    now: OffsetDateTime,
    material: &mut Material,
) -> Result<(), Failure> {
    let path_of = |secret: &LiveSecret, entry: &Entry| {
        let key = entry.name.rsplit(' ').next().unwrap_or_default();
        Path::new("secret").join(&secret.namespace).join(&secret.name).join(key)
    };
    let secret = &found.secret;
    let own = |entry| (secret, entry);
    let authorities = found
        .all()
        .find_map(|secret| Some((secret, secret.data.authorities().ok()?)));
    let pair = secret.data.key_pair();
    let entries: Vec<(&LiveSecret, &Entry)> = match &pair {
        Ok(pair) => {
            let above = authorities.as_ref().map(|(holder, found)| (*holder, found.authorities));
            [own(pair.certificate), own(pair.key)]
                .into_iter()
                .chain(above)
                .collect()
        }
        Err(_) => secret.data.entries.values().map(own).collect(),
    };
    let fault = pair_fault(&secret.data);
    let refused = |problem| Failure::usage(found.explain(problem));
    let mut unread = None;
    let before = (material.certificates.len(), material.keys.len());
    for (holder, entry) in &entries {
        match read_content(&entry.content, &path_of(holder, entry), password, now, material) {
            Ok(_) => {}
            Err(problem) if pair.is_err() => {
                material.ignored += 1;
                unread.get_or_insert(problem);
            }
            Err(problem) => return Err(refused(problem)),
        }
    }
    if before == (material.certificates.len(), material.keys.len()) {
        let problem = unread
            .or(fault)
            .unwrap_or_else(|| Problem::new("the Secret holds no certificate"));
        return Err(refused(problem));
    }
    let lists = match &authorities {
        Some((_, found)) => found
            .crl
            .map(|entry| pem::crls(&entry.content, &entry.name))
            .transpose(),
        None => Ok(None),
    };
    let authorities = authorities.map(|(holder, found)| {
        let entry = found.authorities;
        pem::certificates(&entry.content, &entry.name).map(|bundle| (bundle, path_of(holder, entry)))
    });
    material.secrets.push(SecretMaterial {
        namespace: secret.namespace.clone(),
        name: secret.name.clone(),
        path: Path::new("secret").join(&secret.namespace).join(&secret.name),
        authorities: authorities.transpose().map_err(refused)?,
        lists: lists.map_err(refused)?.unwrap_or_default(),
        context: found.context().to_owned(),
        cluster: found.cluster().clone(),
        controller: secret.controller.clone(),
        fault: fault.map(|problem| problem.what),
    });
    Ok(())
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(Problem::new(format!("{} cannot be read", folder.display())).why(plain(&error)))
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        if kind.is_dir() {
            if depth > 0 {
                walk(&path, depth - 1, found)?;
            }
        } else if path.is_file() {
            found.push(path);
            if found.len() > MOST_FILES {
                return Err(Failure::usage(
                    Problem::new(format!("{} contains more than {MOST_FILES} files", folder.display()))
                        .fix("give the folder of the chain itself"),
                ));
            }
        }
    }
    Ok(())
}

/// Whether the file contained a certificate or key.
fn read_file(
    path: &Path,
    password: Option<&str>,
    now: OffsetDateTime,
    material: &mut Material,
) -> Result<bool, Problem> {
    let content = Zeroizing::new(files::read(path, PEM_LIMIT)?);
    read_content(&content, path, password, now, material)
}

/// Whether the content had a certificate or key; `path` is its source.
pub(super) fn read_content(
    content: &[u8],
    path: &Path,
    password: Option<&str>,
    now: OffsetDateTime,
    material: &mut Material,
) -> Result<bool, Problem> {
    let name = path.display().to_string();
    let before = (material.certificates.len(), material.keys.len());
    if pem::is_pem(content) {
        for block in pem::blocks(content, &name)? {
            if block.is_certificate() {
                material.add_certificate(block.certificate(), path, now)?;
            } else if pkcs7::is_label(&block.label) {
                for certificate in pkcs7::certificates(&block.der, &name)? {
                    material.add_certificate(certificate, path, now)?;
                }
            } else if block.is_private_key() {
                let encrypted = block.legacy_encrypted || block.label == pem::ENCRYPTED_PRIVATE_KEY;
                material.add_key(key::read_block(&block, &name, password), content, encrypted, path)?;
            }
        }
    } else if pkcs7::is_pkcs7(content) {
        for certificate in pkcs7::read(content, &name)? {
            material.add_certificate(certificate, path, now)?;
        }
    } else if pkcs12::is_pkcs12(content) {
        let bundle = pkcs12::read(content, &name, password)?;
        for certificate in bundle.certificates {
            material.add_certificate(certificate, path, now)?;
        }
        for key in bundle.keys {
            material.add_key(Ok(key), &[], false, path)?;
        }
    } else if let Some(encoding) = key::recognise(content) {
        let encrypted = encoding == key::Encoding::EncryptedPkcs8;
        material.add_key(key::read(content, &name, password), content, encrypted, path)?;
    } else if pem::is_der(content) {
        let der = CertificateDer::from(content.to_vec());
        if inspect::certificate(&der, now).is_ok() {
            material.add_certificate(der, path, now)?;
        }
    }
    Ok(before != (material.certificates.len(), material.keys.len()) || !content.is_empty() && pem::is_pem(content))
}

impl Material {
    fn add_certificate(
        &mut self,
        der: CertificateDer<'static>,
        path: &Path,
        now: OffsetDateTime,
    ) -> Result<(), Problem> {
        if self.certificates.iter().any(|known| known.der == der) {
            return Ok(());
        }
        let facts = inspect::certificate(&der, now).map_err(|problem| problem.at(path.display().to_string()))?;
        self.certificates.push(FoundCertificate {
            der,
            facts,
            path: path.to_owned(),
        });
        Ok(())
    }

    /// A key that is broken, rather than encrypted, is an error.
    fn add_key(
        &mut self,
        key: Result<PrivateKey, Problem>,
        raw: &[u8],
        encrypted: bool,
        path: &Path,
    ) -> Result<(), Problem> {
        if !encrypted && let Err(problem) = key {
            return Err(problem);
        }
        self.keys.push(FoundKey {
            path: path.to_owned(),
            key,
            raw: Zeroizing::new(raw.to_vec()),
            encrypted,
        });
        Ok(())
    }

    /// The type of key that a certificate is for.
    pub(super) fn key_of(&self, certificate: &FoundCertificate) -> Option<&FoundKey> {
        self.keys
            .iter()
            .find(|found| found.key.as_ref().is_ok_and(|key| key.fits(&certificate.der)))
    }
}
