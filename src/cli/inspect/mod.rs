//! `istio-tls inspect`: explains what files, folders and servers hold.

mod secret;
mod text;

use serde::Serialize;

use self::secret::SecretFacts;
use crate::ops::certificate_source::{Source, files_below, is_expected, read_input, served_chain};
use crate::cli::cluster_flags::KubeconfigArgs;
use super::context::{Context, Format};
use super::password::PasswordArgs;
use super::{Exit, Failure};
use crate::certs::inspect::{Found, Item, from_certificates, relate, scan};
use crate::certs::pem;
use crate::files::{self, PEM_LIMIT};
use crate::names::Host;
use crate::problem::Problem;

/// Explains certificates and keys in a file, a folder, a Secret or at a server
///
/// Shows every certificate with its names, validity, key, usages and
/// fingerprints, who issued which, and which key fits which. Reads PEM, DER and
/// PKCS#12. Of a Secret every key is told, its type, and whose it is. Ends with 0 even when something has expired; `verify` judges.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls inspect httpbin.example.com              a host's chain in the workspace\n  istio-tls inspect server.pem client.p12 --password-file p12.password\n  istio-tls inspect localhost:8443 --sni httpbin.example.com\n  istio-tls inspect secret/httpbin-credential        in the gateway's namespace of the cluster\n  istio-tls inspect secret/istio-system/httpbin-credential --context staging"
)]
pub(super) struct InspectArgs {
    /// A file, a folder, HOST:PORT, secret/[NAMESPACE/]NAME, or - for standard input
    #[arg(required = true, value_name = "TARGET")]
    targets: Vec<String>,
    /// The server name to ask HOST:PORT for
    #[arg(long, value_name = "HOST")]
    sni: Option<Host>,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    cluster: KubeconfigArgs,
}

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    items: &'a [Item],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    secrets: &'a [SecretFacts],
}

pub(super) fn run(args: &InspectArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let sources = args
        .targets
        .iter()
        .map(|target| Source::parse(target, context))
        .collect::<Result<Vec<_>, _>>()?;
    if sources.contains(&Source::Stdin) && args.password.is_stdin() {
        return Err(Failure::usage(
            Problem::new("standard input cannot be both the target and the password").fix("--password-file FILE"),
        ));
    }
    let password = args.password.read(context)?;
    let password = password.as_ref().map(|password| password.as_str());
    let (mut items, mut secrets) = (Vec::new(), Vec::new());
    for source in &sources {
        if let Source::Secret(target) = source {
            let found = target.fetch(&args.cluster, context)?;
            for secret in found.all() {
                items.extend(secret::items(secret, password, context.now));
                secrets.push(SecretFacts::of(secret, found.context()));
            }
        } else {
            items.extend(look(source, args.sni.as_ref(), password, context)?);
        }
    }
    relate(&mut items);
    match format {
        Format::Json => context.print_json(&Report {
            schema: 1,
            items: &items,
            secrets: &secrets,
        })?,
        Format::Text => {
            let heads: String = secrets.iter().map(SecretFacts::text).collect();
            let body = text::text(&items, context.color_stdout, context.verbose > 0);
            context.print(&format!("{heads}{body}"))?;
        }
    }
    Ok(Exit::Done)
}

fn look(source: &Source, sni: Option<&Host>, password: Option<&str>, context: &Context) -> Result<Vec<Item>, Failure> {
    match source {
        Source::File(_) | Source::Stdin => {
            let (name, content) = read_input(source)?;
            let items = scan(&content, &name, password, context.now).map_err(Failure::usage)?;
            // Of a single file every part is wanted; of a folder, what can be read.
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
                    scan(&content, &name, password, context.now)
                });
                match found {
                    Ok(found) => items.extend(found),
                    Err(problem) if is_expected(&path) => items.push(Item::unreadable(&name, problem)),
                    Err(_) => {}
                }
            }
            if items.is_empty() {
                return Err(Failure::usage(
                    Problem::new(format!("{} holds no certificate and no key", folder.display()))
                        .fix("istio-tls gen-certs HOST"),
                ));
            }
            Ok(items)
        }
        Source::Server { host, port } => {
            let chain = served_chain(host, *port, sni, context)?;
            Ok(from_certificates(&chain, &format!("{host}:{port}"), context.now))
        }
        // Read with its facts, above.
        Source::Secret(_) => Ok(Vec::new()),
    }
}
