//! What Redis is told: the count of loops, the coins, and this worker's report.
//!
//! Loops are added to `hashes` together with a note of how many this worker has added so far, in
//! one transaction. The note tells the next one what is still to be added, so that an outage or a
//! lost answer neither loses a loop nor counts one twice. While Redis is away the loop goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use observation::{
    COUNTED_KEY, EXPERIMENT_KEY, REPORT_FIELD, Report, SCHEMA_VERSION, Totals, WORKER_KEY,
};
use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio::time::Instant;

use crate::experiment::Experiments;
use crate::link::Link;
use crate::settings::Settings;
use crate::tally::Tally;

/// Coins kept while Redis is away; beyond that the loops wait rather than lose one.
const MOST_COINS: usize = 500_000;
/// Coins written in one transaction, so that a long outage does not end in one that takes too long.
const COINS_AT_ONCE: usize = 10_000;
/// Flush intervals without a flush after which the loops count as stuck.
const STUCK: u32 = 3;
/// How long the note of what was added outlives the worker: longer than any outage.
const NOTE_TTL_SECONDS: u32 = 86_400;

/// A hash that starts with 0, and what was hashed.
#[derive(Clone, Debug)]
pub(crate) struct Coin {
    pub(crate) hash: Bytes,
    pub(crate) bytes: Bytes,
}

/// One worker's account with Redis.
#[derive(Debug)]
pub(crate) struct Ledger {
    link: Link,
    tally: Arc<Tally>,
    experiments: Arc<Experiments>,
    interval: Duration,
    key: String,
    note_key: String,
    ttl_seconds: i64,
    report: Report,
    started: Instant,
    pace: Mutex<Pace>,
    unwritten: Mutex<Vec<Coin>>,
    /// Loops that Redis surely has; held by the one flush under way.
    counted: tokio::sync::Mutex<u64>,
}

/// When loops began and were told of.
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
            ttl_seconds: i64::try_from(settings.report_ttl.as_secs().max(1)).unwrap_or(i64::MAX),
            report,
            started,
            pace: Mutex::new(Pace { last_flush: started, last_begin: started }),
            unwritten: Mutex::default(),
            counted: tokio::sync::Mutex::default(),
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
        due || locked(&self.unwritten).len() >= MOST_COINS
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

    /// Tells Redis what happened up to `at`, the start of a loop. What cannot be told now is kept
    /// for the next time.
    pub(crate) async fn flush(&self, at: Instant) {
        if locked(&self.unwritten).len() >= MOST_COINS {
            // One flush after another until there is room again.
            tokio::time::sleep(self.interval).await;
        }
        if let Ok(mut counted) = self.counted.try_lock() {
            self.flush_within(&mut counted, at).await;
        }
    }

    /// Writes a coin now, or keeps it for the next flush.
    pub(crate) async fn add_coin(&self, coin: Coin) {
        let mut command = redis::cmd("HSET");
        command.arg("wallet").arg(&coin.hash[..]).arg(&coin.bytes[..]);
        // To write it twice does no harm, so it is kept also when this future is dropped half way.
        let mut kept = Kept { unwritten: &self.unwritten, coin: Some(coin) };
        let Some(mut line) = self.link.get(&self.tally).await else { return };
        match command.query_async::<()>(&mut line.connection).await {
            Ok(()) => kept.coin = None,
            Err(error) => self.link.lost(&self.tally, line.number, &error),
        }
    }

    /// Flushes for the last time, trying for as long as `patience`, takes the report down, and
    /// says whether everything was told.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        let mut counted = self.counted.lock().await;
        let all_told = tokio::time::timeout(patience, async {
            loop {
                let flushed = self.flush_within(&mut counted, Instant::now()).await;
                match flushed && locked(&self.unwritten).is_empty() {
                    true => break,
                    false if flushed => {}
                    false => tokio::time::sleep(Duration::from_millis(50)).await,
                }
                self.link.forgive();
            }
            self.remove_report().await;
        });
        let told = all_told.await.is_ok();
        let totals = self.tally.totals();
        let (loops, coins) = (totals.loops, totals.coins);
        let unwritten_coins = locked(&self.unwritten).len();
        if told {
            tracing::info!(loops, counted = *counted, coins, "accounts settled");
        } else {
            let counted = *counted;
            tracing::error!(loops, counted, coins, unwritten_coins, "accounts not settled");
        }
        told
    }

    async fn flush_within(&self, counted: &mut u64, at: Instant) -> bool {
        let Some(mut line) = self.link.get(&self.tally).await else {
            self.experiments.end();
            return false;
        };
        // They stay in the list until they are written: this future may be dropped half way.
        let coins: Vec<Coin> =
            locked(&self.unwritten).iter().take(COINS_AT_ONCE).cloned().collect();
        match self.tell(&mut line.connection, counted, &coins, at).await {
            Ok(()) => {
                locked(&self.unwritten).drain(..coins.len());
                self.link.succeeded();
            }
            Err(error) => {
                self.experiments.end();
                self.link.lost(&self.tally, line.number, &error);
                return false;
            }
        }
        true
    }

    /// Adds what Redis does not have yet. The note of what it has is watched while it is read and
    /// replaced: a transaction of an earlier connection that arrives late finds it changed, or
    /// changes it, and only one of the two is carried out.
    async fn tell(
        &self,
        connection: &mut MultiplexedConnection,
        counted: &mut u64,
        coins: &[Coin],
        at: Instant,
    ) -> RedisResult<()> {
        redis::cmd("WATCH").arg(&self.note_key).query_async::<()>(connection).await?;
        let (noted, experiment) = self.look_up(connection).await?;
        self.experiments.take(experiment.as_deref());
        // No note: nothing was added yet, or somebody emptied Redis and wants to begin anew.
        *counted = noted.unwrap_or(*counted);
        let (loops, report) = self.report(at)?;
        let mut transaction = redis::pipe();
        transaction.atomic();
        if loops > *counted {
            transaction.cmd("INCRBY").arg("hashes").arg(loops - *counted).ignore();
        }
        let note = transaction.cmd("SET").arg(&self.note_key).arg(loops);
        note.arg("EX").arg(NOTE_TTL_SECONDS).ignore();
        transaction.cmd("HSET").arg(&self.key).arg(REPORT_FIELD).arg(report).ignore();
        transaction.cmd("EXPIRE").arg(&self.key).arg(self.ttl_seconds).ignore();
        for coin in coins {
            transaction.cmd("HSET").arg("wallet").arg(&coin.hash[..]).arg(&coin.bytes[..]).ignore();
        }
        match transaction.query_async::<Option<()>>(connection).await? {
            Some(()) => *counted = loops,
            None => return Err((redis::ErrorKind::Client, "a late answer came first").into()),
        }
        Ok(())
    }

    /// The note of what was added, and the experiment to carry out, in one round trip. `MGET` takes
    /// a key of another type for none.
    async fn look_up(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> RedisResult<(Option<u64>, Option<Vec<u8>>)> {
        if !self.experiments.allowed() {
            let noted = redis::cmd("GET").arg(&self.note_key).query_async(connection).await?;
            return Ok((noted, None));
        }
        let mut both = redis::cmd("MGET");
        both.arg(&self.note_key).arg(EXPERIMENT_KEY).query_async(connection).await
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
        let json = serde_json::to_vec(&report).map_err(|error| {
            redis::RedisError::from((redis::ErrorKind::Client, "report", error.to_string()))
        })?;
        Ok((loops, json))
    }

    async fn remove_report(&self) {
        let Some(mut line) = self.link.get(&self.tally).await else {
            return;
        };
        // The report also expires by itself.
        let mut delete = redis::cmd("DEL");
        let _ =
            delete.arg(&self.key).arg(&self.note_key).query_async::<()>(&mut line.connection).await;
    }
}

fn unix_us() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// Nothing under these locks can panic half way, so a poisoned one is as good as any.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A coin that is kept for the next flush unless it was written.
struct Kept<'a> {
    unwritten: &'a Mutex<Vec<Coin>>,
    coin: Option<Coin>,
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        locked(self.unwritten).extend(self.coin.take());
    }
}
