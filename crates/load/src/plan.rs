//! What is to be done, with nothing in it that can still be wrong: the command line made into values.

mod arriving;
mod bodies;
mod targets;

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use exchange::{BadHeader, Failure, Prepared, Request, Route, Url};
use rustix::process::{Resource, getrlimit};

use crate::credentials::Unknown;
use crate::schedule::{Arrival, Limits};
use crate::settings::{Output, Settings, Spread};
use crate::words::counted;
pub use arriving::Asked;
use arriving::arrival;
pub(crate) use targets::order;

/// Open files besides connections: output, polls and timers of threads, look-ups.
const OTHER_FILES: u64 = 32;
/// Files of each thread.
const FILES_OF_A_THREAD: u64 = 5;

/// A run to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The ways to servers.
    pub origins: Vec<Route>,
    /// What is asked for; at least one.
    pub targets: Vec<Target>,
    /// How requests arrive.
    pub arrival: Arrival,
    /// The rate of an open loop as it was typed; `None` in a closed loop.
    pub asked: Option<Asked>,
    /// For how long.
    pub limits: Limits,
    /// Connections to each server.
    pub connections: usize,
    /// Requests side by side on each.
    pub streams: usize,
    /// Threads, at most as many as connections.
    pub threads: usize,
    /// Longest time for a request.
    pub timeout: Duration,
    /// Whether connections are kept.
    pub keep: bool,
    /// Whether connections begin with different addresses of a name.
    pub spread: bool,
    /// Which statuses are good.
    pub good: Good,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Which of the ways leads there.
    pub origin: usize,
    /// The URL.
    pub url: Url,
    /// Its share of the requests.
    pub weight: u32,
    /// The request, in variants that take turns; at least one.
    pub variants: Vec<Request>,
}

/// Which statuses are good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Good {
    /// Classes: 2 for 2xx.
    pub classes: Vec<u16>,
    /// Single codes.
    pub codes: Vec<u16>,
}

/// Why the arguments cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No URL.
    #[error("say what to load: a URL such as http://localhost:8001/32, or --target")]
    NoTarget,
    /// What was typed is no URL.
    #[error("{0}")]
    Url(#[from] exchange::BadUrl),
    /// A script for wrk.
    #[error(
        "-s: bench runs no Lua scripts; --method, --header, --body, --body-random and several --target do what most of them are for"
    )]
    Script,
    /// A body that cannot be read.
    #[error("--body-file {}: {source}", path.display())]
    Body {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// More random bytes than are kept in memory.
    #[error("--body-random: at most {0} bytes; use --body-file for more")]
    LargeBody(u64),
    /// More connections than the process may open files.
    #[error(
        "too few open files for {}: {needed} are needed, the limit is {limit}; raise it with `ulimit -n {needed}`{}",
        counted(*.wanted, "connection"),
        .fitting.map_or_else(String::new, |fits| format!(", or use --connections {fits}"))
    )]
    Descriptors {
        /// Connections.
        wanted: u64,
        /// Files.
        needed: u64,
        /// The limit.
        limit: u64,
        /// Connections that fit; `None` where not even one does.
        fitting: Option<NonZeroU64>,
    },
    /// There is no user to log in as.
    #[error("{0}")]
    Unknown(#[from] Unknown),
    /// A header that cannot be sent.
    #[error("-H: {0}")]
    Header(#[from] BadHeader),
    /// Trust that cannot be read.
    #[error("{0}")]
    Trust(Failure),
    /// A search as rows by time.
    #[error(
        "--find-max ends in one rate, which --output csv and ndjson have no rows for: use text or json"
    )]
    RowsOfSearch,
    /// Streams without a connection that is kept.
    #[error(
        "--no-keep-alive and --streams above 1 contradict each other: streams share a connection"
    )]
    StreamsUnkept,
}

impl Good {
    /// Whether this status is.
    #[must_use]
    pub fn has(&self, status: u16) -> bool {
        self.classes.contains(&(status / 100)) || self.codes.contains(&status)
    }
}

impl Plan {
    /// Makes a plan of what was typed. Reads the file of `--body-file`, and asks the system how
    /// many files may be open.
    ///
    /// # Errors
    /// When it cannot be followed, with what to do.
    pub fn new(settings: &Settings) -> Result<Self, Refusal> {
        if settings.output.script.is_some() {
            return Err(Refusal::Script);
        }
        let by_row = matches!(settings.output.format(), Output::Csv | Output::Ndjson);
        if settings.arrival.find_max && by_row {
            return Err(Refusal::RowsOfSearch);
        }
        let (origins, targets) = targets::targets(settings)?;
        let (arrival, limits) = arrival(&settings.arrival, settings.request.timeout);
        let connections = settings.arrival.connections;
        let plan = Self {
            origins,
            targets,
            arrival,
            asked: Asked::of(&settings.arrival),
            limits,
            connections,
            streams: settings.connection.streams,
            threads: threads(settings.arrival.threads, connections),
            timeout: settings.request.timeout,
            keep: !settings.connection.no_keep_alive,
            spread: settings.connection.resolve == Spread::All,
            good: settings.request.ok.clone(),
        };
        if !plan.keep && plan.streams > 1 {
            return Err(Refusal::StreamsUnkept);
        }
        plan.fits(getrlimit(Resource::Nofile).current)?;
        Ok(plan)
    }

    /// Requests as they are sent, each with the way it takes, by target.
    pub(crate) fn requests(
        &self,
        prepare: impl Fn(usize, &Request, &Url) -> Prepared,
    ) -> Vec<(usize, Vec<Prepared>)> {
        let variants = |target: &Target| {
            let prepare = |request| prepare(target.origin, request, &target.url);
            (target.origin, target.variants.iter().map(prepare).collect())
        };
        self.targets.iter().map(variants).collect()
    }

    /// Whether the process may open enough files.
    fn fits(&self, limit: Option<u64>) -> Result<(), Refusal> {
        let Some(limit) = limit else { return Ok(()) };
        let wanted = self.connections as u64;
        let other = OTHER_FILES + FILES_OF_A_THREAD * self.threads as u64;
        let servers = self.origins.len() as u64;
        let needed = wanted * servers + other;
        match needed <= limit {
            true => Ok(()),
            false => {
                let fitting = NonZeroU64::new(limit.saturating_sub(other) / servers);
                Err(Refusal::Descriptors { wanted, needed, limit, fitting })
            }
        }
    }
}

/// Half the cores: the other half is for the server, or the system.
fn threads(asked: Option<usize>, connections: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    asked.unwrap_or((cores / 2).max(1)).min(connections)
}

#[cfg(test)]
mod tests;
