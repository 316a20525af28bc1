//! Comparisons of numbers that differ by what is known.

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use rand_distr::{Distribution as _, Normal};

use super::*;

fn runs(a: &[f64], b: &[f64]) -> Effect {
    effect(Side::of_runs(a).unwrap(), Side::of_runs(b).unwrap())
}

/// Effects of B on A with a true ratio, four runs of A and five of B that scatter by 2 and 4 %.
fn drawn(ratio: f64, count: u32) -> Vec<Effect> {
    let mut random = SmallRng::seed_from_u64(1);
    let (a, b) = (Normal::new(0.0, 0.02).unwrap(), Normal::new(ratio.ln(), 0.04).unwrap());
    let mut side = |normal: Normal<f64>, runs: u32| -> Vec<f64> {
        (0..runs).map(|_| 30.0 * normal.sample(&mut random).exp()).collect()
    };
    (0..count).map(|_| runs(&side(a, 4), &side(b, 5))).collect()
}

#[test]
fn the_effect_is_welchs() {
    // Logarithms 0, 2 and 1, 3, 5: means 1 and 3, squared errors 1 and 4/3.
    let of = |logarithms: &[f64]| logarithms.iter().map(|x| x.exp()).collect::<Vec<_>>();
    let effect = runs(&of(&[0.0, 2.0]), &of(&[1.0, 3.0, 5.0]));
    assert!((effect.logarithm - 2.0).abs() < 1e-12);
    assert!((effect.error.powi(2) - 7.0 / 3.0).abs() < 1e-12);
    let freedom = (7.0_f64 / 3.0).powi(2) / (1.0 + 16.0 / 9.0 / 2.0);
    assert!((effect.freedom - freedom).abs() < 1e-9);
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let held = drawn(0.9, 1000).iter().filter(|effect| effect.ratio.holds(0.9)).count();
    assert!((929..=975).contains(&held), "{held}");
}

#[test]
fn equal_sides_are_hardly_ever_called_different_and_different_ones_hardly_ever_equal() {
    let equal = drawn(1.0, 500);
    let different =
        |effect: &&Effect| matches!(effect.outcome(0.001).unwrap(), Outcome::More | Outcome::Less);
    assert!(equal.iter().filter(different).count() <= 40);
    // At the margin itself a tie is wrong, and happens in one of twenty at most.
    let ties = drawn(1.05, 500);
    let tie = |effect: &&Effect| effect.outcome(0.05).unwrap() == Outcome::Tie;
    assert!(ties.iter().filter(tie).count() <= 40);
}

#[test]
fn each_outcome_is_reached() {
    let known = |value: f64, half: f64| Side::of_one_run(value, half, 9.0).unwrap();
    let sharp = |value: f64| effect(known(100.0, 0.1), known(value, 0.1));
    assert_eq!(sharp(100.5).outcome(0.01).unwrap(), Outcome::Tie);
    assert_eq!(sharp(103.0).outcome(0.01).unwrap(), Outcome::More);
    assert_eq!(sharp(97.0).outcome(0.01).unwrap(), Outcome::Less);
    let vague = effect(known(100.0, 10.0), known(103.0, 10.0));
    assert_eq!(vague.outcome(0.01).unwrap(), Outcome::Open);
}

#[test]
fn sides_known_exactly_are_told_apart_exactly() {
    let exact = effect(Side::of_runs(&[5.0; 3]).unwrap(), Side::of_runs(&[5.0; 3]).unwrap());
    assert_eq!(exact.outcome(0.01).unwrap(), Outcome::Tie);
}

#[test]
fn what_makes_no_sense_is_refused() {
    assert!(Side::of_runs(&[1.0]).is_err() && Side::of_runs(&[1.0, 0.0]).is_err());
    assert!(Side::of_one_run(0.0, 1.0, 9.0).is_err());
    assert!(Side::of_one_run(1.0, f64::NAN, 9.0).is_err());
    assert!(runs(&[1.0, 2.0], &[1.0, 2.0]).outcome(0.0).is_err());
}

proptest! {
    /// The unit is nothing, and B against A is the inverse of A against B.
    #[test]
    fn units_and_sides_can_be_exchanged(
        a in prop::collection::vec(1.0_f64..50.0, 2..8),
        b in prop::collection::vec(1.0_f64..50.0, 2..8),
        unit in 0.01_f64..100.0,
    ) {
        let scaled = |values: &[f64]| values.iter().map(|v| v * unit).collect::<Vec<_>>();
        let (plain, other) = (runs(&a, &b), runs(&scaled(&a), &scaled(&b)));
        let near = |x: f64, y: f64| (x / y - 1.0).abs() < 1e-6;
        prop_assert!(near(plain.ratio.value, other.ratio.value));
        prop_assert!(near(plain.ratio.low, other.ratio.low));
        let inverse = runs(&b, &a);
        prop_assert!(near(plain.ratio.low * inverse.ratio.high, 1.0));
    }
}
