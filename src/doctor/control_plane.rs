//! Whether Istio is installed, and its control plane is running.

use super::causes::Causes;
use super::facts::{Facts, some_of};
use crate::lint::codes::{CLUSTER_WITHOUT_ISTIO, ISTIOD_NOT_READY};
use crate::lint::{Finding, Findings, Place, Severity};
use crate::remedy::{Remedy, kubectl, other};

/// Returns whether further checks make sense.
pub(super) fn check(facts: &Facts, causes: &mut Causes, found: &mut Findings) -> bool {
    match &facts.kinds {
        Ok(true) => {}
        Ok(false) => {
            found.push(Finding::new(
                &CLUSTER_WITHOUT_ISTIO,
                Place::default(),
                "the cluster does not have the CRDs of networking.istio.io",
            ));
            return false;
        }
        Err(reason) => found.skip(&CLUSTER_WITHOUT_ISTIO, reason),
    }
    match &facts.istiod {
        Err(reason) => found.skip(&ISTIOD_NOT_READY, reason),
        Ok(pods) if pods.iter().any(|pod| pod.ready && !pod.ending) => {}
        Ok(pods) if pods.is_empty() => found.push(
            Finding::new(
                &ISTIOD_NOT_READY,
                Place::default(),
                "no pod in the cluster has the label app=istiod",
            )
            .severity(Severity::Info)
            .why("istiod distributes Gateways and Secrets to the gateway's pods; unless it runs outside this cluster, nothing does")
            .fix(
                Remedy::from(other::istioctl_install())
                    .and(", or ")
                    .and(kubectl::pods_of_istiod())
                    .and(" to see whether it exists now"),
            ),
        ),
        Ok(pods) => {
            let names: Vec<String> = pods.iter().map(|pod| pod.name.clone()).collect();
            let namespace = &pods[0].namespace;
            causes.control_plane = Some(ISTIOD_NOT_READY.id);
            found.push(
                Finding::new(
                    &ISTIOD_NOT_READY,
                    object(&pods[0].title()),
                    format!("no istiod pod is ready: {}", some_of(&names)),
                )
                .fix(
                    Remedy::from(kubectl::describe(namespace, &["pods", "-l", "app=istiod"]))
                        .and(", and ")
                        .and(kubectl::logs_of_istiod(namespace)),
                ),
            );
        }
    }
    true
}

/// An object as a place.
pub(super) fn object(title: &str) -> Place {
    Place {
        object: title.to_owned(),
        ..Place::default()
    }
}

/// A field of an object as a place.
pub(super) fn field(title: &str, path: &str) -> Place {
    Place {
        path: path.to_owned(),
        ..object(title)
    }
}

#[cfg(test)]
mod tests {
    use crate::doctor::testing::{assert_one, assert_skipped, change, healthy, pod};
    use crate::lint::Severity;

    #[test]
    fn without_istios_kinds_nothing_else_is_looked_at() {
        let facts = change(|facts| {
            facts.kinds = Ok(false);
            facts.pods = Ok(Vec::new());
        });
        assert_one(&facts, "ITL1101", "networking.istio.io");
        assert_skipped(
            &change(|facts| facts.kinds = Err("forbidden".into())),
            "ITL1101",
            "forbidden",
        );
    }

    #[test]
    fn one_ready_pod_of_istiod_is_enough() {
        let istiod = |ready| {
            let mut one = pod("istiod", &[("app", "istiod")]);
            one.ready = ready;
            one
        };
        for (pods, expected) in [
            (vec![istiod(true)], None),
            (vec![istiod(false), istiod(true)], None),
            (vec![istiod(false)], Some(Severity::Error)),
            (vec![], Some(Severity::Info)),
        ] {
            let facts = change(|facts| facts.istiod = Ok(pods.clone()));
            match expected {
                None => assert!(super::super::examine(&facts).findings.is_empty()),
                Some(severity) => assert_eq!(assert_one(&facts, "ITL1102", "istiod").severity, severity),
            }
        }
        assert_skipped(
            &change(|facts| facts.istiod = Err("forbidden".into())),
            "ITL1102",
            "forbidden",
        );
        assert!(super::super::examine(&healthy()).findings.is_empty());
    }
}
