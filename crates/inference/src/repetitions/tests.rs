//! Repetitions of numbers whose scatter is known.

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use rand_distr::{Distribution as _, Normal};

use super::*;

/// Runs about a level of 100, with a deviation between runs and one within.
fn runs(shape: [usize; 2], between: f64, within: f64, random: &mut SmallRng) -> Vec<f64> {
    let (across, inside) = (Normal::new(100.0, between), Normal::new(0.0, within));
    let (across, inside) = (across.unwrap(), inside.unwrap());
    let mut values = Vec::new();
    for _ in 0..shape[1] {
        let level = across.sample(random);
        values.extend((0..shape[0]).map(|_| level + inside.sample(random)));
    }
    values
}

#[test]
fn variances_are_those_of_the_formula() {
    // Groups (1, 3), (5, 11): within 2 and 18, means 2 and 8 with variance 18.
    let levels = Nested { values: &[1.0, 3.0, 5.0, 11.0], shape: &[2, 2] }.levels().unwrap();
    assert_eq!(levels.variances, vec![10.0, 18.0 - 5.0]);
    assert!((levels.mean - 5.0).abs() < 1e-12 && (levels.highest - 18.0).abs() < 1e-12);
    // t of 1 degree of freedom is 12.706.
    let half = 12.706_2 * (18.0_f64 / 2.0).sqrt();
    assert!((levels.interval().half_width() - half).abs() < 1e-3);
}

#[test]
fn three_levels_come_apart() {
    let mut random = SmallRng::seed_from_u64(1);
    let highest = runs([3, 4000], 2.0, 3.0, &mut random);
    let inside = Normal::new(0.0, 1.0).unwrap();
    let values: Vec<f64> = highest
        .iter()
        .flat_map(|level| [level + inside.sample(&mut random), level + inside.sample(&mut random)])
        .collect();
    let levels = Nested { values: &values, shape: &[2, 3, 4000] }.levels().unwrap();
    for (found, truth) in levels.variances.iter().zip([1.0, 9.0, 4.0]) {
        assert!((found / truth - 1.0).abs() < 0.1, "{levels:?}");
    }
}

#[test]
fn the_best_repetitions_are_the_cheapest() {
    let levels = Levels { mean: 1.0, variances: vec![4.0, 1.0], highest: 0.0, runs: 2 };
    let costs = [1.0, 25.0];
    assert_eq!(levels.best(&costs).unwrap(), vec![Some(10)]);
    // Variance times cost of a repetition, which no other number makes smaller.
    let price = |values: f64| (1.0 + 4.0 / values) * (25.0 + values);
    assert!((1..100).all(|values| price(10.0) <= price(f64::from(values)) + 1e-12));
    let alike = Levels { variances: vec![4.0, -0.1], ..levels.clone() };
    assert_eq!(alike.best(&costs).unwrap(), vec![None]);
    assert!(levels.best(&[1.0]).is_err() && levels.best(&[1.0, 0.0]).is_err());
}

#[test]
fn the_interval_holds_the_truth_as_often_as_it_says() {
    let mut random = SmallRng::seed_from_u64(2);
    let held = (0..1000).filter(|_| {
        let values = runs([5, 4], 2.0, 3.0, &mut random);
        Nested { values: &values, shape: &[5, 4] }.levels().unwrap().interval().holds(100.0)
    });
    // 95 % of 1000 within three standard deviations.
    let held = held.count();
    assert!((929..=971).contains(&held), "{held}");
}

#[test]
fn advice_reaches_its_precision() {
    let mut random = SmallRng::seed_from_u64(3);
    let values = runs([30, 5], 2.0, 1.0, &mut random);
    let pilot: Vec<&[f64]> = values.chunks(30).collect();
    let advice = advice(&pilot, 0.01, 100).unwrap();
    assert!(advice.precise && advice.relative_half_width <= 0.01, "{advice:?}");
    assert!(advice.runs > 5, "{advice:?}");
    let fewer = super::advice(&pilot, 0.000_1, 8).unwrap();
    assert!(!fewer.precise && fewer.runs == 8, "{fewer:?}");
}

#[test]
fn advice_is_for_runs_as_long_as_the_pilots() {
    // Restarts add as much as values within a run: with long restarts few values would be cheapest.
    let mut random = SmallRng::seed_from_u64(5);
    let values = runs([10, 6], 1.0, 1.0, &mut random);
    let pilot: Vec<&[f64]> = values.chunks(10).collect();
    let advice = advice(&pilot, 0.005, 100).unwrap();
    // Six runs and more of the same: their means scatter as those of the pilots.
    let means: Vec<f64> = pilot.iter().map(|run| mean(run)).collect();
    let half = |runs: usize| half_width(variance(&means), runs) / mean(&means);
    assert!((advice.relative_half_width - half(advice.runs)).abs() < 1e-12, "{advice:?}");
    assert!(advice.runs > 6 && half(advice.runs - 1) > 0.005, "{advice:?}");
}

#[test]
fn pilots_that_tell_nothing_are_refused() {
    let run: &[f64] = &[1.0, 2.0];
    assert!(matches!(advice(&[run; 2], 0.01, 9), Err(Refusal::TooFew { .. })));
    assert!(advice(&[run, run, &[1.0, 2.0, 3.0]], 0.01, 9).is_err());
    assert!(advice(&[&[1.0], &[1.0], &[2.0]], 0.01, 9).is_err());
    assert!(Nested { values: &[1.0; 5], shape: &[2, 2] }.levels().is_err());
    assert!(Nested { values: &[], shape: &[] }.levels().is_err());
}

proptest! {
    #[test]
    fn advice_keeps_to_scale(seed in 0_u64..500, scale in 0.1_f64..10.0) {
        let values = runs([10, 4], 2.0, 3.0, &mut SmallRng::seed_from_u64(seed));
        let scaled: Vec<f64> = values.iter().map(|value| value * scale).collect();
        let pilot: Vec<&[f64]> = values.chunks(10).collect();
        let other: Vec<&[f64]> = scaled.chunks(10).collect();
        let (plain, other) = (advice(&pilot, 0.02, 50).unwrap(), advice(&other, 0.02, 50).unwrap());
        // Where the precision is decided by the last digit, one more is the same.
        prop_assert!(plain.runs.abs_diff(other.runs) <= 1);
    }
}
