//! Waits until a scaled app really serves: the wanted replicas run, each worker has completed a
//! loop, each rng and hasher replica has answered one, and nobody else is left.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use observation::{Counts, Observation};
use tokio::time::Instant;

use crate::cluster::{Cluster, Replicas, Service, Status};
use crate::failure::Failure;
use crate::measure::{App, WorkerCounts};

const LOOK_PERIOD: Duration = Duration::from_millis(50);

/// What is known when replicas are asked for; progress is what changes from there.
#[derive(Debug, Default)]
struct Baseline {
    workers: WorkerCounts,
    rng: Counts,
    hasher: Counts,
}

/// Scales to `replicas` and waits until they serve; `watch` hears what is still missing. Says how
/// long it took.
///
/// # Errors
/// When the replicas do not serve within `timeout`, or the cluster is gone.
pub async fn settle(
    cluster: &mut Cluster,
    app: &mut App,
    replicas: Replicas,
    timeout: Duration,
    watch: &mut impl FnMut(&str),
) -> Result<Duration, Failure> {
    let begin = Instant::now();
    // Nothing to compare with yet while webui is still starting: then nothing has served yet.
    let baseline = app.workers().await.map(Baseline::from).unwrap_or_default();
    cluster.scale(replicas).await?;
    loop {
        let status = cluster.status().await?;
        let missing = match unsettled(&status) {
            Some(missing) => Some(missing),
            None => match app.workers().await {
                Ok((workers, seen)) => not_served(&status, &baseline, &workers, &seen),
                Err(error) => Some(format!("webui does not answer: {error}")),
            },
        };
        let Some(missing) = missing else {
            return Ok(begin.elapsed());
        };
        watch(&missing);
        if begin.elapsed() > timeout {
            return Err(Failure::NotSettled { after: timeout, missing });
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}

impl From<(WorkerCounts, Observation)> for Baseline {
    fn from((workers, seen): (WorkerCounts, Observation)) -> Self {
        Self { workers, rng: seen.merged.rng_replicas, hasher: seen.merged.hasher_replicas }
    }
}

/// Which services do not have exactly the wanted replicas.
fn unsettled(status: &Status) -> Option<String> {
    let unsettled = status.services.iter().filter(|service| !service.is_settled());
    let words = unsettled.map(|service| {
        let name = service.service.name();
        let leaving = match service.leaving {
            0 => String::new(),
            leaving => format!(", {leaving} leaving"),
        };
        let restarts = match service.restarts {
            0 => String::new(),
            restarts => format!(", {restarts} restarts"),
        };
        format!("{name} {}/{} ready{leaving}{restarts}", service.ready.len(), service.wanted)
    });
    non_empty(words)
}

/// Which replicas have not done anything since they were asked for.
fn not_served(
    status: &Status,
    baseline: &Baseline,
    workers: &WorkerCounts,
    seen: &Observation,
) -> Option<String> {
    let wanted = status.replicas();
    if wanted.worker == 0 || wanted.rng == 0 || wanted.hasher == 0 {
        return None; // nothing can be served
    }
    let advanced = workers.iter().filter(|(id, count)| {
        let before = baseline.workers.get(*id);
        count.loops > 0 && before.is_none_or(|before| count.at_us > before.at_us)
    });
    let counting = advanced.count();
    let mut words = Vec::new();
    if counting < wanted.worker as usize {
        words.push(format!("worker {counting}/{} counting", wanted.worker));
    }
    let sides = [
        (Service::Rng, &baseline.rng, &seen.merged.rng_replicas),
        (Service::Hasher, &baseline.hasher, &seen.merged.hasher_replicas),
    ];
    for (service, before, now) in sides {
        let served = served_since(before, now);
        let Some(status) = status.service(service) else { continue };
        let serving = status.ready.iter().filter(|name| served.contains(name.as_str())).count();
        if serving < status.ready.len() {
            words.push(format!("{} {serving}/{} serving", service.name(), status.ready.len()));
        }
    }
    non_empty(words.into_iter())
}

fn served_since<'a>(before: &Counts, now: &'a BTreeMap<String, u64>) -> BTreeSet<&'a str> {
    let more = now.iter().filter(|(name, count)| **count > before.get(*name).copied().unwrap_or(0));
    more.map(|(name, _)| name.as_str()).collect()
}

fn non_empty(words: impl Iterator<Item = String>) -> Option<String> {
    let joined = words.collect::<Vec<_>>().join("; ");
    (!joined.is_empty()).then_some(joined)
}
