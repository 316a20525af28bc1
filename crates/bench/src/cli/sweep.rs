//! What can be typed behind `bench sweep`.

use std::path::PathBuf;

use clap::Args;

use super::lists::{ReplicaList, replica_list};
use super::measured::{AppArgs, MeasureArgs};
use super::{Spread, StatusFormat};

/// What `bench sweep --help` ends with.
pub const AFTER_HELP: &str = "\
Examples:
  bench sweep --worker 1,2,5,10 --rng 1..5            what the lesson is about, cell by cell
  bench sweep --worker 1..64*2 --rng 1..8 --out grid  a break loses nothing: type it again
  bench sweep --worker 1..10 --rng 1..5 --cluster sim

Exit codes:
  0    done
  2    bad arguments, or another sweep in the directory
  3    a cell has no verdict, or the model and the measurements differ
  4    the cluster refused, or did not settle
  5    an error of bench itself, or results could not be written or printed
  130  interrupted; the cells that were measured are kept with --out";

/// Arguments of `bench sweep`.
#[derive(Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct SweepArgs {
    /// Worker replicas: numbers and ranges, as 1,2,10 or 1..5 or 1..64*2
    #[arg(long, value_name = "LIST", value_parser = replica_list, allow_negative_numbers = true)]
    pub worker: Option<ReplicaList>,
    /// rng replicas, likewise
    #[arg(long, value_name = "LIST", value_parser = replica_list, allow_negative_numbers = true)]
    pub rng: Option<ReplicaList>,
    /// hasher replicas, likewise
    #[arg(long, value_name = "LIST", value_parser = replica_list, allow_negative_numbers = true)]
    pub hasher: Option<ReplicaList>,
    /// How workers spread requests, several one after the other [default: as they do]. The app must
    /// allow experiments
    #[arg(long, value_name = "POLICY[,...]", value_delimiter = ',')]
    pub policy: Vec<Spread>,
    /// Measure every cell, not only those that the model is least sure of
    #[arg(long)]
    pub full: bool,
    /// How each cell is measured.
    #[command(flatten)]
    pub measure: MeasureArgs,
    /// How results are printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: StatusFormat,
    /// Directory to keep the sweep in; where it holds the same sweep unfinished, that goes on
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Leave the replicas of the last cell, in place of those that were there before
    #[arg(long)]
    pub keep: bool,
    /// On which app.
    #[command(flatten)]
    pub app: AppArgs,
}
