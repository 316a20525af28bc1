//! Writes down what the app's published API says, with the app's own clock. No arithmetic: what
//! the samples mean is `analyse`'s business.

mod app;
mod clocks;
mod feed;
mod paths;
mod ports;
mod published;
mod readings;
mod steering;

use std::collections::BTreeMap;

use observation::{Experiment, Observation, Totals};
use serde::{Deserialize, Serialize};

use crate::cluster::Replicas;

pub use app::{App, COUNTER_PERIOD, Window};
pub use clocks::ClockReading;
pub use feed::Feed;
pub use paths::{PathSample, Prober, Route, probe};
pub use ports::{MOST_SAMPLES, Pace, Port, PortSample, PortSamples, Ports, PortsSeen, Work};
pub use published::Published;
pub use readings::{Brief, Readings, Spares, Told};
pub use steering::{Refused, Steering};

/// Everything that was seen in one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// The replicas that were measured.
    pub replicas: Replicas,
    /// From asking for the replicas until all served, in milliseconds.
    pub settled_after_ms: u64,
    /// Length of the window asked for, in milliseconds.
    pub window_ms: u64,
    /// The counter, about every 50 ms.
    pub counter: Vec<Counter>,
    /// The clocks at each of these readings; none of what was recorded by an older version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<ClockReading>,
    /// Each worker's own count, about every second.
    pub workers: Vec<WorkerCounts>,
    /// What all workers together had counted, about every second, without histograms.
    #[serde(default)]
    pub moments: Vec<Moment>,
    /// All reports at the start of the window.
    pub first: Observation,
    /// All reports at its end.
    pub last: Observation,
    /// Whether all replicas were restarted before it, to measure the same again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restarted: bool,
    /// What was changed for it, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Experiment>,
    /// What workers told in the window that they carried out, each once, `None` for nothing.
    #[serde(default)]
    pub carried_out: Vec<Option<Experiment>>,
    /// What was cut off before the window.
    #[serde(default)]
    pub warm_up: Option<WarmUp>,
    /// Why the window ended when it did.
    #[serde(default)]
    pub ended: Option<Ended>,
    /// What rng's and hasher's `/health` say of their stations.
    pub stations: Stations,
    /// Replicas that died during the window.
    pub restarts: u64,
    /// Readings that failed.
    pub failed_readings: u64,
    /// When the cluster had what was asked of it, where it says so.
    #[serde(default)]
    pub phases: Option<Phases>,
    /// Where each replica is, by its name, where that says more than the name.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// How long the ways to nodes and replicas took.
    #[serde(default)]
    pub paths: Vec<PathSample>,
    /// Replicas wanted at the end of the window: others than at its start if somebody scaled.
    #[serde(default)]
    pub replicas_at_end: Option<Replicas>,
}

/// What all workers together had counted at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Unix time by webui's clock.
    pub now_us: u64,
    /// Their counts, without histograms.
    pub totals: Totals,
}

impl Moment {
    /// What all workers together had counted when they were asked.
    #[must_use]
    pub fn of(seen: &Observation) -> Self {
        Self { now_us: seen.now_us, totals: seen.merged.without_histograms() }
    }
}

/// What was cut off before a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WarmUp {
    /// From all having served to the window, in seconds.
    pub seconds: f64,
    /// Why then, in a few words.
    pub rule: String,
    /// What was read of it, where it was taken for the window at first.
    #[serde(default)]
    pub moments: Vec<Moment>,
}

/// Why a window ended when it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Half-width that was asked for, as a share of the rate; `None` for a fixed length.
    pub precision: Option<f64>,
    /// Half-width that had been reached then.
    pub reached: Option<f64>,
    /// In a few words.
    pub reason: String,
}

impl Samples {
    /// Whether a stage was made slower on purpose: such a step is no state of the app by itself.
    #[must_use]
    pub fn is_slowed(&self) -> bool {
        self.experiment.as_ref().is_some_and(|experiment| {
            experiment.think_us + experiment.rng_us + experiment.hasher_us > 0
        })
    }
}

/// How a change of replicas went, in milliseconds since it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Phases {
    /// When the cluster made the last replica, by its own clock; `None` if it made none.
    pub created_ms: Option<i64>,
    /// When the last replica ran and was healthy, by the clock of its node; `None` likewise.
    pub running_ms: Option<i64>,
    /// When bench saw that all wanted replicas, and no others, were there.
    pub seen_ms: i64,
    /// When bench saw that each had served.
    pub served_ms: i64,
}

/// The counter at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Unix time by webui's clock.
    pub now_us: u64,
    /// Loops counted so far.
    pub hashes: u64,
    /// Coins in the wallet.
    pub coins: u64,
}

/// Each worker's latest report at one moment: its id, the report's time, its loops.
pub type WorkerCounts = BTreeMap<String, WorkerCount>;

/// One worker's count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerCount {
    /// Time of the report by the worker's clock.
    pub at_us: u64,
    /// Loops it had completed.
    pub loops: u64,
}

/// The stations of rng and hasher, as far as they tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stations {
    /// rng's.
    pub rng: Option<Station>,
    /// hasher's.
    pub hasher: Option<Station>,
}

/// What a replica says of its station.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Station {
    /// Requests at a time; `None` for any number.
    pub concurrency: Option<u32>,
    /// What it is set to work on a request, on average, in milliseconds; `None` where it does not say.
    #[serde(default)]
    pub service_time_ms: Option<f64>,
}
