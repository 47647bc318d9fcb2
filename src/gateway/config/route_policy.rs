//! What a route does beside its action: retries, injected faults, CORS and
//! mirrors, of Istio's texts and shares made values (istiod's `route.go` and `retry.go`).

use std::time::Duration;

use http::{HeaderValue, StatusCode};

use super::field::Field;
use super::note::Notes;
use super::route_match::compile;
use super::route_scope::Building;
use super::table::{Abort, CorsPolicy, Fault, Mirror, RetryOn, RetryPolicy, Share, StringMatch};
use crate::manifests::grpc_status;
use crate::manifests::model::duration;
use crate::manifests::model::http_route as model;
use crate::manifests::re2::Covers;
use crate::problem::Problem;

/// Envoy's first pause between attempts, when `retries.backoff` says nothing.
const DEFAULT_BACKOFF: Duration = Duration::from_millis(25);

/// The retries of a route: Istio's own when it says nothing, none when `attempts` is 0.
pub(super) fn retries_of(http: &model::HttpRoute, place: &Field<'_>, notes: &mut Notes) -> RetryPolicy {
    let Some(wanted) = &http.retries else {
        return RetryPolicy::default();
    };
    let attempts = u32::try_from(wanted.attempts.unwrap_or_default()).unwrap_or_default();
    let place = place.child("retries");
    let on = match wanted.retry_on.as_deref().filter(|on| !on.is_empty()) {
        Some(text) => retry_on(text),
        None => RetryOn::default(),
    };
    let backoff = positive(
        wanted.backoff.as_deref(),
        "the pause is 25 ms",
        &place.child("backoff"),
        notes,
    );
    RetryPolicy {
        attempts,
        on,
        per_try_timeout: positive(
            wanted.per_try_timeout.as_deref(),
            "an attempt has no limit of its own",
            &place.child("perTryTimeout"),
            notes,
        ),
        backoff: backoff.unwrap_or(DEFAULT_BACKOFF),
    }
}

/// Envoy's `retry_on`, in which istiod takes numbers for statuses. What Envoy
/// does not know it passes over.
fn retry_on(text: &str) -> RetryOn {
    let mut on = RetryOn {
        connect_failure: false,
        refused_stream: false,
        grpc: Vec::new(),
        ..RetryOn::default()
    };
    for condition in text.split(',').map(str::trim) {
        match condition {
            "5xx" => on.server_error = true,
            "gateway-error" => on.gateway_error = true,
            "reset" | "reset-before-request" => on.reset = true,
            "connect-failure" => on.connect_failure = true,
            "refused-stream" => on.refused_stream = true,
            "retriable-4xx" => on.statuses.push(StatusCode::CONFLICT),
            "cancelled" => on.grpc.push(1),
            "deadline-exceeded" => on.grpc.push(4),
            "resource-exhausted" => on.grpc.push(8),
            "internal" => on.grpc.push(13),
            "unavailable" => on.grpc.push(14),
            other => {
                let status = other.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
                on.statuses
                    .extend(status.filter(|status| status.canonical_reason().is_some()));
            }
        }
    }
    on
}

/// A duration above zero, if one is given; `instead` says what holds where it cannot be read.
pub(super) fn positive(text: Option<&str>, instead: &str, place: &Field<'_>, notes: &mut Notes) -> Option<Duration> {
    let text = text?;
    let parsed = duration::parse(text);
    if parsed.is_none() {
        notes.push(
            Problem::new(format!("{text:?} is no duration, so {instead}"))
                .at(place.locate())
                .fix("write it as 10s or 500ms"),
        );
    }
    parsed.filter(|duration| !duration.is_zero())
}

/// The faults that the gateway injects; one without a share never is.
pub(super) fn fault_of(http: &model::HttpRoute, place: &Field<'_>, notes: &mut Notes) -> Option<Fault> {
    let wanted = http.fault.as_ref()?;
    let place = place.child("fault");
    let delay = wanted.delay.as_ref().and_then(|delay| {
        let share = match delay.percentage {
            Some(percentage) => Share::of(percentage.value),
            None => Share::of(f64::from(delay.percent.unwrap_or_default())),
        };
        let place = place.child("delay").child("fixedDelay");
        let time = positive(delay.fixed_delay.as_deref(), "there is no delay", &place, notes)?;
        Some((share, time))
    });
    let abort = wanted.abort.as_ref().and_then(|abort| {
        let share = Share::of(abort.percentage.map_or(0.0, |percentage| percentage.value));
        Some((share, abort_of(abort)?))
    });
    (delay.is_some() || abort.is_some()).then_some(Fault { delay, abort })
}

fn abort_of(abort: &model::FaultAbort) -> Option<Abort> {
    if let Some(status) = abort.http_status {
        let status = u16::try_from(status)
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok());
        return status.map(Abort::Http);
    }
    grpc_status::code(abort.grpc_status.as_deref()?).map(Abort::Grpc)
}

/// Which origins may read the answers, and what they are told.
pub(super) fn cors_of(http: &model::HttpRoute, place: &Field<'_>, notes: &mut Notes) -> Option<CorsPolicy> {
    let wanted = http.cors_policy.as_ref()?;
    let place = place.child("corsPolicy");
    let mut origins = Vec::new();
    for (index, origin) in wanted.allow_origins.iter().enumerate() {
        origins.push(match origin {
            model::StringMatch::Exact(text) => StringMatch::Exact(text.clone()),
            model::StringMatch::Prefix(text) => StringMatch::Prefix(text.clone()),
            model::StringMatch::Regex(pattern) => {
                match compile(pattern, Covers::Whole, &place.item("allowOrigins", index)) {
                    Ok(regex) => StringMatch::Regex(regex),
                    Err(problem) => {
                        notes.push(problem);
                        continue;
                    }
                }
            }
            model::StringMatch::Present => continue,
        });
    }
    if wanted.allow_origins.is_empty() {
        origins.extend(wanted.allow_origin.iter().cloned().map(StringMatch::Exact));
    }
    let list = |values: &[String]| {
        let joined = values.join(",");
        HeaderValue::try_from(joined).ok().filter(|value| !value.is_empty())
    };
    let age = wanted.max_age.as_deref().and_then(duration::parse);
    Some(CorsPolicy {
        origins,
        methods: list(&wanted.allow_methods),
        headers: list(&wanted.allow_headers),
        exposed: list(&wanted.expose_headers),
        max_age: age.map(|age| HeaderValue::from(age.as_secs())),
        credentials: wanted.allow_credentials == Some(true),
        answers_unmatched: wanted.unmatched_preflights == Some(model::UnmatchedPreflights::Ignore),
    })
}

/// Where copies of the requests go; a share of zero is none, no share is all.
pub(super) fn mirrors_of(http: &model::HttpRoute, place: &Field<'_>, building: &mut Building<'_, '_>) -> Vec<Mirror> {
    let whole = model::Percent { value: 100.0 };
    let share_of_one = match (http.mirror_percentage, http.mirror_percent) {
        (Some(percentage), _) => percentage.value,
        (None, Some(percent)) => f64::from(percent),
        (None, None) => whole.value,
    };
    let requests = building.requests();
    let one = http
        .mirror
        .as_ref()
        .map(|mirror| (mirror, share_of_one, place.child("mirror")));
    let more = http.mirrors.iter().enumerate().map(|(index, mirror)| {
        let share = mirror.percentage.unwrap_or(whole).value;
        (&mirror.destination, share, place.item("mirrors", index))
    });
    one.into_iter()
        .chain(more)
        .filter(|(_, share, _)| *share > 0.0)
        .map(|(destination, share, place)| Mirror {
            cluster: building.clusters.index_of(
                destination,
                building.namespace,
                building.scope.port,
                requests,
                &place,
                building.notes,
            ),
            share: Share::of(share),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::retry_on;
    use crate::gateway::config::table::{RetryOn, Share};
    use http::StatusCode;

    #[test]
    fn retry_conditions_are_read_as_istiod_and_envoy_read_them() {
        let on = retry_on("5xx, 503,retriable-4xx,unavailable,299,nonsense");
        let expected = RetryOn {
            server_error: true,
            connect_failure: false,
            refused_stream: false,
            grpc: vec![14],
            statuses: vec![StatusCode::SERVICE_UNAVAILABLE, StatusCode::CONFLICT],
            ..RetryOn::default()
        };
        assert_eq!(on, expected);
    }

    #[test]
    fn shares_are_millionths() {
        for (percent, random, hit) in [
            (100.0, 999_999, true),
            (0.0, 0, false),
            (0.0001, 0, true),
            (0.0001, 1, false),
            (50.0, 1_499_999, true),
            (50.0, 1_500_000, false),
        ] {
            assert_eq!(Share::of(percent).holds(random), hit, "{percent} {random}");
        }
    }
}
