//! `istio-tls lint`: checks manifests, key material and the workspace for what will not
//! work.

mod explain;

use std::path::PathBuf;

use super::cluster_flags::LiveArgs;
use super::context::Context;
use super::finding_args::FindingArgs;
use super::value_parsers::choice;
use super::{Exit, Failure, ask};
use crate::lint::Severity;
use crate::ops::lint::check::{self, Outcome};
use crate::ops::lint::inputs::{Inputs, Request};
use crate::ops::lint::mending;
use crate::report::lint_excerpt::Texts;
use crate::report::lint_text::Layout;
use crate::report::paint::Paint;
use crate::report::{lint_fix_text, lint_github, lint_json, lint_sarif, lint_text};
use crate::workspace::config::IstioTarget;

/// Cross-checks Gateways, VirtualServices, Secrets and certificates
///
/// Reports what would otherwise only show as a failure of the live gateway: a Secret in
/// the wrong namespace, a key that does not match its certificate, a chain out of order,
/// an unreachable route. Works offline; each finding has its line, the reason and a fix.
/// Without -f the workspace is checked, with --cluster the live objects of a cluster.
/// Exits with 1 if a finding at or above --fail-on remains, with 2 if a manifest cannot
/// be read.
#[derive(clap::Args)]
#[command(
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  \
        istio-tls lint                                    the workspace\n  \
        istio-tls lint -f gateway.yaml -f routes/ --certs ./secrets\n  \
        helm template edge ./chart | istio-tls lint -f -\n  \
        istio-tls lint k8s/ --fix --yes                   fixes what is safe to fix\n  \
        istio-tls lint k8s/ -o sarif > lint.sarif\n  \
        istio-tls lint --cluster --context staging\n  \
        istio-tls lint k8s/ --suppress ITL0004,ITL0003='Gateway default/*'\n  \
        istio-tls lint explain ITL0004\n\n\
        A comment suppresses a finding: # istio-tls:ignore ITL0004 on its line, above the line, or\n\
        above the object; so does the object's annotation galley.istio.io/analyze-suppress: ITL0004,\n\
        also with Istio's codes and in a cluster."
)]
pub(super) struct LintArgs {
    /// Manifests: a file, a folder of them, or - for standard input [default: the workspace]
    #[arg(value_name = "FILE|DIR")]
    given: Vec<PathBuf>,
    /// Same as FILE|DIR (repeatable)
    #[arg(short, long = "filename", value_name = "FILE|DIR")]
    filename: Vec<PathBuf>,
    /// Also read subfolders; those that define the same objects are checked separately
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Secrets: a HOST folder of gen-certs, or a folder with SECRET/KEY files (repeatable)
    #[arg(long, value_name = "DIR")]
    certs: Vec<PathBuf>,
    /// The Istio version that the objects are for [default: istio-tls.yaml's, else
    /// latest]
    #[arg(long, value_name = "VERSION", value_parser = choice(IstioTarget::WORDS))]
    istio: Option<IstioTarget>,
    #[command(flatten)]
    findings: FindingArgs,
    /// Fix what can safely be fixed automatically: shows a diff, then asks (--yes skips
    /// the question)
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
    let outcome = lint(args, format, context);
    if let (Format::Sarif, Err(Failure::Operation(failure))) = (format, &outcome) {
        // The failure was already reported on standard error; this is for programs.
        context.print_json(&lint_sarif::failed(&failure.problem, VERSION, &context.aim))?;
    }
    outcome
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl LintArgs {
    fn request(&self) -> Request {
        Request {
            manifests: self.filename.iter().chain(&self.given).cloned().collect(),
            recursive: self.recursive,
            certs: self.certs.clone(),
            cluster: self.live.cluster.then(|| self.live.place.place()),
            target: self.istio,
            suppressions: self.findings.suppress.clone(),
            mends: self.fix,
        }
    }
}

fn lint(args: &LintArgs, format: Format, context: &Context) -> Result<Exit, Failure> {
    let inputs = Inputs::of(args.request(), context)?;
    if args.fix {
        mend(&inputs, context)?;
    }
    let outcome = check::check(&inputs, context)?;
    show(&outcome, args.findings.min_severity, format, context)?;
    Ok(if outcome.is_unreadable() {
        Exit::Usage
    } else if outcome.report.reaches(args.findings.fail_on) {
        Exit::Findings
    } else {
        Exit::Done
    })
}

/// Fixes the files, if the user agrees. The diff and everything else goes to standard
/// error: standard output is for the remaining findings.
fn mend(inputs: &Inputs, context: &Context) -> Result<(), Failure> {
    let mending = mending::plan(inputs, context)?;
    let files: Vec<&str> = mending.fixes().map(|fix| fix.file.as_str()).collect();
    if files.is_empty() {
        context.say("nothing here can be fixed automatically");
        return Ok(());
    }
    let paint = Paint::new(context.color_stderr);
    for fix in mending.fixes() {
        context.say_always(&lint_fix_text::text(fix, paint));
    }
    if !context.yes {
        if !context.interactive {
            context.say("nothing was changed: --fix writes with --yes, or asks on a terminal");
            return Ok(());
        }
        let these = if files.len() == 1 { "this file" } else { "these files" };
        if !ask::answer(&format!("Write {these}?"))? {
            return Ok(());
        }
    }
    mending::carry_out(&mending)?;
    context.say(&format!("fixed {}", files.join(", ")));
    Ok(())
}

fn show(outcome: &Outcome, shown_from: Severity, format: Format, context: &Context) -> Result<(), Failure> {
    let Outcome { report, texts, checked } = outcome;
    match format {
        Format::Text => {
            let texts = Texts::new(texts.iter().map(|(name, text)| (name.as_str(), text.as_slice())));
            let layout = Layout {
                aim: &context.aim,
                paint: Paint::new(context.color_stdout),
                width: context.width(),
                verbose: context.verbose > 0,
                shown_from,
            };
            context.print(&lint_text::text(report, &texts, checked, layout))
        }
        Format::Json => context.print_json(&lint_json::json(report, shown_from, &context.aim)),
        Format::Sarif => context.print_json(&lint_sarif::sarif(report, shown_from, VERSION, &context.aim)),
        Format::Github => context.print(&lint_github::github(report, shown_from, &context.aim)),
    }
}
