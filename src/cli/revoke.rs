//! `istio-tls revoke`: adds a certificate to the CRL of its CA.

use super::context::{Context, Format};
use super::exit::Exit;
use super::failure::Failure;
use super::password::PasswordArgs;
use crate::names::Host;
use crate::ops::revoke::{Request, What, revoke};
use crate::problem::Problem;
use crate::report::{revoke_json, revoke_text};

/// Revokes a client or server certificate
///
/// Adds its serial number to the CRL of the CA that issued it, and renews the CRLs of
/// both CAs under HOST/1_root/crl and HOST/2_intermediate/crl. Earlier revocations are
/// kept. Needs the CAs' keys. While the CA is being replaced, the CRLs of the previous CA
/// are renewed too.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
        istio-tls revoke httpbin.example.com --client alice\n  \
        istio-tls revoke httpbin.example.com --serial 4f:12:09:aa\n  \
        istio-tls revoke httpbin.example.com --renew         (before the CRLs expire, after a year)\n\n\
        serve reads the workspace's CRLs automatically, also while it runs.")]
pub(super) struct RevokeArgs {
    /// The host whose CA issued the certificate
    #[arg(value_name = "HOST")]
    host: String,
    /// Revoke this client's certificate
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Revoke the certificate with this serial number (hex, as shown by inspect)
    #[arg(long, value_name = "N", conflicts_with = "client")]
    serial: Option<String>,
    /// Revoke no further certificate, but sign the CRLs again before they expire (a year
    /// after they were signed)
    #[arg(long, conflicts_with_all = ["client", "serial"])]
    renew: bool,
    #[command(flatten)]
    password: PasswordArgs,
}

pub(super) fn run(args: RevokeArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let outcome = revoke(&request(args, context)?, context)?;
    match format {
        Format::Text => context.print(&revoke_text::outcome(&outcome, &context.aim))?,
        Format::Json => context.print_json(&revoke_json::outcome(&outcome))?,
    }
    Ok(Exit::Done)
}

fn request(args: RevokeArgs, context: &Context) -> Result<Request, Failure> {
    let what = match (args.client, args.serial) {
        (Some(client), _) => What::Client(client),
        (None, Some(serial)) => What::Serial(serial),
        (None, None) if args.renew => What::Renew,
        (None, None) => {
            return Err(Failure::usage(
                Problem::new("no certificate to revoke was given")
                    .fix("give --client NAME or --serial N, or --renew to renew the CRLs"),
            ));
        }
    };
    Ok(Request {
        host: Host::parse(&args.host).map_err(Failure::usage)?,
        what,
        password: args.password.read(context)?,
    })
}
