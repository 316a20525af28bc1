//! What workers report about themselves: the words that the worker writes, webui merges and bench
//! subtracts. Types and their sums only; no clock, no network, no opinion on what they mean.
//!
//! All times are microseconds, as integers. Reports are cumulative since their worker started, so
//! that a lost one costs nothing and any two of one worker give the time between them.

mod experiment;
mod latency;
mod server_timing;
mod totals;

use serde::{Deserialize, Serialize};

pub use experiment::{
    BadExperiment, EXPERIMENT_KEY, Experiment, MOST_DELAY_US, MOST_SECONDS, POLICIES,
};
pub use latency::{BadHistogram, HIGHEST, LOWEST, Latency};
pub use server_timing::ServerTiming;
pub use totals::{Counts, ReplicaTimes, SinceError, Stage, TimesByReplica, Totals};

/// Version of [`Report`] and [`Observation`]; fields are added within a version, never renamed.
pub const SCHEMA_VERSION: u32 = 1;

/// Start of the Redis key under which each worker keeps its report: `worker:<id>`, a Redis hash.
pub const WORKER_KEY: &str = "worker:";

/// Field of the worker's Redis hash with its [`Report`] as JSON.
pub const REPORT_FIELD: &str = "report";

/// Start of the Redis key with the loops a worker has added to `hashes` so far, `counted:<id>`:
/// written in the same transaction, so that an addition whose answer was lost is never made twice.
pub const COUNTED_KEY: &str = "counted:";

/// The Redis key that webui sets while its `/api/observation` is read, and that expires soon after:
/// workers then write their report with each flush, otherwise every few seconds.
pub const OBSERVED_KEY: &str = "observed";

/// One worker's account of itself, cumulative since its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// See [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Unique to one worker process.
    pub id: String,
    /// The replica's name, the host name unless set.
    pub replica: String,
    /// Unix time of the worker's start.
    pub started_us: u64,
    /// Unix time of this report; advances with the worker's monotonic clock.
    pub at_us: u64,
    /// Loops run at a time in this process.
    pub virtual_workers: u32,
    /// How it spreads requests over replicas, from this report on.
    pub policy: String,
    /// The experiment it carries out from this report on: what lies between two reports that tell of the
    /// same one was done under it, but for loops that had begun before the first.
    #[serde(default)]
    pub experiment: Option<Experiment>,
    /// What it counted.
    pub totals: Totals,
}

/// What `GET /api/observation` answers: the app's counter and all workers' reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// See [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Unix time of the answer by webui's clock.
    pub now_us: u64,
    /// Loops counted since the counter was made.
    pub hashes: u64,
    /// Coins in the wallet.
    pub coins: u64,
    /// Sum over all reports.
    pub merged: Totals,
    /// Each worker's own report, histograms included with `?by=worker` only.
    pub workers: Vec<Report>,
}
