//! Two results beside each other: what changed, and how far that can be believed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::distribution::{Distribution, longer};
use crate::numbers::median;
use crate::summary::{SCHEMA_VERSION, Summary};
use crate::words::{nanoseconds, percent, rate};

/// Two equal runs on a machine that does something else too differ by about this.
const NOISE: f64 = 0.05;

/// A file that is no result of `bench load`.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}; give files written by `bench load --save FILE`", path.display())]
pub struct Unreadable {
    path: PathBuf,
    reason: String,
}

/// A result and its latencies.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The result.
    pub summary: Summary,
    /// Its latencies.
    pub latency: Distribution,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// `compare`.
    pub command: String,
    /// See [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Runs on each side.
    pub runs: [usize; 2],
    /// Line by line.
    pub lines: Vec<Line>,
    /// How often a request after was slower than one before, of all pairs: 0.5 when neither tends
    /// to be.
    pub slower_in_pairs: Option<f64>,
    /// What must be kept in mind.
    pub warnings: Vec<String>,
}

/// One number on both sides: the median of its runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// What it is, as in a result's JSON.
    pub name: String,
    /// Before.
    pub before: Option<f64>,
    /// After.
    pub after: Option<f64>,
    /// The difference as a share of before.
    pub change: Option<f64>,
    /// Whether all runs of one side lie beyond all of the other; with at least two runs each.
    pub apart: Option<bool>,
    /// Whether less is better.
    #[serde(skip)]
    less_is_better: bool,
}

/// Reads a result.
///
/// # Errors
/// When the file is none.
pub fn read(path: &Path) -> Result<Loaded, Unreadable> {
    let unreadable = |reason: String| Unreadable { path: path.to_owned(), reason };
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let summary: Summary =
        serde_json::from_str(&text).map_err(|_| unreadable("not a result".to_owned()))?;
    if summary.schema_version != SCHEMA_VERSION {
        let version = summary.schema_version;
        return Err(unreadable(format!("written by another bench (version {version})")));
    }
    let latency = Distribution::from_blob(&summary.latency.histogram)
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(Loaded { summary, latency })
}

/// Holds two sides against each other; there is at least one run on each.
#[must_use]
pub fn compare(before: &[Loaded], after: &[Loaded]) -> Comparison {
    let line = |name: &str, less_is_better: bool, value: fn(&Summary) -> Option<f64>| {
        let values = |side: &[Loaded]| -> Vec<_> {
            side.iter().filter_map(|run| value(&run.summary)).collect()
        };
        Line::new(name, less_is_better, values(before), values(after))
    };
    let lines = vec![
        line("requests_per_second", false, |s| Some(s.requests_per_second)),
        line("mean_ms", true, |s| s.latency.mean_ms),
        line("p50_ms", true, |s| s.latency.p50_ms),
        line("p90_ms", true, |s| s.latency.p90_ms),
        line("p99_ms", true, |s| s.latency.p99_ms),
        line("p99_9_ms", true, |s| s.latency.p99_9_ms),
        line("errors", true, |s| Some(s.errors)),
    ];
    let sum = |side: &[Loaded]| {
        side.iter().fold(Distribution::default(), |mut sum, run| {
            sum.add(&run.latency);
            sum
        })
    };
    Comparison {
        command: "compare".to_owned(),
        schema_version: SCHEMA_VERSION,
        runs: [before.len(), after.len()],
        lines,
        slower_in_pairs: longer(&sum(before), &sum(after)),
        warnings: warnings(before, after),
    }
}

impl Line {
    fn new(name: &str, less_is_better: bool, mut before: Vec<f64>, mut after: Vec<f64>) -> Self {
        // In order from here on.
        let (from, to) = (median(&mut before), median(&mut after));
        let change = from.zip(to).and_then(|(from, to)| (from > 0.0).then(|| to / from - 1.0));
        let ends = |values: &[f64]| Some((*values.first()?, *values.last()?));
        let apart = match (ends(&before), ends(&after)) {
            (Some((low, high)), Some((lowest, highest))) if before.len() > 1 && after.len() > 1 => {
                Some(lowest > high || highest < low)
            }
            _ => None,
        };
        Self { name: name.to_owned(), before: from, after: to, change, apart, less_is_better }
    }

    /// By which share it became worse; below 0 when better.
    fn worse(&self) -> Option<f64> {
        self.change.map(|change| if self.less_is_better { change } else { -change })
    }
}

impl Comparison {
    /// Whether the rate is lower, or p50, p90 or p99 longer, by more than this share.
    #[must_use]
    pub fn is_slower_by(&self, most: f64) -> bool {
        let counted = ["requests_per_second", "p50_ms", "p90_ms", "p99_ms"];
        let lines = self.lines.iter().filter(|line| counted.contains(&line.name.as_str()));
        lines.filter_map(Line::worse).any(|worse| worse > most)
    }
}

fn warnings(before: &[Loaded], after: &[Loaded]) -> Vec<String> {
    let all = || before.iter().chain(after).map(|run| &run.summary);
    let mut warnings = Vec::new();
    let Some(first) = all().next() else { return warnings };
    let mut differs = |what: &str, same: &dyn Fn(&Summary) -> bool| {
        if !all().all(same) {
            warnings.push(format!("{what} differ: this compares different things"));
        }
    };
    differs("the targets", &|run| run.targets == first.targets);
    differs("the kinds of arrival", &|run| run.arrival == first.arrival);
    differs("the numbers of connections", &|run| {
        run.connections.wanted == first.connections.wanted
    });
    differs("the rates asked for", &|run| match (run.target_per_second, first.target_per_second) {
        (Some(one), Some(other)) => (one - other).abs() <= other * 0.01,
        (one, other) => one.is_some() == other.is_some(),
    });
    if all().any(Summary::generator_was_the_limit) {
        warnings.push("in some runs the generator was the limit, not the server".to_owned());
    }
    if before.len().min(after.len()) < 2 {
        warnings.push(format!(
            "one run on a side tells no spread: a change below about {} may be chance; give several \
             with commas between",
            percent(NOISE)
        ));
    }
    warnings
}

/// The comparison for people.
#[must_use]
pub fn text(comparison: &Comparison) -> String {
    let [before, after] = comparison.runs;
    let mut text = match before.max(after) {
        1 => String::new(),
        _ => format!("medians of {before} and {after} runs\n\n"),
    };
    let _ = writeln!(text, "  {:<12}{:>12}{:>12}{:>10}", "", "before", "after", "change");
    for line in &comparison.lines {
        let (name, shown): (_, fn(f64) -> String) = match line.name.as_str() {
            "requests_per_second" => ("requests/s".to_owned(), rate),
            "errors" => ("errors".to_owned(), percent),
            name => {
                let name = name.trim_end_matches("_ms").replace('_', ".");
                (name, |milliseconds| nanoseconds(milliseconds * 1e6))
            }
        };
        let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), shown);
        let change = line.change.map_or_else(String::new, |c| format!("{:+.1}%", c * 100.0));
        let words = verdict(line);
        let row = format!(
            "  {name:<12}{:>12}{:>12}{change:>10}   {words}",
            cell(line.before),
            cell(line.after)
        );
        let _ = writeln!(text, "{}", row.trim_end());
    }
    if let Some(slower) = comparison.slower_in_pairs {
        let _ = writeln!(
            text,
            "\nOf a request before and one after, the one after is the slower in {} of pairs (50% when \
             nothing changed).",
            percent(slower)
        );
    }
    for warning in &comparison.warnings {
        let _ = write!(text, "\nwarning: {warning}");
    }
    if !comparison.warnings.is_empty() {
        text.push('\n');
    }
    text
}

/// What can be said of a line.
fn verdict(line: &Line) -> &'static str {
    let Some(worse) = line.worse() else { return "" };
    match line.apart {
        Some(false) => "not apart: runs of both sides overlap",
        None if worse.abs() < NOISE => "within what chance does",
        _ if worse > 0.0 => "worse",
        _ if worse < 0.0 => "better",
        _ => "the same",
    }
}

#[cfg(test)]
mod tests;
