//! The intent of the workspace's entries: names, modes, routes and the key material of their
//! chains.

use std::path::Path;

use zeroize::Zeroizing;

use crate::certs::pem;
use crate::files;
use crate::manifests::build::{self, Api, HostIntent, Intent, Material};
use crate::manifests::model::Manifest;
use crate::manifests::naming::{self, HostNames};
use crate::manifests::routes;
use crate::names::Host;
use crate::problem::Problem;
use crate::remedy::{Remedy, other, ours};
use crate::spelling;
use crate::workspace::config::{HostEntry, WorkspaceConfig};
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::store;

/// The entries of `hosts`, in this order; all if none are given.
///
/// # Errors
/// If a host has no entry.
pub fn entries_of<'a>(config: &'a WorkspaceConfig, hosts: &[Host]) -> Result<Vec<&'a HostEntry>, Problem> {
    if hosts.is_empty() {
        return Ok(config.hosts.iter().collect());
    }
    let mut entries: Vec<&HostEntry> = Vec::new();
    for host in hosts {
        let entry = config.host(host).ok_or_else(|| unknown(config, host))?;
        if !entries.iter().any(|known| known.host == entry.host) {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// The intent of these entries; their chains are read from `dir`.
///
/// # Errors
/// If a chain is missing or invalid.
pub fn intent(dir: &Path, config: &WorkspaceConfig, entries: &[&HostEntry]) -> Result<Intent, Problem> {
    intent_by(config, entries, |host| material(dir, host))
}

/// Like [`intent`], but the key of a host without one, such as for a chain issued with --csr, is
/// empty. If no host has a key, the same as there.
///
/// # Errors
/// The same.
pub fn intent_or_keyless(dir: &Path, config: &WorkspaceConfig, entries: &[&HostEntry]) -> Result<Intent, Problem> {
    // Reading an inaccessible key reports the error.
    let has_key = |entry: &HostEntry| {
        let layout = ChainLayout::new(dir, &entry.host);
        files::is_there(&layout.path(Part::ServerKey)).unwrap_or(true)
    };
    if !entries.iter().any(|entry| has_key(entry)) {
        return intent(dir, config, entries);
    }
    intent_by(config, entries, |host| {
        let layout = ChainLayout::new(dir, host);
        material_or_keyless(&layout, |part| store::read(&layout, part))
    })
}

fn intent_by(
    config: &WorkspaceConfig,
    entries: &[&HostEntry],
    material: impl Fn(&Host) -> Result<Option<Material>, Problem>,
) -> Result<Intent, Problem> {
    let names = names_of(entries.iter().copied());
    let hosts = entries
        .iter()
        .zip(names)
        .map(|(entry, names)| {
            let material = material(&entry.host)?.ok_or_else(|| no_chain(&entry.host))?;
            Ok(host_intent(config, entry, names, material))
        })
        .collect::<Result<_, Problem>>()?;
    Ok(intent_of(config, hosts))
}

/// The Secrets of one host from this material, as generated together with all others.
///
/// # Errors
/// If the host has no entry, or it verifies clients and there is no CA.
pub fn secrets_of(config: &WorkspaceConfig, host: &Host, material: Material) -> Result<Vec<Manifest>, Problem> {
    let names = names_of(&config.hosts);
    let (entry, names) = (config.hosts.iter().zip(names))
        .find(|(entry, _)| &entry.host == host)
        .ok_or_else(|| unknown(config, host))?;
    let hosts = vec![host_intent(config, entry, names, material)];
    build::objects(&intent_of(config, hosts), &[build::Part::Secrets])
}

/// The intent of a single host from this material, with its recorded names.
pub fn of_host(config: &WorkspaceConfig, entry: &HostEntry, material: Material) -> Intent {
    let names = names_of([entry]);
    let host = names.into_iter().next();
    let host = host.map(|names| host_intent(config, entry, names, material));
    intent_of(config, host.into_iter().collect())
}

/// The names of these entries' objects, in order.
pub(super) fn names_of<'a>(entries: impl IntoIterator<Item = &'a HostEntry>) -> Vec<HostNames> {
    let entries = entries.into_iter();
    naming::names(entries.map(|entry| (&entry.host, Some(entry.credential_name.as_str()))))
}

/// The intent of one entry.
pub(super) fn host_intent(
    config: &WorkspaceConfig,
    entry: &HostEntry,
    names: HostNames,
    material: Material,
) -> HostIntent {
    HostIntent {
        names,
        mode: config.mode_of(entry),
        routes: if entry.routes.is_empty() {
            routes::default_routes(&entry.host)
        } else {
            entry.routes.clone()
        },
        material,
    }
}

/// The intent of these hosts together.
pub(super) fn intent_of(config: &WorkspaceConfig, hosts: Vec<HostIntent>) -> Intent {
    Intent {
        hosts,
        gateway: config.gateway.clone(),
        secrets: config.secrets,
        istio: config.istio,
        api: Api::default(),
        issuer: None,
    }
}

/// A host's chain on disk; none if there is no server certificate.
///
/// # Errors
/// If the key is missing, or a file cannot be read or has the wrong content.
pub fn material(dir: &Path, host: &Host) -> Result<Option<Material>, Problem> {
    let layout = ChainLayout::new(dir, host);
    material_by(&layout, |part| store::read(&layout, part))
}

/// Like [`material`], with each part from `read`.
///
/// # Errors
/// The same.
pub fn material_by(
    layout: &ChainLayout,
    read: impl Fn(Part<'_>) -> Result<Option<Vec<u8>>, Problem>,
) -> Result<Option<Material>, Problem> {
    let host = layout.host();
    match material_or_keyless(layout, read)? {
        Some(material) if material.key.is_empty() => Err(Problem::new(format!("{host} has a certificate but no key"))
            .why(format!(
                "{} is not there; a chain made with --csr has none",
                shown(&layout.path(Part::ServerKey))
            ))
            .fix(
                Remedy::from("provide the key; or ")
                    .and(ours::rotate(host))
                    .and(" renews the certificate with a new key"),
            )),
        material => Ok(material),
    }
}

/// Like [`material_by`], but a missing key is empty.
fn material_or_keyless(
    layout: &ChainLayout,
    read: impl Fn(Part<'_>) -> Result<Option<Vec<u8>>, Problem>,
) -> Result<Option<Material>, Problem> {
    let name = |part| shown(&layout.path(part));
    let Some(certificate) = read(Part::ServerCert)? else {
        return Ok(None);
    };
    pem::certificates(&certificate, &name(Part::ServerCert))?;
    let key = match read(Part::ServerKey)?.map(Zeroizing::new) {
        Some(key) => {
            check_key(&key, &name(Part::ServerKey))?;
            key
        }
        None => Zeroizing::default(),
    };
    let ca = read(Part::CaChain)?;
    if let Some(ca) = &ca {
        pem::certificates(ca, &name(Part::CaChain))?;
    }
    let mut crl: Option<Vec<u8>> = None;
    for part in [Part::IntermediateCrl, Part::RootCrl] {
        if let Some(list) = read(part)? {
            pem::crls(&list, &name(part))?;
            crl.get_or_insert_default().extend(list);
        }
    }
    Ok(Some(Material {
        certificate,
        key,
        ca,
        crl,
        issuer_key: None,
    }))
}

/// The key of a host's intermediate; none if it does not exist.
///
/// # Errors
/// If it cannot be read, or is encrypted.
pub fn issuer_key(dir: &Path, host: &Host) -> Result<Option<Zeroizing<Vec<u8>>>, Problem> {
    let layout = ChainLayout::new(dir, host);
    let Some(key) = store::read(&layout, Part::IntermediateKey)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    check_key(&key, &shown(&layout.path(Part::IntermediateKey)))?;
    Ok(Some(key))
}

/// Checks that Envoy can read a key: PEM without a password.
fn check_key(key: &[u8], name: &str) -> Result<(), Problem> {
    let key = pem::envoy::private_key(key, name)?;
    if key.legacy_encrypted || key.label == pem::ENCRYPTED_PRIVATE_KEY {
        return Err(Problem::new(format!("{name} is encrypted"))
            .why("nothing in a cluster can ask for its password")
            .fix(Remedy::from(other::decrypt(name)).and(", and replace it with the result")));
    }
    Ok(())
}

/// The problem for a host that the workspace does not have.
fn unknown(config: &WorkspaceConfig, host: &Host) -> Problem {
    let problem = no_chain(host);
    let known = config.hosts.iter().map(|entry| entry.host.as_str());
    match (spelling::nearest(host.as_str(), known), &problem.fix) {
        (Some(meant), Some(fix)) => {
            let fix = Remedy::from(format!("did you mean {meant}? If not: ")).and(fix.clone());
            problem.fix(fix)
        }
        _ => problem,
    }
}

fn no_chain(host: &Host) -> Problem {
    Problem::new(format!("there is no chain for {host}")).fix(ours::gen_certs(host))
}

/// A path for messages, as a user would write it.
pub(super) fn shown(path: &Path) -> String {
    let shown = files::shown(path);
    if shown.is_empty() { "this folder".into() } else { shown }
}
