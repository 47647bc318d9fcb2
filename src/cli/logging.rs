//! The gateway's log on standard error, and the handle for changing its level through the
//! admin interface.

use std::sync::Arc;

use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, reload};

use super::context::Context;
use crate::gateway::dataplane::settings::LogLevelHandle;

/// Modules that never log, at any level: kube quotes answers that it cannot parse, and
/// these may be Secrets. We log what matters in our own words.
const SILENT: &str = "kube_";

/// Starts logging at the level of `-q` and `-v`, `usual` if neither is given. Starting
/// again in the same process keeps the first output.
pub(super) fn start(context: &Context, usual: &'static str) -> LogLevelHandle {
    let level = match (context.quiet, context.verbose) {
        (true, _) => "error",
        (false, 0) => usual,
        (false, 1) => "debug",
        (false, _) => "trace",
    };
    let (filter, handle) = reload::Layer::new(of_level(level));
    let output = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(context.color_stderr)
        .with_target(false)
        // It would panic if standard error is closed.
        .log_internal_errors(false)
        .with_filter(filter_fn(|metadata| !metadata.target().starts_with(SILENT)));
    // Fails if logging was started before, whose output then stays.
    let _ = tracing_subscriber::registry().with(filter).with(output).try_init();
    Arc::new(move |directive| {
        if let Some(directive) = directive {
            handle
                .reload(filter_of(directive)?)
                .map_err(|error| error.to_string())?;
        }
        handle
            .with_current(ToString::to_string)
            .map_err(|error| error.to_string())
    })
}

/// The libraries' own messages appear only at the highest level.
fn of_level(level: &str) -> EnvFilter {
    match level {
        "off" | "error" | "trace" => EnvFilter::new(level),
        _ => EnvFilter::new(format!("warn,istio_tls={level}")),
    }
}

/// The filter for the name of a level, the same as Envoy's, or for `target=level`
/// directives.
fn filter_of(directive: &str) -> Result<EnvFilter, String> {
    let level = match directive.to_ascii_lowercase().as_str() {
        "off" => "off",
        "error" | "critical" => "error",
        "warn" | "warning" => "warn",
        "info" => "info",
        "debug" => "debug",
        "trace" => "trace",
        // EnvFilter would take any other word as a target whose every event is logged.
        _ if directive.contains('=') => return EnvFilter::try_new(directive).map_err(|error| error.to_string()),
        _ => {
            return Err(format!(
                "{directive:?} is not a level: off, error, warn, info, debug or trace"
            ));
        }
    };
    Ok(of_level(level))
}

#[cfg(test)]
mod tests {
    use super::filter_of;

    #[test]
    fn levels_and_directives_but_no_other_word() {
        for (text, expected) in [
            ("DEBUG", Some("istio_tls=debug,warn")),
            ("warning", Some("istio_tls=warn,warn")),
            ("trace", Some("trace")),
            ("off", Some("off")),
            ("istio_tls=trace", Some("istio_tls=trace")),
            ("verbose", None),
            ("", None),
            ("istio_tls=loud", None),
        ] {
            assert_eq!(
                filter_of(text).ok().map(|filter| filter.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
