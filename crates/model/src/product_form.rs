//! The exact solution of a closed network with exponential service times, by convolution (Buzen 1973;
//! Reiser and Kobayashi 1975 for several servers). The app's service times are nearly fixed, so this is a
//! lower cross-check of the simulator, not the predictor.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::convolution::{Constants, Factors, mean_customers};
use crate::elasticities::Elasticities;
use crate::network::Network;
use crate::numbers::index;

/// A station in the solution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StationLoad {
    /// Mean workers at it, Q, queueing or in service.
    pub queue: f64,
    /// Mean seconds a loop spends at it, R = Q/X, queueing and in service.
    pub residence_s: f64,
    /// Share of its places that work, X S / m.
    pub utilisation: f64,
}

/// A network's exact solution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductForm {
    /// X in loops per second.
    pub throughput: f64,
    /// Mean workers that think, X Z.
    pub thinking: f64,
    /// The stations, in the network's order.
    pub stations: Vec<StationLoad>,
    /// What X depends on.
    pub elasticities: Elasticities,
}

impl Network {
    /// Solves the network for so many workers.
    ///
    /// Takes some milliseconds for 10,000 workers and stations of 1,000 places; memory is a few
    /// numbers per worker and distinct station.
    #[must_use]
    pub fn solve(&self, workers: NonZeroU32) -> ProductForm {
        let population = index(workers.get());
        // In units in which the slowest station's capacity is 1, so that G stays of moderate size.
        let unit = match self.bounds(workers).throughput() {
            bound if bound.is_finite() => bound,
            _ => 1.0,
        };
        let scaled = Scaled::new(self, unit, population);
        let (constants, queues) = scaled.solve();
        let throughput = constants.throughput(population) * unit;
        let before = constants.throughput(population - 1) * unit;
        let loads = self.stations().iter().zip(&queues).map(|(station, (queue, _))| StationLoad {
            queue: *queue,
            residence_s: queue / throughput,
            utilisation: throughput / station.capacity(),
        });
        // D dG/dD = Q G, hence dlnX/dlnD = Q(N-1) - Q(N): the elasticity is exact, and they sum to
        // N - (N-1) (Williams and Bhandiwad 1976; de Souza e Silva and Muntz 1988).
        let elasticities = Elasticities {
            think: self.think().get() * (throughput - before),
            stations: queues.iter().map(|(now, before)| now - before).collect(),
        };
        ProductForm {
            throughput,
            thinking: throughput * self.think().get(),
            stations: loads.collect(),
            elasticities,
        }
    }
}

/// A network in other units of time, ready to be convolved.
struct Scaled {
    /// Demands of what never queues, added up.
    delay: f64,
    /// The others; `None` for a station without demand.
    stations: Vec<Option<Factors>>,
    population: usize,
}

impl Scaled {
    fn new(network: &Network, unit: f64, population: usize) -> Self {
        let stations = network.stations().iter().map(|station| Factors {
            demand: station.service.get() * unit,
            places: Some(station.places.get()),
        });
        Self {
            delay: network.think().get() * unit,
            stations: stations.map(|station| Some(station).filter(|s| s.demand > 0.0)).collect(),
            population,
        }
    }

    /// Constants of the network, or of all but one of its stations.
    fn without(&self, left_out: Option<usize>) -> Constants {
        let kept = self.stations.iter().enumerate();
        let kept = kept.filter(|(k, _)| Some(*k) != left_out).filter_map(|(_, station)| *station);
        // Who finds a place always has only been delayed.
        let (delays, queues): (Vec<_>, Vec<_>) = kept.partition(|station| {
            station.places.is_none_or(|places| index(places) >= self.population)
        });
        let delay = self.delay + delays.iter().map(|station| station.demand).sum::<f64>();
        let start = Constants::of_delay(delay, self.population);
        queues.into_iter().fold(start, |constants, station| constants.with(station))
    }

    /// Constants of the network, and Q(N) and Q(N-1) of each station. Equal stations are solved once.
    fn solve(&self) -> (Constants, Vec<(f64, f64)>) {
        let mut all = None;
        let mut solved: BTreeMap<(u64, Option<u32>), (f64, f64)> = BTreeMap::new();
        let mut queues = Vec::new();
        for (k, station) in self.stations.iter().enumerate() {
            let Some(station) = station else {
                queues.push((0.0, 0.0));
                continue;
            };
            let key = (station.demand.to_bits(), station.places);
            queues.push(*solved.entry(key).or_insert_with(|| {
                let without = self.without(Some(k));
                all.get_or_insert_with(|| without.with(*station));
                let factors = station.logs(self.population);
                let at = |n| mean_customers(&factors, &without, n);
                (at(self.population), at(self.population - 1))
            }));
        }
        (all.unwrap_or_else(|| self.without(None)), queues)
    }
}

#[cfg(test)]
mod tests;
