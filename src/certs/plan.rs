//! The plan of what to issue: key types, names, validity and constraints, determined before
//! anything is signed.

use std::net::IpAddr;

use time::OffsetDateTime;
use x509_parser::extensions::GeneralName;

use super::csr::CertificateRequest;
use super::verify::subtree_covers;
use crate::names::Host;
use crate::problem::Problem;

/// A key's algorithm and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeyType {
    /// ECDSA over P-256.
    #[default]
    EcdsaP256,
    /// ECDSA over P-384.
    EcdsaP384,
    /// Ed25519.
    Ed25519,
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
}

impl KeyType {
    /// All types with their names in flags.
    pub const WORDS: &[(&str, Self)] = &[
        ("ecdsa-p256", Self::EcdsaP256),
        ("ecdsa-p384", Self::EcdsaP384),
        ("ed25519", Self::Ed25519),
        ("rsa-2048", Self::Rsa2048),
        ("rsa-3072", Self::Rsa3072),
        ("rsa-4096", Self::Rsa4096),
    ];

    /// The name of the type.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, value)| *value == self)
            .map_or("", |(word, _)| *word)
    }
}

/// A deliberate fault of the server leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bad {
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is for another host.
    WrongHost,
    /// It is signed by a different CA with the same name.
    WrongCa,
    /// It has the host only as CN.
    NoSan,
    /// Its key is a published 1024-bit RSA key.
    WeakKey,
    /// It is valid only for clients.
    WrongEku,
}

impl Bad {
    /// All faults with their names in flags.
    pub const WORDS: &[(&str, Self)] = &[
        ("expired", Self::Expired),
        ("not-yet-valid", Self::NotYetValid),
        ("wrong-host", Self::WrongHost),
        ("wrong-ca", Self::WrongCa),
        ("no-san", Self::NoSan),
        ("weak-key", Self::WeakKey),
        ("wrong-eku", Self::WrongEku),
    ];
}

/// A subject alternative name (RFC 5280 section 4.2.1.6).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum San {
    /// `dNSName`, including wildcards.
    Dns(Host),
    /// `iPAddress`.
    Ip(IpAddr),
    /// `uniformResourceIdentifier`.
    Uri(String),
    /// `rfc822Name`.
    Email(String),
}

/// An attribute type in a subject (RFC 5280 section 4.1.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// C
    Country,
    /// ST
    State,
    /// L
    Locality,
    /// O
    Organization,
    /// OU
    OrganizationalUnit,
    /// CN
    CommonName,
}

/// A distinguished name: attributes in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject(pub(crate) Vec<(Attribute, String)>);

/// What all chains of a command have in common: key types, lifetimes, subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The root's and the intermediate's key type.
    pub ca_key: KeyType,
    /// The leaves' key type.
    pub leaf_key: KeyType,
    /// The root's lifetime in days.
    pub root_days: u32,
    /// The intermediate's lifetime in days.
    pub intermediate_days: u32,
    /// The leaves' lifetime in days, unless overridden by [`LeafValidity`].
    pub leaf_days: u32,
    /// Attributes of every subject, before CN. A CN here is for the server leaf.
    pub subject: Subject,
}

/// The validity of leaves as requested by the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeafValidity {
    /// The start; by default one hour ago.
    pub not_before: Option<OffsetDateTime>,
    /// The end; by default the start plus the profile's days.
    pub not_after: Option<OffsetDateTime>,
}

/// One permitted subtree of a name constraint (RFC 5280 section 4.2.1.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subtree {
    /// A DNS name and all names below it.
    Dns(Host),
    /// An IP address range.
    Ip(IpAddr, u8),
    /// A mailbox, all mailboxes of a host, or of the hosts below a domain (`.a.com`).
    Email(String),
    /// The host of URIs, or the hosts below a domain (`.a.com`).
    Uri(String),
    /// All names of a kind, for a CA that constrains only other kinds.
    Every(NameKind),
}

/// Kinds of names that a chain's constraints exclude unless some are permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// IP addresses.
    Address,
    /// Email addresses.
    Email,
    /// URIs.
    Uri,
}

/// Everything that [`super::issue_chain`] needs to know about one host's chain.
#[derive(Debug, Clone)]
pub struct ChainPlan {
    /// The host.
    pub host: Host,
    /// Additional names of the server leaf.
    pub sans: Vec<San>,
    /// Key types, lifetimes, subject.
    pub profile: Profile,
    /// The leaves' validity.
    pub leaf_validity: LeafValidity,
    /// The names of the clients to issue; none in mode simple. The first is usually the host.
    pub clients: Vec<String>,
    /// What the new CA may issue for; empty means everything.
    pub name_constraints: Vec<Subtree>,
    /// The deliberate fault of the server leaf.
    pub bad: Option<Bad>,
    /// A request whose key the server leaf uses, instead of a new key.
    pub csr: Option<CertificateRequest>,
}

impl ChainPlan {
    /// A plan with all defaults: P-256, one client named like the host.
    pub fn new(host: Host) -> Self {
        Self {
            clients: vec![host.as_str().to_owned()],
            host,
            sans: Vec::new(),
            profile: Profile::default(),
            leaf_validity: LeafValidity::default(),
            name_constraints: Vec::new(),
            bad: None,
            csr: None,
        }
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            ca_key: KeyType::EcdsaP256,
            leaf_key: KeyType::EcdsaP256,
            root_days: 3650,
            intermediate_days: 1825,
            leaf_days: 365,
            subject: Subject::default(),
        }
    }
}

impl Profile {
    /// The defaults with one key type for CAs and leaves.
    pub fn with_key_type(key_type: KeyType) -> Self {
        Self {
            ca_key: key_type,
            leaf_key: key_type,
            ..Self::default()
        }
    }

    /// The settings of generate.sh on the Istio task page: RSA 4096 CAs,
    /// RSA 2048 leaves, 7300, 3650 and 375 days, C=US ST=Denial L=Springfield O=Dis.
    pub fn compat() -> Self {
        Self {
            ca_key: KeyType::Rsa4096,
            leaf_key: KeyType::Rsa2048,
            root_days: 7300,
            intermediate_days: 3650,
            leaf_days: 375,
            subject: Subject(vec![
                (Attribute::Country, "US".into()),
                (Attribute::State, "Denial".into()),
                (Attribute::Locality, "Springfield".into()),
                (Attribute::Organization, "Dis".into()),
            ]),
        }
    }
}

impl San {
    /// Parses a value of `--san`: a DNS name, an IP address, a URI, an email address, or one of
    /// them after `DNS:`, `IP:`, `URI:` or `email:`.
    ///
    /// # Errors
    /// If the text is none of them.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let bad = |why: &str| {
            Problem::new(format!("{:?} is not a subject alternative name", shortened(text)))
                .why(why.to_owned())
                .fix("use a DNS name, an IP address, a URI (https://..., spiffe://...) or an email address")
        };
        let (kind, value) = match text.split_once(':') {
            Some((kind, value)) if !value.starts_with("//") => (kind.to_ascii_lowercase(), value),
            _ => (String::new(), text),
        };
        match kind.as_str() {
            "dns" => Self::from_host(value).and_then(|san| match san {
                Self::Dns(_) => Ok(san),
                _ => Err(bad("DNS: is followed by an IP address")),
            }),
            "ip" => value
                .parse()
                .map(Self::Ip)
                .map_err(|_| bad("IP: is not followed by an IP address")),
            "uri" => Self::uri(value).ok_or_else(|| {
                bad("a URI consists of a scheme, a colon and ASCII text \
            without spaces")
            }),
            "email" => Self::email(value).ok_or_else(|| bad("an email address has the form LOCAL@DOMAIN in ASCII")),
            _ if text.contains("://") || kind == "urn" => Self::uri(text).ok_or_else(|| {
                bad("a URI consists of a scheme, a colon and ASCII text without \
                    spaces")
            }),
            _ if text.contains('@') => {
                Self::email(text).ok_or_else(|| bad("an email address has the form LOCAL@DOMAIN in ASCII"))
            }
            _ => Self::from_host(text),
        }
    }

    fn from_host(text: &str) -> Result<Self, Problem> {
        Host::parse(text).map(|host| Self::of(&host))
    }

    fn uri(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && !rest.trim_start_matches('/').is_empty()
            && rest.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c));
        fits.then(|| Self::Uri(text.to_owned()))
    }

    fn email(text: &str) -> Option<Self> {
        let (local, domain) = text.rsplit_once('@')?;
        let host = Host::parse(domain)
            .ok()
            .filter(|host| host.ip().is_none() && !host.is_wildcard())?;
        let fits = !local.is_empty()
            && local.len() <= 64
            && local
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c));
        fits.then(|| Self::Email(format!("{local}@{host}")))
    }

    /// The name that covers a host.
    pub fn of(host: &Host) -> Self {
        match host.ip() {
            Some(ip) => Self::Ip(ip),
            None => Self::Dns(host.clone()),
        }
    }
}

impl std::fmt::Display for San {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dns(host) => write!(f, "{host}"),
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Uri(text) | Self::Email(text) => f.write_str(text),
        }
    }
}

impl Attribute {
    /// All attributes with their short names and upper bounds (RFC 5280 appendix A.1).
    const TABLE: &[(&str, Self, usize)] = &[
        ("C", Self::Country, 2),
        ("ST", Self::State, 128),
        ("L", Self::Locality, 128),
        ("O", Self::Organization, 64),
        ("OU", Self::OrganizationalUnit, 64),
        ("CN", Self::CommonName, 64),
    ];
}

impl Subject {
    /// Parses `C=US,O=Dis,CN=a` or `/C=US/O=Dis/CN=a`; a backslash escapes a separator.
    ///
    /// # Errors
    /// If an attribute is unknown, empty, or too long (RFC 5280 appendix A.1).
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let bad = |why: String| {
            Problem::new(format!("{:?} is not a subject", shortened(text)))
                .why(why)
                .fix("write it as C=US,ST=Denial,L=Springfield,O=Dis,CN=httpbin.example.com; C, ST, L, O, OU and CN are supported")
        };
        let mut attributes: Vec<(Attribute, String)> = Vec::new();
        let (separator, body) = match text.strip_prefix('/') {
            Some(body) => ('/', body),
            None => (',', text),
        };
        for part in split_escaped(body, separator) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| bad(format!("{:?} is not NAME=VALUE", shortened(&part))))?;
            let (name, value) = (name.trim().to_ascii_uppercase(), value.trim());
            let (short, attribute, limit) = Attribute::TABLE
                .iter()
                .find(|(short, ..)| *short == name)
                .ok_or_else(|| bad(format!("unknown attribute {:?}", shortened(&name))))?;
            if value.is_empty() || value.chars().count() > *limit {
                return Err(bad(format!("{short} must have 1 to {limit} characters")));
            }
            if value.chars().any(char::is_control) {
                return Err(bad(format!("{short} contains a control character")));
            }
            if *attribute == Attribute::Country && !(value.len() == 2 && value.bytes().all(|b| b.is_ascii_alphabetic()))
            {
                return Err(bad("C must be a two-letter country code (ISO 3166)".into()));
            }
            if attributes.iter().any(|(known, _)| known == attribute) {
                return Err(bad(format!("{short} is given twice")));
            }
            let value = if *attribute == Attribute::Country {
                value.to_ascii_uppercase()
            } else {
                value.to_owned()
            };
            attributes.push((*attribute, value));
        }
        if attributes.is_empty() {
            return Err(bad("it is empty".into()));
        }
        Ok(Self(attributes))
    }

    /// The common name, if one was given.
    pub fn common_name(&self) -> Option<&str> {
        self.0
            .iter()
            .find(|(attribute, _)| *attribute == Attribute::CommonName)
            .map(|(_, value)| value.as_str())
    }

    /// The same attributes with another CN, or without one.
    #[must_use]
    pub fn with_common_name(&self, name: Option<&str>) -> Self {
        let mut attributes: Vec<_> = self
            .0
            .iter()
            .filter(|(attribute, _)| *attribute != Attribute::CommonName)
            .cloned()
            .collect();
        attributes.extend(name.map(|name| (Attribute::CommonName, name.to_owned())));
        Self(attributes)
    }

    /// The attributes in order.
    pub fn attributes(&self) -> &[(Attribute, String)] {
        &self.0
    }
}

/// Splits at `separator`, unless it is escaped with a backslash.
fn split_escaped(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if !escaped && c == '\\' {
            escaped = true;
            continue;
        }
        if !escaped && c == separator {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
        escaped = false;
    }
    parts
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

impl Subtree {
    /// Parses a value of `--name-constraints`: a DNS name, an IP range (`10.0.0.0/8`, `ip:::1`),
    /// `email:NAME` or `uri:HOST`.
    ///
    /// # Errors
    /// If the text is none of them.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let bad = |why: &str| {
            Problem::new(format!("{:?} is not a name constraint", shortened(text)))
                .why(why.to_owned())
                .fix("use a DNS name (example.com also covers all names below it), a range (ip:10.0.0.0/8), email:NAME or uri:HOST")
        };
        let host_of = |text: &str| {
            let host = Host::parse(text.trim_start_matches('.')).map_err(|_| bad("the rest is not a host"))?;
            let dot = if text.starts_with('.') { "." } else { "" };
            match host.ip() {
                None if !host.is_wildcard() => Ok(format!("{dot}{host}")),
                _ => Err(bad("it must be a host name without a wildcard")),
            }
        };
        if let Some(host) = text.strip_prefix("uri:") {
            return host_of(host).map(Self::Uri);
        }
        if let Some(name) = text.strip_prefix("email:") {
            return match name.rsplit_once('@') {
                Some(("", _)) => Err(bad("there is no name before the @")),
                Some((local, host)) => host_of(host).map(|host| Self::Email(format!("{local}@{host}"))),
                None => host_of(name).map(Self::Email),
            };
        }
        let text = match text.strip_prefix("ip:") {
            Some(range) if range.contains('/') || range.parse::<IpAddr>().is_ok() => range,
            Some(_) => return Err(bad("there is no address or range after it")),
            None => text,
        };
        if let Some((address, length)) = text.split_once('/') {
            let address: IpAddr = address
                .parse()
                .map_err(|_| bad("there is no IP address before the slash"))?;
            let length: u8 = length
                .parse()
                .map_err(|_| bad("there is no prefix length after the slash"))?;
            if length > if address.is_ipv4() { 32 } else { 128 } {
                return Err(bad("the prefix is longer than the address"));
            }
            return Ok(Self::Ip(masked(address, length), length));
        }
        let host = Host::parse(text.trim_start_matches('.'))?;
        match host.ip() {
            Some(ip) => Ok(Self::Ip(ip, if ip.is_ipv4() { 32 } else { 128 })),
            None if host.is_wildcard() => Err(bad("a constraint has no wildcard; it covers all names below a name")),
            None => Ok(Self::Dns(host)),
        }
    }

    /// The kind of names that it permits, if constraints exclude that kind by default.
    pub(crate) fn kind(&self) -> Option<NameKind> {
        match self {
            Self::Dns(_) => None,
            Self::Ip(..) => Some(NameKind::Address),
            Self::Email(_) => Some(NameKind::Email),
            Self::Uri(_) => Some(NameKind::Uri),
            Self::Every(kind) => Some(*kind),
        }
    }

    /// Whether a name is in this subtree; none if it is of another kind.
    pub(crate) fn covers(&self, san: &San) -> Option<bool> {
        match (self, san) {
            (Self::Dns(base), San::Dns(host)) => {
                let host = host.as_str();
                Some(host == base.as_str() || host.ends_with(&format!(".{base}")))
            }
            (Self::Ip(base, length), San::Ip(ip)) => {
                Some(base.is_ipv4() == ip.is_ipv4() && masked(*ip, *length) == *base)
            }
            (Self::Email(base), San::Email(name)) => {
                subtree_covers(&GeneralName::RFC822Name(base), &GeneralName::RFC822Name(name))
            }
            (Self::Uri(base), San::Uri(name)) => subtree_covers(&GeneralName::URI(base), &GeneralName::URI(name)),
            (Self::Every(NameKind::Address), San::Ip(_))
            | (Self::Every(NameKind::Email), San::Email(_))
            | (Self::Every(NameKind::Uri), San::Uri(_)) => Some(true),
            _ => None,
        }
    }
}

/// The address with every bit after `length` cleared.
fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0);
            IpAddr::V4((u32::from(ip) & mask).into())
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or(0);
            IpAddr::V6((u128::from(ip) & mask).into())
        }
    }
}

/// Parses a time for `--not-before` and `--not-after`: `2026-12-31` (midnight
/// UTC) or RFC 3339.
///
/// # Errors
/// If the text is neither, or a certificate cannot represent the year.
pub fn parse_time(text: &str) -> Result<OffsetDateTime, Problem> {
    use time::format_description::well_known::Rfc3339;
    let full = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    OffsetDateTime::parse(&full, &Rfc3339)
        .ok()
        .map(|time| time.to_offset(time::UtcOffset::UTC))
        .filter(|time| (1950..=9999).contains(&time.year()))
        .ok_or_else(|| {
            Problem::new(format!("{:?} is not a time", shortened(text)))
                .fix("use a date (2026-12-31) or an RFC 3339 time (2026-12-31T23:59:59Z), in the years 1950 to 9999")
        })
}

/// Checks a client's name: it becomes a CN, a file name and, if it is a DNS
/// name or an email address, a SAN.
///
/// # Errors
/// If it is not a host, and is empty, longer than 64 characters, or contains characters other than
/// letters, digits, dots, hyphens, underscores and `@`.
pub fn check_client_name(text: &str) -> Result<(), Problem> {
    let fits = !text.is_empty()
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_@".contains(c))
        && !text.starts_with(['.', '-']);
    if fits || Host::parse(text).is_ok_and(|host| host.as_str() == text) {
        return Ok(());
    }
    Err(Problem::new(format!("{:?} is not a valid client name", shortened(text)))
        .why("it becomes a file name and a CN: 1 to 64 letters, digits, dots, hyphens, underscores and @, not beginning with a dot or hyphen"))
}
