//! Decodes a tree into typed values with serde: the first error has the position, the path, and
//! what was expected; unknown fields are collected.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::position::{Path, Position};
use super::tree::{Entry, Node, Value};
use crate::spelling;

/// Why a value does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DecodeError {
    pub(super) position: Option<Position>,
    pub(super) path: String,
    pub(super) message: String,
    /// The probably intended word.
    pub(super) meant: Option<&'static str>,
}

/// A field that the type does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnknownField {
    pub(super) position: Position,
    pub(super) path: String,
    /// The probably intended field.
    pub(super) meant: Option<&'static str>,
}

/// Decodes an object.
pub(super) fn decode<T: DeserializeOwned>(node: &Node) -> Result<(T, Vec<UnknownField>), DecodeError> {
    let unknown = RefCell::default();
    let value = T::deserialize(Decoder {
        node,
        path: Path::Root,
        key_position: node.position,
        beside: &[],
        unknown: &unknown,
    })?;
    Ok((value, unknown.into_inner()))
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            position: None,
            path: String::new(),
            message: message.to_string(),
            meant: None,
        }
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        let wanted = wanted.to_string();
        let wanted = wanted_words(&wanted);
        let quote = if wanted == "a string" { ": put it in quotes" } else { "" };
        Self::custom(match found {
            Unexpected::Bool(value) => format!("expected {wanted}, found the boolean {value}{quote}"),
            Unexpected::Unsigned(number) => format!("expected {wanted}, found the number {number}{quote}"),
            Unexpected::Signed(number) => format!("expected {wanted}, found the number {number}{quote}"),
            Unexpected::Float(number) => format!("expected {wanted}, found the number {number}{quote}"),
            // The text itself is not shown, because it may be a key.
            Unexpected::Str(_) | Unexpected::Char(_) | Unexpected::Bytes(_) => {
                format!("expected {wanted}, found a string")
            }
            Unexpected::Unit | Unexpected::Option => format!("expected {wanted}, found nothing (null)"),
            Unexpected::Seq => format!("expected {wanted}, found a list"),
            _ => format!("expected {wanted}, found a mapping"),
        })
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        match found {
            Unexpected::Unsigned(number) => Self::custom(format!("the number {number} is out of range")),
            Unexpected::Signed(number) => Self::custom(format!("the number {number} is out of range")),
            found => Self::invalid_type(found, wanted),
        }
    }

    fn unknown_variant(found: &str, wanted: &'static [&'static str]) -> Self {
        let found: String = found.chars().take(60).collect();
        Self {
            meant: spelling::nearest(&found, wanted.iter().copied()),
            ..Self::custom(format!("unknown value {found:?}: expected {}", wanted.join(", ")))
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format!("the field {field} is missing"))
    }
}

/// Translates serde's names of Rust types for authors of manifests.
fn wanted_words(wanted: &str) -> &str {
    match wanted {
        "a string" | "a borrowed string" => "a string",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a mapping",
        "f64" => "a number",
        "u8" | "u16" | "u32" | "u64" | "i32" | "i64" => "a whole number",
        other if other.starts_with("struct ") => "a mapping",
        other if other.contains("enum ") || other.contains("variant") => "a word",
        other => other,
    }
}

#[derive(Clone, Copy)]
struct Decoder<'a> {
    node: &'a Node,
    path: Path<'a>,
    /// The position of the value's key, for unknown fields.
    key_position: Position,
    /// The allowed fields of the value's mapping.
    beside: &'static [&'static str],
    unknown: &'a RefCell<Vec<UnknownField>>,
}

impl Decoder<'_> {
    /// Adds the position of an error, unless it has one.
    fn here(&self, mut error: DecodeError) -> DecodeError {
        if error.position.is_none() {
            error.position = Some(self.node.position);
            error.path = self.path.to_string();
        }
        error
    }

    fn found(&self) -> Unexpected<'_> {
        match &self.node.value {
            Value::Null => Unexpected::Unit,
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Integer(number) => u64::try_from(*number).map_or_else(
                |_| Unexpected::Signed(i64::try_from(*number).unwrap_or(i64::MIN)),
                Unexpected::Unsigned,
            ),
            Value::Float(number) => Unexpected::Float(*number),
            Value::String(text) => Unexpected::Str(text),
            Value::Sequence(_) => Unexpected::Seq,
            Value::Mapping(_) => Unexpected::Map,
        }
    }

    fn entries<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        entries: &[Entry],
        fields: Option<&'static [&'static str]>,
    ) -> Result<V::Value, DecodeError> {
        visitor
            .visit_map(Entries {
                decoder: self,
                rest: entries.iter(),
                value: None,
                fields,
            })
            .map_err(|error| self.here(error))
    }
}

impl<'de> de::Deserializer<'de> for Decoder<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(number) => match (u64::try_from(*number), i64::try_from(*number)) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                _ => visitor.visit_f64(*number as f64),
            },
            Value::Float(number) => visitor.visit_f64(*number),
            Value::String(text) => visitor.visit_str(text),
            Value::Sequence(items) => visitor.visit_seq(Items {
                decoder: self,
                rest: items.iter().enumerate(),
            }),
            Value::Mapping(entries) => return self.entries(visitor, entries, None),
        }
        .map_err(|error| self.here(error))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
        .map_err(|error| self.here(error))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::Mapping(entries) => self.entries(visitor, entries, Some(fields)),
            _ => Err(self.here(de::Error::invalid_type(self.found(), &"a map"))),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self).map_err(|error| self.here(error))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::String(text) => visitor
                .visit_enum(IntoDeserializer::<DecodeError>::into_deserializer(text.as_str()))
                .map_err(|error| self.here(error)),
            _ => Err(self.here(de::Error::invalid_type(self.found(), &"a word"))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let meant = match self.path {
            Path::Key(_, key) => spelling::nearest(key, self.beside.iter().copied()),
            Path::Root | Path::Index(..) => None,
        };
        self.unknown.borrow_mut().push(UnknownField {
            position: self.key_position,
            path: self.path.to_string(),
            meant,
        });
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier
    }
}

struct Items<'a> {
    decoder: Decoder<'a>,
    rest: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        let Some((index, node)) = self.rest.next() else {
            return Ok(None);
        };
        let child = Decoder {
            node,
            path: Path::Index(&self.decoder.path, index),
            key_position: node.position,
            beside: &[],
            unknown: self.decoder.unknown,
        };
        seed.deserialize(child).map(Some).map_err(|error| child.here(error))
    }
}

struct Entries<'a> {
    decoder: Decoder<'a>,
    rest: std::slice::Iter<'a, Entry>,
    value: Option<&'a Entry>,
    /// The fields of a struct; none for a map.
    fields: Option<&'static [&'static str]>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        // Kubernetes treats a null field as absent.
        let keeps_null = self.fields.is_none();
        let entries = self.rest.by_ref();
        let next = entries.find(|entry| keeps_null || entry.value.value != Value::Null);
        let Some(entry) = next else { return Ok(None) };
        self.value = Some(entry);
        seed.deserialize(StrDeserializer::new(&entry.key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let Some(entry) = self.value.take() else {
            return Err(de::Error::custom("a value without a key"));
        };
        let child = Decoder {
            node: &entry.value,
            path: Path::Key(&self.decoder.path, &entry.key),
            key_position: entry.key_position,
            beside: self.fields.unwrap_or_default(),
            unknown: self.decoder.unknown,
        };
        seed.deserialize(child).map_err(|error| child.here(error))
    }
}
