//! The gateway's log on standard error, and the handle with which the admin
//! changes its level.

use std::sync::Arc;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, reload};

use crate::cli::context::Context;
use crate::gateway::server::LogLevelHandle;

/// Starts logging at the level that `-q` and `-v` ask for, `usual` when neither
/// is given. A second start in one process keeps the first one's output.
pub(in crate::cli) fn start(context: &Context, usual: &'static str) -> LogLevelHandle {
    let level = match (context.quiet, context.verbose) {
        (true, _) => "error",
        (false, 0) => usual,
        (false, 1) => "debug",
        (false, _) => "trace",
    };
    // The libraries' own chatter is for the highest level only.
    let filter = if context.verbose > 1 {
        EnvFilter::new(level)
    } else {
        EnvFilter::new(format!("warn,istio_tls={level}"))
    };
    let (filter, handle) = reload::Layer::new(filter);
    let output = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(context.color_stderr)
        .with_target(false);
    // Fails when logging was started before, whose output then stays.
    let _ = tracing_subscriber::registry().with(filter).with(output).try_init();
    Arc::new(move |directive| {
        if let Some(directive) = directive {
            let filter = EnvFilter::try_new(directive).map_err(|error| error.to_string())?;
            handle.reload(filter).map_err(|error| error.to_string())?;
        }
        handle
            .with_current(ToString::to_string)
            .map_err(|error| error.to_string())
    })
}
