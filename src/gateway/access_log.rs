//! A line per request, as text or JSON.

/// The access log's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessLog {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object per line, with Envoy's field names.
    Json,
    /// None.
    Off,
}
