//! What the app can reach at most, and what one replica more would change: X is at most
//! `W / (Z + sum S)`, and at most `m_k / S_k` for each station. For a deterministic app whose replicas
//! are used evenly the smaller bound is also what it does reach.

use load::numbers::float;
use observation::{Latency, Stage, Totals};
use serde::{Deserialize, Serialize};

use crate::cluster::{Replicas, Service};
use crate::measure::{Samples, Station};

/// Upper bounds in hashes per second, from the service times seen in the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Bounds {
    /// By the workers: each could do no more if nobody ever waited.
    pub worker: f64,
    /// By rng's service time and places; `None` when it has no limit.
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

/// The bounds, when the servers say how long they work on a request.
pub(super) fn bounds(totals: &Totals, samples: &Samples, workers: u64) -> Option<Bounds> {
    let latency = |stage: Stage| totals.stages.get(&stage).filter(|l| l.count() > 0);
    let loop_us = latency(Stage::Loop)?.mean_us()?;
    let waiting_us =
        [Stage::RngQueue, Stage::HasherQueue].map(|stage| latency(stage).map(Latency::sum_us));
    // A queue nobody tells of could hide any wait: then nothing can be said.
    let [Some(rng_wait), Some(hasher_wait)] = waiting_us else { return None };
    let waited_us = float(rng_wait + hasher_wait) / float(totals.loops.max(1));
    let unhindered_s = (loop_us - waited_us).max(1.0) / 1e6;
    let capacity = |stage, station: &Station, replicas: u32| {
        let service_s = latency(stage)?.mean_us()? / 1e6;
        let places = f64::from(station.concurrency?) * f64::from(replicas);
        (service_s > 0.0).then(|| places / service_s)
    };
    let replicas = samples.replicas;
    // One that does not tell could be the limit, or have none.
    let (rng, hasher) = (samples.stations.rng.as_ref()?, samples.stations.hasher.as_ref()?);
    Some(Bounds {
        worker: float(workers) / unhindered_s,
        rng: capacity(Stage::RngService, rng, replicas.rng),
        hasher: capacity(Stage::HasherService, hasher, replicas.hasher),
    })
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
