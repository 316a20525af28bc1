//! Two sides of recorded runs: a table, a sentence for each state, and what the gate says.

use std::fmt::Write as _;

use inference::gate::Outcome;

use super::json;
use super::table::{DOUBT, FAINT, GOOD, table};
use super::words::NONE;
use crate::analyse::{Comparison, Found, ReplicasCompared, Shown, Verdict};
use crate::cli::StatusFormat;

const HEAD: [&str; 8] =
    ["worker", "rng", "hasher", "policy", "first", "second", "change", "95 % confidence"];
/// The column that is left out where no policy was set.
const POLICY: usize = 3;

/// All of it, in the format asked for, ending in a newline.
#[must_use]
pub fn render(comparison: &Comparison, format: StatusFormat) -> String {
    match format {
        StatusFormat::Json => json::pretty(comparison),
        StatusFormat::Table => text(comparison),
    }
}

fn text(comparison: &Comparison) -> String {
    let policies = comparison.replicas.iter().any(|one| one.policy.is_some());
    let shown = |(column, cell): (usize, String)| (policies || column != POLICY).then_some(cell);
    let columns = |row: [String; 8]| row.into_iter().enumerate().filter_map(shown).collect();
    let rows = comparison.replicas.iter().map(|one| columns(row(one)));
    let head: Vec<String> = columns(HEAD.map(str::to_owned));
    let mut text = format!("{}\n{FAINT}hashes/s{FAINT:#}\n\n", table(head, rows, 0));
    for one in &comparison.replicas {
        let good = matches!(one.outcome, Found::Tie | Found::More);
        let style = if good && one.too_slow != Some(Shown::Yes) { GOOD } else { DOUBT };
        let _ = writeln!(text, "{style}{}{style:#}", sentence(one, comparison));
    }
    for left_out in &comparison.left_out {
        let _ = writeln!(text, "{DOUBT}left out: {left_out}{DOUBT:#}");
    }
    if let Some(gate) = &comparison.gate {
        let style = if gate.found.outcome == Outcome::Passed { GOOD } else { DOUBT };
        let percent = gate.found.limit * 100.0;
        let _ = writeln!(text, "{style}--fail-if-slower {percent} %: {}{style:#}", gate.text);
    }
    if comparison.replicas.iter().any(|one| one.runs.contains(&1)) {
        let _ = writeln!(
            text,
            "{FAINT}Of a single run the interval covers how it varies within itself, not what a \
             restart\nchanges: measure several (--repeat).{FAINT:#}"
        );
    }
    text
}

fn row(one: &ReplicasCompared) -> [String; 8] {
    let [first, second] = one.hashes_per_second;
    [
        one.replicas.worker.to_string(),
        one.replicas.rng.to_string(),
        one.replicas.hasher.to_string(),
        one.policy.clone().unwrap_or_else(|| NONE.to_owned()),
        format!("{first:.2}"),
        format!("{second:.2}"),
        percent(one.change.value),
        format!("{} to {}", percent(one.change.low), percent(one.change.high)),
    ]
}

fn sentence(one: &ReplicasCompared, comparison: &Comparison) -> String {
    let margin = comparison.margins.equal * 100.0;
    let outcome = match one.outcome {
        Found::Tie => format!("a tie: they are within {margin} % of each other"),
        Found::More => "the second is faster".to_owned(),
        Found::Less => "the second is slower".to_owned(),
        Found::Open => format!(
            "no significant difference, but not shown to be within {margin} % of each other; measure \
             for longer, or several times (--repeat)"
        ),
    };
    let allowed = comparison.margins.slower.unwrap_or(0.0) * 100.0;
    let gate = match &one.verdict {
        None => String::new(),
        Some(Verdict::Slower) => format!("; slower, and {allowed} % is not ruled out"),
        Some(Verdict::SlowerWithinLimit) => format!("; slower by less than {allowed} %"),
        Some(Verdict::Faster | Verdict::NoSignificantDifference) => {
            format!("; a slowdown of {allowed} % is ruled out")
        }
        Some(Verdict::Undecided { .. }) => {
            format!("; whether it is slower by {allowed} % is undecided")
        }
        Some(Verdict::NotJudged { reason }) => format!("; not judged: {}", reason.words()),
    };
    format!(
        "{}: {outcome}{gate}.",
        crate::analyse::compare::named(one.replicas, one.policy.as_deref())
    )
}

/// `+3.0 %`.
pub(super) fn percent(share: f64) -> String {
    // Not -0.0 of what is rounded to nothing.
    format!("{:+.1} %", (share * 1000.0).round() / 10.0 + 0.0)
}
