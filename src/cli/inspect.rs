//! `istio-tls inspect`: explains the contents of files, folders, servers and Secrets.

use super::cluster_flags::KubeconfigArgs;
use super::context::{Context, Format};
use super::password::PasswordArgs;
use super::value_parsers::parser;
use super::{Exit, Failure};
use crate::names::Host;
use crate::ops::certificate_source::Source;
use crate::ops::inspect::{self, Request};
use crate::report::paint::Paint;
use crate::report::{inspect_json, inspect_text};

/// Explains certificates and keys in a file, a folder, a Secret or at a server
///
/// Shows every certificate with its names, validity, key, usages and fingerprints, who
/// issued which, and which key belongs to which. Reads PEM, DER and PKCS#12. For a
/// Secret, shows every key, its type, and who created it. Exits with 0 even if something
/// has expired; to judge a chain, use `verify`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls inspect httpbin.example.com              a host's chain in the workspace\n  istio-tls inspect server.pem client.p12 --password-file p12.password\n  istio-tls inspect localhost:8443 --sni httpbin.example.com\n  istio-tls inspect secret/httpbin-credential        in the gateway's namespace of the cluster\n  istio-tls inspect secret/istio-system/httpbin-credential --context staging"
)]
pub(super) struct InspectArgs {
    /// A file, a folder, HOST:PORT, secret/[NAMESPACE/]NAME, or - for standard input
    #[arg(required = true, value_name = "TARGET")]
    targets: Vec<String>,
    /// The server name to send to HOST:PORT
    #[arg(long, value_name = "HOST", value_parser = parser(Host::parse))]
    sni: Option<Host>,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    cluster: KubeconfigArgs,
}

impl InspectArgs {
    fn request(&self, context: &Context) -> Result<Request, Failure> {
        let sources = self.targets.iter().map(|target| Source::parse(target, context));
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        if sources.contains(&Source::Stdin) {
            self.password.leave_stdin()?;
        }
        Ok(Request {
            sources,
            sni: self.sni.clone(),
            password: self.password.read(context)?,
            cluster: self.cluster.place(),
        })
    }
}

pub(super) fn run(args: &InspectArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let found = inspect::run(&args.request(context)?, context)?;
    match format {
        Format::Json => context.print_json(&inspect_json::report(&found, &context.aim))?,
        Format::Text => {
            let paint = Paint::new(context.color_stdout);
            context.print(&inspect_text::text(&found, paint, context.verbose > 0))?;
        }
    }
    Ok(Exit::Done)
}
