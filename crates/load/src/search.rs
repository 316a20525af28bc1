//! Finds the highest rate that still meets an SLO: doubles until it is missed, then halves the
//! interval, and repeats at the knee. Each step is a short open-loop run.

use serde::Serialize;

use crate::plan::Plan;
use crate::run::{self, Live, Measured, RunError};
use crate::slo::{Judged, Slo, Verdict};
use crate::summary::Summary;
use crate::words;

/// The search begins at this share of what a closed loop reached.
const FIRST: f64 = 0.25;
/// The interval between good and bad is narrowed to this share of the good rate.
const NARROW: f64 = 0.05;
/// Most steps.
const MOST_STEPS: usize = 24;
/// Good rates must hold so often.
const REPEATS: usize = 2;
/// A step that was missed while the generator was at its limit is tried so often: it may have been
/// the machine, for a moment.
const TRIES: usize = 3;
/// The rate must be held to this share.
const ACHIEVED: f64 = 0.99;

/// A step of a search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The rate that was asked for.
    pub target_per_second: f64,
    /// The share of it that was reached.
    pub achieved: Option<f64>,
    /// Median latency.
    pub p50_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// Share of requests that failed.
    pub errors: f64,
    /// Whether the rate was good.
    pub met: bool,
    /// Why not, or `met`.
    pub verdict: String,
    /// Whether the generator itself was the limit: it worked all the time, or was late.
    pub generator_was_the_limit: bool,
    /// Whether there were too few requests to tell.
    pub undecided: bool,
}

/// What a search comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Search {
    /// `load`.
    pub command: String,
    /// See [`crate::summary::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// All steps, in their order.
    pub steps: Vec<Step>,
    /// The highest rate that was good each time.
    pub met_per_second: Option<f64>,
    /// The lowest that was not.
    pub missed_per_second: Option<f64>,
    /// Whether the generator ended the search, so that the server may bear more.
    pub generator_was_the_limit: bool,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// All of it in a sentence.
    pub conclusion: String,
}

/// Where the search is. Pure: it is told what became of a rate, and says which is next.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bracket {
    /// The first rate.
    first: f64,
    /// The highest good rate, and how often it was.
    met: Option<(f64, usize)>,
    missed: Option<f64>,
}

impl Bracket {
    fn from(first: f64) -> Self {
        Self { first, met: None, missed: None }
    }

    /// The rate to try next; `None` at the end.
    fn next(&self) -> Option<f64> {
        match (self.met, self.missed) {
            (None, None) => Some(self.first),
            (Some((met, _)), None) => Some(met * 2.0),
            (None, Some(missed)) if missed <= 1.0 => None,
            (None, Some(missed)) => Some(missed / 4.0),
            (Some((met, _)), Some(missed)) if missed - met > met * NARROW => {
                Some(rounded(f64::midpoint(met, missed)))
            }
            // At the knee one good step may have been luck.
            (Some((met, times)), Some(_)) if times < REPEATS => Some(met),
            _ => None,
        }
    }

    fn learn(&mut self, rate: f64, met: bool) {
        if met {
            let again = self.met.filter(|(known, _)| same(*known, rate));
            self.met = Some((rate, again.map_or(1, |(_, times)| times + 1)));
        } else {
            self.missed = Some(rate);
            // A rate that was good once and then not is not good; somewhat below may be.
            if self.met.is_some_and(|(known, _)| known >= rate) {
                self.met = None;
            }
        }
    }
}

fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6 * one.max(other)
}

/// A rate with three digits, which can be typed again.
fn rounded(rate: f64) -> f64 {
    let unit = 10_f64.powf(rate.log10().floor() - 2.0).max(0.01);
    (rate / unit).round() * unit
}

/// What a rate must keep to be good.
#[derive(Clone, Copy, Debug)]
pub struct Goal<'a> {
    /// The terms.
    pub slo: &'a Slo,
    /// Share of requests that may fail.
    pub most_errors: f64,
}

/// Searches with steps of `plan`, until the end or until `stop`. `watch` sees each run go on,
/// `stepped` each step that is done.
///
/// # Errors
/// When nothing could connect, or it was stopped before the first request.
pub async fn search(
    plan: &Plan,
    goal: Goal<'_>,
    stop: impl Future<Output = ()>,
    watch: &mut impl FnMut(&Live<'_>),
    stepped: &mut impl FnMut(&Step),
) -> Result<Search, RunError> {
    let mut stop = std::pin::pin!(stop);
    let mut steps = Vec::new();
    let mut interrupted = false;
    let sounding = plan.sounding();
    let sounded = run::run(&sounding, &mut stop, watch).await?;
    if sounded.stopped {
        return Ok(concluded(steps, Bracket::from(1.0), true));
    }
    let reached = Summary::new(&sounding, &sounded).requests_per_second;
    let mut bracket = Bracket::from(rounded((reached * FIRST).max(1.0)));
    let mut tries = 0;
    while let Some(rate) = bracket.next().filter(|_| steps.len() < MOST_STEPS) {
        let at_rate = plan.at_rate(rate, goal.slo.needed());
        let taken = match run::run(&at_rate, &mut stop, watch).await {
            Ok(measured) if !measured.stopped => judged(rate, &at_rate, &measured, goal),
            Ok(_) | Err(RunError::Stopped) => {
                interrupted = true;
                break;
            }
            // A server that broke down under the last step is a result.
            Err(error) => broken(rate, &error),
        };
        stepped(&taken);
        let doubted = taken.generator_was_the_limit && !taken.met;
        tries = if doubted { tries + 1 } else { 0 };
        if !doubted || tries >= TRIES {
            bracket.learn(rate, taken.met);
        }
        let over = taken.undecided || tries >= TRIES;
        steps.push(taken);
        if over {
            break;
        }
    }
    Ok(concluded(steps, bracket, interrupted))
}

/// What a step's run comes to.
fn judged(rate: f64, plan: &Plan, measured: &Measured, goal: Goal<'_>) -> Step {
    let summary = Summary::new(plan, measured);
    let judged = Judged {
        latency: &measured.recording.latency,
        errors: summary.errors,
        rate: summary.good_per_second,
    };
    step(rate, &summary, &goal.slo.judge(&judged), goal.most_errors)
}

/// What became of a rate.
fn step(rate: f64, summary: &Summary, verdicts: &[Verdict], most_errors: f64) -> Step {
    let missed: Vec<_> = verdicts
        .iter()
        .filter(|verdict| verdict.met != Some(true))
        .map(|verdict| format!("{}: {}", verdict.term, verdict.measured))
        .collect();
    let behind = summary.achieved.filter(|achieved| *achieved < ACHIEVED);
    let verdict = match (missed.is_empty(), behind) {
        // A server that only refuses may be very fast at it.
        (true, _) if summary.good == 0 => "no good answer".to_owned(),
        (true, _) if summary.errors > most_errors => {
            format!("{} of all requests failed", words::percent(summary.errors))
        }
        (true, None) => "met".to_owned(),
        (true, Some(achieved)) => format!("only {} of the rate", words::percent(achieved)),
        (false, _) => missed.join(", "),
    };
    let limit = summary.generator_was_the_limit() || summary.generator_was_late();
    Step {
        target_per_second: rate,
        achieved: summary.achieved,
        p50_ms: summary.latency.p50_ms,
        p99_ms: summary.latency.p99_ms,
        errors: summary.errors,
        met: verdict == "met",
        undecided: undecided(verdicts),
        verdict: match limit && verdict != "met" {
            true => format!("{verdict} (the generator, not the server)"),
            false => verdict,
        },
        generator_was_the_limit: limit,
    }
}

/// Whether nothing was missed, but not everything can be told.
fn undecided(verdicts: &[Verdict]) -> bool {
    let missed = verdicts.iter().any(|verdict| verdict.met == Some(false));
    !missed && verdicts.iter().any(|verdict| verdict.met.is_none())
}

fn broken(rate: f64, error: &RunError) -> Step {
    Step {
        target_per_second: rate,
        achieved: None,
        p50_ms: None,
        p99_ms: None,
        errors: 1.0,
        met: false,
        verdict: error.to_string(),
        generator_was_the_limit: false,
        undecided: false,
    }
}

fn concluded(steps: Vec<Step>, bracket: Bracket, interrupted: bool) -> Search {
    let limited = steps.last().is_some_and(|step| step.generator_was_the_limit && !step.met);
    let met = bracket.met.map(|(rate, _)| rate);
    let rate = |rate: f64| format!("{}/s", words::rate(rate));
    let conclusion = match (met, bracket.missed) {
        _ if interrupted => match met {
            Some(met) => format!("Stopped early. {} was good so far.", rate(met)),
            None => "Stopped early; no rate was good so far.".to_owned(),
        },
        _ if steps.last().is_some_and(|step| step.undecided) => {
            "A step had too few requests to tell: give it a longer --duration, or ask for a lower percentile.".to_owned()
        }
        (Some(met), _) if limited => format!(
            "At least {}: beyond it the generator, not the server, was the limit; give it more --threads or a core of its own.",
            rate(met)
        ),
        (_, _) if limited => {
            "The generator, not the server, was the limit; nothing follows for the server.".to_owned()
        }
        (Some(met), Some(missed)) => format!(
            "The highest rate that meets it lies between {} (met {} times) and {} (missed).",
            rate(met),
            bracket.met.map_or(1, |(_, times)| times),
            rate(missed)
        ),
        (Some(met), None) => format!("{} is still met; the search ended there.", rate(met)),
        (None, _) => "No rate met it, not even the lowest that was tried.".to_owned(),
    };
    Search {
        command: "load".to_owned(),
        schema_version: crate::summary::SCHEMA_VERSION,
        steps,
        met_per_second: met,
        missed_per_second: bracket.missed,
        generator_was_the_limit: limited,
        interrupted,
        conclusion,
    }
}

impl Search {
    /// Whether no rate was shown to be missed: the generator was the limit, or a step had too few
    /// requests to tell.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.generator_was_the_limit || self.steps.last().is_none_or(|step| step.undecided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All rates that are tried with a server that is good up to `capacity`.
    fn tried(capacity: f64) -> (Vec<f64>, Bracket) {
        let mut bracket = Bracket::from(64.0);
        let mut rates = Vec::new();
        while let Some(rate) = bracket.next() {
            assert!(rates.len() < MOST_STEPS, "{rates:?}");
            bracket.learn(rate, rate <= capacity);
            rates.push(rate);
        }
        (rates, bracket)
    }

    #[test]
    fn the_knee_is_bracketed_and_repeated() {
        for capacity in [3.0, 20.0, 64.0, 900.0, 12_345.0, 80_000.0] {
            let (rates, bracket) = tried(capacity);
            let (met, times) = bracket.met.unwrap();
            let missed = bracket.missed.unwrap();
            assert!(met <= capacity && missed > capacity, "{capacity}: {rates:?}");
            assert!(missed - met <= met * NARROW && times == REPEATS, "{capacity}: {rates:?}");
        }
        let (rates, bracket) = tried(0.0);
        assert!(bracket.met.is_none() && rates.len() < 6, "{rates:?}");
    }

    #[test]
    fn a_good_rate_that_fails_when_repeated_is_not_good() {
        let mut bracket =
            Bracket { met: Some((100.0, 1)), missed: Some(104.0), ..Bracket::from(50.0) };
        assert_eq!(bracket.next(), Some(100.0));
        bracket.learn(100.0, false);
        assert_eq!((bracket.met, bracket.missed), (None, Some(100.0)));
        assert_eq!(bracket.next(), Some(25.0));
        bracket.learn(25.0, true);
        assert!(bracket.next().is_some_and(|rate| rate > 25.0 && rate < 100.0));
    }

    #[test]
    fn rates_can_be_typed_again() {
        for (rate, expected) in [(12_345.6, 12_300.0), (96.04, 96.0), (4.321, 4.32)] {
            assert!((rounded(rate) - expected).abs() < 1e-9, "{rate}");
        }
    }
}
