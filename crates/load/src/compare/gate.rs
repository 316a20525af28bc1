//! `--fail-if-slower`: what the verdicts on all judged numbers come to. What cannot be judged never
//! passes.

use inference::gate::{Failures, GateFindings as Findings, IfUndecided, Outcome};
use serde::Serialize;

use super::metric::Metric;
use super::verdict::{Reason, Which, reason, repetitions, sentence};
use super::{Line, Loaded};
use crate::numbers::share;
use crate::settings::Undecided;

/// What is asked of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The slowdown that must be caught, as a share.
    pub limit: f64,
    /// The numbers that are judged.
    pub metrics: Vec<Metric>,
    /// What becomes of it when that is undecided.
    pub undecided: IfUndecided,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateFindings {
    /// The limit and what all verdicts together come to.
    #[serde(flatten)]
    pub found: Findings,
    /// Names of the numbers that are judged.
    pub judged: Vec<&'static str>,
    /// Why the whole is not judged, beside what single numbers lack.
    pub not_judged: Vec<Reason>,
    /// All of it in words.
    pub text: String,
}

impl From<Undecided> for IfUndecided {
    fn from(typed: Undecided) -> Self {
        match typed {
            Undecided::Pass => Self::Pass,
            Undecided::Fail => Self::Fail,
        }
    }
}

/// What keeps both sides from being judged, whatever the numbers are: it concerns all of them.
pub(super) fn obstacles(before: &[Loaded], after: &[Loaded]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for (side, runs) in [(Which::Before, before), (Which::After, after)] {
        if runs.iter().any(|run| run.summary.good == 0) {
            reasons.push(Reason::NoGoodResponse { side });
        }
    }
    reasons.extend(more_errors(before, after));
    if before.iter().chain(after).any(|run| run.summary.generator_was_the_limit()) {
        reasons.push(Reason::GeneratorWasTheLimit);
    }
    reasons
}

/// Whether more requests failed than before, for their number.
fn more_errors(before: &[Loaded], after: &[Loaded]) -> Option<Reason> {
    let sum = |runs: &[Loaded]| {
        runs.iter().map(|run| run.summary.outcomes()).fold(
            Failures { failed: 0, of: 0 },
            |sum, (bad, all)| Failures { failed: sum.failed + bad, of: sum.of + all },
        )
    };
    let (before, after) = (sum(before), sum(after));
    let share = |side: Failures| share(side.failed, side.of);
    Failures::rose(before, after)
        .then(|| Reason::MoreErrors { before: share(before), after: share(after) })
}

/// What the gate comes to.
pub(super) fn gate(asked: &Asked, lines: &[Line], obstacles: &[Reason]) -> GateFindings {
    let judged = || {
        let lines = lines.iter().filter_map(|line| line.metric.zip(line.verdict.as_ref()));
        lines.filter(|(metric, _)| asked.metrics.contains(metric))
    };
    let verdicts = judged().map(|(_, verdict)| verdict);
    let found = Findings::of((asked.limit, asked.undecided), verdicts, !obstacles.is_empty());
    let of = |wanted: Outcome| {
        judged()
            .filter(move |(_, verdict)| verdict.outcome() == wanted)
            .map(|(metric, verdict)| sentence(metric, verdict))
    };
    let limit = crate::words::percent(asked.limit);
    let text = match found.outcome {
        Outcome::Passed => format!("passed: no slowdown of {limit} or more"),
        Outcome::Failed => {
            format!("failed: {}", of(Outcome::Failed).collect::<Vec<_>>().join("; "))
        }
        Outcome::Undecided => format!("undecided: {}", repetitions(found.repetitions_needed)),
        Outcome::NotJudged if obstacles.is_empty() => {
            let reasons = judged().filter_map(|(metric, verdict)| reason(metric, verdict));
            format!("not judged: {}", reasons.collect::<Vec<_>>().join("; "))
        }
        Outcome::NotJudged => {
            let reasons: Vec<_> = obstacles.iter().map(Reason::words).collect();
            format!("not judged: {}", reasons.join("; "))
        }
    };
    GateFindings {
        found,
        judged: asked.metrics.iter().map(|metric| metric.name()).collect(),
        not_judged: obstacles.to_vec(),
        text,
    }
}
