//! Cross-checks Gateways, VirtualServices, Secrets and certificates, as values:
//! a [`World`] of objects in, [`Finding`]s out. Pure; files are read by the caller.
//!
//! - [`codes`] is the table of codes: number, severity, texts, documentation.
//! - `rules` reports them; each file is a subject, and each rule a struct.
//! - `rule` defines the trait of a rule, and [`Findings`], which collects the results.
//! - `finding` defines a [`Finding`] with its [`Place`], and the [`Report`].
//! - `world` is the [`World`]: all objects by kind, and the context.
//! - `index` holds shared indexes over the world (pods, servers, overlapping hosts), built once, so
//!   that thousands of hosts are linted in linear time.
//! - `istio_names` checks names as Istio's admission webhook does.
//! - `spot` is a path to a field of an object.
//! - `suppress` removes findings that comments and flags suppress.
//! - [`fix`] applies safe automatic fixes.
//! - [`secrecy`] keeps key material out of the output.

pub mod codes;
mod finding;
pub mod fix;
mod index;
mod istio_names;
mod item;
mod need;
mod remedies;
mod rule;
mod rules;
pub mod secrecy;
mod settings;
mod spot;
mod suppress;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod world;

pub use codes::Code;
pub use finding::{Facts, Finding, Made, Place, Report, Severity, Skipped};
pub use item::Item;
pub use need::Need;
pub use rule::{Findings, Rule};
pub use settings::{Settings, Unseen};
pub use suppress::{Suppression, suppress, suppress_annotated};
pub use world::World;

/// Runs every rule over the world. Findings are sorted by file, line, column
/// and code; rules that lack part of the world are listed as skipped.
///
/// ```
/// use istio_tls::lint::{Settings, World, lint};
/// use istio_tls::sources::disk::DiskFiles;
/// use istio_tls::sources::{Gone, Sources};
/// use istio_tls::workspace::config::IstioTarget;
///
/// let gateway = "
/// apiVersion: networking.istio.io/v1
/// kind: Gateway
/// metadata: {name: edge, namespace: default}
/// spec:
///   selector: {istio: ingressgateway}
///   servers:
///   - port: {number: 443, name: https, protocol: HTTPS}
///     hosts: [shop.example.com]
///     tls: {mode: SIMPLE}
/// ";
/// let files = DiskFiles::default();
/// let sources = Sources { stdin: Some(gateway.into()), ..Sources::default() };
/// let input = sources.collect(&files, Gone::IsError).expect("YAML that can be read");
/// let settings = Settings {
///     target: IstioTarget::Latest,
///     now: time::OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time"),
///     namespace: input.namespace.clone(),
///     pod_labels: input.pod_labels.clone(),
///     secrets_elsewhere: false,
///     unseen: Default::default(),
/// };
/// let report = lint(&World::new(&input.objects, &input.errors, &input.warnings, &input.store, &settings));
/// let finding = &report.findings[0];
/// assert_eq!((finding.line, finding.path.as_str()), (10, "spec.servers[0].tls"));
/// ```
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
    for skipped in &mut skipped {
        // The texts of rules refer to the input; for a cluster, the phrase is dropped.
        if let Some(rest) = skipped
            .reason
            .strip_prefix("the input ")
            .filter(|_| world.store.in_cluster)
        {
            skipped.reason = format!("{} {rest}", world.store.source());
        }
    }
    skipped.sort();
    skipped.dedup();
    found.sort_by(Finding::order);
    found.dedup();
    leave_out_told(&mut found);
    Report {
        findings: found,
        skipped,
    }
}

/// Removes findings of a CRD if a dedicated rule explains the same fault, at the same place or
/// below it.
fn leave_out_told(found: &mut Vec<Finding>) {
    let of_definition = |finding: &Finding| finding.code == codes::API_REFUSED.id;
    if !found.iter().any(of_definition) {
        return;
    }
    let told: Vec<(String, String)> = found
        .iter()
        .filter(|finding| finding.subject == codes::Subject::GatewayApi && !of_definition(finding))
        .map(|finding| (finding.object.clone(), finding.path.clone()))
        .collect();
    found.retain(|finding| {
        let is_same = |(object, path): &(String, String)| *object == finding.object && path.starts_with(&finding.path);
        !of_definition(finding) || !told.iter().any(is_same)
    });
}
