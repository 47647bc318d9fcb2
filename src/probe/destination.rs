//! The destination given by the user: a host, HOST:PORT, or a URL as in a browser. Pure.

use super::target::split_port;
use crate::names::Host;
use crate::problem::Problem;

/// A host to reach, with the optional parts that were typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The host.
    pub host: Host,
    /// The port, if typed.
    pub port: Option<u16>,
    /// Path and query, if typed; begins with a slash.
    pub path: Option<String>,
}

impl Destination {
    /// Parses `HOST`, `HOST:PORT`, `https://HOST[:PORT][/PATH]`, and the same without the scheme. A
    /// fragment is dropped, as clients never send one (RFC 9110 section 7.1).
    ///
    /// # Errors
    /// If the scheme is a different one, or the port or host is invalid.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let is_scheme = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        };
        let rest = match text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
            Some((scheme, rest)) => {
                return Err(Problem::new(format!("{text:?} is not an https URL"))
                    .why(format!("its scheme is {scheme}, but this command needs TLS"))
                    .fix(format!("give https://{rest}")));
            }
            None => text,
        };
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => (&rest[..at], Some(&rest[at..])),
            None => (rest, None),
        };
        let (host, port) = split_port(authority)?;
        Ok(Self {
            host: Host::parse(&host)?,
            port,
            path: path.map(|path| {
                if path.starts_with('/') {
                    path.to_owned()
                } else {
                    format!("/{path}")
                }
            }),
        })
    }
}

impl From<Host> for Destination {
    fn from(host: Host) -> Self {
        Self {
            host,
            port: None,
            path: None,
        }
    }
}

/// Refuses a path that an HTTP request cannot have.
///
/// # Errors
/// If `path` contains spaces, control characters or other forbidden ones.
pub fn check_path(path: &str) -> Result<(), Problem> {
    let parsed = format!("/{}", path.trim_start_matches('/')).parse::<http::uri::PathAndQuery>();
    match parsed {
        Ok(_) => Ok(()),
        Err(_) => Err(Problem::new(format!("{path:?} is not a valid path"))
            .why("a path cannot contain spaces or control characters")
            .fix("percent-encode them: %20 is a space")),
    }
}

#[cfg(test)]
mod tests {
    use super::Destination;

    #[test]
    fn hosts_ports_and_urls_are_understood() {
        for (text, host, port, path) in [
            ("a.com", "a.com", None, None),
            ("a.com:8443", "a.com", Some(8443), None),
            ("https://a.com", "a.com", None, None),
            (
                "HTTPS://A.com:8443/status/418?x=1#top",
                "a.com",
                Some(8443),
                Some("/status/418?x=1"),
            ),
            ("https://a.com/", "a.com", None, Some("/")),
            ("https://a.com?x", "a.com", None, Some("/?x")),
            ("a.com/status/418", "a.com", None, Some("/status/418")),
            ("a.com/x://y", "a.com", None, Some("/x://y")),
            ("https://[::1]:8443/", "::1", Some(8443), Some("/")),
            ("::1", "::1", None, None),
            ("*.a.com", "*.a.com", None, None),
        ] {
            let found = Destination::parse(text).expect("a destination");
            assert_eq!(
                (found.host.as_str(), found.port, found.path.as_deref()),
                (host, port, path),
                "{text}"
            );
        }
        for text in [
            "",
            "http://a.com/",
            "ftp://a.com",
            "https://",
            "a.com:port",
            "https://a.com:0/",
            "../a",
        ] {
            assert!(Destination::parse(text).is_err(), "{text}");
        }
    }
}
