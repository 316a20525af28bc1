//! Setting, reading and clearing the time a key has left; must not change values.

use bytes::Bytes;
use tokio::time::Instant;

use super::table::Command;
use super::{Context, Outcome, is_option};
use crate::error::{CommandError, clipped};
use crate::expiry::{Unit, parse_deadline};
use crate::reply::Reply;

pub(super) const COMMANDS: &[Command] = &[
    Command::new("expire", -3, expire_seconds),
    Command::new("persist", 2, persist),
    Command::new("pexpire", -3, expire_milliseconds),
    Command::new("pttl", 2, milliseconds_left),
    Command::new("ttl", 2, seconds_left),
];

/// When a new deadline is to replace the old state; all that are set must hold.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each option a client can give")]
struct Conditions {
    if_none: bool,
    if_some: bool,
    if_later: bool,
    if_earlier: bool,
}

impl Conditions {
    fn parse(words: &[Bytes]) -> Result<Self, CommandError> {
        let mut conditions = Self::default();
        for word in words {
            let condition = match word {
                _ if is_option(word, "nx") => &mut conditions.if_none,
                _ if is_option(word, "xx") => &mut conditions.if_some,
                _ if is_option(word, "gt") => &mut conditions.if_later,
                _ if is_option(word, "lt") => &mut conditions.if_earlier,
                _ => return Err(CommandError::UnsupportedOption(clipped(word, 128))),
            };
            *condition = true;
        }
        let Self { if_none, if_some, if_later, if_earlier } = conditions;
        if if_none && (if_some || if_later || if_earlier) {
            return Err(CommandError::NxWithOthers);
        }
        if if_later && if_earlier {
            return Err(CommandError::GtWithLt);
        }
        Ok(conditions)
    }

    /// No deadline counts as one infinitely far away; a new one of none lies in the past.
    fn allow(&self, old: Option<Instant>, new: Option<Instant>) -> bool {
        let later = old.is_some_and(|old| new.is_some_and(|new| new > old));
        let earlier = old.is_none_or(|old| new.is_none_or(|new| new < old));
        (!self.if_none || old.is_none())
            && (!self.if_some || old.is_some())
            && (!self.if_later || later)
            && (!self.if_earlier || earlier)
    }
}

fn expire_seconds(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    expire(context, request, Unit::Seconds, "expire")
}

fn expire_milliseconds(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    expire(context, request, Unit::Milliseconds, "pexpire")
}

fn expire(
    context: &mut Context<'_>,
    request: &[Bytes],
    unit: Unit,
    command: &'static str,
) -> Outcome {
    let key = &request[1];
    let conditions = Conditions::parse(&request[3..])?;
    let deadline = parse_deadline(&request[2], unit, context.store.now(), command)?;
    if context.store.value(key).is_none()
        || !conditions.allow(context.store.deadline(key), deadline)
    {
        return Ok(Reply::truth(false));
    }
    match deadline {
        Some(_) => context.store.set_deadline(key, deadline),
        None => {
            context.store.remove(key);
        }
    }
    Ok(Reply::truth(true))
}

fn persist(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let had_deadline = context.store.deadline(&request[1]).is_some();
    if had_deadline {
        context.store.set_deadline(&request[1], None);
    }
    Ok(Reply::truth(had_deadline))
}

fn seconds_left(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    left(context, &request[1], Unit::Seconds)
}

fn milliseconds_left(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    left(context, &request[1], Unit::Milliseconds)
}

fn left(context: &Context<'_>, key: &[u8], unit: Unit) -> Outcome {
    const NO_KEY: i64 = -2;
    const NO_DEADLINE: i64 = -1;
    let store = &context.store;
    Ok(Reply::Integer(match (store.value(key), store.deadline(key)) {
        (None, _) => NO_KEY,
        (Some(_), None) => NO_DEADLINE,
        (Some(_), Some(deadline)) => unit.remaining(store.now(), deadline),
    }))
}
