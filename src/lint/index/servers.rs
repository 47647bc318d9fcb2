//! The servers of all Gateways, and the meaning of their protocols.

use crate::lint::finding::{Finding, Place};
use crate::lint::item::Item;
use crate::lint::{Code, World};
use crate::manifests::model::Gateway;
use crate::manifests::model::gateway::{Server, ServerTlsSettings, TlsMode};
use crate::manifests::server_hosts::{ServerHost, hosts_of};
use crate::spelling;

/// A server with its Gateway.
#[derive(Clone, Copy)]
pub(in crate::lint) struct ServerAt<'w, 'a> {
    /// Its Gateway.
    pub(in crate::lint) gateway: &'w Item<'a, Gateway>,
    /// The index of the Gateway in the world.
    pub(in crate::lint) number: usize,
    /// The index of the server in the Gateway.
    pub(in crate::lint) index: usize,
    /// The server.
    pub(in crate::lint) server: &'a Server,
}

impl<'a> ServerAt<'_, 'a> {
    /// The path of one of its fields.
    pub(in crate::lint) fn path(&self, field: &str) -> String {
        format!("spec.servers[{}].{field}", self.index)
    }

    /// The place of one of its fields.
    pub(in crate::lint) fn place(&self, field: &str) -> Place {
        self.gateway.place(&self.path(field))
    }

    /// A finding at one of its fields.
    pub(in crate::lint) fn finding(&self, code: &'static Code, field: &str, what: impl Into<String>) -> Finding {
        Finding::new(code, self.place(field), what)
    }

    /// Its protocol, if Istio knows it.
    pub(in crate::lint) fn protocol(&self) -> Option<Protocol> {
        Protocol::parse(&self.server.port.protocol)
    }

    /// Its hosts, normalised.
    pub(in crate::lint) fn hosts(&self) -> Vec<ServerHost> {
        hosts_of(self.server, self.gateway.namespace)
    }

    /// The address it binds to; empty means every address.
    pub(in crate::lint) fn bind(&self) -> &'a str {
        self.server.bind.as_deref().unwrap_or_default()
    }

    /// Its TLS settings, if its protocol is TLS.
    pub(in crate::lint) fn spoken_tls(&self) -> Option<&'a ServerTlsSettings> {
        self.server
            .tls
            .as_ref()
            .filter(|_| self.protocol() == Some(Protocol::Tls))
    }
}

/// How many other Gateways are counted per finding, to keep the work linear in the input.
pub(in crate::lint) const COUNTED: usize = 256;

impl<'a> World<'a> {
    /// The first few names of other Gateways, of which at most [`COUNTED`] were collected, and the
    /// number of others.
    pub(in crate::lint) fn gateway_names(&self, numbers: &[usize]) -> String {
        if numbers.len() < COUNTED {
            let names: Vec<String> = numbers
                .iter()
                .map(|number| self.gateways[*number].full_name())
                .collect();
            return listed(&names);
        }
        let names: Vec<String> = numbers
            .iter()
            .take(SHOWN)
            .map(|number| self.gateways[*number].full_name())
            .collect();
        format!("{} and many more", names.join(", "))
    }

    /// Every server of every Gateway, in input order.
    pub(in crate::lint) fn servers<'w>(&'w self) -> impl Iterator<Item = ServerAt<'w, 'a>> {
        self.gateways.iter().enumerate().flat_map(|(number, gateway)| {
            let servers = gateway.object.spec.servers.iter().enumerate();
            servers.map(move |(index, server)| ServerAt {
                gateway,
                number,
                index,
                server,
            })
        })
    }
}

/// The protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::lint) enum Protocol {
    /// HTTP, HTTP2, GRPC, GRPC-WEB and HTTP_PROXY: they share a port's routes.
    Http,
    /// HTTPS and TLS: distinguished by SNI.
    Tls,
    /// TCP, MONGO, REDIS, MYSQL: they cannot share a port.
    Tcp,
    /// Accepted by Istio's validation, but not served by any gateway.
    Udp,
}

impl Protocol {
    /// The names that Istio knows.
    const WORDS: &[(&str, Self)] = &[
        ("HTTPS", Self::Tls),
        ("HTTP", Self::Http),
        ("HTTP2", Self::Http),
        ("GRPC", Self::Http),
        ("GRPC-WEB", Self::Http),
        ("HTTP_PROXY", Self::Http),
        ("TLS", Self::Tls),
        ("TCP", Self::Tcp),
        ("MONGO", Self::Tcp),
        ("REDIS", Self::Tcp),
        ("MYSQL", Self::Tcp),
        ("UDP", Self::Udp),
    ];

    /// The protocol with a name, case-insensitive.
    pub(in crate::lint) fn parse(word: &str) -> Option<Self> {
        let mut words = Self::WORDS.iter();
        words
            .find(|(known, _)| known.eq_ignore_ascii_case(word))
            .map(|(_, protocol)| *protocol)
    }

    /// The name that an unknown one probably means.
    pub(in crate::lint) fn meant(word: &str) -> Option<&'static str> {
        spelling::nearest(word, Self::WORDS.iter().map(|(known, _)| *known))
    }

    /// The protocol in words.
    pub(in crate::lint) fn words(self) -> &'static str {
        match self {
            Self::Http => "plain HTTP",
            Self::Tls => "TLS",
            Self::Tcp => "plain TCP",
            Self::Udp => "UDP",
        }
    }
}

/// Whether the gateway terminates TLS with a certificate from the settings.
pub(in crate::lint) fn wants_certificate(mode: TlsMode) -> bool {
    matches!(mode, TlsMode::Simple | TlsMode::Mutual | TlsMode::OptionalMutual)
}

/// Whether TLS is passed through.
pub(in crate::lint) fn passes_through(mode: TlsMode) -> bool {
    matches!(mode, TlsMode::Passthrough | TlsMode::AutoPassthrough)
}

/// A text that is present and not empty: Istio treats an empty one as absent.
pub(in crate::lint) fn set(field: Option<&String>) -> Option<&str> {
    field.map(String::as_str).filter(|text| !text.is_empty())
}

/// Whether a Secret is given, in either field.
pub(in crate::lint) fn names_secret(tls: &ServerTlsSettings) -> bool {
    set(tls.credential_name.as_ref()).is_some() || !tls.credential_names.is_empty()
}

/// Whether it is a placeholder that Istio 1.1 required instead of a path if a Secret was given.
pub(in crate::lint) fn is_placeholder(path: &str) -> bool {
    let word = path.trim().to_ascii_lowercase();
    matches!(word.as_str(), "use sds" | "use-sds" | "sds")
}

/// How many items [`listed`] shows.
const SHOWN: usize = 3;

/// Items joined for people: `a`, `a and b`, `a, b and 7 more`.
pub(in crate::lint) fn listed<T: AsRef<str>>(words: &[T]) -> String {
    let shown: Vec<&str> = words.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match (words.len().saturating_sub(SHOWN), shown.as_slice()) {
        (0, [all @ .., last]) if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        (0, _) => shown.concat(),
        (more, _) => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Protocol, is_placeholder, listed};

    #[test]
    fn protocols_are_known_in_any_case() {
        for (word, protocol) in [
            ("HTTP", Some(Protocol::Http)),
            ("grpc-Web", Some(Protocol::Http)),
            ("Https", Some(Protocol::Tls)),
            ("TLS", Some(Protocol::Tls)),
            ("mongo", Some(Protocol::Tcp)),
            ("UDP", Some(Protocol::Udp)),
            ("HTTP/2", None),
            ("", None),
        ] {
            assert_eq!(Protocol::parse(word), protocol, "{word}");
        }
    }

    #[test]
    fn lists_read_as_sentences() {
        for (words, text) in [
            (&[][..], ""),
            (&["a"], "a"),
            (&["a", "b"], "a and b"),
            (&["a", "b", "c"], "a, b and c"),
            (&["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
        ] {
            assert_eq!(listed(words), text);
        }
    }

    #[test]
    fn placeholders_are_no_paths() {
        assert!(is_placeholder("use sds") && is_placeholder(" SDS ") && is_placeholder("Use SDS"));
        assert!(!is_placeholder("/etc/sds") && !is_placeholder("sds.pem") && !is_placeholder(""));
    }
}
