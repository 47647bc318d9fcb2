//! Objects of the Kubernetes Gateway API, as far as rules check them. They are untyped: values of
//! an unexpected type are treated as absent.

use serde_json::Value;

use crate::lint::World;
use crate::lint::item::Item;
use crate::manifests::model::Other;

/// The API's group.
pub(in crate::lint) const GROUP: &str = "gateway.networking.k8s.io";

/// A listener of a Gateway.
#[derive(Debug, Clone, Copy)]
pub(in crate::lint) struct Listener<'a> {
    /// Its index in `spec.listeners`.
    pub(in crate::lint) index: usize,
    /// The listener.
    pub(in crate::lint) json: &'a Value,
}

impl<'a> Listener<'a> {
    /// The listeners of a Gateway.
    pub(in crate::lint) fn of(gateway: &Item<'a, Other>) -> impl Iterator<Item = Self> + use<'a> {
        let listeners = list(gateway.object.content.pointer("/spec/listeners"));
        listeners.enumerate().map(|(index, json)| Self { index, json })
    }

    /// The path of one of its fields.
    pub(in crate::lint) fn path(&self, field: &str) -> String {
        format!("spec.listeners[{}].{field}", self.index)
    }

    /// A text field.
    pub(in crate::lint) fn text(&self, pointer: &str) -> Option<&'a str> {
        text(self.json.pointer(pointer))
    }

    /// Its name.
    pub(in crate::lint) fn name(&self) -> &'a str {
        self.text("/name").unwrap_or_default()
    }

    /// Its protocol.
    pub(in crate::lint) fn protocol(&self) -> &'a str {
        self.text("/protocol").unwrap_or_default()
    }

    /// Its port.
    pub(in crate::lint) fn port(&self) -> Option<u64> {
        self.json.get("port").and_then(Value::as_u64)
    }

    /// Its TLS settings.
    pub(in crate::lint) fn tls(&self) -> Option<&'a Value> {
        self.json.get("tls").filter(|tls| tls.is_object())
    }
}

/// The items of a list; empty if it is not a list.
pub(in crate::lint) fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// A text that is present and not empty.
pub(in crate::lint) fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).filter(|text| !text.is_empty())
}

impl<'a> World<'a> {
    /// The objects of a Gateway API kind, in input order.
    pub(in crate::lint) fn of_gateway_api<'w>(
        &'w self,
        kind: &'static str,
    ) -> impl Iterator<Item = &'w Item<'a, Other>> {
        self.others.iter().filter(move |item| {
            let group = item.object.api_version.split_once('/').map(|(group, _)| group);
            item.object.kind == kind && group == Some(GROUP)
        })
    }
}
