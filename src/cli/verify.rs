//! `istio-tls verify`: verifies chains as a client would.

use std::path::PathBuf;

use super::cluster_flags::KubeconfigArgs;
use super::context::{Context, Format};
use super::password::PasswordArgs;
use super::value_parsers::{choice, parser};
use super::{Exit, Failure};
use crate::certs::verify::Purpose;
use crate::names::Host;
use crate::ops::certificate_source::Source;
use crate::ops::verify::{self, Request};
use crate::report::paint::Paint;
use crate::report::{verify_json, verify_text};

/// Verifies a certificate chain as a client would, and reports why not
///
/// Builds the path from the leaf to a trusted root and checks validity, names, usages,
/// constraints, strength and revocation; reports every reason, the most important first.
/// A host's tree provides its own root, CRLs and name, and is verified with all its
/// clients. Exits with 1 if it does not verify.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
        istio-tls verify httpbin.example.com               a host's chain in the workspace, with its clients\n  \
        istio-tls verify server.pem --cacert ca.pem --host shop.example.com\n  \
        istio-tls verify client.pem --cacert ca.pem --purpose client --crl intermediate.crl.pem\n  \
        istio-tls verify localhost:8443 --host httpbin.example.com\n  \
        istio-tls verify secret/httpbin-credential --host httpbin.example.com     as stored in the cluster")]
pub(super) struct VerifyArgs {
    /// A certificate file (leaf first), a host's tree, HOST:PORT, secret/[NAMESPACE/]NAME, or - for standard input
    #[arg(value_name = "TARGET")]
    target: String,
    /// The name that the server certificate must contain [default: the tree's host, or
    /// HOST of HOST:PORT]
    #[arg(long, value_name = "HOST", value_parser = parser(Host::parse))]
    host: Option<Host>,
    /// Trust the certificates in this file; repeatable [default: the tree's root, else a
    /// Secret's own CA, else the system's CAs]
    #[arg(long, value_name = "FILE")]
    cacert: Vec<PathBuf>,
    /// Intermediates that the verifier has beside those in TARGET; repeatable
    #[arg(long, value_name = "FILE")]
    intermediate: Vec<PathBuf>,
    /// CRLs; repeatable [default: the tree's]
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// The purpose of the leaf [default: server; for a tree, both]
    #[arg(long, value_parser = choice(Purpose::WORDS))]
    purpose: Option<Purpose>,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    cluster: KubeconfigArgs,
}

impl VerifyArgs {
    fn request(&self, context: &Context) -> Result<Request, Failure> {
        let source = Source::parse(&self.target, context)?;
        if source == Source::Stdin {
            self.password.leave_stdin()?;
        }
        Ok(Request {
            source,
            host: self.host.clone(),
            cacert: self.cacert.clone(),
            intermediate: self.intermediate.clone(),
            crl: self.crl.clone(),
            purpose: self.purpose,
            password: self.password.read(context)?,
            cluster: self.cluster.place(),
        })
    }
}

pub(super) fn run(args: &VerifyArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let judged = verify::run(&args.request(context)?, context)?;
    match format {
        Format::Json => context.print_json(&verify_json::report(&judged, &context.aim))?,
        Format::Text => {
            let paint = Paint::new(context.color_stdout);
            context.print(&verify_text::text(&judged, paint, &context.aim))?;
        }
    }
    Ok(if judged.verified() { Exit::Done } else { Exit::Findings })
}
