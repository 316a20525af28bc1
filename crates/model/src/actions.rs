//! What could be done next, and what each would bring: candidates by rule, their effect by simulation.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::bounds::Resource;
use crate::deployment::{Deployment, added};
use crate::impossible::Impossible;
use crate::prediction::{Effort, Estimate};
use crate::scenario::{Policy, Scenario};

/// Bounds within this factor of the smallest limit, too: measured times are not known better.
const AS_LOW: f64 = 1.03;

/// Something that can be done to an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// So many more containers of a kind.
    Add(Resource, NonZeroU32),
    /// Make the replicas of a stage that differ or are dead like the others, as a restart does.
    Repair(usize),
    /// Spread a stage's requests in turn, over connections to all of its replicas.
    TakeTurns(usize),
}

/// An action and its predicted effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// What is done.
    pub action: Action,
    /// Containers it takes; 0 when only settings change.
    pub containers: u32,
    /// Loops per second it adds, seed by seed.
    pub gain: Estimate,
    /// Throughput afterwards.
    pub throughput: Estimate,
    /// Gain per container; one that takes none counts as one.
    pub per_container: f64,
}

/// A wall: what keeps throughput where it is, what it takes to get over it, and where that leads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wall {
    /// Predicted throughput at this wall.
    pub throughput: Estimate,
    /// What limits here by the bounds; several where they are as low.
    pub limits: Vec<Resource>,
    /// Containers of each kind to add until something else limits; empty when nothing else would, or
    /// when nobody would ask them.
    pub add: Vec<(Resource, u32)>,
    /// The containers there are at this wall.
    pub deployment: Deployment,
}

impl Action {
    /// The scenario after the action.
    ///
    /// # Errors
    /// When it names a stage whose living replicas would be none.
    pub fn applied(self, scenario: &Scenario) -> Result<Scenario, Impossible> {
        match self {
            Self::Add(kind, number) => {
                scenario.deployed(&scenario.deployment().more(kind, number.get()))
            }
            Self::Repair(stage) => {
                scenario.clone().with_stage(stage, |stage| Ok(stage.without_exceptions()))
            }
            Self::TakeTurns(stage) => scenario
                .clone()
                .with_stage(stage, |stage| Ok(stage.with_policy(Policy::RoundRobin))),
        }
    }

    /// Containers it takes.
    #[must_use]
    pub fn containers(self) -> u32 {
        match self {
            Self::Add(_, number) => number.get(),
            Self::Repair(_) | Self::TakeTurns(_) => 0,
        }
    }
}

impl Scenario {
    /// What could be done: one more and twice as many of each kind of container, replicas that differ
    /// repaired, and requests in turn where they are spread otherwise.
    #[must_use]
    pub fn candidates(&self) -> Vec<Action> {
        let deployment = self.deployment();
        let more = |kind| {
            let twice = deployment.of(kind).filter(|number| number.get() > 1);
            let numbers = std::iter::once(NonZeroU32::MIN).chain(twice);
            numbers.map(move |number| Action::Add(kind, number))
        };
        let stages = || self.stages().iter().enumerate();
        let broken = stages().filter(|(_, stage)| !stage.exceptions().is_empty());
        let uneven = stages().filter(|(_, stage)| {
            let even = matches!(
                stage.policy(),
                Policy::SharedRoundRobin | Policy::RoundRobin | Policy::SharedLeastOutstanding
            );
            !even && stage.replicas().get() > 1
        });
        let adding = deployment.kinds().flat_map(more);
        let repairs = broken.map(|(stage, _)| Action::Repair(stage));
        adding.chain(repairs).chain(uneven.map(|(stage, _)| Action::TakeTurns(stage))).collect()
    }

    /// All candidates with their predicted effects, the best first: by gain per container.
    ///
    /// # Errors
    /// When the loops of a run would take more than a year.
    pub fn actions(&self, effort: Effort) -> Result<Vec<Forecast>, Impossible> {
        let mut forecasts = Vec::new();
        let before = self.throughputs(effort)?;
        for action in self.candidates() {
            let after = action.applied(self)?.throughputs(effort)?;
            let gain = Estimate::of_differences(&before, &after);
            let containers = action.containers();
            forecasts.push(Forecast {
                action,
                containers,
                throughput: Estimate::of(&after),
                per_container: gain.mean / f64::from(containers.max(1)),
                gain,
            });
        }
        forecasts.sort_by(|a, b| b.per_container.total_cmp(&a.per_container));
        Ok(forecasts)
    }

    /// The next walls, this one first: containers of what limits are added until something else
    /// does, again and again. Ends early when everything limits alike.
    ///
    /// # Errors
    /// When the loops of a run would take more than a year.
    pub fn walls(&self, most: usize, effort: Effort) -> Result<Vec<Wall>, Impossible> {
        let mut walls = Vec::new();
        let mut here = self.clone();
        while walls.len() < most {
            let deployment = here.deployment();
            let limits = here.limits();
            let beyond = here.beyond(&limits);
            let add = beyond.as_ref().map_or_else(Vec::new, |next| added(&deployment, next));
            walls.push(Wall { throughput: here.predict(effort)?, limits, add, deployment });
            let Some(next) = beyond else { break };
            here = here.deployed(&next)?;
        }
        Ok(walls)
    }

    /// The bound of a kind of container as it is used now.
    fn bound(&self, kind: Resource) -> f64 {
        let bounds = self.bounds();
        match kind {
            Resource::Workers => bounds.workers,
            Resource::Station(stage) => {
                bounds.stations.get(stage).copied().unwrap_or(f64::INFINITY)
            }
        }
    }

    /// All kinds whose bound is the smallest, or as good as that.
    fn limits(&self) -> Vec<Resource> {
        let smallest = self.bounds().throughput();
        let kinds = self.deployment().kinds();
        kinds.filter(|kind| self.bound(*kind) <= smallest * AS_LOW).collect()
    }

    /// What is deployed once the limits reach the next bound; `None` when there is none, or when more
    /// of them would not do.
    fn beyond(&self, limits: &[Resource]) -> Option<Deployment> {
        let deployment = self.deployment();
        let others = deployment.kinds().filter(|kind| !limits.contains(kind));
        let next = others.map(|kind| self.bound(kind)).fold(f64::INFINITY, f64::min);
        let missing = |kind: &Resource| (next - self.bound(*kind)) / self.added_by_one(*kind);
        limits.iter().all(|kind| missing(kind).is_finite()).then(|| {
            limits.iter().fold(deployment, |deployment, kind| {
                deployment.more(*kind, crate::numbers::round_up(missing(kind)).get())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{count, fixed, nominal, replica};

    fn quick() -> Effort {
        Effort { loops: count(3000), runs: count(6), seed: 1 }
    }

    fn best(scenario: &Scenario) -> Forecast {
        scenario.actions(quick()).unwrap().remove(0)
    }

    #[test]
    fn ten_workers_want_rng_until_there_are_four() {
        let gains = [10.0, 10.0, 10.0 / 3.0];
        for (rng, gain) in (1..).zip(gains) {
            let forecast = best(&nominal(10, rng, Policy::SharedRoundRobin));
            assert!(
                matches!(forecast.action, Action::Add(Resource::Station(0), _)),
                "{forecast:?}"
            );
            assert!((forecast.per_container - gain).abs() < 0.02, "{rng}: {forecast:?}");
        }
        let forecast = best(&nominal(10, 4, Policy::SharedRoundRobin));
        assert!(matches!(forecast.action, Action::Add(Resource::Workers, _)), "{forecast:?}");
        let fifth = nominal(10, 4, Policy::SharedRoundRobin).actions(quick()).unwrap();
        let fifth = fifth.iter().find(|f| f.action == Action::Add(Resource::Station(0), count(1)));
        assert!(fifth.unwrap().gain.mean.abs() < 0.02, "{fifth:?}");
    }

    #[test]
    fn old_connections_and_slow_replicas_are_seen() {
        let stale = best(&nominal(10, 5, Policy::Stale(count(1))));
        assert_eq!(stale.action, Action::TakeTurns(0), "{stale:?}");
        assert!(stale.gain.mean > 20.0 && stale.containers == 0);
        let slow = nominal(50, 5, Policy::SharedRoundRobin)
            .with_stage(0, |rng| rng.with_exception(1, Some(replica(1, fixed(0.2)))));
        let repair = best(&slow.unwrap());
        assert_eq!(repair.action, Action::Repair(0), "{repair:?}");
        assert!((repair.gain.mean - 25.0).abs() < 0.2, "{repair:?}");
    }

    #[test]
    fn the_next_three_walls() {
        let walls = nominal(10, 1, Policy::SharedRoundRobin).walls(3, quick()).unwrap();
        let (workers, rng) = (Resource::Workers, Resource::Station(0));
        let limits: Vec<_> = walls.iter().map(|wall| wall.limits.clone()).collect();
        assert_eq!(limits, [vec![rng], vec![workers], vec![workers, rng]]);
        let adds: Vec<_> = walls.iter().map(|wall| wall.add.clone()).collect();
        assert_eq!(adds, [vec![(rng, 3)], vec![(workers, 2)], vec![(workers, 48), (rng, 16)]]);
        for (wall, expected) in walls.iter().zip([10.0, 100.0 / 3.0, 40.0]) {
            assert!((wall.throughput.mean / expected - 1.0).abs() < 2e-3, "{wall:?}");
        }
    }

    #[test]
    fn a_wall_of_old_connections_or_of_one_slow_replica_is_rng() {
        let rng = Resource::Station(0);
        let stale = nominal(10, 5, Policy::Stale(count(1))).walls(3, quick()).unwrap();
        assert_eq!((stale.len(), &stale[0].limits, &stale[0].add), (1, &vec![rng], &vec![]));
        let slow = nominal(10, 5, Policy::SharedRoundRobin)
            .with_stage(0, |rng| rng.with_exception(1, Some(replica(1, fixed(0.2)))));
        let walls = slow.unwrap().walls(2, quick()).unwrap();
        assert_eq!((&walls[0].limits, &walls[0].add), (&vec![rng], &vec![(rng, 2)]));
        assert!((walls[0].throughput.mean - 25.0).abs() < 0.1, "{walls:?}");
        // Every seventh request takes 0.1 s longer.
        let beyond = 10.0 / (0.3 + 0.1 / 7.0);
        assert!((walls[1].throughput.mean - beyond).abs() < 0.1, "{walls:?}");
    }

    #[test]
    fn an_action_on_what_is_not_there_changes_nothing() {
        let scenario = nominal(3, 2, Policy::Random);
        assert_eq!(Action::Repair(7).applied(&scenario), Ok(scenario.clone()));
        assert_eq!(Action::Add(Resource::Station(7), count(1)).applied(&scenario), Ok(scenario));
    }
}
