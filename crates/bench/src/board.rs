//! A text of several lines on standard error that is written over; nothing at all where standard
//! error is no terminal that can be drawn on.

use std::io::Write as _;
use std::time::Duration;

use rustix::termios::tcgetwinsize;
use tokio::time::Instant;

use crate::terminal::is_drawable;

/// How often the text may change.
const REFRESH: Duration = Duration::from_millis(250);

/// The text.
pub(crate) struct Board {
    is_terminal: bool,
    /// Lines that stand there now.
    lines: usize,
    drawn: Option<Instant>,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self { is_terminal: is_drawable(&std::io::stderr()), lines: 0, drawn: None }
    }

    /// Shows a text in place of what stood there; it is only made where and when it is shown.
    pub(crate) fn show(&mut self, text: impl FnOnce() -> String) {
        if !self.is_terminal || self.drawn.is_some_and(|drawn| drawn.elapsed() < REFRESH) {
            return;
        }
        self.drawn = Some(Instant::now());
        let text = text();
        let height = tcgetwinsize(std::io::stderr()).map_or(24, |size| usize::from(size.ws_row));
        // What has scrolled away could not be written over.
        let shown: Vec<&str> = text.lines().take(height.max(2) - 1).collect();
        self.clear();
        self.lines = shown.len();
        write(&(shown.join("\n") + "\n"));
    }

    /// Leaves no line of it.
    pub(crate) fn clear(&mut self) {
        if self.lines > 0 {
            write(&format!("\x1b[{}F\x1b[J", self.lines));
            self.lines = 0;
        }
    }
}

fn write(text: &str) {
    let mut out = anstream::stderr().lock();
    // Whoever does not read it does not miss it.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
