//! gRPC status codes by the names that Istio accepts (google.rpc.Code).

/// In the order of their numbers, from 0.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The number of a status; `None` if there is no such name.
pub fn code(name: &str) -> Option<u16> {
    let at = NAMES.iter().position(|known| *known == name)?;
    u16::try_from(at).ok()
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn statuses_have_their_numbers() {
        assert_eq!(code("OK"), Some(0));
        assert_eq!(code("UNAVAILABLE"), Some(14));
        assert_eq!(code("UNAUTHENTICATED"), Some(16));
        assert_eq!(code("unavailable"), None);
    }
}
