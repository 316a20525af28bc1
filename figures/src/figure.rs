//! Which figures there are, what each needs installed, and the command line that chooses them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::{Parser, ValueEnum};
use service::settings::positive_duration;

use crate::lab::{self, Lab};
use crate::peers::{self, accuracy, live, memory, speed, stall};
use crate::section::Section;
use crate::{capacity, footprint, grid, overhead, queue, share};

/// Makes the figures of docs/benchmarks.md and prints them as Markdown.
///
/// Exit codes: 0 every figure was made, whether or not it reached what is asked; 1 one could not
/// be made; 130 interrupted.
#[derive(Parser, Debug)]
#[command(name = "figures", version)]
pub(crate) struct Arguments {
    /// Figures to make [default: all but those of --peers]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<Name>,
    /// The figures that hold `bench load` and `bench ping` against other tools [make bench-peers]
    #[arg(long, conflicts_with = "names")]
    pub(crate) peers: bool,
    /// List the figures and stop
    #[arg(long)]
    pub(crate) list: bool,
    /// Short windows, few rounds, few cells: to see that it runs, not to publish
    #[arg(long)]
    pub(crate) quick: bool,
    /// Measuring window of `grid` and `queue` [default: 30s, 12s with --quick]
    #[arg(long, value_name = "TIME", value_parser = positive_duration)]
    pub(crate) duration: Option<Duration>,
    /// Directory of bench, rng, hasher, worker, webui and bare [default: this program's]
    #[arg(long, value_name = "DIR")]
    pub(crate) bin_dir: Option<PathBuf>,
}

/// The figures, in the order they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    Grid,
    Queue,
    Overhead,
    Capacity,
    Footprint,
    Share,
    LoadSpeed,
    LoadMemory,
    LoadStall,
    PingAccuracy,
    LiveView,
}

impl Arguments {
    /// The named figures in the order of the page, each once; when none is named, all of the app
    /// or all that need peers.
    pub(crate) fn chosen(&self) -> Vec<Name> {
        let all = Name::value_variants().iter().copied();
        let is_chosen = |name: &Name| match self.names.is_empty() {
            true => name.needs_peers() == self.peers,
            false => self.names.contains(name),
        };
        all.filter(is_chosen).collect()
    }
}

impl Name {
    /// What it shows, in a few words.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Grid => "hashes/s over workers and rng replicas against the bounds",
            Self::Queue => "where ten workers wait at one rng, and what a probe sees of it",
            Self::Overhead => "requests/s of rng and hasher against a bare hyper server",
            Self::Capacity => "hashes/s of one worker process with thousands of virtual workers",
            Self::Footprint => "idle memory, program sizes, time to start",
            Self::Share => "a new rng replica's share, and what a killed one costs",
            Self::LoadSpeed => "CPU and system calls a request of bench load, wrk, oha and hey",
            Self::LoadMemory => "memory of bench load with many connections and many requests",
            Self::LoadStall => "what load generators tell of a server that stops for a while",
            Self::PingAccuracy => "bench ping and httping against a prober in C",
            Self::LiveView => "requests/s of bench load with its view and without",
        }
    }

    /// Programs it needs besides the project's own.
    fn tools(self) -> &'static [&'static str] {
        match self {
            Self::Grid | Self::Footprint | Self::Share => &[],
            Self::Queue => &["httping"],
            Self::Overhead => &["taskset", "wrk"],
            Self::Capacity => &["redis-server"],
            Self::LoadSpeed => &["server", "meter", "wrk", "oha", "hey", "strace", "taskset"],
            Self::LoadMemory | Self::LoadStall => {
                &["server", "meter", "wrk", "oha", "hey", "taskset"]
            }
            Self::PingAccuracy => &["server", "meter", "client", "httping", "taskset"],
            Self::LiveView => &["server", "meter", "script", "taskset"],
        }
    }

    /// Whether it is one of those that hold bench against other tools, which a plain run leaves out.
    fn needs_peers(self) -> bool {
        matches!(
            self,
            Self::LoadSpeed
                | Self::LoadMemory
                | Self::LoadStall
                | Self::PingAccuracy
                | Self::LiveView
        )
    }

    pub(crate) async fn make(self, lab: &Lab) -> anyhow::Result<Section> {
        match self {
            Self::Grid => grid::make(lab).await,
            Self::Queue => queue::make(lab).await,
            Self::Overhead => overhead::make(lab).await,
            Self::Capacity => capacity::make(lab).await,
            Self::Footprint => footprint::make(lab).await,
            Self::Share => share::make(lab).await,
            Self::LoadSpeed => speed::make(lab).await,
            Self::LoadMemory => memory::make(lab).await,
            Self::LoadStall => stall::make(lab).await,
            Self::PingAccuracy => accuracy::make(lab).await,
            Self::LiveView => live::make(lab).await,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.pad(value.as_ref().map_or("?", |value| value.get_name()))
    }
}

/// Refuses to begin when a program is missing, rather than half an hour later.
pub(crate) fn check_tools(names: &[Name], lab: &Lab) -> anyhow::Result<()> {
    let mut missing = Vec::new();
    for name in names.iter().filter(|name| !name.needs_peers()) {
        for tool in name.tools().iter().filter(|tool| !lab::is_installed(tool)) {
            missing.push(format!("{name} needs {tool}, of the Debian package {}", package(tool)));
        }
    }
    let tools = names.iter().filter(|name| name.needs_peers()).flat_map(|name| name.tools());
    let absent: BTreeSet<&str> =
        tools.copied().filter(|tool| !peers::is_installed(lab, tool)).collect();
    if !absent.is_empty() {
        let absent: Vec<&str> = absent.into_iter().collect();
        missing.push(format!("no {}; {}", absent.join(", "), peers::ADVICE));
    }
    match missing.is_empty() {
        true => Ok(()),
        false => bail!("{}", missing.join("; ")),
    }
}

fn package(tool: &str) -> &str {
    match tool {
        "taskset" => "util-linux",
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_made_once_and_in_order() {
        let arguments = Arguments::parse_from(["figures", "share", "grid", "share"]);
        assert_eq!(arguments.chosen(), [Name::Grid, Name::Share]);
        assert_eq!(Arguments::parse_from(["figures"]).chosen().len(), 6);
    }

    #[test]
    fn those_that_need_peers_are_made_when_asked_for() {
        let chosen = |words: &[&str]| Arguments::parse_from(words).chosen();
        assert_eq!(chosen(&["figures", "--peers"]).len(), 5);
        assert_eq!(chosen(&["figures", "live-view"]), [Name::LiveView]);
        assert!(!chosen(&["figures"]).contains(&Name::LoadSpeed));
    }
}
