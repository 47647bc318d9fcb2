//! The validation rules of CRDs, which are CEL expressions, with the functions that Kubernetes adds
//! and that are used here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use cel::{Context, Env, ExecutionError, Program, Value as CelValue};
use serde_json::Value;

use super::{Fault, FaultKind, below, item};

/// Names reserved by CEL; as fields, they are surrounded by two underscores.
const RESERVED: &[&str] = &[
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Compiled rules, by text; none for a rule that cannot be compiled.
#[derive(Default)]
pub(super) struct Rules {
    compiled: RefCell<HashMap<String, Option<Rc<Program>>>>,
}

impl Rules {
    /// Evaluates the rules of a value and everything in it.
    pub(super) fn check(&self, schema: &Value, value: &Value, path: &str, faults: &mut Vec<Fault>) {
        let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array);
        if let Some(rules) = rules.filter(|rules| !rules.is_empty()) {
            let mut context = Context::with_env(env().clone());
            add_functions(&mut context);
            context.add_variable_from_value("self", to_cel(schema, value));
            for rule in rules {
                let text = rule.get("rule").and_then(Value::as_str).unwrap_or_default();
                if self.holds(text, &context) {
                    continue;
                }
                let message = rule.get("message").and_then(Value::as_str).unwrap_or(text);
                faults.push(Fault {
                    path: path.to_owned(),
                    what: message.to_owned(),
                    kind: FaultKind::Rule,
                });
            }
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let own = schema.get("properties").and_then(|properties| properties.get(name));
                    if let Some(schema) = own.or_else(|| schema.get("additionalProperties")) {
                        self.check(schema, value, &below(path, name), faults);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(schema) = schema.get("items") {
                    for (index, value) in items.iter().enumerate() {
                        self.check(schema, value, &item(path, index), faults);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether a rule holds. A rule that compares with the old object applies only to updates; a
    /// rule that cannot be evaluated does not hold, as in an API server.
    fn holds(&self, text: &str, context: &Context<'_, '_>) -> bool {
        if text.contains("oldSelf") {
            return true;
        }
        let known = self.compiled.borrow().get(text).cloned();
        let program = known.unwrap_or_else(|| {
            let program = env().compile(text).ok().map(Rc::new);
            self.compiled.borrow_mut().insert(text.to_owned(), program.clone());
            program
        });
        let Some(program) = program else { return true };
        matches!(program.execute(context), Ok(CelValue::Bool(true)))
    }
}

/// CEL with Kubernetes' string functions.
fn env() -> &'static Arc<Env> {
    static ENV: OnceLock<Arc<Env>> = OnceLock::new();
    ENV.get_or_init(|| {
        let mut env = Env::stdlib();
        // It fails only for an existing function.
        let _ = cel::extensions::strings(&mut env);
        Arc::new(env)
    })
}

fn add_functions(context: &mut Context<'_, '_>) {
    let is_ip = |text: Arc<String>| text.parse::<IpAddr>().is_ok();
    // As a number, because rules only compare durations.
    let duration = |text: Arc<String>| {
        nanoseconds(&text).ok_or_else(|| {
            ExecutionError::function_error(
                "duration",
                format!(
                    "{text} is not a \
            duration"
                ),
            )
        })
    };
    // They fail only for CEL's own names.
    let _ = context.add_function("isIP", is_ip);
    let _ = context.add_function("duration", duration);
}

/// A duration in Go's format: `1h2m3.5s`, `10ms`.
fn nanoseconds(text: &str) -> Option<i64> {
    const UNITS: &[(&str, f64)] = &[
        ("ns", 1.0),
        ("us", 1e3),
        ("ms", 1e6),
        ("s", 1e9),
        ("m", 60e9),
        ("h", 3600e9),
    ];
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c != '.' && !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(end);
        let unit_end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let (_, factor) = UNITS.iter().find(|(known, _)| *known == unit)?;
        total += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    // The nanoseconds of some 290 years.
    #[expect(clippy::cast_possible_truncation, reason = "the bound is checked before")]
    (!text.is_empty() && total < 9e18).then_some(total as i64)
}

/// A value for CEL; fields in the schema are escaped, keys of maps are not.
fn to_cel(schema: &Value, value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(value) => CelValue::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => CelValue::Int(number),
            (None, number) => CelValue::Float(number.unwrap_or(f64::NAN)),
        },
        Value::String(text) => CelValue::String(Arc::new(text.clone())),
        Value::Array(items) => {
            let schema = schema.get("items").unwrap_or(&Value::Null);
            CelValue::List(Arc::new(items.iter().map(|item| to_cel(schema, item)).collect()))
        }
        Value::Object(fields) => {
            let properties = schema.get("properties");
            let of_map = schema.get("additionalProperties").unwrap_or(&Value::Null);
            let fields: HashMap<String, CelValue> = fields
                .iter()
                .map(
                    |(name, value)| match properties.and_then(|properties| properties.get(name)) {
                        Some(schema) => (escaped(name), to_cel(schema, value)),
                        None => (name.clone(), to_cel(of_map, value)),
                    },
                )
                .collect();
            CelValue::Map(fields.into())
        }
    }
}

fn escaped(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    name.replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}

/// Whether a rule can be compiled.
#[cfg(test)]
pub(super) fn compiles(rule: &str) -> Result<(), String> {
    env().compile(rule).map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("0s", Some(0)),
            ("0", Some(0)),
            ("10ms", Some(10_000_000)),
            ("1h2m3.5s", Some(3_723_500_000_000)),
            ("1.5", None),
            ("s", None),
            ("", None),
            ("1x", None),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text}");
        }
    }
}
