//! Lints the objects that `manifests` makes, before anybody applies them.

use std::collections::HashSet;

use super::world::Judging;
use crate::cli::Failure;
use crate::cli::context::Context;
use crate::lint::{Finding, Severity};
use crate::manifests::build::{self, Intent, Part};
use crate::manifests::model::Manifest;
use crate::problem::Problem;
use crate::sources::Sources;
use crate::sources::disk::DiskFiles;
use crate::workspace::config::FILE_NAME;

/// What is wrong with the objects of `parts`: looked at beside those of the
/// other parts, which the cluster will have too, but heard of by themselves.
///
/// # Errors
/// When the intent contradicts itself.
pub(in crate::cli) fn findings_of_made(
    intent: &Intent,
    parts: &[Part],
    context: &Context,
) -> Result<Vec<Finding>, Problem> {
    let made = build::objects(intent, parts)?;
    let namespace = &intent.gateway.namespace;
    let titles: HashSet<String> = made.iter().map(|object| object.title(namespace)).collect();
    let mut objects = made;
    objects.extend(others(intent, parts)?);
    let files = DiskFiles::default();
    let collected = Sources::of_objects(objects, FILE_NAME, &intent.gateway, &files);
    let judging = Judging {
        target: Some(intent.istio),
        ..Judging::default()
    };
    let report = judging.of_sources(&collected, false, context.now);
    let findings = report.findings.into_iter();
    Ok(findings
        .filter(|finding| titles.contains(&finding.object) && finding.severity >= Severity::Warning)
        .collect())
}

/// Objects that are not wanted now. Secrets that cert-manager will make are taken as if made here.
fn others(intent: &Intent, parts: &[Part]) -> Result<Vec<Manifest>, Problem> {
    let mut objects = Vec::new();
    if intent.issuer.is_some() || !parts.contains(&Part::Secrets) {
        let here = Intent {
            issuer: None,
            ..intent.clone()
        };
        objects.extend(build::objects(&here, &[Part::Secrets])?);
    }
    let rest: Vec<Part> = Part::default_of(intent.secrets)
        .into_iter()
        .filter(|part| *part != Part::Secrets && !parts.contains(part))
        .collect();
    objects.extend(build::objects(intent, &rest)?);
    Ok(objects)
}

/// Says warnings; stops on errors.
///
/// # Errors
/// Exit 1 when there is an error among the findings.
pub(in crate::cli) fn stop_on_errors(findings: Vec<Finding>, context: &Context) -> Result<(), Failure> {
    let (mut errors, warnings): (Vec<Finding>, Vec<Finding>) = findings
        .into_iter()
        .partition(|finding| finding.severity == Severity::Error);
    for warning in warnings {
        context.say_always(&format!("warning: {}", Problem::from(warning)));
    }
    let Some(last) = errors.pop() else { return Ok(()) };
    for error in errors {
        context.say_always(&format!("error: {}", Problem::from(error)));
    }
    let mut problem = Problem::from(last);
    let fix = problem.fix.take().unwrap_or_default();
    Err(Failure::findings(problem.fix(format!(
        "{fix}; or --no-lint, which makes the objects all the same"
    ))))
}
