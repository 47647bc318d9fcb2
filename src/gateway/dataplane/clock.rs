//! The gateway's one reading of the wall clock, for log lines and `/certs`.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a server's clock runs on; it is read here and nowhere else in the gateway"
)]
pub(in crate::gateway) fn now() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// An instant as `2026-11-22T20:15:03.123Z`.
pub(super) fn rfc3339(since_1970: std::time::Duration) -> String {
    let seconds = i64::try_from(since_1970.as_secs()).unwrap_or_default();
    let at = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        since_1970.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn instants_are_written_as_rfc_3339() {
        let at = std::time::Duration::from_millis(1_700_000_000_042);
        assert_eq!(super::rfc3339(at), "2023-11-14T22:13:20.042Z");
    }
}
