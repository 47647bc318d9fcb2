//! `istio-tls verify`: judges chains as a client would.

mod text;

use std::path::{Path, PathBuf};

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use serde::Serialize;

use super::certificate_source::{Source, read_input, served_chain, tree_of};
use super::context::{Context, Format};
use super::password::PasswordArgs;
use super::pem_files::{self, certificates, certificates_of};
use super::{Exit, Failure, args};
use crate::certs::pkcs12;
use crate::certs::verify::{Purpose, Verdict, VerifyInput, verify};
use crate::names::Host;
use crate::problem::Problem;
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::store;

/// Verifies a certificate chain as a client would, and says why not
///
/// Builds the path from the leaf to a trusted root and checks validity, names,
/// usages, constraints, strength and revocation; every reason is given, the
/// most important first. A host's tree brings its own root, its CRLs and its
/// name, and is verified with all its clients. Ends with 1 when it does not verify.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls verify httpbin.example.com               a host's chain in the workspace, with its clients\n  istio-tls verify server.pem --cacert ca.pem --host shop.example.com\n  istio-tls verify client.pem --cacert ca.pem --purpose client --crl intermediate.crl.pem\n  istio-tls verify localhost:8443 --host httpbin.example.com"
)]
pub(super) struct VerifyArgs {
    /// A certificate file (leaf first), a host's tree, HOST:PORT, or - for standard input
    #[arg(value_name = "TARGET")]
    target: String,
    /// The name that the server certificate must hold [default: the tree's host, or HOST of HOST:PORT]
    #[arg(long, value_name = "HOST")]
    host: Option<Host>,
    /// Trust the certificates of this file; repeatable [default: the tree's root, else the system's CAs]
    #[arg(long, value_name = "FILE")]
    cacert: Vec<PathBuf>,
    /// Intermediates that the verifier has beside those in TARGET; repeatable
    #[arg(long, value_name = "FILE")]
    intermediate: Vec<PathBuf>,
    /// Revocation lists; repeatable [default: the tree's]
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// For what the leaf must be good [default: server; for a tree, both]
    #[arg(long, value_parser = args::choice(Purpose::WORDS))]
    purpose: Option<Purpose>,
    #[command(flatten)]
    password: PasswordArgs,
}

/// One chain and how it was judged.
#[derive(Serialize)]
pub(super) struct Judged {
    /// The file or server.
    pub(super) source: String,
    /// For what it was judged.
    pub(super) purpose: Purpose,
    /// The name that was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<Host>,
    /// Where the trusted certificates came from.
    pub(super) trusted: Vec<String>,
    /// Whether it verifies.
    pub(super) verified: bool,
    #[serde(flatten)]
    pub(super) verdict: Verdict,
}

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    verified: bool,
    results: &'a [Judged],
}

/// What is judged: a chain, for a purpose.
struct Chain {
    source: String,
    certificates: Vec<CertificateDer<'static>>,
    purpose: Purpose,
    host: Option<Host>,
}

pub(super) fn run(args: &VerifyArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let source = Source::parse(&args.target, context)?;
    if source == Source::Stdin && args.password.is_stdin() {
        return Err(Failure::usage(
            Problem::new("standard input cannot be both the target and the password").fix("--password-file FILE"),
        ));
    }
    let tree = match &source {
        Source::File(path) | Source::Folder(path) => tree_of(path),
        Source::Server { host, .. } => {
            let host = args.host.as_ref().unwrap_or(host);
            Some(ChainLayout::new(&context.dir, host)).filter(store::has_chain)
        }
        Source::Stdin => None,
    };
    let chains = chains(args, &source, tree.as_ref(), context)?;
    let (trusted, roots) = trusted(args, tree.as_ref(), context)?;
    let mut intermediates = Vec::new();
    for path in &args.intermediate {
        intermediates.extend(certificates(path)?);
    }
    let crls = crls(args, tree.as_ref())?;
    let results: Vec<Judged> = chains
        .into_iter()
        .map(|chain| {
            let verdict = verify(&VerifyInput {
                chain: &chain.certificates,
                intermediates: &intermediates,
                roots: &roots,
                crls: &crls,
                purpose: chain.purpose,
                host: chain.host.as_ref(),
                now: context.now,
            });
            Judged {
                source: chain.source,
                purpose: chain.purpose,
                host: chain.host,
                trusted: trusted.clone(),
                verified: verdict.is_ok(),
                verdict,
            }
        })
        .collect();
    let verified = results.iter().all(|judged| judged.verified);
    match format {
        Format::Json => context.print_json(&Report {
            schema: 1,
            verified,
            results: &results,
        })?,
        Format::Text => context.print(&text::text(&results, context.color_stdout))?,
    }
    Ok(if verified { Exit::Done } else { Exit::Findings })
}

/// The chains that the target holds, each with its purpose and its name.
fn chains(
    args: &VerifyArgs,
    source: &Source,
    tree: Option<&ChainLayout>,
    context: &Context,
) -> Result<Vec<Chain>, Failure> {
    let purpose = args.purpose.unwrap_or_default();
    let named = |host: Option<&Host>, purpose| match purpose {
        Purpose::Server => args.host.clone().or_else(|| host.cloned()),
        // Nobody asks a client for a name unless the user does.
        Purpose::Client => args.host.clone(),
    };
    match (source, tree) {
        (Source::Folder(_), Some(tree)) => tree_chains(args, tree),
        (Source::Folder(folder), None) => Err(Failure::usage(
            Problem::new(format!("{} holds no host's chain", folder.display()))
                .why("it has no 3_application folder")
                .fix("give one certificate file, or a folder that gen-certs made"),
        )),
        (Source::Server { host, port }, _) => Ok(vec![Chain {
            source: format!("{host}:{port}"),
            certificates: served_chain(host, *port, args.host.as_ref(), context)?,
            purpose,
            host: named(Some(host), purpose),
        }]),
        (Source::File(path), Some(tree)) => {
            let in_clients = path
                .canonicalize()
                .is_ok_and(|path| path.starts_with(canonical(&tree.folder()).join("4_client")));
            let purpose = args
                .purpose
                .unwrap_or(if in_clients { Purpose::Client } else { Purpose::Server });
            Ok(vec![Chain {
                source: path.display().to_string(),
                certificates: certificates(path)?,
                purpose,
                host: named(Some(tree.host()), purpose),
            }])
        }
        (Source::File(_) | Source::Stdin, _) => {
            let (name, content) = read_input(source)?;
            let certificates = if pkcs12::is_pkcs12(&content) {
                let password = args.password.read(context)?;
                let password = password.as_ref().map(|password| password.as_str());
                pkcs12::read(&content, &name, password)
                    .map_err(Failure::usage)?
                    .certificates
            } else {
                certificates_of(&content, &name)?
            };
            Ok(vec![Chain {
                source: name,
                certificates,
                purpose,
                host: named(None, purpose),
            }])
        }
    }
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The server's chain of a tree, and its clients' chains.
fn tree_chains(args: &VerifyArgs, tree: &ChainLayout) -> Result<Vec<Chain>, Failure> {
    let mut chains = Vec::new();
    if args.purpose != Some(Purpose::Client) {
        let path = tree.path(Part::ServerCert);
        chains.push(Chain {
            certificates: certificates(&path)?,
            source: path.display().to_string(),
            purpose: Purpose::Server,
            host: args.host.clone().or_else(|| Some(tree.host().clone())),
        });
    }
    if args.purpose != Some(Purpose::Server) {
        for client in store::clients(tree).map_err(Failure::usage)? {
            let path = tree.path(Part::ClientCert(&client));
            chains.push(Chain {
                certificates: certificates(&path)?,
                source: path.display().to_string(),
                purpose: Purpose::Client,
                host: None,
            });
        }
    }
    Ok(chains)
}

/// The trusted certificates, and where they came from.
fn trusted(
    args: &VerifyArgs,
    tree: Option<&ChainLayout>,
    context: &Context,
) -> Result<(Vec<String>, Vec<CertificateDer<'static>>), Failure> {
    let own_root = tree.map(|tree| tree.path(Part::RootCert)).filter(|path| path.is_file());
    let paths = if !args.cacert.is_empty() {
        args.cacert.clone()
    } else if let Some(path) = own_root {
        vec![path]
    } else {
        let Some(system) = pem_files::system_roots(context.environment.get("SSL_CERT_FILE")) else {
            return Err(Failure::usage(
                Problem::new("there is nothing to trust")
                    .why("no --cacert was given, the target lies in no host's tree, and this system has no CA file")
                    .fix("--cacert FILE"),
            ));
        };
        vec![system]
    };
    let mut roots = Vec::new();
    for path in &paths {
        roots.extend(certificates(path)?);
    }
    Ok((paths.iter().map(|path| path.display().to_string()).collect(), roots))
}

fn crls(args: &VerifyArgs, tree: Option<&ChainLayout>) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
    let mut paths = args.crl.clone();
    if paths.is_empty() {
        let own = tree.map(|tree| [Part::RootCrl, Part::IntermediateCrl].map(|part| tree.path(part)));
        paths.extend(own.into_iter().flatten().filter(|path| path.is_file()));
    }
    pem_files::crls(&paths)
}
