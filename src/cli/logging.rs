//! The gateway's log on standard error, and the handle with which the admin
//! changes its level.

use std::sync::Arc;

use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, reload};

use super::context::Context;
use crate::gateway::dataplane::settings::LogLevelHandle;

/// Modules that never log, at no level: kube quotes answers that it cannot read,
/// and these may be Secrets. What matters of it is said in our own words.
const SILENT: &str = "kube_";

/// Starts logging at the level that `-q` and `-v` ask for, `usual` when neither
/// is given. A second start in one process keeps the first one's output.
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
        // It would panic where standard error is closed.
        .log_internal_errors(false)
        .with_filter(filter_fn(|metadata| !metadata.target().starts_with(SILENT)));
    // Fails when logging was started before, whose output then stays.
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

/// The libraries' own chatter is for the highest level only.
fn of_level(level: &str) -> EnvFilter {
    match level {
        "off" | "error" | "trace" => EnvFilter::new(level),
        _ => EnvFilter::new(format!("warn,istio_tls={level}")),
    }
}

/// The filter of a level's name, as Envoy has them too, or of `target=level` directives.
fn filter_of(directive: &str) -> Result<EnvFilter, String> {
    let level = match directive.to_ascii_lowercase().as_str() {
        "off" => "off",
        "error" | "critical" => "error",
        "warn" | "warning" => "warn",
        "info" => "info",
        "debug" => "debug",
        "trace" => "trace",
        // EnvFilter would take any other word for a target whose every event is logged.
        _ if directive.contains('=') => return EnvFilter::try_new(directive).map_err(|error| error.to_string()),
        _ => {
            return Err(format!(
                "{directive:?} is no level: off, error, warn, info, debug or trace"
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
