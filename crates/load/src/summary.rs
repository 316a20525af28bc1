//! What a run comes to: the recording as numbers with units in their names, with the doubts that
//! belong to them. Pure. This is also the shape of the JSON, and what `bench compare` reads.

mod doubts;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::distribution::{Distribution, PERCENTILES};
use crate::numbers::{float, milliseconds, share};
use crate::plan::Plan;
use crate::recording::Recording;
use crate::run::Measured;
use crate::schedule::{Arrival, Spacing};

/// Version of [`Summary`] as JSON; fields are added within a version, never renamed.
pub const SCHEMA_VERSION: u32 = 1;

/// What a run comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// See [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// `load`.
    pub command: String,
    /// When the window opened, RFC 3339.
    pub started: String,
    /// What was asked for: method and URL.
    pub targets: Vec<String>,
    /// How requests arrived: `closed`, `even` or `poisson`.
    pub arrival: String,
    /// Length of the window.
    pub window_s: f64,
    /// Length of the warm-up before it.
    pub warmup_s: f64,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// Answers to requests that were due in the window.
    pub requests: u64,
    /// Of those, good ones.
    #[serde(default)]
    pub good: u64,
    /// Requests that were due in the window.
    pub scheduled: u64,
    /// Of those, sent, or tried.
    pub sent: u64,
    /// Of those, still without an answer when the run was stopped.
    pub unfinished: u64,
    /// Requests that brought no answer.
    pub failed: u64,
    /// Share of requests that failed or whose answer was not good.
    pub errors: f64,
    /// Answers that came within the window, a second.
    pub requests_per_second: f64,
    /// Of those, good ones.
    pub good_per_second: f64,
    /// Requests due a second, on average over the window; none in a closed loop.
    pub target_per_second: Option<f64>,
    /// `requests_per_second` as a share of `target_per_second`.
    pub achieved: Option<f64>,
    /// Requests sent late because no connection was free when they were due.
    pub waited_for_connection: u64,
    /// From due to done: answers, timeouts, requests never sent, and unfinished ones that had taken
    /// longer than the median.
    pub latency: Times,
    /// From sent to done: answers.
    pub service_time: Times,
    /// From due (or a connection free) to sent: the generator's own part.
    pub lateness: Times,
    /// From due to the failure: failures but timeouts.
    pub failure_time: Times,
    /// Answers by status code.
    pub statuses: BTreeMap<String, u64>,
    /// Failures by kind.
    pub failures: BTreeMap<String, Failures>,
    /// Bytes.
    pub bytes: Bytes,
    /// Connections.
    pub connections: Connections,
    /// The generator itself.
    pub generator: Generator,
    /// Why the numbers may not be what they seem.
    pub warnings: Vec<String>,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// The first one in words.
    pub first: String,
}

/// Lengths of time. A percentile with too few values beyond it is not told.
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

/// The generator itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Threads that sent.
    pub threads: u64,
    /// Share of the time for which the busiest of them worked.
    pub busiest: f64,
}

impl Times {
    /// The percentiles of a distribution, without its histogram.
    #[must_use]
    pub fn of(values: &Distribution) -> Self {
        let told = PERCENTILES.map(|(_, quantile)| values.told(quantile).map(milliseconds));
        Self {
            count: values.count(),
            min_ms: values.min().map(milliseconds),
            mean_ms: values.mean().map(|mean| mean / 1e6),
            stdev_ms: values.deviation().map(|deviation| deviation / 1e6),
            p50_ms: told[0],
            p75_ms: told[1],
            p90_ms: told[2],
            p95_ms: told[3],
            p99_ms: told[4],
            p99_9_ms: told[5],
            p99_99_ms: told[6],
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

impl Summary {
    /// What `measured` comes to, as `plan` wanted it.
    #[must_use]
    pub fn new(plan: &Plan, measured: &Measured) -> Self {
        let recording = &measured.recording;
        let counts = &recording.counts;
        let window_s = measured.window.as_secs_f64();
        let a_second = |count: u64| if window_s > 0.0 { float(count) / window_s } else { 0.0 };
        let requests = recording.statuses.total();
        let failed = recording.failed_requests();
        let scheduled = counts.sent + counts.unsent;
        let open = plan.arrival != Arrival::Closed;
        let target_per_second = open.then(|| a_second(scheduled));
        let requests_per_second = a_second(counts.answers_in_window);
        let mut summary = Self {
            schema_version: SCHEMA_VERSION,
            command: "load".to_owned(),
            started: measured.started.to_string(),
            targets: plan.targets.iter().map(target).collect(),
            arrival: arrival(&plan.arrival).to_owned(),
            window_s,
            warmup_s: plan.limits.warmup.as_secs_f64(),
            interrupted: measured.stopped,
            requests,
            good: counts.good,
            scheduled,
            sent: counts.sent,
            unfinished: recording.unfinished.count(),
            failed,
            errors: share(
                requests - counts.good + failed + counts.unsent,
                requests + failed + counts.unsent,
            ),
            requests_per_second,
            good_per_second: a_second(counts.good_in_window),
            target_per_second,
            achieved: target_per_second
                .filter(|target| *target > 0.0)
                .map(|target| requests_per_second / target),
            waited_for_connection: counts.waited,
            latency: Times::whole(&recording.latency),
            service_time: Times::whole(&recording.service),
            lateness: Times::of(&recording.lateness),
            failure_time: Times::of(&recording.failed),
            statuses: statuses(recording),
            failures: failures(recording),
            bytes: Bytes {
                sent: counts.bytes_sent,
                received: counts.bytes_received,
                received_per_second: a_second(counts.bytes_received),
            },
            connections: connections(plan, recording),
            generator: Generator { threads: plan.threads as u64, busiest: measured.busiest },
            warnings: Vec::new(),
        };
        summary.warnings = doubts::doubts(&summary, measured);
        summary
    }

    /// Whether arrivals were a closed loop.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.arrival == "closed"
    }

    /// Whether the generator itself was what limited, so that nothing follows for the server.
    #[must_use]
    pub fn generator_was_the_limit(&self) -> bool {
        doubts::is_busy(self)
    }

    /// Whether the generator sent so late that its latencies say little of the server.
    #[must_use]
    pub fn generator_was_late(&self) -> bool {
        doubts::late(self).is_some()
    }
}

fn arrival(arrival: &Arrival) -> &'static str {
    match arrival {
        Arrival::Closed => "closed",
        Arrival::Open { spacing: Spacing::Even, .. } => "even",
        Arrival::Open { spacing: Spacing::Poisson { .. }, .. } => "poisson",
    }
}

fn target(target: &crate::plan::Target) -> String {
    let method = target.variants.first().map_or_else(String::new, |one| one.method.to_string());
    let weight = if target.weight > 1 { format!("{} ", target.weight) } else { String::new() };
    format!("{weight}{method} {}", target.url)
}

fn statuses(recording: &Recording) -> BTreeMap<String, u64> {
    let sorted = recording.statuses.sorted().into_iter();
    sorted.map(|(status, count)| (status.to_string(), count)).collect()
}

fn failures(recording: &Recording) -> BTreeMap<String, Failures> {
    let failures = recording.failures.iter().filter(|(_, count, _)| *count > 0);
    failures
        .map(|(kind, count, first)| {
            let failures = Failures { count: *count, first: first.to_string() };
            (kind.name().to_owned(), failures)
        })
        .collect()
}

fn connections(plan: &Plan, recording: &Recording) -> Connections {
    let counts = &recording.counts;
    let [resolve, connect, tls] = [0, 1, 2].map(|part| Times::of(&recording.dialled[part]));
    Connections {
        wanted: plan.connections as u64,
        streams: plan.streams as u64,
        made: counts.connects,
        reconnects: counts.reconnects,
        failed: counts.connect_failures,
        repeated: counts.repeated,
        excess: counts.excess,
        resolve,
        connect,
        tls,
    }
}

#[cfg(test)]
pub(crate) mod tests;
