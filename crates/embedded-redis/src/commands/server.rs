//! Commands about the whole server: its database, its settings, its commands, its clock; must
//! not claim a setting that it does not have.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::table::{self, Command};
use super::{Context, Outcome, is_option};
use crate::error::CommandError;
use crate::reply::Reply;

pub(super) const COMMANDS: &[Command] = &[
    Command::new("command", -1, list_commands).with_subcommands(&[
        Command::new("command|count", 2, count_commands),
        Command::new("command|docs", -2, empty_map),
        Command::new("command|info", -2, describe_commands),
        Command::new("command|list", -2, list_commands),
    ]),
    Command::new("config", -2, no_subcommand).with_subcommands(&[Command::new(
        "config|get",
        -3,
        empty_map,
    )
    .unmonitored()]),
    Command::new("dbsize", 1, database_size),
    Command::new("flushall", -1, flush_all),
    Command::new("flushdb", -1, flush_database),
    Command::new("time", 1, time),
];

/// Clients that look here are told nothing, and fall back on what they know themselves.
fn list_commands(_: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Ok(Reply::Array(Vec::new()))
}

fn count_commands(_: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Ok(Reply::count(table::count()))
}

fn describe_commands(_: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    Ok(Reply::Array(request[2..].iter().map(|_| Reply::Null).collect()))
}

fn empty_map(_: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Ok(Reply::Map(Vec::new()))
}

/// Never run: without a subcommand the arity is wrong.
fn no_subcommand(_: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Err(CommandError::WrongArity("config"))
}

fn database_size(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Ok(Reply::count(context.store.len()))
}

fn flush_all(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    check_flush(request)?;
    context.store.clear_all();
    Ok(Reply::OK)
}

fn flush_database(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    check_flush(request)?;
    context.store.clear();
    Ok(Reply::OK)
}

fn check_flush(request: &[Bytes]) -> Result<(), CommandError> {
    match &request[1..] {
        [] => Ok(()),
        [mode] if is_option(mode, "sync") || is_option(mode, "async") => Ok(()),
        _ => Err(CommandError::Syntax),
    }
}

fn time(_: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let parts = [now.as_secs().to_string(), now.subsec_micros().to_string()];
    Ok(Reply::bulks(parts.map(Bytes::from)))
}
