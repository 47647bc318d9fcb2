//! The hosts of a Gateway's server: which namespaces may bind to them, and
//! which names they cover.

use super::model::gateway::Server;

/// One of a server's hosts: which VirtualServices may bind, and the name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerHost {
    /// Only VirtualServices in this namespace; none means any.
    pub namespace: Option<String>,
    /// Lowercase; `*`, `*.suffix` or exact.
    pub name: String,
    /// The same in the case in which it is written: istiod compares it so with a VirtualService's.
    pub written: String,
}

impl ServerHost {
    /// One that VirtualServices of any namespace may bind to.
    pub fn any_namespace(host: &str) -> Self {
        Self {
            namespace: None,
            name: host.to_ascii_lowercase(),
            written: host.to_owned(),
        }
    }

    /// The form that istiod compares: `namespace/name`, or only the name.
    pub fn text(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// A server's hosts: `./h` means the Gateway's namespace, `*/h` any, and `*/*` everything.
pub fn hosts_of(server: &Server, namespace: &str) -> Vec<ServerHost> {
    if server.hosts.iter().any(|host| host == "*/*") {
        return vec![ServerHost::any_namespace("*")];
    }
    server
        .hosts
        .iter()
        .map(|host| {
            let (own, name) = match host.split_once('/') {
                Some((".", name)) => (Some(namespace.to_owned()), name),
                Some(("*", name)) => (None, name),
                Some((own, name)) => (Some(own.to_owned()), name),
                None => (None, host.as_str()),
            };
            ServerHost {
                namespace: own,
                name: name.to_ascii_lowercase(),
                written: name.to_owned(),
            }
        })
        .collect()
}

/// The names that both hosts cover: the more specific one, if they overlap.
pub fn intersection<'h>(a: &'h str, b: &'h str) -> Option<&'h str> {
    let covers = |wide: &str, narrow: &str| match wide.strip_prefix('*') {
        Some(suffix) => narrow.len() > suffix.len() && narrow.ends_with(suffix),
        None => wide == narrow,
    };
    if a == b || covers(a, b) {
        Some(b)
    } else if covers(b, a) {
        Some(a)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::intersection;

    #[test]
    fn the_more_specific_of_two_hosts_is_kept() {
        for (a, b, expected) in [
            ("a.com", "a.com", Some("a.com")),
            ("*", "a.com", Some("a.com")),
            ("a.com", "*", Some("a.com")),
            ("*.foo.com", "a.foo.com", Some("a.foo.com")),
            ("*.foo.com", "a.b.foo.com", Some("a.b.foo.com")),
            ("*.foo.com", "foo.com", None),
            ("*.foo.com", "*.a.foo.com", Some("*.a.foo.com")),
            ("*.a.foo.com", "*.foo.com", Some("*.a.foo.com")),
            ("*", "*", Some("*")),
            ("*", "*.foo.com", Some("*.foo.com")),
            ("*.foo.com", "*.bar.com", None),
            ("a.com", "b.com", None),
        ] {
            assert_eq!(intersection(a, b), expected, "{a} and {b}");
        }
    }
}
