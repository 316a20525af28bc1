//! What throughput a closed network of workers, stations and delays reaches, and what to change to
//! reach more: bounds, the exact product form, an event simulator. Pure: no clock, no network, no
//! printing; the same input and seed give the same answer.
//!
//! W workers loop: each thinks for Z, then visits each station. Throughput X is in loops per second, times
//! are in seconds, utilisations are shares of 1.
//!
//! ```
//! use std::num::NonZeroU32;
//! use model::{Distribution, Effort, Policy, Replica, Scenario, Seconds, Stage};
//!
//! # fn main() -> Result<(), model::Impossible> {
//! let count = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
//! let tenth = Distribution::fixed(Seconds::new(0.1)?);
//! // In place of fixed times: Distribution::empirical with what was measured.
//! let replica = |places| Replica { places: count(places), service: tenth.clone() };
//! let rng = Stage::new("rng", count(1), replica(1)).with_policy(Policy::SharedRoundRobin);
//! let hasher = Stage::new("hasher", count(1), replica(20));
//! let app = Scenario::new(count(10), tenth.clone(), vec![rng, hasher])?;
//!
//! assert!((app.predict(Effort::default())?.mean - 10.0).abs() < 0.01);
//! let best = &app.actions(Effort::default())?[0];
//! assert!((best.per_container - 10.0).abs() < 0.01, "one more rng");
//! # Ok(())
//! # }
//! ```

mod actions;
mod bounds;
mod capacity;
mod convolution;
mod critical_path;
mod deployment;
mod distribution;
mod elasticities;
mod impossible;
mod network;
mod numbers;
mod plan;
mod prediction;
mod product_form;
mod reduction;
mod scenario;
mod simulation;
#[cfg(test)]
mod testing;
mod usl;

pub use actions::{Action, Forecast, Wall};
pub use bounds::{Bounds, Resource};
pub use deployment::Deployment;
pub use distribution::Distribution;
pub use elasticities::Elasticities;
pub use impossible::Impossible;
pub use network::{Network, SHORTEST_LOOP, Seconds, Station};
pub use plan::Plan;
pub use prediction::{Effort, Estimate, SimulatedElasticities};
pub use product_form::{ProductForm, StationLoad};
pub use scenario::{Policy, Replica, Scenario, Stage};
pub use simulation::{
    Observer, Outcome, ReplicaOutcome, Running, StageOutcome, Visit, Window, simulated_loops,
};
pub use usl::{Usl, UslPoint};
