//! Deployments for a purpose: the cheapest for a rate, the fastest for a number of containers. Bounds say
//! where to begin, the simulator what it really brings. Whatever the size, some dozens of deployments are
//! simulated: containers are added, moved and left out by many first and then by fewer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

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
/// Containers of a kind that are left out or moved at a time at first: one in this number.
const AT_FIRST: u32 = 16;
/// Fewer than one in this number of a kind make no difference that a simulation shows.
const FINEST: u32 = 1000;
/// Runs of each deployment on the way to the best; that one is simulated as often as was asked.
const MOST_RUNS: NonZeroU32 = match NonZeroU32::new(6) {
    Some(runs) => runs,
    None => NonZeroU32::MIN,
};
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
    /// the rate is reached; then whatever can be left out is left out, of more than a thousand of a kind
    /// to a thousandth of them. All replicas are taken to be typical: one that is slow or dead is to be repaired, not to be planned with.
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
        let search = Search::of(&typical, effort);
        let Some(found) = search.grown(fewest.clone(), enough)? else { return Ok(None) };
        let pruned = search.pruned(found, None, enough)?;
        // With all runs it may be a little less than with those of the search.
        let all_runs = Search { most_runs: effort.runs, ..Search::of(&typical, effort) };
        let Some(found) = all_runs.grown(pruned, enough)? else { return Ok(None) };
        all_runs.plan(found, fewest.containers()).map(Some)
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
        let search = Search::of(self, effort);
        let now = self.deployment();
        if now.containers().saturating_add(budget) > MOST {
            return Err(Impossible::Plan(f64::from(budget)));
        }
        let mut here = search.by_bounds(now.clone(), budget);
        let mut reached = search.throughput(&here)?;
        for part in parts(&here) {
            while let Some((next, throughput)) = search.moved((&here, reached), &now, part)? {
                (here, reached) = (next, throughput);
            }
        }
        let enough = reached * (1.0 - MISSING);
        let pruned = search.pruned(here, Some(&now), enough)?;
        search.plan(pruned, self.fewest(enough).containers())
    }
}

/// How many containers of a kind are changed at a time, round by round, as parts of them: one in
/// sixteen, one in sixty-four, ... down to one container, or to what still makes a difference.
fn parts(here: &Deployment) -> impl Iterator<Item = u32> + use<> {
    let most = here.kinds().filter_map(|kind| here.of(kind)).max().map_or(1, NonZeroU32::get);
    let finest = most.min(FINEST);
    let doubled = std::iter::successors(Some(AT_FIRST), |part| part.checked_mul(4));
    doubled.take_while(move |part| *part < finest).chain(std::iter::once(finest.max(AT_FIRST)))
}

/// A search among deployments of a scenario.
struct Search<'a> {
    scenario: &'a Scenario,
    effort: Effort,
    /// Runs of each deployment.
    most_runs: NonZeroU32,
    /// What was simulated already.
    known: RefCell<BTreeMap<Deployment, f64>>,
}

impl<'a> Search<'a> {
    fn of(scenario: &'a Scenario, effort: Effort) -> Self {
        Self { scenario, effort, most_runs: MOST_RUNS, known: RefCell::default() }
    }

    fn throughput(&self, deployment: &Deployment) -> Result<f64, Impossible> {
        if let Some(known) = self.known.borrow().get(deployment) {
            return Ok(*known);
        }
        let runs = self.effort.runs.min(self.most_runs);
        let effort = Effort { runs, ..self.effort };
        let throughput = self.scenario.deployed(deployment)?.predict(effort)?.mean;
        self.known.borrow_mut().insert(deployment.clone(), throughput);
        Ok(throughput)
    }

    /// The same with as much more as the rate takes; `None` when more does not lead there.
    fn grown(&self, mut here: Deployment, enough: f64) -> Result<Option<Deployment>, Impossible> {
        let mut reached = self.throughput(&here)?;
        for _ in 0..ROUNDS {
            if reached >= enough {
                return Ok(Some(here));
            }
            let missing = enough / reached - 1.0;
            // Of many containers a few more may bring less than chance does.
            let parts = [missing / 2.0, missing * 2.0, missing * 8.0];
            let mut next = None;
            for part in parts {
                next = self.step(&here, reached, part)?;
                if next.is_some() || here.containers() < FINEST {
                    break;
                }
            }
            let Some((more, throughput)) = next else { return Ok(None) };
            (here, reached) = (more, throughput);
        }
        Ok(None)
    }

    /// That part of one kind more, or of all; `None` when none of them brings anything.
    fn step(
        &self,
        here: &Deployment,
        reached: f64,
        part: f64,
    ) -> Result<Option<(Deployment, f64)>, Impossible> {
        let mut best: Option<(f64, Deployment, f64)> = None;
        let more = |deployment: &Deployment, kind, part: f64| {
            let number = f64::from(here.of(kind).map_or(0, NonZeroU32::get));
            // Less than the finest part makes no difference that a simulation shows.
            let finest = (number / f64::from(FINEST)).ceil();
            let added = (number * part).floor().max(finest);
            deployment.more(kind, crate::numbers::round_up(added).get())
        };
        // Some kinds bring nothing alone: then all at once.
        let all = here.kinds().fold(here.clone(), |all, kind| {
            let part = if here.containers() < FINEST { 0.0 } else { part };
            more(&all, kind, part)
        });
        let each = here.kinds().map(|kind| more(here, kind, part));
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
        for part in parts(&here) {
            while let Some(less) = self.spared(&here, floor, (enough, part))? {
                here = less;
            }
        }
        Ok(here)
    }

    /// One in `part` less of the kind that is missed least, as long as the rest is enough and not less
    /// than `floor`.
    fn spared(
        &self,
        here: &Deployment,
        floor: Option<&Deployment>,
        (enough, part): (f64, u32),
    ) -> Result<Option<Deployment>, Impossible> {
        let mut best: Option<(f64, Deployment)> = None;
        for kind in here.kinds() {
            let number = here.of(kind).map_or(0, NonZeroU32::get);
            let least = floor.and_then(|floor| floor.of(kind)).map_or(1, NonZeroU32::get);
            let fewer = (number / part).max(1);
            if number.saturating_sub(fewer) < least {
                continue;
            }
            let Some(less) = here.fewer(kind, fewer) else { continue };
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

    /// New containers moved from one kind to another, one in `part` of the other, where that brings
    /// more.
    fn moved(
        &self,
        (here, reached): (&Deployment, f64),
        now: &Deployment,
        part: u32,
    ) -> Result<Option<(Deployment, f64)>, Impossible> {
        let mut best: Option<(Deployment, f64)> = None;
        let from = here.kinds().filter(|kind| here.of(*kind) > now.of(*kind));
        let pairs = from.flat_map(|from| here.kinds().map(move |to| (from, to)));
        for (from, to) in pairs.filter(|(from, to)| from != to) {
            let number =
                |deployment: &Deployment, kind| deployment.of(kind).map_or(0, NonZeroU32::get);
            let spare = number(here, from) - number(now, from);
            let moved = (number(here, to) / part).max(1).min(spare);
            let Some(less) = here.fewer(from, moved) else { continue };
            let next = less.more(to, moved);
            let most = best.as_ref().map_or(reached * (1.0 + MISSING), |(_, most)| *most);
            // What the bounds forbid needs no simulation.
            let bound = next.kinds().map(|kind| self.scenario.bound_of(kind, &next));
            if self.is_typical() && bound.fold(f64::INFINITY, f64::min) <= most {
                continue;
            }
            let throughput = self.throughput(&next)?;
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
mod tests;
