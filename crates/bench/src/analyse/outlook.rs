//! What could be done next: in the model of the measured app, what each action brings, what the rate
//! depends on, and which walls come behind this one. All of it is scaled to what was measured.

use std::num::NonZeroU32;

use model::{Action, Effort, Forecast, Impossible, Resource, Scenario, Seconds, Wall, Window};

use super::advice::{self, WallFindings};
use super::bounds::Bounds;
use super::evidence::{
    ActionFindings, ElasticityFindings, PredictedState, PresentFindings, Spreading,
};
use super::prediction::Forecaster;
use super::scenario::{HASHER, RNG, replicas_of};
use super::services::Known;
use super::verdict::TIE;
use super::{StageName, StepFindings};
use crate::cluster::{Replicas, Service};

/// How much to simulate for each of some two dozen predictions: 8 runs of 2,000 loops, some
/// milliseconds; of many workers, who need ten loops each at least, fewer runs.
pub(super) fn effort(workers: u64) -> Effort {
    let some = |number: u64| {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
    };
    let runs = (LOOPS * MOST_RUNS / workers.saturating_mul(10).max(LOOPS)).max(LEAST_RUNS);
    Effort { loops: some(LOOPS), runs: some(runs), seed: 1 }
}

const LOOPS: u64 = 2000;
const MOST_RUNS: u64 = 8;
/// The scatter of fewer is hardly known.
const LEAST_RUNS: u64 = 3;
/// Walls that are told: this one and those behind it.
const WALLS: usize = 3;
/// A wall behind more containers than this is out of reach, and large to simulate.
const OUT_OF_REACH: u32 = 5000;
/// Of actions within this share of the best gain per container, the smallest is first.
const AS_GOOD: f64 = 0.97;

/// What follows from a step in the model.
#[derive(Debug)]
pub(super) struct Outlook {
    pub(super) elasticities: ElasticityFindings,
    pub(super) actions: Vec<ActionFindings>,
    pub(super) walls: Vec<WallFindings>,
    pub(super) recommended: Option<PredictedState>,
}

/// The outlook from a step, whose rate and bounds are known.
///
/// # Errors
/// When the app is larger or slower than can be simulated.
pub(super) fn outlook(
    app: &Scenario,
    known: &[Known<'_>; 2],
    step: &StepFindings,
) -> Result<Outlook, Impossible> {
    let effort = effort(step.workers);
    let found = app.elasticities(effort)?.values;
    let of = |stage: usize| found.stations.get(stage).copied().unwrap_or(0.0);
    let elasticities = ElasticityFindings { delay: found.think, rng: of(RNG), hasher: of(HASHER) };
    let forecaster = Forecaster::new(app, step, effort)?;
    let actions = ladder(app, known, step, &forecaster)?;
    let recommended = match best(&actions) {
        Some(best) => Some(state(app, best, effort)?),
        None => None,
    };
    Ok(Outlook { elasticities, actions, walls: walls(app, WALLS, effort)?, recommended })
}

/// The best action that adds containers and brings something; what `--verify` carries out.
pub(super) fn best(actions: &[ActionFindings]) -> Option<&ActionFindings> {
    let adds = |action: &&ActionFindings| {
        action.replicas.is_some() && action.gain > super::prediction::LEAST_GAIN
    };
    actions.iter().find(adds)
}

/// All actions, the best first: by gain per container, and of those as good the smallest.
fn ladder(
    app: &Scenario,
    known: &[Known<'_>; 2],
    step: &StepFindings,
    forecaster: &Forecaster,
) -> Result<Vec<ActionFindings>, Impossible> {
    let mut ladder: Vec<(f64, ActionFindings)> = Vec::new();
    for Forecast { action, containers, throughput, per_container, .. } in
        app.actions(forecaster.effort)?
    {
        let pinned = |stage: usize| {
            known.get(stage).is_some_and(|known| known.spreading == Some(Spreading::Pinned))
        };
        if matches!(action, Action::Add(Resource::Station(stage), _) if pinned(stage)) {
            continue; // kept connections do not go to new replicas
        }
        let replicas = match action {
            Action::Add(..) => Some(replicas_of(&action.applied(app)?.deployment())),
            Action::Repair(_) | Action::TakeTurns(_) => None,
        };
        let words = words(action, known, step.replicas, replicas);
        // The model knows kept connections as a mean over all ways to be kept, not as these.
        let (forecaster, per_container) = match action {
            Action::TakeTurns(stage) if pinned(stage) => {
                let measured = forecaster.as_measured();
                (measured, throughput.mean - measured.now)
            }
            _ => (*forecaster, per_container),
        };
        let findings = forecaster.action(words, replicas, containers, throughput);
        ladder.push((per_container, findings));
    }
    if let Some(together) = together(app, step.bounds.as_ref(), step.replicas) {
        let containers = 2;
        let then = app_with(app, together)?.predict(forecaster.effort)?;
        let words = changes(step.replicas, together);
        let findings = forecaster.action(words, Some(together), containers, then);
        ladder.push(((then.mean - forecaster.now) / f64::from(containers), findings));
    }
    ladder.sort_by(|a, b| b.0.total_cmp(&a.0));
    let top = ladder.first().map_or(0.0, |(gain, _)| *gain);
    let as_good = ladder.iter().take_while(|(gain, _)| top > 0.0 && *gain >= AS_GOOD * top);
    let smallest = as_good.enumerate().min_by_key(|(_, (_, action))| action.containers);
    if let Some(index) = smallest.map(|(index, _)| index) {
        let first = ladder.remove(index);
        ladder.insert(0, first);
    }
    Ok(ladder.into_iter().map(|(_, action)| action).collect())
}

/// One replica more of each of two services that bind almost alike: of one alone would bring nothing.
fn together(app: &Scenario, bounds: Option<&Bounds>, now: Replicas) -> Option<Replicas> {
    let bounds = bounds?;
    let (first, bound) = bounds.binding();
    let (second, _) = bounds.next_binding().filter(|(_, next)| *next < bound * TIE)?;
    let mut deployment = app.deployment();
    for service in [first, second] {
        deployment = deployment.more(resource(service), 1);
    }
    let then = replicas_of(&deployment);
    (then != now).then_some(then)
}

fn resource(service: Service) -> Resource {
    super::causes::stage_of(service).map_or(Resource::Workers, Resource::Station)
}

fn app_with(app: &Scenario, replicas: Replicas) -> Result<Scenario, Impossible> {
    super::scenario::with_replicas(app, replicas)
}

fn words(action: Action, known: &[Known<'_>; 2], now: Replicas, then: Option<Replicas>) -> String {
    let service = |stage: usize| known.get(stage).map(|known| (known, known.seen.service.name()));
    match (action, then) {
        (Action::Add(..), Some(then)) => changes(now, then),
        (Action::Repair(stage), _) => match service(stage) {
            Some((known, name)) if known.stragglers.is_empty() => {
                format!("replace the dead {name}")
            }
            Some((known, _)) => format!("restart {}", known.stragglers.join(" and ")),
            None => String::new(),
        },
        (Action::TakeTurns(stage) | Action::Add(Resource::Station(stage), _), _) => {
            let name = service(stage).map_or("", |(_, name)| name);
            format!("spread requests to {name} in turn, over new connections")
        }
        (Action::Add(Resource::Workers, _), None) => String::new(),
    }
}

/// What will be done, as `rng 1 to 2`.
pub(super) fn changes(from: Replicas, to: Replicas) -> String {
    let changes = [
        ("worker", from.worker, to.worker),
        ("rng", from.rng, to.rng),
        ("hasher", from.hasher, to.hasher),
    ];
    let changes = changes.iter().filter(|(_, from, to)| from != to);
    let words: Vec<_> = changes.map(|(name, from, to)| format!("{name} {from} to {to}")).collect();
    words.join(", ")
}

/// Where the workers are after an action, in a run of the simulation.
fn state(
    app: &Scenario,
    action: &ActionFindings,
    effort: Effort,
) -> Result<PredictedState, Impossible> {
    let replicas = action.replicas.unwrap_or_else(|| replicas_of(&app.deployment()));
    let then = app_with(app, replicas)?;
    let bound = then.bounds().throughput();
    let loops = f64::from(effort.loops.get()).max(10.0 * f64::from(then.workers().get()));
    let window = Window::new(Seconds::new(loops / 2.0 / bound)?, Seconds::new(loops / bound)?)?;
    let outcome = then.simulate(window, effort.seed);
    let think =
        PresentFindings { stage: StageName::Think, present: outcome.thinking, waiting: 0.0 };
    let mut present = vec![think];
    for (stage, outcome) in [StageName::Rng, StageName::Hasher].into_iter().zip(&outcome.stages) {
        let (workers, waiting) = (outcome.queue, outcome.waiting);
        present.push(PresentFindings { stage, present: workers, waiting });
    }
    Ok(PredictedState { replicas, hashes_per_second: action.hashes_per_second, present })
}

/// The next walls, as far as they are within reach.
pub(super) fn walls(
    app: &Scenario,
    most: usize,
    effort: Effort,
) -> Result<Vec<WallFindings>, Impossible> {
    let mut walls = Vec::new();
    let mut here = app.clone();
    while walls.len() < most {
        let Some(mut wall) = here.walls(1, effort)?.pop() else { break };
        let containers = wall.add.iter().fold(0_u32, |sum, (_, more)| sum.saturating_add(*more));
        if containers > OUT_OF_REACH {
            wall.add.clear();
        }
        walls.push(advice::wall(&wall));
        if wall.add.is_empty() {
            break;
        }
        here = beyond(&here, &wall)?;
    }
    Ok(walls)
}

fn beyond(here: &Scenario, wall: &Wall) -> Result<Scenario, Impossible> {
    let then =
        wall.add.iter().fold(wall.deployment.clone(), |then, (kind, more)| then.more(*kind, *more));
    here.deployed(&then)
}
