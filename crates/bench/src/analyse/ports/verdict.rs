//! Where requests queue, or why that cannot be said. It decides; `report` has the words.

use load::numbers::float;
use serde::{Deserialize, Serialize};

use super::queue::{ENOUGH, Queue, QueueFindings};
use crate::cluster::Service;
use crate::measure::{PortSamples, PortsSeen};

/// Nothing is concluded where a larger share of a path's probes failed: the slowest may be missing.
const A_GAP: f64 = 0.05;
/// A worker of the original counts every 1.2 s: where nothing is counted in twice that, no worker works.
const IDLE_US: u64 = 2_400_000;

/// Where requests queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PortsVerdict {
    /// At this service; of several, the one with the longest wait.
    Queue {
        /// The service.
        service: String,
        /// Requests that wait, over all replicas, on average; where that is known.
        waiting: Option<f64>,
    },
    /// At none of the services that could be judged.
    NoQueue,
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NoVerdict {
    /// More than 5 % of the probes of a path failed, and the slowest responses may be the missing ones.
    Failing {
        /// The service.
        service: String,
        /// The path, as `GET /32`.
        request: String,
        /// Probes without a good response.
        failed: u64,
        /// Probes made.
        probes: u64,
        /// The most frequent failure.
        failure: String,
    },
    /// No path has enough responses.
    TooFew {
        /// How many are enough.
        needed: usize,
    },
    /// Of no service it is known how long its work takes.
    Unjudged,
    /// The waits at a service may be a queue, or noise.
    Undecided {
        /// The service.
        service: String,
    },
    /// No worker made a hash meanwhile, so that nothing could queue.
    Idle,
}

/// Where requests queue, if that can be said.
pub(super) fn verdict(
    seen: &PortsSeen,
    services: &[QueueFindings],
) -> Result<PortsVerdict, NoVerdict> {
    if let Some(failing) = seen.ports.iter().find_map(failing) {
        return Err(failing);
    }
    if services.is_empty() {
        return Err(NoVerdict::TooFew { needed: ENOUGH });
    }
    let with = |queue: Queue| services.iter().filter(move |service| service.queue == queue);
    if let Some(longest) =
        with(Queue::Shown).max_by(|one, other| one.queue_ms.total_cmp(&other.queue_ms))
    {
        let QueueFindings { service, waiting, .. } = longest.clone();
        return Ok(PortsVerdict::Queue { service, waiting });
    }
    if services.iter().all(|service| service.queue == Queue::Unjudged) {
        return Err(NoVerdict::Unjudged);
    }
    if is_idle(seen) {
        return Err(NoVerdict::Idle);
    }
    match with(Queue::Undecided).next() {
        Some(undecided) => Err(NoVerdict::Undecided { service: undecided.service.clone() }),
        None => Ok(PortsVerdict::NoQueue),
    }
}

fn failing(probed: &PortSamples) -> Option<NoVerdict> {
    let PortSamples { port, probes, failures, .. } = probed;
    let failed: u64 = failures.values().sum();
    let (failure, _) = failures.iter().max_by_key(|(_, count)| **count)?;
    (float(failed) > A_GAP * float(*probes)).then(|| NoVerdict::Failing {
        service: port.service.clone(),
        request: port.request(),
        failed,
        probes: *probes,
        failure: failure.clone(),
    })
}

/// Whether no worker works: there is none, or nothing was counted for long enough.
fn is_idle(seen: &PortsSeen) -> bool {
    let none_is_wanted = seen.replicas.get(Service::Worker.name()) == Some(&0);
    let stands_still = seen.counted.is_some_and(|[first, last]| {
        first.hashes == last.hashes && last.now_us.saturating_sub(first.now_us) >= IDLE_US
    });
    none_is_wanted || stands_still
}
