//! The app as the model has it: from what one step measured, or as it is described. Whatever of a
//! loop is neither spent in a station's queue nor in its service is a pure delay.

use std::num::NonZeroU32;

use clap::ValueEnum as _;
use load::numbers::float;
use model::{Distribution, Impossible, Policy, Replica, Scenario, Seconds, Stage};
use observation::{Latency, Stage as Part};

use super::{policies, totals_of_window};
use crate::cli::Spread;
use crate::cluster::Replicas;
use crate::measure::{Samples, Station};

/// Thinking, and the work of rng and of hasher, in the app as it is described.
const NOMINAL_S: f64 = 0.1;
/// Requests a hasher works on at a time there.
const NOMINAL_HASHER: u32 = 20;
/// Places of a station that has no limit: more than a plan has workers.
const NO_LIMIT: u32 = 100_000;

/// Where rng is in a scenario,
pub(super) const RNG: usize = 0;
/// and hasher behind it.
const HASHER: usize = 1;

/// The nominal app with these replicas.
///
/// # Errors
/// Never with replicas that are above 0.
pub fn nominal(replicas: Replicas) -> Result<Scenario, Impossible> {
    let tenth = Distribution::fixed(Seconds::new(NOMINAL_S)?);
    let stage = |name, number, places| {
        let service = tenth.clone();
        Stage::new(name, count(number), Replica { places: count(places), service })
            .with_policy(Policy::RoundRobin)
    };
    let stages =
        vec![stage("rng", replicas.rng, 1), stage("hasher", replicas.hasher, NOMINAL_HASHER)];
    Scenario::new(count(replicas.worker), tenth, stages)
}

/// The app of a measured step.
///
/// # Errors
/// In a sentence, when the step does not tell enough.
pub fn measured(samples: &Samples) -> Result<Scenario, String> {
    let counted = totals_of_window(samples, &mut Vec::new());
    let part = |part: Part| {
        let latency = counted.totals.stages.get(&part).filter(|latency| latency.count() > 0);
        latency.ok_or_else(|| {
            "the services do not tell how long requests wait and how long they work on them"
                .to_owned()
        })
    };
    let mean = |latency: &Latency| latency.mean_us().unwrap_or(0.0) / 1e6;
    let per_loop = |of: Part| Ok::<_, String>(float(part(of)?.sum_us()) / 1e6 / loops(&counted));
    let work = per_loop(Part::RngService)? + per_loop(Part::HasherService)?;
    let waits = per_loop(Part::RngQueue)? + per_loop(Part::HasherQueue)?;
    let delay = (mean(part(Part::Loop)?) - work - waits).max(1e-6);
    let think = part(Part::Think)?;
    let stretched = delay / mean(think).max(1e-6);
    let think = empirical(think)?.scaled(stretched).map_err(|error| error.to_string())?;
    let policy = seen_policy(samples);
    let stage = |name, number, station: &Option<Station>, service| {
        let station = station.as_ref().ok_or_else(|| format!("{name} did not tell its limit"))?;
        let places = count(station.concurrency.unwrap_or(NO_LIMIT));
        let replica = Replica { places, service: empirical(part(service)?)? };
        Ok::<_, String>(Stage::new(name, count(number), replica).with_policy(policy))
    };
    let (stations, replicas) = (&samples.stations, samples.replicas);
    let stages = vec![
        stage("rng", replicas.rng, &stations.rng, Part::RngService)?,
        stage("hasher", replicas.hasher, &stations.hasher, Part::HasherService)?,
    ];
    let workers = u32::try_from(counted.workers).unwrap_or(u32::MAX);
    let each = workers / counted.reporting.max(1);
    let scenario = Scenario::new(count(workers), think, stages).map_err(|e| e.to_string())?;
    Ok(scenario.with_workers_per_process(count(each)))
}

fn loops(counted: &super::Counted) -> f64 {
    float(counted.totals.loops.max(1))
}

/// How most workers say that they spread requests. What has another name, as the original app has
/// none, goes through a service's own name, which takes turns.
fn seen_policy(samples: &Samples) -> Policy {
    let most = policies(samples).into_iter().max_by_key(|(_, workers)| *workers);
    let spread = most.map(|(name, _)| Spread::from_str(&name, true).unwrap_or(Spread::Vip));
    policy(spread.unwrap_or(Spread::RoundRobin))
}

/// The same app with another way to spread requests.
///
/// # Errors
/// Never: the stages stay as they are.
pub fn with_policy(scenario: &Scenario, spread: Spread) -> Result<Scenario, Impossible> {
    let policy = policy(spread);
    [RNG, HASHER].into_iter().try_fold(scenario.clone(), |changed, stage| {
        changed.with_stage(stage, |stage| Ok(stage.with_policy(policy)))
    })
}

fn policy(spread: Spread) -> Policy {
    match spread {
        Spread::RoundRobin => Policy::RoundRobin,
        Spread::Random => Policy::Random,
        Spread::LeastOutstanding => Policy::LeastOutstanding,
        Spread::Vip => Policy::SharedRoundRobin,
    }
}

fn empirical(latency: &Latency) -> Result<Distribution, String> {
    let met = latency.recorded_us().map(|(microseconds, number)| {
        (Seconds::from_nanoseconds(microseconds.saturating_mul(1000)), number)
    });
    let shape = Distribution::empirical(met).map_err(|error| error.to_string())?;
    // The histogram has three digits, the sum is exact.
    let exact = latency.mean_us().unwrap_or(0.0) / 1e6;
    let rough = shape.mean().get();
    match exact > 0.0 && rough > 0.0 {
        true => shape.scaled(exact / rough).map_err(|error| error.to_string()),
        false => Ok(shape),
    }
}

/// At least one.
fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// The same app with other replicas.
///
/// # Errors
/// When only dead replicas would be left, which there are none of here.
pub fn with_replicas(
    scenario: &Scenario,
    Replicas { worker, rng, hasher }: Replicas,
) -> Result<Scenario, Impossible> {
    let mut deployment = scenario.deployment();
    deployment.processes = count(worker);
    deployment.replicas = vec![count(rng), count(hasher)];
    scenario.deployed(&deployment)
}

/// A deployment as replicas.
pub(super) fn replicas_of(deployment: &model::Deployment) -> Replicas {
    let of = |stage: usize| deployment.replicas.get(stage).map_or(1, |number| number.get());
    Replicas { worker: deployment.processes.get(), rng: of(RNG), hasher: of(HASHER) }
}

#[cfg(test)]
mod tests {
    use model::Effort;

    use super::*;
    use crate::analyse::tests::ideal;

    #[test]
    fn a_measured_app_does_in_the_model_what_it_did() {
        for (workers, rng, expected) in [(1, 1, 3.333), (10, 1, 10.0), (10, 5, 33.33)] {
            let scenario = measured(&ideal(workers, rng)).unwrap();
            let predicted = scenario.predict(Effort::default()).unwrap().mean;
            assert!((predicted / expected - 1.0).abs() < 0.01, "{workers}, {rng}: {predicted}");
        }
    }

    #[test]
    fn one_measured_step_predicts_others() {
        let calibrated = measured(&ideal(10, 1)).unwrap();
        for (worker, rng, expected) in [(10, 2, 20.0), (10, 5, 33.33), (50, 5, 50.0), (2, 1, 6.667)]
        {
            let other = with_replicas(&calibrated, Replicas { worker, rng, hasher: 1 }).unwrap();
            let predicted = other.predict(Effort::default()).unwrap().mean;
            assert!((predicted / expected - 1.0).abs() < 0.01, "{worker}, {rng}: {predicted}");
        }
    }

    #[test]
    fn silent_services_cannot_be_modelled() {
        let mut silent = ideal(10, 1);
        silent.stations.rng = None;
        assert!(measured(&silent).unwrap_err().contains("rng did not tell its limit"));
    }
}
