//! worker: loops over rng, hasher and Redis, as many virtual workers as it is told, and keeps
//! account of where each loop's time goes.
//!
//! One way through the code: `settings` → `cycle` (the loop) → `dependency` (which replica, what
//! after a failure) → `connection` (one request) and `ledger` (what is
//! written to Redis, with `account` for what Redis is known to have, `flush` for the transaction and `exchange` for the replies); `tally`
//! counts, and `health` reports it over HTTP.
//! `experiment` changes some of the settings for a while, where that is allowed.

mod account;
mod coins;
mod connection;
mod cycle;
mod dependency;
mod exchange;
mod experiment;
mod flush;
mod health;
mod ledger;
mod link;
mod policy;
mod replica;
mod settings;
mod tally;
mod targets;
mod work_log;

pub use policy::Policy;
pub use settings::Settings;
pub use targets::{ResolveError, Targets};
