//! A change of one field, as a remedy.

/// A change of one field of a file or an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Where: a file, or an object such as `Gateway default/mygateway`.
    pub place: String,
    /// The field, as `spec.servers[0].tls.mode`.
    pub field: String,
    /// The new value; none if the field is to be removed.
    pub value: Option<String>,
}
