//! The parts of an authority (RFC 3986): host and port.

/// An authority's host and, with its colon, its port (empty when it has none).
pub fn split_port(authority: &str) -> (&str, &str) {
    let after_brackets = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[after_brackets..].rfind(':') {
        Some(colon) => authority.split_at(after_brackets + colon),
        None => (authority, ""),
    }
}
