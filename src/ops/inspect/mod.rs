//! `inspect`: explains the contents of files, folders, servers and Secrets.

mod secret;

pub use secret::SecretFacts;

use zeroize::Zeroizing;

use super::certificate_source::{Source, files_below, is_expected, read_input, served_chain};
use super::cluster_access::ClusterPlace;
use super::failure::Failure;
use super::surroundings::Surroundings;
use crate::certs::inspect::{Found, Item, from_certificates, relate, scan};
use crate::certs::pem;
use crate::files::{self, PEM_LIMIT};
use crate::names::Host;
use crate::problem::Problem;
use crate::remedy::ours;

/// The request.
#[derive(Debug)]
pub struct Request {
    /// The targets.
    pub sources: Vec<Source>,
    /// The server name to send to a server; its host by default.
    pub sni: Option<Host>,
    /// The password of keys and PKCS#12 files.
    pub password: Option<Zeroizing<String>>,
    /// The cluster of Secrets.
    pub cluster: ClusterPlace,
}

/// What was found.
#[derive(Debug)]
pub struct Outcome {
    /// Certificates, keys, requests and CRLs, numbered, and how they belong together.
    pub items: Vec<Item>,
    /// The Secrets that some of them came from.
    pub secrets: Vec<SecretFacts>,
}

/// Reads and explains everything.
///
/// # Errors
/// If a source cannot be read or contains nothing; in a single file, every part must be
/// readable.
pub fn run(request: &Request, here: &Surroundings) -> Result<Outcome, Failure> {
    let password = request.password.as_ref().map(|password| password.as_str());
    let (mut items, mut secrets) = (Vec::new(), Vec::new());
    for source in &request.sources {
        if let Source::Secret(target) = source {
            let found = target.fetch(&request.cluster, here)?;
            for secret in found.all() {
                items.extend(secret::items(secret, password, here.now));
                secrets.push(SecretFacts::of(secret, found.context()));
            }
        } else {
            items.extend(look(source, request.sni.as_ref(), password, here)?);
        }
    }
    relate(&mut items);
    Ok(Outcome { items, secrets })
}

fn look(
    source: &Source,
    sni: Option<&Host>,
    password: Option<&str>,
    here: &Surroundings,
) -> Result<Vec<Item>, Failure> {
    match source {
        Source::File(_) | Source::Stdin => {
            let (name, content) = read_input(source)?;
            let items = scan(&content, &name, password, here.now).map_err(Failure::usage)?;
            // In a single file every part must be readable; in a folder, the readable
            // ones are enough.
            match items.iter().find_map(|item| match &item.found {
                Found::Unreadable { problem } => Some(problem.clone()),
                _ => None,
            }) {
                Some(problem) => Err(Failure::usage(problem)),
                None => Ok(items),
            }
        }
        Source::Folder(folder) => {
            let mut items = Vec::new();
            for path in files_below(folder)? {
                let name = path.display().to_string();
                let found = files::read(&path, PEM_LIMIT).and_then(|content| {
                    if !is_expected(&path) && !pem::is_pem(&content) {
                        return Ok(Vec::new());
                    }
                    scan(&content, &name, password, here.now)
                });
                match found {
                    Ok(found) => items.extend(found),
                    Err(problem) if is_expected(&path) => items.push(Item::unreadable(&name, problem)),
                    Err(_) => {}
                }
            }
            if items.is_empty() {
                return Err(Failure::usage(
                    Problem::new(format!("{} contains neither a certificate nor a key", folder.display()))
                        .fix(ours::gen_certs(ours::HOST)),
                ));
            }
            Ok(items)
        }
        Source::Server { host, port } => {
            let chain = served_chain(host, *port, sni, here)?;
            Ok(from_certificates(&chain, &format!("{host}:{port}"), here.now))
        }
        // Read with its facts, above.
        Source::Secret(_) => Ok(Vec::new()),
    }
}
