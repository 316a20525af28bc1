//! Structured log lines on standard error; standard output is left to what a parent reads.

use std::io::IsTerminal;

use crate::settings::{Common, LogFormat};

/// Sends every log line of this process to standard error from now on.
pub(crate) fn start(settings: &Common) {
    let lines = tracing_subscriber::fmt()
        .with_max_level(settings.log_level)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}
