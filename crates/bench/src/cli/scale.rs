//! What can be typed behind `bench scale`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use observation::Experiment;
use service::settings::positive_duration;

use super::Format;
use super::lists::{ReplicaList, replica_list};
use super::measured::{AppArgs, MeasureArgs};

/// Most runs of a step.
const MOST_RUNS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99);

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
    /// Directory to keep the run in: run.json, samples.ndjson, findings.json; with --verify also
    /// prediction.json
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Measure each step so often, with a restart of all replicas between: what a restart changes no
    /// window shows. With auto three times, and as often as --precision then takes, up to ten
    #[arg(long, value_name = "N|auto", default_value = "1", value_parser = repeat)]
    pub repeat: Repeat,
    /// Then make a stage slower by this, measure again, and say what the rate depends on: think, rng
    /// or hasher; may be given again
    #[arg(long, value_name = "STAGE=+TIME", value_parser = inject, value_delimiter = ',')]
    pub inject: Vec<Experiment>,
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

/// How often each step is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// So often.
    Times(NonZeroUsize),
    /// As often as the precision takes.
    Auto,
}

fn inject(text: &str) -> Result<Experiment, String> {
    let wrong = || String::from("write think, rng or hasher, =+ and a time, as rng=+10ms");
    let (stage, time) = text.split_once('=').ok_or_else(wrong)?;
    let time = positive_duration(time.strip_prefix('+').unwrap_or(time))?;
    let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let mut experiment = Experiment { seconds: 1, ..Experiment::default() };
    match stage {
        "think" => experiment.think_us = us,
        "rng" => experiment.rng_us = us,
        "hasher" => experiment.hasher_us = us,
        _ => return Err(wrong()),
    }
    experiment.check().map_err(|error| error.to_string())?;
    Ok(experiment)
}

fn repeat(text: &str) -> Result<Repeat, String> {
    match text.trim() {
        "auto" => Ok(Repeat::Auto),
        number => match number.parse() {
            Ok(times) if times <= MOST_RUNS => Ok(Repeat::Times(times)),
            _ => Err(format!("must be auto or a whole number from 1 to {MOST_RUNS}")),
        },
    }
}
