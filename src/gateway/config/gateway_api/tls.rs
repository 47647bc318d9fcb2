//! The TLS settings of a listener (istiod's `buildTLS`): its certificates, Istio's
//! options, and the Gateway's `spec.tls.frontend`, by which clients are verified.

use serde_json::Value;

use super::grants::{Grants, Reference};
use super::kube::Stored;
use crate::certs::key;
use crate::certs::pem::envoy::{Use, certificates};
use crate::manifests::gateway_api::{CIPHER_SUITES, Listener, TERMINATE_MODE, list, text};
use crate::manifests::model::gateway::{ServerTlsSettings, TlsMode};
use crate::problem::Problem;
use crate::secrets::reference::{granted_secret, in_config_map};
use crate::secrets::{SecretData, SecretStore};

/// How many certificates Istio takes for a listener.
const CERTIFICATES: usize = 2;
/// Istio's option for what a listener speaks.
const LISTENER_PROTOCOL: &str = "gateway.istio.io/listener-protocol";

/// Why a listener cannot speak TLS; Istio serves it then not at all.
pub(super) enum Flaw {
    /// What it needs is not there, or not for it.
    Missing(Box<Problem>),
    /// A Secret that is there is broken.
    Broken {
        problem: Box<Problem>,
        namespace: String,
        name: String,
    },
}

/// What a listener's TLS settings are read with.
pub(super) struct Reader<'r> {
    /// The Gateway or ListenerSet.
    pub(super) holder: &'r Stored<'r>,
    /// The Gateway that has `spec.tls.frontend`.
    pub(super) gateway: &'r Stored<'r>,
    pub(super) listener: Listener<'r>,
    pub(super) grants: &'r Grants,
    pub(super) store: &'r SecretStore<'r>,
}

/// A Secret or ConfigMap that a field refers to.
struct Named<'r> {
    kind: &'r str,
    namespace: &'r str,
    name: &'r str,
}

impl<'r> Named<'r> {
    /// None for a group of other kinds.
    fn of(reference: &'r Value, own: &'r str) -> Option<Self> {
        text(reference.get("group")).is_none().then(|| Self {
            kind: text(reference.get("kind")).unwrap_or("Secret"),
            namespace: text(reference.get("namespace")).unwrap_or(own),
            name: text(reference.get("name")).unwrap_or_default(),
        })
    }
}

impl Reader<'_> {
    /// The listener's settings; none for one without `tls`.
    pub(super) fn read(&self) -> Result<Option<ServerTlsSettings>, Flaw> {
        let Some(tls) = self.listener.tls() else {
            return Ok(None);
        };
        let option = |name: &str| text(tls.get("options").and_then(|options| options.get(name)));
        let mut settings = ServerTlsSettings::default();
        if text(tls.get("mode")) == Some("Passthrough") {
            let automatic = option(LISTENER_PROTOCOL) == Some("auto-passthrough");
            settings.mode = Some(if automatic {
                TlsMode::AutoPassthrough
            } else {
                TlsMode::Passthrough
            });
        } else {
            let asked = match option(TERMINATE_MODE) {
                Some("ISTIO_MUTUAL") => {
                    settings.mode = Some(TlsMode::IstioMutual);
                    return Ok(Some(settings));
                }
                Some("ISTIO_SIMPLE") => {
                    settings.mode = Some(TlsMode::Simple);
                    settings.credential_name = Some("builtin://".to_owned());
                    return Ok(Some(settings));
                }
                Some("MUTUAL") => Some(TlsMode::Mutual),
                Some("OPTIONAL_MUTUAL") => Some(TlsMode::OptionalMutual),
                _ => None,
            };
            settings.mode = Some(asked.unwrap_or(TlsMode::Simple));
            let mut names = self.certificates(tls)?;
            if names.len() > 1 {
                settings.credential_names = names;
            } else {
                settings.credential_name = names.pop();
            }
            // Without a certificate Istio looks at nothing else.
            if settings.credential_name.is_some() || !settings.credential_names.is_empty() {
                self.verify_clients(asked, &mut settings)?;
            }
        }
        if let Some(suites) = option(CIPHER_SUITES) {
            settings.cipher_suites = suites.split(',').map(|suite| suite.trim().to_owned()).collect();
        }
        Ok(Some(settings))
    }

    fn flaw(&self, field: &str, why: impl Into<String>) -> Flaw {
        Flaw::Missing(Box::new(
            Problem::new(self.left_out())
                .at(self.holder.kube.place(&self.listener.path(field)))
                .why(why),
        ))
    }

    fn left_out(&self) -> String {
        left_out(self.holder, self.listener)
    }

    /// Names of the certificates that may be used; an error if there are some and none may.
    fn certificates(&self, tls: &Value) -> Result<Vec<String>, Flaw> {
        let references: Vec<&Value> = list(tls.get("certificateRefs")).collect();
        if references.len() > CERTIFICATES {
            let why = format!("Istio takes {CERTIFICATES} certificates for a listener");
            return Err(self.flaw("tls.certificateRefs", why));
        }
        let mut names = Vec::new();
        let mut first_flaw = None;
        for (index, reference) in references.into_iter().enumerate() {
            match self.certificate(reference, &format!("tls.certificateRefs[{index}]")) {
                Ok(name) => names.push(name),
                Err(flaw) => first_flaw = first_flaw.or(Some(flaw)),
            }
        }
        match first_flaw {
            Some(flaw) if names.is_empty() => Err(flaw),
            _ => Ok(names),
        }
    }

    fn certificate(&self, reference: &Value, field: &str) -> Result<String, Flaw> {
        let own = self.holder.kube.namespace;
        let named = Named::of(reference, own).filter(|named| named.kind == "Secret");
        let Some(named) = named else {
            return Err(self.flaw(field, "Istio takes certificates from Secrets only"));
        };
        let hosts: Vec<String> = self.listener.text("/hostname").map(str::to_owned).into_iter().collect();
        let found = self.store.find_in(named.namespace, named.name, &hosts);
        let broken = |problem: Problem| Flaw::Broken {
            problem: Box::new(problem),
            namespace: named.namespace.to_owned(),
            name: named.name.to_owned(),
        };
        let Some(secret) = found.map_err(broken)? else {
            let why = format!("there is no Secret {} in namespace {}", named.name, named.namespace);
            return Err(self.flaw(&format!("{field}.name"), why));
        };
        check_pair(&secret).map_err(broken)?;
        self.check_grant(&named, field)?;
        Ok(granted_secret(named.namespace, named.name))
    }

    fn check_grant(&self, named: &Named<'_>, field: &str) -> Result<(), Flaw> {
        let reference = Reference {
            from: self.holder.kube.kind(),
            from_namespace: self.holder.kube.namespace,
            kind: named.kind,
            namespace: named.namespace,
            name: named.name,
        };
        if self.grants.allow(&reference) {
            return Ok(());
        }
        Err(self.flaw(&format!("{field}.namespace"), reference.refused()))
    }

    /// Takes over the Gateway's `spec.tls.frontend` for the listener's port.
    fn verify_clients(&self, asked: Option<TlsMode>, settings: &mut ServerTlsSettings) -> Result<(), Flaw> {
        let Some((validation, path)) = self.validation() else {
            return Ok(());
        };
        let references: Vec<&Value> = list(validation.get("caCertificateRefs")).collect();
        let reference = match references.as_slice() {
            [] => return Ok(()),
            [only] => *only,
            _ => return Err(self.gateway_flaw(&path, "Istio takes one CA reference")),
        };
        let path = format!("{path}[0]");
        let named = Named::of(reference, self.holder.kube.namespace);
        let named = named.filter(|named| matches!(named.kind, "Secret" | "ConfigMap"));
        let Some(named) = named else {
            return Err(self.gateway_flaw(&path, "Istio takes CAs from ConfigMaps and Secrets only"));
        };
        let found = if named.kind == "Secret" {
            self.store.find_in(named.namespace, named.name, &[])
        } else {
            let key = (named.namespace.to_owned(), named.name.to_owned());
            Ok(self.store.config_maps.get(&key).cloned())
        };
        let broken = |problem: Problem| Flaw::Broken {
            problem: Box::new(problem),
            namespace: named.namespace.to_owned(),
            name: named.name.to_owned(),
        };
        let Some(holder) = found.map_err(broken)? else {
            let why = format!(
                "there is no {} {} in namespace {}",
                named.kind, named.name, named.namespace
            );
            return Err(self.gateway_flaw(&format!("{path}.name"), why));
        };
        let authorities = holder.authorities().map_err(broken)?.authorities;
        certificates(&authorities.content, &authorities.name, Use::Authorities)
            .map_err(|problem| broken(authorities.locate(problem)))?;
        self.check_grant(&named, &path)?;
        let is_insecure = text(validation.get("mode")) == Some("AllowInsecureFallback");
        settings.mode = asked.or(Some(if is_insecure {
            TlsMode::OptionalMutual
        } else {
            TlsMode::Mutual
        }));
        settings.insecure_skip_verify = Some(is_insecure && asked.is_none());
        settings.ca_cert_credential_name = Some(if named.kind == "Secret" {
            granted_secret(named.namespace, &format!("{}-cacert", named.name))
        } else {
            in_config_map(named.namespace, named.name)
        });
        Ok(())
    }

    /// What holds for clients of the listener's port, and the path of its CA references.
    fn validation(&self) -> Option<(&Value, String)> {
        let frontend = self.gateway.content.pointer("/spec/tls/frontend")?;
        let of_port = list(frontend.get("perPort")).enumerate();
        let mut of_port = of_port.filter(|(_, one)| one.get("port").and_then(Value::as_u64) == self.listener.port());
        let (tls, path) = match of_port.next() {
            Some((index, one)) => (one.get("tls"), format!("perPort[{index}].tls")),
            None => (frontend.get("default"), "default".to_owned()),
        };
        let path = format!("spec.tls.frontend.{path}.validation.caCertificateRefs");
        Some((tls?.get("validation").filter(|value| value.is_object())?, path))
    }

    fn gateway_flaw(&self, path: &str, why: impl Into<String>) -> Flaw {
        let problem = Problem::new(self.left_out()).at(self.gateway.kube.place(path));
        Flaw::Missing(Box::new(problem.why(why)))
    }
}

/// That a listener is not served, in words.
pub(super) fn left_out(holder: &Stored<'_>, listener: Listener<'_>) -> String {
    format!("listener {} of {} is left out", listener.name(), holder.kube.title())
}

/// Whether a Secret holds a certificate and its key, as Go's TLS library wants them.
fn check_pair(secret: &SecretData) -> Result<(), Problem> {
    let pair = secret.key_pair()?;
    let (certificate, key) = (pair.certificate, pair.key);
    let chain = certificates(&certificate.content, &certificate.name, Use::Chain)
        .map_err(|problem| certificate.locate(problem))?;
    let private = key::of_gateway(&key.content, &key.name).map_err(|problem| key.locate(problem))?;
    if chain.list.first().is_some_and(|(_, leaf)| private.fits(leaf)) {
        return Ok(());
    }
    Err(key.locate(Problem::new(format!(
        "the key in {} does not belong to the certificate in {}",
        key.name, certificate.name
    ))))
}
