//! Commands on keys whatever they hold; must not read values.

use bytes::Bytes;

use super::table::Command;
use super::{Context, Outcome};
use crate::glob;
use crate::reply::Reply;
use crate::store::Value;

pub(super) const COMMANDS: &[Command] = &[
    Command::new("del", -2, delete),
    Command::new("exists", -2, exists),
    Command::new("keys", 2, keys),
    Command::new("type", 2, type_of),
    Command::new("unlink", -2, delete),
];

fn delete(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    Ok(Reply::count(request[1..].iter().filter(|key| context.store.remove(key)).count()))
}

/// A key given twice counts twice.
fn exists(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let present = request[1..].iter().filter(|key| context.store.value(key).is_some());
    Ok(Reply::count(present.count()))
}

fn keys(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let keys = context.store.keys().iter().map(|(key, _)| key);
    Ok(Reply::bulks(keys.filter(|key| glob::matches(&request[1], key)).cloned()))
}

fn type_of(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    Ok(Reply::Simple(context.store.value(&request[1]).map_or("none", Value::type_name)))
}
