//! worker: loops over rng, hasher and Redis, as many virtual workers as it is told, and keeps
//! account of where each loop's time goes.
//!
//! One way through the code: `settings` → `cycle` (the loop) → `dependency` (which replica, what
//! after a failure) → `connection` (one request) and `ledger` (what Redis is told); `tally` counts, and `health` tells of it over HTTP.
//! `experiment` changes some of the settings for a while, where that is allowed.

mod connection;
mod cycle;
mod dependency;
mod experiment;
mod health;
mod ledger;
mod link;
mod policy;
mod replica;
mod settings;
mod tally;
mod targets;

pub use policy::Policy;
pub use settings::Settings;
pub use targets::{ResolveError, Targets};
