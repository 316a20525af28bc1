//! What a command is doing, as events for whoever shows them. No text is written here.

use std::time::Duration;

use observation::Experiment;

use crate::analyse::CellFindings;
use crate::cluster::Replicas;
use crate::cluster::local::Event;

/// Something to show while a command runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Which cluster, and why that one.
    Cluster(String),
    /// A step begins.
    Step {
        /// Its place, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// The replicas asked for.
        replicas: Replicas,
    },
    /// Waiting for the replicas; what is missing.
    Settling(String),
    /// Waiting for the app to be in its stride.
    WarmingUp {
        /// How long still.
        left: Duration,
    },
    /// The window is open.
    Measuring {
        /// For how long it has been.
        elapsed: Duration,
        /// How long it will be, as far as that is known.
        until: Option<Duration>,
        /// Half-width of the estimate's interval so far, as a share of it.
        reached: Option<f64>,
        /// The estimate so far.
        hashes_per_second: Option<f64>,
    },
    /// The app is changed for an experiment.
    Injecting(Experiment),
    /// A cell of a grid was measured.
    Cell(Box<CellFindings>),
    /// What the best next action will bring, before it is done.
    Predicted(String),
    /// Something happened in the cluster.
    Happened(Event),
}
