//! Times of certificates in readable form.

use time::OffsetDateTime;

/// `2026-12-31 23:59:59 UTC`.
pub(crate) fn shown(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    let (hour, minute, second) = time.to_hms();
    format!("{} {hour:02}:{minute:02}:{second:02} UTC", time.date())
}

/// RFC 3339 with a resolution of seconds, for machines.
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    let time = time.replace_nanosecond(0).unwrap_or(time);
    time.to_offset(time::UtcOffset::UTC)
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap_or_else(|_| time.to_string())
}

/// Whole days from `from` until `to`, rounded towards the past: -1 is "expired
/// within the last day".
pub(crate) fn days_between(from: OffsetDateTime, to: OffsetDateTime) -> i64 {
    (to - from).whole_seconds().div_euclid(86_400)
}

/// `today`, `1 day ago`, `12 days ago`, for a negative number of days left.
pub(crate) fn ago(days_left: i64) -> String {
    match -days_left {
        ..=1 => "within the last day".into(),
        days => format!("{} days ago", days - 1),
    }
}
