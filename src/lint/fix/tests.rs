//! Each fix on a text: the result, byte for byte, and the diff.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::macros::datetime;

use super::{Fix, fixes};
use crate::certs::{Authority, CertificateDer, ChainPlan, issue_chain, pem};
use crate::lint::{Settings, World, lint, suppress};
use crate::sources::disk::DiskFiles;
use crate::sources::{Gone, Sources};
use crate::workspace::config::IstioTarget;

fn fixes_for(text: &str, target: IstioTarget) -> Vec<Fix> {
    let sources = Sources {
        stdin: Some(text.as_bytes().to_vec()),
        workspace: "no-such-folder".into(),
        ..Sources::default()
    };
    let files = DiskFiles::default();
    let collected = sources.collect(&files, Gone::IsError).unwrap();
    let settings = Settings {
        target,
        now: datetime!(2026-11-23 12:00 UTC),
        namespace: collected.namespace.clone(),
        pod_labels: collected.pod_labels.clone(),
        secrets_elsewhere: false,
        unseen: std::collections::BTreeMap::new(),
    };
    let (errors, warnings) = (&collected.errors, &collected.warnings);
    let world = World::new(&collected.objects, errors, warnings, &collected.store, &settings);
    let texts: BTreeMap<String, Vec<u8>> = [("-".to_owned(), text.as_bytes().to_vec())].into();
    let mut report = lint(&world);
    suppress(&mut report, &collected.ignores, &[]);
    fixes(&world, &report, &texts)
}

/// The text once nothing is left to fix; a pass may reveal what the next one fixes.
fn fixed(text: &str) -> Option<String> {
    let mut last = None;
    for _ in 0..3 {
        let mut fixes = fixes_for(last.as_deref().unwrap_or(text), IstioTarget::Latest);
        assert!(fixes.len() <= 1);
        match fixes.pop() {
            Some(fix) => last = Some(fix.text),
            None => return last,
        }
    }
    panic!("the fixes do not converge for {text}")
}

const GATEWAY: &str = "\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [a.example]
    tls: # how
      mode: MUTUAL
      credentialName: shop # where
---
";

/// A chain's PEM texts: leaf, intermediate, root, key.
struct Pems {
    leaf: String,
    intermediate: String,
    root: String,
    key: String,
}

fn pems() -> Pems {
    let host = crate::names::Host::parse("a.example").unwrap();
    let chain = issue_chain(&ChainPlan::new(host), Authority::New, datetime!(2026-11-23 12:00 UTC)).unwrap();
    let text = |der: &CertificateDer<'_>| pem::certificate_text(der);
    Pems {
        leaf: text(&chain.server.certificate),
        intermediate: text(&chain.intermediate.certificate),
        root: text(&chain.root.certificate),
        key: chain.server.key.as_ref().unwrap().pem().to_string(),
    }
}

fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

#[test]
fn placeholders_go_and_nothing_else() {
    let with = GATEWAY.replace(
        "      credentialName: shop # where\n",
        "      serverCertificate: \"use sds\" # old\n      credentialName: shop # where\n      privateKey: use sds\n",
    );
    assert_eq!(fixed(&with).unwrap(), GATEWAY);
    assert_eq!(fixes_for(&with, IstioTarget::V1_1), []);
    for (flow, expected) in [
        (
            "{privateKey: use sds, mode: SIMPLE, credentialName: x, serverCertificate: use sds, caCertificates: use sds}",
            "{mode: SIMPLE, credentialName: x}",
        ),
        (
            "{\"credentialName\": \"x\", \"privateKey\": \"use sds\", \"mode\": \"SIMPLE\"}",
            "{\"credentialName\": \"x\", \"mode\": \"SIMPLE\"}",
        ),
    ] {
        let (before, _) = GATEWAY.split_once("    tls:").unwrap();
        let text = |tls: &str| format!("{before}    tls: {tls}\n");
        assert_eq!(fixed(&text(flow)).unwrap(), text(expected));
    }
    // Every reported spelling.
    let spelled = with.replace("privateKey: use sds", "privateKey: sds");
    assert_eq!(fixed(&spelled).unwrap(), GATEWAY);
    let alone = with.replace("      credentialName: shop # where\n", "");
    assert_eq!(fixed(&alone), None);
}

#[test]
fn a_secret_goes_where_the_gateway_reads_it() {
    for (before, after) in [
        (
            "metadata:\n  name: shop # its name\n",
            "metadata:\n  namespace: istio-system\n  name: shop # its name\n",
        ),
        (
            "metadata: {name: shop, namespace: 'default'}\n",
            "metadata: {name: shop, namespace: istio-system}\n",
        ),
        (
            "metadata: {\"labels\": {}, \"name\": \"shop\"}\n",
            "metadata: {\"labels\": {}, \"namespace\": \"istio-system\", \"name\": \"shop\"}\n",
        ),
    ] {
        let secret = |metadata: &str| format!("{GATEWAY}apiVersion: v1\nkind: Secret\n{metadata}");
        assert_eq!(fixed(&secret(before)).as_deref(), Some(&*secret(after)));
        let windows = |text: &str| secret(text).replace('\n', "\r\n");
        assert_eq!(fixed(&windows(before)), Some(windows(after)));
    }
    let secret = |name: &str, namespace: &str| {
        format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\n")
    };
    let ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {tls: [{secretName: shop}]}\n";
    for rest in [
        secret("shop", "istio-system"),
        secret("other", "default"),
        secret("shop", "default") + &secret("shop", "istio-system"),
        secret("shop", "default") + &secret("shop", "more"),
        secret("shop", "default") + ingress,
    ] {
        assert_eq!(fixed(&format!("{GATEWAY}{rest}")), None, "{rest}");
    }
    // The CA moves too, but not without a reason.
    let both = |namespace: &str| {
        format!(
            "{GATEWAY}{}{}",
            secret("shop", namespace),
            secret("shop-cacert", namespace)
        )
    };
    assert_eq!(fixed(&both("default")), Some(both("istio-system")));
    assert_eq!(fixed(&format!("{GATEWAY}{}", secret("shop-cacert", "default"))), None);
    let mixed = |namespace: &str| {
        format!(
            "{GATEWAY}{}{}",
            secret("shop", "istio-system"),
            secret("shop-cacert", namespace)
        )
    };
    assert_eq!(fixed(&mixed("default")), Some(mixed("istio-system")));
    let other_pods = GATEWAY.replace("istio: ingressgateway", "istio: other");
    assert_eq!(fixed(&(other_pods + &secret("shop", "default"))), None);
}

#[test]
fn keys_get_the_names_that_are_looked_for() {
    let Pems {
        leaf,
        intermediate,
        root,
        key,
    } = pems();
    let chain = base64(&format!("{leaf}{intermediate}"));
    let (key, ca) = (base64(&key), base64(&format!("{intermediate}{root}")));
    let secret = |names: [&str; 3]| {
        format!(
            "{GATEWAY}apiVersion: v1\nkind: Secret\nmetadata: {{name: shop, namespace: istio-system}}\ndata:\n  # the chain\n  {}: {chain}\n  {}: {key}\n  {}: {ca}\n",
            names[0], names[1], names[2]
        )
    };
    let right = secret(["tls.crt", "tls.key", "ca.crt"]);
    for names in [
        ["cert-chain.pem", "key.pem", "root-cert.pem"],
        ["cert", "tls.key", "ca.crt"],
        ["tls.crt", "\"key\"", "cacert.pem"],
    ] {
        let right = right.replace(
            "tls.key:",
            if names[1].starts_with('"') {
                "\"tls.key\":"
            } else {
                "tls.key:"
            },
        );
        assert_eq!(fixed(&secret(names)), Some(right), "{names:?}");
    }
    assert_eq!(fixed(&right), None);
    assert_eq!(fixed(&secret(["cert", "key", "cacert"])), None);
    // Ambiguous: two certificates for one key, and a name already in use.
    let twice = secret(["a.pem", "b.pem", "ca.crt"]) + &format!("  c.pem: {chain}\n");
    assert_eq!(fixed(&twice), None);
    let taken = secret(["a.pem", "b.pem", "ca.crt"]) + "  tls.crt: ''\n";
    assert_eq!(fixed(&taken), None);
}

#[test]
fn chains_are_put_in_order_and_completed() {
    let Pems {
        leaf,
        intermediate,
        root,
        key,
    } = pems();
    let secret = |chain: &str, ca: &str| {
        format!(
            "{GATEWAY}apiVersion: v1\nkind: Secret\nmetadata: {{name: shop, namespace: istio-system}}\ndata: # values\n  tls.crt: \"{}\" # chain\n  tls.key: {}\n  ca.crt: >-\n    {}\ntype: kubernetes.io/tls\n",
            base64(chain),
            base64(&key),
            base64(ca)
        )
    };
    let whole = format!("{leaf}{intermediate}");
    for (chain, ca, expected) in [
        (format!("{intermediate}{leaf}"), &root, Some(&whole)),
        (leaf.clone(), &format!("{root}{intermediate}"), Some(&whole)),
        (leaf.clone(), &root, None),
        (whole.clone(), &root, None),
        (format!("{root}{leaf}"), &intermediate, None),
        (format!("{leaf}{}", pems().root), &intermediate, None),
        (format!("note\n{intermediate}{leaf}"), &root, None),
        (leaf.clone(), &pems().intermediate, None),
    ] {
        let expected = expected.map(|expected| secret(expected, ca));
        assert_eq!(fixed(&secret(&chain, ca)), expected);
    }
}

#[test]
fn text_values_keep_their_block() {
    let Pems {
        leaf,
        intermediate,
        key,
        ..
    } = pems();
    let indented = |text: &str| format!("    {}\n", text.trim_end().replace('\n', "\n    "));
    let secret = |chain: &str| {
        format!(
            "{GATEWAY}apiVersion: v1\nkind: Secret\nmetadata: {{name: shop, namespace: istio-system}}\nstringData:\n  tls.crt: | # chain\n{}\n  # key\n  tls.key: |\n{}",
            indented(chain),
            indented(&key)
        )
    };
    let text = secret(&format!("{intermediate}{leaf}"));
    // A header with a comment is left alone; without one, the block is rewritten.
    assert_eq!(fixed(&text), None);
    let plain = |chain: &str| secret(chain).replace(" # chain", "");
    let right = plain(&format!("{leaf}{intermediate}"));
    let wrong = plain(&format!("{intermediate}{leaf}"));
    assert_eq!(fixed(&wrong), Some(right.clone()));
    assert_eq!(fixed(&wrong.replace('\n', "\r\n")), Some(right.replace('\n', "\r\n")));
}

#[test]
fn the_diff_shows_no_secret() {
    let Pems {
        leaf,
        intermediate,
        key,
        ..
    } = pems();
    let text = format!(
        "{GATEWAY}apiVersion: v1\nkind: Secret\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {{\"stringData\": {{\"a\": \"hunter2\"}}}}\n    copy: {}\n  name: shop\ndata:\n  tls.crt: {}\n  tls.key: {}\n",
        base64(&key),
        base64(&format!("{intermediate}{leaf}")),
        base64(&key)
    );
    let moved = fixes_for(&text, IstioTarget::Latest).remove(0);
    let ordered = fixes_for(&moved.text, IstioTarget::Latest).remove(0);
    let diff = format!("{}{}", moved.diff, ordered.diff);
    assert!(diff.contains("+  namespace: istio-system\n"), "{diff}");
    assert!(diff.contains("-  tls.crt: ["), "{diff}");
    assert!(diff.contains("   tls.key: ["), "{diff}");
    let longest = diff.split(|c: char| !c.is_ascii_alphanumeric()).map(str::len).max();
    assert!(longest < Some(40) && !diff.contains("hunter2"), "{diff}");
}

#[test]
fn a_secret_stays_where_something_uses_it() {
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: shop, namespace: default}\n";
    assert!(fixed(&format!("{GATEWAY}{secret}")).is_some());
    let own = GATEWAY
        .replace("name: edge,", "name: own,")
        .replace("istio: ingressgateway", "app: own");
    let deployment = |spec: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: own, namespace: default}}\nspec:\n  template:\n    metadata: {{labels: {{app: own}}}}\n    spec: {{containers: [{{name: a}}]{spec}}}\n"
        )
    };
    let listener = |namespace: &str, reference: &str| {
        format!(
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g, namespace: {namespace}}}\nspec:\n  listeners: [{{name: a, port: 443, protocol: HTTPS, tls: {{certificateRefs: [{reference}]}}}}]\n"
        )
    };
    for user in [
        format!("---\n{own}{}", deployment("")),
        deployment(", volumes: [{name: v, secret: {secretName: shop}}]"),
        deployment(", volumes: [{name: v, projected: {sources: [{secret: {name: shop}}]}}]"),
        listener("default", "{name: shop}"),
        listener("edge", "{name: shop, namespace: default}"),
    ] {
        assert_eq!(fixed(&format!("{GATEWAY}{secret}{user}")), None, "{user}");
    }
    for no_user in [
        deployment(", volumes: [{name: shop, secret: {secretName: other}}]"),
        listener("edge", "{name: shop}"),
    ] {
        assert!(fixed(&format!("{GATEWAY}{secret}{no_user}")).is_some(), "{no_user}");
    }
}

#[test]
fn what_is_not_reported_is_left_alone() {
    let Pems {
        leaf,
        intermediate,
        root,
        key,
    } = pems();
    let secret = |name: &str, comment: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: istio-system}}\ndata:\n  tls.crt: {}{comment}\n  tls.key: {}\n  ca.crt: {}\n",
            base64(&format!("{intermediate}{leaf}")),
            base64(&key),
            base64(&root)
        )
    };
    let ignored = " # istio-tls:ignore ITL0410";
    assert!(fixed(&format!("{GATEWAY}{}", secret("shop", ""))).is_some());
    assert_eq!(fixed(&format!("{GATEWAY}{}", secret("shop", ignored))), None);
    // No Gateway refers to it.
    assert_eq!(fixed(&format!("{GATEWAY}{}", secret("other", ""))), None);
    let elsewhere = "apiVersion: v1\nkind: Secret\nmetadata: {name: shop, namespace: default}\n";
    let gateway = GATEWAY.replace("# where", "# istio-tls:ignore ITL0302");
    assert_eq!(fixed(&format!("{gateway}{elsewhere}")), None);
    let with = |comment: &str| {
        let fields = format!("      privateKey: use sds{comment}\n      credentialName: shop");
        GATEWAY.replace("      credentialName: shop", &fields)
    };
    assert!(fixed(&with("")).is_some());
    assert_eq!(fixed(&with(" # istio-tls:ignore ITL0141")), None);
}

#[test]
fn what_cannot_be_read_whole_is_left_alone() {
    for text in [
        "",
        "a: [",
        "kind: Gateway\napiVersion: networking.istio.io/v1\n",
        "[1, 2]",
        "- a\n- b\n",
    ] {
        assert_eq!(fixed(text), None, "{text}");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::{GATEWAY, fixes_for};
    use crate::workspace::config::IstioTarget;

    /// Fragments that make a text look like a manifest, in any order.
    const PIECES: &[&str] = &[
        "apiVersion: v1\n",
        "apiVersion: networking.istio.io/v1\n",
        "kind: Secret\n",
        "kind: Gateway\n",
        "metadata: {name: shop}\n",
        "metadata:\n  name: \"shop\"\n",
        "data:\n",
        "stringData:\n",
        "  tls.crt: |\n",
        "  tls.key: QUJD\n",
        "    -----BEGIN CERTIFICATE-----\n",
        "spec:\n  servers:\n",
        "  - tls: {credentialName: shop, privateKey: use sds}\n",
        "  - tls:\n      credentialName: shop\n      privateKey: use sds",
        "---\n",
        "{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"shop\"}}\n",
        "# ü comment\n",
        "\r\n",
        "\t",
        "\u{feff}",
        "&a ",
        "*a ",
        "[",
        "}",
    ];

    proptest! {
        #[test]
        fn any_text_is_answered_and_what_is_mended_stays_mended(
            pieces in prop::collection::vec(prop::sample::select(PIECES), 0..16),
            lead in any::<bool>(),
        ) {
            let text = format!("{}{}", if lead { GATEWAY } else { "" }, pieces.concat());
            for fix in fixes_for(&text, IstioTarget::Latest) {
                prop_assert_ne!(&fix.text, &text);
                prop_assert_eq!(fixes_for(&fix.text, IstioTarget::Latest), []);
            }
        }

        #[test]
        fn damaged_manifests_are_answered(at in 0..400_usize, with in "\\PC{0,4}") {
            let whole = format!("{GATEWAY}apiVersion: v1\nkind: Secret\nmetadata: {{name: shop}}\ndata: {{key.pem: QUJD}}\n");
            let at = at.min(whole.len());
            if whole.is_char_boundary(at) {
                let text = format!("{}{with}{}", &whole[..at], &whole[at..]);
                let _ = fixes_for(&text, IstioTarget::Latest);
            }
        }
    }
}
