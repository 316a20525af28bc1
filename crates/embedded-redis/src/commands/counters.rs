//! Counting in strings; must not change a value that is no integer or would overflow.

use bytes::Bytes;

use super::table::Command;
use super::{Context, Outcome};
use crate::error::CommandError;
use crate::integer::parse_integer;
use crate::reply::Reply;
use crate::store::Deadline;

pub(super) const COMMANDS: &[Command] = &[
    Command::new("decr", 2, decrement),
    Command::new("decrby", 3, decrement_by),
    Command::new("incr", 2, increment),
    Command::new("incrby", 3, increment_by),
];

fn increment(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    add(context, &request[1], 1)
}

fn decrement(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    add(context, &request[1], -1)
}

fn increment_by(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    add(context, &request[1], parse_integer(&request[2]).ok_or(CommandError::NotAnInteger)?)
}

fn decrement_by(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let amount = parse_integer(&request[2]).ok_or(CommandError::NotAnInteger)?;
    add(context, &request[1], amount.checked_neg().ok_or(CommandError::DecrementOverflow)?)
}

fn add(context: &mut Context<'_>, key: &Bytes, amount: i64) -> Outcome {
    let before = match context.store.string(key)? {
        Some(value) => parse_integer(value).ok_or(CommandError::NotAnInteger)?,
        None => 0,
    };
    let after = before.checked_add(amount).ok_or(CommandError::Overflow)?;
    context.store.set_string(key, Bytes::from(after.to_string()), Deadline::Keep);
    Ok(Reply::Integer(after))
}
