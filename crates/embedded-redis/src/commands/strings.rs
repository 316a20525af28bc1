//! Commands on strings, except `SET` and counting; must not interpret the bytes of a value.

use bytes::{Bytes, BytesMut};

use super::table::Command;
use super::{Context, Outcome};
use crate::error::CommandError;
use crate::limits::MAXIMUM_BULK;
use crate::reply::Reply;
use crate::store::Deadline;

pub(super) const COMMANDS: &[Command] = &[
    Command::new("append", 3, append),
    Command::new("get", 2, get),
    Command::new("getset", 3, get_set),
    Command::new("mget", -2, get_many),
    Command::new("mset", -3, set_many),
    Command::new("strlen", 2, length),
];

fn get(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    Ok(Reply::bulk_or_null(context.store.string(&request[1])?.cloned()))
}

fn get_set(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let before = context.store.string(&request[1])?.cloned();
    context.store.set_string(&request[1], request[2].clone(), Deadline::Clear);
    Ok(Reply::bulk_or_null(before))
}

/// A key of another type reads as none: `MGET` never fails.
fn get_many(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let values = request[1..].iter().map(|key| {
        let value = context.store.string(key).ok().flatten();
        Reply::bulk_or_null(value.cloned())
    });
    Ok(Reply::Array(values.collect()))
}

fn set_many(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let (pairs, rest) = request[1..].as_chunks();
    if !rest.is_empty() {
        return Err(CommandError::WrongArity("mset"));
    }
    for [key, value] in pairs {
        context.store.set_string(key, value.clone(), Deadline::Clear);
    }
    Ok(Reply::OK)
}

fn length(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    Ok(Reply::count(context.store.string(&request[1])?.map_or(0, Bytes::len)))
}

fn append(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let (key, added) = (&request[1], &request[2]);
    let before = context.store.string(key)?.cloned().unwrap_or_default();
    let total = before.len() + added.len();
    if total > MAXIMUM_BULK {
        return Err(CommandError::TooLong);
    }
    let mut value = BytesMut::with_capacity(total);
    value.extend_from_slice(&before);
    value.extend_from_slice(added);
    context.store.set_string(key, value.freeze(), Deadline::Keep);
    Ok(Reply::count(total))
}
