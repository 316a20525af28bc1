//! What a network reaches at most, whatever its service times look like: asymptotic bounds
//! (Denning and Buzen 1978, "The Operational Analysis of Queueing Network Models"). A deterministic app
//! whose replicas are used evenly reaches the smaller bound.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::network::Network;
use crate::numbers::round_up;

/// What a network can run short of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// Workers: too few keep no station busy.
    Workers,
    /// A station, or stage, by its place in the loop from 0.
    Station(usize),
}

/// Upper bounds of the throughput in loops per second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bounds {
    /// By the workers, if none ever waited: W / (Z + sum S).
    pub workers: f64,
    /// By each station, if it never idled: m/S; infinite where S is 0.
    pub stations: Vec<f64>,
}

impl Bounds {
    /// What no policy and no distribution exceeds in the long run.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        self.stations.iter().copied().fold(self.workers, f64::min)
    }

    /// What the smallest bound belongs to; a station goes before workers where both are as small,
    /// since more workers would not help then.
    #[must_use]
    pub fn limit(&self) -> Resource {
        let all = self.stations.iter().enumerate().map(|(k, bound)| (Resource::Station(k), *bound));
        let smallest = all.min_by(|a, b| a.1.total_cmp(&b.1));
        let limited = smallest.filter(|(_, bound)| *bound <= self.workers * (1.0 + 1e-9));
        limited.map_or(Resource::Workers, |(limit, _)| limit)
    }
}

impl Network {
    /// The bounds with so many workers.
    #[must_use]
    pub fn bounds(&self, workers: NonZeroU32) -> Bounds {
        Bounds {
            workers: f64::from(workers.get()) / self.unhindered(),
            stations: self.stations().iter().map(super::Station::capacity).collect(),
        }
    }

    /// Workers at which both bounds meet, W* = (Z + sum S) / max(S/m): fewer leave stations idle,
    /// more wait. Infinite when no station takes time.
    #[must_use]
    pub fn knee(&self) -> f64 {
        let capacities = self.stations().iter().map(super::Station::capacity);
        self.unhindered() * capacities.fold(f64::INFINITY, f64::min)
    }

    /// Places that a station needs so as not to limit so many workers, ceil(W S / (Z + sum S)).
    /// `None` when there is no such station.
    #[must_use]
    pub fn places_needed(&self, station: usize, workers: NonZeroU32) -> Option<NonZeroU32> {
        let service = self.stations().get(station)?.service.get();
        Some(round_up(f64::from(workers.get()) * service / self.unhindered()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Seconds, Station};

    fn nominal(rng: u32, hasher: u32) -> Network {
        let station = |name, places| {
            Station::new(name, Seconds::new(0.1).unwrap(), NonZeroU32::new(places).unwrap())
        };
        let stations = vec![station("rng", rng), station("hasher", 20 * hasher)];
        Network::new(Seconds::new(0.1).unwrap(), stations).unwrap()
    }

    fn workers(count: u32) -> NonZeroU32 {
        NonZeroU32::new(count).unwrap()
    }

    #[test]
    fn the_nominal_app() {
        let at = |w, r, h| nominal(r, h).bounds(workers(w)).throughput();
        assert!((at(10, 1, 1) - 10.0).abs() < 1e-12);
        assert!((at(10, 5, 1) - 10.0 / 0.3).abs() < 1e-12);
        assert!((at(100, 50, 1) - 200.0).abs() < 1e-12);
        assert!((nominal(1, 1).knee() - 3.0).abs() < 1e-12);
        assert!((nominal(4, 1).knee() - 12.0).abs() < 1e-12);
    }

    #[test]
    fn what_limits() {
        let limit = |w, r| nominal(r, 1).bounds(workers(w)).limit();
        assert_eq!(limit(1, 1), Resource::Workers);
        assert_eq!(limit(3, 1), Resource::Station(0));
        assert_eq!(limit(10, 3), Resource::Station(0));
        assert_eq!(limit(10, 4), Resource::Workers);
        assert_eq!(limit(100, 50), Resource::Station(1));
    }

    #[test]
    fn four_replicas_saturate_ten_workers() {
        let needed = |w| nominal(1, 1).places_needed(0, workers(w)).unwrap().get();
        assert_eq!([1, 3, 4, 10, 12, 13, 300].map(needed), [1, 1, 2, 4, 4, 5, 100]);
        assert_eq!(nominal(1, 1).places_needed(2, workers(1)), None);
    }
}
