//! What is to be issued: key types, names, validity and constraints, decided
//! before anything is signed.

use std::net::IpAddr;

use time::OffsetDateTime;

use super::csr::CertificateRequest;
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
    /// Every type with its word in flags.
    pub const WORDS: &[(&str, Self)] = &[
        ("ecdsa-p256", Self::EcdsaP256),
        ("ecdsa-p384", Self::EcdsaP384),
        ("ed25519", Self::Ed25519),
        ("rsa-2048", Self::Rsa2048),
        ("rsa-3072", Self::Rsa3072),
        ("rsa-4096", Self::Rsa4096),
    ];

    /// The type's word.
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, value)| *value == self)
            .map_or("", |(word, _)| *word)
    }
}

/// A way in which the server leaf is deliberately wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bad {
    /// Its validity ended.
    Expired,
    /// Its validity has not begun.
    NotYetValid,
    /// It names another host.
    WrongHost,
    /// It is signed by a CA that is not the chain's, of the same name.
    WrongCa,
    /// It has the host as CN only.
    NoSan,
    /// Its key is a published RSA key of 1024 bits.
    WeakKey,
    /// It is for clients only.
    WrongEku,
}

impl Bad {
    /// Every fault with its word in flags.
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
    /// `dNSName`, a wildcard included.
    Dns(Host),
    /// `iPAddress`.
    Ip(IpAddr),
    /// `uniformResourceIdentifier`.
    Uri(String),
    /// `rfc822Name`.
    Email(String),
}

/// A kind of attribute in a subject (RFC 5280 section 4.1.2.4).
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

/// What stays the same for every chain of a command: key types, lifetimes, subject.
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
    /// The leaves' lifetime in days, unless [`LeafValidity`] says otherwise.
    pub leaf_days: u32,
    /// Attributes of every subject, before CN. A CN in it is the server leaf's.
    pub subject: Subject,
}

/// The user's wishes for the leaves' validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeafValidity {
    /// The beginning; one hour back when absent.
    pub not_before: Option<OffsetDateTime>,
    /// The end; the beginning plus the profile's days when absent.
    pub not_after: Option<OffsetDateTime>,
}

/// One permitted subtree of a name constraint (RFC 5280 section 4.2.1.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subtree {
    /// A DNS name and everything below it.
    Dns(Host),
    /// An address range.
    Ip(IpAddr, u8),
}

/// Everything that [`super::issue_chain`] needs to know about one host's chain.
#[derive(Debug, Clone)]
pub struct ChainPlan {
    /// The host.
    pub host: Host,
    /// Further names of the server leaf.
    pub sans: Vec<San>,
    /// Key types, lifetimes, subject.
    pub profile: Profile,
    /// The leaves' validity.
    pub leaf_validity: LeafValidity,
    /// The clients to issue, by name; none in mode simple. The first is usually the host.
    pub clients: Vec<String>,
    /// What the new CA may issue for; empty is everything.
    pub name_constraints: Vec<Subtree>,
    /// What is to be wrong with the server leaf.
    pub bad: Option<Bad>,
    /// A request whose key the server leaf is for, in place of a new key.
    pub csr: Option<CertificateRequest>,
}

impl ChainPlan {
    /// A plan with every default: P-256, one client named as the host.
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

    /// The choices of the generate.sh of the Istio task page: RSA 4096 CAs,
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
    /// Parses what `--san` takes: a DNS name, an address, a URI, an email
    /// address, or one of them after `DNS:`, `IP:`, `URI:` or `email:`.
    ///
    /// # Errors
    /// When the text is none of them.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let _ = text;
        todo!()
    }
}

impl Subject {
    /// Parses `C=US,O=Dis,CN=a` or `/C=US/O=Dis/CN=a`; a backslash escapes a separator.
    ///
    /// # Errors
    /// When an attribute is unknown, empty, or too long (RFC 5280 appendix A.1).
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let _ = text;
        todo!()
    }
}

impl Subtree {
    /// Parses what `--name-constraints` takes: a DNS name or an address range (`10.0.0.0/8`).
    ///
    /// # Errors
    /// When the text is neither.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let _ = text;
        todo!()
    }
}

/// Parses a time for `--not-before` and `--not-after`: `2026-12-31` (midnight
/// UTC) or RFC 3339.
///
/// # Errors
/// When the text is neither.
pub fn parse_time(text: &str) -> Result<OffsetDateTime, Problem> {
    let _ = text;
    todo!()
}

/// Checks a client's name: it becomes a CN, a file name and, if it is a DNS name, a SAN.
///
/// # Errors
/// When it is empty, over 64 characters, or holds other characters than
/// letters, digits, dots, hyphens, underscores and `@`.
pub fn check_client_name(text: &str) -> Result<(), Problem> {
    let _ = text;
    todo!()
}
