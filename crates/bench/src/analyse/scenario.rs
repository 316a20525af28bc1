//! The app as the model has it: from what one step measured, or as it is described. Whatever of a
//! loop is neither spent in a station's queue nor in its service is a pure delay.

use std::num::NonZeroU32;

use clap::ValueEnum as _;
use model::{Distribution, Impossible, Policy, Replica, Scenario, Seconds, Stage};
use observation::{Latency, Stage as Part};

use super::concurrency::Places;
use super::policies;
use super::seen::Seen;
use super::services::{Known, known};
use crate::cli::Spread;
use crate::cluster::Replicas;
use crate::measure::Samples;

/// Thinking, and the work of rng and of hasher, in the app as it is described.
pub(super) const NOMINAL_S: f64 = 0.1;
/// Requests a hasher works on at a time there.
pub(super) const NOMINAL_HASHER: u32 = 20;
/// Places of a station that has no limit: more than a plan has workers.
const NO_LIMIT: u32 = 100_000;

/// Mean times this close are of the same replicas.
const APART: f64 = 0.05;

/// Where rng is in a scenario,
pub(super) const RNG: usize = 0;
/// and hasher behind it.
pub(super) const HASHER: usize = 1;

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
    let seen = Seen::of(samples, &mut Vec::new());
    scenario(&seen, &known(&seen, declared_policy(samples)))
}

/// The app as it was seen: its times, its places, its stragglers, and how requests were spread.
pub(super) fn scenario(seen: &Seen<'_>, known: &[Known<'_>; 2]) -> Result<Scenario, String> {
    let part = |part: Part| {
        let latency = seen.counted.totals.stages.get(&part).filter(|latency| latency.count() > 0);
        latency.ok_or_else(|| {
            "the services do not tell how long requests wait and how long they work on them"
                .to_owned()
        })
    };
    let mean = |latency: &Latency| latency.mean_us().unwrap_or(0.0) / 1e6;
    part(Part::RngQueue).and(part(Part::HasherQueue))?;
    let [rng, hasher] = known;
    let (think, _) = (part(Part::Think)?, part(Part::Loop)?);
    let stretched = delay_s(seen, known) / mean(think).max(1e-6);
    let think = empirical(think)?.scaled(stretched).map_err(|error| error.to_string())?;
    let stages =
        vec![stage(rng, part(Part::RngService)?)?, stage(hasher, part(Part::HasherService)?)?];
    let workers = u32::try_from(seen.counted.workers).unwrap_or(u32::MAX);
    let each = workers / seen.counted.reporting.max(1);
    let scenario = Scenario::new(count(workers), think, stages).map_err(|e| e.to_string())?;
    Ok(scenario.with_workers_per_process(count(each)))
}

/// Pure delay of a loop: what is neither in a queue nor in service, in seconds.
pub(super) fn delay_s(seen: &Seen<'_>, [rng, hasher]: &[Known<'_>; 2]) -> f64 {
    let work = seen.per_loop_s(Part::RngService) * stretch(rng)
        + seen.per_loop_s(Part::HasherService) * stretch(hasher);
    let waits = seen.per_loop_s(Part::RngQueue) + seen.per_loop_s(Part::HasherQueue);
    (seen.per_loop_s(Part::Loop) - work - waits).max(1e-6)
}

/// How much longer than it says a service's places are taken.
fn stretch(known: &Known<'_>) -> f64 {
    match known.concurrency.places {
        Places::Of { stretch, .. } => stretch,
        Places::Unknown | Places::Unlimited => 1.0,
    }
}

/// A service with its stragglers, and with its dead. The first replicas are those that answered.
fn stage(known: &Known<'_>, work: &Latency) -> Result<Stage, String> {
    let seen = known.seen;
    let name = seen.service.name();
    let places = match known.concurrency.places {
        Places::Unknown => return Err(format!("{name} did not tell its limit")),
        Places::Unlimited => count(NO_LIMIT),
        Places::Of { number, .. } => number,
    };
    let impossible = |error: Impossible| error.to_string();
    let scaled = |shape: Distribution, to_s: f64| {
        let factor = to_s / shape.mean().get().max(f64::MIN_POSITIVE) * stretch(known);
        shape.scaled(factor).map_err(impossible)
    };
    let pooled = seen.service_s().unwrap_or(0.0);
    let typical_s = known.others_service_s(pooled);
    let (fast, slow) = split(work, known)?;
    let replica = |service| Replica { places, service };
    // A service that takes no time has nothing to scale.
    let typical = if pooled > 0.0 { scaled(fast, typical_s)? } else { fast };
    let mut stage =
        Stage::new(name, count(seen.count()), replica(typical)).with_policy(known.policy);
    for (index, (who, times)) in (0..).zip(&seen.replicas) {
        if known.stragglers.contains(&who.as_str()) {
            let service = scaled(slow.clone(), times.service_s().unwrap_or(typical_s))?;
            stage = stage.with_exception(index, Some(replica(service))).map_err(impossible)?;
        }
    }
    let dead = if seen.is_dead() { known.asked()..seen.count() } else { 0..0 };
    dead.into_iter()
        .try_fold(stage, |stage, index| stage.with_exception(index, None))
        .map_err(impossible)
}

/// The shapes of the service times of typical replicas and of stragglers. Where the longest times
/// are those of the stragglers, as their means say, they are told apart by that; else both have the
/// shape of all.
fn split(work: &Latency, known: &Known<'_>) -> Result<(Distribution, Distribution), String> {
    let all = empirical(work)?;
    let answers = |name: &&str| known.seen.replicas.get(*name).map_or(0, |r| r.requests);
    let slow: u64 = known.stragglers.iter().map(answers).sum();
    let total: u64 = work.recorded_us().map(|(_, times)| times).sum();
    if slow == 0 || slow >= total {
        return Ok((all.clone(), all));
    }
    let mut left = total - slow;
    let (mut short, mut long) = (Vec::new(), Vec::new());
    for (microseconds, times) in work.recorded_us() {
        let time = Seconds::from_nanoseconds(microseconds.saturating_mul(1000));
        let of_typical = times.min(left);
        left -= of_typical;
        short.push((time, of_typical));
        long.push((time, times - of_typical));
    }
    let parts = [short, long].map(Distribution::empirical);
    let [Ok(short), Ok(long)] = parts else { return Ok((all.clone(), all)) };
    let typical_s = known.others_service_s(all.mean().get());
    match (short.mean().get() / typical_s - 1.0).abs() < APART {
        true => Ok((short, long)),
        false => Ok((all.clone(), all)),
    }
}

/// How most workers say that they spread requests. What has another name, as the original app has
/// none, goes through a service's own name, which takes turns.
pub(super) fn declared_policy(samples: &Samples) -> Policy {
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
