//! Commands on hashes; must leave no empty hash behind.

use bytes::Bytes;

use super::table::Command;
use super::{Context, Outcome};
use crate::error::CommandError;
use crate::integer::parse_integer;
use crate::reply::Reply;
use crate::store::Hash;

pub(super) const COMMANDS: &[Command] = &[
    Command::new("hdel", -3, delete),
    Command::new("hexists", 3, exists),
    Command::new("hget", 3, get),
    Command::new("hgetall", 2, get_all),
    Command::new("hincrby", 4, increment),
    Command::new("hkeys", 2, fields),
    Command::new("hlen", 2, length),
    Command::new("hmget", -3, get_many),
    Command::new("hmset", -4, set_many),
    Command::new("hset", -4, set),
    Command::new("hsetnx", 4, set_if_missing),
    Command::new("hstrlen", 3, value_length),
    Command::new("hvals", 2, values),
];

fn set(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    write(context, request, "hset").map(Reply::count)
}

fn set_many(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    write(context, request, "hmset").map(|_| Reply::OK)
}

/// Writes the pairs; how many fields are new.
fn write(
    context: &mut Context<'_>,
    request: &[Bytes],
    command: &'static str,
) -> Result<usize, CommandError> {
    let (pairs, rest) = request[2..].as_chunks();
    if !rest.is_empty() {
        return Err(CommandError::WrongArity(command));
    }
    context.store.change_hash(&request[1], |hash| {
        let new = |[field, value]: &[Bytes; 2]| hash.insert(field.clone(), value.clone()).is_none();
        Ok(pairs.iter().map(new).filter(|is_new| *is_new).count())
    })
}

fn set_if_missing(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    context.store.change_hash(&request[1], |hash| {
        let missing = hash.get(&request[2]).is_none();
        if missing {
            hash.insert(request[2].clone(), request[3].clone());
        }
        Ok(Reply::truth(missing))
    })
}

fn increment(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let amount = parse_integer(&request[3]).ok_or(CommandError::NotAnInteger)?;
    context.store.change_hash(&request[1], |hash| {
        let before = match hash.get(&request[2]) {
            Some(value) => parse_integer(value).ok_or(CommandError::HashValueNotAnInteger)?,
            None => 0,
        };
        let after = before.checked_add(amount).ok_or(CommandError::Overflow)?;
        hash.insert(request[2].clone(), Bytes::from(after.to_string()));
        Ok(Reply::Integer(after))
    })
}

fn delete(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    context.store.change_hash(&request[1], |hash| {
        let removed = request[2..].iter().filter(|field| hash.remove(field).is_some()).count();
        Ok(Reply::count(removed))
    })
}

fn get(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let value = field(context, request)?.cloned();
    Ok(Reply::bulk_or_null(value))
}

fn exists(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    Ok(Reply::truth(field(context, request)?.is_some()))
}

fn value_length(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    Ok(Reply::count(field(context, request)?.map_or(0, Bytes::len)))
}

fn field<'a>(
    context: &'a Context<'_>,
    request: &[Bytes],
) -> Result<Option<&'a Bytes>, CommandError> {
    Ok(context.store.hash(&request[1])?.and_then(|hash| hash.get(&request[2])))
}

fn get_many(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let hash = context.store.hash(&request[1])?;
    let values = request[2..].iter().map(|field| {
        let value = hash.and_then(|hash| hash.get(field));
        Reply::bulk_or_null(value.cloned())
    });
    Ok(Reply::Array(values.collect()))
}

fn get_all(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let entries = context.store.hash(&request[1])?.into_iter().flat_map(Hash::iter);
    let entries =
        entries.map(|(field, value)| (Reply::Bulk(field.clone()), Reply::Bulk(value.clone())));
    Ok(Reply::Map(entries.collect()))
}

fn fields(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let entries = context.store.hash(&request[1])?.into_iter().flat_map(Hash::iter);
    Ok(Reply::bulks(entries.map(|(field, _)| field.clone())))
}

fn values(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let entries = context.store.hash(&request[1])?.into_iter().flat_map(Hash::iter);
    Ok(Reply::bulks(entries.map(|(_, value)| value.clone())))
}

fn length(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    Ok(Reply::count(context.store.hash(&request[1])?.map_or(0, Hash::len)))
}
