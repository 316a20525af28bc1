//! Commands about the connection itself: `PING`, `HELLO`, `AUTH`, `QUIT`; must not touch keys.

use bytes::Bytes;

use super::table::Command;
use super::{Context, Outcome, info, is_option};
use crate::error::{CommandError, clipped};
use crate::integer::parse_integer;
use crate::reply::{Protocol, Reply};
use crate::session::Session;
use crate::store::DATABASES;

pub(super) const COMMANDS: &[Command] = &[
    Command::new("auth", -2, auth).unmonitored().before_password(),
    Command::new("echo", 2, echo),
    Command::new("hello", -1, hello).unmonitored().before_password(),
    Command::new("host:", -1, hang_up).immediate().unmonitored().before_password(),
    Command::new("ping", -1, ping),
    Command::new("post", -1, hang_up).immediate().unmonitored().before_password(),
    Command::new("quit", -1, quit).immediate().before_password(),
    Command::new("reset", 1, reset).immediate().before_password(),
    Command::new("select", 2, select),
];

fn ping(_: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    match request {
        [_] => Ok(Reply::Simple("PONG")),
        [_, message] => Ok(Reply::Bulk(message.clone())),
        _ => Err(CommandError::WrongArity("ping")),
    }
}

fn echo(_: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    Ok(Reply::Bulk(request[1].clone()))
}

fn quit(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    context.session.closing = true;
    Ok(Reply::OK)
}

/// A web page can make a browser send HTTP to a local port, and the lines of its body would be
/// commands. `POST` and `Host:` are lines of every such request, so they end the connection.
fn hang_up(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    tracing::warn!(address = context.session.address, "HTTP sent to Redis, connection closed");
    context.session.closing = true;
    Ok(Reply::Nothing)
}

fn reset(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    context.session.transaction = None;
    context.session.authenticated = context.session.password.is_none();
    context.store.unwatch(context.session.id);
    context.session.monitoring = false;
    select_database(context, 0);
    context.session.protocol = Protocol::Resp2;
    if let Some(client) = context.server.clients.get_mut(context.session.id) {
        client.name.clear();
        client.monitoring = false;
        client.protocol = Protocol::Resp2;
    }
    Ok(Reply::Simple("RESET"))
}

fn select(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let index = parse_integer(&request[1]).ok_or(CommandError::NotAnInteger)?;
    let index = i32::try_from(index).map_err(|_| CommandError::NotAnInt)?;
    let index = usize::try_from(index).ok().filter(|index| *index < DATABASES);
    select_database(context, index.ok_or(CommandError::NoSuchDatabase)?);
    Ok(Reply::OK)
}

fn select_database(context: &mut Context<'_>, index: usize) {
    context.session.database = index;
    context.store.select(index);
    if let Some(client) = context.server.clients.get_mut(context.session.id) {
        client.database = index;
    }
}

fn auth(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    match request {
        [_, _] if context.session.password.is_none() => Err(CommandError::NoPasswordSet),
        [_, password] => log_in(context.session, b"default", password),
        [_, user, password] => log_in(context.session, user, password),
        _ => Err(CommandError::Syntax),
    }
    .map(|()| Reply::OK)
}

/// The default user is the only one; without a password of its own it accepts any.
fn log_in(session: &mut Session, user: &[u8], password: &[u8]) -> Result<(), CommandError> {
    let fits = session.password.is_none_or(|own| own.is(password));
    if user != b"default" || !fits {
        return Err(CommandError::WrongPassword);
    }
    session.authenticated = true;
    Ok(())
}

fn hello(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let protocol = match request.get(1) {
        None => context.session.protocol,
        Some(version) => match parse_integer(version) {
            Some(2) => Protocol::Resp2,
            Some(3) => Protocol::Resp3,
            Some(_) => return Err(CommandError::UnsupportedProtocol),
            None => return Err(CommandError::ProtocolNotAnInteger),
        },
    };
    let mut name = None;
    let mut options = request.get(2..).unwrap_or_default();
    while let Some((option, values)) = options.split_first() {
        options = match values {
            [user, password, rest @ ..] if is_option(option, "auth") => {
                // It holds even if what follows is wrong.
                log_in(context.session, user, password)?;
                rest
            }
            [value, rest @ ..] if is_option(option, "setname") => {
                name = Some(super::client::parse_name(value)?);
                rest
            }
            _ => return Err(CommandError::HelloOption(clipped(option, 128))),
        };
    }
    if !context.session.authenticated {
        return Err(CommandError::HelloNotAuthenticated);
    }
    context.session.protocol = protocol;
    if let Some(client) = context.server.clients.get_mut(context.session.id) {
        client.protocol = protocol;
        if let Some(name) = name {
            client.name = name;
        }
    }
    Ok(greeting(context.session.id, protocol))
}

fn greeting(id: u64, protocol: Protocol) -> Reply {
    let word = |text: &'static str| Reply::Bulk(Bytes::from_static(text.as_bytes()));
    Reply::Map(vec![
        (word("server"), word("redis")),
        (word("version"), word(info::VERSION)),
        (word("proto"), Reply::Integer(i64::from(protocol.number()))),
        (word("id"), Reply::Integer(i64::try_from(id).unwrap_or(i64::MAX))),
        (word("mode"), word("standalone")),
        (word("role"), word("master")),
        (word("modules"), Reply::Array(Vec::new())),
    ])
}
