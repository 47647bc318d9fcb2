//! `serve`: what it presents and how it agrees on a key: RSA beside ECDSA certificates,
//! key exchange groups, and the CA for clients in a ConfigMap.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::harness::Dir;
use crate::serve_process::{Serve, client_of, trusting};

const HOST: &str = "shop.example.com";

fn chain(key_type: &str) -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--key-type", key_type]).exits(0);
    dir
}

fn file(dir: &Dir, path: &str) -> String {
    dir.read(format!("{HOST}/{path}"))
}

fn secret(dir: &Dir, name: &str) -> String {
    let encoded = |path: String| base64::engine::general_purpose::STANDARD.encode(file(dir, &path));
    let certificate = encoded(format!("3_application/certs/{HOST}.cert.pem"));
    let key = encoded(format!("3_application/private/{HOST}.key.pem"));
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: istio-system}}\ndata: {{tls.crt: {certificate}, tls.key: {key}}}\n"
    )
}

fn gateway(tls: &str) -> String {
    format!(
        "---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: shop, namespace: default}}
spec:
  selector: {{istio: ingressgateway}}
  servers: [{{port: {{number: 443, name: https, protocol: HTTPS}}, hosts: [{HOST}], tls: {{{tls}}}}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: shop, namespace: default}}
spec: {{hosts: [{HOST}], gateways: [shop], http: [{{directResponse: {{status: 200}}}}]}}
"
    )
}

/// The leaf that is presented to a client of these algorithms and versions, or why none is.
fn leaf(
    address: SocketAddr,
    roots: &[&str],
    provider: CryptoProvider,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Result<Vec<u8>, String> {
    let mut store = RootCertStore::empty();
    for certificate in roots
        .iter()
        .flat_map(|pem| CertificateDer::pem_slice_iter(pem.as_bytes()))
    {
        store.add(certificate.unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    let mut client = ClientConnection::new(Arc::new(config), ServerName::try_from(HOST).unwrap()).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    while client.is_handshaking() {
        client.complete_io(&mut socket).map_err(|error| error.to_string())?;
    }
    Ok(client.peer_certificates().unwrap()[0].to_vec())
}

#[test]
fn of_two_certificates_the_client_gets_one_that_it_understands() {
    let (ecdsa, rsa) = (chain("ecdsa-p256"), chain("rsa-2048"));
    let dir = Dir::new();
    let both = secret(&rsa, "rsa") + &secret(&ecdsa, "ecdsa");
    dir.write(
        "shop.yaml",
        &(gateway("mode: SIMPLE, credentialNames: [rsa, ecdsa]") + &both),
    );
    let serve = Serve::start(&dir, &["-f", "shop.yaml"]);
    let roots = [&ecdsa, &rsa].map(|dir| file(dir, "2_intermediate/certs/ca-chain.cert.pem"));
    let roots = [roots[0].as_str(), roots[1].as_str()];
    let own = |dir: &Dir| {
        let pem = file(dir, &format!("3_application/certs/{HOST}.cert.pem"));
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
    };
    let only = |suite| CryptoProvider {
        cipher_suites: vec![suite],
        ..aws_lc_rs::default_provider()
    };
    let tls12: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];
    for (provider, versions, expected) in [
        (aws_lc_rs::default_provider(), rustls::ALL_VERSIONS, own(&ecdsa)),
        (
            only(aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
            tls12,
            own(&rsa),
        ),
        (
            only(aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
            tls12,
            own(&ecdsa),
        ),
    ] {
        assert_eq!(leaf(serve.address(443), &roots, provider, versions), Ok(expected));
    }
}

#[test]
fn key_exchange_groups_are_those_that_the_gateway_names() {
    let chain = chain("ecdsa-p256");
    let root = file(&chain, "2_intermediate/certs/ca-chain.cert.pem");
    let dir = Dir::new();
    for (curves, serves) in [
        ("", false),
        (", ecdhCurves: [P-384]", true),
        (", ecdhCurves: [X25519, P-256]", false),
    ] {
        let tls = format!("mode: SIMPLE, credentialName: ecdsa{curves}");
        dir.write("shop.yaml", &(gateway(&tls) + &secret(&chain, "ecdsa")));
        let serve = Serve::start(&dir, &["-f", "shop.yaml"]);
        let p384 = CryptoProvider {
            kx_groups: vec![aws_lc_rs::kx_group::SECP384R1],
            ..aws_lc_rs::default_provider()
        };
        let found = leaf(serve.address(443), &[&root], p384, rustls::ALL_VERSIONS);
        assert_eq!(found.is_ok(), serves, "{curves}: {found:?}");
        assert!(
            serves || found.is_err_and(|error| error.contains("HandshakeFailure")),
            "{curves}"
        );
    }
}

#[test]
fn clients_are_verified_by_the_ca_of_a_config_map() {
    let chain = chain("ecdsa-p256");
    let tls =
        |name: &str| format!("mode: MUTUAL, credentialName: ecdsa, caCertCredentialName: \"configmap://trust/{name}\"");
    let indented = file(&chain, "2_intermediate/certs/ca-chain.cert.pem").replace('\n', "\n    ");
    let map = format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: clients, namespace: trust}}\ndata:\n  ca.crt: |\n    {}\n",
        indented.trim_end()
    );
    let dir = Dir::new();
    dir.write(
        "shop.yaml",
        &(gateway(&tls("clients")) + &secret(&chain, "ecdsa") + &map),
    );
    let serve = Serve::start(&dir, &["-f", "shop.yaml"]);
    let mut connection = serve.open(HOST, &client_of(&chain, HOST)).expect("served");
    assert_eq!(connection.get("/").expect("an answer").status, 200);
    let refused = serve
        .open(HOST, &trusting(&chain, HOST))
        .and_then(|mut connection| connection.get("/"))
        .expect_err("refused");
    assert!(refused.contains("CertificateRequired"), "{refused}");
    drop(serve);
    dir.write(
        "shop.yaml",
        &(gateway(&tls("nobody")) + &secret(&chain, "ecdsa") + &map),
    );
    let serve = Serve::start(&dir, &["-f", "shop.yaml"]);
    let told = "ConfigMap trust/nobody is not in the input; connections to shop.example.com are reset";
    assert!(serve.log().contains(told), "{}", serve.log());
    assert!(serve.open(HOST, &client_of(&chain, HOST)).is_err());
}
