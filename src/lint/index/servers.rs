//! The servers of all Gateways one by one, and what their protocols mean.

use crate::lint::finding::{Finding, Place};
use crate::lint::item::Item;
use crate::lint::{Code, World};
use crate::manifests::model::Gateway;
use crate::manifests::model::gateway::{Server, ServerTlsSettings, TlsMode};
use crate::manifests::server_hosts::{ServerHost, hosts_of};
use crate::spelling;

/// A server with the Gateway that it stands in.
#[derive(Clone, Copy)]
pub(in crate::lint) struct ServerAt<'w, 'a> {
    /// Its Gateway.
    pub(in crate::lint) gateway: &'w Item<'a, Gateway>,
    /// Which of the world's Gateways that is.
    pub(in crate::lint) number: usize,
    /// Which of the Gateway's servers it is.
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

    /// Its protocol, as far as Istio knows it.
    pub(in crate::lint) fn protocol(&self) -> Option<Protocol> {
        Protocol::parse(&self.server.port.protocol)
    }

    /// Its hosts, normalised.
    pub(in crate::lint) fn hosts(&self) -> Vec<ServerHost> {
        hosts_of(self.server, self.gateway.namespace)
    }

    /// The address it binds to; empty for every address.
    pub(in crate::lint) fn bind(&self) -> &'a str {
        self.server.bind.as_deref().unwrap_or_default()
    }

    /// Its TLS settings, when it speaks TLS.
    pub(in crate::lint) fn spoken_tls(&self) -> Option<&'a ServerTlsSettings> {
        self.server
            .tls
            .as_ref()
            .filter(|_| self.protocol() == Some(Protocol::Tls))
    }
}

/// How many other Gateways are counted for one finding, so that the work
/// stays in proportion to the input.
pub(in crate::lint) const COUNTED: usize = 256;

impl<'a> World<'a> {
    /// The first names of other Gateways, of which at most [`COUNTED`] were
    /// collected, and how many more there are.
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

    /// Every server of every Gateway, in the order of the input.
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

/// What a port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::lint) enum Protocol {
    /// HTTP, HTTP2, GRPC, GRPC-WEB and HTTP_PROXY: they share a port's routes.
    Http,
    /// HTTPS and TLS: told apart by SNI.
    Tls,
    /// TCP, MONGO, REDIS, MYSQL: nothing shares their port.
    Tcp,
    /// Accepted by Istio's validation, and opened by no gateway.
    Udp,
}

impl Protocol {
    /// The words that Istio knows.
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

    /// The protocol of a word, in any case of letters.
    pub(in crate::lint) fn parse(word: &str) -> Option<Self> {
        let mut words = Self::WORDS.iter();
        words
            .find(|(known, _)| known.eq_ignore_ascii_case(word))
            .map(|(_, protocol)| *protocol)
    }

    /// The word that was probably meant by one that is none.
    pub(in crate::lint) fn meant(word: &str) -> Option<&'static str> {
        spelling::nearest(word, Self::WORDS.iter().map(|(known, _)| *known))
    }

    /// What the port speaks, in words.
    pub(in crate::lint) fn words(self) -> &'static str {
        match self {
            Self::Http => "plain HTTP",
            Self::Tls => "TLS",
            Self::Tcp => "plain TCP",
            Self::Udp => "UDP",
        }
    }
}

/// Whether a gateway ends TLS itself with a certificate that the settings name.
pub(in crate::lint) fn wants_certificate(mode: TlsMode) -> bool {
    matches!(mode, TlsMode::Simple | TlsMode::Mutual | TlsMode::OptionalMutual)
}

/// Whether TLS is passed on unopened.
pub(in crate::lint) fn passes_through(mode: TlsMode) -> bool {
    matches!(mode, TlsMode::Passthrough | TlsMode::AutoPassthrough)
}

/// A text that is there and not empty: to Istio, an empty one is absent.
pub(in crate::lint) fn set(field: Option<&String>) -> Option<&str> {
    field.map(String::as_str).filter(|text| !text.is_empty())
}

/// Whether a Secret is named, by either field.
pub(in crate::lint) fn names_secret(tls: &ServerTlsSettings) -> bool {
    set(tls.credential_name.as_ref()).is_some() || !tls.credential_names.is_empty()
}

/// The words that Istio 1.1 wanted in place of paths, where a Secret is named.
pub(in crate::lint) fn is_placeholder(path: &str) -> bool {
    let word = path.trim().to_ascii_lowercase();
    matches!(word.as_str(), "use sds" | "use-sds" | "sds")
}

/// How many words [`listed`] shows.
const SHOWN: usize = 3;

/// Words joined for people: `a`, `a and b`, `a, b and 7 more`.
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
