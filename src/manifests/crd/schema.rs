//! Structural schemas as applied by an API server: defaults, unknown fields, and allowed values.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use regex::Regex;
use serde_json::{Map, Value};

use super::{Fault, FaultKind, below, item};
use crate::manifests::re2::{self, Covers};

/// Fields of every object, which are not in the schemas here.
const OF_EVERY_OBJECT: &[&str] = &["apiVersion", "kind", "metadata", "status"];

/// Fills in defaults for missing or null values.
pub(super) fn fill_in(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            for (name, schema) in properties.into_iter().flatten() {
                let is_absent = fields.get(name).is_none_or(Value::is_null);
                if let Some(default) = schema.get("default").filter(|_| is_absent) {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in fields {
                if let Some(schema) = property(schema, name) {
                    fill_in(schema, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    fill_in(schema, item);
                }
            }
        }
        _ => {}
    }
}

/// The schema of a field of an object: its own, or that of additional properties.
fn property<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    let own = schema.get("properties").and_then(|properties| properties.get(name));
    own.or_else(|| schema.get("additionalProperties"))
}

/// Unknown fields.
pub(super) fn unknown_fields(schema: &Value, object: &Value, faults: &mut Vec<Fault>) {
    let Value::Object(fields) = object else { return };
    for (name, value) in fields {
        if !OF_EVERY_OBJECT.contains(&name.as_str()) {
            unknown(schema, name, value, "", faults);
        }
    }
}

fn unknown(schema: &Value, name: &str, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    let path = below(path, name);
    match property(schema, name) {
        Some(schema) => unknown_within(schema, value, &path, faults),
        None => faults.push(Fault {
            what: format!("unknown field {path}: an API server drops or refuses it"),
            path,
            kind: FaultKind::Unknown,
        }),
    }
}

fn unknown_within(schema: &Value, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    match value {
        Value::Object(fields) if schema.get("properties").is_some() || schema.get("additionalProperties").is_some() => {
            for (name, value) in fields {
                unknown(schema, name, value, path, faults);
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for (index, value) in items.iter().enumerate() {
                    unknown_within(schema, value, &item(path, index), faults);
                }
            }
        }
        _ => {}
    }
}

/// Violations of a schema.
pub(super) fn check(schema: &Value, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    let mut fault = |path: &str, what: String| {
        faults.push(Fault {
            path: path.to_owned(),
            what,
            kind: FaultKind::Value,
        });
    };
    if let Some(wanted) = schema.get("type").and_then(Value::as_str)
        && !is_of_type(value, wanted)
    {
        return fault(path, format!("expected {}, found {}", in_words(wanted), found(value)));
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let words: Vec<String> = allowed.iter().map(found).collect();
        fault(path, format!("{} is not one of {}", found(value), words.join(", ")));
    }
    match value {
        Value::String(text) => text_faults(schema, text).for_each(|what| fault(path, what)),
        Value::Number(_) => number_faults(schema, value).for_each(|what| fault(path, what)),
        Value::Array(items) => {
            size_fault(schema, items.len(), "Items", "items").for_each(|what| fault(path, what));
            for (index, what) in repeated(schema, items) {
                fault(&item(path, index), what);
            }
        }
        Value::Object(fields) => {
            size_fault(schema, fields.len(), "Properties", "fields").for_each(|what| fault(path, what));
            for name in missing(schema, fields) {
                fault(&below(path, name), "a required field is missing".to_owned());
            }
        }
        _ => {}
    }
    check_combinations(schema, value, path, faults);
    match value {
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for (index, value) in items.iter().enumerate() {
                    check(schema, value, &item(path, index), faults);
                }
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                if let Some(schema) = property(schema, name) {
                    check(schema, value, &below(path, name), faults);
                }
            }
        }
        _ => {}
    }
}

/// `anyOf`, `oneOf` and `not`.
fn check_combinations(schema: &Value, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    let fits = |schema: &Value| {
        let mut found = Vec::new();
        check(schema, value, path, &mut found);
        found.is_empty()
    };
    let list = |name: &str| schema.get(name).and_then(Value::as_array);
    let any = list("anyOf").is_none_or(|schemas| schemas.iter().any(fits));
    let one = list("oneOf").is_none_or(|schemas| schemas.iter().filter(|schema| fits(schema)).count() == 1);
    let none = schema.get("not").is_none_or(|schema| !fits(schema));
    if !(any && one && none) {
        faults.push(Fault {
            path: path.to_owned(),
            what: format!("{} matches none of the forms that the definition allows", found(value)),
            kind: FaultKind::Value,
        });
    }
}

fn text_faults<'v>(schema: &'v Value, text: &'v str) -> impl Iterator<Item = String> + 'v {
    let count = text.chars().count();
    let length = size_fault(schema, count, "Length", "characters");
    let pattern = schema.get("pattern").and_then(Value::as_str);
    let pattern = pattern.filter(|pattern| !matches(pattern, text));
    let pattern = pattern.map(|pattern| format!("{} does not match {pattern}", shown(text)));
    let is_format = match schema.get("format").and_then(Value::as_str) {
        Some("ipv4") => text.parse::<Ipv4Addr>().is_ok(),
        Some("ipv6") => text.parse::<Ipv6Addr>().is_ok(),
        _ => true,
    };
    let format = (!is_format).then(|| format!("{} is not an IP address", shown(text)));
    length.chain(pattern).chain(format)
}

/// Whether a pattern matches a text; the definitions have few patterns.
fn matches(pattern: &str, text: &str) -> bool {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, Option<Regex>>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if !known.contains_key(pattern) {
            known.insert(pattern.to_owned(), re2::compile(pattern, Covers::Part).ok());
        }
        let regex = known.get(pattern).and_then(Option::as_ref);
        regex.is_none_or(|regex| regex.is_match(text))
    })
}

fn number_faults<'v>(schema: &'v Value, value: &'v Value) -> impl Iterator<Item = String> + 'v {
    let number = value.as_f64().unwrap_or_default();
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let low = bound("minimum").filter(|least| number < *least);
    let high = bound("maximum").filter(|most| number > *most);
    let is_wide = schema.get("format").and_then(Value::as_str) == Some("int32");
    let wide = is_wide
        .then_some(f64::from(i32::MAX))
        .filter(|most| number.abs() > *most);
    let low = low.map(|least| format!("{value} is less than {least}"));
    let high = high.or(wide).map(|most| format!("{value} is more than {most}"));
    low.into_iter().chain(high)
}

/// Too few or too many of something: `minItems` and `maxItems`, and the like.
fn size_fault(schema: &Value, count: usize, name: &str, words: &str) -> impl Iterator<Item = String> + use<> {
    let bound = |which: &str| {
        let bound = schema.get(format!("{which}{name}")).and_then(Value::as_u64);
        bound.and_then(|bound| usize::try_from(bound).ok())
    };
    let few = bound("min").filter(|least| count < *least);
    let many = bound("max").filter(|most| count > *most);
    let few = few.map(|least| format!("{count} {words}, but there must be at least {least}"));
    let many = many.map(|most| format!("{count} {words}, but at most {most} are allowed"));
    few.into_iter().chain(many)
}

/// Duplicate items in a set, or items with the same keys in a map.
fn repeated(schema: &Value, items: &[Value]) -> Vec<(usize, String)> {
    let keys: Option<Vec<&str>> = match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("map") => {
            let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
            Some(keys.into_iter().flatten().filter_map(Value::as_str).collect())
        }
        Some("set") => None,
        _ => return Vec::new(),
    };
    let mut seen = HashSet::new();
    let mut twice = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let identity = match &keys {
            Some(keys) => {
                let values: Vec<&Value> = keys.iter().map(|key| item.get(key).unwrap_or(&Value::Null)).collect();
                serde_json::to_string(&values)
            }
            None => serde_json::to_string(item),
        };
        if !seen.insert(identity.unwrap_or_default()) {
            let named = keys.as_ref().map(|keys| keys.join(" and ")).unwrap_or_default();
            twice.push((
                index,
                format!("an earlier item has the same {named}").trim_end().to_owned(),
            ));
        }
    }
    twice
}

fn missing<'s>(schema: &'s Value, fields: &'s Map<String, Value>) -> impl Iterator<Item = &'s str> {
    let required = schema.get("required").and_then(Value::as_array);
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    names.filter(|name| !fields.contains_key(*name))
}

fn is_of_type(value: &Value, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        _ => true,
    }
}

fn in_words(wanted: &str) -> &'static str {
    match wanted {
        "object" => "a mapping",
        "array" => "a list",
        "string" => "a string",
        "boolean" => "a boolean",
        "integer" => "an integer",
        _ => "a number",
    }
}

/// A value for display; for long or nested values, only their type.
fn found(value: &Value) -> String {
    match value {
        Value::String(text) => shown(text),
        Value::Object(_) => "a mapping".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Null => "nothing".to_owned(),
        value => value.to_string(),
    }
}

fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let cut: String = text.chars().take(MOST).collect();
    format!("{cut:?}")
}
