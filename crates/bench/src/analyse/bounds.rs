//! What the app can reach at most, and what one replica more would change: X is at most
//! `W / (Z + sum S)`, and at most `m_k / S_k` for each station. For a deterministic app whose replicas
//! are used evenly the smaller bound is also what it does reach.

use load::numbers::float;
use observation::{Latency, Stage, Totals};
use serde::{Deserialize, Serialize};

use super::concurrency::Places;
use super::services::Known;
use crate::cluster::{Replicas, Service};

/// Upper bounds in hashes per second, from the service times seen in the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Bounds {
    /// By the workers: each could do no more if nobody ever waited.
    pub worker: f64,
    /// By rng's service time and places, as its replicas were used; `None` when it has no limit.
    pub rng: Option<f64>,
    /// By hasher's.
    pub hasher: Option<f64>,
}

/// What one replica more would bring.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Next {
    /// The service to give it to.
    pub service: Service,
    /// Its replicas then.
    pub replicas: u32,
    /// Hashes per second at most then.
    pub at_most: f64,
    /// How much more than the bound of now, as a share.
    pub gain: f64,
}

/// What bounds are made of: sums over a stretch of time, which can be added up again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) loops: f64,
    pub(super) loop_us: f64,
    /// In the queues of rng and of hasher; what is not told counts as none.
    pub(super) waited_us: f64,
    pub(super) redis_us: f64,
    /// Answers and their time in service.
    pub(super) rng: (f64, f64),
    pub(super) hasher: (f64, f64),
}

impl Sums {
    /// Of totals.
    pub(super) fn of(totals: &Totals) -> Self {
        let (count, sum) = (
            |stage| float(totals.stages.get(&stage).map_or(0, Latency::count)),
            |stage| float(totals.stages.get(&stage).map_or(0, Latency::sum_us)),
        );
        Self {
            loops: float(totals.loops),
            loop_us: sum(Stage::Loop),
            waited_us: sum(Stage::RngQueue) + sum(Stage::HasherQueue),
            redis_us: sum(Stage::Redis),
            rng: (count(Stage::RngService), sum(Stage::RngService)),
            hasher: (count(Stage::HasherService), sum(Stage::HasherService)),
        }
    }

    /// These and others.
    pub(super) fn plus(self, other: &Self) -> Self {
        Self {
            loops: self.loops + other.loops,
            loop_us: self.loop_us + other.loop_us,
            waited_us: self.waited_us + other.waited_us,
            redis_us: self.redis_us + other.redis_us,
            rng: (self.rng.0 + other.rng.0, self.rng.1 + other.rng.1),
            hasher: (self.hasher.0 + other.hasher.0, self.hasher.1 + other.hasher.1),
        }
    }

    /// What came since earlier sums; `None` when something fell.
    pub(super) fn since(&self, earlier: &Self) -> Option<Self> {
        let less = |(a, b): (f64, f64), (c, d): (f64, f64)| (a - c, b - d);
        let since = Self {
            loops: self.loops - earlier.loops,
            loop_us: self.loop_us - earlier.loop_us,
            waited_us: self.waited_us - earlier.waited_us,
            redis_us: self.redis_us - earlier.redis_us,
            rng: less(self.rng, earlier.rng),
            hasher: less(self.hasher, earlier.hasher),
        };
        let sums = [since.loops, since.loop_us, since.waited_us, since.rng.1, since.hasher.1];
        sums.iter().all(|sum| *sum >= 0.0).then_some(since)
    }

    /// Redis's part of a loop without its waits for rng and hasher.
    pub(super) fn redis_share(&self) -> f64 {
        self.redis_us / (self.loop_us - self.waited_us).max(1.0)
    }
}

/// What the bounds of an app rest on beside its times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limits {
    /// Loops run at a time.
    workers: f64,
    /// Places in use at the limit; `None` where there is none.
    rng: Option<f64>,
    hasher: Option<f64>,
}

impl Limits {
    /// Of what was seen; `None` where a service does not tell enough: a queue nobody tells of could
    /// hide any wait, and a service that does not tell its limit could be the limit, or have none.
    pub(super) fn of([rng, hasher]: &[Known<'_>; 2], workers: u64) -> Option<Self> {
        let tells = |known: &Known<'_>| {
            known.seen.queue.count() > 0 && known.concurrency.places != Places::Unknown
        };
        [rng, hasher].into_iter().all(tells).then(|| Self {
            workers: float(workers),
            rng: rng.places_at_limit(),
            hasher: hasher.places_at_limit(),
        })
    }

    /// The bounds with these times; `None` when no loop was completed.
    pub(super) fn bounds(&self, sums: &Sums) -> Option<Bounds> {
        if sums.loops <= 0.0 || sums.loop_us <= 0.0 {
            return None;
        }
        let unhindered_s = ((sums.loop_us - sums.waited_us) / sums.loops).max(1.0) / 1e6;
        let bound = |places: Option<f64>, (count, sum_us): (f64, f64)| {
            (sum_us > 0.0).then(|| Some(places? * count / (sum_us / 1e6))).flatten()
        };
        Some(Bounds {
            worker: self.workers / unhindered_s,
            rng: bound(self.rng, sums.rng),
            hasher: bound(self.hasher, sums.hasher),
        })
    }
}

impl Bounds {
    /// The smallest bound and whose it is.
    #[must_use]
    pub fn binding(&self) -> (Service, f64) {
        self.ascending().next().unwrap_or((Service::Worker, self.worker))
    }

    /// The second smallest.
    pub(super) fn next_binding(&self) -> Option<(Service, f64)> {
        self.ascending().nth(1)
    }

    /// That of a service; `None` where it has no limit.
    pub(super) fn of(&self, service: Service) -> Option<f64> {
        self.ascending().find(|(of, _)| *of == service).map(|(_, bound)| bound)
    }

    fn ascending(&self) -> impl Iterator<Item = (Service, f64)> + use<> {
        let all = [
            (Service::Worker, Some(self.worker)),
            (Service::Rng, self.rng),
            (Service::Hasher, self.hasher),
        ];
        let mut known: Vec<_> =
            all.into_iter().filter_map(|(s, bound)| Some((s, bound?))).collect();
        known.sort_by(|a, b| a.1.total_cmp(&b.1));
        known.into_iter()
    }

    /// The bounds with one replica more of a service than there are `now`.
    pub(super) fn with_one_more(&self, service: Service, now: Replicas) -> Self {
        let factor = |replicas: u32| f64::from(replicas + 1) / f64::from(replicas.max(1));
        let mut then = *self;
        match service {
            Service::Worker => then.worker *= factor(now.worker),
            Service::Rng => then.rng = then.rng.map(|rng| rng * factor(now.rng)),
            Service::Hasher => then.hasher = then.hasher.map(|rate| rate * factor(now.hasher)),
            Service::Webui => {}
        }
        then
    }

    /// One replica more of each service in turn, the best first.
    pub(super) fn next(&self, now: Replicas) -> Vec<Next> {
        let (_, bound) = self.binding();
        let with = |service, replicas: u32| {
            let at_most = self.with_one_more(service, now).binding().1;
            Next { service, replicas: replicas + 1, at_most, gain: at_most / bound - 1.0 }
        };
        let mut next = vec![
            with(Service::Worker, now.worker),
            with(Service::Rng, now.rng),
            with(Service::Hasher, now.hasher),
        ];
        next.sort_by(|a, b| b.gain.total_cmp(&a.gain));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_bound_binds_and_one_more_replica_lifts_it() {
        let bounds = Bounds { worker: 33.0, rng: Some(10.0), hasher: Some(200.0) };
        assert_eq!(bounds.binding(), (Service::Rng, 10.0));
        let next = bounds.next(Replicas { worker: 10, rng: 1, hasher: 1 });
        assert_eq!((next[0].service, next[0].replicas), (Service::Rng, 2));
        assert!((next[0].at_most - 20.0).abs() < 1e-9 && (next[0].gain - 1.0).abs() < 1e-9);
        assert!(next[1].gain.abs() < 1e-9 && next[2].gain.abs() < 1e-9);
    }

    #[test]
    fn a_station_without_a_limit_never_binds() {
        let bounds = Bounds { worker: 10_000.0, rng: None, hasher: None };
        assert_eq!(bounds.binding(), (Service::Worker, 10_000.0));
    }
}
