//! Cross-checks Gateways, VirtualServices, Secrets and certificates, as values:
//! a [`World`] of objects in, [`Finding`]s out. Pure; files are read by the caller.
//!
//! [`codes`] is the one table of codes. Each file of [`rules`] is one subject:
//! the rules that report its codes. A rule sees the whole [`World`], whose
//! indices are made once, so that thousands of hosts are linted in linear time.

mod bindings;
pub mod codes;
mod credentials;
mod finding;
pub mod fix;
mod host_index;
mod host_set;
mod istio_names;
mod kube_gateways;
mod pods;
mod registry;
mod rule;
mod rules;
pub mod secrecy;
mod servers;
mod spot;
mod suppress;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod workloads;
mod world;

pub use codes::Code;
pub use finding::{Finding, Place, Report, Severity, Skipped};
pub use rule::{Findings, Need, Rule};
pub use suppress::{Suppression, suppress};
pub use world::{Item, Settings, World};

/// Runs every rule over the world. Findings are sorted by file, line, column
/// and code; rules that lack a part of the world are listed as skipped.
pub fn lint(world: &World<'_>) -> Report {
    let mut findings = Findings::default();
    let mut skipped: Vec<Skipped> = Vec::new();
    for rule in rules::all() {
        match rule.needs().iter().find_map(|need| world.lacks(*need)) {
            Some(reason) => skipped.extend(rule.codes().iter().map(|code| Skipped {
                code: code.id,
                reason: reason.to_owned(),
            })),
            None => rule.check(world, &mut findings),
        }
    }
    let (mut found, partly) = findings.into_parts();
    skipped.extend(partly);
    skipped.sort();
    skipped.dedup();
    found.sort_by(Finding::order);
    found.dedup();
    Report {
        findings: found,
        skipped,
    }
}
