//! The checks of Istio's admission webhook on timeouts and retries.

use crate::lint::codes::{DURATION_INVALID, RETRY_ATTEMPTS, RETRY_ON};
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Rule, World};
use crate::manifests::model::duration;
use crate::manifests::model::http_route::HttpRetry;

pub(super) static RULES: &[&dyn Rule] = &[&Retries];

/// Conditions of x-envoy-retry-on and x-envoy-retry-grpc-on that Istio knows.
const RETRY_CONDITIONS: &[&str] = &[
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "retriable-headers",
    "envoy-ratelimited",
    "http3-post-connect-failure",
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
];

/// Checks that a duration is in whole milliseconds and at least 1ms. Returns whether it is valid.
pub(super) fn check_duration(text: &str, spot: &Spot<'_>, found: &mut Findings) -> bool {
    let what = match duration::parse(text) {
        None => format!("\"{text}\" is not a duration"),
        Some(duration) if duration.as_nanos() < 1_000_000 => format!("the duration {text} is shorter than 1ms"),
        Some(duration) if duration.subsec_nanos() % 1_000_000 != 0 => {
            format!("the duration {text} is not in whole milliseconds")
        }
        Some(_) => return true,
    };
    found.push(spot.finding(&DURATION_INVALID, what));
    false
}

/// Timeouts and retries.
struct Retries;

impl Rule for Retries {
    fn codes(&self) -> &'static [&'static Code] {
        &[&DURATION_INVALID, &RETRY_ATTEMPTS, &RETRY_ON]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            for (at, route) in service.object.spec.http.iter().enumerate() {
                let spot = Spot::new(service, format!("spec.http[{at}]"));
                if let Some(timeout) = &route.timeout {
                    check_duration(timeout, &spot.field("timeout"), found);
                }
                if let Some(retries) = &route.retries {
                    check_retries(retries, &spot.field("retries"), found);
                }
            }
        }
    }
}

fn check_retries(retries: &HttpRetry, spot: &Spot<'_>, found: &mut Findings) {
    let attempts = retries.attempts.unwrap_or_default();
    let retry_on = retries.retry_on.as_deref().filter(|conditions| !conditions.is_empty());
    if attempts < 0 {
        let what = format!("attempts is {attempts}");
        found.push(spot.field("attempts").finding(&RETRY_ATTEMPTS, what));
    }
    let more = retries.per_try_timeout.is_some() || retry_on.is_some() || retries.retry_remote_localities.is_some();
    if attempts == 0 && more {
        let what = match retries.attempts {
            Some(_) => "attempts is 0, which turns retries off, but they are configured",
            None => "retries are configured without attempts, which defaults to 0 and turns them off",
        };
        found.push(spot.finding(&RETRY_ATTEMPTS, what));
    }
    for (field, duration) in [
        ("perTryTimeout", &retries.per_try_timeout),
        ("backoff", &retries.backoff),
    ] {
        if let Some(duration) = duration {
            check_duration(duration, &spot.field(field), found);
        }
    }
    for condition in retry_on.into_iter().flat_map(|conditions| conditions.split(',')) {
        let is_status = condition.parse().is_ok_and(is_http_status);
        if is_status || RETRY_CONDITIONS.contains(&condition) {
            continue;
        }
        let finding = spot
            .field("retryOn")
            .finding(&RETRY_ON, format!("\"{condition}\" is not a retry condition"));
        found.push(if RETRY_CONDITIONS.contains(&condition.trim()) {
            finding.fix("write the list without spaces, as in 5xx,reset")
        } else {
            finding
        });
    }
}

/// The status codes that have a name in Go's net/http (IANA's registry).
fn is_http_status(status: u16) -> bool {
    matches!(
        status,
        100..=103
            | 200..=208
            | 226
            | 300..=305
            | 307
            | 308
            | 400..=418
            | 421..=426
            | 428
            | 429
            | 431
            | 451
            | 500..=508
            | 510
            | 511
    )
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::assert_code;

    fn service(fields: &str) -> String {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a}}\n\
             spec: {{hosts: [a.com], http: [{{route: [{{destination: {{host: a}}}}], {fields}}}]}}\n"
        )
    }

    /// Each row: fields of a route, and the paths below it at which the code is found.
    fn table(code: &str, cases: &[(&str, &[&str])]) {
        for (fields, paths) in cases {
            let paths: Vec<String> = paths.iter().map(|path| format!("spec.http[0].{path}")).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            assert_code(&service(fields), code, &paths);
        }
    }

    #[test]
    fn durations_are_whole_milliseconds() {
        table(
            "ITL0615",
            &[
                ("timeout: 1ms", &[]),
                ("timeout: 1.5s", &[]),
                ("retries: {attempts: 1, perTryTimeout: 2s, backoff: 25ms}", &[]),
                ("fault: {delay: {fixedDelay: 1h, percentage: {value: 1}}}", &[]),
                ("timeout: 0s", &["timeout"]),
                ("timeout: 1500us", &["timeout"]),
                ("timeout: '5'", &["timeout"]),
                (
                    "retries: {attempts: 1, perTryTimeout: -2s, backoff: 1ns}",
                    &["retries.perTryTimeout", "retries.backoff"],
                ),
                ("fault: {delay: {fixedDelay: soon}}", &["fault.delay.fixedDelay"]),
            ],
        );
    }

    #[test]
    fn retries_are_on_or_off() {
        table(
            "ITL0616",
            &[
                ("retries: {attempts: 0}", &[]),
                ("retries: {attempts: 3, retryOn: 5xx}", &[]),
                ("retries: {}", &[]),
                ("retries: {attempts: -1}", &["retries.attempts"]),
                ("retries: {attempts: 0, perTryTimeout: 1s}", &["retries"]),
                ("retries: {retryOn: 5xx}", &["retries"]),
                ("retries: {retryRemoteLocalities: false}", &["retries"]),
            ],
        );
        table(
            "ITL0617",
            &[
                (
                    "retries: {attempts: 1, retryOn: 'gateway-error,connect-failure,503'}",
                    &[],
                ),
                ("retries: {attempts: 1, retryOn: unavailable}", &[]),
                ("retries: {attempts: 1, retryOn: ''}", &[]),
                ("retries: {attempts: 1, retryOn: '5xx, reset'}", &["retries.retryOn"]),
                ("retries: {attempts: 1, retryOn: '5xx,'}", &["retries.retryOn"]),
                ("retries: {attempts: 1, retryOn: '599'}", &["retries.retryOn"]),
            ],
        );
    }
}
