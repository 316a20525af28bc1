//! `MULTI`, `EXEC`, `WATCH` and their opposites; must do all queued commands or none.

use bytes::Bytes;

use super::table::Command;
use super::{Context, Outcome, run};
use crate::error::CommandError;
use crate::limits::{MAXIMUM_OUTPUT, reply_size};
use crate::reply::Reply;
use crate::session::{Limit, Transaction};

pub(super) const COMMANDS: &[Command] = &[
    Command::new("discard", 1, discard).immediate(),
    Command::new("exec", 1, execute).immediate().unmonitored(),
    Command::new("multi", 1, multi).immediate(),
    Command::new("unwatch", 1, unwatch),
    Command::new("watch", -2, watch).immediate(),
];

fn multi(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    if context.session.transaction.is_some() {
        return Err(CommandError::NestedMulti);
    }
    context.session.transaction = Some(Transaction::default());
    Ok(Reply::OK)
}

fn discard(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    context.session.transaction.take().ok_or(CommandError::DiscardWithoutMulti)?;
    context.store.unwatch(context.session.id);
    Ok(Reply::OK)
}

/// The server works on one command at a time, so that nothing can come between the queued ones.
fn execute(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let transaction = context.session.transaction.take().ok_or(CommandError::ExecWithoutMulti)?;
    let touched = context.store.unwatch(context.session.id);
    if transaction.refused {
        return Err(CommandError::ExecAborted);
    }
    if touched {
        return Ok(Reply::NullArray);
    }
    context.in_transaction = true;
    let (mut replies, mut bytes) = (Vec::new(), 0);
    for (command, request) in &transaction.queued {
        // All are done, also when the client cannot be sent the replies.
        let reply = run(context, command, request);
        bytes += reply_size(&reply);
        match bytes > MAXIMUM_OUTPUT {
            true => context.session.close_over(Limit::Output),
            false => replies.push(reply),
        }
    }
    // After what it did, as Redis shows it.
    super::monitor::publish(context, request);
    Ok(match bytes > MAXIMUM_OUTPUT {
        true => Reply::Nothing,
        false => Reply::Array(replies),
    })
}

fn watch(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    if context.session.transaction.is_some() {
        return Err(CommandError::WatchInsideMulti);
    }
    for key in &request[1..] {
        context.store.watch(context.session.id, key);
    }
    Ok(Reply::OK)
}

fn unwatch(context: &mut Context<'_>, _: &[Bytes]) -> Outcome {
    context.store.unwatch(context.session.id);
    Ok(Reply::OK)
}
