//! `istio-tls adopt`: takes an existing chain into the workspace.

use std::path::PathBuf;

use super::cluster_flags::KubeconfigArgs;
use super::context::{Context, Format};
use super::exit::Exit;
use super::failure::Failure;
use super::password::PasswordArgs;
use super::value_parsers::choice;
use crate::names::Host;
use crate::ops::adopt::carry_out::carry_out;
use crate::ops::adopt::plan::plan;
use crate::ops::adopt::request::Request;
use crate::report::{adopt_json, adopt_text};
use crate::workspace::config::Mode;

/// Takes an existing chain into the workspace
///
/// Finds the server certificate, its key, the CAs above it and client certificates by
/// file content, whatever the file names; checks that keys match, that the chain verifies
/// and names the host; and copies them to the folders of HOST. The source files are
/// neither moved nor changed. From a Secret in a cluster (cert-manager's, or one created
/// by hand), whatever the gateway reads from it is copied, and later manifests refer to
/// it by name.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
        istio-tls adopt mtls-go-example/httpbin.example.com      (created by generate.sh)\n  \
        istio-tls adopt example.com+2.pem example.com+2-key.pem \"$(mkcert -CAROOT)/rootCA.pem\"\n  \
        istio-tls adopt server.crt server.key corporate-ca.pem --host shop.example.com\n  \
        istio-tls adopt bundle.p12 --password-file password\n  \
        istio-tls adopt secret/httpbin-credential                (in the gateway's namespace)\n  \
        istio-tls adopt secret/istio-system/shop-tls --host shop.example.com --context staging")]
pub(super) struct AdoptArgs {
    /// Folders, files (PEM, DER, PKCS#12), and Secrets as secret/NAME or secret/NAMESPACE/NAME
    #[arg(value_name = "DIR|FILE|secret/NAME", required = true)]
    sources: Vec<PathBuf>,
    /// The host to adopt the certificate for [default: its first name]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// How the gateway authenticates clients [default: mutual with a client certificate,
    /// or a Secret with a CA; else simple]
    #[arg(long, value_parser = choice(Mode::WORDS))]
    mode: Option<Mode>,
    /// Replace the workspace's chain of this host
    #[arg(long)]
    force: bool,
    /// Adopt even if the chain does not verify (expired, no SAN ...); the key must match
    /// nevertheless
    #[arg(long)]
    accept_faults: bool,
    /// Print what would be copied, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    cluster: KubeconfigArgs,
}

pub(super) fn run(args: AdoptArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let dry_run = args.dry_run;
    let plan = plan(&request(args, context)?, context)?;
    if !dry_run {
        carry_out(&plan, context)?;
    }
    for note in plan.placed.iter().flat_map(|placed| &placed.chain.notes) {
        context.say(&format!("note: {}", note.words(&context.aim)));
    }
    match format {
        Format::Text => context.print(&adopt_text::plan(&plan, dry_run, &context.aim))?,
        Format::Json => context.print_json(&adopt_json::plan(&plan, dry_run, &context.aim))?,
    }
    Ok(Exit::Done)
}

fn request(args: AdoptArgs, context: &Context) -> Result<Request, Failure> {
    let host = args.host.as_deref().map(Host::parse).transpose();
    Ok(Request {
        host: host.map_err(Failure::usage)?,
        mode: args.mode,
        force: args.force,
        accept_faults: args.accept_faults,
        password: args.password.read(context)?,
        cluster: args.cluster.place(),
        sources: args.sources,
    })
}
