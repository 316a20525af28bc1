//! What can be typed behind `bench compare`.

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _};
use load::settings::CompareSettings;

use super::Cli;
use super::measured::share;

/// What `bench compare --help` ends with.
pub const AFTER_HELP: &str = "\
Examples:
  bench scale --worker 10 --out a; bench scale --worker 10 --rng 2 --out b; bench compare a b
  bench scale --repeat 10 --out a; ... --out b; bench compare a b --fail-if-slower 3%
  bench compare before.json after.json                  of bench load --save

Exit codes:
  0  compared; with --fail-if-slower, a slowdown of that share is ruled out (98 % confidence)
  1  shown to be slower (98 % confidence), and a slowdown of --fail-if-slower is not ruled out
  2  bad arguments, or something that is no result
  3  inconclusive: undecided (says how many runs would decide; --undecided pass or fail),
     too few samples, absent data, more errors than before, the load generator was the limit,
     or nothing to compare
  5  the comparison could not be printed";

/// Arguments of `bench compare`.
#[derive(Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct CompareArgs {
    /// What is compared.
    #[command(flatten)]
    pub sides: CompareSettings,
    /// Of runs: rates within this share of each other are a tie [default: 1%]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub margin: Option<f64>,
}

impl CompareArgs {
    /// Whether both sides are directories of runs; otherwise they are files of loads.
    ///
    /// # Errors
    /// When they are some of each, or a margin is given for loads.
    pub fn are_runs(&self) -> Result<bool, clap::Error> {
        let mut paths = self.sides.before.iter().chain(&self.sides.after);
        let folders = paths.clone().filter(|path| path.is_dir()).count();
        let wrong = |why: &str| Err(Cli::command().error(ErrorKind::ArgumentConflict, why));
        let missing = paths.clone().find(|path| !path.exists());
        match folders {
            0 if self.margin.is_some() => wrong("--margin is for directories of recorded runs"),
            0 => Ok(false),
            _ if paths.all(|path| path.is_dir()) => Ok(true),
            _ => match missing {
                Some(path) => wrong(&format!("{}: no such file or directory", path.display())),
                None => wrong("compare recorded runs with recorded runs, or loads with loads"),
            },
        }
    }
}
