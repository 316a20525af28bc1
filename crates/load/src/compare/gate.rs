//! `--fail-if-slower`: what the verdicts on all judged numbers come to. What cannot be judged never
//! passes.

use inference::gate::{IfUndecided, Outcome};
use serde::Serialize;

use super::metric::Metric;
use super::verdict::{Reason, Verdict, Which, reason, repetitions, sentence};
use super::{Line, Loaded};
use crate::numbers::{float, share};
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
    /// The slowdown that must be caught, as a share.
    pub limit: f64,
    /// Names of the numbers that are judged.
    pub judged: Vec<&'static str>,
    /// The worst of their verdicts.
    pub outcome: Outcome,
    /// What was to become of an undecided one.
    pub undecided: IfUndecided,
    /// Runs on each side that decide all that is undecided; missing where nothing is, or where no
    /// number of runs would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetitions_needed: Option<u32>,
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

/// More errors than before: by one request or more, had both sides made as many.
fn more_errors(before: &[Loaded], after: &[Loaded]) -> Option<Reason> {
    let sum = |runs: &[Loaded]| {
        runs.iter()
            .map(|run| run.summary.outcomes())
            .fold((0, 0), |(bad, all), (b, a)| (bad + b, all + a))
    };
    let ((bad_before, before), (bad_after, after)) = (sum(before), sum(after));
    let (from, to) = (share(bad_before, before), share(bad_after, after));
    (float(bad_after) >= from * float(after) + 1.0)
        .then_some(Reason::MoreErrors { before: from, after: to })
}

/// What the gate comes to.
pub(super) fn gate(asked: &Asked, lines: &[Line], obstacles: &[Reason]) -> GateFindings {
    let judged = || {
        let lines = lines.iter().filter_map(|line| line.metric.zip(line.verdict.as_ref()));
        lines.filter(|(metric, _)| asked.metrics.contains(metric))
    };
    let by_lines = judged().map(|(_, verdict)| verdict.outcome()).max();
    let of_all = if obstacles.is_empty() { Outcome::Passed } else { Outcome::NotJudged };
    let outcome = by_lines.unwrap_or(Outcome::NotJudged).max(of_all);
    let needed: Vec<Option<u32>> = judged()
        .filter_map(|(_, verdict)| match verdict {
            Verdict::Undecided { repetitions_needed } => Some(*repetitions_needed),
            _ => None,
        })
        .collect();
    let all: Option<Vec<u32>> = needed.iter().copied().collect();
    let repetitions_needed = all.and_then(|all| all.into_iter().max());
    let of = |wanted: Outcome| {
        judged()
            .filter(move |(_, verdict)| verdict.outcome() == wanted)
            .map(|(metric, verdict)| sentence(metric, verdict))
    };
    let limit = crate::words::percent(asked.limit);
    let text = match outcome {
        Outcome::Passed => format!("passed: no slowdown of {limit} or more"),
        Outcome::Failed => {
            format!("failed: {}", of(Outcome::Failed).collect::<Vec<_>>().join("; "))
        }
        Outcome::Undecided => format!("undecided: {}", repetitions(repetitions_needed)),
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
        limit: asked.limit,
        judged: asked.metrics.iter().map(|metric| metric.name()).collect(),
        outcome,
        undecided: asked.undecided,
        repetitions_needed,
        not_judged: obstacles.to_vec(),
        text,
    }
}
