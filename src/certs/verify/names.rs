//! Whether the leaf covers the host.

use super::path::Path;
use super::{Fault, FaultCode};
use crate::certs::names::{common_names, general_name};
use crate::names::Host;

/// RFC 9525: a DNS name or IP address of the certificate must cover the host; the CN does not
/// count.
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
            held.push(called(kind, &text));
        }
    }
    let reference = path.reference(0);
    if held.is_empty() {
        let names = common_names(leaf.parsed.subject());
        let named = names.iter().any(|name| host.is_covered_by(name));
        let what = if named {
            format!("the certificate has {host} only in its CN, but clients check only subjectAltName (RFC 9525)")
        } else {
            format!("the certificate has no subjectAltName, so it is not valid for any host, including {host}")
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
            format!("the certificate is not valid for {host} (its names: {shown})"),
        )
        .expected(host.as_str())
        .found(shown)
        .fix("use a name that the certificate has, or issue one with this name"),
    )
}

/// A name for display: if it is not a host, it is quoted, with a description.
pub(crate) fn called(kind: &str, text: &str) -> String {
    let what = if kind != "DNS" {
        return text.to_owned();
    } else if text.parse::<std::net::IpAddr>().is_ok() {
        "as a DNS name, not as an IP address"
    } else if text.contains([',', ';', ' ']) {
        "as one DNS name"
    } else if Host::parse(text).is_err() {
        "which is not a host name"
    } else {
        return text.to_owned();
    };
    format!("\"{text}\" {what}")
}

/// Lists at most eight names and counts the rest.
fn shorten(names: &[String]) -> String {
    let shown = names.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(8) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
