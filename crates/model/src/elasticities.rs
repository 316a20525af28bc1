//! How much throughput depends on each time of a loop. Data only: the product form and the simulator
//! fill it.

use serde::{Deserialize, Serialize};

/// Elasticities e = -dlnX/dlnS: 1 means that a time 1 % shorter brings 1 % more throughput, 0 that it
/// brings nothing. If all times shrink alike, X grows alike, so they sum to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Elasticities {
    /// Of the think time.
    pub think: f64,
    /// Of each station, in the network's order.
    pub stations: Vec<f64>,
}

impl Elasticities {
    /// 1 for an exact solution; how far a measured one is from it says how good it is.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.think + self.stations.iter().sum::<f64>()
    }
}
