//! The objects of intents, and that they can be read back.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use IstioTarget::{Latest, V1_1};
use SecretStyle::{Credential, FileMount};

use super::{Api, HostIntent, Intent, Material, Part, objects};
use crate::manifests::load::load;
use crate::manifests::model::Manifest;
use crate::manifests::{naming, render, routes};
use crate::names::Host;
use crate::workspace::config::{GatewayEntry, IstioTarget, Mode, SecretStyle};

fn material(crl: bool) -> Material {
    Material {
        certificate: b"-----BEGIN CERTIFICATE-----\nleaf\n-----END CERTIFICATE-----\n".to_vec(),
        key: Zeroizing::new(b"-----BEGIN PRIVATE KEY-----\nkey\n-----END PRIVATE KEY-----\n".to_vec()),
        ca: Some(b"-----BEGIN CERTIFICATE-----\nca\n-----END CERTIFICATE-----\n".to_vec()),
        issuer_key: Some(Zeroizing::new(
            b"-----BEGIN PRIVATE KEY-----\nca\n-----END PRIVATE KEY-----\n".to_vec(),
        )),
        crl: crl.then(|| b"-----BEGIN X509 CRL-----\ncrl\n-----END X509 CRL-----\n".to_vec()),
    }
}

pub(super) fn intent(hosts: &[&str], mode: Mode, secrets: SecretStyle, istio: IstioTarget) -> Intent {
    let hosts: Vec<Host> = hosts.iter().map(|host| Host::parse(host).unwrap()).collect();
    Intent {
        hosts: naming::names(hosts.iter().map(|host| (host, None)))
            .into_iter()
            .map(|names| HostIntent {
                routes: routes::default_routes(&names.host),
                names,
                mode,
                material: material(false),
            })
            .collect(),
        gateway: GatewayEntry::default(),
        secrets,
        istio,
        api: Api::Istio,
        issuer: None,
    }
}

fn every_part(style: SecretStyle) -> Vec<Part> {
    let mut parts = Part::default_of(style);
    parts.push(Part::Samples);
    parts
}

/// Every combination of mode, style and target.
fn combinations() -> Vec<(Mode, SecretStyle, IstioTarget)> {
    let mut all = Vec::new();
    for (_, mode) in Mode::WORDS {
        for (_, style) in SecretStyle::WORDS {
            for (_, target) in IstioTarget::WORDS {
                all.push((*mode, *style, *target));
            }
        }
    }
    all
}

#[test]
fn what_is_made_is_read_back_equal() {
    let hosts = [
        "httpbin.example.com",
        "bookinfo.com",
        "helloworld-v1.example.com",
        "*.shop.example",
        "10.0.0.1",
    ];
    for (mode, style, target) in combinations() {
        let mut intent = intent(&hosts, mode, style, target);
        intent.hosts[1].material = material(true);
        let made = objects(&intent, &every_part(style)).unwrap();
        for text in [render::yaml(&made), render::json(&made)] {
            let loaded = load(&text, "made")
                .whole()
                .unwrap_or_else(|error| panic!("{error}\n{}", *text));
            assert_eq!(loaded.warnings, []);
            let back: Vec<&Manifest> = loaded.objects.iter().map(|object| &object.manifest).collect();
            for (made, back) in made.iter().zip(&back) {
                match made {
                    // Samples are kept unchanged; some are typed when read.
                    Manifest::Other(other) => {
                        assert_eq!(other.kind, back.kind());
                        assert_eq!(other.metadata, *back.metadata());
                    }
                    typed => assert_eq!(typed, *back),
                }
            }
            assert_eq!(made.len(), back.len());
        }
    }
}

#[test]
fn secrets_of_every_mode_and_style() {
    let keys = |mode, style, target, crl| -> Vec<(String, String, Vec<String>)> {
        let mut intent = intent(&["httpbin.example.com"], mode, style, target);
        intent.hosts[0].material = material(crl);
        objects(&intent, &[Part::Secrets])
            .unwrap()
            .iter()
            .map(|object| match object {
                Manifest::Secret(secret) => (
                    secret.metadata.name.clone(),
                    secret.secret_type.clone().unwrap(),
                    secret.data.keys().cloned().collect(),
                ),
                other => panic!("a {}", other.kind()),
            })
            .collect()
    };
    let row = |name: &str, secret_type: &str, keys: &[&str]| {
        (
            name.to_owned(),
            secret_type.to_owned(),
            keys.iter().map(|key| (*key).to_owned()).collect(),
        )
    };
    let tls = "kubernetes.io/tls";
    for (mode, style, target, crl, wanted) in [
        (
            Mode::Simple,
            Credential,
            Latest,
            true,
            vec![row("httpbin-credential", tls, &["tls.crt", "tls.key"])],
        ),
        (
            Mode::Mutual,
            Credential,
            Latest,
            false,
            vec![row("httpbin-credential", tls, &["ca.crt", "tls.crt", "tls.key"])],
        ),
        (
            Mode::OptionalMutual,
            Credential,
            Latest,
            true,
            vec![row(
                "httpbin-credential",
                tls,
                &["ca.crl", "ca.crt", "tls.crt", "tls.key"],
            )],
        ),
        (
            Mode::Simple,
            Credential,
            V1_1,
            false,
            vec![row("httpbin-credential", "Opaque", &["cert", "key"])],
        ),
        (
            Mode::Mutual,
            Credential,
            V1_1,
            true,
            vec![row("httpbin-credential", "Opaque", &["cacert", "cert", "key"])],
        ),
        (
            Mode::Simple,
            FileMount,
            Latest,
            true,
            vec![row("istio-ingressgateway-certs", tls, &["tls.crt", "tls.key"])],
        ),
        (
            Mode::Mutual,
            FileMount,
            Latest,
            true,
            vec![
                row("istio-ingressgateway-certs", tls, &["tls.crt", "tls.key"]),
                row(
                    "istio-ingressgateway-ca-certs",
                    "Opaque",
                    &["ca-chain.cert.pem", "ca.crl"],
                ),
            ],
        ),
    ] {
        assert_eq!(keys(mode, style, target, crl), wanted);
    }
}

#[test]
fn a_revocation_list_that_is_mounted_is_used() {
    let mut intent = intent(
        &["httpbin.example.com"],
        Mode::Mutual,
        SecretStyle::FileMount,
        IstioTarget::Latest,
    );
    intent.hosts[0].material = material(true);
    let made = objects(&intent, &[Part::Gateway]).unwrap();
    let Manifest::Gateway(gateway) = &made[0] else { panic!() };
    let tls = gateway.spec.servers[0].tls.as_ref().unwrap();
    assert_eq!(tls.ca_crl.as_deref(), Some("/etc/istio/ingressgateway-ca-certs/ca.crl"));
}

#[test]
fn many_servers_are_split() {
    let hosts: Vec<String> = (0..1001).map(|number| format!("h{number}.example")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let intent = intent(&hosts, Mode::Simple, SecretStyle::Credential, IstioTarget::Latest);
    let made = objects(&intent, &[Part::Gateway, Part::VirtualServices]).unwrap();
    let mut servers = BTreeMap::new();
    let mut named = BTreeMap::<String, usize>::new();
    for object in &made {
        match object {
            Manifest::Gateway(gateway) => {
                servers.insert(gateway.metadata.name.clone(), gateway.spec.servers.len());
            }
            Manifest::VirtualService(service) => *named.entry(service.spec.gateways[0].clone()).or_default() += 1,
            _ => {}
        }
    }
    let wanted: BTreeMap<String, usize> = [("mygateway", 500), ("mygateway-2", 500), ("mygateway-3", 1)]
        .map(|(name, count)| (name.to_owned(), count))
        .into();
    assert_eq!(servers, wanted);
    assert_eq!(named, wanted);
}

#[test]
fn an_address_takes_every_client_without_sni() {
    let made = |hosts: &[&str]| {
        let intent = intent(hosts, Mode::Simple, SecretStyle::Credential, IstioTarget::Latest);
        objects(&intent, &[Part::Gateway, Part::VirtualServices])
    };
    let one = made(&["10.0.0.1"]).unwrap();
    let Manifest::Gateway(gateway) = &one[0] else { panic!() };
    let Manifest::VirtualService(service) = &one[1] else {
        panic!()
    };
    assert_eq!(gateway.spec.servers[0].hosts, ["*"]);
    assert_eq!(service.spec.hosts, ["10.0.0.1"]);
    assert_eq!(made(&["10.0.0.1", "a.com"]).unwrap().len(), 3);
    let problem = made(&["10.0.0.1", "10.0.0.2"]).unwrap_err();
    assert!(problem.what.contains("cannot share a port"), "{problem}");
}

#[test]
fn longer_paths_come_before_shorter_ones() {
    let mut intent = intent(
        &["shop.example"],
        Mode::Simple,
        SecretStyle::Credential,
        IstioTarget::Latest,
    );
    intent.hosts[0].routes = ["/=shop:80", "/api=orders:8080", "/api/v2=orders:8080"]
        .map(|route| routes::parse_route(route).unwrap())
        .to_vec();
    let made = objects(&intent, &[Part::VirtualServices]).unwrap();
    let Manifest::VirtualService(service) = &made[0] else {
        panic!()
    };
    let shown: Vec<String> = service
        .spec
        .http
        .iter()
        .map(|route| format!("{} paths to {}", route.matches.len(), route.route[0].destination.host))
        .collect();
    assert_eq!(shown, ["2 paths to orders", "1 paths to shop"]);
}

#[test]
fn a_host_that_verifies_clients_needs_a_ca() {
    let mut intent = intent(&["a.com"], Mode::Mutual, SecretStyle::Credential, IstioTarget::Latest);
    intent.hosts[0].material.ca = None;
    let problem = objects(&intent, &[Part::Secrets]).unwrap_err();
    assert!(problem.what.contains("a.com has no CA"), "{problem}");
}
