//! Why a run's numbers may not be what they seem. Each doubt is a sentence that says what to do.

use super::Summary;
use crate::numbers::share;
use crate::run::Measured;
use crate::words;

/// A thread that works for more than this share of the time is what limits.
const BUSY: f64 = 0.9;
/// Lateness at the median must be below this share of the median latency.
const LATE_MEDIAN: f64 = 0.2;
/// Lateness at p99 must be below this share of the median latency.
const LATE_TAIL: f64 = 0.5;
/// Lateness below this is not worth a word.
const LATE_MS: f64 = 0.2;
/// Less than this share of the rate that was asked for is told.
const ACHIEVED: f64 = 0.999;
/// More repeated requests than this share are told.
const REPEATED: f64 = 0.01;

/// Whether the generator worked all the time.
pub(super) fn is_busy(summary: &Summary) -> bool {
    summary.generator.busiest > BUSY
}

/// All doubts of a run.
pub(super) fn doubts(summary: &Summary, measured: &Measured) -> Vec<String> {
    let doubts = [
        closed(summary),
        busy(summary),
        late(summary),
        behind(summary),
        unsent(summary),
        unfinished(summary),
        unconnected(summary, measured),
        clamped(summary),
        repeated(summary),
        excess(summary),
    ];
    doubts.into_iter().flatten().collect()
}

fn closed(summary: &Summary) -> Option<String> {
    (summary.is_closed() && summary.requests > 0).then(|| {
        "closed loop: while the server is slow less is sent, so latency leaves out what would have \
         waited; --rate measures that"
            .to_owned()
    })
}

fn busy(summary: &Summary) -> Option<String> {
    is_busy(summary).then(|| {
        format!(
            "the generator was the limit: a thread worked {} of the time; more --threads (now {}) on \
             free cores",
            words::percent(summary.generator.busiest),
            summary.generator.threads
        )
    })
}

pub(super) fn late(summary: &Summary) -> Option<String> {
    let (late, latency) = (&summary.lateness, &summary.latency);
    let (late50, late99, median) = (late.p50_ms?, late.p99_ms?, latency.p50_ms?);
    let open = !summary.is_closed();
    let is_late = (late50 > median * LATE_MEDIAN && late50 > LATE_MS)
        || (late99 > median * LATE_TAIL && late99 > LATE_MS);
    (open && is_late).then(|| {
        format!(
            "the generator itself was late by {} (p50) and {} (p99), beside a median latency of {}: \
             draw no conclusion from differences of that size",
            words::nanoseconds(late50 * 1e6),
            words::nanoseconds(late99 * 1e6),
            words::nanoseconds(median * 1e6)
        )
    })
}

fn behind(summary: &Summary) -> Option<String> {
    let achieved = summary.achieved.filter(|achieved| *achieved < ACHIEVED)?;
    if summary.interrupted || summary.scheduled == 0 {
        return None;
    }
    // Those that were under way when the window closed.
    let under_way = share(summary.connections.wanted, summary.scheduled);
    (1.0 - achieved > under_way).then(|| {
        format!(
            "{} of the rate was achieved; {} requests were sent late because all {} connections were \
             waiting for answers",
            words::percent(achieved),
            words::count(summary.waited_for_connection),
            summary.connections.wanted
        )
    })
}

fn unsent(summary: &Summary) -> Option<String> {
    let unsent = summary.scheduled - summary.sent;
    (unsent > 0).then(|| {
        format!(
            "{} of {} requests were never sent; they count in the latency with the time they had \
             waited by the end, so the true one is longer",
            words::count(unsent),
            words::count(summary.scheduled)
        )
    })
}

fn unfinished(summary: &Summary) -> Option<String> {
    (summary.unfinished > 0).then(|| {
        format!(
            "{} had no answer when the run was stopped; the latency has those that had taken longer \
             than the median by then, with that time, so the true one is longer",
            words::counted(summary.unfinished, "request")
        )
    })
}

fn unconnected(summary: &Summary, measured: &Measured) -> Option<String> {
    let wanted = summary.connections.wanted * summary.connections.streams;
    let missing = wanted.saturating_sub(measured.connected as u64);
    let why = measured.unconnected.as_ref()?;
    (missing > 0).then(|| {
        format!(
            "{} of {wanted} connections could not be made at first: {why}",
            words::count(missing)
        )
    })
}

fn clamped(summary: &Summary) -> Option<String> {
    let clamped = summary.latency.clamped;
    (clamped > 0).then(|| {
        format!(
            "{} took more than an hour and count as an hour",
            words::counted(clamped, "request")
        )
    })
}

fn repeated(summary: &Summary) -> Option<String> {
    let repeated = summary.connections.repeated;
    (share(repeated, summary.sent) > REPEATED).then(|| {
        format!(
            "{} were sent twice, since the server had closed the kept connection: what it did with \
             the first is not known",
            words::counted(repeated, "request")
        )
    })
}

fn excess(summary: &Summary) -> Option<String> {
    let excess = summary.connections.excess;
    (excess > 0).then(|| {
        format!(
            "{} followed by bytes that belong to no response, such as a body after HEAD or 204: they \
             are good, but their connections were closed",
            match excess {
                1 => "1 response was".to_owned(),
                several => format!("{} responses were", words::count(several)),
            }
        )
    })
}
