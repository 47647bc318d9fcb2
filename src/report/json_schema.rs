//! The JSON Schema (draft 2020-12) of what each command prints with `-o json`. It is
//! derived from the types that are serialized, so the two cannot differ; docs/schemas
//! holds a copy of each.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::problem_json::FailedJson;
use super::schema_number::SchemaNumber;
use super::{
    adopt_json, apply_json, delete_json, doctor_json, ingress_variables, init_json, inspect_json, issue_json,
    lint_explain, lint_json, probe_json, request_json, revoke_json, rotate_json, status_json, verify_json,
};

/// The output of a command.
struct Output {
    /// The command, with `-` between its words: `lint-explain`.
    name: &'static str,
    /// What it prints on success: one of these types.
    results: fn(&mut Forms<'_>),
}

/// Every command with `-o json`.
const OUTPUTS: &[Output] = &[
    Output {
        name: "adopt",
        results: |forms| forms.result::<adopt_json::PlanJson<'_>>(),
    },
    Output {
        name: "apply",
        results: |forms| {
            forms.result_or_part::<apply_json::ApplyJson<'_>>();
            forms.result::<apply_json::DifferencesJson<'_>>();
        },
    },
    Output {
        name: "delete",
        results: |forms| forms.result_or_part::<delete_json::DeleteJson<'_>>(),
    },
    Output {
        name: "doctor",
        results: |forms| {
            forms.result::<doctor_json::DoctorJson<'_>>();
            forms.part::<doctor_json::FixedJson>();
        },
    },
    Output {
        name: "gen-certs",
        results: |forms| {
            forms.result::<issue_json::OutcomeJson<'_>>();
            forms.result::<issue_json::PlanJson<'_>>();
        },
    },
    Output {
        name: "init",
        results: |forms| forms.result::<init_json::OutcomeJson<'_>>(),
    },
    Output {
        name: "inspect",
        results: |forms| forms.result::<inspect_json::Report<'_>>(),
    },
    Output {
        name: "lint",
        results: |forms| forms.result::<lint_json::Json<'_>>(),
    },
    Output {
        name: "lint-explain",
        results: |forms| forms.result::<lint_explain::Json<'_>>(),
    },
    Output {
        name: "manifests",
        results: |forms| forms.objects(),
    },
    Output {
        name: "probe",
        results: |forms| {
            forms.result_or_part::<probe_json::Report<'_>>();
            forms.result::<ingress_variables::Report<'_>>();
        },
    },
    Output {
        name: "request",
        results: |forms| {
            forms.result::<request_json::Report<'_>>();
            forms.result::<request_json::Line<'_>>();
        },
    },
    Output {
        name: "revoke",
        results: |forms| forms.result::<revoke_json::OutcomeJson<'_>>(),
    },
    Output {
        name: "rotate",
        results: |forms| {
            forms.result_or_part::<rotate_json::Report<'_>>();
            forms.result_or_part::<rotate_json::PlanReport<'_>>();
        },
    },
    Output {
        name: "status",
        results: |forms| forms.result::<status_json::Report<'_>>(),
    },
    Output {
        name: "up",
        results: |forms| forms.result_or_part::<probe_json::Report<'_>>(),
    },
    Output {
        name: "verify",
        results: |forms| forms.result::<verify_json::Report<'_>>(),
    },
];

/// The commands that have a schema: `gen-certs`, `lint-explain` ...
pub fn names() -> impl Iterator<Item = &'static str> {
    OUTPUTS.iter().map(|output| output.name)
}

/// The schema of a command's output; none if the command has no `-o json`.
pub fn schema(name: &str) -> Option<Value> {
    let output = OUTPUTS.iter().find(|output| output.name == name)?;
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let mut forms = Forms {
        generator: &mut generator,
        results: Vec::new(),
    };
    (output.results)(&mut forms);
    forms.failure();
    let forms = forms.results;
    let mut definitions = generator.take_definitions(true);
    close(&mut definitions, &forms);
    let command = output.name.replace("lint-explain", "lint explain");
    Some(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:istio-tls:schema:{}:{}", SchemaNumber::NUMBER, output.name),
        "title": format!("istio-tls {command} -o json"),
        "description": format!("What `istio-tls {command} -o json` writes to standard output"),
        "oneOf": forms,
        "$defs": definitions,
    }))
}

/// The forms of an output, while they are collected.
struct Forms<'g> {
    generator: &'g mut SchemaGenerator,
    results: Vec<Value>,
}

impl Forms<'_> {
    /// What is printed on success.
    fn result<T: JsonSchema>(&mut self) {
        let mut form = reference::<T>(self.generator);
        form.insert("unevaluatedProperties".to_owned(), json!(false));
        self.results.push(Value::Object(form));
    }

    /// What had been done when the command failed, printed beside `error`.
    fn part<T: JsonSchema>(&mut self) {
        let failure = reference::<FailedJson<'_>>(self.generator);
        let part = reference::<T>(self.generator);
        self.results.push(json!({
            "description": "What had been done when the command failed",
            "allOf": [part, failure],
            "unevaluatedProperties": false,
        }));
    }

    /// Both.
    fn result_or_part<T: JsonSchema>(&mut self) {
        self.result::<T>();
        self.part::<T>();
    }

    /// A failure without a result.
    fn failure(&mut self) {
        self.result::<FailedJson<'_>>();
    }

    /// Kubernetes objects and Envoy configuration, which have schemas of their own.
    fn objects(&mut self) {
        self.results.push(json!({
            "description": "The objects",
            "type": "object",
            "required": ["apiVersion", "kind", "items"],
            "properties": {
                "apiVersion": {"const": "v1", "description": "`v1`."},
                "kind": {"const": "List", "description": "`List`."},
                "items": {
                    "type": "array",
                    "description": "The objects, in the order in which they are applied.",
                    "items": {
                        "description": "An object; its kind's schema (kubectl explain KIND) says the rest.",
                        "type": "object",
                        "required": ["apiVersion", "kind", "metadata"],
                    },
                },
            },
            "unevaluatedProperties": false,
        }));
        self.results.push(json!({
            "description": "With `--export envoy`: a bootstrap configuration (envoy.config.bootstrap.v3.Bootstrap)",
            "type": "object",
            "required": ["static_resources"],
        }));
    }
}

/// `{"$ref": ...}` to a type.
fn reference<T: JsonSchema>(generator: &mut SchemaGenerator) -> Map<String, Value> {
    match generator.subschema_for::<T>().to_value() {
        Value::Object(schema) => schema,
        other => unreachable!("an object's schema is not an object: {other}"),
    }
}

/// Forbids additional properties wherever properties are listed. If an object's schema is
/// composed of others, the whole says so, not its parts.
fn close(definitions: &mut Map<String, Value>, forms: &[Value]) {
    let mut parts = BTreeSet::new();
    for form in forms {
        parts.extend(referred(form).map(str::to_owned));
        parts.extend(list(form, "allOf").filter_map(referred).map(str::to_owned));
    }
    for definition in definitions.values() {
        gather_parts(definition, &mut parts);
    }
    for (name, definition) in definitions {
        close_below(definition, parts.contains(name));
    }
}

/// The name of the definition that a schema refers to.
fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

/// The schemas under a keyword.
fn list<'s>(schema: &'s Value, keyword: &str) -> impl Iterator<Item = &'s Value> {
    schema[keyword].as_array().into_iter().flatten()
}

/// The keywords that add to an object's own properties.
const COMPOSING: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Adds the definitions that are parts of an object with further properties.
fn gather_parts(schema: &Value, parts: &mut BTreeSet<String>) {
    if schema["properties"].is_object() {
        parts.extend(referred(schema).map(str::to_owned));
        for keyword in COMPOSING {
            parts.extend(list(schema, keyword).filter_map(referred).map(str::to_owned));
        }
    }
    match schema {
        Value::Object(fields) => fields.values().for_each(|field| gather_parts(field, parts)),
        Value::Array(items) => items.iter().for_each(|item| gather_parts(item, parts)),
        _ => {}
    }
}

fn close_below(schema: &mut Value, is_part: bool) {
    let lists_properties = schema["properties"].is_object();
    let is_composed = schema["$ref"].is_string() || COMPOSING.iter().any(|keyword| schema[*keyword].is_array());
    match schema {
        Value::Object(fields) => {
            for (keyword, below) in fields.iter_mut() {
                let composes = lists_properties && COMPOSING.contains(&keyword.as_str());
                match below {
                    Value::Array(schemas) => schemas.iter_mut().for_each(|schema| close_below(schema, composes)),
                    below => close_below(below, false),
                }
            }
            let keyword = if is_composed {
                "unevaluatedProperties"
            } else {
                "additionalProperties"
            };
            if lists_properties && !is_part {
                fields.entry(keyword).or_insert(json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| close_below(item, false)),
        _ => {}
    }
}
