//! Two sides of recorded runs against each other: for each state that both measured (replicas, and the
//! policy where one was set), by how much the rates differ, whether they are as good as equal, and what
//! `--fail-if-slower` comes to. Pure.

mod gate;

use std::collections::{BTreeMap, BTreeSet};

use inference::Refusal;
use inference::comparison::{Effect, Outcome, Side, effect};
use inference::gate::{Failures, Gate, IfUndecided, Quantity};
use inference::long_run::FEWEST_FREQUENCIES;
use load::numbers::{float, whole};
use serde::{Deserialize, Serialize};

use super::{Interval, SCHEMA_VERSION, StepFindings};
use crate::cluster::Replicas;

pub use gate::{GateFindings, NotCompared, Unjudged, Verdict};

/// What is asked of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margins {
    /// Within this share of each other two rates count as equal.
    pub equal: f64,
    /// The slowdown of the second side that must be caught, as a share of the first.
    pub slower: Option<f64>,
    /// What becomes of it when that is undecided.
    #[serde(skip)]
    pub undecided: IfUndecided,
}

/// What changed between two sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Version of this shape; fields are added within a version, never renamed.
    pub schema_version: u32,
    /// What was asked.
    #[serde(flatten)]
    pub margins: Margins,
    /// For each state that both sides measured.
    pub replicas: Vec<ReplicasCompared>,
    /// States that are not compared, and why.
    #[serde(default)]
    pub not_compared: Vec<NotCompared>,
    /// The same in words.
    pub left_out: Vec<String>,
    /// States of the first side of which not all is compared: whether the second is too slow there is
    /// not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<String>,
    /// What `--fail-if-slower` comes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateFindings>,
}

/// The same state on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicasCompared {
    /// Its replicas.
    pub replicas: Replicas,
    /// The policy by which workers spread requests, where one was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Hashes per second on each side; the geometric mean of several runs.
    pub hashes_per_second: [f64; 2],
    /// Runs on each side.
    pub runs: [usize; 2],
    /// Failed requests per hash on each side.
    #[serde(default)]
    pub errors_per_hash: [f64; 2],
    /// How much more the second side does, as a share of the first.
    pub change: Interval,
    /// `tie`, `more`, `less`, or `open` where more measurements are needed.
    pub outcome: Found,
    /// What the gate says of it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Whether it is too slow, by the verdict.
    pub too_slow: Option<Shown>,
}

/// How the second side compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// As good as equal.
    Tie,
    /// Faster.
    More,
    /// Slower.
    Less,
    /// Neither is shown.
    Open,
}

/// An answer that evidence may leave open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// It is shown.
    Yes,
    /// The opposite is shown.
    No,
    /// More measurements are needed, or there is nothing to judge by.
    Open,
}

/// What is compared with its like: replicas, and the policy that was set for the measurement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    replicas: Replicas,
    policy: Option<String>,
}

impl State {
    fn of(step: &StepFindings) -> Self {
        Self { replicas: step.replicas, policy: step.policy.clone() }
    }

    fn named(&self) -> String {
        named(self.replicas, self.policy.as_deref())
    }
}

/// A state as `10 workers, 5 rng and 1 hasher, policy random`.
pub(crate) fn named(replicas: Replicas, policy: Option<&str>) -> String {
    let policy = policy.map_or_else(String::new, |policy| format!(", policy {policy}"));
    format!("{}{policy}", super::advice::named(replicas))
}

/// The measurements of one side.
#[derive(Default)]
struct Sorted<'a> {
    /// Those that can be compared.
    rates: BTreeMap<State, Vec<&'a StepFindings>>,
    /// Those that cannot, and why.
    without: Vec<(State, Unjudged)>,
}

/// Compares the steps of one side's runs with those of the other's.
///
/// # Errors
/// When a margin makes no sense.
pub fn compare(
    first: &[StepFindings],
    second: &[StepFindings],
    margins: Margins,
) -> Result<Comparison, Refusal> {
    let (first, second) = (sorted(first), sorted(second));
    let both =
        first.rates.iter().filter_map(|(state, one)| Some((state, one, second.rates.get(state)?)));
    // Those that are judged share the false alarms.
    let tests = both.clone().count();
    let gate = margins.slower.map(|limit| Gate::new(limit, tests)).transpose()?;
    let replicas =
        both.map(|(state, one, other)| compared(state, [one, other], (margins.equal, gate)));
    let replicas = replicas.collect::<Result<Vec<_>, _>>()?;
    let not_compared = not_compared(&first, &second);
    let unanswered = not_compared.iter().filter(|left_out| left_out.of_first);
    let unanswered: BTreeSet<String> = unanswered.map(NotCompared::named).collect();
    Ok(Comparison {
        schema_version: SCHEMA_VERSION,
        gate: margins
            .slower
            .map(|limit| gate::gate((limit, margins.undecided), &replicas, &not_compared)),
        margins,
        replicas,
        left_out: not_compared.iter().map(|left_out| left_out.text.clone()).collect(),
        unanswered: unanswered.into_iter().collect(),
        not_compared,
    })
}

/// What is not compared; `of_first` where the first side measured it, so that a gate needs it.
fn not_compared(first: &Sorted<'_>, second: &Sorted<'_>) -> Vec<NotCompared> {
    let of = |state: &State, reason: Unjudged| NotCompared {
        replicas: state.replicas,
        policy: state.policy.clone(),
        of_first: first.has(state),
        text: format!("{}: {}", state.named(), reason.words()),
        reason,
    };
    let without = first.without.iter().chain(&second.without);
    let mut left_out: Vec<_> = without.map(|(state, reason)| of(state, reason.clone())).collect();
    let only = |one: &Sorted<'_>, other: &Sorted<'_>, reason: &Unjudged| -> Vec<NotCompared> {
        let states = one.rates.keys().filter(|state| !other.has(state));
        states.map(|state| of(state, reason.clone())).collect()
    };
    left_out.extend(only(first, second, &Unjudged::OnlyFirst));
    left_out.extend(only(second, first, &Unjudged::OnlySecond));
    left_out
}

fn compared(
    state: &State,
    sides: [&[&StepFindings]; 2],
    (equal, gate): (f64, Option<Gate>),
) -> Result<ReplicasCompared, Refusal> {
    let effect = effect(side(sides[0])?, side(sides[1])?);
    let verdict = gate.map(|gate| match gate.judge(&effect, Quantity::Rate) {
        Verdict::Slower => Verdict::Slower,
        // Whatever the rate is then, what failed is missing in it.
        verdict => more_errors(sides).map_or(verdict, |reason| Verdict::NotJudged { reason }),
    });
    Ok(ReplicasCompared {
        replicas: state.replicas,
        policy: state.policy.clone(),
        hashes_per_second: sides.map(geometric_mean),
        runs: sides.map(<[_]>::len),
        errors_per_hash: sides.map(|side| per_hash(failures(side))),
        change: change(&effect),
        outcome: match effect.outcome(equal)? {
            Outcome::Tie => Found::Tie,
            Outcome::More => Found::More,
            Outcome::Less => Found::Less,
            Outcome::Open => Found::Open,
        },
        too_slow: verdict.as_ref().map(gate::shown),
        verdict,
    })
}

/// Failed requests and hashes of a side.
fn failures(side: &[&StepFindings]) -> Failures {
    let failed = side.iter().flat_map(|step| step.errors.values()).sum();
    let hashes: f64 = side
        .iter()
        .map(|step| step.hashes_per_second.interval.value * float(step.window_ms) / 1e3)
        .sum();
    // A rate times its window is a whole number but for rounding.
    Failures { failed, of: whole(hashes.round()) }
}

fn per_hash(side: Failures) -> f64 {
    float(side.failed) / float(side.of.max(1))
}

/// Whether more requests failed than before, for the hashes made.
fn more_errors([first, second]: [&[&StepFindings]; 2]) -> Option<Unjudged> {
    let (before, after) = (failures(first), failures(second));
    Failures::rose(before, after)
        .then(|| Unjudged::MoreErrors { before: per_hash(before), after: per_hash(after) })
}

fn change(effect: &Effect) -> Interval {
    let inference::Interval { value, low, high } = effect.ratio;
    Interval { value: value - 1.0, low: low - 1.0, high: high - 1.0 }
}

/// All runs of a side. The scatter of several has all that a restart changes; one must do with its own.
fn side(steps: &[&StepFindings]) -> Result<Side, Refusal> {
    match steps {
        [only] => {
            let Interval { value, low, high } = only.hashes_per_second.interval;
            // What was not recorded is taken to be as little as it may be.
            let freedom = only.hashes_per_second.freedom.unwrap_or(FEWEST_FREQUENCIES);
            Side::of_one_run(value, (high - low) / 2.0, freedom)
        }
        several => {
            let rates = several.iter().map(|step| step.hashes_per_second.interval.value);
            Side::of_runs(&rates.collect::<Vec<_>>())
        }
    }
}

fn geometric_mean(steps: &[&StepFindings]) -> f64 {
    let logarithms = steps.iter().map(|step| step.hashes_per_second.interval.value.ln());
    let count = float(steps.len().max(1) as u64);
    (logarithms.sum::<f64>() / count).exp()
}

impl Sorted<'_> {
    /// Whether this side measured that state, with whatever success.
    fn has(&self, state: &State) -> bool {
        self.rates.contains_key(state) || self.without.iter().any(|(other, _)| other == state)
    }
}

/// Steps of the same state together; those without a verdict or a rate apart.
fn sorted(steps: &[StepFindings]) -> Sorted<'_> {
    let mut sorted = Sorted::default();
    for step in steps {
        let state = State::of(step);
        match &step.withheld {
            Some(withheld) if step.rate_is_withheld() => {
                let why = withheld.reason.clone();
                sorted.without.push((state, Unjudged::VerdictWithheld { why }));
            }
            _ if step.hashes_per_second.interval.value <= 0.0 => {
                sorted.without.push((state, Unjudged::DoesNothing));
            }
            // The rate of an app that reports nothing else is as good as any.
            Some(withheld) if step.closure.is_some() => {
                let why = withheld.reason.clone();
                sorted.without.push((state, Unjudged::VerdictWithheld { why }));
            }
            _ => sorted.rates.entry(state).or_default().push(step),
        }
    }
    sorted
}

#[cfg(test)]
mod tests;
