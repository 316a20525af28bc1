//! Sides made by hand.

use inference::gate::Outcome as GateOutcome;

use super::*;
use crate::analyse::step;
use crate::analyse::tests::ideal;

const MARGINS: Margins =
    Margins { equal: 0.01, slower: Some(0.03), undecided: IfUndecided::Inconclusive };

/// An app that does `factor` of what it should, known to a thousandth.
fn slowed(factor: f64) -> StepFindings {
    let mut slowed = step(&ideal(10, 1));
    let value = 10.0 * factor;
    slowed.hashes_per_second.interval = Interval { value, low: value * 0.999, high: value * 1.001 };
    slowed
}

fn outcome(comparison: &Comparison) -> GateOutcome {
    comparison.gate.as_ref().unwrap().found.outcome
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
    assert_eq!(slower.verdict, Some(Verdict::Slower));
    assert_eq!(found(&[1.0], &[0.98]).verdict, Some(Verdict::SlowerWithinLimit));
    assert_eq!(tie.verdict, Some(Verdict::NoSignificantDifference));
}

#[test]
fn several_runs_are_held_against_each_other_by_their_scatter() {
    let wide = found(&[1.0, 1.05, 0.95], &[1.02, 0.97, 1.04]);
    assert_eq!((wide.outcome, wide.runs, wide.too_slow), (Found::Open, [3, 3], Some(Shown::Open)));
    let Some(Verdict::Undecided { repetitions_needed: Some(needed) }) = wide.verdict else {
        panic!("{wide:?}");
    };
    // 2 · 2.05 · 4.5 % · √(2 / n) < 3 %, a little more for few.
    assert!((60..100).contains(&needed), "{needed}");
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
    withheld.withheld = Some(crate::analyse::Withheld { reason: "it was too short".to_owned() });
    let other = step(&ideal(10, 5));
    let second = [slowed(1.0), step(&ideal(5, 1))];
    let comparison = compare(&[withheld, other], &second, MARGINS).unwrap();
    assert!(comparison.replicas.is_empty());
    let words = comparison.left_out.join("; ");
    for word in ["it was too short", "only the first side", "only the second side"] {
        assert!(words.contains(word), "{words}");
    }
    assert_eq!(
        outcome(&comparison),
        GateOutcome::NotJudged,
        "nothing of the first side was compared"
    );
    let reasons: Vec<_> = comparison.not_compared.iter().map(|left| &left.reason).collect();
    assert!(
        matches!(
            reasons[..],
            [Unjudged::VerdictWithheld { .. }, Unjudged::OnlyFirst, Unjudged::OnlySecond]
        ),
        "{reasons:?}"
    );
}

/// Five workers as fast as ever, ten that hang on the second side: a tie and nothing.
#[test]
fn a_second_side_that_does_nothing_is_not_fast_enough() {
    let five = step(&ideal(5, 1));
    let hung = || slowed(0.0);
    let judged =
        |first: &[StepFindings], second: &[StepFindings]| compare(first, second, MARGINS).unwrap();
    let both = [five.clone(), slowed(1.0)];
    let found = judged(&both, &[five.clone(), hung()]);
    assert_eq!((found.replicas.len(), outcome(&found)), (1, GateOutcome::NotJudged), "{found:?}");
    assert_eq!(found.unanswered, ["10 workers, 1 rng and 1 hasher"]);
    let lacking = judged(&both, std::slice::from_ref(&five));
    assert_eq!(outcome(&lacking), GateOutcome::NotJudged, "it lacks one");
    let one_of_two = [five.clone(), slowed(1.0), hung()];
    assert_eq!(
        outcome(&judged(&both, &one_of_two)),
        GateOutcome::NotJudged,
        "one of two runs hung"
    );
    assert_eq!(outcome(&judged(&both, &both)), GateOutcome::Passed);
    let more = judged(std::slice::from_ref(&five), &[five.clone(), hung()]);
    assert_eq!(outcome(&more), GateOutcome::Passed, "the first side never had it: {more:?}");
    let slower = judged(&both, &[step(&ideal(5, 1)), slowed(0.9)]);
    assert_eq!(outcome(&slower), GateOutcome::Failed);
    let nothing_in_common = judged(&[slowed(1.0)], &[five]);
    assert_eq!(outcome(&nothing_in_common), GateOutcome::NotJudged);
}

#[test]
fn more_errors_than_before_do_not_pass() {
    let failing = |factor, failures: u64| {
        let mut failing = slowed(factor);
        failing.errors = [("rng: Timeout".to_owned(), failures)].into();
        failing
    };
    let judged = |before, after, factor| {
        compare(&[failing(1.0, before)], &[failing(factor, after)], MARGINS).unwrap()
    };
    for (before, after) in [(0, 1), (3, 4), (10, 300)] {
        let found = judged(before, after, 1.0);
        let verdict = found.replicas[0].verdict.clone();
        let Some(Verdict::NotJudged { reason: Unjudged::MoreErrors { .. } }) = verdict else {
            panic!("{before} and {after}: {found:?}");
        };
        assert_eq!(outcome(&found).exit(IfUndecided::Pass), 3);
    }
    assert_eq!(outcome(&judged(3, 3, 1.0)), GateOutcome::Passed);
    assert_eq!(outcome(&judged(3, 0, 1.0)), GateOutcome::Passed);
    assert_eq!(outcome(&judged(0, 9, 0.8)), GateOutcome::Failed, "slower all the same");
}

#[test]
fn policies_are_states_of_their_own() {
    let with =
        |policy: &str, factor| StepFindings { policy: Some(policy.to_owned()), ..slowed(factor) };
    let first = [with("round-robin", 1.0), with("random", 0.8)];
    let second = [with("random", 0.8), with("round-robin", 0.9), slowed(1.0)];
    let found = compare(&first, &second, MARGINS).unwrap();
    let outcomes: Vec<_> =
        found.replicas.iter().map(|one| (one.policy.as_deref(), one.outcome)).collect();
    assert_eq!(outcomes, [(Some("random"), Found::Tie), (Some("round-robin"), Found::Less)]);
    assert_eq!(found.left_out, ["10 workers, 1 rng and 1 hasher: only the second side has it"]);
}
