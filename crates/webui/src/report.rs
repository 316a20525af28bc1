//! Finding and reading the workers' reports in Redis. One that cannot be read costs only itself:
//! it is left out and logged, once for each worker.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use observation::{OBSERVED_KEY, REPORT_FIELD, Report, SCHEMA_VERSION, Totals, WORKER_KEY};
use redis::{Pipeline, RedisResult, Value, from_redis_value};
use serde::Serialize;
use tokio::time::Instant;

use crate::counts;
use crate::merge::{Detail, Merge};
use crate::store::{Store, StoreError, deadline};

/// Keys per step of the scan; a hint to Redis only.
const SCAN_COUNT: u32 = 1000;

/// Names remembered as already complained about; then they are forgotten, so that a stream of
/// broken workers takes no memory.
const MOST_COMPLAINTS: usize = 1000;

/// How long workers take the reports to be read after they were.
const MARK_SECONDS: u32 = 15;
/// Least time between two marks.
const MARK_PERIOD: Duration = Duration::from_secs(1);

/// A Redis key, which need not be text.
type Key = Vec<u8>;

/// Reads reports, and remembers which keys it has complained about.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    complained: Mutex<HashSet<Key>>,
    /// When it was last noted in Redis that they are read.
    marked: Mutex<Option<Instant>>,
}

/// An [`observation::Observation`] whose workers are written as JSON already.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    schema_version: u32,
    now_us: u64,
    hashes: u64,
    coins: u64,
    merged: Totals,
    workers: Vec<serde_json::Value>,
}

/// Why a report is left out.
#[derive(Debug, thiserror::Error)]
enum BadReport {
    #[error("{0}")]
    Redis(#[from] redis::RedisError),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("schema version {0} is not {SCHEMA_VERSION}")]
    Version(u32),
}

impl Reports {
    /// The app as its workers see it now.
    pub(crate) async fn observe(
        &self,
        store: &Store,
        detail: Detail,
    ) -> Result<Answer, StoreError> {
        let deadline = deadline();
        let keys = worker_keys(store, deadline).await?;
        let mut pipeline = counts::commands();
        for key in &keys {
            pipeline.cmd("HGET").arg(key).arg(REPORT_FIELD);
        }
        if self.is_mark_due() {
            // Its reply is not looked at: a Redis that may only be read has reports all the same.
            pipeline.cmd("SET").arg(OBSERVED_KEY).arg(1).arg("EX").arg(MARK_SECONDS);
        }
        let mut replies = store.ask(&pipeline, deadline).await?.into_iter();
        let now = counts::unix_time();
        let counts = counts::take(store, &mut replies)?;
        let mut merge = Merge::default();
        for (key, reply) in keys.into_iter().zip(replies) {
            let added = read(reply).and_then(|report| match report {
                Some(report) => Ok(merge.add(report, detail)?),
                None => Ok(()), // expired since the scan
            });
            if let Err(error) = added {
                self.complain(key, &error);
            }
            // Histograms take a while to read; /health and others must not wait for all of them.
            tokio::task::yield_now().await;
        }
        let (merged, workers) = merge.finish();
        Ok(Answer {
            schema_version: SCHEMA_VERSION,
            now_us: u64::try_from(now.as_micros()).unwrap_or(u64::MAX),
            hashes: number(store, counts.hashes.as_deref())?,
            coins: counts.coins,
            merged,
            workers,
        })
    }

    /// Whether it is time to note in Redis that reports are read.
    fn is_mark_due(&self) -> bool {
        let mut marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = marked.is_none_or(|last| last.elapsed() >= MARK_PERIOD);
        if due {
            *marked = Some(Instant::now());
        }
        due
    }

    fn complain(&self, key: Key, error: &BadReport) {
        let shown = String::from_utf8_lossy(&key).into_owned();
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if complained.len() >= MOST_COMPLAINTS {
            complained.clear();
        }
        if complained.insert(key) {
            tracing::warn!(key = shown, %error, "left out a worker's report");
        }
    }
}

/// Every worker's key once, though a scan may return one several times.
async fn worker_keys(store: &Store, deadline: Instant) -> Result<BTreeSet<Key>, StoreError> {
    let mut keys = BTreeSet::new();
    let mut cursor = String::from("0");
    loop {
        let mut scan = Pipeline::new();
        scan.cmd("SCAN").arg(&cursor);
        scan.arg("MATCH").arg(format!("{WORKER_KEY}*"));
        scan.arg("COUNT").arg(SCAN_COUNT);
        let reply = store.ask(&scan, deadline).await?.pop();
        let page: Vec<Key>;
        (cursor, page) = reply
            .unwrap_or(Ok(Value::Nil))
            .and_then(|value| Ok(from_redis_value(value)?))
            .map_err(|error| store.refused("SCAN", &error))?;
        keys.extend(page);
        if cursor == "0" {
            return Ok(keys);
        }
    }
}

fn read(reply: RedisResult<Value>) -> Result<Option<Report>, BadReport> {
    let text: Option<Vec<u8>> =
        reply.and_then(|value| Ok(from_redis_value::<Option<Vec<u8>>>(value)?))?;
    let Some(text) = text else {
        return Ok(None);
    };
    let report: Report = serde_json::from_slice(&text)?;
    match report.schema_version {
        SCHEMA_VERSION => Ok(Some(report)),
        other => Err(BadReport::Version(other)),
    }
}

fn number(store: &Store, hashes: Option<&str>) -> Result<u64, StoreError> {
    let Some(text) = hashes else {
        return Ok(0);
    };
    text.parse().map_err(|_| store.unfit("GET hashes", &format_args!("{text:?} is not a count")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Option<Report>, BadReport> {
        read(Ok(Value::BulkString(text.as_bytes().to_vec())))
    }

    #[test]
    fn what_is_no_report_is_refused_with_a_reason() {
        assert!(read(Ok(Value::Nil)).unwrap().is_none());
        for garbage in ["", "{}", "not json", "[1,2]"] {
            assert!(matches!(read_text(garbage), Err(BadReport::Json(_))), "{garbage:?}");
        }
        assert!(matches!(read(Ok(Value::Array(vec![Value::Okay]))), Err(BadReport::Redis(_))));
    }

    #[test]
    fn reports_of_another_schema_are_refused() {
        let mut report = serde_json::json!({
            "schema_version": SCHEMA_VERSION, "id": "a", "replica": "a", "started_us": 1,
            "at_us": 2, "virtual_workers": 1, "policy": "vip",
            "totals": serde_json::to_value(observation::Totals::default()).unwrap(),
        });
        assert!(read_text(&report.to_string()).unwrap().is_some());
        report["schema_version"] = (SCHEMA_VERSION + 1).into();
        assert!(matches!(read_text(&report.to_string()), Err(BadReport::Version(2))));
    }

    #[test]
    fn complaints_do_not_pile_up() {
        let reports = Reports::default();
        for worker in 0..MOST_COMPLAINTS + 10 {
            reports.complain(worker.to_string().into_bytes(), &BadReport::Version(0));
        }
        assert!(reports.complained.lock().unwrap().len() <= MOST_COMPLAINTS);
    }
}
