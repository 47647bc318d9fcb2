//! Live objects as lint sees them, and the certificates that servers should serve.

use serde_json::Value;

use crate::certs::inspect::{self, CertificateFacts};
use crate::certs::pem;
use crate::doctor::facts::{Certificate, Seen, Source, TlsServer, is_of_api, title};
use crate::doctor::is_of_doctor;
use crate::lint::Report;
use crate::manifests::load::{self, LoadError, Named, Origin};
use crate::manifests::model::Manifest;
use crate::ops::Surroundings;
use crate::ops::lint::judging::Judging;
use crate::secrets::SecretStore;
use crate::secrets::reference::{CredentialName, MountedFile, ca_secret};
use crate::sources::disk::DiskFiles;
use crate::sources::{Collected, Sources};
use crate::workspace::config::{GatewayEntry, IstioTarget};

/// Objects that are not in a file.
pub(super) fn manifests<'v>(values: impl Iterator<Item = &'v Value>) -> Vec<Manifest> {
    // What cannot be read is of a version that this program does not know.
    values
        .filter_map(|value| load::object(value).ok())
        .map(|object| object.manifest)
        .collect()
}

/// Namespace and name of a Secret.
pub(super) type SecretId = (String, String);

/// The live objects together; `unread` are Secrets that could not be read and count as
/// existing.
pub(super) fn collect<'f>(
    objects: Vec<Manifest>,
    unread: &[&SecretId],
    gateway: &GatewayEntry,
    files: &'f DiskFiles,
) -> Collected<'f> {
    let mut collected = Sources::of_objects(objects, "", gateway, files);
    // Every pod is among the objects: none is assumed.
    collected.pod_labels.clear();
    let origin = Origin::made("");
    collected
        .errors
        .extend(unread.iter().map(|(namespace, name)| LoadError {
            placeholder: false,
            location: origin.location(),
            path: String::new(),
            message: String::new(),
            fix: None,
            object: Some(Box::new(Named {
                kind: "Secret".to_owned(),
                namespace: Some(namespace.clone()),
                name: name.clone(),
            })),
        }));
    collected
}

/// The lint findings that `doctor` reports.
pub(super) fn lint(collected: &Collected<'_>, target: IstioTarget, secrets: bool, here: &Surroundings) -> Report {
    let judging = Judging {
        target: Some(target),
        ..Judging::default()
    };
    let mut report = judging.of_sources(collected, secrets, here.now);
    report.findings.retain(|finding| is_of_doctor(finding.code));
    report.skipped.retain(|skipped| is_of_doctor(skipped.code));
    report
}

/// The certificates of a server, each with its leaf. `denied` says why a Secret may not
/// be read.
pub(super) fn certificates(
    server: &TlsServer<'_>,
    store: &SecretStore<'_>,
    denied: &dyn Fn(&SecretId) -> Option<String>,
    here: &Surroundings,
) -> Vec<Certificate> {
    let one = |source: Source, (namespace, secret): &SecretId, leaf: Seen<Option<CertificateFacts>>| Certificate {
        gateway: title(server.gateway),
        index: server.index,
        hosts: server.hosts.clone(),
        source,
        secret: format!("{namespace}/{secret}"),
        leaf,
    };
    if has_credentials(server) {
        return credentials(server, &store.namespace)
            .into_iter()
            .map(|id| {
                let leaf = match denied(&id) {
                    Some(reason) => Err(reason),
                    None => Ok(leaf_of_secret(store, &id, here)),
                };
                one(Source::Credential(id.1.clone()), &id, leaf)
            })
            .collect();
    }
    files(server)
        .into_iter()
        .filter_map(|path| {
            let (secret, key) = store.secret_at(path)?;
            let id = (store.namespace.clone(), secret);
            let leaf = match denied(&id) {
                Some(reason) => Err(reason),
                None => Ok(store.objects.get(&id).and_then(|data| {
                    let entry = data.entries.get(&key)?;
                    leaf(&entry.content, here)
                })),
            };
            Some(one(Source::File(path.to_owned()), &id, leaf))
        })
        .collect()
}

fn has_credentials(server: &TlsServer<'_>) -> bool {
    (server.server.tls.as_ref()).is_some_and(|tls| tls.credential_name.is_some() || !tls.credential_names.is_empty())
}

/// The Secrets that a server names: in the gateway's own namespace or, in the Gateway
/// API, in any.
pub(super) fn credentials(server: &TlsServer<'_>, namespace: &str) -> Vec<SecretId> {
    let tls = server.server.tls.iter();
    let written = tls.flat_map(|tls| tls.credential_name.iter().chain(&tls.credential_names));
    if is_of_api(server.gateway) {
        let parts = written.filter_map(|written| written.split_once('/'));
        return parts
            .map(|(namespace, name)| (namespace.to_owned(), name.to_owned()))
            .collect();
    }
    let names = written.filter_map(|written| secret_name(written, namespace));
    names.map(|name| (namespace.to_owned(), name)).collect()
}

/// The Secrets that may contain the CA for clients.
pub(super) fn authorities(server: &TlsServer<'_>, namespace: &str) -> Vec<SecretId> {
    let tls = server.server.tls.iter();
    let named = tls.flat_map(|tls| &tls.ca_cert_credential_name);
    let names = named.filter_map(|written| secret_name(written, namespace));
    let mut all: Vec<SecretId> = names.map(|name| (namespace.to_owned(), name)).collect();
    let first = credentials(server, namespace).into_iter().next();
    all.extend(first.map(|(namespace, name)| (namespace, ca_secret(&name))));
    all
}

/// `NAME`, `NAMESPACE/NAME` or either with `kubernetes://`; none for another scheme.
fn secret_name(written: &str, namespace: &str) -> Option<String> {
    CredentialName::parse(written).name_in(namespace).map(str::to_owned)
}

/// The paths of a server's certificates in the pods.
pub(super) fn files<'g>(server: &TlsServer<'g>) -> Vec<&'g str> {
    let tls = server.server.tls.iter();
    let paths = tls.flat_map(|tls| {
        let pairs = tls.tls_certificates.iter().map(|pair| &pair.server_certificate);
        std::iter::once(&tls.server_certificate).chain(pairs)
    });
    // Istio 1.1 required some value there, beside credentialName.
    let paths = paths.flatten().map(String::as_str);
    paths.filter(|path| path.starts_with('/')).collect()
}

/// The Secret that is conventionally mounted at `/etc/istio/NAME`.
pub(super) fn secret_by_custom(path: &str) -> Option<String> {
    MountedFile::parse(path).map(MountedFile::secret)
}

fn leaf_of_secret(store: &SecretStore<'_>, id: &SecretId, here: &Surroundings) -> Option<CertificateFacts> {
    let data = store.objects.get(id)?;
    let pair = data.key_pair().ok()?;
    leaf(&pair.certificate.content, here)
}

fn leaf(content: &[u8], here: &Surroundings) -> Option<CertificateFacts> {
    let leaf = pem::certificates(content, "the Secret's certificate")
        .ok()?
        .into_iter()
        .next()?;
    inspect::certificate(&leaf, here.now).ok()
}

/// Objects of a kind, except those that this program cannot read.
pub(super) fn typed<T: serde::de::DeserializeOwned>(values: &[Value]) -> Vec<T> {
    values
        .iter()
        .filter_map(|value| serde_json::from_value(value.clone()).ok())
        .collect()
}
