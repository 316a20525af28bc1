//! What throughput depends on, from what decided when things happened. A request that waits begins when
//! another one ends: then that one's history is its own, back to the beginning. The time up to any moment
//! is so a sum of think and service times, and what each kind has of it is how much later that moment
//! would be if that kind took longer: infinitesimal perturbation analysis (Ho and Cao 1983, "Optimization
//! and Sensitivity Analysis of Discrete Event Systems"; Suri 1989, "Perturbation Analysis: The State of
//! the Art"). Shares add up to 1 in every run.
//!
//! Where two things decide alike, as when a worker arrives at the very moment at which another is done,
//! it counts as one that did not wait. Who goes where is taken as it was: a policy that looks at queues
//! would decide otherwise at times, which is not in it.

use std::collections::HashMap;

use crate::elasticities::Elasticities;
use crate::numbers::float;
use crate::simulation::{Observer, Visit};

/// Nanoseconds by kind, think time first, then the stages: they add up to the time since the beginning.
type History = Vec<u64>;

/// Follows the histories of all workers through a simulation, and counts within a window.
#[derive(Debug)]
pub(crate) struct CriticalPath {
    /// Nanoseconds at which the window begins.
    begin: u64,
    workers: Vec<Worker>,
    /// When requests under way at a replica of a stage will end, and their histories then.
    under_way: HashMap<(usize, u32), Vec<(u64, History)>>,
}

#[derive(Clone, Debug)]
struct Worker {
    /// When its last request ends or ended, and its history then.
    at: u64,
    history: History,
    /// The same at the first and the last end of a loop within the window.
    first: Option<(u64, History)>,
    last: Option<(u64, History)>,
    /// Loops between these.
    loops: u64,
}

impl CriticalPath {
    /// At the beginning of a simulation of so many workers and stages; what ends before `begin`, in
    /// nanoseconds, is followed but not counted.
    pub(crate) fn new(workers: u32, stages: usize, begin: u64) -> Self {
        let history = vec![0; stages + 1];
        let worker = Worker { at: 0, history, first: None, last: None, loops: 0 };
        Self { begin, workers: vec![worker; workers as usize], under_way: HashMap::new() }
    }

    /// The elasticities: of each worker's rate, weighed by that. `None` when no worker completed a loop.
    pub(crate) fn elasticities(&self) -> Option<Elasticities> {
        let stages = self.workers.first()?.history.len();
        let (mut sums, mut rates) = (vec![0.0; stages], 0.0);
        for worker in &self.workers {
            let (Some((from, before)), Some((to, after))) = (&worker.first, &worker.last) else {
                continue;
            };
            let (time, loops) = (float(to - from), float(worker.loops));
            rates += loops / time;
            for ((sum, before), after) in sums.iter_mut().zip(before).zip(after) {
                // Histories of workers cross: one kind may have less of a later one.
                *sum += (float(*after) - float(*before)) / time * loops / time;
            }
        }
        let mut shares = sums.into_iter().map(|sum| sum / rates);
        let think = shares.next().filter(|share| share.is_finite())?;
        Some(Elasticities { think, stations: shares.collect() })
    }
}

impl Observer for CriticalPath {
    fn visit(&mut self, Visit { worker, stage, replica, arrives, begins, ends }: Visit) {
        let Some(worker) = self.workers.get_mut(worker as usize) else { return };
        // Between stages no time passes: what does is think time.
        worker.history[0] += arrives - worker.at;
        let under_way = self.under_way.entry((stage, replica)).or_default();
        under_way.retain(|(end, _)| *end >= arrives);
        if begins > arrives
            && let Some(freed) = under_way.iter().position(|(end, _)| *end == begins)
        {
            worker.history = under_way.swap_remove(freed).1;
        }
        worker.history[stage + 1] += ends - begins;
        worker.at = ends;
        under_way.push((ends, worker.history.clone()));
    }

    fn looped(&mut self, worker: u32, at: u64) {
        let Some(worker) = self.workers.get_mut(worker as usize).filter(|_| at >= self.begin)
        else {
            return;
        };
        let now = (at, worker.history.clone());
        match worker.first {
            None => worker.first = Some(now),
            Some(_) => {
                worker.last = Some(now);
                worker.loops += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::distribution::Distribution;
    use crate::prediction::Effort;
    use crate::scenario::{Policy, Scenario, Stage};
    use crate::testing::{count, nominal, replica, seconds};

    #[test]
    fn shares_add_up_whatever_happens() {
        let policies = [
            Policy::SharedRoundRobin,
            Policy::Random,
            Policy::PowerOfTwo,
            Policy::LeastOutstanding,
            Policy::Sticky,
            Policy::Stale(count(1)),
        ];
        for policy in policies {
            for (workers, rng) in [(1, 1), (3, 1), (10, 2), (10, 5), (250, 100)] {
                let effort = Effort { runs: count(3), ..Effort::default() };
                let found = nominal(workers, rng, policy).elasticities(effort).unwrap();
                let sum = found.values.sum();
                assert!((sum - 1.0).abs() < 1e-9, "{policy:?} {workers} {rng}: {sum}");
            }
        }
    }

    /// Throughput with one stage's times scaled up and down, with the same chance.
    fn slope(scenario: &Scenario, stage: usize) -> (f64, f64) {
        let effort = Effort { loops: count(20_000), runs: count(20), seed: 1 };
        let scaled = |factor: f64| {
            let there = scenario.clone().with_stage(stage, |stage| stage.scaled(factor)).unwrap();
            there.predict(effort).unwrap()
        };
        let (slow, fast) = (scaled(1.05), scaled(0.95));
        let error = (slow.error() / slow.mean).hypot(fast.error() / fast.mean);
        ((fast.mean / slow.mean).ln() / (1.05_f64 / 0.95).ln(), error / (1.05_f64 / 0.95).ln())
    }

    /// The nominal app with times that scatter: fixed ones make so many things happen at once that slopes
    /// to both sides differ.
    fn scattering(workers: u32, rng: u32, policy: Policy, service: Distribution) -> Scenario {
        let around = Distribution::log_normal(seconds(0.1), seconds(0.01)).unwrap();
        let stages = vec![
            Stage::new("rng", count(rng), replica(1, service)).with_policy(policy),
            Stage::new("hasher", count(1), replica(20, around.clone())),
        ];
        Scenario::new(count(workers), around, stages).unwrap()
    }

    #[test]
    fn they_are_the_slopes_of_throughput() {
        let around = Distribution::log_normal(seconds(0.1), seconds(0.01)).unwrap();
        let exponential = crate::testing::exponential(0.1);
        let scenarios = [
            scattering(10, 5, Policy::Random, around.clone()),
            scattering(10, 8, Policy::Random, around),
            scattering(10, 3, Policy::SharedRoundRobin, exponential.clone()),
            scattering(6, 2, Policy::Random, exponential),
        ];
        for scenario in scenarios {
            let found = scenario.elasticities(Effort::default()).unwrap();
            let (slope, error) = slope(&scenario, 0);
            let off = found.values.stations[0] - slope;
            let allowed = error + found.errors.stations[0];
            assert!(off.abs() < allowed, "{found:?} {slope} +- {error}");
            assert!(allowed < 0.06, "{allowed}");
        }
    }
}
