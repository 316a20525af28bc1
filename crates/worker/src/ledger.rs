//! What is written to Redis: the count of loops, the coins, and this worker's report.
//!
//! Loops are added to `hashes` together with a note of how many this worker has added so far, in
//! one transaction. The note shows the next one what is still to be added, so that an outage, a
//! lost reply or a failed addition neither loses a loop nor counts one twice. While Redis is away
//! the workers go on.

mod look;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use observation::{COUNTED_KEY, Report, SCHEMA_VERSION, Totals, WORKER_KEY};
use redis::RedisResult;
use redis::aio::ConnectionLike as _;
use tokio::time::Instant;

use crate::account::Account;
use crate::coins::Coins;
use crate::exchange::{Replies, Trouble};
use crate::experiment::Experiments;
use crate::flush::{Coin, Flush, Written};
use crate::link::{Line, Link};
use crate::settings::Settings;
use crate::tally::Tally;
use crate::work_log::WorkLog;

/// Flush intervals without a flush after which the workers count as stuck.
const STUCK: u32 = 3;
/// Least time between two reports while they are not read.
const REPORT_PAUSE: Duration = Duration::from_secs(5);
/// Transactions tried in one flush: one may find a watched key changed, one `hashes` unfit to be
/// added to, and one restores the note; each is followed by a closer look.
const ATTEMPTS: usize = 5;

/// One worker's account with Redis.
#[derive(Debug)]
pub(crate) struct Ledger {
    link: Link,
    tally: Arc<Tally>,
    experiments: Arc<Experiments>,
    interval: Duration,
    key: String,
    note_key: String,
    ttl: Duration,
    report: Report,
    started: Instant,
    pace: Mutex<Pace>,
    coins: Coins,
    /// Held by the one flush under way.
    books: tokio::sync::Mutex<Books>,
}

/// What one flush leaves to the next.
#[derive(Debug)]
struct Books {
    account: Account,
    work_log: WorkLog,
    last_report: Option<Instant>,
    /// There is something that changes what this worker does: an experiment, or a reader. It is
    /// looked for with each flush while it is there; otherwise Redis watches for it.
    followed: bool,
}

/// When cycles began and were last counted.
#[derive(Clone, Copy, Debug)]
struct Pace {
    last_flush: Instant,
    last_begin: Instant,
}

impl Ledger {
    pub(crate) fn new(
        settings: &Settings,
        replica: String,
        tally: Arc<Tally>,
        experiments: Arc<Experiments>,
    ) -> Self {
        let id = format!("{replica}-{:08x}", rand::random::<u32>());
        let key = format!("{WORKER_KEY}{id}");
        let note_key = format!("{COUNTED_KEY}{id}");
        let started = Instant::now();
        let started_us = unix_us();
        let report = Report {
            schema_version: SCHEMA_VERSION,
            id,
            replica,
            started_us,
            at_us: started_us,
            virtual_workers: settings.virtual_workers,
            policy: settings.policy.name().to_owned(),
            experiment: None,
            totals: Totals::default(),
        };
        Self {
            link: Link::new(settings.redis.server(), settings.redis_timeout),
            tally,
            experiments,
            interval: settings.flush_interval,
            key,
            note_key,
            ttl: settings.report_ttl,
            report,
            started,
            pace: Mutex::new(Pace { last_flush: started, last_begin: started }),
            coins: Coins::default(),
            books: tokio::sync::Mutex::new(Books {
                account: Account::default(),
                work_log: WorkLog::new(settings.work_log.clone()),
                last_report: None,
                followed: false,
            }),
        }
    }

    /// Whether it is time to flush at `now`; says so to one caller only.
    pub(crate) fn flush_due(&self, now: Instant) -> bool {
        let mut pace = locked(&self.pace);
        pace.last_begin = now;
        let due = now.saturating_duration_since(pace.last_flush) >= self.interval;
        if due {
            pace.last_flush = now;
        }
        due || self.coins.are_full()
    }

    /// Flushes whenever no loop has begun for a while, for ever: while all of them wait for a
    /// service, what they counted before and why they wait is still to be seen.
    pub(crate) async fn flush_when_stuck(&self) {
        loop {
            tokio::time::sleep(self.interval * STUCK).await;
            let Pace { last_flush, last_begin } = *locked(&self.pace);
            if last_flush.elapsed() >= self.interval * STUCK {
                // Counted up to the last loop's start, as any flush is.
                self.flush(last_begin).await;
            }
        }
    }

    /// Writes what happened up to `at`, the start of a cycle; what cannot be written now is kept.
    pub(crate) async fn flush(&self, at: Instant) {
        if self.coins.are_full() {
            // One flush after another until there is room again.
            tokio::time::sleep(self.interval).await;
        }
        if let Ok(mut books) = self.books.try_lock() {
            self.flush_within(&mut books, at).await;
        }
    }

    /// Writes a coin now, or keeps it for the next flush.
    pub(crate) async fn add_coin(&self, coin: Coin) {
        let mut command = redis::cmd("HSET");
        command.arg("wallet").arg(&coin.hash[..]).arg(&coin.bytes[..]);
        // To write it twice does no harm, so it is kept also when this future is dropped half way.
        let kept = self.coins.keep(coin);
        let Some(mut line) = self.link.get(&self.tally).await else { return };
        let reply = line.connection.req_packed_command(&command).await;
        let written =
            reply.map_err(Trouble::from).and_then(|reply| Replies::one(reply).number("HSET"));
        match written {
            Ok(Ok(_)) => kept.confirmed(),
            Ok(Err(reason)) => self.link.failed(&self.tally, &Trouble::Refused(reason)),
            Err(trouble) => self.lost(line.number, &trouble),
        }
    }

    /// Flushes for the last time, trying for as long as `timeout`, removes the report, and returns
    /// whether everything was written.
    pub(crate) async fn close(&self, timeout: Duration) -> bool {
        let mut books = self.books.lock().await;
        let settled = tokio::time::timeout(timeout, async {
            loop {
                let flushed = self.flush_within(&mut books, Instant::now()).await;
                match flushed && self.coins.unwritten() == 0 {
                    true => break,
                    false if flushed => {}
                    false => tokio::time::sleep(Duration::from_millis(50)).await,
                }
                self.link.forgive();
            }
            self.remove_report().await;
        });
        let settled = settled.await.is_ok();
        books.work_log.write();
        let totals = self.tally.totals();
        let (loops, coins, counted) = (totals.loops, totals.coins, books.account.counted);
        let unwritten_coins = self.coins.unwritten();
        if settled {
            tracing::info!(loops, counted, coins, "accounts settled");
        } else {
            tracing::error!(loops, counted, coins, unwritten_coins, "accounts not settled");
        }
        settled
    }

    /// Whether all was written that is to be.
    async fn flush_within(&self, books: &mut Books, at: Instant) -> bool {
        let Some(mut line) = self.link.get(&self.tally).await else {
            self.experiments.end();
            return false;
        };
        match self.write(&mut line, books, at).await {
            Ok(None) => {
                self.link.succeeded();
                true
            }
            Ok(Some(refusal)) => {
                self.link.failed(&self.tally, &Trouble::Refused(refusal));
                false
            }
            Err(trouble @ Trouble::Overtaken) => {
                self.link.failed(&self.tally, &trouble);
                false
            }
            Err(trouble) => {
                self.experiments.end();
                self.lost(line.number, &trouble);
                false
            }
        }
    }

    /// Adds what Redis does not have yet, and what else there is to write; what Redis refused of it.
    ///
    /// Redis watches the note from the end of one transaction to the next: one of an earlier
    /// connection that arrives late finds it changed, or changes it, and only one of the two is
    /// carried out. A transaction that was answered leaves the note as it is known, so that it is
    /// read only on a new connection and when something watched was changed.
    async fn write(
        &self,
        line: &mut Line,
        books: &mut Books,
        at: Instant,
    ) -> Result<Option<String>, Trouble> {
        let mut refused = None;
        for _ in 0..ATTEMPTS {
            let mut hashes = self.look(line, books).await?;
            if hashes.is_none() && books.account.suspicious {
                hashes = self.look(line, books).await?;
            }
            let (total, report) = self.report_if_due(books, at)?;
            let account = &mut books.account;
            let missing = total.saturating_sub(account.counted);
            let refusal =
                hashes.as_ref().filter(|_| missing > 0).and_then(|hashes| hashes.refuses(missing));
            // A note that moved without its addition is restored before anything else is added.
            let addition = match refusal.is_some() || account.note_is_wrong() {
                true => 0,
                false => missing,
            };
            let note = match addition {
                0 => account.note_is_wrong().then_some(account.counted),
                _ => Some(total),
            };
            if addition > 0 {
                account.begin(total, hashes.is_some());
            }
            let batch = self.coins.batch();
            let flush = Flush {
                note_key: &self.note_key,
                addition,
                note,
                report: report.map(|report| (&*self.key, report, self.ttl)),
                coins: &batch.coins,
                watch: &self.watched(books.followed),
            };
            if flush.is_empty() {
                return Ok(refusal);
            }
            books.account.watched_on = None;
            let Some(written) = flush.send(&mut line.connection).await? else { continue };
            books.account.watched_on = Some(line.number);
            self.coins.flushed(&batch, written.coins.is_ok());
            let is_whole = written.hashes.is_ok() && addition == missing;
            refused = enter(books, &flush, total, written);
            if is_whole || refusal.is_some() {
                return Ok(refusal.or(refused));
            }
        }
        refused.map_or(Err(Trouble::Overtaken), |words| Ok(Some(words)))
    }

    /// Nothing that came over connection `number` is believed any more.
    fn lost(&self, number: u64, trouble: &Trouble) {
        self.coins.doubt();
        self.link.lost(&self.tally, number, trouble);
    }

    /// The cycles so far, with the report of them if one is due: with each flush while
    /// reports are read, otherwise every few seconds.
    fn report_if_due(&self, books: &Books, at: Instant) -> RedisResult<(u64, Option<Vec<u8>>)> {
        match self.report_is_due(books) {
            true => self.report(at).map(|(total, report)| (total, Some(report))),
            false => Ok((self.tally.totals().loops, None)),
        }
    }

    fn report_is_due(&self, books: &Books) -> bool {
        let pause = REPORT_PAUSE.min(self.ttl / 3);
        books.last_report.is_none_or(|last| books.followed || last.elapsed() >= pause)
    }

    fn report(&self, at: Instant) -> RedisResult<(u64, Vec<u8>)> {
        let totals = self.tally.totals().clone();
        let since_start = at.saturating_duration_since(self.started);
        let at_us =
            self.report.started_us + u64::try_from(since_start.as_micros()).unwrap_or_default();
        let loops = totals.loops;
        let policy = self.experiments.policy().name().to_owned();
        let experiment = self.experiments.told();
        let report = Report { at_us, policy, experiment, totals, ..self.report.clone() };
        let json = serde_json::to_vec(&report).map_err(std::io::Error::from)?;
        Ok((loops, json))
    }

    async fn remove_report(&self) {
        let Some(mut line) = self.link.get(&self.tally).await else { return };
        let mut delete = redis::cmd("DEL");
        delete.arg(&self.key).arg(&self.note_key);
        let _ = line.connection.req_packed_command(&delete).await; // both also expire by themselves
    }
}

fn unix_us() -> u64 {
    let now = service::clock::unix_time("WORKER");
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

/// Nothing under these locks can panic half way, so a poisoned one is as good as any.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the books after a transaction that was carried out; what Redis refused of it.
fn enter(books: &mut Books, flush: &Flush<'_>, total: u64, written: Written) -> Option<String> {
    match written.hashes {
        Ok(value) if flush.addition > 0 => {
            books.account.added(total, value);
            books.work_log.counted(flush.addition);
        }
        Ok(_) if flush.note.is_some() => books.account.note_restored(),
        Ok(_) => {}
        Err(_) => books.account.failed(total),
    }
    if flush.report.is_some() && written.report.is_ok() {
        books.last_report = Some(Instant::now());
    }
    written.hashes.err().or(written.report.err()).or(written.coins.err())
}
