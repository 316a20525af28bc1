//! What can be typed: commands and flags, their help, and nothing of what they do.

pub mod advice;
pub mod compare;
pub mod lists;
pub mod logs;
pub mod measured;
pub mod redis;
pub mod report;
pub mod scale;
pub mod sweep;

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use exchange::{BadUrl, Url};
use service::settings::positive_duration;

use crate::cluster::Service;
pub use advice::{AdviceArgs, Spread};
pub use compare::CompareArgs;
pub use lists::ReplicaList;
pub use logs::LoggedService;
pub use measured::{AnyKind, AppArgs, MeasureArgs};
pub use redis::RedisArgs;
pub use report::{ReportArgs, ReportFormat};
pub use scale::{Repeat, ScaleArgs};
pub use sweep::SweepArgs;

/// Most replicas of one service on one machine.
pub const MOST_REPLICAS: u32 = 500;

/// Environment variable that names the node whose ways are probed.
pub const PATHS_FROM: &str = "BENCH_PATHS_FROM";

/// Runs DockerCoins, scales it, measures it, and says what holds it back.
#[derive(Parser, Clone, Debug)]
#[command(name = "bench", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    shown to be slower, a threshold was missed, or what was probed or loaded gave no good
       response
  2    bad arguments
  3    inconclusive: the verdict is withheld or undecided, there is not enough data, or what was
       asked for could not be tried
  4    the cluster refused, or did not settle
  5    an error of bench itself, results or help could not be written, or too few open files or
       threads
  130  interrupted";

/// The commands.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Start the app on this machine and show its logs; Ctrl-C takes all of it down
    Up(UpArgs),
    /// Set replicas, wait until they really serve, measure, and say what holds the app back
    Scale(Box<ScaleArgs>),
    /// Measure a grid of replicas, as much of it as the model needs, and show where they balance
    Sweep(Box<SweepArgs>),
    /// Say how many containers a rate takes, or what to do with more of them
    Plan(AdviceArgs),
    /// Tell a recorded run as a page, for a pull request, or as data
    Report(ReportArgs),
    /// Probe one URL again and again, as httping does, timed in phases
    Ping(Box<ping::settings::Settings>),
    /// Probe every published port of the app at once, and say where requests queue
    Probe(Box<ProbeArgs>),
    /// Load a URL, at a rate or as fast as answers come, and say how long they took
    #[command(after_help = load::settings::AFTER_HELP)]
    Load(Box<load::settings::Settings>),
    /// Compare recorded runs, or results of `bench load`
    Compare(CompareArgs),
    /// Show a stack's nodes, services, replicas and published ports
    Status(StatusArgs),
    /// Read the app inside its network; what `bench scale --from-inside` runs there
    #[command(hide = true)]
    Inside(InsideArgs),
}

/// Arguments of `bench up`.
#[derive(Args, Clone, Debug)]
pub struct UpArgs {
    /// Worker replicas
    #[arg(long, value_name = "N", default_value = "1", value_parser = replicas,
          allow_negative_numbers = true)]
    pub worker: u32,
    /// rng replicas
    #[arg(long, value_name = "N", default_value = "1", value_parser = replicas,
          allow_negative_numbers = true)]
    pub rng: u32,
    /// hasher replicas
    #[arg(long, value_name = "N", default_value = "1", value_parser = replicas,
          allow_negative_numbers = true)]
    pub hasher: u32,
    /// Log more of these services: rng and hasher, each request; worker, its work each second also
    /// where several run; all, or none. A list, or given again
    #[arg(long, value_name = "SERVICE", value_delimiter = ',', hide_possible_values = true)]
    pub logs: Vec<LoggedService>,
    /// Where and how the app runs.
    #[command(flatten)]
    pub local: LocalArgs,
}

/// Arguments of `bench probe`.
#[derive(Args, Clone, Debug)]
pub struct ProbeArgs {
    /// Probes of each path; 0 for no end but Ctrl-C
    #[arg(short, long, value_name = "N", default_value = "10")]
    pub count: u64,
    /// From one probe of a path to the next, on average: each comes at a random moment of its
    /// interval
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = positive_duration)]
    pub interval: Duration,
    /// Longest wait for an answer
    #[arg(short, long, value_name = "TIME", default_value = "10s", value_parser = positive_duration)]
    pub timeout: Duration,
    /// Probe this in place of the app, by the name that stands before it; may be given again
    #[arg(long, value_name = "[NAME=]URL", value_parser = named_url)]
    pub url: Vec<(String, Url)>,
    /// Exit with 1 when the median of a path, or of that service's paths, is longer, with 3 when
    /// one cannot be compared; may be given again
    #[arg(long, value_name = "[SERVICE=]TIME", value_parser = threshold)]
    pub fail_above: Vec<Threshold>,
    /// How results are printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: StatusFormat,
    /// Where the app is: by default on the swarm if the engine at hand manages one that runs the
    /// stack, else on this machine
    #[arg(long, value_name = "KIND", conflicts_with = "url")]
    pub cluster: Option<ClusterKind>,
    /// Probe the app of the `bench up` with this process id (needed only when several run)
    #[arg(long, value_name = "PID", conflicts_with = "url", conflicts_with_all = OF_A_STACK)]
    pub attach: Option<u32>,
    /// Which stack, where.
    #[command(flatten)]
    pub stack: StackArgs,
}

/// The longest median that passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Of one service's paths; `None` for all.
    pub service: Option<String>,
    /// The time.
    pub at_most: Duration,
}

/// Flags that name a stack, and so contradict those that name an app of this machine.
const OF_A_STACK: [&str; 5] = ["stack", "service", "host", "engine", "context"];

/// The stack that is looked for unless another is named.
pub const DEFAULT_STACK: &str = "dockercoins";

/// Arguments of `bench status`.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// Name of the stack [default: dockercoins]
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// Which engine.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: StatusFormat,
}

/// Arguments of `bench inside`.
#[derive(Args, Clone, Debug)]
pub struct InsideArgs {
    /// Name of webui's service
    #[arg(long, value_name = "NAME", default_value = "webui")]
    pub webui: String,
    /// Name of rng's service
    #[arg(long, value_name = "NAME", default_value = "rng")]
    pub rng: String,
    /// Name of hasher's service
    #[arg(long, value_name = "NAME", default_value = "hasher")]
    pub hasher: String,
    /// Probe the ways to the replicas from this node instead
    // By environment too, since there, unlike in arguments, a swarm fills in the node's name.
    #[arg(long, value_name = "NODE", env = PATHS_FROM)]
    pub paths_from: Option<String>,
}

/// Which stack of which swarm, and how it is reached.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Swarm")]
pub struct StackArgs {
    /// Name of the stack [default: dockercoins]
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// A service that goes by another name: worker, rng, hasher or webui, and the swarm's name for
    /// it; may be given for each
    #[arg(long, value_name = "SERVICE=NAME", value_parser = named_service)]
    pub service: Vec<(Service, String)>,
    /// Host or address at which published ports are reached [default: those of the nodes]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Which engine.
    #[command(flatten)]
    pub engine: EngineArgs,
}

impl StackArgs {
    /// Whether any of it was typed.
    #[must_use]
    pub fn is_given(&self) -> bool {
        let Self { stack, service, host, engine: EngineArgs { engine, context } } = self;
        let named = [stack, host, engine, context].into_iter().any(Option::is_some);
        named || !service.is_empty()
    }
}

/// Which engine to talk to.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Swarm")]
pub struct EngineArgs {
    /// The Docker engine, as `unix:///PATH` or `tcp://HOST:PORT` [default: `DOCKER_HOST`, or the
    /// docker context in use]
    #[arg(long, value_name = "ADDRESS", conflicts_with = "context")]
    pub engine: Option<String>,
    /// The docker context to use
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

/// Where and how an app runs on this machine.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Local cluster")]
pub struct LocalArgs {
    /// Port webui is published on; 0 for any free one
    #[arg(long, value_name = "PORT", default_value = "8000")]
    pub webui_port: u16,
    /// Port rng is published on
    #[arg(long, value_name = "PORT", default_value = "8001")]
    pub rng_port: u16,
    /// Port hasher is published on
    #[arg(long, value_name = "PORT", default_value = "8002")]
    pub hasher_port: u16,
    /// Address the ports are published on
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Which Redis it uses.
    #[command(flatten)]
    pub redis: RedisArgs,
    /// Connections to each published port at a time; one more is answered 503, /health excepted
    /// [default: what the open-file limit leaves, at most 20000]
    #[arg(long, value_name = "N")]
    pub max_connections: Option<NonZeroU32>,
    /// End a connection to a published port on which no byte moved for this long while no request
    /// was under way; a pipelined one, or one whose response pauses, does not count
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = positive_duration)]
    pub idle_timeout: Duration,
}

/// How long a connection to a published port may be idle by default.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

impl LocalArgs {
    /// Whether any of it is other than it is by itself.
    #[must_use]
    pub fn is_given(&self) -> bool {
        let Self { webui_port, rng_port, hasher_port, bind, redis, max_connections, idle_timeout } =
            self;
        let ports = (*webui_port, *rng_port, *hasher_port) != (8000, 8001, 8002);
        let limits = max_connections.is_some() || *idle_timeout != IDLE_TIMEOUT;
        ports || limits || *bind != IpAddr::from(Ipv4Addr::LOCALHOST) || redis.is_typed()
    }
}

/// Where an app is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClusterKind {
    /// On this machine.
    Local,
    /// On a Docker Swarm.
    Swarm,
}

/// How a status is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    /// For people.
    Table,
    /// One JSON document.
    Json,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One row for each stage of each step.
    Csv,
    /// Tables for a pull request or a page.
    Markdown,
}

fn replicas(text: &str) -> Result<u32, String> {
    match text.trim().parse() {
        Ok(count) if count <= MOST_REPLICAS => Ok(count),
        Ok(_) => Err(format!("at most {MOST_REPLICAS} replicas of a service on one machine")),
        Err(_) => Err(format!("must be a whole number from 0 to {MOST_REPLICAS}")),
    }
}

fn named_service(text: &str) -> Result<(Service, String), String> {
    let services = [Service::Worker, Service::Rng, Service::Hasher, Service::Webui];
    let wrong = || String::from("write worker, rng, hasher or webui, = and the service's name");
    let (service, name) = text.split_once('=').ok_or_else(wrong)?;
    let service = services.into_iter().find(|known| known.name() == service);
    match name.is_empty() {
        true => Err(wrong()),
        false => Ok((service.ok_or_else(wrong)?, name.to_owned())),
    }
}

fn named_url(text: &str) -> Result<(String, Url), String> {
    let (name, url) = match text.split_once('=') {
        // Not the `=` of a query.
        Some((name, url)) if !name.contains(['/', ':', '?']) && !name.is_empty() => (name, url),
        _ => ("", text),
    };
    let url: Url = url.parse().map_err(|error: BadUrl| error.to_string())?;
    let name = if name.is_empty() { url.authority() } else { name.to_owned() };
    Ok((name, url))
}

fn threshold(text: &str) -> Result<Threshold, String> {
    let (service, time) = match text.split_once('=') {
        Some((service, time)) => (Some(service.to_owned()), time),
        None => (None, text),
    };
    Ok(Threshold { service, at_most: positive_duration(time)? })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
