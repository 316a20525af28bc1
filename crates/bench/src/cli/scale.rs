//! What can be typed behind `bench scale`.

use std::path::PathBuf;

use clap::Args;

use super::Format;
use super::lists::{ReplicaList, replica_list};
use super::measured::{AppArgs, MeasureArgs};

/// Arguments of `bench scale`.
#[derive(Args, Clone, Debug)]
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
    /// How each is measured.
    #[command(flatten)]
    pub measure: MeasureArgs,
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
    /// On which app.
    #[command(flatten)]
    pub app: AppArgs,
}
