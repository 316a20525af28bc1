//! Measuring from inside the stack's network: bench as a one-off service that reads the app's API
//! there and writes what it reads to its standard output, from where the swarm's logs bring it
//! back. This side reads and writes down; it knows nothing of engines and decides nothing.

pub mod line;
mod reader;

use observation::Observation;
use serde::{Deserialize, Serialize};

use crate::measure::{Counter, PathSample, Stations};

pub use reader::{Inside, run};

/// One thing that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The first of all.
    Hello {
        /// bench's version inside.
        version: String,
    },
    /// The counter.
    Counter(Counter),
    /// All reports without their histograms.
    Brief(Box<Observation>),
    /// All reports.
    Whole(Box<Observation>),
    /// What the stations say of themselves.
    Stations(Stations),
    /// How long the ways to the replicas took.
    Paths(Vec<PathSample>),
    /// webui did not answer, and what it did instead.
    Silent(String),
}
