//! Why a run's numbers may not be what they seem: each cause by itself, as figures. What they are
//! in words is in `sentences`.

use serde::{Deserialize, Serialize};

use super::Summary;
use crate::numbers::share;
use crate::plan::Asked;
use crate::run::Measured;

/// A generator that uses more than this share of the processor time it may use is what limits.
const BUSY: f64 = 0.9;
/// Lateness at the median must be below this share of the median latency.
const LATE_MEDIAN: f64 = 0.2;
/// Lateness at p99 must be below this share of the median latency.
const LATE_TAIL: f64 = 0.5;
/// Lateness below this is not worth a word.
const LATE_MS: f64 = 0.2;
/// Throttled for more than this share of the run, the generator was held up.
const THROTTLED: f64 = 0.01;
/// Waiting for a processor for more than this share of the run, it was held up.
const WAITED: f64 = 0.1;
/// Waits that are on average shorter than this share of the median latency change it little.
const LONG_WAIT: f64 = 0.05;
/// More requests than this share sent late by the generator are a backlog of its own.
const OWN_BACKLOG: f64 = 0.05;
/// A late wake-up below this share of the median latency is not worth a word.
const LONG_WAKEUP: f64 = 0.2;
/// So it was when wake-ups that were late by tens of milliseconds make up this share of the run.
const LATE_WAKEUPS: f64 = 0.02;
/// A rate of which less than this share was achieved is always worth a warning.
const SHORT: f64 = 0.95;
/// So is one of which less than this share was, unless as much as the connections hold was still
/// under way at the end.
const A_LITTLE_SHORT: f64 = 0.999;
/// More repeated requests than this share are reported.
const REPEATED: f64 = 0.01;

/// A reason to doubt a run's numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are counts, and times and shares by their names")]
pub enum Doubt {
    /// A closed loop sends less while the server is slow.
    ClosedLoop,
    /// The quota of the generator's control group, or of one above, was used up.
    Throttled { times: u64, time_ms: f64, processors: f64 },
    /// The generator neither ran nor waited for a processor: it was stopped.
    Stopped { times: u64, time_ms: f64, longest_ms: f64 },
    /// The generator was ready to run and waited for a processor; `share` is of the run, and the
    /// longest wait is 0 where it is not known. A quota that is hidden from bench may be the reason.
    WaitedForProcessor { time_ms: f64, share: f64, longest_ms: f64, quota_hidden: bool },
    /// The generator woke late, and the kernel does not say why.
    LateWakeups { times: u64, time_ms: f64, longest_ms: f64 },
    /// The generator was at its limit: its busiest thread used this share of one processor, or all
    /// its threads this share of the processors that it may use.
    Busy {
        share: f64,
        processors: f64,
        threads: u64,
        #[serde(default)]
        one_thread: bool,
    },
    /// The generator sent late, beside the latency that it measured.
    Late { p50_ms: f64, p99_ms: f64, latency_p50_ms: f64 },
    /// Less than the rate that was asked for was achieved.
    Shortfall { achieved: f64, target_per_second: f64, causes: Vec<Cause> },
    /// At a rate that did not change latency grew all the time: the server does less than it was
    /// asked for.
    Overloaded { growth_ms_per_s: f64, completed_per_second: f64 },
    /// Requests that were due were never sent.
    NeverSent { requests: u64, scheduled: u64 },
    /// Requests were under way when the run was stopped.
    Unfinished { requests: u64 },
    /// Connections could not be made before the run began.
    NotConnected { connections: u64, wanted: u64, first: String },
    /// Latencies over an hour count as an hour.
    OverAnHour { requests: u64 },
    /// Requests were sent once more on a new connection.
    Repeated { requests: u64 },
    /// Whole responses were followed by bytes that belong to none, which ended their connections.
    Excess { responses: u64 },
}

/// Why a rate was not achieved: each request is counted under one cause only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are counts by their names")]
pub enum Cause {
    /// Sent late because all connections were waiting for responses.
    ConnectionsBusy { requests: u64, connections: u64 },
    /// Sent late, or failed, because no connection could be made; the first reason in words.
    NoConnection { requests: u64, first: Option<String> },
    /// Sent late because the generator itself could not run.
    GeneratorHeldUp { requests: u64 },
    /// Sent in time, and failed otherwise.
    Failed { requests: u64 },
    /// Sent in time and answered after the end of the window.
    AnsweredLater { requests: u64 },
}

impl Doubt {
    /// Whether it is that the generator was held up or at its limit.
    #[must_use]
    pub fn is_of_the_generator(&self) -> bool {
        matches!(self, Self::Busy { .. }) || self.is_hold_up()
    }

    /// Whether it is that the generator could not run when it had to.
    #[must_use]
    pub fn is_hold_up(&self) -> bool {
        matches!(
            self,
            Self::Throttled { .. }
                | Self::Stopped { .. }
                | Self::WaitedForProcessor { .. }
                | Self::LateWakeups { .. }
        )
    }
}

/// All doubts of a run.
pub(super) fn doubts(summary: &Summary, measured: &Measured) -> Vec<Doubt> {
    let closed = (summary.is_closed() && summary.requests > 0).then_some(Doubt::ClosedLoop);
    let doubts = [
        throttled(summary, measured),
        stopped(summary),
        waited(summary, measured),
        busy(summary, measured),
        late(summary),
        shortfall(summary, measured),
        overloaded(summary, measured),
        closed,
        never_sent(summary),
        (summary.unfinished > 0).then_some(Doubt::Unfinished { requests: summary.unfinished }),
        not_connected(summary, measured),
        over_an_hour(summary),
        repeated(summary),
        excess(summary),
    ];
    doubts.into_iter().flatten().collect()
}

fn throttled(summary: &Summary, measured: &Measured) -> Option<Doubt> {
    let generator = &summary.generator;
    let (times, time_ms) = generator.throttled_times.zip(generator.throttled_ms)?;
    let is_much = time_ms > THROTTLED * measured.generator.wall.as_secs_f64() * 1e3;
    let processors = generator.processors;
    (times > 0 && is_much).then_some(Doubt::Throttled { times, time_ms, processors })
}

fn stopped(summary: &Summary) -> Option<Doubt> {
    let stopped = &summary.generator.stopped;
    (stopped.times > 0).then_some(Doubt::Stopped {
        times: stopped.times,
        time_ms: stopped.time_ms,
        longest_ms: stopped.longest_ms,
    })
}

/// Waits for a processor that neither a quota nor a stop explains, where they are not short beside
/// the latencies.
fn waited(summary: &Summary, measured: &Measured) -> Option<Doubt> {
    let generator = &summary.generator;
    let wall_ms = measured.generator.wall.as_secs_f64() * 1e3;
    let throttled_ms = generator.throttled_ms.unwrap_or(0.0);
    let late = generator.late_wakeups;
    let unexplained = late.time_ms - generator.stopped.time_ms - throttled_ms;
    let median = summary.latency.p50_ms.unwrap_or(0.0);
    let woke_late = unexplained > LATE_WAKEUPS * wall_ms && late.longest_ms > LONG_WAKEUP * median;
    let Some(waited) = measured.generator.held_up.waited else {
        return woke_late.then_some(Doubt::LateWakeups {
            times: late.times,
            time_ms: late.time_ms,
            longest_ms: late.longest_ms,
        });
    };
    let time_ms = waited.time.as_secs_f64() * 1e3 - throttled_ms;
    let share = if wall_ms > 0.0 { time_ms / wall_ms } else { 0.0 };
    // A backlog of its own makes latencies long, and waits short beside them.
    let own =
        crate::numbers::share(summary.sent_late.generator_held_up, summary.scheduled) > OWN_BACKLOG;
    let long = own || waited.mean().as_secs_f64() * 1e3 > LONG_WAIT * median;
    let quota_hidden = measured.generator.throttled.is_none();
    let is_stop = generator.stopped.times > 0;
    let longest_ms = if is_stop { 0.0 } else { late.longest_ms };
    ((share > WAITED && long) || (share > LATE_WAKEUPS && woke_late))
        .then_some(Doubt::WaitedForProcessor { time_ms, share, longest_ms, quota_hidden })
}

fn busy(summary: &Summary, measured: &Measured) -> Option<Doubt> {
    let generator = &summary.generator;
    let (thread, all) = (measured.generator.use_of_thread(), measured.generator.use_of_all());
    (generator.busiest > BUSY).then_some(Doubt::Busy {
        share: generator.busiest,
        processors: generator.processors,
        threads: generator.threads,
        // One thread is all threads where no more than its processor may be used.
        one_thread: thread > all,
    })
}

fn late(summary: &Summary) -> Option<Doubt> {
    let (late, latency) = (&summary.lateness, &summary.latency);
    let (p50_ms, p99_ms, median) = (late.p50_ms?, late.p99_ms?, latency.p50_ms?);
    let is_late = (p50_ms > median * LATE_MEDIAN && p50_ms > LATE_MS)
        || (p99_ms > median * LATE_TAIL && p99_ms > LATE_MS);
    let doubt = Doubt::Late { p50_ms, p99_ms, latency_p50_ms: median };
    (!summary.is_closed() && is_late).then_some(doubt)
}

fn shortfall(summary: &Summary, measured: &Measured) -> Option<Doubt> {
    let (achieved, target) = summary.achieved.zip(summary.target_per_second)?;
    // Those that were under way when the window closed.
    let under_way = share(summary.connections.wanted, summary.scheduled);
    let a_little = achieved < A_LITTLE_SHORT && 1.0 - achieved > under_way && !summary.interrupted;
    (achieved < SHORT || a_little).then(|| Doubt::Shortfall {
        achieved,
        target_per_second: target,
        causes: causes(summary, measured),
    })
}

/// A generator that has no time left would show the same.
fn overloaded(summary: &Summary, measured: &Measured) -> Option<Doubt> {
    let constant = matches!(summary.asked, Some(Asked::Rate(_)));
    let trend = measured.trend.filter(|trend| constant && trend.is_growth())?;
    (measured.generator.occupied() < BUSY && busy(summary, measured).is_none()).then_some(
        Doubt::Overloaded {
            growth_ms_per_s: trend.slope * 1e3,
            completed_per_second: summary.requests_per_second,
        },
    )
}

/// What kept requests from being answered in time. Each request is counted once.
fn causes(summary: &Summary, measured: &Measured) -> Vec<Cause> {
    let (late, in_time) = (summary.sent_late, measured.recording.counts.in_time);
    let unconnected = late.no_connection + in_time.unconnected;
    let first = measured.recording.unconnected.as_ref().map(ToString::to_string);
    let connections = summary.connections.wanted * summary.connections.streams;
    let causes = [
        (
            late.connections_busy,
            Cause::ConnectionsBusy { requests: late.connections_busy, connections },
        ),
        (unconnected, Cause::NoConnection { requests: unconnected, first }),
        (late.generator_held_up, Cause::GeneratorHeldUp { requests: late.generator_held_up }),
        (in_time.failed, Cause::Failed { requests: in_time.failed }),
        (in_time.answered_later, Cause::AnsweredLater { requests: in_time.answered_later }),
    ];
    causes.into_iter().filter(|(requests, _)| *requests > 0).map(|(_, cause)| cause).collect()
}

fn never_sent(summary: &Summary) -> Option<Doubt> {
    let requests = summary.scheduled - summary.sent;
    let scheduled = summary.scheduled;
    (requests > 0).then_some(Doubt::NeverSent { requests, scheduled })
}

fn not_connected(summary: &Summary, measured: &Measured) -> Option<Doubt> {
    let wanted = summary.connections.wanted * summary.connections.streams;
    let connections = wanted.saturating_sub(measured.connected as u64);
    let first = measured.unconnected.as_ref()?.to_string();
    (connections > 0).then_some(Doubt::NotConnected { connections, wanted, first })
}

fn over_an_hour(summary: &Summary) -> Option<Doubt> {
    let requests = summary.latency.clamped;
    (requests > 0).then_some(Doubt::OverAnHour { requests })
}

fn repeated(summary: &Summary) -> Option<Doubt> {
    let requests = summary.connections.repeated;
    (share(requests, summary.sent) > REPEATED).then_some(Doubt::Repeated { requests })
}

fn excess(summary: &Summary) -> Option<Doubt> {
    let responses = summary.connections.excess;
    (responses > 0).then_some(Doubt::Excess { responses })
}
