//! Lints the objects that `manifests` generates, before they are applied.

use std::collections::HashSet;

use super::judging::Judging;
use crate::lint::{Finding, Severity, codes};
use crate::manifests::build::{self, HostIntent, Intent, Part};
use crate::manifests::load::load;
use crate::manifests::model::Manifest;
use crate::manifests::render;
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;
use crate::sources::Sources;
use crate::sources::disk::DiskFiles;
use crate::workspace::config::{FILE_NAME, IstioTarget};

/// Findings on the objects of `parts`, which are examined together with those of the
/// other parts, since the cluster will have those too.
///
/// # Errors
/// If the intent contradicts itself.
pub fn findings_of_made(intent: &Intent, parts: &[Part], here: &Surroundings) -> Result<Vec<Finding>, Problem> {
    let made = build::objects(intent, parts)?;
    let namespace = &intent.gateway.namespace;
    let titles: HashSet<String> = made.iter().map(|object| object.title(namespace)).collect();
    let mut objects = made;
    // With cert-manager as issuer, some Secrets are still generated.
    let more = others(intent, parts)?;
    objects.extend(
        more.into_iter()
            .filter(|object| !titles.contains(&object.title(namespace))),
    );
    let objects = objects.into_iter().map(as_read).collect();
    let files = DiskFiles::default();
    let collected = Sources::of_objects(objects, FILE_NAME, &intent.gateway, &files);
    let judging = Judging {
        target: Some(intent.istio),
        ..Judging::default()
    };
    let report = judging.of_sources(&collected, false, here.now);
    let findings = report.findings.into_iter();
    Ok(findings
        .filter(|finding| titles.contains(&finding.object) && finding.severity >= Severity::Warning)
        .filter(|finding| !is_of_the_cluster(finding) && !is_the_pages_own(finding, intent))
        .collect())
}

/// Samples are generated verbatim, without types; lint sees them as the cluster will.
fn as_read(made: Manifest) -> Manifest {
    let is_sample = matches!(&made, Manifest::Other(other) if ["Service", "Deployment"].contains(&other.kind.as_str()));
    if !is_sample {
        return made;
    }
    let read = load(&render::yaml(std::slice::from_ref(&made)), FILE_NAME);
    read.objects.into_iter().next().map_or(made, |object| object.manifest)
}

/// The generated Services are samples: those of the user are in the cluster, and a route
/// to one is not a mistake.
fn is_of_the_cluster(finding: &Finding) -> bool {
    [codes::DESTINATION_NOT_FOUND.id, codes::ROUTE_BACKEND.id].contains(&finding.code)
}

/// The task page's route to helloworld-v1 leads to port 5000, which the page's Service
/// does not have. For Istio 1.1 both are generated verbatim, and a note on standard error
/// already says so.
fn is_the_pages_own(finding: &Finding, intent: &Intent) -> bool {
    let leads_there = |host: &&HostIntent| host.routes.iter().any(|route| route.service == PAGES_MISTAKE);
    finding.code == codes::DESTINATION_PORT_NOT_FOUND.id
        && intent.istio == IstioTarget::V1_1
        && intent
            .hosts
            .iter()
            .filter(leads_there)
            .any(|host| finding.object.ends_with(&format!("/{}", host.names.virtual_service)))
}

/// The Service whose port does not match the task page's route.
const PAGES_MISTAKE: &str = "helloworld-v1";

/// Objects that are not requested now. Secrets that cert-manager will create are assumed
/// to be as generated here.
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

/// Reports warnings; stops on errors.
///
/// # Errors
/// [`Class::Finding`](crate::ops::Class) if the findings include an error.
pub fn stop_on_errors(findings: Vec<Finding>, here: &Surroundings) -> Result<(), Failure> {
    let (mut errors, warnings): (Vec<Finding>, Vec<Finding>) = findings
        .into_iter()
        .partition(|finding| finding.severity == Severity::Error);
    for warning in warnings {
        here.warn(&Problem::from(warning));
    }
    let Some(last) = errors.pop() else { return Ok(()) };
    for error in errors {
        here.say_error(&Problem::from(error));
    }
    let mut problem = Problem::from(last);
    let fix = problem.fix.take().unwrap_or_default();
    Err(Failure::findings(
        problem.fix(fix.or("--no-lint, which generates the objects nevertheless")),
    ))
}
