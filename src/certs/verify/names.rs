//! Does the leaf hold the host's name, and do its issuers permit its names?

use x509_parser::extensions::{GeneralName, GeneralSubtree};

use super::path::Path;
use super::{Fault, FaultCode};
use crate::certs::names::{address, common_names, general_name};
use crate::names::Host;

/// RFC 9525: the host must be covered by a DNS name or an address of the
/// certificate; CN does not count.
pub(super) fn host(path: &Path<'_, '_>, host: &Host) -> Option<Fault> {
    let leaf = path.leaf();
    let sans = leaf.parsed.subject_alternative_name().ok().flatten();
    let mut held = Vec::new();
    for name in sans.iter().flat_map(|found| &found.value.general_names) {
        let (kind, text) = general_name(name);
        let comparable = match host.ip() {
            Some(_) => kind == "IP",
            None => kind == "DNS",
        };
        if comparable && host.is_covered_by(&text) {
            return None;
        }
        if matches!(kind, "DNS" | "IP") {
            held.push(text);
        }
    }
    let reference = path.reference(0);
    if held.is_empty() {
        let names = common_names(leaf.parsed.subject());
        let named = names.iter().any(|name| host.is_covered_by(name));
        let what = if named {
            format!("the certificate names {host} in its CN only; clients look at subjectAltName alone (RFC 9525)")
        } else {
            format!("the certificate has no subjectAltName, so it is valid for no host, {host} included")
        };
        return Some(
            Fault::new(FaultCode::NoSan, Some(reference), what)
                .expected(format!("subjectAltName {host}"))
                .found(if names.is_empty() {
                    "no names".to_owned()
                } else {
                    format!("CN {}", names.join(", "))
                })
                .fix(format!("issue one with subjectAltName {host}")),
        );
    }
    let shown = shorten(&held);
    Some(
        Fault::new(
            FaultCode::NameMismatch,
            Some(reference),
            format!("the certificate is not valid for {host} (it names {shown})"),
        )
        .expected(host.as_str())
        .found(shown)
        .fix("ask for a name that the certificate has, or issue one with this name"),
    )
}

/// At most eight names, the rest counted.
fn shorten(names: &[String]) -> String {
    let shown = names.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(8) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// RFC 5280 section 4.2.1.10: every name of the leaf lies in a permitted
/// subtree of its kind, if there is one, and in no excluded subtree.
pub(super) fn constraints(path: &Path<'_, '_>, faults: &mut Vec<Fault>) {
    let leaf = path.leaf();
    let Ok(Some(sans)) = leaf.parsed.subject_alternative_name() else {
        return;
    };
    for (place, certificate) in path.certificates.iter().enumerate().skip(1) {
        let Ok(Some(constraints)) = certificate.parsed.name_constraints() else {
            continue;
        };
        for name in &sans.value.general_names {
            let permitted: Vec<bool> = subtrees(constraints.value.permitted_subtrees.as_ref())
                .filter_map(|subtree| covers(&subtree.base, name))
                .collect();
            let excluded = subtrees(constraints.value.excluded_subtrees.as_ref())
                .any(|subtree| covers(&subtree.base, name) == Some(true));
            if excluded || (!permitted.is_empty() && !permitted.contains(&true)) {
                let (_, text) = general_name(name);
                let reference = path.reference(place);
                let allowed: Vec<String> = subtrees(constraints.value.permitted_subtrees.as_ref())
                    .map(|subtree| general_name(&subtree.base).1)
                    .collect();
                let what = format!("the {reference} does not permit the name {text} (name constraints)");
                faults.push(
                    Fault::new(FaultCode::NameConstraintViolation, Some(reference), what)
                        .expected(if excluded {
                            "a name outside the excluded subtrees".into()
                        } else {
                            allowed.join(", ")
                        })
                        .found(text)
                        .fix("have the certificate issued by a CA that permits the name"),
                );
            }
        }
    }
}

fn subtrees<'a, 'b: 'a>(list: Option<&'a Vec<GeneralSubtree<'b>>>) -> impl Iterator<Item = &'a GeneralSubtree<'b>> {
    list.into_iter().flatten()
}

/// Whether the subtree covers the name; none if they are of different kinds.
fn covers(base: &GeneralName<'_>, name: &GeneralName<'_>) -> Option<bool> {
    match (base, name) {
        (GeneralName::DNSName(base), GeneralName::DNSName(name)) => Some(domain_covers(base, name)),
        (GeneralName::RFC822Name(base), GeneralName::RFC822Name(name)) => {
            let domain = name.rsplit('@').next().unwrap_or(name);
            Some(if base.contains('@') {
                base.eq_ignore_ascii_case(name)
            } else if base.starts_with('.') {
                domain_covers(base, domain)
            } else {
                base.eq_ignore_ascii_case(domain)
            })
        }
        (GeneralName::IPAddress(base), GeneralName::IPAddress(name)) => {
            if base.len() != name.len() * 2 {
                // An address of the other family lies in no subtree of this one.
                return (!address(base).is_empty()).then_some(false);
            }
            let (network, mask) = base.split_at(name.len());
            Some(
                network
                    .iter()
                    .zip(mask)
                    .zip(*name)
                    .all(|((network, mask), octet)| octet & mask == network & mask),
            )
        }
        _ => None,
    }
}

fn domain_covers(base: &str, name: &str) -> bool {
    let (base, name) = (base.to_ascii_lowercase(), name.to_ascii_lowercase());
    let Some(stem) = base.strip_prefix('.') else {
        return base.is_empty() || name == base || name.ends_with(&format!(".{base}"));
    };
    name.ends_with(&format!(".{stem}"))
}
