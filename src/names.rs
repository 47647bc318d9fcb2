//! Names given by users, parsed once: gateway hosts, and the names of Kubernetes objects.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::remedy::Word;

/// A host that a gateway serves: a DNS name in lower-case A-labels, a wildcard
/// `*.` before one, or an IP address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Host(String);

impl Host {
    /// Parses what a user typed. Internationalised names become A-labels (UTS 46).
    ///
    /// # Errors
    /// If the text is not a host that a certificate can name (RFC 5280 4.2.1.6, RFC
    /// 1123): empty, over 253 characters, a label over 63 or with characters other than
    /// letters, digits and hyphens, a path, a port, or a wildcard anywhere but as the
    /// whole first label.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let bad = |why: &str| {
            let shown: String = text.chars().take(80).collect();
            Problem::new(format!("{shown:?} is not a host name"))
                .why(why)
                .fix("give a DNS name such as httpbin.example.com, a wildcard such as *.example.com, or an IP address")
        };
        if text.is_empty() {
            return Err(bad("it is empty"));
        }
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Self(ip.to_string()));
        }
        if text.contains("://") || text.contains('/') {
            return Err(bad("it contains a slash; a host has no scheme and no path"));
        }
        if text.contains(':') {
            return Err(bad("it contains a colon; a host has no port"));
        }
        let (wildcard, name) = match text.strip_prefix("*.") {
            Some(rest) => ("*.", rest),
            None => ("", text),
        };
        if name.contains('*') {
            return Err(bad("a wildcard must be the whole first label, as in *.example.com"));
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        let ascii = idna::domain_to_ascii_cow(name.as_bytes(), idna::AsciiDenyList::STD3)
            .map_err(|_| bad("it contains characters that are not allowed in a host name"))?;
        let ascii = ascii.to_ascii_lowercase();
        if ascii.is_empty() {
            return Err(bad("it is empty"));
        }
        if wildcard.len() + ascii.len() > 253 {
            return Err(bad("it is longer than 253 characters (RFC 1035 section 2.3.4)"));
        }
        for label in ascii.split('.') {
            if label.is_empty() {
                return Err(bad(
                    "it contains an empty label (two dots in a row, or a dot at an end)",
                ));
            }
            if label.len() > 63 {
                return Err(bad("a label is longer than 63 characters (RFC 1035 section 2.3.4)"));
            }
            if label.starts_with('-') || label.ends_with('-') {
                return Err(bad("a label starts or ends with a hyphen (RFC 1123 section 2.1)"));
            }
            if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                return Err(bad(
                    "a label contains characters other than letters, digits and hyphens (RFC 1123 section 2.1)",
                ));
            }
        }
        if ascii
            .rsplit('.')
            .next()
            .is_some_and(|tld| tld.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(bad(
                "its last label is a number, so it is neither a DNS name nor an IP address",
            ));
        }
        Ok(Self(format!("{wildcard}{ascii}")))
    }

    /// The name as in certificates and manifests.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, if the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }

    /// Whether the name starts with `*.`.
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// The folder of this host's chain in a workspace: `_wildcard.a.com` for `*.a.com`,
    /// `-` for the colons of an IPv6 address, and `_name.fe80--1` for a DNS name that
    /// would be read as one.
    pub fn folder_name(&self) -> String {
        match self.0.strip_prefix("*.") {
            Some(rest) => format!("_wildcard.{rest}"),
            None if self.ip().is_none() && self.0.replace('-', ":").parse::<Ipv6Addr>().is_ok() => {
                format!("_name.{}", self.0)
            }
            None => self.0.replace(':', "-"),
        }
    }

    /// The first label that is not `*`; `ip-10-0-0-1` for an address.
    pub fn short_name(&self) -> String {
        match self.ip() {
            Some(ip) => format!("ip-{}", ip.to_string().replace(['.', ':'], "-")),
            None => self
                .0
                .trim_start_matches("*.")
                .split('.')
                .next()
                .unwrap_or_default()
                .to_owned(),
        }
    }

    /// Whether a certificate's DNS name or address matches this host (RFC 9525 section
    /// 6.3: a wildcard matches exactly one label).
    pub fn is_covered_by(&self, san: &str) -> bool {
        let san = san.to_ascii_lowercase();
        if san == self.0 {
            return true;
        }
        if self.is_wildcard() || self.ip().is_some() {
            return self.ip().is_some() && san.parse().ok() == self.ip();
        }
        match (san.strip_prefix("*."), self.0.split_once('.')) {
            (Some(suffix), Some((_, rest))) => suffix == rest,
            _ => false,
        }
    }
}

impl From<&Host> for Word {
    fn from(host: &Host) -> Self {
        Self::Plain(host.as_str().to_owned())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Host {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Host {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(&text)
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.0
    }
}

/// Checks the name of a Kubernetes object: a DNS-1123 subdomain.
///
/// # Errors
/// The rule that `text` violates; `kind` is part of the message.
pub fn check_object_name(kind: &str, text: &str) -> Result<(), Problem> {
    // Unlike a DNS label, a part of such a name may be longer than 63.
    let fits = text.len() <= 253 && text.split('.').all(is_name_part);
    if fits {
        return Ok(());
    }
    Err(Problem::new(format!("{text:?} is not a valid name for a {kind}")).why(
        "Kubernetes names consist of lower-case letters, digits, hyphens and dots, and start and end \
            with a letter or digit (at most 253 characters)",
    ))
}

/// Whether `text` is a DNS-1123 label, as namespaces are.
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_name_part(text)
}

fn is_name_part(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::{Host, is_dns_label};

    #[test]
    fn hosts_are_normalised() {
        for (typed, host, folder, short) in [
            (
                "httpbin.example.com",
                "httpbin.example.com",
                "httpbin.example.com",
                "httpbin",
            ),
            (
                "HTTPBIN.Example.com.",
                "httpbin.example.com",
                "httpbin.example.com",
                "httpbin",
            ),
            ("*.a.com", "*.a.com", "_wildcard.a.com", "a"),
            (
                "bücher.example",
                "xn--bcher-kva.example",
                "xn--bcher-kva.example",
                "xn--bcher-kva",
            ),
            ("10.0.0.1", "10.0.0.1", "10.0.0.1", "ip-10-0-0-1"),
            ("[::1]", "::1", "--1", "ip---1"),
            ("localhost", "localhost", "localhost", "localhost"),
            ("fe80::1", "fe80::1", "fe80--1", "ip-fe80--1"),
            ("fe80--1", "fe80--1", "_name.fe80--1", "fe80--1"),
        ] {
            let parsed = Host::parse(typed).expect(typed);
            assert_eq!(parsed.as_str(), host);
            assert_eq!(parsed.folder_name(), folder);
            assert_eq!(parsed.short_name(), short);
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let long = format!("{}.com", "a".repeat(300));
        for typed in [
            "",
            "../evil",
            "a/b",
            "https://a.com",
            "a.com:443",
            "a..com",
            "*",
            "a.*.com",
            "*a.com",
            "-a.com",
            "a_b.com",
            "a b.com",
            "1.2.3",
            ".",
            "*.",
            &long,
        ] {
            assert!(Host::parse(typed).is_err(), "{typed:?} was accepted");
        }
    }

    #[test]
    fn a_wildcard_covers_one_label() {
        let host = Host::parse("b.a.com").expect("a host");
        assert!(host.is_covered_by("*.a.com"));
        assert!(host.is_covered_by("B.A.com"));
        assert!(!host.is_covered_by("*.com"));
        assert!(!Host::parse("a.com").expect("a host").is_covered_by("*.a.com"));
        assert!(Host::parse("*.a.com").expect("a host").is_covered_by("*.a.com"));
    }

    #[test]
    fn labels() {
        assert!(is_dns_label("istio-system"));
        assert!(!is_dns_label("-a") && !is_dns_label("") && !is_dns_label("A") && !is_dns_label("a.b"));
    }
}
