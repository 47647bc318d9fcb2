//! The namespaces of the input, for selectors of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::kube::Kube;
use crate::manifests::gateway_api::{list, text};

/// The label with a namespace's name, which Kubernetes adds to each.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The labels of every namespace that the input knows.
#[derive(Default)]
pub(super) struct Namespaces(BTreeMap<String, BTreeMap<String, String>>);

impl Namespaces {
    pub(super) fn of<'a>(objects: impl Iterator<Item = Kube<'a>>) -> Self {
        let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for object in objects {
            let other = object
                .other()
                .filter(|other| other.kind == "Namespace" && other.api_version == "v1");
            let name = other.map_or(object.namespace, |other| other.metadata.name.as_str());
            let labels = found.entry(name.to_owned()).or_default();
            labels.extend(other.into_iter().flat_map(|other| other.metadata.labels.clone()));
            labels.insert(NAME_LABEL.to_owned(), name.to_owned());
        }
        Self(found)
    }

    /// Those that `from` and `selector` of a list of namespaces mean, as istiod reads them
    /// for routes: `*` is all of them.
    pub(super) fn of_routes(&self, namespaces: Option<&Value>, own: &str) -> BTreeSet<String> {
        let only = |name: &str| BTreeSet::from([name.to_owned()]);
        let field = |name: &str| namespaces.and_then(|namespaces| namespaces.get(name));
        match text(field("from")) {
            None | Some("Same") => only(own),
            Some("All") => only("*"),
            Some(_) => match field("selector") {
                None => only("*"),
                Some(selector) => self.selected(selector),
            },
        }
    }

    /// Whether a Gateway's `allowedListeners` lets in the ListenerSets of a namespace.
    pub(super) fn lets_in(&self, namespaces: Option<&Value>, gateway: &str, namespace: &str) -> bool {
        let field = |name: &str| namespaces.and_then(|namespaces| namespaces.get(name));
        match text(field("from")) {
            Some("All") => true,
            Some("Same") => gateway == namespace,
            Some("Selector") => field("selector").is_some_and(|selector| self.selected(selector).contains(namespace)),
            _ => false,
        }
    }

    fn selected(&self, selector: &Value) -> BTreeSet<String> {
        let named = self.0.iter();
        let selected = named.filter(|(_, labels)| selects(selector, labels));
        selected.map(|(name, _)| name.clone()).collect()
    }
}

/// Whether a label selector (Kubernetes `LabelSelector`) selects these labels.
fn selects(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let wanted = selector.get("matchLabels").and_then(Value::as_object);
    let has_all =
        (wanted.into_iter().flatten()).all(|(label, value)| labels.get(label).map(String::as_str) == value.as_str());
    has_all
        && list(selector.get("matchExpressions")).all(|expression| {
            let own = text(expression.get("key")).and_then(|key| labels.get(key));
            let is_listed = own.is_some_and(|own| list(expression.get("values")).any(|value| value == own.as_str()));
            match text(expression.get("operator")) {
                Some("In") => is_listed,
                Some("NotIn") => !is_listed,
                Some("Exists") => own.is_some(),
                Some("DoesNotExist") => own.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::selects;

    #[test]
    fn selectors_are_read_as_kubernetes_reads_them() {
        let labels = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        let expression = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        for (selector, expected) in [
            (json!({}), true),
            (json!({"matchLabels": {"a": "1"}}), true),
            (json!({"matchLabels": {"a": "2"}}), false),
            (json!({"matchLabels": {"a": "1", "c": "1"}}), false),
            (expression("a", "In", &["1", "2"]), true),
            (expression("a", "In", &["2"]), false),
            (expression("c", "NotIn", &["2"]), true),
            (expression("a", "NotIn", &["1"]), false),
            (expression("a", "Exists", &[]), true),
            (expression("c", "Exists", &[]), false),
            (expression("c", "DoesNotExist", &[]), true),
            (expression("a", "DoesNotExist", &[]), false),
            (expression("a", "Gt", &["0"]), false),
        ] {
            assert_eq!(selects(&selector, &labels), expected, "{selector}");
        }
    }
}
