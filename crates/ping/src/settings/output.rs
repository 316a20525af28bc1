//! What is printed, and what counts as good.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{self, Average, Bound, Statuses};

/// What is printed.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that may or may not be given")]
pub struct Output {
    /// Show the status of each answer
    #[arg(short = 's', long)]
    pub show_statuscodes: bool,
    /// Split each time: resolve + connect (+ TLS) + send + wait + receive
    #[arg(short = 'S', long)]
    pub split_time: bool,
    /// Show how fast the body came
    #[arg(short = 'b', long)]
    pub show_transfer_speed: bool,
    /// Show the size of the body
    #[arg(short = 'X', long)]
    pub show_kb: bool,
    /// Write sizes of a million and more with M, G
    #[arg(long)]
    pub abbreviate: bool,
    /// Show the fingerprint of the server's certificate
    #[arg(short = 'z', long)]
    pub show_fingerprint: bool,
    /// Put the time before each line; with -v the date, with -vv seconds since 1970
    #[arg(long = "timestamp", visible_alias = "ts")]
    pub timestamp: bool,
    /// Show also which replica answered, its own times, and the standard deviation
    #[arg(short = 'v', long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Show the median in the round-trip line
    #[arg(long)]
    pub median: bool,
    /// Show what each so many seconds came to
    #[arg(long, alias = "aggregates", value_name = "S[,S...]", value_delimiter = ',',
          value_parser = values::positive_seconds)]
    pub aggregate: Vec<Duration>,
    /// Use colours
    #[arg(short = 'Y', long)]
    pub colors: bool,
    /// Ring the bell with each probe that was ok
    #[arg(short = 'a', long)]
    pub audible_ping: bool,
    /// Print nothing; the exit code tells
    #[arg(short = 'q', long, group = "format")]
    pub quiet: bool,
    /// Print the time in ms and nothing else, -1 for what is not ok
    #[arg(short = 'm', long, group = "format")]
    pub parseable_output: bool,
    /// Print httping's JSON: all values are strings
    #[arg(short = 'M', group = "format")]
    pub httping_json: bool,
    /// Print one JSON document: every probe, then the summary
    #[arg(long, group = "format")]
    pub json: bool,
    /// Draw a graph in the terminal; q ends, h halts it
    #[arg(short = 'K', long = "gui", visible_alias = "ncurses", group = "format")]
    pub gui: bool,
    /// Highest value of that graph's axis, in ms; higher ones are cut off
    #[arg(long, value_name = "MS", value_parser = values::milliseconds, requires = "gui")]
    pub graph_limit: Option<Duration>,
    /// Probes that take so long are listed below that graph, in ms
    #[arg(long, value_name = "MS", value_parser = values::milliseconds, requires = "gui")]
    pub slow_log: Option<Duration>,
    /// Write the distribution of times: .hgrm as HdrHistogram's plotter reads it, .hdr as its V2
    /// encoding in base64
    #[arg(long, value_name = "FILE")]
    pub histogram: Option<PathBuf>,
}

/// What counts as good.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Thresholds")]
pub struct Limits {
    /// Statuses that are ok, such as 2xx,3xx or 200,404 [default: all but 5xx]
    #[arg(short = 'o', long, visible_alias = "ok-result-codes", value_name = "LIST")]
    pub ok: Option<Statuses>,
    /// What -m prints for what is not ok
    #[arg(
        short = 'e',
        long,
        value_name = "TEXT",
        default_value = "-1",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub result_string: String,
    /// Exit with 1 when a measure is above this; may be given more than once: avg, max, jitter,
    /// p50, p99.9 and so on
    #[arg(long, value_name = "MEASURE=TIME")]
    pub fail_above: Vec<Bound>,
    /// From where on times are red, in ms
    #[arg(long, alias = "offset-red", value_name = "MS", value_parser = values::milliseconds)]
    pub threshold_red: Option<Duration>,
    /// From where on times are yellow, in ms
    #[arg(long, alias = "offset-yellow", value_name = "MS", value_parser = values::milliseconds)]
    pub threshold_yellow: Option<Duration>,
    /// Show only probes that take longer, or fail, in ms
    #[arg(long, alias = "offset-show", value_name = "MS", value_parser = values::milliseconds)]
    pub threshold_show: Option<Duration>,
    /// One line for Nagios: exit with 1 when the average reaches the first, with 2 when it reaches
    /// the second, in ms
    #[arg(short = 'n', long, value_name = "WARN,CRIT", group = "format")]
    pub nagios_mode_1: Option<Average>,
    /// One line for Nagios: exit with N when anything fails
    #[arg(short = 'N', long, value_name = "N", group = "format")]
    pub nagios_mode_2: Option<u8>,
    /// Exit as httping does: 0 when any probe was ok, 127 when none was
    #[arg(long)]
    pub httping_exit: bool,
}
