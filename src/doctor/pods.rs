//! Whether the gateway's pods are running, and where.

use std::collections::BTreeSet;

use time::Duration;

use super::causes::{Causes, skip_all, skip_for};
use super::control_plane::{field, object};
use super::facts::{Facts, Labels, OfApi, PROXY, Pod, selector_words, some_of, title};
use super::kube_gateways::made_name;
use crate::lint::codes::{
    GATEWAY_POD_RESTARTS, GATEWAY_POD_WITHOUT_PROXY, GATEWAY_PODS_ELSEWHERE, GATEWAY_PODS_MISSING,
    GATEWAY_PODS_NOT_READY, POD_WAITS_FOR_SECRET,
};
use crate::lint::{self, Finding, Findings, Severity};
use crate::manifests::model::Gateway;
use crate::remedy::{Kind, Remedy, kubectl, other, ours};

/// A container that terminated within this time was restarted recently.
const LATELY: Duration = Duration::hours(1);
/// A container with this many restarts is reported regardless of when they happened.
const OFTEN: u32 = 10;

pub(super) fn check(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    if let Err(reason) = &facts.pods {
        let codes = [
            &GATEWAY_PODS_MISSING,
            &GATEWAY_PODS_ELSEWHERE,
            &GATEWAY_PODS_NOT_READY,
            &GATEWAY_POD_RESTARTS,
            &GATEWAY_POD_WITHOUT_PROXY,
            &POD_WAITS_FOR_SECRET,
        ];
        skip_all(found, &codes, reason);
        return;
    }
    selectors(facts, causes, found);
    elsewhere(facts, causes, found);
    let pods = facts.gateway_pods();
    for pod in pods.iter().filter(|pod| pod.proxy().is_none()) {
        found.push(Finding::new(
            &GATEWAY_POD_WITHOUT_PROXY,
            object(&pod.title()),
            format!("{} has the gateway's labels but no container {PROXY}", pod.title()),
        ));
    }
    let gateways: Vec<&Pod> = pods.into_iter().filter(|pod| pod.proxy().is_some()).collect();
    readiness(facts, &gateways, causes, found);
    for pod in gateways {
        restarts(facts, pod, found);
    }
}

/// Every Gateway has pods.
fn selectors(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    for (gateway, selector) in facts.selectors() {
        if !facts.pods_of(selector).is_empty() {
            continue;
        }
        if let Some(cause) = causes.pods.filter(|cause| *cause != GATEWAY_PODS_MISSING.id) {
            skip_for(found, &GATEWAY_PODS_MISSING, &facts.found_namespace, cause);
            continue;
        }
        causes.pods = Some(GATEWAY_PODS_MISSING.id);
        let words = selector_words(selector);
        let (place, whose) = match gateway.map(title) {
            Some(title) => (field(&title, "spec.selector"), format!("{title}'s selector")),
            None => (object(""), "the ingress gateway".to_owned()),
        };
        let seen = match &facts.unseen_pods {
            None => "the cluster".to_owned(),
            // Whether other namespaces have them is unknown, and reported below.
            Some(_) => format!("namespace {}", facts.pod_namespace),
        };
        let mut finding = Finding::new(
            &GATEWAY_PODS_MISSING,
            place,
            format!("no pod in {seen} has the labels of {whose}, {words}"),
        );
        if let Some(reason) = &facts.unseen_pods {
            finding.why = format!("{}\nother namespaces were not searched: {reason}", finding.why);
        }
        if let Some(fix) = by_deployment(facts, selector) {
            found.push(finding.fix(fix));
            continue;
        }
        if let (Some(of_api), Some(gateway)) = (&facts.of_api, gateway) {
            found.push(finding.fix(of_istiod(facts, of_api, gateway)));
            continue;
        }
        found.push(
            finding.fix(match meant(facts, selector) {
                Some((pod, labels)) => Remedy::from(format!(
                    "the gateway pod {}/{} has {labels}: use that as the selector, or add the label to its pods",
                    pod.namespace, pod.name
                )),
                None => Remedy::from("install the ingress gateway (")
                    .and(other::istioctl_install())
                    .and(", or the Helm chart istio/gateway); ")
                    .and(kubectl::get(&["pods", "-A", "--show-labels"]))
                    .and(format!(" shows whether there are pods with labels other than {words}")),
            }),
        );
    }
}

/// The remedy if there is a Deployment for such pods, but no pods.
fn by_deployment(facts: &Facts, selector: &Labels) -> Option<Remedy> {
    let mut deployments = facts.deployments.as_deref().unwrap_or_default().iter();
    let deployment = deployments.find(|deployment| {
        let labels = &deployment.spec.template.metadata.labels;
        !selector.is_empty() && selector.iter().all(|(label, value)| labels.get(label) == Some(value))
    })?;
    let (namespace, name) = (&facts.found_namespace, &deployment.metadata.name);
    let deployment = format!("deployment/{name}");
    Some(if facts.replicas.get(name) == Some(&0) {
        let words = ["scale", &deployment, "--replicas=1"];
        Remedy::from("it is scaled to 0: ").and(kubectl::within(namespace, Kind::KubectlScale, &words))
    } else {
        Remedy::from(kubectl::describe(namespace, &[&deployment])).and(" shows why it has no pods")
    })
}

/// The origin of the pods of a Gateway of the Gateway API.
fn of_istiod(facts: &Facts, of_api: &OfApi, gateway: &Gateway) -> Remedy {
    let (namespace, name) = (gateway.metadata.namespace_or("default"), &gateway.metadata.name);
    match &of_api.service {
        Some(service) => {
            let line = kubectl::get_in(&facts.found_namespace, &["service", service, "-o", "wide"]);
            Remedy::from(line).and(" shows which pods the Service in the Gateway's spec.addresses selects")
        }
        None => Remedy::from(format!(
            "istiod creates the Deployment {namespace}/{} for the Gateway: ",
            made_name(name, &of_api.class)
        ))
        .and(kubectl::api_gateway(namespace, name))
        .and(" shows its status, and ")
        .and(kubectl::logs_of_istiod(facts.control_plane_namespace()))
        .and(" shows what prevents it"),
    }
}

/// A pod that is probably the intended one, and those of its labels that the selector has.
fn meant<'f>(facts: &'f Facts, selector: &Labels) -> Option<(&'f Pod, String)> {
    let pods = facts.pods.as_deref().unwrap_or_default().iter();
    let mut gateways = pods.filter(|pod| pod.namespace == facts.pod_namespace && pod.proxy().is_some());
    gateways.find_map(|pod| {
        let named = selector.keys().map(String::as_str).chain(["istio"]);
        let labels: Labels = named
            .filter_map(|name| Some((name.to_owned(), pod.labels.get(name)?.clone())))
            .collect();
        (!labels.is_empty()).then(|| (pod, selector_words(&labels)))
    })
}

/// The pods run in the namespace of the workspace's Secrets.
fn elsewhere(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    // A Gateway of the Gateway API has its pods in its own namespace.
    if facts.found_namespace == facts.pod_namespace || !facts.is_elsewhere || facts.of_api.is_some() {
        return;
    }
    let pods = facts.gateway_pods();
    let Some(pod) = pods.first() else { return };
    let (expected, there) = (&facts.pod_namespace, &facts.found_namespace);
    let names: Vec<String> = pods.iter().map(|pod| pod.name.clone()).collect();
    causes.rights.get_or_insert(GATEWAY_PODS_ELSEWHERE.id);
    let finding = Finding::new(
        &GATEWAY_PODS_ELSEWHERE,
        object(&pod.title()),
        format!(
            "the gateway's pods ({}) run in namespace {there}, not in {expected}",
            some_of(&names)
        ),
    );
    found.push(if facts.workspace {
        finding.fix(
            Remedy::from(format!(
                "set podNamespace: {there} under gateway in istio-tls.yaml, then "
            ))
            .and(ours::apply())
            .and(format!("; or, for one command, --gateway-namespace {there}")),
        )
    } else {
        finding.fix(format!("--gateway-namespace {there}"))
    });
}

fn readiness(facts: &Facts, pods: &[&Pod], causes: &mut Causes, found: &mut Findings) {
    let unready: Vec<&Pod> = pods.iter().copied().filter(|pod| !pod.ready).collect();
    let Some(first) = unready.first() else { return };
    let none_ready = unready.len() == pods.len();
    let severity = if none_ready { Severity::Error } else { Severity::Warning };
    let waited_for: BTreeSet<&str> = unready.iter().flat_map(|pod| missing_secrets(facts, pod)).collect();
    let names: Vec<String> = unready.iter().map(|pod| pod.name.clone()).collect();
    let namespace = &first.namespace;
    if let Some(secret) = waited_for.first() {
        if none_ready {
            causes.pods = Some(POD_WAITS_FOR_SECRET.id);
        }
        for secret in &waited_for {
            causes.secrets.insert((*secret).to_owned(), POD_WAITS_FOR_SECRET.id);
        }
        let secrets: Vec<&str> = waited_for.iter().copied().collect();
        let finding = Finding::new(
            &POD_WAITS_FOR_SECRET,
            field(&first.title(), "spec.volumes"),
            format!(
                "{} cannot start: its volumes need the Secret {}, which does not exist in namespace {namespace}",
                some_of(&names),
                some_of(&secrets)
            ),
        );
        let all = secrets.iter().map(|name| (*name).to_owned()).collect();
        let finding = finding.about(lint::Facts::Secrets(all));
        found.push(finding.severity(severity).fix(if facts.workspace {
            ours::fix_or_apply().and(format!(", creates {namespace}/{secret} if the workspace has it"))
        } else {
            Remedy::from(kubectl::create_pair(namespace.as_str(), *secret)).and(", or mark the volume as optional")
        }));
        return;
    }
    if none_ready {
        causes.pods = Some(GATEWAY_PODS_NOT_READY.id);
    }
    let why: Vec<String> = unready
        .iter()
        .take(5)
        .map(|pod| format!("{}: {}", pod.name, state(pod)))
        .collect();
    let what = if none_ready {
        format!("no gateway pod is ready: {}", some_of(&names))
    } else {
        format!(
            "{} of {} gateway pods are not ready: {}",
            names.len(),
            pods.len(),
            some_of(&names)
        )
    };
    found.push(
        Finding::new(&GATEWAY_PODS_NOT_READY, object(&first.title()), what)
            .severity(severity)
            .why(why.join("\n"))
            .fix(
                Remedy::from(kubectl::describe(namespace, &["pod", &first.name]))
                    .and(", and ")
                    .and(kubectl::logs(namespace, &[&first.name, "-c", PROXY])),
            ),
    );
}

/// Secrets that a pod needs to start and that are known to be missing.
fn missing_secrets<'f>(facts: &Facts, pod: &'f Pod) -> Vec<&'f str> {
    let needed = pod.secret_volumes.iter().filter(|(_, optional)| !**optional);
    needed
        .map(|(name, _)| name.as_str())
        .filter(|name| matches!(facts.secrets.get(*name), Some(Ok(false))))
        .collect()
}

/// Why a pod is not ready, as far as reported.
fn state(pod: &Pod) -> String {
    let waiting = pod.containers.iter().find_map(|container| {
        let why = container.waiting.as_ref()?;
        Some(format!("container {} is waiting: {why}", container.name))
    });
    waiting.unwrap_or_else(|| {
        let phase = if pod.phase.is_empty() {
            "no phase yet"
        } else {
            &pod.phase
        };
        if pod.message.is_empty() {
            format!("phase {phase}, not Ready")
        } else {
            format!("phase {phase}, {}", pod.message)
        }
    })
}

fn restarts(facts: &Facts, pod: &Pod, found: &mut Findings) {
    for container in &pod.containers {
        let lately = container
            .ended
            .as_ref()
            .is_some_and(|(time, _)| facts.now - *time < LATELY);
        if container.restarts == 0 || !(lately || container.restarts >= OFTEN) {
            continue;
        }
        let why = match &container.ended {
            Some((time, reason)) => format!(
                "it last terminated at {} ({reason}); each restart breaks connections",
                crate::certs::times::rfc3339(*time)
            ),
            None => "each restart breaks connections".to_owned(),
        };
        let times = match container.restarts {
            1 => "once".to_owned(),
            many => format!("{many} times"),
        };
        found.push(
            Finding::new(
                &GATEWAY_POD_RESTARTS,
                object(&pod.title()),
                format!("container {} of {} was restarted {times}", container.name, pod.title()),
            )
            .why(why)
            .fix(kubectl::logs(
                &pod.namespace,
                &[&pod.name, "-c", &container.name, "--previous"],
            )),
        );
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use crate::doctor::examine;
    use crate::doctor::facts::Container;
    use crate::doctor::testing::{NOW, assert_one, assert_skipped, change, deployment, of_api, pod};
    use crate::lint::Severity;

    #[test]
    fn a_selector_without_pods_names_the_pod_that_is_meant() {
        let facts = change(|facts| {
            for pod in facts.pods.as_mut().unwrap() {
                pod.labels.insert("istio".into(), "edge".into());
            }
        });
        let finding = assert_one(&facts, "ITL1110", "istio=ingressgateway");
        assert!(finding.fix.contains("has istio=edge"), "{}", finding.fix);
        let none = change(|facts| facts.pods = Ok(Vec::new()));
        let finding = assert_one(&none, "ITL1110", "istio=ingressgateway");
        assert!(finding.fix.contains("install the ingress gateway"), "{}", finding.fix);
        assert_skipped(
            &change(|facts| facts.pods = Err("forbidden".into())),
            "ITL1110",
            "forbidden",
        );
    }

    #[test]
    fn a_deployment_without_pods_is_told_of() {
        let none = |replicas: u64| {
            change(move |facts| {
                facts.pods = Ok(Vec::new());
                facts.deployments = Ok(vec![deployment("edge", "ingressgateway")]);
                facts.replicas.insert("edge".into(), replicas);
            })
        };
        let finding = assert_one(&none(0), "ITL1110", "no pod");
        assert!(
            finding
                .fix
                .ends_with("kubectl -n istio-system scale deployment/edge --replicas=1"),
            "{}",
            finding.fix
        );
        let finding = assert_one(&none(2), "ITL1110", "no pod");
        assert!(finding.fix.contains("describe deployment/edge"), "{}", finding.fix);
        let mut other = none(0);
        other.deployments = Ok(vec![deployment("edge", "another")]);
        let finding = assert_one(&other, "ITL1110", "no pod");
        assert!(finding.fix.contains("install the ingress gateway"), "{}", finding.fix);
    }

    #[test]
    fn pods_that_istiod_makes_are_asked_of_istiod() {
        let mut facts = of_api();
        facts.pods = Ok(Vec::new());
        let finding = assert_one(&facts, "ITL1110", "gateway.networking.k8s.io/gateway-name=edge");
        assert!(
            finding.fix.contains("creates the Deployment web/edge-istio"),
            "{}",
            finding.fix
        );
        facts.of_api.as_mut().unwrap().service = Some("gw".into());
        let finding = assert_one(&facts, "ITL1110", "no pod");
        assert!(
            finding.fix.starts_with("kubectl -n web get service gw"),
            "{}",
            finding.fix
        );
    }

    #[test]
    fn pods_in_another_namespace_are_told_of() {
        let mut facts = change(|facts| {
            facts.pod_namespace = "istio-ingress".into();
        });
        // No namespace was set explicitly.
        assert_eq!(examine(&facts).findings, []);
        facts.is_elsewhere = true;
        let finding = assert_one(&facts, "ITL1111", "run in namespace istio-system, not in istio-ingress");
        assert!(finding.fix.contains("podNamespace: istio-system"), "{}", finding.fix);
    }

    #[test]
    fn a_pod_that_is_not_ready_is_an_error_when_no_other_is() {
        let one = change(|facts| {
            let pods = facts.pods.as_mut().unwrap();
            pods[0].ready = false;
            pods[0].containers[0].waiting = Some("ImagePullBackOff".into());
        });
        let finding = assert_one(&one, "ITL1112", "no gateway pod is ready");
        assert_eq!(finding.severity, Severity::Error);
        assert!(finding.why.contains("ImagePullBackOff"), "{}", finding.why);
        let two = change(|facts| {
            let mut other = pod("other", &[("istio", "ingressgateway"), ("app", "istio-ingressgateway")]);
            other.ready = false;
            facts.pods.as_mut().unwrap().push(other);
        });
        let finding = assert_one(&two, "ITL1112", "1 of 2 gateway pods are not ready: other");
        assert_eq!(finding.severity, Severity::Warning);
        let ending = change(|facts| {
            let mut other = pod("other", &[("istio", "ingressgateway")]);
            (other.ready, other.ending) = (false, true);
            facts.pods.as_mut().unwrap().push(other);
        });
        assert!(examine(&ending).findings.is_empty());
    }

    #[test]
    fn a_pod_that_waits_for_its_secret_is_told_which() {
        let waits = |optional: bool| {
            change(move |facts| {
                facts.secrets.insert("istio-ingressgateway-certs".into(), Ok(false));
                let pods = facts.pods.as_mut().unwrap();
                pods[0].ready = false;
                pods[0]
                    .secret_volumes
                    .insert("istio-ingressgateway-certs".into(), optional);
            })
        };
        let finding = assert_one(&waits(false), "ITL1141", "istio-ingressgateway-certs");
        assert!(finding.fix.contains("istio-tls apply"), "{}", finding.fix);
        assert_one(&waits(true), "ITL1112", "no gateway pod");
    }

    #[test]
    fn restarts_of_late_or_of_often_are_told() {
        let ended = |restarts, before: Duration| {
            change(move |facts| {
                facts.pods.as_mut().unwrap()[0].containers[0] = Container {
                    name: "istio-proxy".into(),
                    restarts,
                    ended: Some((NOW - before, "OOMKilled, exit code 137".into())),
                    waiting: None,
                };
            })
        };
        let finding = assert_one(&ended(1, Duration::minutes(5)), "ITL1113", "restarted once");
        assert!(finding.why.contains("OOMKilled"), "{}", finding.why);
        assert_one(&ended(12, Duration::days(9)), "ITL1113", "12 times");
        assert!(examine(&ended(2, Duration::days(9))).findings.is_empty());
    }

    #[test]
    fn a_pod_without_the_proxy_is_no_gateway() {
        let facts = change(|facts| {
            let mut other = pod("web", &[("istio", "ingressgateway"), ("app", "istio-ingressgateway")]);
            other.containers[0].name = "web".into();
            facts.pods.as_mut().unwrap().push(other);
        });
        assert_one(&facts, "ITL1114", "Pod istio-system/web");
    }
}
