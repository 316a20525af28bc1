//! `SAVE`, `BGSAVE` and `LASTSAVE`, for tools that call them; nothing is ever written to disk.

use bytes::Bytes;

use super::table::Command;
use super::{Context, Outcome, is_option};
use crate::error::CommandError;
use crate::reply::Reply;

pub(super) const COMMANDS: &[Command] = &[
    Command::new("bgsave", -1, save_in_background),
    Command::new("lastsave", 1, last_save),
    Command::new("save", 1, save),
];

fn save(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    context.server.last_save = std::time::SystemTime::now();
    Ok(Reply::OK)
}

/// Done at once, so that none is ever under way.
fn save_in_background(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    match &request[1..] {
        [] => {}
        [option] if is_option(option, "schedule") => {}
        _ => return Err(CommandError::Syntax),
    }
    context.server.last_save = std::time::SystemTime::now();
    Ok(Reply::Simple("Background saving started"))
}

/// Unix time of the last one; of the start before the first.
fn last_save(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    let since = context.server.last_save.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(Reply::Integer(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)))
}
