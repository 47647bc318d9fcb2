//! `istio-tls serve`: the local gateway in the foreground.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::cluster_flags::LiveArgs;
use super::context::{self, Context};
use super::value_parsers::choice;
use super::{Exit, Failure, logging};
use crate::gateway::config::clusters::Upstream;
use crate::gateway::dataplane::access_log::AccessLog;
use crate::gateway::dataplane::settings::LogLevelHandle;
use crate::ops::serve::plan::Plan;
use crate::ops::serve::ready::ready;
use crate::ops::serve::request::Request;
use crate::ops::serve::start::start;
use crate::problem::Problem;
use crate::report::serve_text;
use crate::sources::played::GatewayChoice;

/// Runs the Gateway and VirtualServices in a local gateway
///
/// Terminates TLS, verifies clients and routes as Envoy under Istio would, on this
/// machine and without a cluster. Without -f it serves the workspace's hosts. A Service
/// without an --upstream is played by a built-in sample (httpbin, helloworld,
/// productpage, else an echo). Changes of manifests, Secrets and certificates take effect
/// while it runs: additions and changes at once, removals two seconds later. A Secret
/// that is deleted stays in use, as in a running proxy. With --cluster it serves the live
/// objects of a cluster, and follows their changes; there a Service must exist, or
/// requests to it are answered with 503 (istio-tls apply --samples creates those of the
/// workspace's hosts).
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
        istio-tls serve\n  \
        istio-tls serve -f gateway.yaml -f routes.yaml --certs ./secrets\n  \
        istio-tls serve --upstream httpbin:8000=http://127.0.0.1:9000\n  \
        istio-tls serve -f gateway.yaml --upstream mongo=tcp://127.0.0.1:27017\n  \
        istio-tls serve --port-map 443=9443,80=9080 --admin 127.0.0.1:15001\n  \
        istio-tls serve -f manifests/ --selector istio=ingress\n  \
        istio-tls serve --cluster --context staging\n\n\
        By default port 443 is served at 127.0.0.1:8443: a port below 1024 listens on\n\
        port + 8000. An https:// upstream on this machine is not verified; elsewhere it is, while\n\
        Istio's gateway verifies none without a DestinationRule that says so. Ctrl-C or SIGTERM lets\nopen requests end; a second one exits at once.")]
pub(super) struct ServeArgs {
    /// Manifests: a file, a folder of them, or - for standard input (repeatable) [default: the workspace]
    #[arg(short, long = "filename", value_name = "FILE|DIR")]
    pub(super) filename: Vec<PathBuf>,
    /// Also read the subfolders of --filename
    #[arg(short = 'R', long)]
    pub(super) recursive: bool,
    /// Play the gateway of this Deployment, DaemonSet, Pod, Service or Gateway API Gateway [default: the one that the Gateways select]
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = GatewayChoice::named)]
    gateway: Option<GatewayChoice>,
    /// Play the gateway whose pods have these labels, such as istio=ingress,app=edge
    #[arg(long, value_name = "LABEL=VALUE", value_parser = GatewayChoice::labelled, conflicts_with = "gateway")]
    selector: Option<GatewayChoice>,
    /// The local port for a Gateway's port, such as 443=9443 (repeatable; 0 lets the
    /// system choose)
    #[arg(long, value_name = "PORT=LOCAL", value_delimiter = ',', value_parser = port_map)]
    pub(super) port_map: Vec<(u16, u16)>,
    /// The address on which the Gateways' ports listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(super) bind: IpAddr,
    /// The address of the admin interface (/certs, /config_dump, /ready,
    /// /stats/prometheus, /logging), or off
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:15000", value_parser = admin)]
    pub(super) admin: Admin,
    /// The endpoint of a Service, such as httpbin:8000=http://127.0.0.1:9000; also
    /// https://, h2c:// and tcp:// (repeatable)
    #[arg(long, value_name = "SERVICE[:PORT]=URL")]
    pub(super) upstream: Vec<String>,
    /// Verify https:// upstreams with the certificates in this PEM file (repeatable)
    /// [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub(super) upstream_cacert: Vec<PathBuf>,
    /// Secrets: a HOST folder of gen-certs, or a folder with SECRET/KEY files (repeatable)
    #[arg(long, value_name = "DIR")]
    pub(super) certs: Vec<PathBuf>,
    /// Refuse client certificates that these CRLs revoke, on every server that verifies
    /// clients (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(super) crl: Vec<PathBuf>,
    /// Treat serverCertificate, privateKey and caCertificates as paths on this machine
    #[arg(long)]
    pub(super) host_files: bool,
    /// Worker threads [default: the number of processors]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
    /// The access log on standard error
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = choice(ACCESS_LOGS))]
    pub(super) access_log: AccessLog,
    /// Stop if any part of the input is ignored, missing or broken
    #[arg(long)]
    pub(super) strict: bool,
    #[command(flatten)]
    pub(super) live: LiveArgs,
}

const ACCESS_LOGS: &[(&str, AccessLog)] = &[
    ("text", AccessLog::Text),
    ("json", AccessLog::Json),
    ("off", AccessLog::Off),
];

/// `--admin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admin(pub(super) Option<SocketAddr>);

fn admin(text: &str) -> Result<Admin, String> {
    if text == "off" {
        return Ok(Admin(None));
    }
    text.parse()
        .map(|address| Admin(Some(address)))
        .map_err(|_| "expected ADDRESS:PORT, such as 127.0.0.1:15000, or off".to_owned())
}

fn port_map(text: &str) -> Result<(u16, u16), String> {
    let parse = || -> Option<(u16, u16)> {
        let (gateway, local) = text.split_once('=')?;
        let gateway = gateway.trim().parse().ok().filter(|port| *port != 0)?;
        Some((gateway, local.trim().parse().ok()?))
    };
    parse().ok_or_else(|| "expected PORT=LOCAL, such as 443=9443".to_owned())
}

impl ServeArgs {
    /// Their values, in the form that the operation takes.
    ///
    /// # Errors
    /// If a flag's value cannot be used.
    pub(super) fn request(self, log_level: LogLevelHandle) -> Result<Request, Failure> {
        let upstreams = (self.upstream.iter())
            .map(|text| Upstream::parse(text))
            .collect::<Result<Vec<_>, Problem>>()
            .map_err(Failure::usage)?;
        let Admin(admin) = self.admin;
        Ok(Request {
            manifests: self.filename,
            recursive: self.recursive,
            cluster: self.live.cluster.then(|| self.live.place.place()),
            certs: self.certs,
            crls: self.crl,
            gateway: self.gateway.or(self.selector).unwrap_or_default(),
            host_files: self.host_files,
            ports: self.port_map.into_iter().collect(),
            bind: self.bind,
            admin,
            upstreams,
            upstream_cacerts: self.upstream_cacert,
            threads: self.threads.map(usize::from),
            access_log: self.access_log,
            strict: self.strict,
            log_level: Some(log_level),
            clock: context::clock,
        })
    }
}

pub(super) fn run(args: ServeArgs, context: &Context) -> Result<Exit, Failure> {
    let log_level = logging::start(context, "info");
    let plan = Plan::of(args.request(log_level)?, context)?;
    // From here on a signal stops it gracefully; while a cluster is contacted, at once.
    let mut cancel = context.signals.cancel();
    let running = start(plan)?;
    context.say(&serve_text::ready(&ready(&running, context), true, &context.aim));
    running.until_signal(&mut cancel, context)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::{Admin, admin, port_map};

    #[test]
    fn flags_with_two_parts() {
        assert_eq!(port_map("443=9443"), Ok((443, 9443)));
        assert_eq!(port_map("443=0"), Ok((443, 0)));
        for text in ["", "443", "=1", "0=1", "443=x", "443=70000"] {
            assert!(port_map(text).is_err(), "{text}");
        }
        assert_eq!(admin("off"), Ok(Admin(None)));
        assert_eq!(admin("127.0.0.1:0"), Ok(Admin(Some(([127, 0, 0, 1], 0).into()))));
        assert!(admin("127.0.0.1").is_err());
    }
}
