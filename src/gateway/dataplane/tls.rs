//! TLS of the listeners: a filter chain's material becomes the configuration
//! of its handshakes once, when its first client comes, so that 50,000 hosts
//! cost nothing until they are asked for.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::{ClientHello, NoServerSessionStorage, WantsServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ConfigBuilder, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};

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
    let provider = provider_for(&material.cipher_suites);
    let key = PrivatePkcs8KeyDer::from(material.key.pkcs8().to_vec());
    // The certificate is served as it is, version 1 and all: material says what Envoy does
    // not load, and rustls' own reader refuses more.
    let signer = provider
        .key_provider
        .load_private_key(key.into())
        .map_err(|error| format!("the key of {} cannot be used: {error}", material.source))?;
    let certified = CertifiedKey::new(material.certificates.to_vec(), signer);
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
    let mut config = builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
    // Tickets carry the session, client certificate included, under keys of
    // this configuration alone; so no session is kept here, and none is taken
    // by another host or after a change of credential.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| format!("no ticket key could be made: {error}"))?;
    config.send_tls13_tickets = 1;
    Ok(config)
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

/// The provider with the named TLS 1.2 suites only. Names that only older
/// ciphers bear are passed over, as Istio drops those it does not know; when
/// nothing is left TLS 1.3 is all that is served.
fn provider_for(names: &[String]) -> Arc<CryptoProvider> {
    let names: Vec<&str> = names
        .iter()
        .flat_map(|name| name.trim_matches(['[', ']']).split(['|', ':']))
        .collect();
    if names.iter().all(|name| name.is_empty() || *name == "ALL") {
        return Arc::clone(&PROVIDER);
    }
    let mut provider = (**PROVIDER).clone();
    provider.cipher_suites.retain(|suite| {
        suite.tls13().is_some()
            || TLS12_SUITES
                .iter()
                .any(|(name, known)| names.contains(name) && known == suite)
    });
    Arc::new(provider)
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
        let all = provider_for(&[]).cipher_suites.len();
        let one = provider_for(&["ECDHE-RSA-AES128-GCM-SHA256".into()])
            .cipher_suites
            .len();
        let none = provider_for(&["AES128-SHA".into()]).cipher_suites.len();
        assert_eq!((all, one, none), (9, 4, 3));
    }
}
