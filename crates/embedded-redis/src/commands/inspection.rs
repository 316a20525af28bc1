//! `OBJECT` and `MEMORY`: how values are kept and how much they take; must not count as a use of a
//! key. The names of encodings are those that Redis would use, not this server's own.

use bytes::Bytes;

use super::table::Command;
use super::{Context, Outcome, is_option};
use crate::error::CommandError;
use crate::integer::parse_integer;
use crate::reply::Reply;
use crate::store::{Hash, Value};

pub(super) const COMMANDS: &[Command] = &[
    Command::new("object", -2, no_object).with_subcommands(&[
        Command::new("object|encoding", 3, encoding),
        Command::new("object|freq", 3, frequency),
        Command::new("object|help", 2, object_help),
        Command::new("object|idletime", 3, idle_time),
        Command::new("object|refcount", 3, references),
    ]),
    Command::new("memory", -2, no_memory).with_subcommands(&[
        Command::new("memory|doctor", 2, doctor),
        Command::new("memory|help", 2, memory_help),
        Command::new("memory|purge", 2, purge),
        Command::new("memory|stats", 2, statistics),
        Command::new("memory|usage", -3, usage),
    ]),
];

/// The longest string that Redis keeps together with its header.
const EMBEDDED_STRING: usize = 44;
/// The most entries, and the longest field or value, of a hash that Redis keeps as a list.
const LIST_ENTRIES: usize = 512;
const LIST_VALUE: usize = 64;
/// Integers below this are shared between keys.
const SHARED_INTEGERS: i64 = 10_000;

/// Never run: without a subcommand the arity is wrong.
fn no_object(_: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Err(CommandError::WrongArity("object"))
}

/// Never run: without a subcommand the arity is wrong.
fn no_memory(_: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Err(CommandError::WrongArity("memory"))
}

fn encoding(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let name = context.store.value(&request[2]).map(|value| match value {
        Value::String(text) if parse_integer(text).is_some() => "int",
        Value::String(text) if text.len() <= EMBEDDED_STRING => "embstr",
        Value::String(_) => "raw",
        Value::Hash(hash) if is_list(hash) => "listpack",
        Value::Hash(_) => "hashtable",
    });
    Ok(name.map_or(Reply::Null, Reply::text_bulk))
}

fn is_list(hash: &Hash) -> bool {
    let short = |word: &Bytes| word.len() <= LIST_VALUE;
    hash.len() <= LIST_ENTRIES && hash.iter().all(|(field, value)| short(field) && short(value))
}

fn references(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    Ok(context.store.value(&request[2]).map_or(Reply::Null, |value| match value {
        Value::String(text)
            if parse_integer(text).is_some_and(|it| (0..SHARED_INTEGERS).contains(&it)) =>
        {
            Reply::Integer(i64::from(i32::MAX))
        }
        _ => Reply::Integer(1),
    }))
}

fn idle_time(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let seconds = context.store.idle(&request[2]).map(|idle| idle.as_secs());
    Ok(seconds
        .map_or(Reply::Null, |seconds| Reply::Integer(i64::try_from(seconds).unwrap_or(i64::MAX))))
}

fn frequency(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    match context.store.value(&request[2]) {
        Some(_) => Err(CommandError::NoFrequencies),
        None => Ok(Reply::Null),
    }
}

fn usage(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    match &request[3..] {
        [] => {}
        [option, count] if is_option(option, "samples") => {
            let count = parse_integer(count).ok_or(CommandError::NotAnInteger)?;
            if count < 0 {
                return Err(CommandError::Syntax);
            }
        }
        _ => return Err(CommandError::Syntax),
    }
    Ok(context.store.bytes_of(&request[2]).map_or(Reply::Null, Reply::count))
}

/// Nothing is kept that could be given back.
fn purge(_: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Ok(Reply::OK)
}

fn doctor(_: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Ok(Reply::Text("This server keeps everything in memory and has no issues to detect.\n".into()))
}

fn statistics(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    let name = |name: &'static str| Reply::Bulk(Bytes::from_static(name.as_bytes()));
    let keys = context.store.sizes().map(|(keys, _)| keys).sum();
    Ok(Reply::Map(vec![
        (name("total.allocated"), Reply::count(context.store.bytes())),
        (name("keys.count"), Reply::count(keys)),
    ]))
}

fn object_help(_: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Ok(help(&[
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    Return the kind of internal representation used in order to store the value",
        "    associated with a <key>.",
        "FREQ <key>",
        "    Return the access frequency index of the <key>. The returned integer is",
        "    proportional to the logarithm of the recent access frequency of the key.",
        "IDLETIME <key>",
        "    Return the idle time of the <key>, that is the approximated number of",
        "    seconds elapsed since the last access to the key.",
        "REFCOUNT <key>",
        "    Return the number of references of the value associated with the specified",
        "    <key>.",
        "HELP",
        "    Prints this help.",
    ]))
}

fn memory_help(_: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Ok(help(&[
        "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "DOCTOR",
        "    Return memory problems reports.",
        "PURGE",
        "    Attempt to purge dirty pages for reclamation by the allocator.",
        "STATS",
        "    Return information about the memory usage of the server.",
        "USAGE <key> [SAMPLES <count>]",
        "    Return memory in bytes used by <key> and its value.",
        "HELP",
        "    Prints this help.",
    ]))
}

fn help(lines: &[&'static str]) -> Reply {
    Reply::Array(lines.iter().map(|line| Reply::Simple(line)).collect())
}
