//! Two sides of recorded runs against each other: for each number of replicas that both measured, by
//! how much the rates differ, and whether they are as good as equal. Pure.

use std::collections::BTreeMap;

use inference::Refusal;
use inference::comparison::{Answer, Effect, Outcome, Side, effect};
use serde::{Deserialize, Serialize};

use super::{Interval, SCHEMA_VERSION, StepFindings};
use crate::cluster::Replicas;

/// Batches that gave a run's own interval, less one.
const FREEDOM: f64 = 9.0;

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
    /// For each number of replicas that both sides measured.
    pub replicas: Vec<ReplicasCompared>,
    /// Steps of one side that the other did not measure, or that have no verdict, in words.
    pub left_out: Vec<String>,
}

/// The same replicas on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicasCompared {
    /// Which.
    pub replicas: Replicas,
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
    /// Whether nothing was found too slow, and nothing left open of what was asked.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.replicas.iter().all(|one| matches!(one.too_slow, None | Some(Shown::No)))
    }
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
    let mut left_out = Vec::new();
    let (first, second) = (by_replicas(first, &mut left_out), by_replicas(second, &mut left_out));
    let mut replicas = Vec::new();
    for (of, one) in &first {
        match second.get(of) {
            Some(other) => replicas.push(compared(*of, (one, other), margins)?),
            None => left_out.push(format!("{}: only the first side has it", named(*of))),
        }
    }
    let only = second.keys().filter(|of| !first.contains_key(of));
    left_out.extend(only.map(|of| format!("{}: only the second side has it", named(*of))));
    Ok(Comparison { schema_version: SCHEMA_VERSION, margins, replicas, left_out })
}

fn compared(
    replicas: Replicas,
    (one, other): (&[&StepFindings], &[&StepFindings]),
    margins: Margins,
) -> Result<ReplicasCompared, Refusal> {
    // Several runs say more, as their scatter has all that a restart changes; one each must do.
    let several = one.len() > 1 && other.len() > 1;
    let effect = effect(side(one, several)?, side(other, several)?);
    let too_slow = margins.slower.map(|share| effect.is_slower_by_more_than(share)).transpose()?;
    Ok(ReplicasCompared {
        replicas,
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

fn side(steps: &[&StepFindings], several: bool) -> Result<Side, Refusal> {
    let rates: Vec<f64> = steps.iter().map(|step| step.hashes_per_second.interval.value).collect();
    match steps {
        [first, ..] if !several => {
            let Interval { value, low, high } = first.hashes_per_second.interval;
            Side::of_one_run(value, (high - low) / 2.0, FREEDOM)
        }
        _ => Side::of_runs(&rates),
    }
}

fn geometric_mean(steps: &[&StepFindings]) -> f64 {
    let logarithms = steps.iter().map(|step| step.hashes_per_second.interval.value.ln());
    let count = load::numbers::float(steps.len().max(1) as u64);
    (logarithms.sum::<f64>() / count).exp()
}

/// Steps of the same replicas together; those without a verdict or a rate are left out.
fn by_replicas<'a>(
    steps: &'a [StepFindings],
    left_out: &mut Vec<String>,
) -> BTreeMap<Replicas, Vec<&'a StepFindings>> {
    let mut sorted: BTreeMap<Replicas, Vec<&StepFindings>> = BTreeMap::new();
    for step in steps {
        match &step.withheld {
            _ if step.hashes_per_second.interval.value <= 0.0 => {
                left_out.push(format!("{}: it does nothing", named(step.replicas)));
            }
            // The rate of an app that tells nothing else is as good as any.
            Some(withheld) if step.closure.is_some() => {
                left_out.push(format!("{}: {}", named(step.replicas), withheld.reason));
            }
            _ => sorted.entry(step.replicas).or_default().push(step),
        }
    }
    sorted
}

fn named(replicas: Replicas) -> String {
    super::advice::named(replicas)
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
    fn what_cannot_be_compared_is_said() {
        let mut withheld = slowed(1.0);
        withheld.withheld =
            Some(crate::analyse::Withheld { reason: "it was too short".to_owned() });
        let other = step(&ideal(10, 5));
        let comparison = compare(&[withheld, other], &[slowed(1.0)], MARGINS).unwrap();
        assert!(comparison.replicas.is_empty());
        let words = comparison.left_out.join("; ");
        for word in ["it was too short", "only the first side", "only the second side"] {
            assert!(words.contains(word), "{words}");
        }
        assert!(comparison.passes(), "nothing was compared, and the caller is told");
    }
}
