//! What can be typed behind every command that measures: on which app, and how.

use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, ValueEnum};
use service::settings::{duration, positive_duration};

use super::{Cli, LocalArgs, OF_A_STACK, StackArgs};
use crate::analyse::RESOLUTION;
use crate::cluster::sim::{SETTINGS, Timed};

/// How a step is measured.
#[derive(Args, Clone, Debug)]
pub struct MeasureArgs {
    /// Measure until the rate is known to this share of itself, 0.2% or more, and for 30 s at least
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = precision)]
    pub precision: f64,
    /// End the window then, however precise it is
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = positive_duration)]
    pub max_duration: Duration,
    /// Measure for this long instead, however precise that is
    #[arg(long, value_name = "TIME", value_parser = positive_duration, allow_hyphen_values = true,
          conflicts_with_all = ["precision", "max_duration"])]
    pub duration: Option<Duration>,
    /// Time between settling and the window [default: two flush periods and ten loops, and until
    /// the app is steady; with --duration 10s]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub warmup: Option<Duration>,
    /// Longest wait for the wanted replicas to serve
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = positive_duration)]
    pub settle_timeout: Duration,
}

/// On which app.
#[derive(Args, Clone, Debug)]
pub struct AppArgs {
    /// Where the app is: by default on the swarm if the engine at hand manages one that runs the
    /// stack, else on this machine
    #[arg(long, value_name = "KIND", conflicts_with_all = ["own", "attach"])]
    pub cluster: Option<AnyKind>,
    /// What a simulated app is like, as KEY=VALUE or, from a time after its start on,
    /// KEY=VALUE@TIME; may be given again
    #[arg(long, value_name = "SETTING", help_heading = "Simulated cluster",
          long_help = simulate())]
    pub simulate: Vec<Timed>,
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

impl AppArgs {
    /// Whether the app is only simulated.
    ///
    /// # Errors
    /// When what is simulated is to be elsewhere, too.
    pub fn is_simulated(&self) -> Result<bool, clap::Error> {
        let elsewhere = self.own
            || self.attach.is_some()
            || self.from_inside
            || self.stack.is_given()
            || self.local.is_given()
            || self.cluster.is_some_and(|kind| kind != AnyKind::Sim);
        let simulated = self.cluster == Some(AnyKind::Sim) || !self.simulate.is_empty();
        match simulated && elsewhere {
            true => Err(Cli::command().error(
                ErrorKind::ArgumentConflict,
                "a simulated app is on no machine and on no swarm, has no ports and no Redis of its \
                 own: leave out --simulate and --cluster sim, or what names such a thing",
            )),
            false => Ok(simulated),
        }
    }
}

/// `1%` or `0.01`.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.trim().strip_suffix('%') {
        Some(number) => (number.trim_end(), 100.0),
        None => (text.trim(), 1.0),
    };
    match number.parse::<f64>().map(|number| number / unit) {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("must be a share above 0 and below 1, as 1% or 0.01".to_owned()),
    }
}

/// The same, but no less than any interval is said to be.
fn precision(text: &str) -> Result<f64, String> {
    match share(text)? {
        share if share < RESOLUTION => Err(format!(
            "no interval is said to be narrower than {} % of the rate",
            100.0 * RESOLUTION
        )),
        share => Ok(share),
    }
}

/// Where an app is that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AnyKind {
    /// On this machine.
    Local,
    /// On a Docker Swarm.
    Swarm,
    /// Nowhere: simulated by this command, faster than time passes.
    Sim,
}

fn simulate() -> String {
    format!(
        "What a simulated app is like, as KEY=VALUE or, from a time after its start on, \
         KEY=VALUE@TIME; may be given again. Keys: {SETTINGS}"
    )
}
