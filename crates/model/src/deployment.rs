//! How many containers of what: a scenario's size, apart from what its containers are like.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::bounds::Resource;
use crate::impossible::Impossible;
use crate::numbers::round_up;
use crate::scenario::{Scenario, Stage};

/// Containers of each kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Deployment {
    /// Worker processes.
    pub processes: NonZeroU32,
    /// Replicas of each stage, in the order of their visits.
    pub replicas: Vec<NonZeroU32>,
}

impl Deployment {
    /// All containers.
    #[must_use]
    pub fn containers(&self) -> u32 {
        self.replicas.iter().fold(self.processes.get(), |all, some| all.saturating_add(some.get()))
    }

    /// How many of the kind that a limit belongs to.
    #[must_use]
    pub fn of(&self, kind: Resource) -> Option<NonZeroU32> {
        match kind {
            Resource::Workers => Some(self.processes),
            Resource::Station(stage) => self.replicas.get(stage).copied(),
        }
    }

    /// Every kind of container there is.
    pub fn kinds(&self) -> impl Iterator<Item = Resource> + use<> {
        std::iter::once(Resource::Workers).chain((0..self.replicas.len()).map(Resource::Station))
    }

    /// The same with so many more of a kind.
    #[must_use]
    pub fn more(&self, kind: Resource, of: u32) -> Self {
        let mut more = self.clone();
        if let Some(number) = more.place(kind) {
            *number = number.saturating_add(of);
        }
        more
    }

    /// The same with one less of a kind; `None` when it has only one.
    #[must_use]
    pub fn less(&self, kind: Resource) -> Option<Self> {
        self.fewer(kind, 1)
    }

    /// The same with `by` less of a kind; `None` when none would be left.
    #[must_use]
    pub fn fewer(&self, kind: Resource, by: u32) -> Option<Self> {
        let mut fewer = self.clone();
        let number = fewer.place(kind)?;
        *number = NonZeroU32::new(number.get().checked_sub(by)?)?;
        Some(fewer)
    }

    fn place(&mut self, kind: Resource) -> Option<&mut NonZeroU32> {
        match kind {
            Resource::Workers => Some(&mut self.processes),
            Resource::Station(stage) => self.replicas.get_mut(stage),
        }
    }
}

impl Scenario {
    /// How many containers it has of each kind.
    #[must_use]
    pub fn deployment(&self) -> Deployment {
        let processes = self.workers().get().div_ceil(self.workers_per_process().get());
        Deployment {
            processes: NonZeroU32::new(processes).unwrap_or(NonZeroU32::MIN),
            replicas: self.stages().iter().map(Stage::replicas).collect(),
        }
    }

    /// The same app with other numbers of containers; stages that are not named keep theirs.
    ///
    /// # Errors
    /// When only dead replicas of a stage would be left.
    pub fn deployed(&self, deployment: &Deployment) -> Result<Self, Impossible> {
        let workers = deployment.processes.saturating_mul(self.workers_per_process());
        let all = deployment.replicas.iter().enumerate().take(self.stages().len());
        let mut changed = self.clone().with_workers(workers);
        for (stage, replicas) in all {
            changed = changed.with_stage(stage, |stage| stage.with_replicas(*replicas))?;
        }
        Ok(changed)
    }

    /// What one more container of a kind adds to its bound, in loops per second; infinite where
    /// service takes no time.
    pub(crate) fn share(&self, kind: Resource) -> f64 {
        match kind {
            Resource::Workers => {
                f64::from(self.workers_per_process().get()) / self.network().unhindered()
            }
            Resource::Station(stage) => self.stages().get(stage).map_or(f64::INFINITY, |stage| {
                let typical = stage.typical();
                f64::from(typical.places.get()) / typical.service.mean().get()
            }),
        }
    }

    /// The fewest containers of each kind whose bounds all reach a rate, if all are typical: no policy
    /// can do with fewer of any.
    pub(crate) fn fewest(&self, rate: f64) -> Deployment {
        let needed = |kind| round_up(rate / self.share(kind));
        Deployment {
            processes: needed(Resource::Workers),
            replicas: (0..self.stages().len()).map(|k| needed(Resource::Station(k))).collect(),
        }
    }

    /// What the bound of a kind would be with so many typical containers of it.
    pub(crate) fn bound_of(&self, kind: Resource, deployment: &Deployment) -> f64 {
        f64::from(deployment.of(kind).map_or(0, NonZeroU32::get)) * self.share(kind)
    }

    /// What a kind of container is called.
    #[must_use]
    pub fn kind_name(&self, kind: Resource) -> &str {
        match kind {
            Resource::Workers => "worker",
            Resource::Station(stage) => self.stages().get(stage).map_or("", |stage| stage.name()),
        }
    }
}

/// The difference between two deployments as numbers by kind, as far as there are more.
pub(crate) fn added(before: &Deployment, after: &Deployment) -> Vec<(Resource, u32)> {
    let difference = |kind| {
        let (before, after) = (before.of(kind)?.get(), after.of(kind)?.get());
        (after > before).then(|| (kind, after - before))
    };
    before.kinds().filter_map(difference).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Policy;
    use crate::testing::{count, nominal};

    #[test]
    fn sizes_there_and_back() {
        let scenario = nominal(10, 3, Policy::Random).with_workers_per_process(count(4));
        let deployment = scenario.deployment();
        assert_eq!((deployment.processes.get(), deployment.containers()), (3, 7));
        let larger = deployment.more(Resource::Workers, 2).more(Resource::Station(0), 1);
        let deployed = scenario.deployed(&larger).unwrap();
        assert_eq!((deployed.workers().get(), deployed.deployment()), (20, larger.clone()));
        assert_eq!(
            added(&deployment, &larger),
            [(Resource::Workers, 2), (Resource::Station(0), 1)]
        );
        assert_eq!(larger.less(Resource::Station(1)), None);
        assert_eq!(scenario.kind_name(Resource::Station(1)), "hasher");
    }

    #[test]
    fn the_fewest_for_a_rate() {
        let fewest = |rate| {
            let fewest = nominal(1, 1, Policy::SharedRoundRobin).fewest(rate);
            (fewest.processes.get(), fewest.replicas[0].get(), fewest.replicas[1].get())
        };
        assert_eq!(fewest(40.0), (12, 4, 1));
        assert_eq!(fewest(40.1), (13, 5, 1));
        assert_eq!(fewest(200.0), (60, 20, 1));
        assert_eq!(fewest(0.1), (1, 1, 1));
    }
}
