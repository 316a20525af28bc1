//! The figures that hold `bench load` and `bench ping` against other tools of their kind. What they
//! share is here: the server they are all pointed at, what a run costs, and the order of rounds.
//! They are made only when asked for: they need tools that nothing else here does.

pub(crate) mod accuracy;
mod client;
pub(crate) mod live;
pub(crate) mod memory;
mod meter;
mod pace;
mod read;
mod rounds;
mod server;
pub(crate) mod speed;
pub(crate) mod stall;
mod tools;

use anyhow::bail;

pub(crate) use tools::{ADVICE, is_installed};

/// The core of the server. A client has the other one, so that neither takes time from the other.
const SERVER_CORE: &str = "0";
const CLIENT_CORE: &str = "1";
const MEGABYTE: f64 = 1e6;

/// Refuses a machine on which server and client would share a core.
fn check_cores() -> anyhow::Result<()> {
    match std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
        1 => bail!("needs two cores, one for the server and one for the client"),
        _ => Ok(()),
    }
}
