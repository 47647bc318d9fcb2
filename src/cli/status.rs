//! `istio-tls status`: every certificate of the workspace, how long it is good,
//! and whether Secrets and the gateway hold what the files hold.

mod clients;
mod gather;
mod in_cluster;
mod judge;
mod judge_secrets;
mod judge_served;

use std::time::Duration;

use serde_json::{Value, json};

use self::in_cluster::Asked;
use self::judge::{Role, Row, State};
use crate::cli::cluster_flags::KubeconfigArgs;
use crate::ops::cluster_ingress::Lifetime;
use crate::cli::connection::ConnectionArgs;
use crate::ops::cluster_access::runtime;
use super::context::{Context, Format};
use super::{Exit, Failure, duration};
use crate::ops::{cluster_ingress, intent};
use crate::certs::times::rfc3339;
use crate::lint::{Finding, Place, Severity, Skipped, codes};
use crate::names::Host;
use crate::probe::target::Target;
use crate::problem::Problem;
use crate::report::paint::{Paint, printable};
use crate::shell::quote;
use crate::workspace::config::{HostEntry, Mode};

/// Shows every certificate: serial, days left, and where it is served
///
/// One table over the workspace's chains, its Secrets in the cluster that apply
/// recorded (or --context names), and what the gateway presents: the running serve
/// of this workspace, else INGRESS_HOST, else the cluster's, or --target. Without
/// all of them the files alone are told of. A certificate that has expired, one
/// that is due, and one that a Secret or the gateway holds in place of the file's
/// are findings; so are clients that the gateway does not treat as the files say.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  istio-tls status
  istio-tls status --expires-within 30d            exit 1 when something is due; for a daily job
  istio-tls status httpbin.example.com --target 10.0.0.7:443
  istio-tls status --local                         files and the running serve, though a cluster is recorded
  istio-tls status -o json

Exit codes: 0 all well; 1 findings of severity warning or error; 2 usage or bad input,
or a kubeconfig or context that is not there (the files are told of); 3 the cluster could not be asked
(the rest is printed).")]
pub(super) struct StatusArgs {
    /// Hosts [default: every host of the workspace]
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// What ends within this time, as 30d, is a finding
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    expires_within: Option<Duration>,
    /// The gateway: `local` (the running serve of this workspace), `cluster`, or its address
    #[arg(long, value_name = "local|cluster|ADDR[:PORT]")]
    target: Option<String>,
    /// The longest that one phase of asking the gateway may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse)]
    timeout: Duration,
    /// Leave the cluster alone, though apply has recorded one
    #[arg(long, conflicts_with_all = ["kubeconfig", "context"], help_heading = "Cluster")]
    local: bool,
    #[command(flatten)]
    cluster: KubeconfigArgs,
}

pub(super) fn run(args: &StatusArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let (entries, modes): (Vec<HostEntry>, Vec<Mode>) = hosts(&args.hosts, context)?.into_iter().unzip();
    let mut states: Vec<_> = (entries.iter().zip(modes))
        .map(|(entry, mode)| gather::files(&entry.host, mode, context))
        .collect();
    if args.local && args.target.as_deref() == Some("cluster") {
        return Err(Failure::usage(
            Problem::new("--local and --target cluster exclude each other").fix("leave one of them out"),
        ));
    }
    let connection = ConnectionArgs {
        target: args.target.clone(),
        timeout: args.timeout,
        cluster: args.cluster.clone(),
        ..ConnectionArgs::default()
    };
    let runtime = runtime()?;
    let mut reached = runtime.block_on(connection.nearby(Lifetime::Process, context))?;
    let config = cluster_ingress::workspace(context)?;
    // --target cluster alone names a gateway, not a cluster that was applied to.
    let place = args.cluster.in_play(config.as_ref()).filter(|_| !args.local);
    let mut asked = Asked::default();
    if let Some(place) = place {
        let wants_gateway = args.target.is_none() && reached.target == Target::None;
        asked = runtime.block_on(in_cluster::ask(&place, &mut states, wants_gateway, context))?;
        reached = asked.gateway.take().unwrap_or(reached);
    }
    let target = &reached.target;
    runtime.block_on(async {
        gather::served(&mut states, target, args.timeout, context).await;
        clients::shown(&mut states, &entries, &reached, args.timeout, context).await
    })?;
    if let Some(problem) = reached.trouble() {
        context.say_always(&format!("warning: {problem}"));
    }
    let within = (args.expires_within).map(|within| time::Duration::seconds(within.as_secs().cast_signed()));
    let (rows, mut findings) = judge::judge(&states, within, context.now);
    findings.extend(asked.pods_elsewhere.map(|elsewhere| {
        Finding::new(&codes::STATUS_SECRETS_ELSEWHERE, Place::default(), elsewhere.what)
            .fix(format!("{}; then istio-tls apply", elsewhere.fix))
    }));
    if let Some(access) = &asked.access {
        for finding in &mut findings {
            finding.fix = access.aimed(&finding.fix);
        }
    }
    let mut skipped = asked.skipped;
    if *target == Target::None
        && !skipped
            .iter()
            .any(|skipped| skipped.code == codes::STATUS_NOT_SERVED.id)
    {
        skipped.extend(unserved("no gateway was asked: no serve of this workspace runs"));
    }
    match format {
        Format::Json => context.print_json(&report_json(&rows, &findings, &skipped, asked.context.as_deref()))?,
        Format::Text => {
            let paint = Paint::new(context.color_stdout);
            context.print(&text(&rows, &findings, paint, context.verbose > 0))?;
            tell_skipped(&skipped, context);
        }
    }
    if let Some((exit, mut problem)) = asked.failure {
        let local = "--local leaves the cluster out";
        problem.fix = Some(match problem.fix.take() {
            Some(fix) => format!("{fix}\nor {local}"),
            None => format!("{local}; or see to what is said above"),
        });
        context.say_always(&format!("error: {problem}"));
        return Ok(exit);
    }
    let found = findings.iter().any(|finding| finding.severity >= Severity::Warning);
    Ok(if found { Exit::Findings } else { Exit::Done })
}

/// The hosts to tell of, with their modes.
fn hosts(names: &[String], context: &Context) -> Result<Vec<(HostEntry, Mode)>, Failure> {
    let config = intent::workspace(context).map_err(Failure::usage)?;
    if names.is_empty() {
        let hosts = config.hosts.iter();
        return Ok(hosts.map(|entry| (entry.clone(), config.mode_of(entry))).collect());
    }
    let mut hosts = Vec::new();
    for name in names {
        let host = Host::parse(name).map_err(Failure::usage)?;
        let Some(entry) = config.host(&host) else {
            return Err(Failure::usage(
                Problem::new(format!("{host} is no host of the workspace"))
                    .fix(format!("istio-tls gen-certs {}", quote(host.as_str()))),
            ));
        };
        hosts.push((entry.clone(), config.mode_of(entry)));
    }
    Ok(hosts)
}

/// That nothing is known of what a gateway serves, and why.
fn unserved(reason: &str) -> [Skipped; 4] {
    [
        &codes::STATUS_DRIFT,
        &codes::STATUS_NOT_SERVED,
        &codes::STATUS_CA_STAYS,
        &codes::STATUS_CLIENT_REFUSED,
    ]
    .map(|code| Skipped {
        code: code.id,
        reason: reason.to_owned(),
    })
}

/// Each reason once.
fn tell_skipped(skipped: &[Skipped], context: &Context) {
    let mut told: Vec<&str> = Vec::new();
    for Skipped { reason, .. } in skipped {
        if told.contains(&reason.as_str()) {
            continue;
        }
        told.push(reason);
        if reason.starts_with("no gateway was asked") {
            context.say(&format!("{reason} here (istio-tls serve, or --target ADDRESS)"));
        } else {
            context.say_always(&format!("skipped: {reason}"));
        }
    }
}

fn report_json(rows: &[Row], findings: &[Finding], skipped: &[Skipped], cluster: Option<&str>) -> Value {
    let certificates: Vec<Value> = (rows.iter())
        .map(|row| {
            json!({
                "host": row.host,
                "mode": row.mode,
                "what": role_word(&row.role),
                "client": match &row.role { Role::Client(name) => Some(name), _ => None },
                "serial": row.certificate.serial,
                "notBefore": rfc3339(row.certificate.not_before),
                "notAfter": rfc3339(row.certificate.not_after),
                "daysLeft": row.days_left,
                "state": row.state.word(),
                "file": row.file,
                "secret": row.secret,
                "served": row.served,
                "sha256": row.certificate.sha256,
            })
        })
        .collect();
    json!({
        "schema": 1,
        "context": cluster,
        "certificates": certificates,
        "findings": findings,
        "skipped": skipped,
    })
}

fn role_word(role: &Role) -> &'static str {
    match role {
        Role::Server => "server",
        Role::Client(_) => "client",
        Role::Intermediate => "intermediate",
        Role::Root => "root",
        Role::PreviousIntermediate => "previous-intermediate",
        Role::PreviousRoot => "previous-root",
        Role::Authority => "authority",
    }
}

/// Where a certificate is: `file, Secret istio-system/a, served at 127.0.0.1:443`.
fn place(row: &Row, verbose: bool) -> String {
    let file = row
        .file
        .as_deref()
        .map(|file| if verbose { file } else { "file" }.to_owned());
    let secret = row.secret.as_ref().map(|secret| format!("Secret {secret}"));
    let served = row.served.as_ref().map(|target| format!("served at {target}"));
    let other = row.file.is_none().then(|| "not the file's".to_owned());
    let places: Vec<String> = [file, secret, served, other].into_iter().flatten().collect();
    places.join(", ")
}

/// The table, then the findings. Serial numbers are shortened unless `verbose`.
fn text(rows: &[Row], findings: &[Finding], paint: Paint, verbose: bool) -> String {
    const HEAD: [&str; 7] = ["HOST", "MODE", "WHAT", "SERIAL", "DAYS", "UNTIL", "WHERE"];
    let cells: Vec<[String; 7]> = (rows.iter())
        .map(|row| {
            let serial = &row.certificate.serial;
            [
                row.host.to_string(),
                Mode::WORDS
                    .iter()
                    .find(|(_, mode)| *mode == row.mode)
                    .map_or("", |(word, _)| word)
                    .to_owned(),
                row.role.words(),
                if verbose || serial.len() <= 24 {
                    serial.clone()
                } else {
                    format!("{}...", &serial[..23])
                },
                row.days_left.to_string(),
                row.certificate.not_after.date().to_string(),
                place(row, verbose),
            ]
        })
        .collect();
    let mut widths = HEAD.map(str::len);
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let line = |cells: [&str; 7]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![paint.bold(&line(HEAD))];
    for (row, cells) in rows.iter().zip(&cells) {
        let text = line(std::array::from_fn(|at| cells[at].as_str()));
        lines.push(match row.state {
            State::Good => text,
            State::Due => paint.warn(&text),
            State::Expired | State::NotYetValid => paint.bad(&text),
        });
    }
    for finding in findings {
        let word = match finding.severity {
            Severity::Error => paint.bad("error"),
            Severity::Warning => paint.warn("warning"),
            Severity::Info => "info".to_owned(),
        };
        lines.push(format!("\n{word}: {} ({})", printable(&finding.what), finding.code));
        let at = finding.at();
        if !at.is_empty() {
            lines.push(format!("  at:  {at}"));
        }
        lines.push(format!("  why: {}", printable(&finding.why)));
        lines.push(format!("  try: {}", finding.fix));
    }
    lines.join("\n") + "\n"
}
