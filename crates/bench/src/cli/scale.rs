//! What can be typed behind `bench scale`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use service::settings::{duration, positive_duration};

use super::{ClusterKind, Format, LocalArgs, OF_A_STACK, ReplicaList, StackArgs, replica_list};

/// Arguments of `bench scale`.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one for each flag that can be given")]
pub struct ScaleArgs {
    /// Worker replicas; a list such as 1,2,10 is measured one after the other
    #[arg(long, value_name = "N[,N...]", value_parser = replica_list,
          allow_negative_numbers = true)]
    pub worker: Option<ReplicaList>,
    /// rng replicas, likewise
    #[arg(long, value_name = "N[,N...]", value_parser = replica_list,
          allow_negative_numbers = true)]
    pub rng: Option<ReplicaList>,
    /// hasher replicas, likewise
    #[arg(long, value_name = "N[,N...]", value_parser = replica_list,
          allow_negative_numbers = true)]
    pub hasher: Option<ReplicaList>,
    /// Length of the measuring window
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = positive_duration,
          allow_hyphen_values = true)]
    pub duration: Duration,
    /// Time between settling and the window
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration,
          allow_hyphen_values = true)]
    pub warmup: Duration,
    /// Longest wait for the wanted replicas to serve
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = positive_duration)]
    pub settle_timeout: Duration,
    /// How results are printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
    /// Directory to keep the run in: run.json, samples.ndjson, findings.json
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Then do what is best next, measure again, and score the prediction; puts that action back
    #[arg(long)]
    pub verify: bool,
    /// Put replica counts back at the end (Ctrl-C does so in any case)
    #[arg(long)]
    pub restore: bool,
    /// Where the app is: by default on the swarm if the engine at hand manages one that runs the
    /// stack, else on this machine
    #[arg(long, value_name = "KIND", conflicts_with_all = ["own", "attach"])]
    pub cluster: Option<ClusterKind>,
    /// Measure from inside the stack's network, where published ports cannot be reached: bench runs
    /// there as one-off services, which it removes at the end
    #[arg(long, conflicts_with_all = ["own", "attach"], help_heading = "Swarm")]
    pub from_inside: bool,
    /// Image of bench for that [default: `bench` in the place of `worker` in the worker's]
    #[arg(long, value_name = "IMAGE", requires = "from_inside", help_heading = "Swarm")]
    pub inside_image: Option<String>,
    /// Which stack, where.
    #[command(flatten)]
    pub stack: StackArgs,
    /// Scale the app of the `bench up` with this process id (needed only when several run)
    #[arg(long, value_name = "PID", conflicts_with = "own", conflicts_with_all = OF_A_STACK)]
    pub attach: Option<u32>,
    /// Start an app of its own even when one runs (choose other ports then)
    #[arg(long, conflicts_with_all = OF_A_STACK)]
    pub own: bool,
    /// Where and how an app of its own runs.
    #[command(flatten)]
    pub local: LocalArgs,
}
