//! Two sides of recorded runs against each other: for each state that both measured (replicas, and the
//! policy where one was set), by how much the rates differ, and whether they are as good as equal. Pure.

use std::collections::{BTreeMap, BTreeSet};

use inference::Refusal;
use inference::comparison::{Answer, Effect, Outcome, Side, effect};
use inference::long_run::FEWEST_FREQUENCIES;
use serde::{Deserialize, Serialize};

use super::{Interval, SCHEMA_VERSION, StepFindings};
use crate::cluster::Replicas;

/// What is asked of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margins {
    /// Within this share of each other two rates count as equal.
    pub equal: f64,
    /// The second side must not be slower by more than this share.
    pub slower: Option<f64>,
}

/// What became of the rates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Version of this shape; fields are added within a version, never renamed.
    pub schema_version: u32,
    /// What was asked.
    #[serde(flatten)]
    pub margins: Margins,
    /// For each state that both sides measured.
    pub replicas: Vec<ReplicasCompared>,
    /// Steps of one side that the other did not measure, that have no verdict, or that do nothing,
    /// in words.
    pub left_out: Vec<String>,
    /// States of the first side of which not all is compared: whether the second is too slow there is
    /// not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<String>,
}

/// The same state on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicasCompared {
    /// Its replicas.
    pub replicas: Replicas,
    /// How workers were told to spread requests, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Hashes per second on each side; the geometric mean of several runs.
    pub hashes_per_second: [f64; 2],
    /// Runs on each side.
    pub runs: [usize; 2],
    /// How much more the second side does, as a share of the first.
    pub change: Interval,
    /// `tie`, `more`, `less`, or `open` where more measurements are needed.
    pub outcome: Found,
    /// Whether it is slower by more than was allowed, where that was asked.
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
    /// At 95 %.
    Yes,
    /// At 95 %.
    No,
    /// More measurements are needed.
    Open,
}

impl Comparison {
    /// Whether nothing was found too slow, and nothing left open of what was asked: a state that the
    /// second side lacks, or where it does nothing, is not one where it is fast enough.
    #[must_use]
    pub fn passes(&self) -> bool {
        let answered = self.margins.slower.is_none() || self.unanswered.is_empty();
        answered && self.replicas.iter().all(|one| matches!(one.too_slow, None | Some(Shown::No)))
    }
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
    without: Vec<(State, String)>,
}

/// Holds the steps of one side's runs against those of the other's.
///
/// # Errors
/// When a margin makes no sense.
pub fn compare(
    first: &[StepFindings],
    second: &[StepFindings],
    margins: Margins,
) -> Result<Comparison, Refusal> {
    let (first, second) = (sorted(first), sorted(second));
    let mut replicas = Vec::new();
    let mut left_out = Vec::new();
    let mut unanswered = BTreeSet::new();
    for (state, why) in first.without.iter().chain(&second.without) {
        left_out.push(format!("{}: {why}", state.named()));
        if first.has(state) {
            unanswered.insert(state);
        }
    }
    for (state, one) in &first.rates {
        match second.rates.get(state) {
            Some(other) => replicas.push(compared(state, (one, other), margins)?),
            None => {
                unanswered.insert(state);
                if !second.has(state) {
                    left_out.push(format!("{}: only the first side has it", state.named()));
                }
            }
        }
    }
    let only = second.rates.keys().filter(|state| !first.has(state));
    left_out.extend(only.map(|state| format!("{}: only the second side has it", state.named())));
    let unanswered = unanswered.into_iter().map(State::named).collect();
    let schema_version = SCHEMA_VERSION;
    Ok(Comparison { schema_version, margins, replicas, left_out, unanswered })
}

fn compared(
    state: &State,
    (one, other): (&[&StepFindings], &[&StepFindings]),
    margins: Margins,
) -> Result<ReplicasCompared, Refusal> {
    let effect = effect(side(one)?, side(other)?);
    let too_slow = margins.slower.map(|share| effect.is_slower_by_more_than(share)).transpose()?;
    Ok(ReplicasCompared {
        replicas: state.replicas,
        policy: state.policy.clone(),
        hashes_per_second: [geometric_mean(one), geometric_mean(other)],
        runs: [one.len(), other.len()],
        change: change(&effect),
        outcome: match effect.outcome(margins.equal)? {
            Outcome::Tie => Found::Tie,
            Outcome::More => Found::More,
            Outcome::Less => Found::Less,
            Outcome::Open => Found::Open,
        },
        too_slow: too_slow.map(|answer| match answer {
            Answer::Yes => Shown::Yes,
            Answer::No => Shown::No,
            Answer::Open => Shown::Open,
        }),
    })
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
            // What nobody told is taken to be as little as it may be.
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
    let count = load::numbers::float(steps.len().max(1) as u64);
    (logarithms.sum::<f64>() / count).exp()
}

impl Sorted<'_> {
    /// Whether this side measured that state, with what success ever.
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
            _ if step.hashes_per_second.interval.value <= 0.0 => {
                sorted.without.push((state, "it does nothing".to_owned()));
            }
            // The rate of an app that tells nothing else is as good as any.
            Some(withheld) if step.closure.is_some() => {
                sorted.without.push((state, withheld.reason.clone()));
            }
            _ => sorted.rates.entry(state).or_default().push(step),
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::step;
    use crate::analyse::tests::ideal;

    const MARGINS: Margins = Margins { equal: 0.01, slower: Some(0.03) };

    /// An app that does `factor` of what it should, known to a thousandth.
    fn slowed(factor: f64) -> StepFindings {
        let mut slowed = step(&ideal(10, 1));
        let value = 10.0 * factor;
        slowed.hashes_per_second.interval =
            Interval { value, low: value * 0.999, high: value * 1.001 };
        slowed
    }

    fn found(first: &[f64], second: &[f64]) -> ReplicasCompared {
        let steps = |factors: &[f64]| factors.iter().map(|f| slowed(*f)).collect::<Vec<_>>();
        compare(&steps(first), &steps(second), MARGINS).unwrap().replicas.remove(0)
    }

    #[test]
    fn equal_faster_and_slower_are_told_apart() {
        let tie = found(&[1.0], &[1.001]);
        assert_eq!((tie.outcome, tie.too_slow), (Found::Tie, Some(Shown::No)));
        assert!((tie.change.value - 0.001).abs() < 1e-9);
        assert_eq!(found(&[1.0], &[1.1]).outcome, Found::More);
        let slower = found(&[1.0], &[0.9]);
        assert_eq!((slower.outcome, slower.too_slow), (Found::Less, Some(Shown::Yes)));
        assert_eq!(found(&[1.0], &[0.9701]).too_slow, Some(Shown::Open));
    }

    #[test]
    fn several_runs_are_held_against_each_other_by_their_scatter() {
        let wide = found(&[1.0, 1.05, 0.95], &[1.02, 0.97, 1.04]);
        assert_eq!((wide.outcome, wide.runs), (Found::Open, [3, 3]));
        let narrow = found(&[1.0, 1.001, 0.999], &[1.0, 1.001, 0.999]);
        assert_eq!(narrow.outcome, Found::Tie);
    }

    #[test]
    fn a_side_of_several_runs_counts_with_all_of_them_beside_a_single_one() {
        for (first, second, runs) in
            [(&[1.0, 1.2][..], &[1.0][..], [2, 1]), (&[1.0][..], &[1.2, 1.0][..], [1, 2])]
        {
            let found = found(first, second);
            let [before, after] = found.hashes_per_second;
            assert_eq!(found.runs, runs);
            assert!((found.change.value - (after / before - 1.0)).abs() < 1e-9, "{found:?}");
            assert_eq!(found.outcome, Found::Open, "two runs 20 % apart say little: {found:?}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        let mut withheld = slowed(1.0);
        withheld.withheld =
            Some(crate::analyse::Withheld { reason: "it was too short".to_owned() });
        let other = step(&ideal(10, 5));
        let second = [slowed(1.0), step(&ideal(5, 1))];
        let comparison = compare(&[withheld, other], &second, MARGINS).unwrap();
        assert!(comparison.replicas.is_empty());
        let words = comparison.left_out.join("; ");
        for word in ["it was too short", "only the first side", "only the second side"] {
            assert!(words.contains(word), "{words}");
        }
        assert!(!comparison.passes(), "of what the first side has nothing was compared");
    }

    /// Five workers as fast as ever, ten that hang on the second side: a tie and nothing.
    #[test]
    fn a_second_side_that_does_nothing_is_not_fast_enough() {
        let five = step(&ideal(5, 1));
        let hung = || slowed(0.0);
        let judged = |first: &[StepFindings], second: &[StepFindings], slower| {
            compare(first, second, Margins { slower, ..MARGINS }).unwrap()
        };
        let both = [five.clone(), slowed(1.0)];
        let found = judged(&both, &[five.clone(), hung()], MARGINS.slower);
        assert_eq!((found.replicas.len(), found.passes()), (1, false), "{found:?}");
        assert_eq!(found.unanswered, ["10 workers, 1 rng and 1 hasher"]);
        assert!(judged(&both, &[five.clone(), hung()], None).passes(), "nothing was asked");
        assert!(
            !judged(&both, std::slice::from_ref(&five), MARGINS.slower).passes(),
            "it lacks one"
        );
        let one_of_two = [five.clone(), slowed(1.0), hung()];
        assert!(!judged(&both, &one_of_two, MARGINS.slower).passes(), "one of two runs hung");
        assert!(judged(&both, &both, MARGINS.slower).passes());
        let more = judged(std::slice::from_ref(&five), &[five.clone(), hung()], MARGINS.slower);
        assert!(more.passes(), "what the first side never had cannot be slower: {more:?}");
    }

    #[test]
    fn policies_are_states_of_their_own() {
        let told = |policy: &str, factor| StepFindings {
            policy: Some(policy.to_owned()),
            ..slowed(factor)
        };
        let first = [told("round-robin", 1.0), told("random", 0.8)];
        let second = [told("random", 0.8), told("round-robin", 0.9), slowed(1.0)];
        let found = compare(&first, &second, MARGINS).unwrap();
        let outcomes: Vec<_> =
            found.replicas.iter().map(|one| (one.policy.as_deref(), one.outcome)).collect();
        assert_eq!(outcomes, [(Some("random"), Found::Tie), (Some("round-robin"), Found::Less)]);
        assert_eq!(found.left_out, ["10 workers, 1 rng and 1 hasher: only the second side has it"]);
    }
}
