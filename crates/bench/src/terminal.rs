//! Whether there is a terminal that can be drawn on.

use std::io::IsTerminal;

/// Whether a stream is a terminal that can move its cursor; one that says it is `dumb` is
/// written to like a file.
pub(crate) fn is_drawable(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
