//! Why something is not judged, typed; and all verdicts in words. Nothing reads the words again.

use serde::Serialize;

use super::metric::Metric;
use crate::words::{count, percent};

/// A side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The first.
    Before,
    /// The second.
    After,
}

/// Why something is not judged, and so does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// No response of a side, or of one of its runs, was good.
    NoGoodResponse {
        /// Which side.
        side: Which,
    },
    /// A run has fewer values than a percentile needs.
    TooFewSamples {
        /// Which side.
        side: Which,
        /// Values that are needed.
        needed: u64,
        /// Values there are.
        there: u64,
    },
    /// A side has no such number.
    Absent {
        /// Which side.
        side: Which,
    },
    /// A single run that is too short, or was recorded by an older version: how it varies within
    /// itself is not known.
    NoInterval {
        /// Which side.
        side: Which,
    },
    /// A greater share of requests failed than before: what failed is missing among the latencies.
    MoreErrors {
        /// Share before.
        before: f64,
        /// Share after.
        after: f64,
    },
    /// In some runs the generator was the limit: nothing follows for the server.
    GeneratorWasTheLimit,
}

/// The verdict on a number.
pub type Verdict = inference::gate::Verdict<Reason>;

impl Which {
    fn words(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

impl Reason {
    /// In a clause.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::NoGoodResponse { side } => format!("no response was good {}", side.words()),
            Self::TooFewSamples { side, needed, there } => {
                format!(
                    "{} needs {} responses, a run has {}",
                    side.words(),
                    count(*needed),
                    count(*there)
                )
            }
            Self::Absent { side } => format!("nothing was measured {}", side.words()),
            Self::NoInterval { side } => format!(
                "the one run {} is too short to show how it varies: give several with commas \
                 between, or a longer one",
                side.words()
            ),
            Self::MoreErrors { before, after } => format!(
                "more requests failed than before: {} instead of {}",
                percent(*after),
                percent(*before)
            ),
            Self::GeneratorWasTheLimit => {
                "in some runs the generator was the limit, not the server".to_owned()
            }
        }
    }
}

/// A verdict in one or two words, for a cell.
pub(super) fn cell(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Slower => "slower",
        Verdict::SlowerWithinLimit => "within limit",
        Verdict::Faster => "faster",
        Verdict::NoSignificantDifference => "not significant",
        Verdict::Undecided { .. } => "undecided",
        Verdict::NotJudged { .. } => "not judged",
    }
}

/// A verdict in a sentence without its end.
pub(super) fn sentence(metric: Metric, verdict: &Verdict) -> String {
    let title = metric.title();
    match verdict {
        Verdict::Slower => format!("{title} is slower"),
        Verdict::SlowerWithinLimit => format!("{title} is slower, by less than the limit"),
        Verdict::Faster => format!("{title} is faster"),
        Verdict::NoSignificantDifference => format!("{title}: no significant difference"),
        Verdict::Undecided { repetitions_needed } => {
            format!("{title} is undecided; {}", repetitions(*repetitions_needed))
        }
        Verdict::NotJudged { reason } => format!("{title} is not judged: {}", reason.words()),
    }
}

/// Why a number is not judged, for a list of such.
pub(super) fn reason(metric: Metric, verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::NotJudged { reason } => Some(format!("{}: {}", metric.title(), reason.words())),
        _ => None,
    }
}

/// How many runs would decide.
pub(super) fn repetitions(needed: Option<u32>) -> String {
    match needed {
        Some(needed) => format!("{needed} runs on each side would decide it at this spread"),
        None => format!(
            "not even {} runs on each side would decide it at this spread",
            count(u64::from(inference::gate::MOST_REPETITIONS))
        ),
    }
}
