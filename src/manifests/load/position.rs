//! The position of a field: its file, line and column.

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
    /// The file name as given by the user; empty for an object from a cluster.
    pub file: Arc<str>,
    /// The line, from 1; 0 for an object without a file.
    pub line: u32,
    /// The column, from 1; 0 if the line is.
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

/// The origin of an object, with the position of each field.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The file name as given by the user; empty for an object from a cluster.
    pub file: Arc<str>,
    /// The start of the object.
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

    /// For an object without a file; `name` is what it was generated from.
    pub fn made(name: &str) -> Self {
        Self {
            file: Arc::from(name),
            position: Position { line: 0, column: 0 },
            fields: Arc::new(Fields::Scalar),
        }
    }

    /// For an object from a cluster, which is identified only by its name.
    pub fn nowhere() -> Self {
        Self::made("")
    }

    /// The start of the object.
    pub fn location(&self) -> Location {
        Location::new(&self.file, self.position)
    }

    /// The position of a field, for a path such as `spec.servers[0].tls.credentialName` or
    /// `data["tls.crt"]`: its value, or its name if the value is a list or mapping. A missing field
    /// has the position of its nearest existing parent.
    pub fn at(&self, path: &str) -> Location {
        Location::new(&self.file, self.fields.find(path, false).unwrap_or(self.position))
    }

    /// The position of a field's name.
    pub fn key_at(&self, path: &str) -> Location {
        Location::new(&self.file, self.fields.find(path, true).unwrap_or(self.position))
    }

    /// `file:line:column path`, the format in errors.
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
