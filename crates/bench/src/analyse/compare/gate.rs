//! `--fail-if-slower` of recorded runs: verdicts, why something is not judged, and what all of it comes
//! to. What cannot be judged never passes.

use inference::gate::{GateFindings as Findings, IfUndecided, Outcome};
use serde::{Deserialize, Serialize};

use super::{ReplicasCompared, Shown, named};
use crate::cluster::Replicas;

/// The verdict on a state.
pub type Verdict = inference::gate::Verdict<Unjudged>;

/// Why a state is not judged, and so does not pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Unjudged {
    /// A measurement has no verdict.
    VerdictWithheld {
        /// Why, in a sentence.
        why: String,
    },
    /// The app made no hash.
    DoesNothing,
    /// The second side did not measure it.
    OnlyFirst,
    /// The first side did not measure it.
    OnlySecond,
    /// More requests failed than before.
    MoreErrors {
        /// Failed requests per hash, before.
        before: f64,
        /// After.
        after: f64,
    },
}

/// A state that is not compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotCompared {
    /// Its replicas.
    pub replicas: Replicas,
    /// The policy by which workers spread requests, where one was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Why.
    pub reason: Unjudged,
    /// Whether the first side measured it: a gate then needs it on the second.
    pub of_first: bool,
    /// In words.
    pub text: String,
}

/// What a gate came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateFindings {
    /// The limit and what all verdicts together come to.
    #[serde(flatten)]
    pub found: Findings,
    /// All of it in words.
    pub text: String,
}

impl NotCompared {
    /// The state.
    pub(super) fn named(&self) -> String {
        named(self.replicas, self.policy.as_deref())
    }
}

impl Unjudged {
    /// In a clause.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::VerdictWithheld { why } => why.clone(),
            Self::DoesNothing => "it does nothing".to_owned(),
            Self::OnlyFirst => "only the first side has it".to_owned(),
            Self::OnlySecond => "only the second side has it".to_owned(),
            Self::MoreErrors { before, after } => format!(
                "more requests failed than before: {:.2} instead of {:.2} per 100 hashes",
                after * 100.0,
                before * 100.0
            ),
        }
    }
}

/// Whether a state is too slow.
pub(super) fn shown(verdict: &Verdict) -> Shown {
    match verdict.outcome() {
        Outcome::Failed => Shown::Yes,
        Outcome::Passed => Shown::No,
        Outcome::Undecided | Outcome::NotJudged => Shown::Open,
    }
}

/// What the gate comes to.
pub(super) fn gate(
    (limit, undecided): (f64, IfUndecided),
    compared: &[ReplicasCompared],
    not_compared: &[NotCompared],
) -> GateFindings {
    let verdicts = || compared.iter().filter_map(|one| Some((one, one.verdict.as_ref()?)));
    let missing: Vec<_> = not_compared.iter().filter(|left_out| left_out.of_first).collect();
    let judged = verdicts().map(|(_, verdict)| verdict);
    let found = Findings::of((limit, undecided), judged, !missing.is_empty());
    let states = |wanted: Outcome| {
        let of = verdicts().filter(move |(_, verdict)| verdict.outcome() == wanted);
        of.map(|(one, _)| named(one.replicas, one.policy.as_deref()))
    };
    let percent = limit * 100.0;
    let text = match found.outcome {
        Outcome::Passed => format!("passed: a slowdown of {percent} % or more is ruled out"),
        Outcome::Failed => {
            format!(
                "failed: slower with {}",
                states(Outcome::Failed).collect::<Vec<_>>().join("; ")
            )
        }
        Outcome::Undecided => format!("undecided: {}", repetitions(found.repetitions_needed)),
        Outcome::NotJudged => {
            let reasons = verdicts().filter_map(|(one, verdict)| match verdict {
                Verdict::NotJudged { reason } => Some(format!(
                    "{}: {}",
                    named(one.replicas, one.policy.as_deref()),
                    reason.words()
                )),
                _ => None,
            });
            let missing = missing.iter().map(|left_out| left_out.text.clone());
            format!("not judged: {}", reasons.chain(missing).collect::<Vec<_>>().join("; "))
        }
    };
    GateFindings { found, text }
}

/// How many runs would decide.
pub(crate) fn repetitions(needed: Option<u32>) -> String {
    match needed {
        Some(needed) => {
            format!("{needed} runs on each side (--repeat {needed}) would decide it at this spread")
        }
        None => format!(
            "not even {} runs on each side would decide it at this spread",
            inference::gate::MOST_REPETITIONS
        ),
    }
}
