//! Describes conflicts of an object: who owns it, what would be lost by taking it over, and what to
//! do instead. Pure.

use std::collections::BTreeSet;

use serde_json::Value;
use time::OffsetDateTime;

use super::resources::group;
use crate::certs::{inspect, pem};
use crate::problem::Problem;
use crate::remedy::{Line, Remedy};

/// An object that cannot be applied in the current state.
#[derive(Debug)]
pub(super) struct Conflict {
    /// Its title.
    pub(super) title: String,
    /// The reason.
    pub(super) reason: Reason,
}

/// Why an object is in conflict.
#[derive(Debug)]
pub(super) enum Reason {
    /// It belongs to another workspace.
    Workspace {
        /// The ID of that workspace.
        id: String,
        /// Its kind.
        kind: String,
        /// Hosts that it has but ours does not.
        hosts: Vec<String>,
    },
    /// Fields managed by others, in words.
    Fields(Vec<String>),
    /// The Secret's type, or that it is immutable, in words.
    Type(String),
}

impl Reason {
    fn lines(&self) -> Vec<String> {
        match self {
            Self::Workspace { id, hosts, .. } => vec![match hosts.as_slice() {
                [] => format!("it belongs to another workspace ({id})"),
                hosts => format!("it belongs to another workspace ({id}), and has {}", hosts.join(", ")),
            }],
            Self::Fields(lines) => lines.clone(),
            Self::Type(why) => vec![why.clone()],
        }
    }
}

/// The commands that apply an object anyway.
#[derive(Debug, Clone, Copy)]
pub struct Ways<'w> {
    /// Overwriting changes by others.
    pub force_conflicts: &'w Line,
    /// Deleting and recreating a Secret.
    pub replace: &'w Line,
}

/// The problem for the user.
pub(super) fn problem(conflicts: &[Conflict], context: &str, by: Ways<'_>) -> Problem {
    let what = match conflicts {
        [only] => format!("{} conflicts with the existing object", only.title),
        all => format!("{} objects conflict with existing ones", all.len()),
    };
    let lines: Vec<String> = (conflicts.iter())
        .flat_map(|conflict| {
            let lines = conflict.reason.lines().into_iter();
            lines.map(|line| format!("{}: {line}", conflict.title))
        })
        .collect();
    let any = |is: fn(&Reason) -> bool| conflicts.iter().any(|conflict| is(&conflict.reason));
    let mut ways: Vec<Remedy> = own_names(conflicts).into_iter().map(Remedy::from).collect();
    let another = !ways.is_empty();
    if another || any(|reason| matches!(reason, Reason::Fields(_))) {
        let hosts = lost(conflicts);
        let takes_over = Remedy::from(by.force_conflicts.clone()).and(" takes them over");
        let given_up = "only if the other workspace is no longer used: ";
        ways.push(match (another, hosts.as_slice()) {
            (false, _) => takes_over,
            (true, []) => Remedy::from(given_up).and(takes_over),
            (true, hosts) => Remedy::from(given_up).and(takes_over).and(format!(
                ", and {} {} no longer served",
                hosts.join(", "),
                if hosts.len() == 1 { "is" } else { "are" }
            )),
        });
    }
    if any(|reason| matches!(reason, Reason::Type(_))) {
        ways.push(Remedy::from(by.replace.clone()).and(" deletes and recreates the Secret"));
    }
    let ways = ways.into_iter().reduce(|all, way| all.and("; ").and(way));
    Problem::new(what)
        .at(format!("context {context}"))
        .why(lines.join("\n"))
        .fix(ways.unwrap_or_default())
}

/// How a workspace gets its own objects next to those of another.
fn own_names(conflicts: &[Conflict]) -> Option<String> {
    let (mut gateway, mut route, mut mounted, mut credential, mut other) = (false, false, false, false, false);
    for conflict in conflicts {
        let Reason::Workspace { kind, .. } = &conflict.reason else {
            continue;
        };
        match kind.as_str() {
            "Gateway" => gateway = true,
            "VirtualService" | "HTTPRoute" => route = true,
            "Secret" if conflict.title.contains("/istio-ingressgateway-") => mounted = true,
            "Secret" => credential = true,
            _ => other = true,
        }
    }
    let mut names = Vec::new();
    if gateway && !route {
        names.push("another gateway.name (or gateway.namespace)");
    } else if gateway || route || other {
        names.push("another gateway.namespace");
    }
    if credential {
        names.push("another credentialName for the host");
    }
    if mounted {
        names.push(
            "secrets: credential (a gateway mounts one istio-ingressgateway-certs), or the podNamespace of another gateway",
        );
    }
    (!names.is_empty()).then(|| {
        format!(
            "give this workspace its own objects: in istio-tls.yaml (with -f, in the manifests) set {}",
            names.join(", and ")
        )
    })
}

/// The hosts that would be lost together with the other workspace's objects.
fn lost(conflicts: &[Conflict]) -> Vec<String> {
    let hosts: BTreeSet<&String> = (conflicts.iter())
        .filter_map(|conflict| match &conflict.reason {
            Reason::Workspace { hosts, .. } => Some(hosts),
            _ => None,
        })
        .flatten()
        .collect();
    hosts.into_iter().cloned().collect()
}

/// The hosts of the live object that `body` does not have: from a Gateway's servers, a route, or
/// the certificates in a Secret.
pub(super) fn hosts_lost(body: &Value, live: &Value) -> Vec<String> {
    let ours = hosts(body);
    hosts(live).difference(&ours).cloned().collect()
}

fn hosts(object: &Value) -> BTreeSet<String> {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let list = |value: &Value| -> Vec<String> {
        let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        // `namespace/host` in a Gateway: the namespace of the routes.
        texts
            .map(|host| host.rsplit('/').next().unwrap_or(host).to_owned())
            .collect()
    };
    let spec = &object["spec"];
    let items = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    match (group(api_version), object["kind"].as_str().unwrap_or_default()) {
        ("networking.istio.io", "Gateway") => {
            let servers = items(&spec["servers"]);
            servers.iter().flat_map(|server| list(&server["hosts"])).collect()
        }
        ("gateway.networking.k8s.io", "Gateway") => {
            let listeners = items(&spec["listeners"]);
            let named = listeners.iter().filter_map(|listener| listener["hostname"].as_str());
            named.map(str::to_owned).collect()
        }
        ("networking.istio.io", "VirtualService") => list(&spec["hosts"]).into_iter().collect(),
        ("gateway.networking.k8s.io", _) => list(&spec["hostnames"]).into_iter().collect(),
        ("", "Secret") => certified(&object["data"]),
        _ => BTreeSet::new(),
    }
}

/// The DNS names of the certificates in a Secret's `data`.
fn certified(data: &Value) -> BTreeSet<String> {
    use base64::Engine as _;
    let values = data
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, value)| value.as_str());
    let contents = values.filter_map(|value| base64::engine::general_purpose::STANDARD.decode(value).ok());
    contents
        .filter_map(|content| pem::certificates(&content, "data").ok())
        .flatten()
        // The time does not matter for its names.
        .filter_map(|der| inspect::certificate(&der, OffsetDateTime::UNIX_EPOCH).ok())
        .flat_map(|facts| facts.names)
        .filter(|name| name.kind == "DNS")
        .map(|name| name.value)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Conflict, Reason, Ways, hosts_lost, problem};
    use crate::remedy::ours;

    #[test]
    fn hosts_of_the_other_that_ours_has_not_are_named() {
        let gateway = |hosts: &[&str]| {
            json!({"apiVersion": "networking.istio.io/v1", "kind": "Gateway",
                "spec": {"servers": hosts.iter().map(|host| json!({"hosts": [host]})).collect::<Vec<_>>()}})
        };
        assert_eq!(
            hosts_lost(
                &gateway(&["a.example.com"]),
                &gateway(&["b.example.com", "ns/c.example.com", "a.example.com"])
            ),
            ["b.example.com", "c.example.com"]
        );
        let route = |host: &str| {
            json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
                "spec": {"hosts": [host]}})
        };
        assert_eq!(hosts_lost(&route("a"), &route("b")), ["b"]);
        // Unreadable certificates have no names.
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"tls.crt": "!", "tls.key": "AAAA"}});
        assert!(hosts_lost(&secret, &secret).is_empty());
    }

    #[test]
    fn names_of_its_own_come_before_force() {
        let conflict = |title: &str, kind: &str, hosts: &[&str]| Conflict {
            title: title.to_owned(),
            reason: Reason::Workspace {
                id: "x".into(),
                kind: kind.into(),
                hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            },
        };
        let (force, replace) = (ours::apply_force_conflicts(), ours::apply_replace());
        let by = Ways {
            force_conflicts: &force,
            replace: &replace,
        };
        let fix = |conflicts: &[Conflict]| problem(conflicts, "there", by).fix.unwrap_or_default().to_string();
        let gateway = fix(&[conflict("Gateway default/mygateway", "Gateway", &["b", "c"])]);
        let (names, force) = gateway.split_once("; ").expect("two ways");
        assert!(names.contains("another gateway.name"), "{names}");
        assert!(
            force.contains("istio-tls apply --force-conflicts takes") && force.contains("b, c are no longer served"),
            "{force}"
        );
        let mounted = fix(&[conflict("Secret s/istio-ingressgateway-certs", "Secret", &[])]);
        assert!(
            mounted.contains("secrets: credential") && mounted.contains("podNamespace"),
            "{mounted}"
        );
        let kind = fix(&[Conflict {
            title: "Secret s/t".into(),
            reason: Reason::Type("its type is x".into()),
        }]);
        assert!(
            kind.contains("--replace") && !kind.contains("--force-conflicts"),
            "{kind}"
        );
    }
}
