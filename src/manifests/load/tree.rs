//! A YAML or JSON document as a tree with the line and column of every value and key. Aliases and
//! merge keys are expanded, within limits.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, Placement, ScalarStyle, Span, StrInput, Tag};

use super::ignore::Comment;
use super::position::Position;
use super::scalar;

/// The maximum nesting depth.
const DEPTH_LIMIT: usize = 100;
/// The maximum number of values in a document.
const NODE_LIMIT: usize = 4_000_000;
/// The maximum number of values from aliases in a document: a few lines of aliases can expand to
/// millions.
const ALIAS_NODE_LIMIT: usize = 100_000;
/// The maximum amount of text from aliases, in bytes.
const ALIAS_TEXT_LIMIT: usize = 16 << 20;
/// The factor by which these limits are multiplied for all documents of a text together.
const ALIAS_DOCUMENTS: usize = 8;

/// A value and its position.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) position: Position,
    pub(super) value: Value,
}

/// The content of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// Between `i64::MIN` and `u64::MAX`.
    Integer(i128),
    Float(f64),
    String(String),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_position: Position,
    pub(super) value: Node,
}

impl Node {
    /// The value of a key, if this is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Mapping(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Its type, in words.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing (null)",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// The same as JSON; numbers that JSON does not support become null.
    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Integer(number) => i64::try_from(*number)
                .map(Json::from)
                .or_else(|_| u64::try_from(*number).map(Json::from))
                .unwrap_or(Json::Null),
            Value::Float(number) => Json::from(*number),
            Value::String(text) => Json::String(text.clone()),
            Value::Sequence(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Mapping(entries) => Json::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_json()))
                    .collect(),
            ),
        }
    }

    /// A tree without positions in a file.
    pub(super) fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        let position = Position::default();
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Value::Integer(number.into()),
                (_, Some(number)) => Value::Integer(number.into()),
                _ => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::String(text.clone()),
            Json::Array(items) => Value::Sequence(items.iter().map(Self::from_json).collect()),
            Json::Object(entries) => Value::Mapping(
                entries
                    .iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        key_position: position,
                        value: Self::from_json(value),
                    })
                    .collect(),
            ),
        };
        Self { position, value }
    }

    /// The number of values in it, and the size of its text in bytes.
    fn size(&self) -> (usize, usize) {
        match &self.value {
            Value::String(text) => (1, text.len()),
            Value::Sequence(items) => items.iter().map(Self::size).fold((1, 0), add),
            Value::Mapping(entries) => entries
                .iter()
                .map(|entry| add(entry.value.size(), (0, entry.key.len())))
                .fold((1, 0), add),
            _ => (1, 0),
        }
    }
}

fn add(a: (usize, usize), b: (usize, usize)) -> (usize, usize) {
    (a.0 + b.0, a.1 + b.1)
}

/// Why a text is not a document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) position: Position,
    pub(super) message: String,
}

fn error(position: Position, message: impl Into<String>) -> SyntaxError {
    SyntaxError {
        position,
        message: message.into(),
    }
}

/// Reads documents one at a time, so that only one tree is in memory.
pub(super) struct Documents<'a> {
    parser: Parser<'a, StrInput<'a>>,
    done: bool,
    /// The expansion of aliases so far.
    aliases: Aliases,
    /// Ignore comments of all documents so far.
    pub(super) comments: Vec<Comment>,
    /// The last line of the previous document.
    pub(super) last_line: u32,
}

impl<'a> Documents<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut options = granit_parser::options! {
            flow_nesting_limit: DEPTH_LIMIT,
            block_nesting_limit: DEPTH_LIMIT,
        };
        // Few files have such comments, and the others should not pay for them.
        let wanted = text.contains(super::ignore::MARK);
        options.set_emit_comments(wanted);
        options.max_buffered_comment_events = usize::MAX;
        Self {
            parser: Parser::new_from_str_with_options(text, options),
            done: false,
            aliases: Aliases::default(),
            comments: Vec::new(),
            last_line: 0,
        }
    }

    fn next_document(&mut self) -> Result<Option<Node>, SyntaxError> {
        let mut builder = Builder::default();
        loop {
            let Some(next) = self.parser.next_event() else {
                return Ok(None);
            };
            let (event, span) = next.map_err(|scan| {
                let marker = scan.marker();
                error(
                    Position {
                        line: u32::try_from(marker.line()).unwrap_or(u32::MAX),
                        column: u32::try_from(marker.col() + 1).unwrap_or(u32::MAX),
                    },
                    scan.info(),
                )
            })?;
            match event {
                Event::StreamEnd => return Ok(None),
                Event::Comment(text, placement) => {
                    let leading = builder.root.is_none() && builder.open.is_empty();
                    self.comments.extend(Comment::parse(
                        &text,
                        position(&span),
                        placement == Placement::Right,
                        leading,
                    ));
                }
                Event::DocumentEnd => {
                    self.last_line = position(&span).line;
                    self.aliases.nodes += builder.aliases.nodes;
                    self.aliases.text += builder.aliases.text;
                    if self.aliases.exceeds(ALIAS_DOCUMENTS) {
                        return Err(too_much(position(&span), ALIAS_DOCUMENTS));
                    }
                    let root = builder.root.take();
                    return Ok(Some(root.unwrap_or(Node {
                        position: position(&span),
                        value: Value::Null,
                    })));
                }
                event => builder.event(event, &span)?,
            }
        }
    }
}

impl Iterator for Documents<'_> {
    type Item = Result<Node, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.next_document();
        self.done = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

fn position(span: &Span) -> Position {
    Position {
        line: u32::try_from(span.start.line()).unwrap_or(u32::MAX),
        column: u32::try_from(span.start.col() + 1).unwrap_or(u32::MAX),
    }
}

/// Builds the tree from the events of one document.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    aliases: Aliases,
}

/// The number of values from aliases, and the size of their text in bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Aliases {
    nodes: usize,
    text: usize,
}

impl Aliases {
    /// Whether they exceed the limit for this many documents.
    fn exceeds(self, documents: usize) -> bool {
        self.nodes > documents * ALIAS_NODE_LIMIT || self.text > documents * ALIAS_TEXT_LIMIT
    }
}

fn too_much(at: Position, documents: usize) -> SyntaxError {
    let limit = documents * ALIAS_NODE_LIMIT;
    error(at, format!("anchors and aliases expand to more than {limit} values"))
}

/// An incomplete collection.
struct Open {
    position: Position,
    anchor: usize,
    collection: Collection,
}

enum Collection {
    Sequence(Vec<Node>),
    Mapping(OpenMapping),
}

#[derive(Default)]
struct OpenMapping {
    entries: Vec<Entry>,
    /// Keys by name, once there are too many to compare one by one.
    names: HashSet<String>,
    /// A key that waits for its value.
    key: Option<Key>,
    /// The values merged by `<<`, once everything else is known.
    merged: Vec<Node>,
}

enum Key {
    Name(String, Position),
    Merge(Position),
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), SyntaxError> {
        let at = position(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                if plain
                    && tag.is_none()
                    && text == "<<"
                    && let Some(Open {
                        collection: Collection::Mapping(mapping @ OpenMapping { key: None, .. }),
                        ..
                    }) = self.open.last_mut()
                {
                    mapping.key = Some(Key::Merge(at));
                    return Ok(());
                }
                let value = scalar_value(text, plain, tag.as_deref(), at)?;
                self.complete(Node { position: at, value }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(at, anchor, Collection::Sequence(Vec::new())),
            Event::MappingStart(_, anchor, _) => self.begin(at, anchor, Collection::Mapping(OpenMapping::default())),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let value = match open.collection {
                    Collection::Sequence(items) => Value::Sequence(items),
                    Collection::Mapping(mapping) => Value::Mapping(mapping.finish()),
                };
                let node = Node {
                    position: open.position,
                    value,
                };
                self.complete(node, open.anchor)
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(error(at, "the alias is inside the value that it refers to"));
                };
                self.spend(node.size(), at)?;
                // Borrowed again, because the limits are part of the builder.
                let node = self.anchors.get(&anchor).cloned();
                node.map_or(Ok(()), |node| self.complete(node, 0))
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, at: Position, anchor: usize, collection: Collection) -> Result<(), SyntaxError> {
        if self.open.len() >= DEPTH_LIMIT {
            return Err(error(
                at,
                format!("values are nested more than {DEPTH_LIMIT} levels deep"),
            ));
        }
        if let Some(Open {
            collection: Collection::Mapping(OpenMapping { key: None, .. }),
            ..
        }) = self.open.last()
        {
            return Err(error(at, "a list or a mapping cannot be a key"));
        }
        self.open.push(Open {
            position: at,
            anchor,
            collection,
        });
        Ok(())
    }

    fn spend(&mut self, (nodes, text): (usize, usize), at: Position) -> Result<(), SyntaxError> {
        self.aliases.nodes += nodes;
        self.aliases.text += text;
        if self.aliases.exceeds(1) {
            return Err(too_much(at, 1));
        }
        Ok(())
    }

    /// Adds a complete value to its parent.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), SyntaxError> {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT {
            return Err(error(
                node.position,
                format!("the document holds more than {NODE_LIMIT} values"),
            ));
        }
        if anchor != 0 {
            self.spend(node.size(), node.position)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.collection) {
            None => self.root = Some(node),
            Some(Collection::Sequence(items)) => items.push(node),
            Some(Collection::Mapping(mapping)) => mapping.add(node)?,
        }
        Ok(())
    }
}

impl OpenMapping {
    fn add(&mut self, node: Node) -> Result<(), SyntaxError> {
        match self.key.take() {
            None => {
                let name = key_name(&node)?;
                if self.has(&name) {
                    return Err(error(node.position, format!("the key {} occurs twice", shown(&name))));
                }
                self.key = Some(Key::Name(name, node.position));
            }
            Some(Key::Name(key, key_position)) => {
                self.names.insert(key.clone());
                self.entries.push(Entry {
                    key,
                    key_position,
                    value: node,
                });
            }
            Some(Key::Merge(at)) => match node.value {
                Value::Mapping(_) => self.merged.push(node),
                Value::Sequence(items) if items.iter().all(|item| matches!(item.value, Value::Mapping(_))) => {
                    self.merged.extend(items);
                }
                _ => return Err(error(at, "the merge key << needs a mapping or a list of mappings")),
            },
        }
        Ok(())
    }

    fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    fn finish(mut self) -> Vec<Entry> {
        for node in std::mem::take(&mut self.merged) {
            if let Value::Mapping(entries) = node.value {
                for entry in entries {
                    if self.names.insert(entry.key.clone()) {
                        self.entries.push(entry);
                    }
                }
            }
        }
        self.entries
    }
}

/// A key as JSON writes it.
fn key_name(node: &Node) -> Result<String, SyntaxError> {
    match &node.value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => {
            Err(error(node.position, format!("{} cannot be a key", node.kind())))
        }
    }
}

/// A key for an error, truncated, since it may be anything.
fn shown(key: &str) -> String {
    let short: String = key.chars().take(60).collect();
    format!("{short:?}")
}

fn scalar_value(text: Cow<'_, str>, plain: bool, tag: Option<&Tag>, at: Position) -> Result<Value, SyntaxError> {
    let Some(suffix) = tag.and_then(Tag::core_suffix_or_binary) else {
        // An unknown tag does not change the text.
        return Ok(if plain && tag.is_none() {
            scalar::resolve(&text)
        } else {
            Value::String(text.into_owned())
        });
    };
    let resolved = scalar::resolve(&text);
    match (suffix, resolved) {
        ("str", _) => Ok(Value::String(text.into_owned())),
        ("null", value @ Value::Null)
        | ("bool", value @ Value::Bool(_))
        | ("int", value @ Value::Integer(_))
        | ("float", value @ (Value::Integer(_) | Value::Float(_))) => Ok(value),
        ("binary", _) => {
            use base64::Engine as _;
            let joined: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            base64::engine::general_purpose::STANDARD
                .decode(joined)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .map(Value::String)
                .ok_or_else(|| error(at, "the value tagged !!binary is not the base64 of a text"))
        }
        (suffix, _) => Err(error(at, format!("the value does not fit its tag !!{suffix}"))),
    }
}

/// Which of YAML's own tags a tag is.
trait KnownTag {
    fn core_suffix_or_binary(&self) -> Option<&str>;
}

impl KnownTag for Tag {
    fn core_suffix_or_binary(&self) -> Option<&str> {
        self.core_suffix().or_else(|| {
            (self.suffix_in_namespace("tag:yaml.org,2002:").as_deref() == Some("binary")).then_some("binary")
        })
    }
}
