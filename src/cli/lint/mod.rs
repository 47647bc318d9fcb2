//! `istio-tls lint`: reads manifests, key material and the workspace, and says
//! what will not work.

mod cluster;
mod explain;
mod fix;
mod made;
mod served;
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args::choice;
use super::cluster_objects::LiveArgs;
use super::context::{Context, note_once};
use super::finding_args::FindingArgs;
use super::{Exit, Failure};
use crate::files::{self, MANIFEST_LIMIT};
use crate::lint::{Report, Severity, codes};
use crate::manifests::model::{Manifest, Secret};
use crate::problem::Problem;
use crate::report::lint_excerpt::Texts;
use crate::report::lint_text::{Checked, Layout};
use crate::report::paint::Paint;
use crate::report::{lint_github, lint_json, lint_sarif, lint_text};
use crate::shell::aimed;
use crate::sources::disk::DiskFiles;
use crate::sources::{Collected, Gone, Sources, nothing_found};
use crate::workspace::config::IstioTarget;
pub(super) use world::Judging;

pub(super) use cluster::{kinds as kinds_looked_up, live};
pub(super) use made::{findings_of_made, stop_on_errors};
pub(super) use served::serve_check;

/// Cross-checks Gateways, VirtualServices, Secrets and certificates
///
/// Says what a live gateway would only show by failing: a Secret in the wrong
/// namespace, a key that fits no certificate, a chain out of order, a route
/// that nothing reaches. Offline; each finding has its line, its reason and
/// what to do. Without -f the workspace is checked, with --cluster the live
/// objects of a cluster. Ends with 1 when a finding
/// at or above --fail-on is left, with 2 when a manifest cannot be read.
#[derive(clap::Args)]
#[command(
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  istio-tls lint                                    the workspace\n  istio-tls lint -f gateway.yaml -f routes/ --certs ./secrets\n  helm template edge ./chart | istio-tls lint -f -\n  istio-tls lint k8s/ --fix --yes                   mends what is safe to mend\n  istio-tls lint k8s/ -o sarif > lint.sarif\n  istio-tls lint --cluster --context staging\n  istio-tls lint k8s/ --suppress ITL0004,ITL0003='Gateway default/*'\n  istio-tls lint explain ITL0004\n\nA comment silences a finding: # istio-tls:ignore ITL0004 on its line, above the line, or\nabove the object; so does the object's annotation galley.istio.io/analyze-suppress: ITL0004,\nalso with Istio's codes and in a cluster."
)]
pub(super) struct LintArgs {
    /// Manifests: a file, a folder of them, or - for standard input [default: the workspace]
    #[arg(value_name = "FILE|DIR")]
    given: Vec<PathBuf>,
    /// The same as FILE|DIR (repeatable)
    #[arg(short, long = "filename", value_name = "FILE|DIR")]
    filename: Vec<PathBuf>,
    /// Also the folders in folders
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Secrets: a HOST folder of gen-certs, or a folder with SECRET/KEY files (repeatable)
    #[arg(long, value_name = "DIR")]
    certs: Vec<PathBuf>,
    /// The Istio that reads the objects [default: istio-tls.yaml's, else latest]
    #[arg(long, value_name = "VERSION", value_parser = choice(IstioTarget::WORDS))]
    istio: Option<IstioTarget>,
    #[command(flatten)]
    findings: FindingArgs,
    /// Mend what is safe to mend by machine: shows a diff, then asks (--yes does not ask)
    #[arg(long)]
    fix: bool,
    #[command(flatten)]
    live: LiveArgs,
    #[command(subcommand)]
    command: Option<LintCommand>,
}

#[derive(clap::Subcommand)]
enum LintCommand {
    Explain(explain::ExplainArgs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Json,
    Sarif,
    Github,
}

pub(super) fn run(args: &LintArgs, context: &Context) -> Result<Exit, Failure> {
    if let Some(LintCommand::Explain(args)) = &args.command {
        return explain::run(args, context);
    }
    let format = context.output(&[
        ("text", Format::Text),
        ("json", Format::Json),
        ("sarif", Format::Sarif),
        ("github", Format::Github),
    ])?;
    let outcome = check(args, format, context);
    if let (Format::Sarif, Err(failure)) = (format, &outcome)
        && let Some(problem) = &failure.problem
    {
        // What failed is said on standard error in words; this is for programs.
        context.print_json(&lint_sarif::failed(problem, VERSION))?;
    }
    outcome
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a reading came to.
struct Checkup {
    report: Report,
    texts: BTreeMap<String, Vec<u8>>,
    checked: Checked,
}

fn check(args: &LintArgs, format: Format, context: &Context) -> Result<Exit, Failure> {
    let sources = sources(args, context)?;
    let judging = Judging {
        target: args.istio,
        suppressions: args.findings.suppress.clone(),
    };
    if args.fix {
        let files = DiskFiles::default();
        let collected = collect(&sources, &files)?;
        fix::run(&collected, &judging, context)?;
    }
    let checkup = checkup(&sources, &judging, context)?;
    show(&checkup, args.findings.min_severity, format, context)?;
    Ok(exit(&checkup.report, args.findings.fail_on))
}

fn checkup(sources: &Sources, judging: &Judging, context: &Context) -> Result<Checkup, Failure> {
    let files = DiskFiles::default();
    let mut collected = collect(sources, &files)?;
    let mut report = judging.of_sources(&collected, !sources.certs.is_empty(), context.now);
    if let Some(live) = &sources.live {
        for finding in &mut report.findings {
            finding.fix = aimed(&finding.fix, &live.flags);
        }
    }
    let certificates = collected
        .objects
        .iter()
        .map(|object| match &object.manifest {
            Manifest::Secret(secret) => certificates_in(secret),
            _ => 0,
        })
        .sum();
    let mut checked = Checked {
        objects: collected.objects.len(),
        files: collected.texts.len(),
        context: sources.live.as_ref().map(|live| live.context.clone()),
        certificates,
        certificate_files: 0,
    };
    let texts = std::mem::take(&mut collected.texts);
    drop(collected);
    let seen = files.seen().files;
    let is_certificate = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".cert.pem") || matches!(name, "tls.crt" | "ca.crt" | "cert" | "cacert")
    };
    checked.certificate_files = seen
        .iter()
        .filter(|(path, digest)| digest.is_some() && is_certificate(path))
        .count();
    Ok(Checkup { report, texts, checked })
}

/// How many certificates a Secret holds.
fn certificates_in(secret: &Secret) -> usize {
    let values = secret.keys().into_iter().filter_map(|key| secret.get(key));
    values
        .map(|value| memchr::memmem::find_iter(value, b"-----BEGIN CERTIFICATE-----").count())
        .sum()
}

fn sources(args: &LintArgs, context: &Context) -> Result<Sources, Failure> {
    for folder in &args.certs {
        if !folder.is_dir() {
            return Err(Failure::usage(
                Problem::new(format!("--certs {} is no folder", folder.display()))
                    .fix("give a HOST folder of gen-certs, or a folder with SECRET/KEY files"),
            ));
        }
    }
    let (live, pod_namespace) = match cluster::read(args, context)? {
        Some((live, pod_namespace)) => (Some(live), Some(pod_namespace)),
        None => (None, None),
    };
    let named = args.filename.iter().chain(&args.given).cloned();
    let (stdin, manifests): (Vec<PathBuf>, Vec<PathBuf>) = named.partition(|path| path.as_os_str() == "-");
    if args.fix && !stdin.is_empty() {
        return Err(Failure::usage(
            Problem::new("--fix changes files, and standard input is none").fix("istio-tls lint -f FILE --fix"),
        ));
    }
    for folder in manifests.iter().filter(|path| path.is_dir()) {
        std::fs::read_dir(folder).map_err(|error| {
            Failure::usage(Problem::new(format!("{} cannot be read", folder.display())).why(files::plain(&error)))
        })?;
    }
    let stdin = (!stdin.is_empty())
        .then(|| files::read_from(std::io::stdin().lock(), "-", MANIFEST_LIMIT))
        .transpose()
        .map_err(Failure::usage)?;
    Ok(Sources {
        manifests,
        live,
        stdin,
        recursive: args.recursive,
        // A fix is written where the text came from.
        streams: !args.fix,
        certs: args.certs.clone(),
        workspace: context.dir.clone(),
        host_files: false,
        namespace: context.namespace.clone(),
        gateway_namespace: pod_namespace.or_else(|| context.gateway_namespace.clone()),
    })
}

fn collect<'f>(sources: &Sources, files: &'f DiskFiles) -> Result<Collected<'f>, Failure> {
    let collected = sources.collect(files, Gone::IsError).map_err(Failure::usage)?;
    if sources.is_workspace() && collected.objects.is_empty() {
        return Err(Failure::usage(nothing_found(&sources.workspace, "lint")));
    }
    for note in &collected.notes {
        note_once(&note.to_string());
    }
    for folder in sources.manifests.iter().filter(|path| path.is_dir()) {
        if !collected.texts.keys().any(|name| Path::new(name).starts_with(folder)) {
            return Err(Failure::usage(
                Problem::new(format!("there is no manifest in {}", folder.display()))
                    .why("no file in it that ends in .yaml, .yml or .json could be read; -R looks into the folders in it, too")
                    .fix("name the files, or the folder that holds them"),
            ));
        }
    }
    Ok(collected)
}

fn show(checkup: &Checkup, shown_from: Severity, format: Format, context: &Context) -> Result<(), Failure> {
    let report = &checkup.report;
    match format {
        Format::Text => {
            let texts = checkup.texts.iter();
            let texts = Texts::new(texts.map(|(name, text)| (name.as_str(), text.as_slice())));
            let layout = Layout {
                paint: Paint::new(context.color_stdout),
                width: context.width(),
                verbose: context.verbose > 0,
                shown_from,
            };
            context.print(&lint_text::text(report, &texts, &checkup.checked, layout))
        }
        Format::Json => context.print_json(&lint_json::json(report, shown_from)),
        Format::Sarif => context.print_json(&lint_sarif::sarif(report, shown_from, VERSION)),
        Format::Github => context.print(&lint_github::github(report, shown_from)),
    }
}

/// What cannot be read is bad input; the rest is found or not.
fn exit(report: &Report, fail_on: Severity) -> Exit {
    let unreadable = [codes::INPUT_SYNTAX.id, codes::INPUT_TYPE.id];
    if report.findings.iter().any(|finding| unreadable.contains(&finding.code)) {
        Exit::Usage
    } else if report.reaches(fail_on) {
        Exit::Findings
    } else {
        Exit::Done
    }
}
