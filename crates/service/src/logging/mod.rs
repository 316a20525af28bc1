//! Log lines on standard error; standard output is left to what a parent reads. All of them pass
//! through [`Lines`], so that a slow reader delays no request.

mod access;
mod lines;

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

pub use access::{AccessLog, AccessLogging};
pub use lines::Lines;

use crate::settings::{Common, LogFormat};

/// Longest wait at the end of the process for lines that are not written yet.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Where this process writes its lines, once [`start`] has been called.
static STANDARD_ERROR: OnceLock<Lines> = OnceLock::new();

/// Sends every log line of this process to standard error from now on.
///
/// # Errors
/// When the system gives no thread to write them.
pub(crate) fn start(settings: &Common) -> io::Result<()> {
    let lines = STANDARD_ERROR.get_or_init(Lines::default).clone();
    lines.write_to(io::stderr())?;
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(settings.log_level)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(lines);
    match settings.log_format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Waits until every line is written, for a second at most.
pub(crate) fn finish() {
    if let Some(lines) = STANDARD_ERROR.get() {
        lines.finish(LAST_LINES);
    }
}

/// A formatted line is written with one call.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
