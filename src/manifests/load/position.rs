//! Where a field stands: its file, line and column.

use std::fmt;
use std::sync::Arc;

use super::tree::{Node, Value};

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// A place in a file: `gateway.yaml:14:9`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file's name as the user gave it; empty for an object of a cluster.
    pub file: Arc<str>,
    /// The line, from 1; 0 for an object that stands in no file.
    pub line: u32,
    /// The column, from 1; 0 as the line is.
    pub column: u32,
}

impl Location {
    pub(super) fn new(file: &Arc<str>, position: Position) -> Self {
        Self {
            file: file.clone(),
            line: position.line,
            column: position.column,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return f.write_str(&self.file);
        }
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Where an object came from, with the place of each of its fields.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The file's name as the user gave it; empty for an object of a cluster.
    pub file: Arc<str>,
    /// Where the object begins.
    pub position: Position,
    fields: Arc<Fields>,
}

impl Origin {
    pub(super) fn new(file: &Arc<str>, node: &Node) -> Self {
        Self {
            file: file.clone(),
            position: node.position,
            fields: Arc::new(Fields::of(node)),
        }
    }

    /// For an object that stands in no file; `name` says what it was made from.
    pub fn made(name: &str) -> Self {
        Self {
            file: Arc::from(name),
            position: Position { line: 0, column: 0 },
            fields: Arc::new(Fields::Scalar),
        }
    }

    /// For an object of a cluster, which is known by its name alone.
    pub fn nowhere() -> Self {
        Self::made("")
    }

    /// Where the object begins.
    pub fn location(&self) -> Location {
        Location::new(&self.file, self.position)
    }

    /// Where a field stands, for a path such as
    /// `spec.servers[0].tls.credentialName` or `data["tls.crt"]`: its value, or
    /// its name where the value is a list or a mapping. A field that is absent
    /// stands where the nearest field around it does.
    pub fn at(&self, path: &str) -> Location {
        Location::new(&self.file, self.fields.find(path, false).unwrap_or(self.position))
    }

    /// Where a field's name stands.
    pub fn key_at(&self, path: &str) -> Location {
        Location::new(&self.file, self.fields.find(path, true).unwrap_or(self.position))
    }

    /// `file:line:column  path`, as errors say it.
    pub fn describe(&self, path: &str) -> String {
        format!("{}  {path}", self.at(path))
    }
}

/// The positions of a tree, without its values.
#[derive(Debug)]
enum Fields {
    Scalar,
    Sequence(Box<[(Position, Fields)]>),
    Mapping(Box<[Field]>),
}

#[derive(Debug)]
struct Field {
    name: Box<str>,
    key: Position,
    value: Position,
    fields: Fields,
}

impl Fields {
    fn of(node: &Node) -> Self {
        match &node.value {
            Value::Sequence(items) => {
                Self::Sequence(items.iter().map(|item| (item.position, Self::of(item))).collect())
            }
            Value::Mapping(entries) => Self::Mapping(
                entries
                    .iter()
                    .map(|entry| Field {
                        name: entry.key.as_str().into(),
                        key: entry.key_position,
                        value: entry.value.position,
                        fields: Self::of(&entry.value),
                    })
                    .collect(),
            ),
            _ => Self::Scalar,
        }
    }

    fn find(&self, path: &str, key: bool) -> Option<Position> {
        let mut fields = self;
        let mut found = None;
        for segment in segments(path) {
            match (fields, segment) {
                (Self::Mapping(entries), Segment::Key(name)) => {
                    let Some(field) = entries.iter().find(|field| &*field.name == name) else {
                        break;
                    };
                    let scalar = matches!(field.fields, Self::Scalar);
                    found = Some(if scalar && !key { field.value } else { field.key });
                    fields = &field.fields;
                }
                (Self::Sequence(items), Segment::Index(index)) => {
                    let Some((position, item)) = items.get(index) else {
                        break;
                    };
                    found = Some(*position);
                    fields = item;
                }
                _ => break,
            }
        }
        found
    }
}

enum Segment<'a> {
    Key(&'a str),
    Index(usize),
}

/// Splits `a.b[0]["c.d"]`.
fn segments(path: &str) -> impl Iterator<Item = Segment<'_>> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if rest.is_empty() {
            return None;
        }
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let (name, tail) = quoted.split_once("\"]").unwrap_or((quoted, ""));
            rest = tail;
            return Some(Segment::Key(name));
        }
        if let Some(bracket) = rest.strip_prefix('[') {
            let (index, tail) = bracket.split_once(']').unwrap_or((bracket, ""));
            rest = tail;
            return Some(index.parse().map_or(Segment::Key(index), Segment::Index));
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        rest = tail;
        Some(Segment::Key(name))
    })
}

/// A path under construction, from the field outwards.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(parent, name) => {
                parent.fmt(f)?;
                if name.is_empty() || name.contains(['.', '[', ']', '"', '/']) {
                    write!(f, "[\"{name}\"]")
                } else if matches!(parent, Self::Root) {
                    f.write_str(name)
                } else {
                    write!(f, ".{name}")
                }
            }
            Self::Index(parent, index) => {
                parent.fmt(f)?;
                write!(f, "[{index}]")
            }
        }
    }
}
