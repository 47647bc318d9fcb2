//! Keys of istio-tls.yaml that are not fields but look like one, so that the intended
//! setting has no effect. Other unknown keys belong to the user and are kept.

use std::fmt;

use granit_parser::{Event, Parser, Span, StrInput};
use serde_json::Value;

use super::schema::schema;
use crate::problem::Problem;
use crate::spelling;

/// How deep values may be nested; the file's own fields are five deep.
const DEPTH_LIMIT: usize = 100;

/// A key that is not a field, and the field that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misspelled {
    /// The file, as it was named.
    pub file: String,
    /// The key's line, from 1.
    pub line: usize,
    /// The key's column, from 1.
    pub column: usize,
    /// The key.
    pub key: String,
    /// The field: `mode` if it belongs beside the key; otherwise with its path,
    /// `gateway.podNamespace`.
    pub meant: String,
}

impl fmt::Display for Misspelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            key,
            meant,
        } = self;
        write!(
            f,
            "{file}:{line}:{column}: {key} is not a field and has no effect; did you mean {meant}?"
        )
    }
}

impl From<&Misspelled> for Problem {
    fn from(misspelled: &Misspelled) -> Self {
        Self::new(misspelled.to_string())
    }
}

/// The misspelled keys in a file's text, in order; `name` is the file's. None if the text
/// is not YAML, which is reported when it is parsed.
pub(super) fn find(name: &str, text: &str) -> Vec<Misspelled> {
    let schema = schema();
    let mut options = granit_parser::options! {
        flow_nesting_limit: DEPTH_LIMIT,
        block_nesting_limit: DEPTH_LIMIT,
    };
    options.set_emit_comments(false);
    let mut walk = Walk {
        parser: Parser::new_from_str_with_options(text, options),
        name,
        top: &schema,
        found: Vec::new(),
    };
    while let Some((event, _)) = walk.next() {
        let is_value = matches!(event, Event::MappingStart(..) | Event::SequenceStart(..));
        if is_value && walk.value(&event, &schema).is_none() {
            break;
        }
    }
    walk.found
}

struct Walk<'t> {
    parser: Parser<'t, StrInput<'t>>,
    name: &'t str,
    /// The schema of the whole file.
    top: &'t Value,
    found: Vec<Misspelled>,
}

impl<'t> Walk<'t> {
    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        self.parser.next_event()?.ok()
    }

    /// Walks a value that begins with `event`; what `schema` does not describe is not
    /// checked. None at the end of the readable part.
    fn value(&mut self, event: &Event<'t>, schema: &Value) -> Option<()> {
        match event {
            Event::SequenceStart(..) => loop {
                match self.next()? {
                    (Event::SequenceEnd, _) => return Some(()),
                    (item, _) => self.value(&item, &schema["items"])?,
                }
            },
            Event::MappingStart(..) => loop {
                let field = match self.next()? {
                    (Event::MappingEnd, _) => return Some(()),
                    (Event::Scalar(key, ..), span) => self.key(&key, &span, schema),
                    (key, _) => {
                        self.value(&key, &Value::Null)?;
                        &Value::Null
                    }
                };
                let (value, _) = self.next()?;
                self.value(&value, field)?;
            },
            _ => Some(()),
        }
    }

    /// The schema of a key's value. Records a key that only looks like a field.
    fn key<'s>(&mut self, key: &str, span: &Span, schema: &'s Value) -> &'s Value {
        let Some(fields) = schema["properties"].as_object() else {
            return &Value::Null;
        };
        if let Some(field) = fields.get(key) {
            return field;
        }
        let beside = spelling::nearest(key, fields.keys().map(String::as_str)).map(str::to_owned);
        let meant = beside.or_else(|| elsewhere(key, schema).filter(|_| std::ptr::eq(schema, self.top)));
        self.found.extend(meant.map(|meant| Misspelled {
            file: self.name.to_owned(),
            line: span.start.line(),
            column: span.start.col() + 1,
            key: key.to_owned(),
            meant,
        }));
        &Value::Null
    }
}

/// The path of a field with this name, from a place that does not have it.
fn elsewhere(key: &str, schema: &Value) -> Option<String> {
    let fields = schema["properties"].as_object()?;
    fields.iter().find_map(|(name, field)| {
        let (item, marks) = match &field["items"] {
            Value::Null => (field, ""),
            item => (item, "[]"),
        };
        let below = match item["properties"].get(key) {
            Some(_) => key.to_owned(),
            None => elsewhere(key, item)?,
        };
        Some(format!("{name}{marks}.{below}"))
    })
}

#[cfg(test)]
mod tests {
    use super::find;

    /// Line, column, key and what was meant.
    fn found(text: &str) -> Vec<(usize, usize, String, String)> {
        let all = find("istio-tls.yaml", text);
        all.into_iter()
            .map(|one| (one.line, one.column, one.key, one.meant))
            .collect()
    }

    #[test]
    fn keys_that_look_like_fields_are_found_with_their_place() {
        for (text, line, column, key, meant) in [
            ("version: 1\nmdoe: mutual\n", 2, 1, "mdoe", "mode"),
            ("host:\n  - host: a.com\n", 1, 1, "host", "hosts"),
            ("Mode: mutual\n", 1, 1, "Mode", "mode"),
            ("secret: file-mount\n", 1, 1, "secret", "secrets"),
            ("gateway:\n  namspace: web\n", 2, 3, "namspace", "namespace"),
            (
                "gateway: {pod_namespace: web}\n",
                1,
                11,
                "pod_namespace",
                "podNamespace",
            ),
            ("hosts:\n  - hosts: a.com\n", 2, 5, "hosts", "host"),
            (
                "hosts:\n  - host: a.com\n    credentialname: x\n",
                3,
                5,
                "credentialname",
                "credentialName",
            ),
            (
                "hosts:\n  - host: a.com\n    routes:\n      - perfix: /\n",
                4,
                9,
                "perfix",
                "prefix",
            ),
            ("podNamespace: web\n", 1, 1, "podNamespace", "gateway.podNamespace"),
            ("credentialName: x\n", 1, 1, "credentialName", "hosts[].credentialName"),
            ("prefix: /\n", 1, 1, "prefix", "hosts[].routes[].prefix"),
        ] {
            let wanted = (line, column, key.to_owned(), meant.to_owned());
            assert_eq!(found(text), [wanted], "{text}");
        }
    }

    #[test]
    fn other_unknown_keys_are_the_users_own() {
        for text in [
            "",
            "version: 1\nid: x\nmode: simple\n",
            "owner: team\nnode: 3\nx-base: &base {mdoe: 1}\nother: *base\n",
            "gateway:\n  selector: {hosts: a, mdoe: b, namespac: c}\n",
            "hosts:\n  - host: a.com\n    name: shop\n    port: 1\n    notes: [{mdoe: 1}]\n",
            "hosts: nothing\ngateway: [mdoe]\n",
            "? [mdoe, x]\n: y\n",
            "- mdoe: 1\n",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
        // A text that cannot be parsed to its end is checked as far as possible.
        assert_eq!(found("mdoe: 1\nx: [\n").len(), 1);
    }

    #[test]
    fn it_is_said_in_one_line() {
        let all = find("w/istio-tls.yaml", "version: 1\nmdoe: mutual\n");
        assert_eq!(
            all[0].to_string(),
            "w/istio-tls.yaml:2:1: mdoe is not a field and has no effect; did you mean mode?"
        );
    }
}
