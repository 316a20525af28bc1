//! What a scenario's stages can do at most in the way they are used. The bounds of a network take all
//! replicas for one station; a policy that asks them in turn can use none more than the slowest.

use crate::bounds::{Bounds, Resource};
use crate::numbers::length;
use crate::scenario::{Policy, Scenario, Stage};

impl Scenario {
    /// Upper bounds of the throughput with the replicas as they are, each used as its stage's policy does.
    /// Equal to those of the network where all replicas of a stage are alike and all are used.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds {
            workers: self.network().bounds(self.workers()).workers,
            stations: self.stages().iter().map(|s| s.capacity(self.workers().get())).collect(),
        }
    }

    /// What one more container of a kind adds to its bound as it is used; 0 where nobody would ask it.
    pub(crate) fn added_by_one(&self, kind: Resource) -> f64 {
        match kind {
            Resource::Workers => self.share(kind),
            Resource::Station(stage) => {
                let Some(stage) = self.stages().get(stage) else { return f64::INFINITY };
                let more = stage.replicas().saturating_add(1);
                let workers = self.workers().get();
                let then = stage.clone().with_replicas(more).map(|then| then.capacity(workers));
                then.map_or(0.0, |then| then - stage.capacity(workers))
            }
        }
    }
}

impl Stage {
    /// Requests per second at which a replica never idles that so many workers keep as busy as the others.
    fn capacity(&self, workers: u32) -> f64 {
        let each = self.alive().map(|(number, replica)| {
            (number, f64::from(replica.places.get()) / replica.service.mean().get())
        });
        match self.policy() {
            Policy::SharedRoundRobin | Policy::RoundRobin | Policy::Random => {
                let rates: Vec<f64> = each.map(|(_, rate)| rate).collect();
                length(rates.len()) * rates.into_iter().fold(f64::INFINITY, f64::min)
            }
            Policy::SharedLeastOutstanding
            | Policy::LeastOutstanding
            | Policy::PowerOfTwo
            | Policy::FewerOfTwo => each.map(|(_, rate)| rate).sum(),
            Policy::Sticky => {
                let (rates, replicas) =
                    each.fold((0.0, 0.0_f64), |(sum, n), (_, r)| (sum + r, n + 1.0));
                // Some are nobody's: 1 - (1 - 1/m)^W of them are somebody's on average.
                rates * (1.0 - (1.0 - 1.0 / replicas).powf(f64::from(workers)))
            }
            Policy::Stale(used) => {
                let asked = used.get().min(workers);
                each.take(asked as usize).map(|(_, rate)| rate).sum()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{count, fixed, nominal, replica};

    fn rng(workers: u32, replicas: u32, policy: Policy) -> f64 {
        nominal(workers, replicas, policy).bounds().stations[0]
    }

    #[test]
    fn replicas_that_are_alike_add_up() {
        for policy in [Policy::SharedRoundRobin, Policy::Random, Policy::PowerOfTwo] {
            let scenario = nominal(10, 5, policy);
            assert_eq!(scenario.bounds(), scenario.network().bounds(count(10)));
        }
    }

    #[test]
    fn what_is_not_asked_does_not_count() {
        assert!((rng(10, 5, Policy::Stale(count(2))) - 20.0).abs() < 1e-9);
        assert!((rng(1, 5, Policy::Stale(count(2))) - 10.0).abs() < 1e-9);
        assert!((rng(1, 5, Policy::Sticky) - 10.0).abs() < 1e-9);
        assert!((rng(2, 2, Policy::Sticky) - 15.0).abs() < 1e-9);
        let dead = nominal(10, 3, Policy::RoundRobin).with_stage(0, |s| s.with_exception(1, None));
        assert!((dead.unwrap().bounds().stations[0] - 20.0).abs() < 1e-9);
    }

    #[test]
    fn in_turn_the_slowest_holds_all_up() {
        let with = |policy| {
            let slow = Some(replica(1, fixed(0.2)));
            nominal(10, 5, policy).with_stage(0, |rng| rng.with_exception(1, slow)).unwrap()
        };
        let in_turn = with(Policy::SharedRoundRobin);
        assert!((in_turn.bounds().stations[0] - 25.0).abs() < 1e-9);
        assert_eq!(in_turn.bounds().limit(), Resource::Station(0));
        assert!((in_turn.added_by_one(Resource::Station(0)) - 5.0).abs() < 1e-9);
        let by_load = with(Policy::SharedLeastOutstanding);
        assert!((by_load.bounds().stations[0] - 45.0).abs() < 1e-9);
        assert!((by_load.added_by_one(Resource::Station(0)) - 10.0).abs() < 1e-9);
    }
}
