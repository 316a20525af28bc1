//! Whether a clock was set during a window. Rates are hashes by the clocks of webui and of the workers: one
//! that is set by an hour makes any rate of them.
//!
//! Webui's clock is compared with the monotonic clock of the machine that measures: their difference may
//! change by as long as a response was waited for, and by [`DRIFT`]. A worker's is compared with webui's: a
//! report is read up to some seconds after it was made, and never before.

use std::collections::BTreeMap;

use load::numbers::float;
use observation::Observation;
use serde::{Deserialize, Serialize};

use crate::measure::{ClockReading, Samples};

/// Clocks run apart by up to this share of the time between; a clock that is corrected slowly (slewed) runs
/// by at most as much too fast or too slow.
const DRIFT: f64 = 1e-3;
/// A smaller step changes no rate of ten seconds and more by a hundredth, in seconds.
const SMALLEST_S: f64 = 0.1;
/// How much longer the way of a worker's report may take than that of another, in seconds, beside twice the
/// time from one report to the next: it is read once a second.
const REPORTED_S: f64 = 2.5;

/// No report of a live worker is later than that, in seconds.
const LATE_S: f64 = 60.0;
/// And none stays for longer than that once its worker is gone.
const LONG_THERE_S: f64 = 900.0;

/// Whose clock it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Clock {
    /// Webui's.
    Webui,
    /// A worker's.
    Worker {
        /// Its id.
        id: String,
    },
    /// That of the machine that measures: no rate is made by it.
    Bench,
}

/// A clock that was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClockStep {
    /// Whose.
    pub clock: Clock,
    /// By how many seconds, about; below 0 where it was set back.
    pub seconds: f64,
}

impl ClockStep {
    /// Whether rates are made by this clock.
    #[must_use]
    pub fn spoils_rates(&self) -> bool {
        self.clock != Clock::Bench
    }

    /// In a clause.
    #[must_use]
    pub fn words(&self) -> String {
        let whose = match &self.clock {
            Clock::Webui => "webui's clock".to_owned(),
            Clock::Worker { id } => format!("the clock of worker {id}"),
            Clock::Bench => "the clock of this machine".to_owned(),
        };
        let by = match self.seconds.abs() {
            by if by >= 120.0 => format!("{:.0} min", by / 60.0),
            by => format!("{by:.1} s"),
        };
        let way = if self.seconds < 0.0 { "back" } else { "forward" };
        format!("{whose} was set {way} by {by} during the window")
    }
}

/// Clocks that were set during the window, each once, by its largest step.
pub(super) fn steps(samples: &Samples) -> Vec<ClockStep> {
    let readings = &samples.clocks;
    let of =
        |clock, offsets: &[Offset]| largest(offsets).map(|seconds| ClockStep { clock, seconds });
    let webui: Vec<Offset> = readings.iter().map(of_webui).collect();
    let own: Vec<Offset> = readings.iter().filter_map(of_bench).collect();
    let mut steps: Vec<ClockStep> = of(Clock::Webui, &webui)
        .or_else(|| of(Clock::Webui, &of_ends(samples)))
        .into_iter()
        .chain(of(Clock::Bench, &own))
        .collect();
    // Without webui's clock there is nothing to compare theirs with.
    if !steps.iter().any(ClockStep::spoils_rates) {
        steps.extend(workers(samples).into_iter().filter_map(|(id, sights)| {
            let seconds = worker_step(&sights)?;
            Some(ClockStep { clock: Clock::Worker { id: id.to_owned() }, seconds })
        }));
    }
    steps
}

/// How far a clock is ahead of another, in seconds.
#[derive(Clone, Copy, Debug)]
struct Offset {
    /// When, by the other.
    at: f64,
    /// At least.
    low: f64,
    /// At most.
    high: f64,
}

fn of_webui(reading: &ClockReading) -> Offset {
    let at = float(reading.elapsed_us) / 1e6;
    let low = float(reading.webui_us) / 1e6 - at;
    Offset { at, low, high: low + float(reading.waited_us) / 1e6 }
}

fn of_bench(reading: &ClockReading) -> Option<Offset> {
    let at = float(reading.elapsed_us) / 1e6;
    let low = float(reading.own_us?) / 1e6 - at;
    Some(Offset { at, low, high: low })
}

/// The reports at both ends beside the readings next to them: they are read within seconds of each other.
fn of_ends(samples: &Samples) -> Vec<Offset> {
    let (Some(first), Some(last)) = (samples.clocks.first(), samples.clocks.last()) else {
        return Vec::new();
    };
    // A whole report may be waited for as long as webui may be silent.
    let loose =
        |offset: Offset| Offset { low: offset.low - 60.0, high: offset.high + 60.0, ..offset };
    let end = |reading: &ClockReading, seen: &Observation| {
        let at = float(reading.elapsed_us) / 1e6;
        let low = float(seen.now_us) / 1e6 - at;
        loose(Offset { at, low, high: low })
    };
    vec![end(first, &samples.first), of_webui(first), of_webui(last), end(last, &samples.last)]
}

/// The largest step that readings of a clock cannot do without.
fn largest(offsets: &[Offset]) -> Option<f64> {
    let mut largest: Option<f64> = None;
    let mut note = |before: &Offset, after: &Offset| {
        let drift = DRIFT * (after.at - before.at).abs();
        let (up, down) = (after.low - before.high - drift, before.low - after.high - drift);
        let step = if up > 0.0 { up } else { -down.max(0.0) };
        let apart = f64::midpoint(after.low, after.high) - f64::midpoint(before.low, before.high);
        if step.abs() > SMALLEST_S && largest.is_none_or(|other| apart.abs() > other.abs()) {
            largest = Some(apart);
        }
    };
    for pair in offsets.windows(2) {
        note(&pair[0], &pair[1]);
    }
    // Several small ones beside the first reading.
    if let [first, .., last] = offsets {
        note(first, last);
    }
    largest
}

/// When a worker's report was first read, by webui's clock, and when it was made, by the worker's.
type Sight = (f64, f64);

/// Each worker's reports in the order in which they were read.
fn workers(samples: &Samples) -> BTreeMap<&str, Vec<Sight>> {
    let mut sights: BTreeMap<&str, Vec<Sight>> = BTreeMap::new();
    let mut see = |id, now_us: u64, at_us: u64| {
        let of = sights.entry(id).or_default();
        let made = float(at_us) / 1e6;
        if of.last().is_none_or(|(_, last)| (last - made).abs() > 0.0) {
            of.push((float(now_us) / 1e6, made));
        }
    };
    for report in &samples.first.workers {
        see(&report.id, samples.first.now_us, report.at_us);
    }
    for (moment, counts) in samples.moments.iter().zip(&samples.workers) {
        for (id, count) in counts {
            see(id, moment.now_us, count.at_us);
        }
    }
    for report in &samples.last.workers {
        see(&report.id, samples.last.now_us, report.at_us);
    }
    sights
}

/// By how much a worker's clock was set. What was made later is not dated earlier. What is dated later than
/// everything before, by the time at which it was read, was either late before or is dated by a clock that
/// was set: lateness ends when the report is of now, and does not last for ever.
fn worker_step(sights: &[Sight]) -> Option<f64> {
    let mut largest: Option<f64> = None;
    let mut note = |seconds: f64| {
        if largest.is_none_or(|other| seconds.abs() > other.abs()) {
            largest = Some(seconds);
        }
    };
    let (seen, made) = sights.first()?;
    let mut ahead = made - seen;
    let mut between: Vec<f64> =
        sights.windows(2).map(|pair| (pair[1].1 - pair[0].1).abs()).collect();
    let reported = REPORTED_S + 2.0 * load::numbers::median(&mut between)?;
    // What was there when reading began may be of a worker that hung.
    let mut latest = LONG_THERE_S;
    for pair in sights.windows(2) {
        let ((_, made_before), (seen, made)) = (pair[0], pair[1]);
        if made_before - made > SMALLEST_S {
            note(made - made_before);
        }
        let offset = made - seen;
        let more = offset - ahead;
        if more > reported && (offset > reported || more > latest) {
            note(more);
        }
        (ahead, latest) = (ahead.max(offset), LATE_S);
    }
    largest
}

#[cfg(test)]
mod tests;
