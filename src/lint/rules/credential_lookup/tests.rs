//! Names of Secrets and paths of files, and which of them are in the input.

use crate::lint::Severity;
use crate::lint::testing::{assert_code, gateway, httpbin, lint_yaml, only, secret, secret_in, secret_of, simple};

/// References to a Secret, and what is in the input.
#[test]
fn a_secret_is_looked_for_where_the_pods_run() {
    let good = secret_of("c", httpbin());
    let elsewhere = good.replace("istio-system", "default");
    let field = "spec.servers[0].tls.credentialName";
    let named = |tls: &str| gateway("a", &[("httpbin.example.com", tls)]);
    for (yaml, code, paths) in [
        // Passing.
        (simple(&good), "ITL0301", &[][..]),
        (
            named("mode: SIMPLE, credentialName: istio-system/c") + &good,
            "ITL0303",
            &[],
        ),
        (
            named("mode: SIMPLE, credentialName: \"kubernetes://c\"") + &good,
            "ITL0301",
            &[],
        ),
        (
            named("mode: SIMPLE, credentialName: \"sds://elsewhere\"") + &good,
            "ITL0301",
            &[],
        ),
        (named("mode: ISTIO_MUTUAL") + &good, "ITL0301", &[]),
        // Without any Secret in the input, nothing is known.
        (simple(""), "ITL0301", &[]),
        // Failing.
        (named("mode: SIMPLE, credentialName: d") + &good, "ITL0301", &[field]),
        (
            named("mode: SIMPLE, credentialNames: [c, d]") + &good,
            "ITL0301",
            &["spec.servers[0].tls.credentialNames[1]"],
        ),
        (
            named("mode: MUTUAL, credentialName: c, caCertCredentialName: d") + &good,
            "ITL0301",
            &["spec.servers[0].tls.caCertCredentialName"],
        ),
        (simple(&elsewhere), "ITL0302", &[field]),
        (simple(&elsewhere), "ITL0301", &[]),
        (
            named("mode: SIMPLE, credentialName: default/c") + &elsewhere,
            "ITL0303",
            &[field],
        ),
        // If the CA is in the server's own Secret, the -cacert Secret is optional.
        (
            named("mode: MUTUAL, credentialName: c, caCertCredentialName: c-cacert") + &good,
            "ITL0301",
            &[],
        ),
    ] {
        assert_code(&yaml, code, paths);
    }
}

#[test]
fn secrets_that_a_controller_makes_are_not_missing() {
    let other = secret("other", &[("password", "x")]);
    let made = |group: &str, kind: &str, spec: &str| {
        format!(
            "---\napiVersion: {group}/v1\nkind: {kind}\nmetadata: {{name: c, namespace: istio-system}}\nspec: {{{spec}}}\n{other}"
        )
    };
    let field = "spec.servers[0].tls.credentialName";
    let certificate = made("cert-manager.io", "Certificate", "secretName: c");
    for (beside, code, paths) in [
        (certificate.clone(), "ITL0301", &[][..]),
        (made("bitnami.com", "SealedSecret", ""), "ITL0301", &[]),
        (
            made("external-secrets.io", "ExternalSecret", "target: {name: c}"),
            "ITL0301",
            &[],
        ),
        (
            made("cert-manager.io", "Certificate", "secretName: d"),
            "ITL0301",
            &[field],
        ),
        (made("example.com", "Certificate", "secretName: c"), "ITL0301", &[field]),
        (certificate.replace("istio-system", "default"), "ITL0302", &[field]),
    ] {
        assert_code(&simple(&beside), code, paths);
    }
    // The CA of such a Secret is unknown too.
    let tls = "mode: MUTUAL, credentialName: c";
    let mutual = gateway("a", &[("httpbin.example.com", tls)]) + &secret_of("c", httpbin());
    let made = certificate.replace("secretName: c", "secretName: c-cacert");
    assert_code(&format!("{mutual}{made}"), "ITL0320", &[]);
    assert_code(&format!("{mutual}{certificate}"), "ITL0320", &[field]);
}

#[test]
fn pods_of_other_namespaces_look_in_theirs() {
    let workload = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: edge, namespace: edge, labels: {istio: edge}}\n";
    let gateway = gateway("a", &[("httpbin.example.com", "mode: SIMPLE, credentialName: c")]);
    let edge = gateway.replace("istio: ingressgateway", "istio: edge");
    let (here, there) = (
        secret_of("c", httpbin()),
        secret_of("c", httpbin()).replace("istio-system", "edge"),
    );
    assert_code(&format!("{edge}{workload}{there}"), "ITL0302", &[]);
    let found = only(&format!("{edge}{workload}{here}"), "ITL0302");
    assert!(
        found.what.contains("in namespace istio-system, not in edge"),
        "{}",
        found.what
    );
    assert_eq!(found.istio, Some("IST0101"));
    // If the pods are unknown, they may be in any namespace.
    assert_code(&format!("{edge}{there}"), "ITL0302", &[]);
    assert_code(&format!("{edge}{there}"), "ITL0301", &[]);
}

#[test]
fn a_near_miss_is_named() {
    let good = secret_of("httpbin-credential", httpbin());
    for (name, near) in [
        ("htpbin-credential", true),
        ("httpbin-credentials", true),
        ("httbpin-credential", true),
        ("httpbin_credential", true),
        ("bookinfo-credential", false),
        ("x", false),
    ] {
        let tls = format!("mode: SIMPLE, credentialName: {name}");
        let found = only(&(gateway("a", &[("httpbin.example.com", &tls)]) + &good), "ITL0301");
        let meant = found.fix.contains("did you mean istio-system/httpbin-credential?");
        assert_eq!(meant, near, "{name}: {}", found.fix);
    }
}

#[test]
fn one_secret_has_one_spelling() {
    let good = secret_of("c", httpbin());
    let two = |first: &str, second: &str| {
        let tls = |name: &str| format!("mode: SIMPLE, credentialName: {name}");
        let servers = [("httpbin.example.com", &tls(first)), ("b.example.com", &tls(second))];
        gateway("a", &servers.map(|(hosts, tls)| (hosts, tls.as_str()))) + &good
    };
    for (yaml, paths) in [
        (two("c", "istio-system/c"), &["spec.servers[1].tls.credentialName"][..]),
        (two("istio-system/c", "c"), &["spec.servers[0].tls.credentialName"]),
        (two("c", "c"), &[]),
        (two("c", "\"kubernetes://c\""), &[]),
        (two("istio-system/c", "istio-system/c"), &[]),
        (two("c", "default/c"), &[]),
    ] {
        assert_code(&yaml, "ITL0304", paths);
    }
}

#[test]
fn files_are_keys_of_mounted_secrets() {
    let files = "mode: SIMPLE, serverCertificate: /etc/istio/x-certs/tls.crt, privateKey: /etc/istio/x-certs/tls.key";
    let gateway = gateway("a", &[("httpbin.example.com", files)]);
    let (certificate, key) = (
        "spec.servers[0].tls.serverCertificate",
        "spec.servers[0].tls.privateKey",
    );
    let deployment = |path: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: ingress, namespace: istio-system}}\nspec:\n  template:\n    metadata: {{labels: {{istio: ingressgateway}}}}\n    spec:\n      containers: [{{name: proxy, volumeMounts: [{{name: v, mountPath: {path}}}]}}]\n      volumes: [{{name: v, secret: {{secretName: s}}}}]\n"
        )
    };
    let good = |name: &str| secret_of(name, httpbin());
    for (beside, code, paths) in [
        (good("istio-x-certs"), "ITL0305", &[][..]),
        (good("s") + &deployment("/etc/istio/x-certs"), "ITL0305", &[]),
        (good("s") + &deployment("/etc/istio/x-certs/"), "ITL0306", &[]),
        (
            good("s")
                + "---\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: x, namespace: istio-system}\nspec: {secretName: istio-x-certs}\n",
            "ITL0305",
            &[],
        ),
        (good("other"), "ITL0305", &[certificate, key]),
        (secret("istio-x-certs", &[("tls.crt", "")]), "ITL0305", &[key]),
        (good("s") + &deployment("/etc/other"), "ITL0306", &[certificate, key]),
        (good("s") + &deployment("/etc/istio/x"), "ITL0306", &[certificate, key]),
        (
            secret_in("default", "istio-x-certs", &[("tls.crt", "")]),
            "ITL0305",
            &[certificate, key],
        ),
    ] {
        assert_code(&format!("{gateway}{beside}"), code, paths);
    }
}

#[test]
fn certificate_refs_of_the_gateway_api_are_beside_the_gateway() {
    let gateway = |reference: &str| {
        format!(
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g, namespace: default}}\nspec:\n  listeners: [{{name: a, hostname: httpbin.example.com, port: 443, protocol: HTTPS, tls: {{certificateRefs: [{reference}]}}}}]\n"
        )
    };
    let good = secret_of("c", httpbin());
    let beside = good.replace("istio-system", "default");
    for (yaml, paths) in [
        (gateway("{name: c}") + &beside, &[][..]),
        (gateway("{name: c, namespace: istio-system}") + &good, &[]),
        (gateway("{name: c, kind: Other, group: example.com}") + &good, &[]),
        (
            gateway("{name: c}") + &good,
            &["spec.listeners[0].tls.certificateRefs[0].name"],
        ),
    ] {
        assert_code(&yaml, "ITL0301", paths);
    }
}

#[test]
fn a_folder_that_istio_does_not_mount_itself_may_be_another_secret() {
    let gateway = |folder: &str| {
        let tls = format!(
            "mode: SIMPLE, serverCertificate: /etc/istio/{folder}/tls.crt, privateKey: /etc/istio/{folder}/tls.key"
        );
        gateway("a", &[("httpbin.example.com", &tls)])
    };
    let whole = secret_of("other", httpbin());
    let part = secret("istio-x-certs", &[("tls.crt", "")]);
    for (folder, beside, severity) in [
        ("x-certs", &whole, Severity::Info),
        ("x-certs", &part, Severity::Warning),
        ("ingressgateway-certs", &whole, Severity::Warning),
    ] {
        let findings = lint_yaml(&format!("{}{beside}", gateway(folder))).findings;
        let of_code: Vec<_> = findings.iter().filter(|finding| finding.code == "ITL0305").collect();
        assert!(!of_code.is_empty(), "{folder}");
        assert!(of_code.iter().all(|finding| finding.severity == severity), "{folder}");
    }
}

#[test]
fn a_secret_that_cannot_be_read_is_not_missing() {
    let field = "spec.servers[0].tls.credentialName";
    let unread = |name: &str| {
        format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: istio-system}}\ndata: 7\n{}",
            secret_of("other", httpbin())
        )
    };
    for (beside, paths) in [(unread("c"), &[][..]), (unread("d"), &[field])] {
        assert_code(&simple(&beside), "ITL0301", paths);
    }
    let tls = "mode: SIMPLE, serverCertificate: /etc/istio/ingressgateway-certs/tls.crt, \
               privateKey: /etc/istio/ingressgateway-certs/tls.key";
    let files = gateway("a", &[("httpbin.example.com", tls)]);
    let paths = [
        "spec.servers[0].tls.serverCertificate",
        "spec.servers[0].tls.privateKey",
    ];
    assert_code(
        &format!("{files}{}", unread("istio-ingressgateway-certs")),
        "ITL0305",
        &[],
    );
    assert_code(&format!("{files}{}", unread("else")), "ITL0305", &paths);
}
