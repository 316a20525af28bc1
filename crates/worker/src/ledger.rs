//! What Redis is told: the count of loops, the coins, and this worker's report.
//!
//! Loops are added to `hashes` together with a note of how many this worker has added so far, in
//! one transaction. When its answer is lost, the note tells whether it was carried out, so that
//! an outage neither loses a loop nor counts one twice. While Redis is away the loop goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use observation::{COUNTED_FIELD, REPORT_FIELD, Report, SCHEMA_VERSION, Totals, WORKER_KEY};
use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio::time::Instant;

use crate::link::Link;
use crate::settings::Settings;
use crate::tally::Tally;

/// Coins kept while Redis is away; beyond that the loops wait rather than lose one.
const MOST_COINS: usize = 500_000;

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
    interval: Duration,
    key: String,
    ttl_seconds: i64,
    report: Report,
    started: Instant,
    last_flush: Mutex<Instant>,
    unwritten: Mutex<Vec<Coin>>,
    /// Held by the one flush under way.
    counted: tokio::sync::Mutex<Counted>,
}

/// How many loops Redis has been told of.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    /// Surely.
    loops: u64,
    /// An addition up to this total was sent and not answered.
    in_doubt: Option<u64>,
}

impl Ledger {
    pub(crate) fn new(settings: &Settings, replica: String, tally: Arc<Tally>) -> Self {
        let id = format!("{replica}-{:08x}", rand::random::<u32>());
        let key = format!("{WORKER_KEY}{id}");
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
            totals: Totals::default(),
        };
        Self {
            link: Link::new(&settings.redis, settings.redis_timeout),
            tally,
            interval: settings.flush_interval,
            key,
            ttl_seconds: i64::try_from(settings.report_ttl.as_secs().max(1)).unwrap_or(i64::MAX),
            report,
            started,
            last_flush: Mutex::new(started),
            unwritten: Mutex::default(),
            counted: tokio::sync::Mutex::default(),
        }
    }

    /// Whether it is time to flush at `now`; says so to one caller only.
    pub(crate) fn flush_due(&self, now: Instant) -> bool {
        let mut last = locked(&self.last_flush);
        let due = now.saturating_duration_since(*last) >= self.interval;
        if due {
            *last = now;
        }
        due || locked(&self.unwritten).len() >= MOST_COINS
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
        let written = match self.link.get(&self.tally).await {
            Some(mut connection) => command.query_async::<()>(&mut connection).await,
            None => return locked(&self.unwritten).push(coin),
        };
        if let Err(error) = written {
            self.link.lost(&self.tally, &error);
            locked(&self.unwritten).push(coin);
        }
    }

    /// Flushes for the last time, trying for as long as `patience`, takes the report down, and
    /// says whether everything was told.
    pub(crate) async fn close(&self, patience: Duration) -> bool {
        let mut counted = self.counted.lock().await;
        let all_told = tokio::time::timeout(patience, async {
            while !self.flush_within(&mut counted, Instant::now()).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
                self.link.forgive();
            }
            self.remove_report().await;
        });
        let told = all_told.await.is_ok();
        let totals = self.tally.totals();
        let (loops, coins) = (totals.loops, totals.coins);
        let unwritten_coins = locked(&self.unwritten).len();
        if told {
            tracing::info!(loops, counted = counted.loops, coins, "accounts settled");
        } else {
            let counted = counted.loops;
            tracing::error!(loops, counted, coins, unwritten_coins, "accounts not settled");
        }
        told
    }

    async fn flush_within(&self, counted: &mut Counted, at: Instant) -> bool {
        let Some(mut connection) = self.link.get(&self.tally).await else {
            return false;
        };
        // They stay in the list until they are written: this future may be dropped half way.
        let coins = locked(&self.unwritten).clone();
        match self.tell(&mut connection, counted, &coins, at).await {
            Ok(()) => {
                locked(&self.unwritten).drain(..coins.len());
                self.link.succeeded();
            }
            Err(error) => {
                self.link.lost(&self.tally, &error);
                return false;
            }
        }
        true
    }

    async fn tell(
        &self,
        connection: &mut MultiplexedConnection,
        counted: &mut Counted,
        coins: &[Coin],
        at: Instant,
    ) -> RedisResult<()> {
        if let Some(total) = counted.in_doubt {
            let noted: Option<u64> = redis::cmd("HGET")
                .arg(&self.key)
                .arg(COUNTED_FIELD)
                .query_async(connection)
                .await?;
            if noted == Some(total) {
                counted.loops = total;
            }
            counted.in_doubt = None;
        }
        let (loops, report) = self.report(at)?;
        let mut transaction = redis::pipe();
        transaction.atomic();
        if loops > counted.loops {
            transaction.cmd("INCRBY").arg("hashes").arg(loops - counted.loops).ignore();
        }
        transaction.cmd("HSET").arg(&self.key).arg(COUNTED_FIELD).arg(loops);
        transaction.arg(REPORT_FIELD).arg(report).ignore();
        transaction.cmd("EXPIRE").arg(&self.key).arg(self.ttl_seconds).ignore();
        for coin in coins {
            transaction.cmd("HSET").arg("wallet").arg(&coin.hash[..]).arg(&coin.bytes[..]).ignore();
        }
        counted.in_doubt = Some(loops);
        transaction.query_async::<()>(connection).await?;
        *counted = Counted { loops, in_doubt: None };
        Ok(())
    }

    fn report(&self, at: Instant) -> RedisResult<(u64, Vec<u8>)> {
        let totals = self.tally.totals().clone();
        let since_start = at.saturating_duration_since(self.started);
        let at_us =
            self.report.started_us + u64::try_from(since_start.as_micros()).unwrap_or_default();
        let loops = totals.loops;
        let report = Report { at_us, totals, ..self.report.clone() };
        let json = serde_json::to_vec(&report).map_err(|error| {
            redis::RedisError::from((redis::ErrorKind::Client, "report", error.to_string()))
        })?;
        Ok((loops, json))
    }

    async fn remove_report(&self) {
        let Some(mut connection) = self.link.get(&self.tally).await else {
            return;
        };
        // The report also expires by itself.
        let _ = redis::cmd("DEL").arg(&self.key).query_async::<()>(&mut connection).await;
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
