//! A step of a search: what became of one rate, and whether the server sustains it. Pure.

use serde::Serialize;

use super::Goal;
use super::bracket::Trial;
use crate::numbers::float;
use crate::plan::Plan;
use crate::run::{Measured, RunError, Trend};
use crate::slo::{Judged, Verdict};
use crate::summary::{Doubt, Summary};
use crate::words;

/// The rate must be held to this share.
const ACHIEVED: f64 = 0.99;
/// As many requests more or fewer may be under way at the end of a step as at its beginning.
const UNDER_WAY: f64 = 2.0;
/// A generator that worked or was held up for more than this share of a step could do no more.
const OCCUPIED: f64 = 0.9;
/// Late requests are the generator's where not this many times as many are the server's.
const FAR_MORE: u64 = 10;

/// A step of a search.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the JSON")]
pub struct Step {
    /// The rate that was asked for.
    pub target_per_second: f64,
    /// Length of its window.
    pub window_s: f64,
    /// Whether it is a longer run that confirms what an earlier step found.
    pub confirming: bool,
    /// The share of the rate that was reached.
    pub achieved: Option<f64>,
    /// Median latency.
    pub p50_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// By how much the latency grew, in milliseconds a second; none where too little is known.
    pub growth_ms_per_s: Option<f64>,
    /// Share of requests that failed.
    pub errors: f64,
    /// Whether the rate was good.
    pub met: bool,
    /// What became of it.
    pub outcome: Outcome,
    /// The same in words.
    pub verdict: String,
    /// Whether the generator itself was the limit: it was held up, worked all the time, or was late.
    pub generator_was_the_limit: bool,
    /// Whether there were too few requests to decide.
    pub undecided: bool,
    /// Whether the server may be gone: nothing was good, or connections could not be made.
    #[serde(skip)]
    pub(super) may_be_gone: bool,
}

/// What became of a rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are shares, rates and times by their names")]
pub enum Outcome {
    /// All terms hold, and the server keeps up.
    Met,
    /// Terms that do not hold or cannot be decided.
    Terms { missed: Vec<Verdict> },
    /// No response was good.
    NothingGood,
    /// More requests failed than may.
    Failed { errors: f64 },
    /// Fewer requests were done than were due.
    Behind { achieved: f64, completed_per_second: f64 },
    /// Latency grew all the time: the queue would never end.
    Growing { ms_per_s: f64 },
    /// The run did not take place, in words.
    NotRun { why: String },
}

impl Step {
    /// What the run of a step comes to.
    pub(super) fn new(trial: Trial, plan: &Plan, measured: &Measured, goal: Goal<'_>) -> Self {
        let summary = Summary::new(plan, measured);
        let judged = Judged {
            latency: &measured.recording.latency,
            errors: summary.errors,
            rate: summary.good_per_second,
            // A step that the generator may have spoilt is tried again.
            doubtful: false,
        };
        let verdicts = goal.slo.judge(&judged);
        let untold = undecided(&verdicts);
        let outcome = outcome(&summary, verdicts, measured, goal.most_errors);
        // Where it was missed otherwise, it is missed.
        let undecided = untold && matches!(outcome, Outcome::Terms { .. });
        let limit = generator_was_the_limit(&summary, measured, &outcome);
        Self {
            target_per_second: trial.rate,
            window_s: summary.window_s,
            confirming: trial.confirming,
            achieved: summary.achieved,
            p50_ms: summary.latency.p50_ms,
            p99_ms: summary.latency.p99_ms,
            growth_ms_per_s: measured.trend.map(|trend| trend.slope * 1e3),
            errors: summary.errors,
            met: outcome == Outcome::Met,
            verdict: outcome.words(limit),
            may_be_gone: summary.good == 0 || summary.connections.failed > 0,
            outcome,
            generator_was_the_limit: limit,
            undecided,
        }
    }

    /// A step whose run did not take place.
    pub(super) fn broken(trial: Trial, error: &RunError) -> Self {
        let outcome = Outcome::NotRun { why: error.to_string() };
        Self {
            target_per_second: trial.rate,
            window_s: 0.0,
            confirming: trial.confirming,
            achieved: None,
            p50_ms: None,
            p99_ms: None,
            growth_ms_per_s: None,
            errors: 1.0,
            met: false,
            verdict: outcome.words(false),
            outcome,
            generator_was_the_limit: false,
            undecided: false,
            may_be_gone: true,
        }
    }
}

impl Outcome {
    fn words(&self, generator: bool) -> String {
        let words = match self {
            Self::Met => return "met".to_owned(),
            Self::Terms { missed } => {
                let missed = missed.iter().map(|one| format!("{}: {}", one.term, one.measured));
                missed.collect::<Vec<_>>().join(", ")
            }
            Self::NothingGood => "no good response".to_owned(),
            Self::Failed { errors } => {
                format!("{} of all requests failed", words::percent(*errors))
            }
            Self::Behind { achieved, .. } => {
                format!("only {} of the rate", words::percent(*achieved))
            }
            Self::Growing { ms_per_s } => {
                format!("not sustained: latency +{}/s", words::nanoseconds(ms_per_s * 1e6))
            }
            Self::NotRun { why } => why.clone(),
        };
        if generator { format!("{words} (the generator, not the server)") } else { words }
    }
}

/// What became of a rate.
fn outcome(
    summary: &Summary,
    verdicts: Vec<Verdict>,
    measured: &Measured,
    most_errors: f64,
) -> Outcome {
    let missed: Vec<_> = verdicts.into_iter().filter(|verdict| verdict.met != Some(true)).collect();
    // A server that only refuses may be very fast at it.
    if summary.good == 0 {
        return Outcome::NothingGood;
    }
    let achieved = summary.achieved.unwrap_or(1.0);
    let missing = (1.0 - achieved) * float(summary.scheduled);
    if achieved < ACHIEVED && missing > UNDER_WAY {
        let completed_per_second = summary.requests_per_second;
        return Outcome::Behind { achieved, completed_per_second };
    }
    if !missed.is_empty() {
        return Outcome::Terms { missed };
    }
    if summary.errors > most_errors {
        return Outcome::Failed { errors: summary.errors };
    }
    match measured.trend.filter(Trend::is_growth) {
        Some(trend) => Outcome::Growing { ms_per_s: trend.slope * 1e3 },
        None => Outcome::Met,
    }
}

/// Whether nothing was missed, but not every term can be decided.
fn undecided(verdicts: &[Verdict]) -> bool {
    let missed = verdicts.iter().any(|verdict| verdict.met == Some(false));
    !missed && verdicts.iter().any(|verdict| verdict.met.is_none())
}

/// Whether the generator spoilt a step. It did not keep a server from its rate unless it had no time
/// left; it adds to latencies much sooner.
fn generator_was_the_limit(summary: &Summary, measured: &Measured, outcome: &Outcome) -> bool {
    let busy = summary.doubts.iter().any(|doubt| matches!(doubt, Doubt::Busy { .. }));
    match outcome {
        Outcome::Behind { .. } | Outcome::Growing { .. } => {
            busy || measured.generator.occupied() > OCCUPIED
        }
        Outcome::Met | Outcome::Terms { .. } => {
            let late = &summary.sent_late;
            let overloaded = late.connections_busy > FAR_MORE * late.generator_held_up
                && late.connections_busy > summary.scheduled / FAR_MORE;
            (summary.generator_was_the_limit() || summary.generator_was_late()) && !overloaded
        }
        Outcome::NothingGood | Outcome::Failed { .. } | Outcome::NotRun { .. } => busy,
    }
}
