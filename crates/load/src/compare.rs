//! Two results beside each other: what changed, with the interval in which the change lies, and
//! whether a gate passes. Pure but for reading the files.

mod gate;
mod metric;
mod text;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};

use inference::comparison::effect;
use inference::gate::Gate;
use serde::Serialize;

use crate::distribution::{Distribution, longer};
use crate::numbers::median;
use crate::summary::{SCHEMA_VERSION, Summary};

pub use gate::{Asked, GateFindings};
pub use metric::Metric;
pub use text::text;
pub use verdict::{Reason, Verdict, Which};

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
    /// What `--fail-if-slower` comes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateFindings>,
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
    /// The 95 % interval of the change: of several runs by the spread between them, of a single
    /// one by how it varies within itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Change>,
    /// Whether all runs of one side lie beyond all of the other; with at least two runs each.
    pub apart: Option<bool>,
    /// What follows; missing for errors. With a gate it is the gate's verdict, at its levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The verdict in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Which number; none is errors.
    #[serde(skip)]
    metric: Option<Metric>,
}

/// The limits within which a change lies, as shares of before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
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

/// Compares two sides; there is at least one run on each.
#[must_use]
pub fn compare(before: &[Loaded], after: &[Loaded], asked: Option<&Asked>) -> Comparison {
    let obstacles = gate::obstacles(before, after);
    let blind = obstacles.iter().find(|reason| matches!(reason, Reason::NoGoodResponse { .. }));
    let limit = asked.and_then(|asked| Gate::new(asked.limit, asked.metrics.len()).ok());
    let mut lines: Vec<Line> = Metric::ALL
        .into_iter()
        .map(|metric| {
            let of_gate = asked.is_some_and(|asked| asked.metrics.contains(&metric));
            let judged = judged(metric, [before, after], limit.filter(|_| of_gate));
            Line::new(metric, [before, after], blind.map_or(judged, |reason| Err(*reason)))
        })
        .collect();
    let gate = asked.map(|asked| gate::gate(asked, &lines, &obstacles));
    lines.push(Line::of_errors([before, after]));
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
        gate,
        warnings: warnings(before, after),
    }
}

/// The interval of a change and what follows from it, or why there is none.
fn judged(
    metric: Metric,
    [before, after]: [&[Loaded]; 2],
    gate: Option<Gate>,
) -> Result<(Change, Verdict), Reason> {
    let effect = effect(metric.side(before, Which::Before)?, metric.side(after, Which::After)?);
    let quantity = metric.quantity();
    let verdict = match gate {
        Some(gate) => gate.judge(&effect, quantity),
        None => Verdict::without_limit(&effect, quantity),
    };
    Ok((Change { low: effect.ratio.low - 1.0, high: effect.ratio.high - 1.0 }, verdict))
}

impl Line {
    fn new(
        metric: Metric,
        sides: [&[Loaded]; 2],
        judged: Result<(Change, Verdict), Reason>,
    ) -> Self {
        let line = Self::of(metric.name(), sides, |run| metric.of(run));
        let (interval, verdict) = match judged {
            Ok((interval, verdict)) => (Some(interval), verdict),
            Err(reason) => (None, Verdict::NotJudged { reason }),
        };
        let text = Some(verdict::sentence(metric, &verdict));
        Self { interval, verdict: Some(verdict), text, metric: Some(metric), ..line }
    }

    fn of_errors(sides: [&[Loaded]; 2]) -> Self {
        Self::of("errors", sides, |run| Some(run.errors))
    }

    fn of(name: &str, sides: [&[Loaded]; 2], value: impl Fn(&Summary) -> Option<f64>) -> Self {
        let [mut before, mut after] = sides
            .map(|side| side.iter().filter_map(|run| value(&run.summary)).collect::<Vec<f64>>());
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
        Self {
            name: name.to_owned(),
            before: from,
            after: to,
            change,
            interval: None,
            apart,
            verdict: None,
            text: None,
            metric: None,
        }
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
        warnings.push(
            "of a single run the interval covers how it varies within itself, not what another run \
             would change: give several with commas between"
                .to_owned(),
        );
    }
    warnings
}

#[cfg(test)]
mod tests;
