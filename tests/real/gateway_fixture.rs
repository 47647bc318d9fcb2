//! A gateway in this process with certificates of its own, for tests that send
//! other people's clients to it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use istio_tls::certs::key::PrivateKey;
use istio_tls::gateway::config::table::{
    ClientAuth, ClientVerification, Cluster, Destination, Endpoint, FilterChain, Forward, HeaderOperations, Listener,
    ListenerProtocol, RetryPolicy, Route, RouteAction, RouteMatch, RouteTable, ServerIdentity, SniTable, Table,
    TlsMaterial, VirtualHost,
};
use istio_tls::gateway::dataplane::settings::ServerSettings;
use istio_tls::gateway::server::Server;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A leaf as files for openssl and as DER for the gateway.
pub(crate) struct Leaf {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    der: Vec<u8>,
    pkcs8: Vec<u8>,
}

/// What differs between leaves.
pub(crate) struct Kind {
    pub(crate) years: (i32, i32),
    pub(crate) usage: ExtendedKeyUsagePurpose,
}

pub(crate) const CLIENT: Kind = Kind {
    years: (2020, 2090),
    usage: ExtendedKeyUsagePurpose::ClientAuth,
};
pub(crate) const SERVER: Kind = Kind {
    years: (2020, 2090),
    usage: ExtendedKeyUsagePurpose::ServerAuth,
};
pub(crate) const EXPIRED: Kind = Kind {
    years: (2020, 2021),
    usage: ExtendedKeyUsagePurpose::ClientAuth,
};

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    pub(crate) fn leaf(&self, folder: &std::path::Path, file: &str, name: &str, kind: &Kind) -> Leaf {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(kind.years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(kind.years.1, 1, 1);
        params.extended_key_usages = vec![kind.usage.clone()];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let paths = [
            folder.join(format!("{file}.cert.pem")),
            folder.join(format!("{file}.key.pem")),
        ];
        std::fs::write(&paths[0], certificate.pem()).unwrap();
        std::fs::write(&paths[1], key.serialize_pem()).unwrap();
        let [certificate_path, key_path] = paths;
        Leaf {
            certificate: certificate_path,
            key: key_path,
            der: certificate.der().to_vec(),
            pkcs8: key.serialize_der(),
        }
    }

    pub(crate) fn verification(&self) -> ClientVerification {
        ClientVerification {
            authorities: [self.issuer.der().clone()].into(),
            ..ClientVerification::default()
        }
    }
}

/// Routes that lead everything to one endpoint.
pub(crate) fn everything() -> Arc<RouteTable> {
    let forward = Forward {
        destinations: vec![Destination {
            cluster: 0,
            weight: 1,
            headers: HeaderOperations::default(),
            authority: None,
        }],
        rewrite: None,
        timeout: None,
        retries: RetryPolicy::default(),
        mirrors: Vec::new(),
        missing: http::StatusCode::SERVICE_UNAVAILABLE,
    };
    let route = Route {
        name: "default/all".into(),
        when: RouteMatch::default(),
        action: RouteAction::Forward(forward),
        headers: HeaderOperations::default(),
        fault: None,
        cors: None,
    };
    let host = VirtualHost {
        name: "*".into(),
        require_tls: false,
        routes: vec![route],
    };
    Arc::new(RouteTable {
        any: Some(Arc::new(host)),
        ..RouteTable::default()
    })
}

pub(crate) fn chain(name: &str, leaf: &Leaf, client_auth: ClientAuth) -> Arc<FilterChain> {
    let material = TlsMaterial {
        identities: vec![ServerIdentity {
            source: format!("Secret istio-system/{name}"),
            certificates: [leaf.der.clone().into()].into(),
            key: PrivateKey::from_pkcs8(leaf.pkcs8.clone()),
        }],
        client_auth,
        versions: (0x0303, 0x0304),
        cipher_suites: Vec::new(),
        ecdh_curves: Vec::new(),
    };
    Arc::new(FilterChain::https(
        format!("default/{name}"),
        Ok(material),
        everything(),
    ))
}

/// One TLS port with these chains; everything goes to `endpoint`.
pub(crate) fn table(chains: SniTable, endpoint: Endpoint) -> Table {
    Table {
        listeners: vec![Listener {
            port: 443,
            protocol: ListenerProtocol::Tls(chains),
        }],
        clusters: vec![Cluster {
            name: "all".into(),
            endpoint,
        }],
    }
}

/// Starts a gateway on a free port.
pub(crate) fn start(table: Table) -> (Server, SocketAddr) {
    let settings = ServerSettings {
        ports: HashMap::from([(443, 0)]),
        threads: 2,
        ..ServerSettings::default()
    };
    let server = Server::start(settings, table).expect("the gateway starts");
    let address = server.listeners()[0].address;
    (server, address)
}
