//! Secrets that cert-manager creates: whether their certificates will cover the hosts, and whether
//! cert-manager finds their issuers.

use std::collections::HashSet;

use crate::lint::codes::{CERTIFICATE_OBJECT_ISSUER, CERTIFICATE_OBJECT_NAMES};
use crate::lint::index::credentials::Outcome;
use crate::lint::{Code, Finding, Findings, Rule, World};
use crate::names::Host;

pub(super) static RULES: &[&dyn Rule] = &[&Names, &Issuers];

/// The hosts of servers whose Secret is created from a Certificate.
struct Names;

impl Rule for Names {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CERTIFICATE_OBJECT_NAMES]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        if world.makers.is_empty() {
            return;
        }
        for server in world.credentials().servers.iter().filter(|server| server.terminates()) {
            let namespaces = world.pods.namespaces(&server.pods);
            for credential in &server.credentials {
                if !matches!(credential.outcome, Outcome::OtherSource) {
                    continue;
                }
                let maker = world.makers.find(&namespaces, &credential.name);
                let Some((maker, names)) = maker.and_then(|maker| Some((maker, maker.names.as_ref()?))) else {
                    continue;
                };
                for (index, host) in server.hosts.iter().enumerate() {
                    let is_name = Host::parse(&host.name).is_ok_and(|host| host.ip().is_none());
                    if !is_name || names.iter().any(|name| covers(name, &host.name)) {
                        continue;
                    }
                    let what = format!(
                        "{} creates the secret \"{}\" for {}, but not for {}",
                        maker.item.title(),
                        credential.name,
                        names.join(", "),
                        host.name
                    );
                    let finding = Finding::new(&CERTIFICATE_OBJECT_NAMES, server.host_place(index), what);
                    found.push(finding.fix(format!("add {} to the dnsNames of {}", host.name, maker.item.title())));
                }
            }
        }
    }
}

/// Whether a certificate's name equals a host, or covers its first label as a wildcard (RFC 6125
/// section 6.4.3).
fn covers(name: &str, host: &str) -> bool {
    let (name, host) = (name.to_ascii_lowercase(), host.to_ascii_lowercase());
    let below = name.strip_prefix("*.");
    name == host || below.is_some_and(|domain| host.split_once('.').is_some_and(|(_, rest)| rest == domain))
}

/// The issuer of every Certificate.
struct Issuers;

impl Rule for Issuers {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CERTIFICATE_OBJECT_ISSUER]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let of_kind = |kind: &'static str| {
            let objects = world.others.iter();
            objects
                .filter(move |item| item.object.kind == kind && item.object.api_version.starts_with("cert-manager.io/"))
        };
        let issuers: HashSet<(&str, &str)> = of_kind("Issuer")
            .map(|item| (item.namespace, item.metadata.name.as_str()))
            .collect();
        let of_cluster: HashSet<&str> = of_kind("ClusterIssuer")
            .map(|item| item.metadata.name.as_str())
            .collect();
        for item in of_kind("Certificate") {
            let text = |field: &str| item.object.content["spec"]["issuerRef"][field].as_str();
            let Some(name) = text("name").filter(|_| text("group").is_none_or(|group| group == "cert-manager.io"))
            else {
                continue;
            };
            let elsewhere = issuers.iter().find(|(_, known)| *known == name);
            let (what, fix) = match text("kind").unwrap_or("Issuer") {
                "Issuer" if issuers.contains(&(item.namespace, name)) => continue,
                "Issuer" if of_cluster.contains(name) => (
                    format!(
                        "{name} is a ClusterIssuer, not an Issuer in namespace {}",
                        item.namespace
                    ),
                    "kind: ClusterIssuer".to_owned(),
                ),
                "Issuer" => match elsewhere {
                    Some((namespace, _)) => (
                        format!(
                            "the Issuer {name} is in namespace {namespace}, not in {}",
                            item.namespace
                        ),
                        "put the Issuer and the Certificate into the same namespace, or use a \
                        ClusterIssuer"
                            .to_owned(),
                    ),
                    None => continue,
                },
                "ClusterIssuer" if !of_cluster.contains(name) && elsewhere.is_some() => (
                    format!("{name} is an Issuer, not a ClusterIssuer"),
                    "kind: Issuer, if it is in the Certificate's namespace".to_owned(),
                ),
                _ => continue,
            };
            found.push(Finding::new(&CERTIFICATE_OBJECT_ISSUER, item.place("spec.issuerRef.name"), what).fix(fix));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{assert_code, gateway, httpbin, secret_of, simple};

    fn certificate(namespace: &str, secret: &str, names: &str) -> String {
        format!(
            "---\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {{name: a, namespace: {namespace}}}\n\
             spec: {{secretName: {secret}, dnsNames: [{names}], issuerRef: {{name: ca}}}}\n"
        )
    }

    #[test]
    fn a_certificate_stands_for_its_secret() {
        let host = "httpbin.example.com";
        let credential = &["spec.servers[0].tls.credentialName"][..];
        let named = &["spec.servers[0].hosts[0]"][..];
        for (beside, code, paths) in [
            (certificate("istio-system", "c", host), "ITL0308", &[][..]),
            (certificate("istio-system", "c", "'*.example.com'"), "ITL0308", &[]),
            (certificate("istio-system", "c", "example.com"), "ITL0308", named),
            (certificate("istio-system", "c", "'*.com'"), "ITL0308", named),
            (
                certificate("istio-system", "c", "${HOST}")
                    .replace("[${", "['${")
                    .replace("}]", "}']"),
                "ITL0308",
                &[],
            ),
            (certificate("istio-system", "c", host), "ITL0301", &[]),
            (certificate("istio-system", "c", host), "ITL0302", &[]),
            (certificate("default", "c", host), "ITL0302", credential),
            // If the input holds no Secret, one with another name may be created by hand.
            (certificate("istio-system", "d", host), "ITL0301", &[]),
            (certificate("default", "d", host), "ITL0302", &[]),
        ] {
            assert_code(&simple(&beside), code, paths);
        }
        let with_secret = secret_of("other", httpbin()) + &certificate("istio-system", "d", host);
        assert_code(&simple(&with_secret), "ITL0301", credential);
        // Another host than the first.
        let two = gateway(
            "a",
            &[("httpbin.example.com, b.com", "mode: SIMPLE, credentialName: c")],
        );
        let beside = certificate("istio-system", "c", host);
        assert_code(&(two + &beside), "ITL0308", &["spec.servers[0].hosts[1]"]);
    }

    #[test]
    fn other_objects_stand_for_secrets_too() {
        let credential = &["spec.servers[0].tls.credentialName"][..];
        let external = |namespace: &str| {
            format!(
                "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{name: x, namespace: {namespace}}}\n\
                 spec: {{target: {{name: c}}}}\n"
            )
        };
        let sealed = |namespace: &str| {
            format!(
                "---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: c, namespace: {namespace}}}\nspec: {{}}\n"
            )
        };
        let sops = |namespace: &str| {
            format!(
                "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: c, namespace: {namespace}}}\ndata: {{a: 'ENC[x]'}}\nsops: {{}}\n"
            )
        };
        for made in [external, sealed, sops] as [fn(&str) -> String; 3] {
            assert_code(&simple(&made("istio-system")), "ITL0302", &[]);
            assert_code(&simple(&made("default")), "ITL0302", credential);
        }
        let copied = certificate("default", "c", "httpbin.example.com").replace(
            "secretName: c,",
            "secretName: c, secretTemplate: {annotations: {reflector.v1.k8s.emberstack.com/reflection-allowed: 'true'}},",
        );
        assert_code(&simple(&copied), "ITL0302", &[]);
    }

    #[test]
    fn issuers_are_where_cert_manager_looks() {
        let issuer = |kind: &str, namespace: &str| {
            format!(
                "---\napiVersion: cert-manager.io/v1\nkind: {kind}\nmetadata: {{name: ca, namespace: {namespace}}}\nspec: {{}}\n"
            )
        };
        let certificate = certificate("here", "c", "a.com");
        let of_cluster = certificate.replace("name: ca}", "name: ca, kind: ClusterIssuer}");
        let at = &["spec.issuerRef.name"][..];
        for (certificate, beside, paths) in [
            (&certificate, String::new(), &[][..]),
            (&certificate, issuer("Issuer", "here"), &[]),
            (&certificate, issuer("Issuer", "there"), at),
            (&certificate, issuer("ClusterIssuer", "here"), at),
            (&of_cluster, issuer("ClusterIssuer", "here"), &[]),
            (&of_cluster, issuer("Issuer", "here"), at),
        ] {
            assert_code(&format!("{certificate}{beside}"), "ITL0309", paths);
        }
    }
}
