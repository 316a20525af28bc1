//! What a run comes to: the recording as numbers with units in their names, with the doubts that
//! belong to them. Pure. This is also the shape of the JSON, and what `bench compare` reads.

mod doubts;
mod figures;
mod sentences;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::numbers::{float, share};
use crate::parts::Part;
use crate::plan::{Asked, Plan};
use crate::recording::Recording;
use crate::run::Measured;
use crate::schedule::{Arrival, Spacing};
pub use doubts::{Cause, Doubt};
pub use figures::{Bytes, Connections, Failures, Generator, SentLate, Times, Wakeups};

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
    /// What was asked of an open loop, as it was typed.
    #[serde(default)]
    pub asked: Option<Asked>,
    /// The rate that was asked for, of one that changes its average; none in a closed loop.
    pub target_per_second: Option<f64>,
    /// Which share of the requests due was answered as fast as was asked: of a run of a fixed
    /// length, by its end.
    pub achieved: Option<f64>,
    /// Requests sent late because all connections were waiting for responses.
    pub waited_for_connection: u64,
    /// Requests sent late, by why they were.
    #[serde(default)]
    pub sent_late: SentLate,
    /// Whether the generator itself was held up or at its limit, so that latencies and service
    /// times contain its own delays.
    #[serde(default)]
    pub latency_doubtful: bool,
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
    /// Ten to twenty equal parts of the window, in order; none of a run that is too short.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Why the numbers may not be what they seem.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
    /// The same in words.
    pub warnings: Vec<String>,
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
            asked: plan.asked.clone(),
            target_per_second: target_per_second(plan, measured),
            achieved: achieved(plan, measured),
            waited_for_connection: counts.late.waited,
            sent_late: SentLate::of(counts.late),
            latency_doubtful: false,
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
            generator: Generator::of(plan, &measured.generator),
            parts: measured.parts.clone(),
            doubts: Vec::new(),
            warnings: Vec::new(),
        };
        summary.doubts = doubts::doubts(&summary, measured);
        summary.latency_doubtful = summary.generator_was_the_limit();
        summary.warnings = summary.doubts.iter().map(sentences::sentence).collect();
        summary
    }

    /// Requests that failed, were never sent or had a response that was not good; and all that were due.
    #[must_use]
    pub fn outcomes(&self) -> (u64, u64) {
        let all = self.requests + self.failed + self.scheduled.saturating_sub(self.sent);
        (all.saturating_sub(self.good), all)
    }

    /// Whether arrivals were a closed loop.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.arrival == "closed"
    }

    /// Whether the generator itself was held up or at its limit, so that nothing follows for the
    /// server.
    #[must_use]
    pub fn generator_was_the_limit(&self) -> bool {
        self.doubts.iter().any(Doubt::is_of_the_generator)
    }

    /// Whether the generator sent so late that its latencies say little of the server.
    #[must_use]
    pub fn generator_was_late(&self) -> bool {
        self.doubts.iter().any(|doubt| matches!(doubt, Doubt::Late { .. }))
    }
}

/// The rate that was asked for while requests were due.
fn target_per_second(plan: &Plan, measured: &Measured) -> Option<f64> {
    let Arrival::Open { profile, .. } = &plan.arrival else { return None };
    let opens = plan.limits.warmup;
    Some(profile.average(opens, opens + measured.due_span))
}

/// How much of what was due was answered in time. A window that was longer than requests were due
/// in it, since their number and not its length ended the run, is a rate that was not reached.
fn achieved(plan: &Plan, measured: &Measured) -> Option<f64> {
    let counts = &measured.recording.counts;
    let scheduled = counts.sent + counts.unsent;
    if plan.arrival == Arrival::Closed || scheduled == 0 {
        return None;
    }
    let (due, window) = (measured.due_span.as_secs_f64(), measured.window.as_secs_f64());
    let in_time = if due < window { due / window } else { 1.0 };
    Some(share(counts.answers_in_window, scheduled) * in_time)
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
