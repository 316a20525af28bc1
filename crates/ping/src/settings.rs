//! What can be typed: httping's flags with their meanings, and those beyond them. What they come to
//! is for [`crate::plan`].

mod output;
mod request;
mod values;
mod way;

use std::time::Duration;

use clap::{ArgAction, Args};

pub use output::{Limits, Output};
pub use request::{Content, Settled};
pub use values::{Average, Bound, Count, Measure, Share, Statuses};
pub use way::{Proxied, Way};

const EXIT_CODES: &str = "\
Exit codes:
  0  every probe was ok
  1  some failed, or there was none, or a measure was above its --fail-above
  2  bad arguments
  3  too few probes were ok to hold a --fail-above against
  5  results or help could not be written, or too few open files or threads
  130  told to stop twice; once ends with the summary
  With --httping-exit: 0 some were ok, 127 none was, 1 bad arguments or no such host. With -n and -N
  those of Nagios.

Times are seconds, or carry a unit: 0.2, 200ms, 1m. Thresholds are milliseconds, or likewise.
Ctrl-C ends with the summary; SIGQUIT shows it and goes on.";

/// Arguments of `bench ping`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(disable_help_flag = true, after_help = EXIT_CODES)]
pub struct Settings {
    /// Where to, and how.
    #[command(flatten)]
    pub way: Way,
    /// When.
    #[command(flatten)]
    pub timing: Timing,
    /// What is asked.
    #[command(flatten)]
    pub settled: Settled,
    /// With which body.
    #[command(flatten)]
    pub content: Content,
    /// What is printed.
    #[command(flatten)]
    pub output: Output,
    /// What is good.
    #[command(flatten)]
    pub limits: Limits,
    /// Print help, as -h without a host does
    #[arg(long, action = ArgAction::Help, help_heading = "Output")]
    pub help: Option<bool>,
}

/// When probes are sent.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Timing")]
pub struct Timing {
    /// Probes to send [default: until Ctrl-C]
    #[arg(short, long, value_name = "N", value_parser = values::count,
          allow_negative_numbers = true)]
    pub count: Option<Count>,
    /// From the start of one probe to that of the next; where one takes longer, the next waits for
    /// the next multiple [default: 1, with -K 0.5]
    #[arg(short, long, value_name = "TIME", value_parser = values::seconds, conflicts_with = "flood",
          allow_hyphen_values = true)]
    pub interval: Option<Duration>,
    /// Send the next probe as soon as there is an answer
    #[arg(short, long)]
    pub flood: bool,
    /// Longest time for a whole probe
    #[arg(short, long, value_name = "TIME", default_value = "30",
          value_parser = values::positive_seconds, allow_hyphen_values = true)]
    pub timeout: Duration,
    /// The interval is always kept so; httping wants to be told.
    #[arg(long = "adaptive-interval", visible_alias = "ai", hide = true)]
    pub adaptive_interval: bool,
}
