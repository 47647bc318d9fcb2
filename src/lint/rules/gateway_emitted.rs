//! The output of `istio-tls manifests` causes no finding of the Gateway rules.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::lint::Severity;
use crate::lint::codes::ROUTE_BACKEND;
use crate::lint::testing::lint_for;
use crate::manifests::build::{Api, HostIntent, Intent, Material, Part, objects};
use crate::manifests::{naming, render, routes};
use crate::names::Host;
use crate::workspace::config::{GatewayEntry, IstioTarget, Mode, SecretStyle};

/// The codes of the rules about Gateways.
const OURS: [&str; 3] = ["ITL01", "ITL02", "ITL09"];

fn intent(hosts: &[String], mode: Mode, secrets: SecretStyle, istio: IstioTarget, api: Api) -> Intent {
    let hosts: Vec<Host> = hosts.iter().map(|host| Host::parse(host).unwrap()).collect();
    Intent {
        hosts: naming::names(hosts.iter().map(|host| (host, None)))
            .into_iter()
            .map(|names| HostIntent {
                routes: routes::default_routes(&names.host),
                names,
                mode,
                material: Material {
                    certificate: b"certificate".to_vec(),
                    key: Zeroizing::new(b"key".to_vec()),
                    ca: Some(b"ca".to_vec()),
                    crl: Some(b"crl".to_vec()),
                    issuer_key: None,
                },
            })
            .collect(),
        gateway: GatewayEntry::default(),
        secrets,
        istio,
        api,
        issuer: None,
    }
}

/// The codes found in the manifests of an intent, with their counts.
fn found(intent: &Intent) -> BTreeMap<(&'static str, Severity), usize> {
    let mut parts = Part::default_of(intent.secrets);
    parts.push(Part::Samples);
    let yaml = render::yaml(&objects(intent, &parts).unwrap());
    let mut codes = BTreeMap::new();
    for finding in lint_for(&yaml, intent.istio).findings {
        // Hosts without a sample route to Services of the user.
        let of_the_cluster = finding.code == ROUTE_BACKEND.id;
        if !of_the_cluster && OURS.iter().any(|ours| finding.code.starts_with(ours)) {
            *codes.entry((finding.code, finding.severity)).or_default() += 1;
        }
    }
    codes
}

#[test]
fn every_mode_style_target_and_api_is_clean() {
    let hosts = [
        "httpbin.example.com",
        "bookinfo.com",
        "helloworld-v1.example.com",
        "*.shop.example",
        "10.0.0.1",
    ]
    .map(str::to_owned);
    for (_, mode) in Mode::WORDS {
        for (_, style) in SecretStyle::WORDS {
            for (_, target) in IstioTarget::WORDS {
                let intent = intent(&hosts, *mode, *style, *target, Api::Istio);
                // For current Istio, file mounts cause an info finding.
                let expected = if (*style, *target) == (SecretStyle::FileMount, IstioTarget::Latest) {
                    BTreeMap::from([(("ITL0150", Severity::Info), hosts.len())])
                } else {
                    BTreeMap::new()
                };
                assert_eq!(found(&intent), expected, "{mode:?} {style:?} {target:?}");
            }
        }
        for namespace in ["default", "istio-system"] {
            let mut intent = intent(
                &hosts,
                *mode,
                SecretStyle::Credential,
                IstioTarget::Latest,
                Api::GatewayApi,
            );
            intent.gateway.namespace = namespace.to_owned();
            assert_eq!(found(&intent), BTreeMap::new(), "{mode:?} by the Gateway API");
        }
    }
}

#[test]
fn what_is_split_over_several_gateways_is_clean() {
    let hosts: Vec<String> = (0..1100).map(|number| format!("h{number}.example")).collect();
    for api in [Api::Istio, Api::GatewayApi] {
        let intent = intent(&hosts, Mode::Simple, SecretStyle::Credential, IstioTarget::Latest, api);
        assert_eq!(found(&intent), BTreeMap::new());
    }
}
