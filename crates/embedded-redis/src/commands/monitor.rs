//! `MONITOR`: shows every command to those who asked; must not slow down those who did not.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::table::Command;
use super::{Context, Outcome};
use crate::error::CommandError;
use crate::limits::MAXIMUM_MONITOR_LINE;
use crate::reply::Reply;

pub(super) const COMMANDS: &[Command] = &[Command::new("monitor", 1, monitor).unmonitored()];

fn monitor(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    if context.in_transaction {
        return Err(CommandError::MonitorInTransaction);
    }
    context.session.monitoring = true;
    if let Some(client) = context.server.clients.get_mut(context.session.id) {
        client.monitoring = true;
    }
    Ok(Reply::OK)
}

/// Shows a request to the clients in `MONITOR`, if there are any.
pub(super) fn publish(context: &Context<'_>, request: &[Bytes]) {
    if context.monitors.receiver_count() == 0 {
        return;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut line = format!(
        "+{}.{:06} [{} {}]",
        now.as_secs(),
        now.subsec_micros(),
        context.session.database,
        context.session.address
    );
    for word in request {
        line.push(' ');
        let room = MAXIMUM_MONITOR_LINE.saturating_sub(line.len());
        quote(&word[..word.len().min(room)], &mut line);
        if word.len() > room {
            line.push_str("...");
            break;
        }
    }
    line.push_str("\r\n");
    // Sending fails only when the last receiver has just left.
    let _ = context.monitors.send(Bytes::from(line));
}

/// Writes a word in double quotes, with escapes for whatever is not printable.
fn quote(word: &[u8], line: &mut String) {
    line.push('"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => line.extend(['\\', char::from(byte)]),
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            0x07 => line.push_str("\\a"),
            0x08 => line.push_str("\\b"),
            b' '..=b'~' => line.push(char::from(byte)),
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(line, "\\x{byte:02x}");
            }
        }
    }
    line.push('"');
}
