//! Are the Secrets and files there that a Gateway names?

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use crate::lint::codes::{
    CREDENTIAL_FILE_MISSING, CREDENTIAL_FILE_NOT_MOUNTED, CREDENTIAL_IN_OTHER_NAMESPACE, CREDENTIAL_MISSING,
    CREDENTIAL_NAMESPACE_DENIED, CREDENTIAL_TWO_SPELLINGS,
};
use crate::lint::credentials::{Credential, FileField, Outcome, Owner, TlsServer};
use crate::lint::pods::Pods;
use crate::lint::{Code, Finding, Findings, Need, Rule, World};
use crate::names::Host;
use crate::shell::quote;

pub(super) static RULES: &[&dyn Rule] = &[&SecretIsThere, &FileIsThere, &OneSpelling];

/// Every name of a Secret leads to one.
struct SecretIsThere;

impl Rule for SecretIsThere {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &CREDENTIAL_MISSING,
            &CREDENTIAL_IN_OTHER_NAMESPACE,
            &CREDENTIAL_NAMESPACE_DENIED,
        ]
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Secrets]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let names = OnceCell::new();
        for server in &world.credentials().servers {
            for credential in server.credentials.iter().chain(&server.ca_credential) {
                match &credential.outcome {
                    Outcome::Found(_) | Outcome::OtherSource => {}
                    // The CA's Secret may be left out: then the server's own holds it.
                    Outcome::Missing { .. } if is_optional(server, credential) => {}
                    Outcome::Missing { namespaces, elsewhere } => {
                        let names = names.get_or_init(|| KnownNames::of(world));
                        found.push(missing(world, names, server, credential, namespaces, elsewhere));
                    }
                    Outcome::Denied { namespace, pods } => found.push(denied(server, credential, namespace, pods)),
                    Outcome::Unreadable(problem) => found.push(
                        Finding::new(
                            &CREDENTIAL_MISSING,
                            server.place(&credential.field),
                            format!(
                                "the material of secret \"{}\" cannot be read: {}",
                                credential.name, problem.what
                            ),
                        )
                        .istio(None),
                    ),
                }
            }
        }
    }
}

fn is_optional(server: &TlsServer<'_>, credential: &Credential<'_>) -> bool {
    let Some(client_ca) = &server.client_ca else {
        return false;
    };
    client_ca.field == credential.field && client_ca.base.is_some()
}

fn missing(
    world: &World<'_>,
    names: &KnownNames<'_>,
    server: &TlsServer<'_>,
    credential: &Credential<'_>,
    namespaces: &[String],
    elsewhere: &[String],
) -> Finding {
    let name = &credential.name;
    let istio = credential.analysed.then_some("IST0101");
    let place = server.place(&credential.field);
    let of_api = matches!(server.owner, Owner::GatewayApi(_));
    let wanted = namespaces.join(" or ");
    let (first, role) = match namespaces.first() {
        None => (world.pod_namespace(), String::new()),
        Some(first) if of_api => (first.as_str(), String::new()),
        Some(first) => (first.as_str(), ", where the gateway's pods run".to_owned()),
    };
    if !elsewhere.is_empty() && !of_api {
        let others = elsewhere.join(" and ");
        return Finding::new(
            &CREDENTIAL_IN_OTHER_NAMESPACE,
            place,
            format!("secret \"{name}\" is in namespace {others}, not in {wanted}{role}"),
        )
        .fix(format!("write namespace: {first} into the Secret's metadata"))
        .istio(istio);
    }
    let what = if namespaces.is_empty() {
        format!("there is no secret \"{name}\" in the input")
    } else {
        format!("there is no secret \"{name}\" in namespace {wanted}{role}")
    };
    let finding = Finding::new(&CREDENTIAL_MISSING, place, what).istio(istio);
    if let Some(meant) = names.near(name, first) {
        return finding.fix(format!("did you mean {meant}? If not, make the Secret {first}/{name}"));
    }
    // The gen-certs line helps only where its Secret would have this name.
    let hosts = server.host_names();
    let host = hosts.iter().find(|host| {
        let mut secrets = (world.store.names_of_host)(host).into_iter();
        secrets.any(|secret| secret == *name) && Host::parse(host).is_ok()
    });
    let of_ca = server
        .ca_credential
        .as_ref()
        .is_some_and(|named| named.field == credential.field);
    match host {
        _ if of_ca => finding
            .why("without it clients cannot be verified, and connections to the server's hosts are reset")
            .fix(format!(
            "kubectl create -n {first} secret generic {} --from-file=ca.crt=FILE, or give lint its folder with --certs",
            quote(name)
        )),
        Some(host) => finding.fix(format!(
            "istio-tls gen-certs {host} && istio-tls manifests {host} --only secrets | kubectl apply --server-side -f -",
            host = quote(host)
        )),
        None => finding.fix(format!(
            "kubectl create -n {first} secret tls {} --cert=FILE --key=FILE, or give lint its folder with --certs",
            quote(name)
        )),
    }
}

fn denied(server: &TlsServer<'_>, credential: &Credential<'_>, namespace: &str, pods: &[String]) -> Finding {
    Finding::new(
        &CREDENTIAL_NAMESPACE_DENIED,
        server.place(&credential.field),
        format!(
            "\"{}\" is a secret of namespace {namespace}, and the gateway's pods run in {}",
            credential.written,
            pods.join(" and ")
        ),
    )
    .fix(format!(
        "put the Secret into namespace {} and write credentialName: {}",
        pods.first().map_or("istio-system", String::as_str),
        credential.name
    ))
}

/// The names of Secrets by a sketch of each, so that a near miss is found
/// without comparing every name with every other.
struct KnownNames<'a> {
    by_sketch: HashMap<String, BTreeSet<&'a str>>,
}

impl<'a> KnownNames<'a> {
    fn of(world: &'a World<'_>) -> Self {
        let mut by_sketch: HashMap<String, BTreeSet<&str>> = HashMap::new();
        for secret in &world.secrets {
            if secret.namespace == world.pod_namespace() {
                let name = secret.metadata.name.as_str();
                for sketch in sketches(name) {
                    by_sketch.entry(sketch).or_default().insert(name);
                }
            }
        }
        Self { by_sketch }
    }

    /// The name that differs by one character, by two swapped ones, or by punctuation alone.
    fn near(&self, name: &str, namespace: &str) -> Option<String> {
        let mut hits: HashMap<&str, usize> = HashMap::new();
        for sketch in sketches(name) {
            for known in self.by_sketch.get(&sketch).into_iter().flatten().take(MOST_NEAR) {
                *hits.entry(known).or_default() += 1;
            }
        }
        let best = hits.into_iter().filter(|(known, _)| *known != name);
        let (best, _) = best.max_by_key(|(known, count)| (*count, std::cmp::Reverse(*known)))?;
        Some(format!("{namespace}/{best}"))
    }
}

/// Names of one sketch that are looked at.
const MOST_NEAR: usize = 8;

/// Texts that names share when they differ by one character or by punctuation.
fn sketches(name: &str) -> BTreeSet<String> {
    let letters: Vec<char> = name.chars().filter(|c| c.is_alphanumeric()).take(64).collect();
    let mut sketches: BTreeSet<String> = (0..letters.len())
        .map(|skipped| {
            let kept = letters.iter().enumerate().filter(|(place, _)| *place != skipped);
            kept.map(|(_, letter)| *letter).collect()
        })
        .collect();
    sketches.insert(letters.into_iter().collect());
    // Names of a letter or two are all alike.
    sketches.retain(|sketch| sketch.chars().count() >= 3);
    sketches
}

/// Every path of a certificate, key, CA or list is a file of the gateway's pods.
struct FileIsThere;

impl Rule for FileIsThere {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CREDENTIAL_FILE_MISSING, &CREDENTIAL_FILE_NOT_MOUNTED]
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Secrets]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for server in world.credentials().servers.iter().filter(|server| server.terminates()) {
            for file in &server.files {
                if let Some(deployment) = file.unmounted_in.as_ref().filter(|_| file.path.starts_with('/')) {
                    found.push(Finding::new(
                        &CREDENTIAL_FILE_NOT_MOUNTED,
                        server.place(&file.field),
                        format!("{deployment} mounts no volume at {}", file.path),
                    ));
                } else if file.value.is_none() {
                    found_missing(world, server, file, found);
                }
            }
        }
    }
}

fn found_missing(world: &World<'_>, server: &TlsServer<'_>, file: &FileField<'_>, found: &mut Findings) {
    let Some((secret, key)) = &file.leads_to else { return };
    let namespace = world.pod_namespace();
    let (what, fix) = if file.secret_is_there {
        (
            format!(
                "{} is key {key} of secret {namespace}/{secret}, which has no such key",
                file.path
            ),
            format!("add the key {key} to the Secret, or correct the path"),
        )
    } else {
        (
            format!(
                "{} is key {key} of secret {namespace}/{secret}, which is not there",
                file.path
            ),
            format!(
                "make the Secret {namespace}/{secret} with the key {key}, or name the certificate's Secret with credentialName"
            ),
        )
    };
    let finding = Finding::new(&CREDENTIAL_FILE_MISSING, server.place(&file.field), what);
    found.push(finding.fix(fix));
}

/// One Secret is named in one way.
struct OneSpelling;

impl Rule for OneSpelling {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CREDENTIAL_TWO_SPELLINGS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        // By pods, since each gateway asks for its own Secrets.
        let mut short: HashMap<(&Pods, &str), &TlsServer<'_>> = HashMap::new();
        let mut long = Vec::new();
        for server in &world.credentials().servers {
            // In the Gateway API, references are spelled out by Istio itself.
            let istio = matches!(server.owner, Owner::Istio(_));
            for credential in server.credentials.iter().filter(|_| istio) {
                match credential.outcome {
                    Outcome::OtherSource | Outcome::Denied { .. } => {}
                    _ if credential.has_namespace => long.push((server, credential)),
                    _ => {
                        short.entry((&server.pods, credential.name.as_str())).or_insert(server);
                    }
                }
            }
        }
        for (server, credential) in long {
            if let Some(other) = short.get(&(&server.pods, credential.name.as_str())) {
                found.push(
                    Finding::new(
                        &CREDENTIAL_TWO_SPELLINGS,
                        server.place(&credential.field),
                        format!(
                            "\"{}\" is the secret that {} calls \"{}\"",
                            credential.written,
                            other.called(),
                            credential.name
                        ),
                    )
                    .fix(format!("credentialName: {}", credential.name)),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{assert_code, gateway, httpbin, only, secret, secret_in, secret_of, simple};

    /// The names of a Secret, with what of it is in the input.
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
            // Without any Secret in the input nothing is known.
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
            // With the CA beside the certificate, the named one may be left out.
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
        // The CA of such a Secret is not known either.
        let tls = "mode: MUTUAL, credentialName: c";
        let mutual = gateway("a", &[("httpbin.example.com", tls)]) + &secret_of("c", httpbin());
        let made = certificate.replace("secretName: c", "secretName: c-cacert");
        assert_code(&format!("{mutual}{made}"), "ITL0320", &[]);
        assert_code(&format!("{mutual}{certificate}"), "ITL0320", &[field]);
    }

    #[test]
    fn pods_of_other_namespaces_look_in_theirs() {
        let workload =
            "---\napiVersion: v1\nkind: Pod\nmetadata: {name: edge, namespace: edge, labels: {istio: edge}}\n";
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
        // Where nobody knows the pods, any namespace may be theirs.
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
        let files =
            "mode: SIMPLE, serverCertificate: /etc/istio/x-certs/tls.crt, privateKey: /etc/istio/x-certs/tls.key";
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
}
