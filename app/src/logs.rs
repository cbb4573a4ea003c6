//! The log: on the standard error stream, one line per event, as text for people or as JSON for programs.

use std::{
    any::Any,
    io::{IsTerminal, stderr},
    panic,
};

use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt};

use crate::config::{LogFormat, LogSettings};

/// Starts the log. `filter` counts where the settings say nothing.
///
/// Errors of the stream itself are not reported anywhere: with a full disk behind it, reporting would fail as well.
pub fn start(settings: &LogSettings, filter: &str) {
    let filter = EnvFilter::new(settings.filter.as_deref().unwrap_or(filter));
    let lines = fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
    // A second start in one process, as in tests, keeps the first log.
    let _ = match settings.format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).finish().try_init(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).finish().try_init()
        }
    };
    // Panics too become lines of the log, or they would break a stream of JSON.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, message = said(panic.payload()), "a panic");
    }));
}

fn said(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("something that is not text")
}
