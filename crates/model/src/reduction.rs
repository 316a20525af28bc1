//! Large apps as small ones. Simulating a loop of each of 100,000 workers takes minutes and shows no more
//! than one of each of 500: with workers, replicas and throughput all divided by the same number, what
//! a worker meets stays the same, but for chance that is larger among fewer (a mean-field limit). So
//! what is larger than [`MOST_WORKERS`] is simulated as a small app whose throughput is multiplied.
//!
//! Both reach the same share of their bounds to within three per cent; where several bounds are alike, chance
//! costs more among 500 workers than among thousands.
//!
//! Two things are exact at any size and need no reduction: no app does more than its bounds, and workers far
//! beyond the knee only wait.

use std::num::NonZeroU32;

use crate::deployment::Deployment;
use crate::impossible::Impossible;
use crate::numbers::whole;
use crate::scenario::{Policy, Replica, Scenario, Stage};

/// Apps of up to this number of workers are simulated as they are.
pub(crate) const MOST_WORKERS: u32 = 500;
/// Workers beyond the knee for each place of the station that limits: with m places and W workers a
/// balanced network idles for (m - 1) / (W + m - 1) of the time, a thousandth then.
const WAITING_FOR_EACH_PLACE: f64 = 1000.0;
/// Pairs of a worker and a replica that a policy may have to keep count of.
const MOST_PAIRS: f64 = 1e6;
/// Replicas that a reduced stage keeps at least, where it has that many: fewer are rounded too much, and
/// their places are reduced in their stead.
const FEWEST_REPLICAS: f64 = 4.0;

/// An app to simulate in the place of a larger one.
#[derive(Clone, Debug)]
pub(crate) struct Reduced {
    /// What is simulated.
    pub(crate) scenario: Scenario,
    /// The bound of the large app by that of the small one; 1 where nothing is divided.
    factor: f64,
}

impl Reduced {
    /// The throughput of the large app, by that of the small one: both reach the same share of their
    /// bounds. That is less sensitive to numbers that were rounded than the throughput itself.
    pub(crate) fn enlarged(&self, throughput: f64) -> f64 {
        throughput * self.factor
    }
}

impl Scenario {
    /// What is simulated in the place of this app: itself where it is small.
    pub(crate) fn reduced(&self) -> Result<Reduced, Impossible> {
        let same = |scenario| Reduced { scenario, factor: 1.0 };
        // A replica that differs cannot be divided.
        if self.stages().iter().any(|stage| !stage.exceptions().is_empty()) {
            return Ok(same(self.clone()));
        }
        let few = self.without_idle_workers().without_idle_replicas()?;
        let least = few.least_factor();
        if least <= 1.0 {
            return Ok(same(few));
        }
        let scenario = few.divided(few.deployment().best_factor(least))?;
        let factor = self.bounds().throughput() / scenario.bounds().throughput();
        Ok(Reduced { scenario, factor })
    }

    /// The same without workers that would only lengthen the queue of what limits.
    fn without_idle_workers(&self) -> Self {
        let stations = self.network().stations();
        let limit = stations.iter().min_by(|a, b| a.capacity().total_cmp(&b.capacity()));
        let places = limit.map_or(1.0, |station| f64::from(station.places.get()));
        let enough = (self.network().knee() + WAITING_FOR_EACH_PLACE * places).ceil();
        match enough < f64::from(self.workers().get()) {
            true => self.clone().with_workers(counted(enough)),
            false => self.clone(),
        }
    }

    /// The same without replicas that hardly any request would meet.
    fn without_idle_replicas(self) -> Result<Self, Impossible> {
        let workers = f64::from(self.workers().get());
        let mut stages = 0..self.stages().len();
        stages.try_fold(self, |scenario, stage| {
            scenario.with_stage(stage, |stage| {
                let places = stage.typical().places.get();
                let enough = (workers * places_for_each_worker(places) / f64::from(places)).ceil();
                let enough = counted(enough.max(2.0)).min(stage.replicas());
                // Kept connections lead to some of them only.
                match stage.policy() {
                    Policy::Sticky | Policy::Stale(_) => Ok(stage),
                    _ => stage.with_replicas(enough),
                }
            })
        })
    }

    /// The smallest factor that makes it small enough.
    fn least_factor(&self) -> f64 {
        let workers = f64::from(self.workers().get());
        let replicas = self.stages().iter().map(|stage| f64::from(stage.replicas().get()));
        let pairs = workers * replicas.fold(1.0, f64::max);
        let by_pairs = if workers > 1.0 { (pairs / MOST_PAIRS).sqrt().min(workers) } else { 1.0 };
        (workers / f64::from(MOST_WORKERS)).max(by_pairs)
    }

    /// The same with everything divided.
    fn divided(&self, factor: f64) -> Result<Self, Impossible> {
        let stages = self.stages().iter().map(|stage| divided(stage, factor));
        let processes = counted((f64::from(self.deployment().processes.get()) / factor).round());
        let per_process = self.workers_per_process();
        let divided = Self::new(
            processes.saturating_mul(per_process),
            self.think().clone(),
            stages.collect(),
        )?;
        Ok(divided.with_workers_per_process(per_process))
    }
}

impl Deployment {
    /// Of the factors from `least` up to twice that, the one that leaves the least to round.
    fn best_factor(&self, least: f64) -> f64 {
        let numbers: Vec<f64> =
            self.kinds().filter_map(|kind| Some(f64::from(self.of(kind)?.get()))).collect();
        let rounded = |factor: f64| {
            let of = |number: &f64| {
                let divided = number / factor;
                match divided < FEWEST_REPLICAS {
                    // Its places are divided as well.
                    true => 0.0,
                    false => (divided.round() / divided - 1.0).abs(),
                }
            };
            numbers.iter().map(of).fold(0.0, f64::max)
        };
        let whole_of = |number: &f64| {
            let (from, to) = ((number / least / 2.0).ceil().max(1.0), (number / least).floor());
            // The finest divisions are as good as any of thousands.
            let step = ((to - from) / 200.0).floor().max(1.0);
            let number = *number;
            (0..)
                .map(move |place| to - step * f64::from(place))
                .take_while(move |parts| *parts >= from)
                .map(move |parts| number / parts)
        };
        let factors = numbers.iter().flat_map(whole_of);
        factors.min_by(|a, b| rounded(*a).total_cmp(&rounded(*b))).unwrap_or(least)
    }
}

/// Places for each worker with which a request in a thousand waits, if it goes anywhere: it does so where
/// all places of a replica are taken.
fn places_for_each_worker(places: u32) -> f64 {
    match places {
        1 => 1000.0,
        2 | 3 => 60.0,
        _ => 20.0,
    }
}

/// A stage with replicas divided; where few would be left, with places divided as well.
fn divided(stage: &Stage, factor: f64) -> Stage {
    let exact = f64::from(stage.replicas().get()) / factor;
    let replicas = counted(exact.round());
    let typical = stage.typical();
    let places = match exact < FEWEST_REPLICAS {
        true => {
            counted((f64::from(typical.places.get()) * exact / f64::from(replicas.get())).round())
        }
        false => typical.places,
    };
    let policy = match stage.policy() {
        Policy::Stale(known) => Policy::Stale(counted((f64::from(known.get()) / factor).round())),
        other => other,
    };
    let replica = Replica { places, service: typical.service.clone() };
    Stage::new(stage.name(), replicas, replica).with_policy(policy)
}

/// A count of at least one.
fn counted(number: f64) -> NonZeroU32 {
    NonZeroU32::new(u32::try_from(whole(number)).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prediction::Effort;
    use crate::testing::{count, exponential, fixed, nominal, replica};

    /// An app that can be simulated as it is, and as a smaller one.
    fn app(workers: u32, rng: u32, hasher: u32, policy: Policy, jitter: bool) -> Scenario {
        let service = || if jitter { exponential(0.1) } else { fixed(0.1) };
        let stages = vec![
            Stage::new("rng", count(rng), replica(1, service())).with_policy(policy),
            Stage::new("hasher", count(hasher), replica(20, service())).with_policy(policy),
        ];
        Scenario::new(count(workers), fixed(0.1), stages).unwrap()
    }

    #[test]
    fn a_reduced_app_does_what_the_large_one_does() {
        use Policy::{LeastOutstanding, Random, RoundRobin, SharedRoundRobin, Sticky};
        let effort = Effort { loops: count(5000), runs: count(3), seed: 5 };
        for policy in [SharedRoundRobin, RoundRobin, Random, LeastOutstanding, Sticky] {
            for (workers, rng, hasher) in [(3000, 1000, 50), (2999, 1013, 49), (2000, 500, 60)] {
                for jitter in [false, true] {
                    let large = app(workers, rng, hasher, policy, jitter);
                    let reduced = large.reduced().unwrap();
                    assert!(reduced.scenario.workers().get() <= 505, "{reduced:?}");
                    let of = |scenario: &Scenario| {
                        let window = effort.window(scenario).unwrap();
                        let runs = (5..8).map(|seed| scenario.simulate(window, seed).throughput);
                        runs.sum::<f64>() / 3.0
                    };
                    let (whole, part) = (of(&large), reduced.enlarged(of(&reduced.scenario)));
                    let off = part / whole - 1.0;
                    assert!(off.abs() < 0.03, "{policy:?} {workers} {rng} {hasher}: {off}");
                }
            }
        }
    }

    #[test]
    fn what_is_small_stays_as_it_is() {
        let small = nominal(500, 100, Policy::Random);
        let reduced = small.reduced().unwrap();
        assert!((reduced.factor - 1.0).abs() < 1e-12);
        assert_eq!(reduced.scenario, small);
    }

    #[test]
    fn workers_that_only_wait_are_not_simulated() {
        let crowd = nominal(100_000, 1, Policy::SharedRoundRobin).reduced().unwrap();
        assert!(crowd.scenario.workers().get() <= 1100, "{crowd:?}");
        let throughput = crowd.scenario.predict(Effort::default()).unwrap().mean;
        assert!((crowd.enlarged(throughput) - 10.0).abs() < 0.05, "{throughput}");
    }

    #[test]
    fn one_fast_replica_among_thousands_of_workers_limits_as_it_does() {
        let stages = vec![
            Stage::new("rng", count(10_000), replica(1, fixed(0.1))),
            Stage::new("hasher", count(1), replica(1, fixed(0.000_02))),
        ];
        let app = Scenario::new(count(30_000), fixed(0.1), stages).unwrap();
        // 50,000 a second by the hasher, 100,000 by rng, 149,985 by the workers.
        let predicted = app.predict(Effort::default()).unwrap().mean;
        assert!((predicted / 50_000.0 - 1.0).abs() < 0.01, "{predicted}");
    }
}
