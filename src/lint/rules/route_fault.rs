//! Faults and mirrors of http routes: the checks of Istio's admission webhook, and faults that are
//! never injected.

use super::route_retry::check_duration;
use crate::lint::codes::{
    ABORT_WITHOUT_STATUS, DELAY_PERCENT_DEPRECATED, DURATION_INVALID, FAULT_INVALID, FAULT_NEVER,
    MIRROR_PERCENT_DEPRECATED, PERCENTAGE_INVALID, STATUS_INVALID,
};
use crate::lint::spot::Spot;
use crate::lint::{Code, Findings, Rule, Severity, World};
use crate::manifests::grpc_status;
use crate::manifests::model::http_route::{FaultAbort, FaultDelay, HttpRoute, Percent};

pub(super) static RULES: &[&dyn Rule] = &[&Faults, &Mirrors];

/// Delays and aborts.
struct Faults;

impl Rule for Faults {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &DURATION_INVALID,
            &FAULT_INVALID,
            &PERCENTAGE_INVALID,
            &STATUS_INVALID,
            &ABORT_WITHOUT_STATUS,
            &DELAY_PERCENT_DEPRECATED,
            &FAULT_NEVER,
        ]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            for (at, route) in service.object.spec.http.iter().enumerate() {
                let Some(fault) = &route.fault else { continue };
                let spot = Spot::new(service, format!("spec.http[{at}].fault"));
                if fault.abort.is_none() && fault.delay.is_none() {
                    found.push(spot.finding(&FAULT_INVALID, "the fault has neither abort nor delay"));
                }
                if let Some(abort) = &fault.abort {
                    check_abort(abort, &spot.field("abort"), found);
                }
                if let Some(delay) = &fault.delay {
                    check_delay(delay, &spot.field("delay"), found);
                }
            }
        }
    }
}

fn check_abort(abort: &FaultAbort, spot: &Spot<'_>, found: &mut Findings) {
    check_fault_percentage(abort.percentage, spot, found);
    let kinds = [
        ("httpStatus", abort.http_status.is_some()),
        ("grpcStatus", abort.grpc_status.is_some()),
        ("http2Error", abort.http2_error.is_some()),
    ];
    let set: Vec<&str> = kinds
        .iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(name, _)| *name)
        .collect();
    if set.len() > 1 {
        let what = format!("the abort has more than one of {}", set.join(" and "));
        found.push(spot.finding(&FAULT_INVALID, what));
    }
    if abort.http2_error.is_some() {
        let what = "Istio does not implement http2Error";
        found.push(spot.field("http2Error").finding(&FAULT_INVALID, what));
    }
    if let Some(status) = abort.http_status.filter(|status| !(200..=600).contains(status)) {
        let what = format!("the status {status} is not between 200 and 599");
        found.push(spot.field("httpStatus").finding(&STATUS_INVALID, what));
    }
    if let Some(status) = abort
        .grpc_status
        .as_deref()
        .filter(|status| grpc_status::code(status).is_none())
    {
        let what = format!("\"{status}\" is not a gRPC status");
        found.push(spot.field("grpcStatus").finding(&STATUS_INVALID, what));
    }
    if set.is_empty() {
        found.push(spot.finding(&ABORT_WITHOUT_STATUS, "the abort has neither httpStatus nor grpcStatus"));
    } else {
        check_share(abort.percentage, None, "abort", spot, found);
    }
}

fn check_delay(delay: &FaultDelay, spot: &Spot<'_>, found: &mut Findings) {
    check_fault_percentage(delay.percentage, spot, found);
    if let Some(fixed) = &delay.fixed_delay {
        check_duration(fixed, &spot.field("fixedDelay"), found);
        check_share(delay.percentage, delay.percent, "delay", spot, found);
    }
    if delay.exponential_delay.is_some() {
        let what = "Istio does not implement exponentialDelay";
        found.push(spot.field("exponentialDelay").finding(&FAULT_INVALID, what));
    } else if delay.fixed_delay.is_none() {
        let finding = spot.finding(&FAULT_NEVER, "the delay has no fixedDelay, so nothing is delayed");
        found.push(finding.fix("add fixedDelay, such as 5s"));
    }
    if delay.percent.is_some_and(|percent| percent > 0) {
        found.push(
            spot.field("percent")
                .finding(&DELAY_PERCENT_DEPRECATED, "percent is deprecated"),
        );
    }
}

fn check_fault_percentage(percentage: Option<Percent>, spot: &Spot<'_>, found: &mut Findings) {
    let Some(Percent { value }) = percentage else { return };
    if value != 0.0 && !(0.0001..=100.0).contains(&value) {
        let what = format!("{value} is neither 0 nor between 0.0001 and 100");
        found.push(spot.field("percentage.value").finding(&PERCENTAGE_INVALID, what));
    }
}

/// Whether any request is affected; an explicit 0 is only an info.
fn check_share(percentage: Option<Percent>, percent: Option<i32>, kind: &str, spot: &Spot<'_>, found: &mut Findings) {
    match (percentage, percent) {
        (Some(Percent { value }), _) => {
            if value == 0.0 {
                let what = format!("the {kind} applies to 0 % of the requests");
                let finding = spot.field("percentage.value").finding(&FAULT_NEVER, what);
                found.push(finding.severity(Severity::Info));
            }
        }
        (None, Some(percent)) if percent > 0 => {}
        (None, _) => {
            let what = format!("the {kind} has no percentage, so it applies to no request");
            found.push(spot.finding(&FAULT_NEVER, what));
        }
    }
}

/// The share of requests that is mirrored.
struct Mirrors;

impl Rule for Mirrors {
    fn codes(&self) -> &'static [&'static Code] {
        &[&PERCENTAGE_INVALID, &MIRROR_PERCENT_DEPRECATED]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for service in &world.virtual_services {
            for (at, route) in service.object.spec.http.iter().enumerate() {
                check_mirrors(route, &Spot::new(service, format!("spec.http[{at}]")), found);
            }
        }
    }
}

fn check_mirrors(route: &HttpRoute, spot: &Spot<'_>, found: &mut Findings) {
    if let Some(percent) = route.mirror_percent {
        let spot = spot.field("mirrorPercent");
        if percent > 100 {
            found.push(spot.finding(&PERCENTAGE_INVALID, format!("{percent} is more than 100")));
        }
        found.push(spot.finding(&MIRROR_PERCENT_DEPRECATED, "mirrorPercent is deprecated"));
    }
    let own = route
        .mirror_percentage
        .map(|percentage| (spot.field("mirrorPercentage.value"), percentage));
    let mirrors = route.mirrors.iter().enumerate().filter_map(|(at, mirror)| {
        let spot = spot.field("mirrors").at(at).field("percentage.value");
        mirror.percentage.map(|percentage| (spot, percentage))
    });
    for (spot, Percent { value }) in own.into_iter().chain(mirrors) {
        if !(0.0..=100.0).contains(&value) {
            let what = format!("{value} is not between 0 and 100");
            found.push(spot.finding(&PERCENTAGE_INVALID, what));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{assert_code, lint_yaml};

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
    fn faults_are_delays_and_aborts() {
        table(
            "ITL0618",
            &[
                ("fault: {abort: {httpStatus: 503, percentage: {value: 1}}}", &[]),
                ("fault: {delay: {fixedDelay: 1s, percentage: {value: 1}}}", &[]),
                ("fault: {abort: {grpcStatus: NOT_FOUND}, delay: {fixedDelay: 1s}}", &[]),
                ("fault: {}", &["fault"]),
                ("fault: {abort: {http2Error: REFUSED}}", &["fault.abort.http2Error"]),
                ("fault: {abort: {httpStatus: 503, grpcStatus: OK}}", &["fault.abort"]),
                (
                    "fault: {delay: {exponentialDelay: 1s}}",
                    &["fault.delay.exponentialDelay"],
                ),
            ],
        );
        table(
            "ITL0620",
            &[
                ("fault: {abort: {httpStatus: 200}}", &[]),
                ("fault: {abort: {httpStatus: 600}}", &[]),
                ("fault: {abort: {grpcStatus: DATA_LOSS}}", &[]),
                ("fault: {abort: {httpStatus: 199}}", &["fault.abort.httpStatus"]),
                ("fault: {abort: {grpcStatus: lost}}", &["fault.abort.grpcStatus"]),
            ],
        );
        table(
            "ITL0621",
            &[
                ("fault: {abort: {httpStatus: 503}}", &[]),
                ("fault: {abort: {grpcStatus: OK}}", &[]),
                ("fault: {delay: {fixedDelay: 1s}}", &[]),
                ("fault: {abort: {percentage: {value: 1}}}", &["fault.abort"]),
            ],
        );
    }

    #[test]
    fn percentages() {
        table(
            "ITL0619",
            &[
                ("fault: {abort: {httpStatus: 503, percentage: {value: 0.0001}}}", &[]),
                ("fault: {delay: {fixedDelay: 1s, percentage: {value: 0}}}", &[]),
                ("mirror: {host: b}, mirrorPercentage: {value: 100}", &[]),
                ("mirrors: [{destination: {host: b}, percentage: {value: 0.5}}]", &[]),
                (
                    "fault: {abort: {httpStatus: 503, percentage: {value: 0.00001}}}",
                    &["fault.abort.percentage.value"],
                ),
                (
                    "fault: {delay: {fixedDelay: 1s, percentage: {value: -1}}}",
                    &["fault.delay.percentage.value"],
                ),
                (
                    "mirror: {host: b}, mirrorPercentage: {value: 101}",
                    &["mirrorPercentage.value"],
                ),
                (
                    "mirrors: [{destination: {host: b}, percentage: {value: -1}}]",
                    &["mirrors[0].percentage.value"],
                ),
                ("mirror: {host: b}, mirrorPercent: 101", &["mirrorPercent"]),
            ],
        );
    }

    #[test]
    fn faults_for_no_request() {
        table(
            "ITL0652",
            &[
                ("fault: {abort: {httpStatus: 503, percentage: {value: 10}}}", &[]),
                ("fault: {delay: {fixedDelay: 1s, percentage: {value: 10}}}", &[]),
                ("fault: {delay: {fixedDelay: 1s, percent: 10}}", &[]),
                ("fault: {abort: {httpStatus: 503}}", &["fault.abort"]),
                ("fault: {delay: {fixedDelay: 1s}}", &["fault.delay"]),
                ("fault: {delay: {fixedDelay: 1s, percent: 0}}", &["fault.delay"]),
                ("fault: {delay: {percentage: {value: 10}}}", &["fault.delay"]),
                (
                    "fault: {abort: {httpStatus: 503, percentage: {value: 0}}}",
                    &["fault.abort.percentage.value"],
                ),
            ],
        );
        let severity = |fields: &str| {
            let report = lint_yaml(&service(fields));
            let mut findings = report.findings.into_iter();
            let finding = findings.find(|finding| finding.code == "ITL0652");
            finding.map(|finding| finding.severity.word())
        };
        assert_eq!(severity("fault: {abort: {httpStatus: 503}}"), Some("warning"));
        assert_eq!(
            severity("fault: {abort: {httpStatus: 503, percentage: {value: 0}}}"),
            Some("info")
        );
    }

    #[test]
    fn deprecated_fields() {
        table(
            "ITL0622",
            &[
                ("mirror: {host: b}", &[]),
                ("mirror: {host: b}, mirrorPercentage: {value: 1}", &[]),
                ("timeout: 1s", &[]),
                ("mirror: {host: b}, mirrorPercent: 1", &["mirrorPercent"]),
            ],
        );
        table(
            "ITL0633",
            &[
                ("fault: {delay: {fixedDelay: 1s, percentage: {value: 1}}}", &[]),
                ("fault: {delay: {fixedDelay: 1s, percent: 0}}", &[]),
                ("fault: {delay: {fixedDelay: 1s}}", &[]),
                ("fault: {delay: {fixedDelay: 1s, percent: 1}}", &["fault.delay.percent"]),
            ],
        );
    }
}
