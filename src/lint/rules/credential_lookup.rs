//! Whether the Secrets and files that a Gateway refers to exist.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::lint::codes::{
    CREDENTIAL_FILE_MISSING, CREDENTIAL_FILE_NOT_MOUNTED, CREDENTIAL_IN_OTHER_NAMESPACE, CREDENTIAL_MISSING,
    CREDENTIAL_NAMESPACE_DENIED, CREDENTIAL_TWO_SPELLINGS,
};
use crate::lint::index::credentials::{Credential, FileField, Outcome, Owner, TlsServer};
use crate::lint::index::pods::Pods;
use crate::lint::remedies::secret_line;
use crate::lint::{Code, Facts, Finding, Findings, Made, Need, Rule, Severity, World};
use crate::names::Host;
use crate::problem::Problem;
use crate::remedy::{Line, Remedy, kubectl, ours};
use crate::spelling::Index;

pub(super) static RULES: &[&dyn Rule] = &[&SecretIsThere, &FileIsThere, &OneSpelling];

/// Every reference to a Secret resolves.
struct SecretIsThere;

impl Rule for SecretIsThere {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &CREDENTIAL_MISSING,
            &CREDENTIAL_IN_OTHER_NAMESPACE,
            &CREDENTIAL_NAMESPACE_DENIED,
        ]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let names = OnceCell::new();
        // Without any Secret in the input, only Secrets generated from other objects are known.
        let lacks = world.lacks(Need::Secrets);
        if let Some(reason) = lacks {
            for code in self.codes() {
                found.skip(code, reason);
            }
        }
        for server in &world.credentials().servers {
            for credential in server.credentials.iter().chain(&server.ca_credential) {
                match &credential.outcome {
                    Outcome::Found(_) | Outcome::OtherSource => {}
                    Outcome::Missing { .. } if credential.is_config_map => {}
                    // The CA's Secret is optional: otherwise the server's own Secret holds the CA.
                    Outcome::Missing { .. } if is_optional(server, credential) => {}
                    Outcome::Missing { namespaces, .. } if is_unread(world, credential, namespaces) => {}
                    Outcome::Missing { elsewhere, .. } if lacks.is_some() && elsewhere.is_empty() => {}
                    Outcome::Missing { namespaces, elsewhere } => {
                        let names = names.get_or_init(|| known_names(world));
                        found.push(missing(world, names, server, credential, namespaces, elsewhere));
                    }
                    Outcome::Denied { .. } | Outcome::Unreadable(_) if lacks.is_some() => {}
                    Outcome::Denied { namespace, pods } => found.push(denied(server, credential, namespace, pods)),
                    Outcome::Unreadable(problem) => found.push(unreadable(server, credential, problem)),
                }
            }
        }
    }
}

/// The Secret's files exist, or may exist, but cannot be read.
fn unreadable(server: &TlsServer<'_>, credential: &Credential<'_>, problem: &Problem) -> Finding {
    let (name, what) = (&credential.name, &problem.what);
    let finding = Finding::new(
        &CREDENTIAL_MISSING,
        server.place(&credential.field),
        format!("the files of secret \"{name}\" cannot be read: {what}"),
    );
    let finding = match &problem.why {
        Some(why) => finding.why(why.clone()),
        None => finding,
    };
    match &problem.fix {
        Some(fix) => finding.fix(fix.clone()),
        None => finding,
    }
    .istio(None)
}

/// Whether the Secret is in the input but could not be read.
fn is_unread(world: &World<'_>, credential: &Credential<'_>, namespaces: &[String]) -> bool {
    let is = |namespace: &str| world.is_unread("Secret", namespace, &credential.name);
    if namespaces.is_empty() {
        // Unknown pods may run in a namespace whose Secrets are not visible.
        world.unseen("Secret").is_some() || is(world.pod_namespace())
    } else {
        namespaces.iter().any(|namespace| is(namespace))
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
    names: &Index<'_>,
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
        .fix(format!("set namespace: {first} in the Secret's metadata"))
        .istio(istio);
    }
    let what = if namespaces.is_empty() {
        format!("there is no secret \"{name}\" in {}", world.store.source())
    } else {
        format!("there is no secret \"{name}\" in namespace {wanted}{role}")
    };
    let finding = Finding::new(&CREDENTIAL_MISSING, place, what).istio(istio);
    if world.store.applied.contains(name.as_str()) && namespaces.iter().all(|known| known == world.pod_namespace()) {
        return finding.fix(Remedy::from(ours::apply()).and(", which creates the workspace's Secrets"));
    }
    if let Some(meant) = names.nearest(name) {
        return finding.fix(format!(
            "did you mean {first}/{meant}? If not, create the Secret {first}/{name}"
        ));
    }
    let make = |line: Line| {
        let made = Remedy::from(line);
        if world.store.in_cluster {
            made
        } else {
            made.and(", or pass its folder with --certs")
        }
    };
    // The gen-certs command helps only if its Secret would have this name.
    let hosts = server.host_names();
    let host = hosts.iter().find_map(|host| {
        let mut secrets = (world.store.names_of_host)(host).into_iter();
        Host::parse(host).ok().filter(|_| secrets.any(|secret| secret == *name))
    });
    let of_ca = server
        .ca_credential
        .as_ref()
        .is_some_and(|named| named.field == credential.field);
    match host {
        _ if of_ca => finding
            .about(Facts::Missing(Made::OfCa))
            .why("without it, clients cannot be verified, and connections to the server's hosts are reset")
            .fix(make(kubectl::create_ca(first, name.as_str()))),
        // The workspace creates this Secret once the host has a chain.
        Some(host) if world.store.chains.contains_key(name.as_str()) => {
            finding.about(Facts::Missing(Made::OfHost)).fix(ours::gen_certs(&host))
        }
        Some(host) => finding
            .about(Facts::Missing(Made::OfHost))
            .fix(secret_line(world, &host, None, first).pipe(kubectl::apply())),
        None => finding
            .about(Facts::Missing(Made::OfPair))
            .fix(make(kubectl::create_pair(first, name.as_str()))),
    }
}

fn denied(server: &TlsServer<'_>, credential: &Credential<'_>, namespace: &str, pods: &[String]) -> Finding {
    Finding::new(
        &CREDENTIAL_NAMESPACE_DENIED,
        server.place(&credential.field),
        format!(
            "\"{}\" is a secret in namespace {namespace}, but the gateway's pods run in {}",
            credential.written,
            pods.join(" and ")
        ),
    )
    .fix(format!(
        "create the Secret in namespace {} and set credentialName: {}",
        pods.first().map_or("istio-system", String::as_str),
        credential.name
    ))
}

/// The names of the Secrets in the namespace of the gateway's pods.
fn known_names<'a>(world: &'a World<'_>) -> Index<'a> {
    let own = world.secrets.iter();
    own.filter(|secret| secret.namespace == world.pod_namespace())
        .map(|secret| secret.metadata.name.as_str())
        .collect()
}

/// Every path of a certificate, key, CA or CRL is a file in the gateway's pods.
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
                    found.push(
                        Finding::new(
                            &CREDENTIAL_FILE_NOT_MOUNTED,
                            server.place(&file.field),
                            format!("{deployment} mounts no volume at {}", file.path),
                        )
                        .about(Facts::Unmounted(vec![file.path.clone()])),
                    );
                } else if let Some((secret, _)) = &file.leads_to
                    && world.is_unread("Secret", world.pod_namespace(), secret)
                {
                    // Its keys are unknown.
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
                "{} maps to key {key} of secret {namespace}/{secret}, which has no such key",
                file.path
            ),
            format!("add the key {key} to the Secret, or correct the path"),
        )
    } else {
        (
            format!(
                "{} maps to key {key} of secret {namespace}/{secret}, which does not exist",
                file.path
            ),
            format!(
                "create the Secret {namespace}/{secret} with the key {key}, or refer to the certificate's Secret with credentialName"
            ),
        )
    };
    let finding = Finding::new(&CREDENTIAL_FILE_MISSING, server.place(&file.field), what)
        .fix(fix)
        .about(Facts::Secrets(vec![secret.clone()]));
    let is_sure = file.secret_is_there || INSTALLED_MOUNTS.contains(&secret.as_str());
    found.push(if is_sure {
        finding
    } else {
        finding.severity(Severity::Info).why(
            "by convention, Secret istio-NAME is mounted at /etc/istio/NAME; if the gateway's Deployment mounts a different Secret there, this is not a problem",
        )
    });
}

/// The Secrets that Istio's installation mounts, for certificates and for CAs.
const INSTALLED_MOUNTS: [&str; 2] = ["istio-ingressgateway-certs", "istio-ingressgateway-ca-certs"];

/// Every reference to a Secret has the same form.
struct OneSpelling;

impl Rule for OneSpelling {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CREDENTIAL_TWO_SPELLINGS]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        // By pods, because each gateway requests its own Secrets.
        let mut short: HashMap<(&Pods, &str), &TlsServer<'_>> = HashMap::new();
        let mut long = Vec::new();
        for server in &world.credentials().servers {
            // For the Gateway API, Istio writes the references out itself.
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
                            "\"{}\" is the same secret as \"{}\" in {}",
                            credential.written,
                            credential.name,
                            other.called()
                        ),
                    )
                    .fix(format!("credentialName: {}", credential.name)),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
