//! What the simulator predicts, with its spread over seeds: throughput, the difference between two
//! configurations, and elasticities. Two configurations are compared seed by seed, which meet the same
//! draws, so that their difference is known better than either.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF as _, StudentsT};

use crate::critical_path::CriticalPath;
use crate::elasticities::Elasticities;
use crate::impossible::Impossible;
use crate::network::Seconds;
use crate::numbers::length;
use crate::scenario::Scenario;
use crate::simulation::Window;

/// The share of a distribution that lies below the upper end of a 95 % interval.
const UPPER: f64 = 0.975;

/// How much to simulate for one prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Loops of a run, about, but ten of each worker at least; fewer where policies cost throughput.
    pub loops: NonZeroU32,
    /// Runs with a seed each, 2 at least.
    pub runs: NonZeroU32,
    /// The first seed; the others follow it.
    pub seed: u64,
}

impl Default for Effort {
    /// 20 runs of 5,000 loops, some hundredths of a second.
    fn default() -> Self {
        let some = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self { loops: some(5000), runs: some(20), seed: 1 }
    }
}

impl Effort {
    fn seeds(self) -> impl Iterator<Item = u64> {
        (0..u64::from(self.runs.get().max(2))).map(move |run| self.seed.wrapping_add(run))
    }

    /// The window of a run: as long as its loops take at the bound, after a tenth of that or the time
    /// of ten loops of each worker.
    pub(crate) fn window(self, scenario: &Scenario) -> Result<Window, Impossible> {
        let workers = scenario.workers();
        let bound = scenario.network().bounds(workers).throughput();
        let ten_each = 10.0 * f64::from(workers.get());
        let loops = f64::from(self.loops.get()).max(ten_each);
        let warm_up = (loops / 10.0).max(ten_each);
        Window::new(Seconds::new(warm_up / bound)?, Seconds::new(loops / bound)?)
    }
}

/// A mean over runs, and how much runs differ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Mean over runs.
    pub mean: f64,
    /// Standard deviation between runs.
    pub deviation: f64,
    /// Runs, at least 2.
    pub runs: u32,
}

impl Estimate {
    /// Of two values at least.
    pub(crate) fn of(values: &[f64]) -> Self {
        let runs = length(values.len());
        let mean = values.iter().sum::<f64>() / runs;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (squares / (runs - 1.0)).sqrt();
        Self { mean, deviation, runs: crate::numbers::count(values.len()) }
    }

    /// Of the differences seed by seed.
    pub(crate) fn of_differences(before: &[f64], after: &[f64]) -> Self {
        let pairs = before.iter().zip(after);
        Self::of(&pairs.map(|(before, after)| after - before).collect::<Vec<_>>())
    }

    /// Half the width of the 95 % interval of the mean: what more runs would narrow.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.quantile() * self.deviation / f64::from(self.runs).sqrt()
    }

    /// The 95 % interval in which one more run lies, if runs are about normal: what a measurement of
    /// that length is to be held against.
    #[must_use]
    pub fn single_run(&self) -> (f64, f64) {
        let half = self.quantile() * self.deviation * (1.0 + 1.0 / f64::from(self.runs)).sqrt();
        (self.mean - half, self.mean + half)
    }

    fn quantile(&self) -> f64 {
        let freedom = f64::from(self.runs) - 1.0;
        StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(UPPER))
    }
}

/// Elasticities as the simulator has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedElasticities {
    /// Means over runs.
    pub values: Elasticities,
    /// Half the widths of their 95 % intervals.
    pub errors: Elasticities,
}

impl Scenario {
    /// Throughput in loops per second.
    ///
    /// # Errors
    /// When the loops of a run would take more than a year.
    pub fn predict(&self, effort: Effort) -> Result<Estimate, Impossible> {
        Ok(Estimate::of(&self.throughputs(effort)?))
    }

    /// Throughput in windows that are given; how many loops `effort` asks for does not matter.
    #[must_use]
    pub fn predict_over(&self, window: Window, effort: Effort) -> Estimate {
        Estimate::of(&self.runs(window, effort))
    }

    /// How much more throughput `other` has, in loops per second.
    ///
    /// # Errors
    /// When the loops of a run would take more than a year.
    pub fn predict_gain(&self, other: &Self, effort: Effort) -> Result<Estimate, Impossible> {
        let (before, after) = (self.throughputs(effort)?, other.throughputs(effort)?);
        Ok(Estimate::of_differences(&before, &after))
    }

    /// How much throughput depends on each time, by the critical path of each run: the values add up to
    /// 1. At a knee, where the slopes to both sides differ, runs have one or the other.
    ///
    /// # Errors
    /// When the loops of a run would take more than a year, or none is completed.
    pub fn elasticities(&self, effort: Effort) -> Result<SimulatedElasticities, Impossible> {
        let window = effort.window(self)?;
        let run = |seed| {
            let (workers, stages) = (self.workers().get(), self.stages().len());
            let mut path = CriticalPath::new(workers, stages, window.begin());
            let _ = self.simulate_observed(window, seed, &mut path);
            path.elasticities().ok_or(Impossible::EmptyWindow)
        };
        let runs = effort.seeds().map(run).collect::<Result<Vec<_>, _>>()?;
        let of = |part: &dyn Fn(&Elasticities) -> f64| {
            Estimate::of(&runs.iter().map(part).collect::<Vec<_>>())
        };
        let think = of(&|run| run.think);
        let stations: Vec<_> =
            (0..self.stages().len()).map(|stage| of(&|run| run.stations[stage])).collect();
        let each = |what: fn(&Estimate) -> f64| Elasticities {
            think: what(&think),
            stations: stations.iter().map(what).collect(),
        };
        Ok(SimulatedElasticities { values: each(|e| e.mean), errors: each(Estimate::error) })
    }

    /// Throughput of each run in windows of their own length. A large app is simulated as a small one.
    pub(crate) fn throughputs(&self, effort: Effort) -> Result<Vec<f64>, Impossible> {
        let reduced = self.reduced()?;
        let runs = reduced.scenario.runs(effort.window(&reduced.scenario)?, effort);
        Ok(runs.into_iter().map(|throughput| reduced.enlarged(throughput)).collect())
    }

    /// Throughput of each run.
    fn runs(&self, window: Window, effort: Effort) -> Vec<f64> {
        effort.seeds().map(|seed| self.simulate(window, seed).throughput).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Policy;
    use crate::testing::nominal;

    #[test]
    fn an_estimate_and_its_intervals() {
        let estimate = Estimate::of(&[9.0, 10.0, 11.0, 10.0]);
        assert!((estimate.mean - 10.0).abs() < 1e-12);
        assert!((estimate.deviation - (2.0f64 / 3.0).sqrt()).abs() < 1e-12);
        // t for 3 degrees of freedom is 3.182446.
        assert!((estimate.error() - 3.182_446 * estimate.deviation / 2.0).abs() < 1e-5);
        let (low, high) = estimate.single_run();
        assert!((high - low - 2.0 * 3.182_446 * estimate.deviation * 1.25f64.sqrt()).abs() < 1e-4);
    }

    #[test]
    fn a_difference_is_known_better_than_its_sides() {
        let effort = Effort::default();
        let (four, five) = (nominal(10, 4, Policy::Random), nominal(10, 5, Policy::Random));
        let gain = four.predict_gain(&five, effort).unwrap();
        let sides = [&four, &five].map(|scenario| scenario.predict(effort).unwrap());
        assert!((gain.mean - (sides[1].mean - sides[0].mean)).abs() < 1e-9);
        assert!(gain.mean > 5.0 * gain.error(), "{gain:?}");
        let apart = sides[0].deviation.hypot(sides[1].deviation);
        assert!(gain.deviation < apart, "{} is not below {apart}", gain.deviation);
    }

    #[test]
    fn elasticities_of_the_nominal_app() {
        let of = |workers, rng| {
            nominal(workers, rng, Policy::SharedRoundRobin).elasticities(Effort::default()).unwrap()
        };
        let alone = of(1, 1).values;
        for value in [alone.think, alone.stations[0], alone.stations[1]] {
            assert!((value - 1.0 / 3.0).abs() < 1e-9, "{alone:?}");
        }
        let ten = of(10, 1).values;
        assert!((ten.stations[0] - 1.0).abs() < 1e-9 && ten.think.abs() < 1e-9, "{ten:?}");
        let five = of(10, 5).values;
        assert!((five.stations[0] - 1.0 / 3.0).abs() < 0.01, "{five:?}");
    }
}
