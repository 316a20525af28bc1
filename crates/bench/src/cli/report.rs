//! What can be typed behind `bench report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What `bench report --help` ends with.
pub const AFTER_HELP: &str = "\
Examples:
  bench scale --worker 10 --verify --out run; bench report run --format html
  bench report run --format markdown | gh pr comment --body-file -
  bench report run --out page.html

Findings are calculated anew from the run's samples, so that an older run gets what this version of
bench finds; whether a prediction held, and what a sweep predicted, is told as it was found then.

Exit codes:
  0  done
  2  no run in the directory, or one that cannot be read
  5  the report could not be written";

/// Arguments of `bench report`.
#[derive(Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct ReportArgs {
    /// The run: the DIR of a `bench scale --out DIR` or `bench sweep --out DIR` that has ended
    #[arg(value_name = "DIR", required_unless_present = "schema")]
    pub from: Option<PathBuf>,
    /// How it is told [default: by the ending of --out, else table]
    #[arg(long, value_name = "FORMAT", alias = "output")]
    pub format: Option<ReportFormat>,
    /// The file to write, - for standard output [default: DIR/report.html for html, else -]
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the JSON Schema of the format json, which is that of findings.json too
    #[arg(long, conflicts_with_all = ["from", "format"])]
    pub schema: bool,
}

/// How a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One page with its pictures in it, to look at, hang up or print.
    Html,
    /// Tables for a pull request.
    Markdown,
    /// One JSON document.
    Json,
    /// One row for each stage of each step.
    Csv,
    /// For a terminal.
    Table,
}
