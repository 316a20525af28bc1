//! `SET` with its options, and the commands that are `SET` with one of them fixed; must leave the
//! key alone when an option is wrong.

use bytes::Bytes;

use super::table::Command;
use super::{Context, Outcome, is_option};
use crate::error::CommandError;
use crate::expiry::{Unit, parse_deadline};
use crate::reply::Reply;
use crate::store::Deadline;

pub(super) const COMMANDS: &[Command] = &[
    Command::new("psetex", 4, set_with_milliseconds),
    Command::new("set", -3, set),
    Command::new("setex", 4, set_with_seconds),
    Command::new("setnx", 3, set_if_missing),
];

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each option a client can give")]
struct Options<'a> {
    expiry: Option<(&'a [u8], Unit)>,
    keep_deadline: bool,
    if_missing: bool,
    if_present: bool,
    get: bool,
}

impl<'a> Options<'a> {
    fn parse(mut words: &'a [Bytes]) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while let Some((word, rest)) = words.split_first() {
            words = options.take(word, rest).ok_or(CommandError::Syntax)?;
        }
        let contradicting = (options.if_missing && options.if_present)
            || (options.keep_deadline && options.expiry.is_some());
        if contradicting { Err(CommandError::Syntax) } else { Ok(options) }
    }

    /// Takes one option; what follows it, or none if it is no option or stands twice.
    fn take(&mut self, word: &[u8], rest: &'a [Bytes]) -> Option<&'a [Bytes]> {
        let flags = [
            ("nx", &mut self.if_missing),
            ("xx", &mut self.if_present),
            ("get", &mut self.get),
            ("keepttl", &mut self.keep_deadline),
        ];
        for (name, flag) in flags {
            if is_option(word, name) {
                *flag = true;
                return Some(rest);
            }
        }
        let unit = match word {
            _ if is_option(word, "ex") => Unit::Seconds,
            _ if is_option(word, "px") => Unit::Milliseconds,
            _ => return None,
        };
        let (amount, rest) = rest.split_first()?;
        let first = self.expiry.replace((amount, unit)).is_none();
        first.then_some(rest)
    }
}

fn set(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let (key, value) = (&request[1], &request[2]);
    let options = Options::parse(&request[3..])?;
    let deadline = match options.expiry {
        Some((amount, unit)) => deadline(context, amount, unit, "set")?,
        None if options.keep_deadline => Deadline::Keep,
        None => Deadline::Clear,
    };
    let before = if options.get { context.store.string(key)?.cloned() } else { None };
    let exists = context.store.value(key).is_some();
    let refused = (options.if_missing && exists) || (options.if_present && !exists);
    if !refused {
        context.store.set_string(key, value.clone(), deadline);
    }
    Ok(match (options.get, refused) {
        (true, _) => Reply::bulk_or_null(before),
        (false, true) => Reply::Null,
        (false, false) => Reply::OK,
    })
}

fn deadline(
    context: &Context<'_>,
    amount: &[u8],
    unit: Unit,
    command: &'static str,
) -> Result<Deadline, CommandError> {
    parse_deadline(amount, unit, context.store.now(), command)?
        .map(Deadline::At)
        .ok_or(CommandError::InvalidExpiry(command))
}

fn set_with_seconds(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let deadline = deadline(context, &request[2], Unit::Seconds, "setex")?;
    context.store.set_string(&request[1], request[3].clone(), deadline);
    Ok(Reply::OK)
}

fn set_with_milliseconds(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let deadline = deadline(context, &request[2], Unit::Milliseconds, "psetex")?;
    context.store.set_string(&request[1], request[3].clone(), deadline);
    Ok(Reply::OK)
}

fn set_if_missing(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let missing = context.store.value(&request[1]).is_none();
    if missing {
        context.store.set_string(&request[1], request[2].clone(), Deadline::Clear);
    }
    Ok(Reply::truth(missing))
}
