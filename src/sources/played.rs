//! Which gateway is played: its pods' labels decide which Gateways apply, and their namespace
//! decides which Secrets are read. It is derived from the input's workloads and selectors, unless
//! the user sets it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Collected;
use crate::manifests::gateway_api as api;
use crate::manifests::load::Object;
use crate::manifests::model::deployment::PodTemplate;
use crate::manifests::model::{Manifest, Other, gateway};
use crate::problem::Problem;
use crate::secrets::reference::CredentialName;

/// Labels of pods, or a selector for them.
type Labels = BTreeMap<String, String>;

/// The gateway that the user wants to play.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum GatewayChoice {
    /// The one in the input.
    #[default]
    OfInput,
    /// `--gateway`: the pods of this object (Deployment, DaemonSet, Pod, Service, Gateway of
    /// the Gateway API ...).
    Named {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// `--selector`: pods with these labels.
    Labelled(Labels),
}

impl GatewayChoice {
    /// Parses `NAMESPACE/NAME`.
    ///
    /// # Errors
    /// If it has another form.
    pub fn named(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').filter(|(namespace, name)| {
            let is_part = |part: &str| !part.is_empty() && !part.contains('/');
            is_part(namespace) && is_part(name)
        });
        let (namespace, name) = parts.ok_or("expected NAMESPACE/NAME, such as istio-ingress/istio-ingress")?;
        Ok(Self::Named {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Parses `a=b,c=d`.
    ///
    /// # Errors
    /// If it has another form.
    pub fn labelled(text: &str) -> Result<Self, String> {
        let pair = |pair: &str| {
            let (label, value) = pair.split_once('=')?;
            let label = label.trim();
            (!label.is_empty()).then(|| (label.to_owned(), value.trim().to_owned()))
        };
        let labels: Option<Labels> = text.split(',').map(pair).collect();
        let labels = labels.ok_or("expected LABEL=VALUE[,LABEL=VALUE], such as istio=ingress")?;
        Ok(Self::Labelled(labels))
    }
}

/// A gateway that can be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// The labels of its pods.
    pub labels: Labels,
    /// Their namespace.
    pub namespace: String,
    /// The object that manages them: `Deployment istio-ingress/istio-ingress`, or the Gateway of
    /// the Gateway API for which istiod creates them. None if the input has no such object; in that
    /// case, only the Secrets of their Gateways may show their namespace.
    pub workload: Option<String>,
}

impl Played {
    /// Its description in words.
    pub fn words(&self) -> String {
        let labels = words_of(&self.labels);
        match &self.workload {
            Some(workload) => format!("{workload} ({labels})"),
            None => format!("pods labelled {labels} in namespace {}", self.namespace),
        }
    }
}

fn words_of(labels: &Labels) -> String {
    let words: Vec<String> = labels
        .iter()
        .map(|(label, value)| format!("{label}: {value}"))
        .collect();
    words.join(", ")
}

impl Collected<'_> {
    /// Uses the chosen gateway's labels, namespace and mounts for the gateway's pods.
    /// `keeps_namespace` means that the user set their namespace. Returns the gateway if it is not
    /// Istio's default.
    ///
    /// # Errors
    /// If the input does not have the given one, or has several and no flag selects one.
    pub fn play(&mut self, choice: &GatewayChoice, keeps_namespace: bool) -> Result<Option<Played>, Problem> {
        let Some(mut played) = self.choose(choice, keeps_namespace)? else {
            return Ok(None);
        };
        let is_usual = *choice == GatewayChoice::OfInput && self.is_usual(&played.labels);
        if is_usual && played.namespace == self.store.namespace {
            // Its labels are already known, including those of Istio's installation.
            return Ok(None);
        }
        if keeps_namespace {
            played.namespace.clone_from(&self.store.namespace);
        } else if played.namespace != self.store.namespace {
            self.store.namespace.clone_from(&played.namespace);
            self.store.mounts.clear();
            self.index(0, &played.labels);
        }
        self.pod_labels.clone_from(&played.labels);
        Ok(Some(played))
    }

    fn choose(&self, choice: &GatewayChoice, keeps_namespace: bool) -> Result<Option<Played>, Problem> {
        let workloads = self.workloads();
        match choice {
            GatewayChoice::OfInput if self.store.in_cluster => Ok(None),
            GatewayChoice::OfInput => self.of_input(workloads, keeps_namespace),
            GatewayChoice::Named { namespace, name } => self.named(namespace, name, &workloads).map(Some),
            GatewayChoice::Labelled(labels) => {
                let of_cluster = self.store.in_cluster && matches(labels, &self.pod_labels);
                let all = workloads.iter().cloned().chain(self.of_gateway_api(&workloads));
                let mut found = all.filter(|played| matches(labels, &played.labels));
                let found = found.next().unwrap_or_else(|| {
                    let labels = if of_cluster { &self.pod_labels } else { labels };
                    self.without_workload(labels)
                });
                Ok(Some(found))
            }
        }
    }

    /// The pods of all objects in the input that manage some.
    fn workloads(&self) -> Vec<Played> {
        let played = |object: &Object| {
            let template = PodTemplate::of(&object.manifest)?;
            Some(Played {
                labels: template.metadata.labels.clone(),
                namespace: object.manifest.metadata().namespace_or(&self.namespace).to_owned(),
                workload: Some(object.manifest.title(&self.namespace)),
            })
        };
        self.objects.iter().filter_map(played).collect()
    }

    /// The pods of the Gateways of the Gateway API whose class is Istio's: those that istiod
    /// makes, or those of the Service that `spec.addresses` names.
    fn of_gateway_api(&self, workloads: &[Played]) -> Vec<Played> {
        let others = || {
            self.objects.iter().filter_map(|object| match &object.manifest {
                Manifest::Other(other) => Some(other),
                _ => None,
            })
        };
        let classes: Vec<&Other> = others().filter(|other| api::is_of(other, "GatewayClass")).collect();
        let gateways = others().filter(|other| {
            let class = api::class(&other.content);
            let listed = classes.iter().filter(|one| one.metadata.name == class);
            let listed: Vec<Value> = listed.map(|one| one.content.clone()).collect();
            api::is_of(other, "Gateway") && api::is_of_istio(class, (!listed.is_empty()).then_some(&listed))
        });
        gateways
            .map(|gateway| {
                let namespace = gateway.metadata.namespace_or(&self.namespace);
                match api::service(&gateway.content, namespace) {
                    None => Played {
                        labels: api::made_labels(&gateway.content),
                        namespace: namespace.to_owned(),
                        workload: Some(format!("Gateway {namespace}/{}", gateway.metadata.name)),
                    },
                    Some((name, of)) => self.of_service(&name, &of, workloads),
                }
            })
            .collect()
    }

    /// The pods of a Service; where it is not in the input, Istio's own.
    fn of_service(&self, name: &str, namespace: &str, workloads: &[Played]) -> Played {
        let mut services = self.objects.iter().filter_map(|object| match &object.manifest {
            Manifest::Service(service)
                if service.metadata.name == name && service.metadata.namespace_or(&self.namespace) == namespace =>
            {
                Some(&service.spec.selector)
            }
            _ => None,
        });
        let selector = services.next().unwrap_or(&self.pod_labels);
        let mut there = workloads.iter().filter(|played| played.namespace == namespace);
        let found = there.find(|played| matches(selector, &played.labels)).cloned();
        found.unwrap_or_else(|| Played {
            namespace: namespace.to_owned(),
            ..self.without_workload(selector)
        })
    }

    fn gateways(&self) -> impl Iterator<Item = &gateway::Gateway> {
        self.objects.iter().filter_map(|object| match &object.manifest {
            Manifest::Gateway(gateway) => Some(gateway),
            _ => None,
        })
    }

    /// The selectors of the input's Gateways, each once; empty ones are ignored.
    fn selectors(&self) -> BTreeSet<&Labels> {
        let selectors = self.gateways().map(|gateway| &gateway.spec.selector);
        selectors.filter(|selector| !selector.is_empty()).collect()
    }

    /// The gateway derived from the input's workloads and selectors. None means Istio's default
    /// ingress gateway.
    fn of_input(&self, workloads: Vec<Played>, keeps_namespace: bool) -> Result<Option<Played>, Problem> {
        let selectors = self.selectors();
        let selected = |played: &Played| selectors.iter().any(|selector| matches(selector, &played.labels));
        let of_gateway_api = self.of_gateway_api(&workloads);
        let mut candidates: Vec<Played> = workloads.into_iter().filter(selected).collect();
        candidates.extend(of_gateway_api);
        let unmet = selectors.iter().filter(|selector| {
            let mut known = candidates.iter();
            !known.any(|played| matches(selector, &played.labels))
        });
        let (assumed, elsewhere): (Vec<&&Labels>, Vec<&&Labels>) =
            unmet.partition(|selector| matches(selector, &self.pod_labels));
        let widest = |selector: &&&&Labels| {
            !elsewhere
                .iter()
                .any(|other| other != *selector && matches(selector, other))
        };
        let elsewhere: Vec<Played> = (elsewhere.iter().filter(widest))
            .map(|selector| self.without_workload(selector))
            .collect();
        candidates.extend(elsewhere);
        if candidates.is_empty() {
            return Ok(None);
        }
        if keeps_namespace {
            let there = candidates.iter().any(|played| played.namespace == self.store.namespace);
            candidates.retain(|played| !there || played.namespace == self.store.namespace);
        }
        // Replicas of one gateway do not differ in relevant fields.
        let mut seen = BTreeSet::new();
        candidates.retain(|played| seen.insert((played.labels.clone(), played.namespace.clone())));
        if candidates.len() == 1 && assumed.is_empty() {
            return Ok(candidates.pop());
        }
        let mut of_istio = candidates.iter().filter(|played| self.is_usual(&played.labels));
        match (of_istio.next(), of_istio.next()) {
            (Some(only), None) => Ok(Some(only.clone())),
            (None, _) if !assumed.is_empty() => Ok(None),
            _ => Err(several(&candidates)),
        }
    }

    /// Whether the labels belong to the gateway that Istio installs, or to the workspace's.
    fn is_usual(&self, labels: &Labels) -> bool {
        labels.get("istio") == self.pod_labels.get("istio")
    }

    /// A gateway whose workload is not in the input.
    fn without_workload(&self, labels: &Labels) -> Played {
        let of_pods = self
            .gateways()
            .filter(|gateway| matches(&gateway.spec.selector, labels));
        let tls = of_pods
            .flat_map(|gateway| &gateway.spec.servers)
            .filter_map(|server| server.tls.as_ref());
        let names: BTreeSet<&str> = tls
            .flat_map(|tls| tls.credential_name.iter().chain(&tls.credential_names))
            .filter_map(|name| match CredentialName::parse(name) {
                CredentialName::Secret { name, .. } => Some(name),
                CredentialName::ConfigMap { .. } | CredentialName::OtherProvider { .. } => None,
            })
            .collect();
        let holding = self
            .store
            .objects
            .keys()
            .filter(|(_, name)| names.contains(name.as_str()));
        let secrets_in: BTreeSet<String> = holding.map(|(namespace, _)| namespace.clone()).collect();
        // The namespace of its pods is not in the input; the Secrets that it needs show it.
        let only = secrets_in.first().filter(|_| secrets_in.len() == 1);
        Played {
            labels: labels.clone(),
            namespace: only.unwrap_or(&self.store.namespace).clone(),
            workload: None,
        }
    }

    fn named(&self, namespace: &str, name: &str, workloads: &[Played]) -> Result<Played, Problem> {
        let is_it = |object: &&Object| {
            let metadata = object.manifest.metadata();
            metadata.name == name && metadata.namespace_or(&self.namespace) == namespace
        };
        let mut services = self
            .objects
            .iter()
            .filter(is_it)
            .filter_map(|object| match &object.manifest {
                Manifest::Service(service) if !service.spec.selector.is_empty() => Some(&service.spec.selector),
                _ => None,
            });
        let title = format!(" {namespace}/{name}");
        let ends = |played: &&Played| (played.workload.as_ref()).is_some_and(|workload| workload.ends_with(&title));
        if let Some(found) = workloads.iter().find(ends) {
            return Ok(found.clone());
        }
        if services.next().is_some() {
            return Ok(self.of_service(name, namespace, workloads));
        }
        let of_gateway_api = self.of_gateway_api(workloads);
        if let Some(found) = of_gateway_api.iter().find(ends) {
            return Ok(found.clone());
        }
        let known: Vec<String> = workloads.iter().chain(&of_gateway_api).map(Played::words).collect();
        let why = if known.is_empty() {
            format!("{} has no workload", self.store.source())
        } else {
            format!("{} has {}", self.store.source(), known.join("; "))
        };
        Err(Problem::new(format!(
            "there is no Deployment, DaemonSet, Pod, Service or Gateway {namespace}/{name} to be played"
        ))
        .why(why)
        .fix("use one of these, or the labels of the gateway's pods: --selector LABEL=VALUE"))
    }
}

/// Whether labels satisfy a selector.
fn matches(selector: &Labels, labels: &Labels) -> bool {
    selector.iter().all(|(label, value)| labels.get(label) == Some(value))
}

fn several(candidates: &[Played]) -> Problem {
    let listed: Vec<String> = candidates.iter().map(Played::words).collect();
    let labels = candidates.first().map(|played| {
        let pairs: Vec<String> = (played.labels.iter())
            .map(|(label, value)| format!("{label}={value}"))
            .collect();
        pairs.join(",")
    });
    Problem::new("the input has Gateways for several gateways, but only one can be played")
        .why(format!("they select {}", listed.join("; ")))
        .fix(format!(
            "say which: --selector {}, or --gateway NAMESPACE/NAME of its Deployment or Gateway",
            labels.unwrap_or_default()
        ))
}

#[cfg(test)]
mod tests {
    use super::GatewayChoice;
    use crate::sources::disk::DiskFiles;
    use crate::sources::{Gone, Sources};

    fn gateway(name: &str, selector: &str) -> String {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {name}, namespace: web}}\nspec:\n  \
             selector: {selector}\n  servers: [{{port: {{number: 443, name: https, protocol: HTTPS}}, hosts: [a.com], \
             tls: {{mode: SIMPLE, credentialName: {name}-tls}}}}]\n"
        )
    }

    fn pods(kind: &str, name: &str, labels: &str) -> String {
        let (namespace, name) = name.split_once('/').unwrap();
        let template = format!("metadata: {{labels: {labels}}}, spec: {{containers: []}}");
        if kind == "Pod" {
            return format!(
                "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, labels: {labels}}}\nspec: {{containers: []}}\n"
            );
        }
        format!(
            "---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{template: {{{template}}}}}\n"
        )
    }

    fn other(kind: &str, name: &str, rest: &str) -> String {
        let (namespace, name) = name.split_once('/').unwrap();
        format!("---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\n{rest}\n")
    }

    /// What is played, in words; `own` is Istio's ingress gateway.
    fn played(yaml: &str, choice: &GatewayChoice, namespace: Option<&str>) -> String {
        let sources = Sources {
            stdin: Some(yaml.as_bytes().to_vec()),
            workspace: std::env::temp_dir().join("no-such-folder"),
            gateway_namespace: namespace.map(str::to_owned),
            ..Sources::default()
        };
        let files = DiskFiles::default();
        let mut collected = sources.collect(&files, Gone::IsError).unwrap();
        match collected.play(choice, namespace.is_some()) {
            Ok(None) => "own".to_owned(),
            Ok(Some(played)) => {
                assert_eq!(
                    (&played.labels, &played.namespace),
                    (&collected.pod_labels, &collected.store.namespace)
                );
                played.words()
            }
            Err(problem) => problem.what + ": " + &problem.why.unwrap_or_default(),
        }
    }

    #[test]
    fn the_inputs_own_workloads_and_selectors_decide() {
        let ingress = gateway("shop", "{istio: ingress}");
        let usual = gateway("usual", "{istio: ingressgateway}");
        let edge = gateway("edge", "{app: edge}");
        let secret = other("Secret", "edge-ns/shop-tls", "data: {}");
        let helm = |kind: &str| {
            pods(
                kind,
                "istio-ingress/istio-ingress",
                "{istio: ingress, app: istio-ingress}",
            )
        };
        for (yaml, expected) in [
            (usual.clone(), "own"),
            (gateway("any", "{}"), "own"),
            (
                ingress.clone() + &helm("Deployment"),
                "Deployment istio-ingress/istio-ingress (app: istio-ingress, istio: ingress)",
            ),
            (
                ingress.clone() + &helm("DaemonSet"),
                "DaemonSet istio-ingress/istio-ingress (app: istio-ingress, istio: ingress)",
            ),
            (
                ingress.clone() + &helm("Pod"),
                "Pod istio-ingress/istio-ingress (app: istio-ingress, istio: ingress)",
            ),
            // Without a workload: the namespace of its Secrets.
            (
                ingress.clone(),
                "pods labelled istio: ingress in namespace istio-system",
            ),
            (
                ingress.clone() + &secret,
                "pods labelled istio: ingress in namespace edge-ns",
            ),
            // A less specific selector matches the same pods.
            (
                ingress.clone() + &gateway("more", "{istio: ingress, app: x}"),
                "pods labelled app: x, istio: ingress in namespace istio-system",
            ),
            // Several: Istio's default, regardless of the namespace of its pods.
            (ingress.clone() + &usual + &helm("Deployment"), "own"),
            (
                ingress.clone() + &usual + &pods("Deployment", "gw/own", "{istio: ingressgateway}"),
                "Deployment gw/own (istio: ingressgateway)",
            ),
            (
                ingress.clone() + &edge,
                "the input has Gateways for several gateways, but only one can be played: they select pods labelled app: edge \
                 in namespace istio-system; pods labelled istio: ingress in namespace istio-system",
            ),
            // Workloads that no Gateway selects are not gateways.
            (usual.clone() + &helm("Deployment"), "own"),
        ] {
            assert_eq!(played(&yaml, &GatewayChoice::OfInput, None), expected, "{yaml}");
        }
        let two = ingress + &helm("Deployment") + &pods("Deployment", "other/gw", "{istio: ingress}");
        assert!(played(&two, &GatewayChoice::OfInput, None).contains("several gateways"));
        assert_eq!(
            played(&two, &GatewayChoice::OfInput, Some("other")),
            "Deployment other/gw (istio: ingress)"
        );
    }

    #[test]
    fn a_gateway_is_named_by_its_workload_its_service_or_labels() {
        let yaml = [
            gateway("shop", "{istio: ingress}"),
            gateway("edge", "{app: edge}"),
            pods("DaemonSet", "edge/gw", "{app: edge, x: z}"),
            other("Service", "edge/front", "spec: {selector: {app: edge}}"),
            other("Service", "far/front", "spec: {selector: {app: far}}"),
        ]
        .concat();
        let of = |choice: Result<GatewayChoice, String>| played(&yaml, &choice.unwrap(), None);
        let gw = "DaemonSet edge/gw (app: edge, x: z)";
        assert_eq!(of(GatewayChoice::named("edge/gw")), gw);
        assert_eq!(of(GatewayChoice::named("edge/front")), gw);
        assert_eq!(
            of(GatewayChoice::named("far/front")),
            "pods labelled app: far in namespace far"
        );
        assert_eq!(of(GatewayChoice::labelled("app=edge")), gw);
        assert_eq!(
            of(GatewayChoice::labelled("istio=ingress")),
            "pods labelled istio: ingress in namespace istio-system"
        );
        let refused = of(GatewayChoice::named("edge/nobody"));
        assert!(
            refused.contains("there is no Deployment, DaemonSet, Pod, Service or Gateway edge/nobody"),
            "{refused}"
        );
        assert!(refused.contains(gw), "{refused}");
    }

    #[test]
    fn other_forms_of_the_flags_are_refused() {
        for text in ["", "gw", "/gw", "edge/", "a/b/c"] {
            assert!(GatewayChoice::named(text).is_err(), "{text:?}");
        }
        for text in ["", "app", "=edge", "app=edge,", "app=edge,x"] {
            assert!(GatewayChoice::labelled(text).is_err(), "{text:?}");
        }
    }
}
