//! What every DockerCoins service shares, so that each service is only its own routes: settings
//! from flags and environment, structured logs, serve and drain on bare hyper, limits, replies,
//! the stop signal, and the station that gives a service its service time and concurrency.
//!
//! It must not know any route of a service but `/health`, which all of them answer alike.

mod backoff;
mod body;
pub mod clock;
mod connection;
mod header_watch;
mod health_check;
pub mod hosts;
pub mod injection;
pub mod launch;
pub mod limits;
pub mod logging;
mod outage;
pub mod pause;
pub mod preflight;
mod replica;
pub mod reply;
mod reserve;
mod serve;
pub mod settings;
pub mod station;
pub mod stop;
mod within;

pub use backoff::Backoff;
pub use body::{BodyError, next_chunk};
pub use connection::is_read;
pub use health_check::{HealthError, check_health};
pub use limits::{Limits, RESERVE, RESERVE_TIMEOUT, RETRY_AFTER};
pub use logging::AccessLog;
pub use outage::{Outage, Recovery};
pub use replica::Replica;
pub use reply::{Body, Reply};
pub use reserve::{Reserve, Surplus};
pub use serve::{Drained, Handler, serve, serve_logged};
pub use station::Station;
pub use stop::Stop;

/// A request as a handler gets it: the head is read, the body is still on the wire.
pub type Request = hyper::Request<hyper::body::Incoming>;
