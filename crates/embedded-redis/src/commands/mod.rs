//! What the commands do; must not touch a socket.
//!
//! Each family is a module with a table: one row per command with its name, arity and function.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all commands have the type of the table's column, also those that cannot fail"
)]

mod client;
mod connection;
mod counters;
mod expiry;
mod hashes;
mod info;
mod inspection;
mod keys;
mod monitor;
mod persistence;
mod scan;
mod server;
mod set;
mod strings;
mod table;
mod transactions;

use bytes::Bytes;
use tokio::sync::broadcast;

use crate::error::CommandError;
use crate::limits::{MAXIMUM_QUERY, request_size};
use crate::redis::ServerState;
use crate::reply::Reply;
use crate::request::Request;
use crate::session::{Limit, Session};
use crate::store::Store;

pub(crate) use table::Command;

type Outcome = Result<Reply, CommandError>;

/// All that a command can see and change.
pub(crate) struct Context<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) server: &'a mut ServerState,
    pub(crate) session: &'a mut Session,
    pub(crate) monitors: &'a broadcast::Sender<Bytes>,
    /// Set while `EXEC` does what was queued.
    pub(crate) in_transaction: bool,
}

/// Does a request, or queues it in an open transaction.
pub(crate) fn execute(context: &mut Context<'_>, request: Request) -> Reply {
    let command = match table::find(&request) {
        Ok(command) => command,
        Err(error) => {
            context.session.refuse_transaction();
            return error.into();
        }
    };
    if !context.session.authenticated && !command.before_password {
        return match command.name {
            "exec" => CommandError::ExecNotAuthenticated.into(),
            _ => CommandError::NotAuthenticated.into(),
        };
    }
    match &mut context.session.transaction {
        Some(transaction) if !command.immediate => {
            transaction.bytes += request_size(&request);
            if transaction.bytes > MAXIMUM_QUERY {
                context.session.close_over(Limit::Query);
                return Reply::Nothing;
            }
            transaction.queued.push((command, request));
            Reply::Simple("QUEUED")
        }
        _ => run(context, command, &request),
    }
}

/// Does one command now.
fn run(context: &mut Context<'_>, command: &'static Command, request: &[Bytes]) -> Reply {
    context.server.commands += 1;
    let now = context.store.now();
    if let Some(client) = context.server.clients.get_mut(context.session.id) {
        client.last_active = now;
        client.last_command = command.name;
    }
    let reply = (command.run)(context, request).unwrap_or_else(Reply::from);
    // After it, as Redis shows it: `SELECT` with the database that it has selected.
    if command.monitored {
        monitor::publish(context, request);
    }
    reply
}

/// Whether a word is this option; options are written in any case.
fn is_option(word: &[u8], option: &str) -> bool {
    word.eq_ignore_ascii_case(option.as_bytes())
}
