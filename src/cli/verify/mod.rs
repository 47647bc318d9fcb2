//! `istio-tls verify`: judges chains as a client would.

mod text;

use std::path::{Path, PathBuf};

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use serde::Serialize;

use crate::ops::certificate_source::{Source, read_input, served_chain, tree_of};
use crate::cli::cluster_flags::KubeconfigArgs;
use super::context::{Context, Format};
use super::password::PasswordArgs;
use crate::ops::pem_files::{self, certificates, certificates_of};
use crate::ops::secret_source::{FoundSecret, pair_fault};
use super::{Exit, Failure, args};
use crate::ops::{cluster_ingress};
use crate::certs::verify::{Purpose, Verdict, VerifyInput, verify};
use crate::certs::{pem, pkcs12};
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
    after_help = "Examples:\n  istio-tls verify httpbin.example.com               a host's chain in the workspace, with its clients\n  istio-tls verify server.pem --cacert ca.pem --host shop.example.com\n  istio-tls verify client.pem --cacert ca.pem --purpose client --crl intermediate.crl.pem\n  istio-tls verify localhost:8443 --host httpbin.example.com\n  istio-tls verify secret/httpbin-credential --host httpbin.example.com     as the cluster holds it"
)]
pub(super) struct VerifyArgs {
    /// A certificate file (leaf first), a host's tree, HOST:PORT, secret/[NAMESPACE/]NAME, or - for standard input
    #[arg(value_name = "TARGET")]
    target: String,
    /// The name that the server certificate must hold [default: the tree's host, or HOST of HOST:PORT]
    #[arg(long, value_name = "HOST")]
    host: Option<Host>,
    /// Trust the certificates of this file; repeatable [default: the tree's root, else a Secret's own CA, else the system's CAs]
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
    #[command(flatten)]
    cluster: KubeconfigArgs,
}

/// One chain and how it was judged.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
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
    /// Whether it verifies, and of a Secret, whether a gateway can use it.
    pub(super) verified: bool,
    /// Why no gateway can use the Secret that it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) no_pair: Option<String>,
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
    let secret = match &source {
        Source::Secret(target) => Some(target.fetch(&args.cluster, context)?),
        _ => None,
    };
    let host_of_secret = secret
        .as_ref()
        .map(|_| host_of_secret(args, &source, context))
        .transpose()?;
    let tree = match &source {
        Source::File(path) | Source::Folder(path) => tree_of(path),
        Source::Server { host, .. } => {
            let host = args.host.as_ref().unwrap_or(host);
            Some(ChainLayout::new(&context.dir, host)).filter(store::has_chain)
        }
        Source::Secret(_) => host_of_secret
            .as_ref()
            .and_then(Option::as_ref)
            .map(|host| ChainLayout::new(&context.dir, host))
            .filter(store::has_chain),
        Source::Stdin => None,
    };
    let chains = match &secret {
        Some(found) => vec![chain_of_secret(args, found, host_of_secret.flatten())?],
        None => chains(args, &source, tree.as_ref(), context)?,
    };
    let (trusted, roots) = trusted(args, tree.as_ref(), secret.as_ref(), context)?;
    let mut intermediates = Vec::new();
    for path in &args.intermediate {
        intermediates.extend(certificates(path)?);
    }
    let crls = crls(args, tree.as_ref())?;
    let no_pair = secret.as_ref().and_then(|found| pair_fault(&found.secret.data));
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
                verified: verdict.is_ok() && no_pair.is_none(),
                no_pair: no_pair.as_ref().map(|problem| problem.what.clone()),
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
        // Of a Secret there is one chain, which is read beside this.
        (Source::Secret(_), _) => Ok(Vec::new()),
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

/// The host that a Secret is judged for: the one that is named, else the one of
/// the workspace that has it as credential.
fn host_of_secret(args: &VerifyArgs, source: &Source, context: &Context) -> Result<Option<Host>, Failure> {
    let (None, Source::Secret(target)) = (&args.host, source) else {
        return Ok(args.host.clone());
    };
    let config = cluster_ingress::workspace(context)?;
    let entries = config.iter().flat_map(|config| &config.hosts);
    let mut known = entries.filter(|entry| entry.credential_name == target.name());
    Ok(known.next().map(|entry| entry.host.clone()))
}

/// The chain that the gateway reads of a Secret.
fn chain_of_secret(args: &VerifyArgs, found: &FoundSecret, host: Option<Host>) -> Result<Chain, Failure> {
    let unusable = |problem| {
        let problem = pair_fault(&found.secret.data).unwrap_or(problem);
        Failure::usage(found.explain(problem))
    };
    let pair = found.secret.data.key_pair().map_err(unusable)?;
    let purpose = args.purpose.unwrap_or_default();
    Ok(Chain {
        source: pair.certificate.name.clone(),
        certificates: pem::certificates(&pair.certificate.content, &pair.certificate.name).map_err(unusable)?,
        purpose,
        host: match purpose {
            Purpose::Server => host,
            Purpose::Client => args.host.clone(),
        },
    })
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
    secret: Option<&FoundSecret>,
    context: &Context,
) -> Result<(Vec<String>, Vec<CertificateDer<'static>>), Failure> {
    let own_root = tree.map(|tree| tree.path(Part::RootCert)).filter(|path| path.is_file());
    let own_ca = secret.and_then(|found| found.all().find_map(|secret| secret.data.authorities().ok()));
    if let Some(own) = own_ca.filter(|_| args.cacert.is_empty() && own_root.is_none()) {
        let name = own.authorities.name.clone();
        let roots = certificates_of(&own.authorities.content, &name)?;
        return Ok((vec![name], roots));
    }
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
