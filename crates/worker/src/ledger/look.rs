//! What a flush reads before it writes: the note and `hashes` where they are in doubt, whether
//! reports are read, and the experiment. Also what Redis watches in the meantime.

use observation::{EXPERIMENT_KEY, OBSERVED_KEY};
use redis::aio::ConnectionLike as _;

use super::{Books, Ledger};
use crate::account::{Hashes, NoteTooHigh};
use crate::exchange::{Replies, Trouble};
use crate::experiment::Stored;
use crate::link::Line;

impl Ledger {
    /// Reads what may have changed since the last transaction, and `hashes` where it is in doubt: on
    /// a new connection, and after an addition has failed. `hashes` is returned if it is watched.
    ///
    /// Where Redis watches for readers and experiments they are read with each report all the same:
    /// one may have come between a transaction and the `WATCH` after it.
    pub(super) async fn look(
        &self,
        line: &mut Line,
        books: &mut Books,
    ) -> Result<Option<Hashes>, Trouble> {
        let suspicious = books.account.suspicious;
        let closely = suspicious || books.account.watched_on != Some(line.number);
        let is_new = self.tally.totals().loops > books.account.counted;
        if !closely && !books.followed && is_new && !self.report_is_due(books) {
            return Ok(None);
        }
        let mut commands = redis::pipe();
        if closely {
            commands.cmd("UNWATCH");
            let watch = commands.cmd("WATCH").arg(self.watched(books.followed));
            if suspicious {
                watch.arg("hashes");
            }
            commands.cmd("GET").arg("hashes");
        }
        let mget = commands.cmd("MGET");
        mget.arg(&self.note_key).arg(OBSERVED_KEY).arg(EXPERIMENT_KEY).arg("hashes");
        let mut replies = Replies::to(&commands, &mut line.connection).await?;
        let mut hashes = None;
        if closely {
            replies.ok("UNWATCH")?;
            replies.ok("WATCH")?;
            hashes = Some(replies.hashes()?);
        }
        let [note, observed, experiment, value] = replies.texts("MGET")?;
        if let Some(hashes) = &mut hashes {
            // As it was together with the note; a number only here, as `GET` was carried out before.
            if value.is_some() || matches!(hashes, Hashes::Number(_)) {
                *hashes = Hashes::read(value.as_deref());
            }
            let total = self.tally.totals().loops;
            let note = note.as_deref().map(loops).transpose()?;
            books.account.resolve(note, hashes, total).map_err(|NoteTooHigh| {
                let note = note.unwrap_or_default();
                malformed(format!("a note of {note} loops, of {total} completed"))
            })?;
            books.account.watched_on = Some(line.number);
        }
        let experiment = experiment.filter(|_| self.experiments.allowed());
        books.followed = observed.is_some() || experiment.is_some();
        self.carry_out(line, experiment).await?;
        Ok(hashes.filter(|_| suspicious))
    }

    async fn carry_out(&self, line: &mut Line, text: Option<Vec<u8>>) -> Result<(), Trouble> {
        let Some(text) = text else {
            self.experiments.take(None);
            return Ok(());
        };
        let mut command = redis::cmd("PTTL");
        let reply = line.connection.req_packed_command(command.arg(EXPERIMENT_KEY)).await?;
        let left = Replies::one(reply).number("PTTL")?.map_err(Trouble::Refused)?;
        self.experiments.take(Some(&Stored { text, milliseconds_left: left }));
        Ok(())
    }

    /// What Redis watches until the next transaction. A reader or an experiment that comes changes
    /// its key, and so is noticed without being looked for.
    pub(super) fn watched(&self, followed: bool) -> Vec<&str> {
        match followed {
            true => vec![&self.note_key],
            false if self.experiments.allowed() => {
                vec![&self.note_key, OBSERVED_KEY, EXPERIMENT_KEY]
            }
            false => vec![&self.note_key, OBSERVED_KEY],
        }
    }
}

/// The loops in a note.
fn loops(note: &[u8]) -> Result<u64, Trouble> {
    let loops = std::str::from_utf8(note).ok().and_then(|text| text.parse().ok());
    loops.ok_or_else(|| malformed(format!("a note of {} bytes that is no number", note.len())))
}

fn malformed(reply: String) -> Trouble {
    Trouble::Malformed { command: "MGET", reply }
}
