//! A YAML or JSON text as a tree with the byte range of each key and value, so that single values
//! can be replaced in the text.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, StrInput, StructureStyle};

/// The maximum nesting depth; the loader refuses more, too.
const DEPTH_LIMIT: usize = 100;

/// A value and its position.
#[derive(Debug)]
pub(super) struct Node {
    /// Its byte range; for a list or mapping in block style, from its first to its last value.
    pub(super) range: Range<usize>,
    /// Its start as line and column, from 1, as in [`crate::manifests::load`].
    pub(super) position: (u32, u32),
    /// Its content.
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Scalar { text: String, style: ScalarStyle },
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, flow: bool },
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// The byte range of the key, including quotes.
    pub(super) key: Range<usize>,
    pub(super) value: Node,
}

impl Node {
    /// The entry of a mapping with this name.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.name == name)
    }

    /// The value of a mapping with this name.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.entry(name).map(|entry| &entry.value)
    }

    /// The entries of a mapping; none for other values.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping { entries, .. } => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for other values.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// The documents of a text. None if it cannot be read, or if it has anchors: an edit of a value
/// that is used twice would change both.
pub(super) fn documents(text: &str) -> Option<Vec<Node>> {
    let mark = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    let mut options = granit_parser::options! {
        flow_nesting_limit: DEPTH_LIMIT,
        block_nesting_limit: DEPTH_LIMIT,
    };
    options.set_emit_comments(false);
    let mut reading = Reading {
        parser: Parser::new_from_str_with_options(&text[mark..], options),
        text,
        mark,
    };
    let mut documents = Vec::new();
    loop {
        let (event, range, position) = reading.next()?;
        match event {
            Event::StreamEnd => return Some(documents),
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            event => documents.push(reading.node(event, range, position, 0)?),
        }
    }
}

struct Reading<'t> {
    parser: Parser<'t, StrInput<'t>>,
    text: &'t str,
    /// The length of a byte order mark, which the parser skips.
    mark: usize,
}

impl<'t> Reading<'t> {
    fn next(&mut self) -> Option<(Event<'t>, Range<usize>, (u32, u32))> {
        let (event, span) = self.parser.next_event()?.ok()?;
        if event.anchor_id().is_some() || matches!(event, Event::Alias(_)) {
            return None;
        }
        let range = span.byte_range()?;
        let line = u32::try_from(span.start.line()).ok()?;
        let column = u32::try_from(span.start.col() + 1).ok()?;
        Some((event, range.start + self.mark..range.end + self.mark, (line, column)))
    }

    fn node(&mut self, event: Event<'t>, range: Range<usize>, position: (u32, u32), depth: usize) -> Option<Node> {
        if depth > DEPTH_LIMIT {
            return None;
        }
        let start = range.start;
        let mut end = range.end;
        let value = match event {
            Event::Scalar(text, style, ..) => Value::Scalar {
                text: text.into_owned(),
                style,
            },
            Event::SequenceStart(style, ..) => {
                let mut items: Vec<Node> = Vec::new();
                loop {
                    let (event, range, position) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        end = ended(style, range.end, items.last());
                        break Value::Sequence(items);
                    }
                    items.push(self.node(event, range, position, depth + 1)?);
                }
            }
            Event::MappingStart(style, ..) => {
                let mut entries: Vec<Entry> = Vec::new();
                loop {
                    let (event, key, _) = self.next()?;
                    if matches!(event, Event::MappingEnd) {
                        end = ended(style, key.end, entries.last().map(|entry| &entry.value));
                        break Value::Mapping {
                            entries,
                            flow: style == StructureStyle::Flow,
                        };
                    }
                    let Event::Scalar(name, ..) = event else { return None };
                    let (event, range, position) = self.next()?;
                    let mut value = self.node(event, range, position, depth + 1)?;
                    if let Value::Scalar {
                        style: ScalarStyle::Literal | ScalarStyle::Folded,
                        ..
                    } = value.value
                    {
                        value.range = self.block(key.end, &value.range)?;
                    }
                    entries.push(Entry {
                        name: name.into_owned(),
                        key,
                        value,
                    });
                }
            }
            _ => return None,
        };
        Some(Node {
            range: start..end.max(start),
            position,
            value,
        })
    }

    /// A block scalar from its `|` or `>` to its last non-blank character.
    fn block(&self, key_end: usize, content: &Range<usize>) -> Option<Range<usize>> {
        let between = self.text.get(key_end..content.start)?;
        let header = between.find(['|', '>'])?;
        if !between[..header].trim().eq(":") {
            return None;
        }
        let start = key_end + header;
        let whole = self.text.get(start..content.end)?;
        Some(start..start + whole.trim_end().len())
    }
}

/// The end of a list or mapping: in block style, the end of its last value.
fn ended(style: StructureStyle, end: usize, last: Option<&Node>) -> usize {
    match (style, last) {
        (StructureStyle::Block, Some(last)) => last.range.end,
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::documents;

    #[test]
    fn values_are_found_in_the_text() {
        let text = "\u{feff}kind: 'Secret'\ndata:\n  a: QUJD # c\n  b: |-\n    x\n    y\n\n  \"c\": \"q\"\nlist: [{d: e}]\n---\nf: g\n";
        let documents = documents(text).unwrap();
        let data = documents[0].get("data").unwrap();
        let of = |range: &std::ops::Range<usize>| text[range.clone()].to_owned();
        assert_eq!(of(&documents[0].get("kind").unwrap().range), "'Secret'");
        assert_eq!(of(&data.get("a").unwrap().range), "QUJD");
        assert_eq!(of(&data.get("b").unwrap().range), "|-\n    x\n    y");
        assert_eq!(of(&data.entry("c").unwrap().key), "\"c\"");
        assert_eq!(data.position, (3, 3));
        let list = documents[0].get("list").unwrap();
        assert_eq!(of(&list.range), "[{d: e}]");
        assert_eq!(of(&list.items()[0].get("d").unwrap().range), "e");
        assert_eq!(documents[1].get("f").unwrap().text(), Some("g"));
        assert_eq!(documents.len(), 2);
    }

    #[test]
    fn what_cannot_be_edited_safely_is_not_read() {
        for text in ["a: [", "a: &x 1\nb: *x\n", "? [a]\n: b\n", &"[".repeat(500)] {
            assert!(documents(text).is_none(), "{text}");
        }
    }
}
