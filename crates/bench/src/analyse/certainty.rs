//! How sure a verdict is: how often windows drawn again from this one's seconds bear it out, and what
//! other ways to find the bottleneck say.

use inference::bootstrap::{Drawing, block_length, support};

use super::bounds::{Limits, Sums};
use super::evidence::{Certainty, ElasticityFindings, Method, ReplicaState, Vote};
use super::services::Known;
use super::verdict::{TIE, counted};
use super::{Interval, StageName, StepFindings};
use crate::cluster::Service;
use crate::measure::Samples;

/// Windows drawn: a share of 0.99 is then known to 0.5 %.
const DRAWS: u32 = 400;
const SEED: u64 = 1;
/// A service that is busy to this share is at its limit.
const BUSY: f64 = 0.9;
/// Fewer waiting requests are no queue: a replica that is busy half the time has them,
const A_QUEUE: f64 = 0.5;
/// as are less than this share of the workers.
const OF_WORKERS: f64 = 0.05;

/// The seconds of a window.
pub(super) fn rows(samples: &Samples) -> Vec<Sums> {
    let sums: Vec<Sums> = samples.moments.iter().map(|moment| Sums::of(&moment.totals)).collect();
    // Reports of a worker that is gone expire: then sums fall, and that second is left out.
    sums.windows(2).filter_map(|pair| pair[1].since(&pair[0])).collect()
}

/// How often the verdict, that `service` limits the app, is borne out: that its bound is the
/// smallest or within a few per cent of it, which are named together.
///
/// # Errors
/// When there are too few seconds, in a sentence.
pub(super) fn certainty(
    rows: &[Sums],
    limits: &Limits,
    service: Service,
    votes: Vec<Vote>,
) -> Result<Certainty, String> {
    let refused = |refusal: inference::Refusal| format!("the window holds too little: {refusal}");
    let block = longest_block(rows).map_err(refused)?;
    let drawing = Drawing { draws: DRAWS, block, seed: SEED };
    let binds = |drawn: &[&Sums]| {
        let sums = drawn.iter().fold(Sums::default(), |sums, row| sums.plus(row));
        limits.bounds(&sums).is_some_and(|bounds| {
            let smallest = bounds.binding().1;
            bounds.of(service).is_some_and(|bound| bound <= TIE * smallest)
        })
    };
    let found = support(rows, drawing, binds).map_err(refused)?;
    let inference::Interval { value, low, high } = found.probability;
    let probability = Interval { value, low, high };
    Ok(Certainty { probability, draws: found.draws, block_seconds: found.block, votes })
}

/// The block of whatever remembers longest, of what the bounds are made of.
fn longest_block(rows: &[Sums]) -> Result<f64, inference::Refusal> {
    let parts: [fn(&Sums) -> f64; 5] = [
        |row| row.loops,
        |row| row.loop_us,
        |row| row.waited_us,
        |row| row.rng.1,
        |row| row.hasher.1,
    ];
    parts.iter().try_fold(1.0, |longest: f64, part| {
        let values: Vec<f64> = rows.iter().map(part).collect();
        Ok(longest.max(block_length(&values)?))
    })
}

/// What each way of looking says.
pub(super) fn votes(
    step: &StepFindings,
    known: &[Known<'_>; 2],
    elasticities: Option<&ElasticityFindings>,
) -> Vec<Vote> {
    vec![by_utilisation(step, known), by_queue(step), by_elasticity(step, elasticities)]
}

fn by_utilisation(step: &StepFindings, known: &[Known<'_>; 2]) -> Vote {
    let method = Method::Utilisation;
    let busiest = known.iter().filter_map(|known| {
        let stage = stage(step, known.seen.service)?;
        // Of many that are alike one is the busiest by chance.
        let replicas = known.findings(&[], None).replicas.into_values();
        let apart = replicas.filter(|replica| replica.state != ReplicaState::Typical);
        let most = apart.filter_map(|replica| replica.utilisation);
        Some((known.seen.service, stage.utilisation?.max(most.fold(0.0, f64::max))))
    });
    match busiest.max_by(|a, b| a.1.total_cmp(&b.1)) {
        None => vote(method, Some(Service::Worker), None, "no service has a limit".to_owned()),
        Some((service, busy)) => {
            let (name, percent) = (service.name(), busy * 100.0);
            let (limit, sentence) = match busy >= BUSY {
                true => (service, format!("{name} is the busiest, {percent:.0} %")),
                false => (
                    Service::Worker,
                    format!(
                        "no service is busy to {:.0} %; {name}, the busiest, is to {percent:.0} %",
                        BUSY * 100.0
                    ),
                ),
            };
            vote(method, Some(limit), Some(busy), sentence)
        }
    }
}

fn by_queue(step: &StepFindings) -> Vote {
    let method = Method::QueueLength;
    let queues = [Service::Rng, Service::Hasher].into_iter().filter_map(|service| {
        let stage = stage(step, service)?;
        Some((service, stage.calls_per_second * stage.queue_ms? / 1000.0))
    });
    match queues.max_by(|a, b| a.1.total_cmp(&b.1)) {
        None => {
            vote(method, None, None, "the services do not tell how long requests wait".to_owned())
        }
        Some((service, waiting)) => {
            let least = (OF_WORKERS * load::numbers::float(step.workers)).max(A_QUEUE);
            let limit = if waiting >= least { service } else { Service::Worker };
            let workers = counted(step.workers, "worker");
            let sentence = format!("{waiting:.1} of {workers} queue at {}", service.name());
            vote(method, Some(limit), Some(waiting), sentence)
        }
    }
}

/// What a loop takes without the waits at services, in milliseconds.
pub(super) fn unhindered_ms(step: &StepFindings) -> Option<f64> {
    let services = [Service::Rng, Service::Hasher];
    let waits = services.iter().filter_map(|service| stage(step, *service)?.queue_ms).sum::<f64>();
    step.loop_ms.map(|loop_ms| (loop_ms - waits).max(f64::MIN_POSITIVE))
}

/// An app whose workers set the pace depends on each time by its part of a loop without waits, `d_k`;
/// one whose service k does depends on that alone. In between, `e_k = w_k + w * d_k`, where the weights w of
/// the workers and `w_k` of the services sum to 1: `w = (1 - sum e_k) / (1 - sum d_k)`. Who has most is
/// the limit.
fn by_elasticity(step: &StepFindings, elasticities: Option<&ElasticityFindings>) -> Vote {
    let method = Method::Elasticity;
    let Some(found) = elasticities else {
        return vote(method, None, None, "the app cannot be modelled".to_owned());
    };
    let unhindered = unhindered_ms(step).unwrap_or(f64::MIN_POSITIVE);
    let services = [(Service::Rng, found.rng), (Service::Hasher, found.hasher)];
    let parts = services.map(|(service, elasticity)| {
        let part = stage(step, service).and_then(|stage| stage.service_ms).unwrap_or(0.0);
        (service, elasticity, part / unhindered)
    });
    let rest = |of: fn(&(Service, f64, f64)) -> f64| 1.0 - parts.iter().map(of).sum::<f64>();
    let workers = rest(|part| part.1) / rest(|part| part.2).max(f64::EPSILON);
    let weighed =
        parts.map(|(service, elasticity, part)| (service, elasticity, elasticity - workers * part));
    let [rng, hasher] = weighed;
    let (service, elasticity, weight) = if hasher.2 > rng.2 { hasher } else { rng };
    let limit = if weight > workers { service } else { Service::Worker };
    let sentence =
        format!("if {} took 1 % longer, the rate would fall by {elasticity:.2} %", service.name());
    vote(method, Some(limit), Some(elasticity), sentence)
}

fn vote(method: Method, service: Option<Service>, value: Option<f64>, sentence: String) -> Vote {
    Vote { method, service, value, sentence }
}

fn stage(step: &StepFindings, service: Service) -> Option<&super::StageFindings> {
    let name = match service {
        Service::Rng => StageName::Rng,
        Service::Hasher => StageName::Hasher,
        Service::Worker | Service::Webui => return None,
    };
    step.stages.iter().find(|stage| stage.name == name)
}
