//! Kubernetes `Secret`. Its values are never shown by `Debug`, and are zeroed on drop.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::metadata::ObjectMeta;

/// The kind's name.
pub const KIND: &str = "Secret";
/// The type of a Secret with `tls.crt` and `tls.key`.
pub const TYPE_TLS: &str = "kubernetes.io/tls";
/// The type of a Secret with any keys; the default.
pub const TYPE_OPAQUE: &str = "Opaque";

fn kind() -> &'static str {
    KIND
}

/// A Secret object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// `v1`.
    pub api_version: String,
    #[serde(skip_deserializing, default = "kind")]
    kind: &'static str,
    /// `metadata`.
    pub metadata: ObjectMeta,
    /// `type`; the default is `Opaque`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub secret_type: Option<String>,
    /// Whether the values cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
    /// Values in base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, SecretBytes>,
    /// Values as text; they override `data`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub string_data: BTreeMap<String, SecretText>,
}

impl Secret {
    /// A Secret with `data`.
    pub fn new(metadata: ObjectMeta, secret_type: &str, data: BTreeMap<String, SecretBytes>) -> Self {
        Self {
            api_version: "v1".into(),
            kind: KIND,
            metadata,
            secret_type: Some(secret_type.into()),
            immutable: None,
            data,
            string_data: BTreeMap::new(),
        }
    }

    /// The value of a key as the API server would store it.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        let text = self.string_data.get(key).map(|text| text.0.as_bytes());
        text.or_else(|| self.data.get(key).map(|bytes| bytes.0.as_slice()))
    }

    /// The names of all keys, sorted.
    pub fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self
            .data
            .keys()
            .chain(self.string_data.keys())
            .map(String::as_str)
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// A value of `data`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the value itself, not its base64.
    pub fn new(value: Vec<u8>) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl Serialize for SecretBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(self.as_slice())))
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = Zeroizing::new(String::deserialize(deserializer)?);
        // Go's decoder, which Kubernetes uses, skips line breaks.
        text.retain(|c| c != '\n' && c != '\r');
        match STANDARD.decode(text.as_bytes()) {
            Ok(value) => Ok(Self::new(value)),
            // The decoder's message would quote a byte of the value.
            Err(_) => Err(serde::de::Error::custom(if text.starts_with("-----BEGIN") {
                "expected base64, found PEM text (which belongs under stringData)"
            } else {
                "expected base64 (plain text belongs under stringData)"
            })),
        }
    }
}

/// A value of `stringData`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes the text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
