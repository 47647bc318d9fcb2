//! TLS of the listeners: a filter chain's material becomes the configuration
//! of its handshakes once, when its first client comes, so that 50,000 hosts
//! cost nothing until they are asked for.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WantsServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ConfigBuilder, ServerConfig, SignatureAlgorithm, SupportedCipherSuite, SupportedProtocolVersion};

use super::tls_client_auth;
use crate::gateway::config::table::{ClientAuth, FilterChain, ListenerProtocol, Table, TlsMaterial};

const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// The one set of algorithms of this program.
pub(super) static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// The handshake configurations of a table's filter chains, each made on first
/// use. A new table has new chains and so new configurations: nothing of a
/// former credential, session tickets included, outlives it.
pub(super) struct Handshakes {
    /// By the chain's address, where the table keeps it.
    by_chain: HashMap<usize, OnceLock<Result<Built, String>>>,
}

struct Built {
    /// Offers HTTP/2 and HTTP/1.1.
    with_alpn: Arc<ServerConfig>,
    /// For a client whose ALPN shares neither: Envoy serves it HTTP/1.1 and names no protocol.
    without_alpn: Arc<ServerConfig>,
}

impl Handshakes {
    /// Those of a table that has met no client yet.
    pub(super) fn of(table: &Table) -> Self {
        let mut by_chain = HashMap::new();
        for listener in &table.listeners {
            if let ListenerProtocol::Tls(chains) = &listener.protocol {
                let terminated = chains.chains().filter(|chain| chain.material().is_some());
                by_chain.extend(terminated.map(|chain| (address(chain), OnceLock::new())));
            }
        }
        Self { by_chain }
    }

    /// The configuration for a client of one of the table's chains, or why the
    /// chain serves none.
    pub(super) fn choose(&self, chain: &FilterChain, hello: &ClientHello<'_>) -> Result<Arc<ServerConfig>, String> {
        let material = chain.material().ok_or("it terminates no TLS")?.map_err(Clone::clone)?;
        let built = self
            .by_chain
            .get(&address(chain))
            .ok_or("it belongs to another table")?
            .get_or_init(|| server_config(material).map(Built::new))
            .as_ref()
            .map_err(Clone::clone)?;
        let shares_one = match hello.alpn() {
            Some(mut offered) => offered.any(|protocol| protocol == H2 || protocol == HTTP_1_1),
            None => true,
        };
        Ok(Arc::clone(if shares_one {
            &built.with_alpn
        } else {
            &built.without_alpn
        }))
    }
}

fn address(chain: &FilterChain) -> usize {
    std::ptr::from_ref(chain).addr()
}

impl Built {
    fn new(config: ServerConfig) -> Self {
        let mut without_alpn = config.clone();
        without_alpn.alpn_protocols = Vec::new();
        Self {
            with_alpn: Arc::new(config),
            without_alpn: Arc::new(without_alpn),
        }
    }
}

/// Builds a chain's configuration.
///
/// # Errors
/// Why the material cannot serve: a key that does not fit, no usable CA, no
/// version or cipher suite left.
fn server_config(material: &TlsMaterial) -> Result<ServerConfig, String> {
    let provider = provider_for(&material.cipher_suites, &material.ecdh_curves)?;
    let mut identities = Vec::new();
    for identity in &material.identities {
        let key = PrivatePkcs8KeyDer::from(identity.key.pkcs8().to_vec());
        // The certificate is served as it is, version 1 and all: material says what Envoy does
        // not load, and rustls' own reader refuses more.
        let signer = provider
            .key_provider
            .load_private_key(key.into())
            .map_err(|error| format!("the key of {} cannot be used: {error}", identity.source))?;
        identities.push(Arc::new(CertifiedKey::new(identity.certificates.to_vec(), signer)));
    }
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions(material.versions)?)
        .map_err(|error| format!("the TLS versions and cipher suites do not go together: {error}"))?;
    let builder: ConfigBuilder<ServerConfig, WantsServerCert> = match &material.client_auth {
        ClientAuth::None => builder.with_no_client_auth(),
        ClientAuth::Optional(verification) => {
            builder.with_client_cert_verifier(tls_client_auth::verifier(verification, false, provider)?)
        }
        ClientAuth::Required(verification) => {
            builder.with_client_cert_verifier(tls_client_auth::verifier(verification, true, provider)?)
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(ByKey::new(identities)));
    config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
    // Tickets carry the session, client certificate included, under keys of
    // this configuration alone; so no session is kept here, and none is taken
    // by another host or after a change of credential.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| format!("no ticket key could be made: {error}"))?;
    config.send_tls13_tickets = 1;
    Ok(config)
}

/// Chooses among certificates by what the client can verify: an ECDSA one before
/// another, as Envoy does.
#[derive(Debug)]
struct ByKey(Vec<Arc<CertifiedKey>>);

impl ByKey {
    fn new(mut identities: Vec<Arc<CertifiedKey>>) -> Self {
        identities.sort_by_key(|one| one.key.algorithm() != SignatureAlgorithm::ECDSA);
        Self(identities)
    }
}

impl ResolvesServerCert for ByKey {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits = |one: &&Arc<CertifiedKey>| one.key.choose_scheme(hello.signature_schemes()).is_some();
        // Where none fits, the handshake says so.
        self.0.iter().find(fits).or(self.0.first()).cloned()
    }
}

static BOTH: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];

fn versions((lowest, highest): (u16, u16)) -> Result<&'static [&'static SupportedProtocolVersion], String> {
    match (
        lowest <= 0x0303 && highest >= 0x0303,
        lowest <= 0x0304 && highest >= 0x0304,
    ) {
        (true, true) => Ok(&BOTH),
        (true, false) => Ok(&BOTH[1..]),
        (false, true) => Ok(&BOTH[..1]),
        (false, false) => {
            Err("neither TLS 1.2 nor TLS 1.3 lies between minProtocolVersion and maxProtocolVersion".into())
        }
    }
}

/// TLS 1.2 suites by OpenSSL's names, as Istio's `cipherSuites` has them.
const TLS12_SUITES: [(&str, SupportedCipherSuite); 6] = [
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// A suite's name as OpenSSL has it.
pub(super) fn openssl_name(suite: SupportedCipherSuite) -> &'static str {
    use rustls::CipherSuite;
    match suite.suite() {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        _ => TLS12_SUITES
            .iter()
            .find(|(_, known)| *known == suite)
            .map_or("", |(name, _)| name),
    }
}

/// Key exchange groups by Istio's `ecdhCurves`; the first ones are Envoy's own list.
const GROUPS: [(&str, &dyn SupportedKxGroup); 4] = [
    ("X25519MLKEM768", aws_lc_rs::kx_group::X25519MLKEM768),
    ("X25519", aws_lc_rs::kx_group::X25519),
    ("P-256", aws_lc_rs::kx_group::SECP256R1),
    ("P-384", aws_lc_rs::kx_group::SECP384R1),
];
/// How many of them hold where none is named.
const DEFAULT_GROUPS: usize = 3;

/// The algorithms of listeners that name none.
static LISTENERS: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = (**PROVIDER).clone();
    provider.kx_groups = GROUPS[..DEFAULT_GROUPS].iter().map(|(_, group)| *group).collect();
    Arc::new(provider)
});

/// The provider with the named groups, and with the named TLS 1.2 suites only. Suites
/// that only older ciphers bear are passed over, as Istio drops those it does not know;
/// when nothing is left TLS 1.3 is all that is served.
///
/// # Errors
/// When none of the named groups is known here.
fn provider_for(suites: &[String], groups: &[String]) -> Result<Arc<CryptoProvider>, String> {
    let names: Vec<&str> = suites
        .iter()
        .flat_map(|name| name.trim_matches(['[', ']']).split(['|', ':']))
        .collect();
    let every_suite = names.iter().all(|name| name.is_empty() || *name == "ALL");
    if every_suite && groups.iter().all(String::is_empty) {
        return Ok(Arc::clone(&LISTENERS));
    }
    let mut provider = (**LISTENERS).clone();
    let named = groups.iter().filter(|name| !name.is_empty());
    let mut named = named.map(String::as_str).peekable();
    if named.peek().is_some() {
        let known = |name| GROUPS.iter().find(|(known, _)| *known == name);
        provider.kx_groups = named.filter_map(known).map(|(_, group)| *group).collect();
    }
    if provider.kx_groups.is_empty() {
        return Err(format!("serve speaks none of its ecdhCurves: {}", groups.join(", ")));
    }
    if !every_suite {
        provider.cipher_suites.retain(|suite| {
            suite.tls13().is_some()
                || TLS12_SUITES
                    .iter()
                    .any(|(name, known)| names.contains(name) && known == suite)
        });
    }
    Ok(Arc::new(provider))
}

#[cfg(test)]
mod tests {
    use super::{provider_for, versions};

    #[test]
    fn version_bounds_choose_the_protocols() {
        for (bounds, count) in [
            ((0x0303, 0x0304), 2),
            ((0x0303, 0x0303), 1),
            ((0x0304, 0x0304), 1),
            ((0x0301, 0x0304), 2),
        ] {
            assert_eq!(versions(bounds).map(<[_]>::len), Ok(count), "{bounds:x?}");
        }
        assert!(versions((0x0301, 0x0302)).is_err());
    }

    #[test]
    fn suites_are_chosen_by_openssl_name_and_tls13_stays() {
        let suites = |names: &[String]| provider_for(names, &[]).unwrap().cipher_suites.len();
        let all = suites(&[]);
        let one = suites(&["ECDHE-RSA-AES128-GCM-SHA256".into()]);
        let none = suites(&["AES128-SHA".into()]);
        assert_eq!((all, one, none), (9, 4, 3));
    }

    #[test]
    fn groups_are_chosen_by_istios_names_in_their_order() {
        use rustls::NamedGroup::{X25519, X25519MLKEM768, secp256r1, secp384r1};
        let groups = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let provider = provider_for(&[], &names)?;
            Ok::<_, String>(provider.kx_groups.iter().map(|group| group.name()).collect::<Vec<_>>())
        };
        assert_eq!(groups(&[]), Ok(vec![X25519MLKEM768, X25519, secp256r1]));
        assert_eq!(groups(&["P-384", "P-521", "X25519"]), Ok(vec![secp384r1, X25519]));
        assert_eq!(groups(&["P-256"]), Ok(vec![secp256r1]));
        assert!(groups(&["P-521"]).is_err_and(|why| why.contains("P-521")));
    }
}
