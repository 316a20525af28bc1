//! One transaction of this worker: loops added to `hashes` together with the note of how many it
//! has added, its report, and coins. What belongs into it is `ledger`'s to decide.

use std::time::Duration;

use bytes::Bytes;
use observation::REPORT_FIELD;
use redis::Pipeline;
use redis::aio::MultiplexedConnection;

use crate::exchange::{Answered, Replies, Trouble};

/// How long the note of what was added outlives the worker: longer than any outage.
const NOTE_TTL_SECONDS: u32 = 86_400;

/// A hash that starts with 0, and what was hashed.
#[derive(Clone, Debug)]
pub(crate) struct Coin {
    pub(crate) hash: Bytes,
    pub(crate) bytes: Bytes,
}

/// What is to be written, all of it or nothing.
#[derive(Debug, Default)]
pub(crate) struct Flush<'a> {
    pub(crate) note_key: &'a str,
    /// Loops to add to `hashes`; none for 0.
    pub(crate) addition: u64,
    /// What the note is to say, if anything.
    pub(crate) note: Option<u64>,
    /// The key of the report, the report as JSON, and how long it is kept.
    pub(crate) report: Option<(&'a str, Vec<u8>, Duration)>,
    pub(crate) coins: &'a [Coin],
    /// What is to be watched from the end of the transaction on, until the next one.
    pub(crate) watch: &'a [&'a str],
}

/// What Redis made of it. Other commands are carried out also when one fails.
#[derive(Debug)]
pub(crate) struct Written {
    /// `hashes` after the addition; 0 without one.
    pub(crate) hashes: Answered<i64>,
    pub(crate) report: Answered<()>,
    pub(crate) coins: Answered<()>,
}

impl Flush<'_> {
    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands().is_empty()
    }

    /// Writes it; `None`, and nothing is written, if a watched key was changed. What is to be
    /// watched then, is either way.
    ///
    /// # Errors
    /// When Redis refused the transaction as a whole, or it is not known whether it was done.
    pub(crate) async fn send(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> Result<Option<Written>, Trouble> {
        let commands = self.commands();
        let mut all = redis::pipe();
        all.cmd("MULTI");
        for command in commands.cmd_iter() {
            all.add_command(command.clone());
        }
        all.cmd("EXEC");
        all.cmd("WATCH").arg(self.watch);
        let mut replies = Replies::to(&all, connection).await?;
        let done = replies.transaction(commands.len())?;
        replies.ok("WATCH")?;
        done.map(|replies| self.read(replies)).transpose()
    }

    fn commands(&self) -> Pipeline {
        let mut commands = redis::pipe();
        if self.addition > 0 {
            commands.cmd("INCRBY").arg("hashes").arg(self.addition);
        }
        if let Some(note) = self.note {
            commands.cmd("SET").arg(self.note_key).arg(note).arg("EX").arg(NOTE_TTL_SECONDS);
        }
        if let Some((key, json, ttl)) = &self.report {
            commands.cmd("HSET").arg(key).arg(REPORT_FIELD).arg(&json[..]);
            commands.cmd("EXPIRE").arg(key).arg(ttl.as_secs().max(1));
        }
        if !self.coins.is_empty() {
            let wallet = commands.cmd("HSET").arg("wallet");
            for Coin { hash, bytes } in self.coins {
                wallet.arg(&hash[..]).arg(&bytes[..]);
            }
        }
        commands
    }

    fn read(&self, mut replies: Replies) -> Result<Written, Trouble> {
        let mut written = Written { hashes: Ok(0), report: Ok(()), coins: Ok(()) };
        if self.addition > 0 {
            written.hashes = replies.number("INCRBY")?;
        }
        if self.note.is_some() {
            replies.ok("SET")?;
        }
        if self.report.is_some() {
            let (written_now, expires) = (replies.number("HSET")?, replies.number("EXPIRE")?);
            written.report = written_now.and(expires).map(|_| ());
        }
        if !self.coins.is_empty() {
            written.coins = replies.number("HSET")?.map(|_| ());
        }
        Ok(written)
    }
}
