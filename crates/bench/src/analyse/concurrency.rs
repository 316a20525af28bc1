//! How many requests a replica works on at a time: what it declares, held against what was seen.
//!
//! By Little's law a replica that answers X requests a second, each in service for S seconds, has
//! X·S in service on average. More than it declares means that it serves more. Where nearly every
//! request waits, all places are taken, and X·S is their number, whatever is declared.

use std::num::NonZeroU32;

use super::evidence::ConcurrencyFindings;
use super::seen::{ReplicaSeen, ServiceSeen};
use crate::cluster::Service;

/// In service beyond its places by this factor, a replica serves more than it declares,
const BEYOND: f64 = 1.05;
/// if that is also so many standard errors beyond them.
const BEYOND_CHANCE: f64 = 4.0;
/// The window of each worker begins and ends within its visits: at each replica that makes half a visit
/// more or less, by chance.
const EDGE: f64 = 0.5;
/// Full by the queue, but with fewer in service than places by this factor, it serves fewer.
const SHORT: f64 = 0.85;
/// Requests that wait for this share of a service time on average are a queue where there should be
/// none.
const SOME_WAIT: f64 = 0.1;
/// What is in service counts as whole places up to here.
const WHOLE: f64 = 0.05;
/// Nearly every request: all but this share,
const NEARLY: f64 = 0.1;
/// waits for this share of a service time at least.
const WAITS: f64 = 0.2;
/// Time that is neither queue nor service, as a share of the service time, beyond which the replica
/// itself is late.
const LATE: f64 = 0.2;

/// What limits a replica.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Places {
    /// It does not tell.
    Unknown,
    /// Nothing that was met.
    Unlimited,
    /// So many places.
    Of {
        /// Requests at a time.
        number: NonZeroU32,
        /// How much longer than it says a request keeps its place.
        stretch: f64,
    },
}

/// How the places that were seen differ from those that are declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// Not beyond what measuring explains.
    None,
    /// It serves more at a time.
    More,
    /// It serves fewer at a time.
    Fewer,
    /// It takes longer than it says.
    Late,
}

/// The places of a service's replicas.
#[derive(Debug)]
pub(super) struct Concurrency {
    pub(super) places: Places,
    pub(super) difference: Difference,
    pub(super) findings: ConcurrencyFindings,
}

impl Concurrency {
    /// What a window shows of a service.
    pub(super) fn of(seen: &ServiceSeen<'_>) -> Self {
        let declared = seen.station.and_then(|station| station.concurrency);
        let unlimited = seen.station.is_some_and(|station| station.concurrency.is_none());
        let in_service = in_service(seen);
        let (places, difference) = match (seen.station, in_service) {
            (None, _) => (Places::Unknown, Difference::None),
            (Some(_), None) => (as_declared(declared), Difference::None),
            (Some(_), Some(in_service)) => places(seen, declared, in_service),
        };
        let findings = ConcurrencyFindings {
            declared,
            unlimited,
            seen: in_service.map(|in_service| match difference {
                Difference::Fewer | Difference::Late => in_service.mean,
                _ => in_service.busiest,
            }),
            sentence: sentence(seen, declared, in_service, difference),
        };
        Self { places, difference, findings }
    }
}

/// Requests in service at a replica, on average over time.
#[derive(Clone, Copy)]
struct InService {
    /// At the busiest replica.
    busiest: f64,
    /// Standard error of that, as a share of it.
    error: f64,
    /// Over all that answered.
    mean: f64,
}

fn in_service(seen: &ServiceSeen<'_>) -> Option<InService> {
    let pooled = seen.service_s()?;
    let of = |replica: &ReplicaSeen| replica.per_second * replica.service_s().unwrap_or(pooled);
    let replicas = seen.replicas.values().map(|replica| (of(replica), replica.requests));
    let (busiest, requests) = replicas.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let workers = load::numbers::float(seen.workers());
    let error = EDGE * workers.sqrt() / load::numbers::float(requests.max(1));
    let all: f64 = seen.replicas.values().map(of).sum();
    let answering = u32::try_from(seen.replicas.len()).unwrap_or(u32::MAX);
    Some(InService { busiest, error, mean: all / f64::from(answering) })
}

/// Whether nearly every request waits.
fn is_full(seen: &ServiceSeen<'_>) -> bool {
    let (Some(service_s), Some(queue_us)) = (seen.service_s(), seen.queue.quantile_us(NEARLY))
    else {
        return false;
    };
    load::numbers::float(queue_us) / 1e6 > WAITS * service_s
}

fn as_declared(declared: Option<u32>) -> Places {
    match declared.and_then(NonZeroU32::new) {
        Some(number) => Places::Of { number, stretch: 1.0 },
        None => Places::Unlimited,
    }
}

fn places(
    seen: &ServiceSeen<'_>,
    declared: Option<u32>,
    in_service: InService,
) -> (Places, Difference) {
    let full = is_full(seen);
    let limit = declared.map_or(f64::INFINITY, f64::from);
    let chance = 1.0 + BEYOND_CHANCE * in_service.error;
    if in_service.busiest > chance.max(BEYOND) * limit {
        let places = if full { counted(in_service.mean) } else { Places::Unlimited };
        return (places, Difference::More);
    }
    if in_service.mean > SHORT * limit {
        return (as_declared(declared), Difference::None);
    }
    if let Some(stretch) = late(seen, in_service, full)
        && let Some(number) = declared.and_then(NonZeroU32::new)
    {
        return (Places::Of { number, stretch }, Difference::Late);
    }
    match full {
        true => (counted(in_service.mean), Difference::Fewer),
        false if queues_among_few(seen, limit) => {
            (counted((in_service.busiest - WHOLE).ceil()), Difference::Fewer)
        }
        false => (as_declared(declared), Difference::None),
    }
}

/// How much longer than it says a replica's places are taken, if time is missing at it that is neither
/// queue nor work, and requests wait longer than chance has it without that time. Where nearly all wait its
/// places are full with it, or nearly: less missing time than that is the way there, and places are fewer.
fn late(seen: &ServiceSeen<'_>, in_service: InService, full: bool) -> Option<f64> {
    let (unexplained, service) = (seen.unexplained_s()?, seen.service_s()?);
    let declared = f64::from(seen.station?.concurrency?);
    if unexplained <= LATE * service {
        return None;
    }
    let stretch = 1.0 + unexplained / service;
    let taken = in_service.mean * stretch / declared;
    // At what it says it is busy, requests that come at random wait so long (Pollaczek and Khinchine).
    let busy = in_service.mean / declared;
    let by_chance = busy / (2.0 * (1.0 - busy)) * service;
    let waits = seen.queue.mean_us()? / 1e6 > by_chance.max(WAITS * service);
    let as_taken = waits && (1.0 - LATE / 2.0..1.0 + LATE / 2.0).contains(&taken);
    match (full, as_taken) {
        (true, _) => (taken > SHORT).then(|| declared / in_service.mean),
        (false, true) => Some(stretch),
        (false, false) => None,
    }
}

/// Whether requests queue though all workers together are no more than a replica's places.
fn queues_among_few(seen: &ServiceSeen<'_>, places: f64) -> bool {
    let waits = seen.queue.mean_us().zip(seen.work.mean_us());
    load::numbers::float(seen.workers()) <= places
        && waits.is_some_and(|(queue, work)| queue > SOME_WAIT * work)
}

/// As many places as are taken.
fn counted(in_service: f64) -> Places {
    let number = u32::try_from(load::numbers::whole(in_service.round())).unwrap_or(u32::MAX);
    let number = NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Places::Of { number, stretch: f64::from(number.get()) / in_service }
}

fn sentence(
    seen: &ServiceSeen<'_>,
    declared: Option<u32>,
    in_service: Option<InService>,
    difference: Difference,
) -> String {
    let name = seen.service.name();
    let Some(InService { busiest, mean, .. }) = in_service else {
        return format!("{name} does not tell how long it works on a request");
    };
    let says = match (seen.station, declared) {
        (None, _) => {
            return format!(
                "{name} does not tell how many requests it works on at a time; {busiest:.1} at least"
            );
        }
        (Some(_), None) => "any number".to_owned(),
        (Some(_), Some(number)) => number.to_string(),
    };
    let a = if seen.service == Service::Rng { "an" } else { "a" };
    match difference {
        Difference::None => format!(
            "{a} {name} replica works on {says} at a time, as it says; the busiest worked on \
             {busiest:.1} on average"
        ),
        Difference::More => format!(
            "{a} {name} replica says that it works on {says} at a time, but worked on {busiest:.1} on \
             average: it serves requests side by side"
        ),
        Difference::Fewer => format!(
            "{a} {name} replica says that it works on {says} at a time, but requests waited while it \
             worked on {mean:.1}"
        ),
        Difference::Late => format!(
            "{a} {name} replica says that it works on {says} at a time, but requests waited while it \
             says it worked on {mean:.2}: it is late, as when the processor is short"
        ),
    }
}
