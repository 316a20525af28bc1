//! Deployments for a purpose: the cheapest for a rate, the fastest for a number of containers. Bounds say
//! where to begin, the simulator what it really brings.

use serde::{Deserialize, Serialize};

use crate::bounds::Resource;
use crate::deployment::Deployment;
use crate::impossible::Impossible;
use crate::prediction::{Effort, Estimate};
use crate::scenario::Scenario;

/// A rate is reached when at most this share is missing: the simulation's own noise.
const MISSING: f64 = 2e-3;
/// Rounds of adding after which a rate is out of reach.
const ROUNDS: u32 = 100;
/// The largest deployment that is looked at.
const MOST: u32 = 100_000;

/// A deployment and what it is predicted to reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// How many of what.
    pub deployment: Deployment,
    /// All of them.
    pub containers: u32,
    /// Predicted loops per second.
    pub throughput: Estimate,
    /// What would limit next, by the bounds.
    pub limit: Resource,
    /// Containers below which the bounds forbid the same rate, whatever the policy: what `containers` is
    /// equal to is proven to be the cheapest.
    pub at_least: u32,
}

impl Scenario {
    /// The cheapest deployment found for a rate in loops per second, whatever is deployed now; `None`
    /// when more containers do not lead there, as with connections that keep to old replicas, or not
    /// within a hundred steps.
    ///
    /// From the fewest that the bounds allow, the kind that brings most per container is added to until
    /// the rate is reached; then whatever can be left out is left out. All replicas are taken to be
    /// typical: one that is slow or dead is to be repaired, not to be planned with.
    ///
    /// # Errors
    /// When the rate is not above zero or takes more than 100,000 containers, or when the loops of a run
    /// would take more than a year.
    pub fn plan_for(&self, rate: f64, effort: Effort) -> Result<Option<Plan>, Impossible> {
        let enough = rate * (1.0 - MISSING);
        let fewest = self.fewest(enough);
        if !(rate > 0.0 && fewest.containers() <= MOST) {
            return Err(Impossible::Plan(rate));
        }
        let typical = self.all_typical()?;
        let search = Search { scenario: &typical, effort };
        let (mut here, mut reached) = (fewest.clone(), search.throughput(&fewest)?);
        let mut rounds = 0;
        while reached < enough {
            rounds += 1;
            let Some((next, throughput)) = search.step(&here, reached, enough)? else {
                return Ok(None);
            };
            if rounds > ROUNDS {
                return Ok(None);
            }
            (here, reached) = (next, throughput);
        }
        let pruned = search.pruned(here, None, enough)?;
        search.plan(pruned, fewest.containers()).map(Some)
    }

    /// The fastest deployment found with so many more containers than now, or fewer where the rest would
    /// bring nothing.
    ///
    /// From the best by the bounds, containers are moved between kinds as long as that brings more; then
    /// new ones without use are left out.
    ///
    /// # Errors
    /// When there would be more than 100,000 containers, or when the loops of a run would take more
    /// than a year.
    pub fn best_use(&self, budget: u32, effort: Effort) -> Result<Plan, Impossible> {
        let search = Search { scenario: self, effort };
        let now = self.deployment();
        if now.containers().saturating_add(budget) > MOST {
            return Err(Impossible::Plan(f64::from(budget)));
        }
        let mut here = search.by_bounds(now.clone(), budget);
        let mut reached = search.throughput(&here)?;
        while let Some((next, throughput)) = search.moved(&here, &now, reached)? {
            (here, reached) = (next, throughput);
        }
        let enough = reached * (1.0 - MISSING);
        let pruned = search.pruned(here, Some(&now), enough)?;
        search.plan(pruned, self.fewest(enough).containers())
    }
}

/// A search among deployments of a scenario.
struct Search<'a> {
    scenario: &'a Scenario,
    effort: Effort,
}

impl Search<'_> {
    fn throughput(&self, deployment: &Deployment) -> Result<f64, Impossible> {
        Ok(self.scenario.deployed(deployment)?.predict(self.effort)?.mean)
    }

    /// One kind more, in steps that fit how much is missing; `None` when no kind brings anything.
    fn step(
        &self,
        here: &Deployment,
        reached: f64,
        enough: f64,
    ) -> Result<Option<(Deployment, f64)>, Impossible> {
        let missing = enough / reached - 1.0;
        let mut best: Option<(f64, Deployment, f64)> = None;
        // Some kinds bring nothing alone: then all at once.
        let all = here.kinds().fold(here.clone(), |more, kind| more.more(kind, 1));
        let each = here.kinds().map(|kind| {
            let number = f64::from(here.of(kind).map_or(0, std::num::NonZeroU32::get));
            here.more(kind, crate::numbers::round_up((number * missing / 3.0).floor()).get())
        });
        for next in each.chain(std::iter::once(all)) {
            let throughput = self.throughput(&next)?;
            let containers = f64::from(next.containers() - here.containers());
            let gain = (throughput - reached) / containers;
            if gain * containers > reached * 1e-4 && best.as_ref().is_none_or(|(g, ..)| gain > *g) {
                best = Some((gain, next, throughput));
            }
        }
        Ok(best.map(|(_, next, throughput)| (next, throughput)))
    }

    /// The same without whatever is not needed for the rate, but not less than `floor`.
    fn pruned(
        &self,
        mut here: Deployment,
        floor: Option<&Deployment>,
        enough: f64,
    ) -> Result<Deployment, Impossible> {
        while let Some(less) = self.spared(&here, floor, enough)? {
            here = less;
        }
        Ok(here)
    }

    /// One less of the kind that is missed least, as long as the rest is enough and not less than
    /// `floor`.
    fn spared(
        &self,
        here: &Deployment,
        floor: Option<&Deployment>,
        enough: f64,
    ) -> Result<Option<Deployment>, Impossible> {
        let mut best: Option<(f64, Deployment)> = None;
        for kind in here.kinds() {
            if floor.is_some_and(|floor| here.of(kind) <= floor.of(kind)) {
                continue;
            }
            let Some(less) = here.less(kind) else { continue };
            // What the bounds forbid needs no simulation.
            if self.scenario.bound_of(kind, &less) < enough && self.is_typical() {
                continue;
            }
            let throughput = self.throughput(&less)?;
            if throughput >= enough && best.as_ref().is_none_or(|(most, _)| throughput > *most) {
                best = Some((throughput, less));
            }
        }
        Ok(best.map(|(_, less)| less))
    }

    /// Whether all replicas are alike, so that what is typical bounds them.
    fn is_typical(&self) -> bool {
        self.scenario.stages().iter().all(|stage| stage.exceptions().is_empty())
    }

    /// So many more, each for the kind with the smallest bound: the best when bounds are reached.
    fn by_bounds(&self, now: Deployment, budget: u32) -> Deployment {
        (0..budget).fold(now, |here, _| {
            let bound = |kind: &Resource| self.scenario.bound_of(*kind, &here);
            let lowest = here.kinds().min_by(|a, b| bound(a).total_cmp(&bound(b)));
            lowest.map_or(here.clone(), |kind| here.more(kind, 1))
        })
    }

    /// One new container moved from one kind to another, where that brings more.
    fn moved(
        &self,
        here: &Deployment,
        now: &Deployment,
        reached: f64,
    ) -> Result<Option<(Deployment, f64)>, Impossible> {
        let mut best: Option<(Deployment, f64)> = None;
        let from = here.kinds().filter(|kind| here.of(*kind) > now.of(*kind));
        let pairs = from.flat_map(|from| here.kinds().map(move |to| (from, to)));
        for (from, to) in pairs.filter(|(from, to)| from != to) {
            let Some(less) = here.less(from) else { continue };
            let next = less.more(to, 1);
            let throughput = self.throughput(&next)?;
            let most = best.as_ref().map_or(reached * (1.0 + MISSING), |(_, most)| *most);
            if throughput > most {
                best = Some((next, throughput));
            }
        }
        Ok(best)
    }

    fn plan(&self, deployment: Deployment, at_least: u32) -> Result<Plan, Impossible> {
        let deployed = self.scenario.deployed(&deployment)?;
        Ok(Plan {
            containers: deployment.containers(),
            throughput: deployed.predict(self.effort)?,
            limit: deployed.bounds().limit(),
            deployment,
            at_least,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Policy;
    use crate::testing::{count, nominal};

    fn quick() -> Effort {
        Effort { loops: count(3000), runs: count(4), seed: 1 }
    }

    fn sizes(plan: &Plan) -> (u32, u32, u32) {
        let Deployment { processes, replicas } = &plan.deployment;
        (processes.get(), replicas[0].get(), replicas[1].get())
    }

    #[test]
    fn the_cheapest_for_forty() {
        // What is deployed now does not matter.
        for now in [(1, 1), (30, 20)] {
            let scenario = nominal(now.0, now.1, Policy::SharedRoundRobin);
            let plan = scenario.plan_for(40.0, quick()).unwrap().unwrap();
            assert_eq!((sizes(&plan), plan.containers, plan.at_least), ((12, 4, 1), 17, 17));
            assert!((plan.throughput.mean - 40.0).abs() < 0.08, "{plan:?}");
        }
        let beyond_one_hasher = nominal(1, 1, Policy::SharedRoundRobin).plan_for(210.0, quick());
        assert_eq!(sizes(&beyond_one_hasher.unwrap().unwrap()), (63, 21, 2));
    }

    #[test]
    fn random_balance_costs_containers() {
        let scenario = nominal(1, 1, Policy::Random);
        let plan = scenario.plan_for(40.0, quick()).unwrap().unwrap();
        assert!(plan.throughput.mean >= 40.0 * (1.0 - MISSING), "{plan:?}");
        assert!(plan.containers > plan.at_least && plan.containers <= 24, "{plan:?}");
        // Nothing of it can be left out.
        for kind in plan.deployment.kinds() {
            let Some(less) = plan.deployment.less(kind) else { continue };
            let without = scenario.deployed(&less).unwrap().predict(quick()).unwrap();
            assert!(without.mean < 40.0 * (1.0 - MISSING), "{kind:?} can be spared: {plan:?}");
        }
    }

    #[test]
    fn old_connections_lead_nowhere() {
        let scenario = nominal(10, 1, Policy::Stale(count(1)));
        assert_eq!(scenario.plan_for(40.0, quick()).unwrap(), None);
    }

    #[test]
    fn nobody_plans_with_a_dead_replica() {
        let with_dead = nominal(10, 5, Policy::SharedRoundRobin)
            .with_stage(0, |rng| rng.with_exception(0, None))
            .unwrap();
        let plan = with_dead.plan_for(10.0, quick()).unwrap().unwrap();
        assert_eq!(sizes(&plan), (3, 1, 1));
    }

    #[test]
    fn what_nobody_can_deploy() {
        let scenario = nominal(10, 1, Policy::SharedRoundRobin);
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert!(scenario.plan_for(rate, quick()).is_err(), "{rate}");
        }
        assert_eq!(
            scenario.best_use(u32::MAX, quick()),
            Err(Impossible::Plan(f64::from(u32::MAX)))
        );
    }

    #[test]
    fn the_best_use_of_a_budget() {
        let best = |budget| {
            let plan = nominal(10, 1, Policy::SharedRoundRobin).best_use(budget, quick()).unwrap();
            (sizes(&plan), plan.throughput.mean.round())
        };
        assert_eq!(best(0), ((10, 1, 1), 10.0));
        assert_eq!(best(2), ((10, 3, 1), 30.0));
        assert_eq!(best(5), ((12, 4, 1), 40.0));
        // A sixth alone would bring nothing.
        assert_eq!(best(6), ((12, 4, 1), 40.0));
    }

    #[test]
    fn the_best_use_where_balance_is_random() {
        let scenario = nominal(10, 1, Policy::Random);
        let plan = scenario.best_use(6, quick()).unwrap();
        let (processes, rng, _) = sizes(&plan);
        assert_eq!(plan.containers, 18, "{plan:?}");
        let others = [(10, 7), (11, 6), (12, 5), (13, 4), (14, 3)];
        for (workers, replicas) in others {
            let other = nominal(workers, replicas, Policy::Random).predict(quick()).unwrap();
            assert!(
                other.mean <= plan.throughput.mean * (1.0 + MISSING),
                "{workers}, {replicas} is better than {processes}, {rng}: {other:?} {plan:?}"
            );
        }
    }
}
