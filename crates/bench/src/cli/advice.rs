//! What can be typed behind `bench plan`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::StatusFormat;

/// What `bench plan --help` ends with.
pub const AFTER_HELP: &str = "\
Examples:
  bench plan --target 40                    what 40 hashes/s take
  bench plan --budget 6 --worker 10         what to do with six more containers
  bench scale --worker 10 --out run; bench plan --target 40 --from run

Exit codes:
  0    there is a plan
  2    bad arguments, or no run in the directory
  3    no number of containers reaches the rate, or the run does not tell enough
  5    an error of bench itself, or the plan could not be printed
  130  interrupted";

/// Arguments of `bench plan`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("question").required(true), after_help = AFTER_HELP)]
pub struct AdviceArgs {
    /// The fewest containers for this rate, in hashes per second
    #[arg(long, value_name = "RATE", group = "question", value_parser = rate)]
    pub target: Option<f64>,
    /// The best use of so many more containers
    #[arg(long, value_name = "N", group = "question", value_parser = containers)]
    pub budget: Option<u32>,
    /// The app as `bench scale --out DIR` measured it in its last step [default: the nominal app]
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// Workers there are [default: those of the run, else 1]
    #[arg(long, value_name = "N", value_parser = containers)]
    pub worker: Option<u32>,
    /// rng replicas there are, likewise
    #[arg(long, value_name = "N", value_parser = containers)]
    pub rng: Option<u32>,
    /// hasher replicas there are, likewise
    #[arg(long, value_name = "N", value_parser = containers)]
    pub hasher: Option<u32>,
    /// How workers spread requests over rng and hasher [default: as in the run, else round-robin]
    #[arg(long, value_name = "POLICY")]
    pub policy: Option<Spread>,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: StatusFormat,
}

/// How workers spread requests over replicas, by the names the worker has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Spread {
    /// Each in turn.
    RoundRobin,
    /// Any, equally likely.
    Random,
    /// The one with the fewest requests of the same worker under way.
    LeastOutstanding,
    /// A new connection for each request, in turn for all workers together.
    Vip,
}

impl Spread {
    /// The name that the worker has for it.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Most containers of a plan.
const MOST: u32 = 100_000;

fn containers(text: &str) -> Result<u32, String> {
    match text.trim().parse() {
        Ok(count @ 1..=MOST) => Ok(count),
        _ => Err("must be a whole number from 1 to 100,000".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("must be a number of hashes per second above 0".to_owned()),
    }
}
