//! What several runs of the same replicas, each with a restart before it, say together. Pure.

use inference::Refusal;
use inference::repetitions::{FEWEST_RUNS, Nested, advice};
use load::numbers::float;
use serde::{Deserialize, Serialize};

use super::Interval;
use super::rate::{loop_of_silent, polled, readings};
use super::series::{SPACING_S, throughput};
use crate::cluster::Replicas;
use crate::measure::Samples;

/// Parts of a run whose scatter is held against that between runs.
const PARTS: usize = 10;
/// No more runs are advised than this.
const MOST_RUNS: usize = 10;

/// Several runs of the same replicas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RepetitionFindings {
    /// Which.
    pub replicas: Replicas,
    /// Runs, with a restart of all replicas before each but the first.
    pub runs: usize,
    /// The mean over runs, with the interval that the scatter between them gives.
    pub hashes_per_second: Interval,
    /// Standard deviation of what a restart itself adds, in hashes per second; 0 where nothing can
    /// be seen of it.
    pub between_runs: f64,
    /// Standard deviation between the ten parts of a run, likewise.
    pub within_runs: f64,
}

/// A run as it counts here.
#[derive(Clone, Debug, PartialEq)]
pub struct Repetition {
    /// Rates of equal parts of its window.
    values: Vec<f64>,
}

impl Repetition {
    /// A measured run, by what its workers tell; by the counter where they tell nothing.
    ///
    /// # Errors
    /// When it is too short to be cut into parts.
    pub fn of(samples: &Samples) -> Result<Self, Refusal> {
        let rates = match throughput(&samples.workers, &samples.counter) {
            Some(rates) => rates.values,
            None => by_counter(samples)?,
        };
        let length = rates.len() / PARTS;
        if length == 0 {
            let what = "half seconds that all workers tell of".to_owned();
            return Err(Refusal::TooFew { what, got: rates.len(), needed: PARTS });
        }
        let parts = rates[rates.len() - length * PARTS..].chunks_exact(length);
        let mean = |part: &[f64]| part.iter().sum::<f64>() / float(part.len() as u64);
        Ok(Self { values: parts.map(mean).collect() })
    }
}

/// Hashes per second over time of an app that tells nothing but its counter.
fn by_counter(samples: &Samples) -> Result<Vec<f64>, Refusal> {
    let readings = readings(&samples.counter);
    let loop_s = loop_of_silent(&samples.counter, samples.replicas.worker);
    polled(&readings, loop_s, &[]).per_step(SPACING_S)
}

/// How many runs there should be in all, for a mean that is known to `precision` of itself.
///
/// # Errors
/// When the runs say nothing of it; in words.
pub fn runs_wanted(runs: &[Repetition], precision: f64) -> Result<usize, Refusal> {
    if runs.len() < FEWEST_RUNS {
        return Ok(FEWEST_RUNS);
    }
    let values: Vec<&[f64]> = runs.iter().map(|run| run.values.as_slice()).collect();
    Ok(advice(&values, precision, MOST_RUNS)?.runs)
}

/// What the runs of these replicas say together.
///
/// # Errors
/// When they are fewer than two, or differ in shape.
pub fn repetitions(replicas: Replicas, runs: &[Repetition]) -> Result<RepetitionFindings, Refusal> {
    let values: Vec<f64> = runs.iter().flat_map(|run| run.values.iter().copied()).collect();
    let levels = Nested { values: &values, shape: &[PARTS, runs.len()] }.levels()?;
    let inference::Interval { value, low, high } = levels.interval();
    let deviation = |level: usize| levels.variances.get(level).map_or(0.0, |v| v.max(0.0).sqrt());
    Ok(RepetitionFindings {
        replicas,
        runs: runs.len(),
        hashes_per_second: Interval { value, low, high },
        between_runs: deviation(1),
        within_runs: deviation(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::tests::ideal;

    fn run(rates: [f64; 2]) -> Repetition {
        let values = rates.into_iter().cycle().take(PARTS).collect();
        Repetition { values }
    }

    #[test]
    fn a_run_is_ten_parts_of_its_window() {
        let run = Repetition::of(&ideal(10, 5)).unwrap();
        assert_eq!(run.values.len(), PARTS);
        assert!(run.values.iter().all(|rate| (rate - 33.33).abs() < 1.0), "{:?}", run.values);
        let mut silent = ideal(10, 5);
        silent.workers.clear();
        let by_counter = Repetition::of(&silent).unwrap();
        assert_eq!(by_counter.values.len(), PARTS);
        assert!(by_counter.values.iter().all(|rate| (rate - 33.33).abs() < 1.0), "{by_counter:?}");
        silent.counter.truncate(60);
        let refusal = Repetition::of(&silent).unwrap_err();
        assert!(refusal.to_string().contains("too short"), "{refusal}");
    }

    #[test]
    fn what_a_restart_adds_is_told_from_what_scatters_within_a_run() {
        let replicas = Replicas::default();
        let same = [run([9.9, 10.1]), run([9.9, 10.1]), run([9.9, 10.1])];
        let found = repetitions(replicas, &same).unwrap();
        assert!(found.between_runs < 1e-9 && found.within_runs > 0.05, "{found:?}");
        let apart = [run([9.0, 9.0]), run([10.0, 10.0]), run([11.0, 11.0])];
        let found = repetitions(replicas, &apart).unwrap();
        assert!((found.between_runs - 1.0).abs() < 1e-9 && found.within_runs < 1e-9, "{found:?}");
        assert!((found.hashes_per_second.value - 10.0).abs() < 1e-9);
        // t for 2 degrees of freedom is 4.303.
        assert!((found.hashes_per_second.high - 10.0 - 4.303 / 3_f64.sqrt()).abs() < 1e-3);
        assert!(repetitions(replicas, &apart[..1]).is_err());
    }

    #[test]
    fn runs_that_differ_want_more_runs() {
        let precise = |runs: &[Repetition]| runs_wanted(runs, 0.01).unwrap();
        assert_eq!(precise(&[run([10.0, 10.0])]), FEWEST_RUNS);
        let same = [run([9.9, 10.1]), run([9.9, 10.1]), run([9.9, 10.1])];
        assert_eq!(precise(&same), FEWEST_RUNS);
        let apart = [run([9.9, 10.0]), run([10.1, 10.2]), run([10.2, 10.1])];
        assert!(precise(&apart) > FEWEST_RUNS);
    }
}
