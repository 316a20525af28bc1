//! `CLIENT` and its subcommands; must not change what other commands do.

use bytes::Bytes;

use super::table::Command;
use super::{Context, Outcome, is_option};
use crate::clients::Client;
use crate::error::{CommandError, clipped};
use crate::reply::Reply;

pub(super) const COMMANDS: &[Command] =
    &[Command::new("client", -2, no_subcommand).with_subcommands(SUBCOMMANDS)];

const SUBCOMMANDS: &[Command] = &[
    Command::new("client|getname", 2, get_name),
    Command::new("client|id", 2, id),
    Command::new("client|info", 2, info),
    Command::new("client|list", -2, list).unmonitored(),
    Command::new("client|no-evict", 3, switch).unmonitored(),
    Command::new("client|no-touch", 3, switch),
    Command::new("client|setinfo", 4, set_info),
    Command::new("client|setname", 3, set_name),
];

/// Never run: without a subcommand the arity is wrong.
fn no_subcommand(_: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Err(CommandError::WrongArity("client"))
}

fn get_name(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    let name = context.server.clients.get(context.session.id).map(|client| client.name.as_str());
    Ok(match name {
        Some(name) if !name.is_empty() => Reply::text_bulk(name),
        _ => Reply::Null,
    })
}

fn id(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Ok(Reply::Integer(i64::try_from(context.session.id).unwrap_or(i64::MAX)))
}

fn info(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    Ok(Reply::Text(context.server.clients.line(context.session.id, context.store.now())))
}

fn list(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    if request.len() > 2 {
        return Err(CommandError::Syntax);
    }
    Ok(Reply::Text(context.server.clients.lines(context.store.now())))
}

/// Nothing is ever evicted and no key remembers being touched, so there is nothing to switch.
fn switch(_: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    if is_option(&request[2], "on") || is_option(&request[2], "off") {
        Ok(Reply::OK)
    } else {
        Err(CommandError::Syntax)
    }
}

fn set_name(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let name = parse_name(&request[2])?;
    change(context, |client| client.name = name)
}

fn set_info(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let (attribute, value) = (&request[2], &request[3]);
    if is_option(attribute, "lib-name") {
        let value = printable(value).ok_or(CommandError::InvalidClientAttribute("lib-name"))?;
        change(context, |client| client.library_name = value)
    } else if is_option(attribute, "lib-ver") {
        let value = printable(value).ok_or(CommandError::InvalidClientAttribute("lib-ver"))?;
        change(context, |client| client.library_version = value)
    } else {
        Err(CommandError::UnrecognizedOption(clipped(attribute, 128)))
    }
}

fn change(context: &mut Context<'_>, change: impl FnOnce(&mut Client)) -> Outcome {
    if let Some(client) = context.server.clients.get_mut(context.session.id) {
        change(client);
    }
    Ok(Reply::OK)
}

/// A name for a client: one word, since names are listed in lines of words.
pub(super) fn parse_name(name: &[u8]) -> Result<String, CommandError> {
    printable(name).ok_or(CommandError::InvalidClientName)
}

fn printable(text: &[u8]) -> Option<String> {
    text.iter().all(u8::is_ascii_graphic).then(|| String::from_utf8_lossy(text).into_owned())
}
