//! Verdicts on numbers whose truth is known.

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use rand_distr::{Distribution as _, Normal};

use super::*;
use crate::comparison::{Side, effect};

fn gate(limit: f64) -> Gate {
    Gate::new(limit, 1).unwrap()
}

/// An effect that is known to a half-width, with 30 degrees of freedom on each side.
fn known(ratio: f64, half_width: f64) -> Effect {
    let side = |value| Side::of_one_run(value, value * half_width, 30.0).unwrap();
    effect(side(20.0), side(20.0 * ratio))
}

#[test]
fn each_verdict_is_reached() {
    let judge = |ratio, half| gate(0.05).judge::<()>(&known(ratio, half), Quantity::Rate);
    assert_eq!(judge(0.90, 0.01), Verdict::Slower);
    assert_eq!(judge(0.96, 0.02), Verdict::Slower, "5 % is not ruled out");
    assert_eq!(judge(0.97, 0.005), Verdict::SlowerWithinLimit);
    assert_eq!(judge(1.0, 0.01), Verdict::NoSignificantDifference);
    assert_eq!(judge(1.1, 0.01), Verdict::Faster);
    assert!(matches!(judge(0.98, 0.1), Verdict::Undecided { repetitions_needed: Some(_) }));
}

#[test]
fn more_time_is_slower_and_so_is_a_lower_rate() {
    let (more, less) = (known(1.2, 0.01), known(1.0 / 1.2, 0.01));
    assert_eq!(gate(0.05).judge::<()>(&more, Quantity::Time), Verdict::Slower);
    assert_eq!(gate(0.05).judge::<()>(&more, Quantity::Rate), Verdict::Faster);
    assert_eq!(gate(0.05).judge::<()>(&less, Quantity::Time), Verdict::Faster);
    assert_eq!(gate(0.05).judge::<()>(&less, Quantity::Rate), Verdict::Slower);
}

/// Verdicts on pairs of sides of `runs` runs, which scatter by 2 % and differ by a true ratio.
fn verdicts(ratio: f64, runs: u32, gate: Gate) -> Vec<Verdict<()>> {
    let mut random = SmallRng::seed_from_u64(u64::from(runs));
    let normal = Normal::new(0.0, 0.02).unwrap();
    let mut side = |truth: f64| {
        let values: Vec<f64> =
            (0..runs).map(|_| truth * f64::exp(normal.sample(&mut random))).collect();
        Side::of_runs(&values).unwrap()
    };
    (0..1000).map(|_| gate.judge(&effect(side(30.0), side(30.0 * ratio)), Quantity::Rate)).collect()
}

fn number(verdicts: &[Verdict<()>], wanted: fn(&Verdict<()>) -> bool) -> usize {
    verdicts.iter().filter(|verdict| wanted(verdict)).count()
}

#[test]
fn mistakes_are_as_rare_as_they_say() {
    let slower = |verdict: &Verdict<()>| *verdict == Verdict::Slower;
    for runs in [2, 3, 5, 10, 16] {
        let equal = number(&verdicts(1.0, runs, gate(0.03)), slower);
        assert!(equal <= 30, "{equal} of 1,000 equal pairs of {runs} runs fail");
        let passed = number(&verdicts(0.97, runs, gate(0.03)), |verdict| {
            verdict.outcome() == Outcome::Passed
        });
        assert!(passed <= 30, "{passed} of 1,000 slowdowns of the limit pass with {runs} runs");
    }
}

#[test]
fn the_number_of_repetitions_that_is_proposed_decides() {
    let few = verdicts(0.985, 4, gate(0.03));
    let mut needed: Vec<u32> = few
        .iter()
        .filter_map(|verdict| match verdict {
            Verdict::Undecided { repetitions_needed } => *repetitions_needed,
            _ => None,
        })
        .collect();
    needed.sort_unstable();
    let usual = needed[needed.len() / 2];
    // 2 · 2.05 · 2 % · √(2 / n) < 3 % takes 15, and a little more for a spread that is estimated.
    assert!((14..=20).contains(&usual), "{usual}");
    let enough = verdicts(0.985, 20, gate(0.03));
    let undecided = number(&enough, |v| matches!(v, Verdict::Undecided { .. }));
    assert!(undecided <= 50, "{undecided} of 1,000 stay undecided halfway between equal and limit");
}

#[test]
fn several_tests_share_the_false_alarms() {
    let one = known(0.96, 0.0245);
    assert_eq!(gate(0.05).judge::<()>(&one, Quantity::Rate), Verdict::Slower);
    let of_many = Gate::new(0.05, 10).unwrap();
    assert!(matches!(of_many.judge::<()>(&one, Quantity::Rate), Verdict::Undecided { .. }));
}

#[test]
fn sides_known_exactly_are_judged_exactly() {
    let exact = |ratio: f64| {
        let side = |value: f64| Side::of_runs(&[value; 3]).unwrap();
        gate(0.03).judge::<()>(&effect(side(5.0), side(5.0 * ratio)), Quantity::Rate)
    };
    assert_eq!(exact(1.0), Verdict::NoSignificantDifference);
    assert_eq!(exact(0.96), Verdict::Slower);
    assert_eq!(exact(0.98), Verdict::SlowerWithinLimit);
}

#[test]
fn what_no_number_of_runs_decides_is_said() {
    let wild = known(1.0, 400.0);
    let undecided = Verdict::Undecided { repetitions_needed: None };
    assert_eq!(gate(0.001).judge::<()>(&wild, Quantity::Rate), undecided);
    for limit in [0.0, -0.1, 1.0, f64::NAN] {
        assert!(Gate::new(limit, 1).is_err(), "{limit}");
    }
}

#[test]
fn the_worst_outcome_counts_and_undecided_is_the_users_choice() {
    use Outcome::{Failed, NotJudged, Passed, Undecided};
    assert!(Failed > NotJudged && NotJudged > Undecided && Undecided > Passed);
    for (undecided, exit) in
        [(IfUndecided::Inconclusive, 3), (IfUndecided::Pass, 0), (IfUndecided::Fail, 1)]
    {
        assert_eq!(Undecided.exit(undecided), exit);
        assert_eq!([Passed, Failed, NotJudged].map(|outcome| outcome.exit(undecided)), [0, 1, 3]);
    }
}

#[test]
fn without_a_limit_the_interval_decides() {
    let verdict =
        |ratio, half, quantity| Verdict::<()>::without_limit(&known(ratio, half), quantity);
    assert_eq!(verdict(1.1, 0.02, Quantity::Rate), Verdict::Faster);
    assert_eq!(verdict(1.1, 0.02, Quantity::Time), Verdict::Slower);
    assert_eq!(verdict(0.9, 0.02, Quantity::Time), Verdict::Faster);
    assert_eq!(verdict(0.9, 0.2, Quantity::Rate), Verdict::NoSignificantDifference);
}
