//! RFC 5280 section 4.2.1.10: every name of every certificate in the path must be in a permitted
//! subtree of its kind, if a CA above has one, and in no excluded subtree.

use std::net::IpAddr;

use x509_parser::extensions::{GeneralName, GeneralSubtree, NameConstraints, ParsedExtension};
use x509_parser::x509::X509Name;

use super::path::{Candidate, Path};
use super::{Fault, FaultCode};
use crate::certs::names::{attribute_text, general_name};

pub(super) fn check(path: &Path<'_, '_>, faults: &mut Vec<Fault>) {
    let names: Vec<Vec<GeneralName<'_>>> = path
        .certificates
        .iter()
        .enumerate()
        // A CA's own constraints do not apply to its self-issued certificates.
        .map(|(place, certificate)| {
            if place > 0 && certificate.is_self_issued() {
                Vec::new()
            } else {
                names_of(certificate)
            }
        })
        .collect();
    for (place, certificate) in path.certificates.iter().enumerate().skip(1) {
        for extension in certificate.parsed.extensions() {
            let ParsedExtension::NameConstraints(constraints) = extension.parsed_extension() else {
                continue;
            };
            for (below, names) in names[..place].iter().enumerate() {
                for name in names {
                    faults.extend(judge(path, place, below, constraints, name));
                }
            }
            if extension.critical {
                faults.extend(unknown_kind(path, place, constraints));
            }
        }
    }
}

/// The names that constraints apply to: the subject, its email addresses if subjectAltName has
/// none, and all names in subjectAltName.
fn names_of<'c>(certificate: &'c Candidate<'_>) -> Vec<GeneralName<'c>> {
    let subject = certificate.parsed.subject();
    let mut names: Vec<GeneralName<'c>> = Vec::new();
    for extension in certificate.parsed.extensions() {
        if let ParsedExtension::SubjectAlternativeName(held) = extension.parsed_extension() {
            names.extend(held.general_names.iter().cloned());
        }
    }
    if !names.iter().any(|name| matches!(name, GeneralName::RFC822Name(_))) {
        let emails = subject.iter_email().filter_map(|attribute| attribute.as_str().ok());
        names.extend(emails.map(GeneralName::RFC822Name));
    }
    if subject.iter_rdn().next().is_some() {
        names.push(GeneralName::DirectoryName(subject.clone()));
    }
    names
}

fn judge(
    path: &Path<'_, '_>,
    place: usize,
    below: usize,
    constraints: &NameConstraints<'_>,
    name: &GeneralName<'_>,
) -> Option<Fault> {
    let permitted: Vec<bool> = subtrees(constraints.permitted_subtrees.as_ref())
        .filter_map(|subtree| Covers::of(&subtree.base, name))
        .map(|covers| covers == Covers::Whole)
        .collect();
    let excluded = subtrees(constraints.excluded_subtrees.as_ref())
        .filter_map(|subtree| Covers::of(&subtree.base, name))
        .any(|covers| covers != Covers::Not);
    if !excluded && (permitted.is_empty() || permitted.contains(&true)) {
        return None;
    }
    let (kind, text) = general_name(name);
    let reference = path.reference(place);
    let allowed: Vec<String> = subtrees(constraints.permitted_subtrees.as_ref())
        .map(|subtree| general_name(&subtree.base))
        .filter(|(other, _)| *other == kind)
        .map(|(_, base)| base)
        .collect();
    let whose = match below {
        0 => String::new(),
        _ => format!(" of the {}", path.reference(below)),
    };
    let what = format!("the {reference} does not permit the name {text}{whose} (name constraints)");
    Some(
        Fault::new(FaultCode::NameConstraintViolation, Some(reference), what)
            .expected(if excluded {
                "a name outside the excluded subtrees".into()
            } else {
                allowed.join(", ")
            })
            .found(text)
            .fix("have the certificate issued by a CA that permits the name"),
    )
}

/// A subtree of an unsupported kind: a verifier must refuse it, because the extension is critical.
fn unknown_kind(path: &Path<'_, '_>, place: usize, constraints: &NameConstraints<'_>) -> Option<Fault> {
    let unknown = subtrees(constraints.permitted_subtrees.as_ref())
        .chain(subtrees(constraints.excluded_subtrees.as_ref()))
        .find(|subtree| {
            !matches!(
                subtree.base,
                GeneralName::DNSName(_)
                    | GeneralName::IPAddress(_)
                    | GeneralName::RFC822Name(_)
                    | GeneralName::URI(_)
                    | GeneralName::DirectoryName(_)
            )
        })?;
    let reference = path.reference(place);
    let (kind, text) = general_name(&unknown.base);
    let what = format!("the {reference} has a critical name constraint of a kind that verifiers do not support");
    Some(
        Fault::new(FaultCode::NameConstraintViolation, Some(reference), what)
            .expected("constraints on DNS names, IP addresses, emails, URIs and directory names")
            .found(format!("{kind} {text}").trim_end())
            .fix("have the CA issued without that constraint"),
    )
}

fn subtrees<'a, 'b: 'a>(list: Option<&'a Vec<GeneralSubtree<'b>>>) -> impl Iterator<Item = &'a GeneralSubtree<'b>> {
    list.into_iter().flatten()
}

/// Whether a subtree covers everything that a name stands for; none if they are of different kinds.
pub(crate) fn subtree_covers(base: &GeneralName<'_>, name: &GeneralName<'_>) -> Option<bool> {
    Covers::of(base, name).map(|covers| covers == Covers::Whole)
}

/// How much of what a name stands for is in a subtree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Covers {
    Whole,
    /// Some of the names that a wildcard stands for; or the name cannot be compared.
    Part,
    Not,
}

impl From<bool> for Covers {
    fn from(whole: bool) -> Self {
        if whole { Self::Whole } else { Self::Not }
    }
}

impl Covers {
    /// None if subtree and name are of different kinds.
    fn of(base: &GeneralName<'_>, name: &GeneralName<'_>) -> Option<Self> {
        Some(match (base, name) {
            (GeneralName::DNSName(base), GeneralName::DNSName(name)) => Self::of_domain(base, name),
            (GeneralName::RFC822Name(base), GeneralName::RFC822Name(name)) => Self::of_email(base, name),
            (GeneralName::IPAddress(base), GeneralName::IPAddress(name)) => Self::of_address(base, name),
            (GeneralName::URI(base), GeneralName::URI(name)) => match host_of(name) {
                Some(host) if base.starts_with('.') => domain_covers(base, host).into(),
                Some(host) => base.eq_ignore_ascii_case(host).into(),
                None => Self::Part,
            },
            (GeneralName::DirectoryName(base), GeneralName::DirectoryName(name)) => begins_with(name, base).into(),
            _ => return None,
        })
    }

    fn of_domain(base: &str, name: &str) -> Self {
        if domain_covers(base, name) {
            return Self::Whole;
        }
        // `*.a.com` also stands for `x.a.com`.
        let part = name.strip_prefix("*.").is_some_and(|parent| {
            let base = base.trim_start_matches('.');
            base.split_once('.')
                .is_some_and(|(_, above)| above.eq_ignore_ascii_case(parent))
        });
        if part { Self::Part } else { Self::Not }
    }

    fn of_email(base: &str, name: &str) -> Self {
        let Some((local, domain)) = name.rsplit_once('@') else {
            return Self::Part;
        };
        match base.rsplit_once('@') {
            Some((box_name, host)) => (box_name == local && host.eq_ignore_ascii_case(domain)).into(),
            None if base.starts_with('.') => domain_covers(base, domain).into(),
            None => (base.is_empty() || base.eq_ignore_ascii_case(domain)).into(),
        }
    }

    /// An address is never in a subtree of the other address family.
    fn of_address(base: &[u8], name: &[u8]) -> Self {
        if base.len() != name.len() * 2 {
            return Self::Not;
        }
        let (network, mask) = base.split_at(name.len());
        let mut octets = network.iter().zip(mask).zip(name);
        octets
            .all(|((network, mask), octet)| octet & mask == network & mask)
            .into()
    }
}

fn domain_covers(base: &str, name: &str) -> bool {
    let (base, name) = (base.to_ascii_lowercase(), name.to_ascii_lowercase());
    let Some(stem) = base.strip_prefix('.') else {
        return base.is_empty() || name == base || name.ends_with(&format!(".{base}"));
    };
    name.ends_with(&format!(".{stem}"))
}

/// The host of a URI with an authority (RFC 3986 section 3.2); none if it has no authority or an IP
/// address.
fn host_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    let is_name = !host.is_empty() && !host.starts_with('[') && host.parse::<IpAddr>().is_err();
    is_name.then_some(host)
}

/// Whether a directory name begins with the relative names of another (RFC 5280 section 7.1: case
/// and repeated blanks are ignored).
fn begins_with(name: &X509Name<'_>, base: &X509Name<'_>) -> bool {
    let (name, base) = (comparable(name), comparable(base));
    name.starts_with(&base)
}

fn comparable(name: &X509Name<'_>) -> Vec<Vec<(String, String)>> {
    name.iter_rdn()
        .map(|rdn| {
            let mut attributes: Vec<(String, String)> = rdn
                .iter()
                .map(|attribute| {
                    let text = attribute_text(attribute).to_lowercase();
                    let words: Vec<&str> = text.split_whitespace().collect();
                    (attribute.attr_type().to_id_string(), words.join(" "))
                })
                .collect();
            attributes.sort_unstable();
            attributes
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use x509_parser::extensions::GeneralName;

    use super::Covers;

    #[test]
    fn subtrees_cover_names_of_their_kind() {
        let dns = GeneralName::DNSName;
        let email = GeneralName::RFC822Name;
        let uri = GeneralName::URI;
        let ip = GeneralName::IPAddress;
        let (whole, part, not) = (Some(Covers::Whole), Some(Covers::Part), Some(Covers::Not));
        for (base, name, covers) in [
            (dns("a.com"), dns("A.com"), whole),
            (dns("a.com"), dns("x.a.com"), whole),
            (dns("a.com"), dns("xa.com"), not),
            (dns(".a.com"), dns("a.com"), not),
            (dns(""), dns("a.com"), whole),
            (dns("x.a.com"), dns("*.a.com"), part),
            (dns("x.y.a.com"), dns("*.a.com"), not),
            (dns("a.com"), dns("*.a.com"), whole),
            (dns("a.com"), email("x@a.com"), None),
            (email("a.com"), email("x@A.com"), whole),
            (email("a.com"), email("x@y.a.com"), not),
            (email(".a.com"), email("x@y.a.com"), whole),
            (email("x@a.com"), email("X@a.com"), not),
            (email("x@a.com"), email("x@a.COM"), whole),
            (email("a.com"), email("a.com"), part),
            (uri("a.com"), uri("https://x@a.com:1/y?z"), whole),
            (uri("a.com"), uri("https://x.a.com/"), not),
            (uri(".a.com"), uri("spiffe://x.a.com/"), whole),
            (uri("a.com"), uri("https://[::1]/a.com"), part),
            (uri("10.0.0.1"), uri("https://10.0.0.1/"), part),
            (uri("a.com"), uri("mailto:a.com"), part),
            (ip(&[10, 0, 0, 0, 255, 0, 0, 0]), ip(&[10, 1, 2, 3]), whole),
            (ip(&[10, 0, 0, 0, 255, 0, 0, 0]), ip(&[11, 1, 2, 3]), not),
            (ip(&[10, 0, 0, 0, 255, 0, 0, 0]), ip(&[0; 16]), not),
            (ip(&[0; 32]), ip(&[1; 16]), whole),
        ] {
            assert_eq!(Covers::of(&base, &name), covers, "{base:?} {name:?}");
        }
    }
}
