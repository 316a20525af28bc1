//! The figures of a summary, as they are in JSON: numbers with units in their names. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::distribution::{Distribution, PERCENTILES};
use crate::generator::Gaps;
use crate::numbers::milliseconds;
use crate::plan::Plan;
use crate::recording::Late;

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// The first one in words.
    pub first: String,
}

/// Lengths of time. A percentile with too few values beyond it is missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// How many values.
    pub count: u64,
    /// The shortest.
    pub min_ms: Option<f64>,
    /// The mean.
    pub mean_ms: Option<f64>,
    /// Standard deviation.
    pub stdev_ms: Option<f64>,
    /// Median.
    pub p50_ms: Option<f64>,
    /// 75th percentile.
    pub p75_ms: Option<f64>,
    /// 90th percentile.
    pub p90_ms: Option<f64>,
    /// 95th percentile.
    pub p95_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// 99.9th percentile.
    pub p99_9_ms: Option<f64>,
    /// 99.99th percentile.
    pub p99_99_ms: Option<f64>,
    /// The longest.
    pub max_ms: Option<f64>,
    /// Values over an hour, which count as an hour.
    pub clamped: u64,
    /// All values in nanoseconds: HdrHistogram V2, deflated, in base64.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub histogram: String,
}

/// Bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bytes {
    /// Of requests.
    pub sent: u64,
    /// Of answers, heads among them.
    pub received: u64,
    /// The latter a second.
    pub received_per_second: f64,
}

/// Connections.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Connections {
    /// Asked for, to each server.
    pub wanted: u64,
    /// Requests side by side on each.
    pub streams: u64,
    /// Made.
    pub made: u64,
    /// Of those, in the place of an earlier one.
    pub reconnects: u64,
    /// That could not be made.
    pub failed: u64,
    /// Requests sent once more since the server had closed the kept connection.
    pub repeated: u64,
    /// Responses that were followed by bytes that belong to none, which ended their connections.
    #[serde(default)]
    pub excess: u64,
    /// Looking up the name.
    pub resolve: Times,
    /// Making the connection.
    pub connect: Times,
    /// Agreeing on TLS.
    pub tls: Times,
}

/// Requests that were sent late because no connection was free when they were due, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentLate {
    /// All connections were waiting for responses.
    pub connections_busy: u64,
    /// No connection could be made.
    pub no_connection: u64,
    /// The generator itself could not run.
    pub generator_held_up: u64,
}

/// The generator itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Threads that sent.
    pub threads: u64,
    /// How much the generator used of what it may use, from 0 to 1: its busiest thread of one
    /// processor, or all its threads of `processors`, whichever is more.
    pub busiest: f64,
    /// Processors that the process may use: by its affinity, or its quota where that is less.
    #[serde(default)]
    pub processors: f64,
    /// Of these, used by the threads that sent.
    #[serde(default)]
    pub processors_used: f64,
    /// Periods in which the quota of its control group was used up; none without a quota.
    #[serde(default)]
    pub throttled_times: Option<u64>,
    /// How long it was throttled in them, summed over processors.
    #[serde(default)]
    pub throttled_ms: Option<f64>,
    /// How long the thread that was held up most was ready to run and waited for a processor, being
    /// throttled included; none where the kernel does not count it.
    #[serde(default)]
    pub waited_for_processor_ms: Option<f64>,
    /// How many times it waited so.
    #[serde(default)]
    pub waits_for_processor: Option<u64>,
    /// Wake-ups of that thread that came late.
    #[serde(default)]
    pub late_wakeups: Wakeups,
    /// Of those, the ones in which it neither ran nor waited for a processor: it was stopped.
    #[serde(default)]
    pub stopped: Wakeups,
}

/// Wake-ups that came late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wakeups {
    /// How many.
    pub times: u64,
    /// By how much altogether.
    pub time_ms: f64,
    /// By how much at most.
    pub longest_ms: f64,
}

impl Times {
    /// The percentiles of a distribution, without its histogram.
    #[must_use]
    pub fn of(values: &Distribution) -> Self {
        let percentiles = PERCENTILES.map(|(_, quantile)| values.told(quantile).map(milliseconds));
        Self {
            count: values.count(),
            min_ms: values.min().map(milliseconds),
            mean_ms: values.mean().map(|mean| mean / 1e6),
            stdev_ms: values.deviation().map(|deviation| deviation / 1e6),
            p50_ms: percentiles[0],
            p75_ms: percentiles[1],
            p90_ms: percentiles[2],
            p95_ms: percentiles[3],
            p99_ms: percentiles[4],
            p99_9_ms: percentiles[5],
            p99_99_ms: percentiles[6],
            max_ms: values.max().map(milliseconds),
            clamped: values.clamped(),
            histogram: String::new(),
        }
    }

    /// The same with its histogram.
    #[must_use]
    pub fn whole(values: &Distribution) -> Self {
        Self { histogram: values.blob(), ..Self::of(values) }
    }

    /// The percentiles in the order of [`PERCENTILES`].
    #[must_use]
    pub fn percentiles(&self) -> [Option<f64>; 7] {
        [
            self.p50_ms,
            self.p75_ms,
            self.p90_ms,
            self.p95_ms,
            self.p99_ms,
            self.p99_9_ms,
            self.p99_99_ms,
        ]
    }
}

impl SentLate {
    pub(super) fn of(late: Late) -> Self {
        Self {
            connections_busy: late.waited,
            no_connection: late.unconnected,
            generator_held_up: late.held_up,
        }
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.connections_busy + self.no_connection + self.generator_held_up
    }
}

impl Wakeups {
    fn of(gaps: Gaps) -> Self {
        Self { times: gaps.times, time_ms: ms(gaps.total), longest_ms: ms(gaps.longest) }
    }
}

impl Generator {
    pub(super) fn of(plan: &Plan, measured: &crate::generator::Generator) -> Self {
        let wall = measured.wall.as_secs_f64();
        let held_up = &measured.held_up;
        Self {
            threads: plan.threads as u64,
            busiest: measured.use_of_allowed(),
            processors: measured.processors,
            processors_used: if wall > 0.0 { measured.worked.as_secs_f64() / wall } else { 0.0 },
            throttled_times: measured.throttled.map(|throttled| throttled.times),
            throttled_ms: measured.throttled.map(|throttled| ms(throttled.time)),
            waited_for_processor_ms: held_up.waited.map(|waits| ms(waits.time)),
            waits_for_processor: held_up.waited.map(|waits| waits.times),
            late_wakeups: Wakeups::of(held_up.late),
            stopped: Wakeups::of(held_up.stopped),
        }
    }
}

fn ms(length: Duration) -> f64 {
    length.as_secs_f64() * 1e3
}
