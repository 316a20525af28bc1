//! How sure verdicts are whose truth is known.

use proptest::prelude::*;
use rand_distr::{Distribution as _, StandardNormal};

use super::*;

/// A first-order autoregression of variance 1.
fn autoregression(count: usize, memory: f64, seed: u64) -> Vec<f64> {
    let mut random = SmallRng::seed_from_u64(seed);
    let fresh = (1.0 - memory * memory).sqrt();
    let mut value: f64 = StandardNormal.sample(&mut random);
    let next = |_| {
        let chance: f64 = StandardNormal.sample(&mut random);
        value = memory * value + fresh * chance;
        value
    };
    (0..count).map(next).collect()
}

fn mean_of(rows: &[&f64]) -> f64 {
    rows.iter().copied().sum::<f64>() / size(rows.len())
}

/// The standard deviation of the mean, as drawing sees it.
fn drawn_deviation(values: &[f64], block: f64) -> f64 {
    let seen = std::cell::RefCell::new(Vec::new());
    let drawing = Drawing { draws: 400, block, seed: 5 };
    support(values, drawing, |rows| seen.borrow_mut().push(mean_of(rows))).unwrap();
    crate::numbers::variance(&seen.into_inner()[1..]).sqrt()
}

#[test]
fn a_clear_verdict_is_sure_and_a_close_one_is_not() {
    let values = autoregression(60, 0.3, 1);
    let drawing = Drawing { draws: 500, block: block_length(&values).unwrap(), seed: 1 };
    let over = |limit: f64| move |rows: &[&f64]| mean_of(rows) > limit;
    let clear = support(&values, drawing, over(-5.0)).unwrap();
    assert!((clear.probability.value - 1.0).abs() < f64::EPSILON && clear.probability.low > 0.99);
    let middle = values.iter().sum::<f64>() / 60.0;
    let close = support(&values, drawing, over(middle - 0.001)).unwrap();
    assert!((0.35..0.65).contains(&close.probability.value), "{close:?}");
}

#[test]
fn the_same_seed_draws_the_same() {
    let values = autoregression(60, 0.3, 1);
    let drawing = |seed| Drawing { draws: 200, block: 4.0, seed };
    let once = |seed| support(&values, drawing(seed), |rows| mean_of(rows) > 0.1).unwrap();
    assert_eq!(once(1), once(1));
    assert_ne!(once(1), once(2));
}

#[test]
fn blocks_keep_the_scatter_that_single_rows_lose() {
    let memory: f64 = 0.8;
    let values = autoregression(2000, memory, 3);
    // Of the mean of an autoregression: √((1 + r)/(1 − r) / n).
    let truth = ((1.0 + memory) / (1.0 - memory) / 2000.0).sqrt();
    let block = block_length(&values).unwrap();
    let (blocks, single) = (drawn_deviation(&values, block), drawn_deviation(&values, 1.0));
    assert!((blocks / truth - 1.0).abs() < 0.25, "{blocks} {truth} with blocks of {block}");
    assert!(single < truth / 2.0, "{single} {truth}");
}

#[test]
fn blocks_are_longer_where_memory_is() {
    let length = |memory| block_length(&autoregression(1000, memory, 2)).unwrap();
    assert!((length(0.0) - 10.0).abs() < 5.0, "{}", length(0.0));
    // For a first-order autoregression the rule is (4 r² / (1 − r²)²)^⅓ n^⅓.
    let rule = |r: f64| (4.0 * r * r / (1.0 - r * r).powi(2)).cbrt() * 10.0;
    assert!((length(0.7) / rule(0.7) - 1.0).abs() < 0.35, "{} {}", length(0.7), rule(0.7));
    assert!((block_length(&[5.0; 27]).unwrap() - 3.0).abs() < 1e-9);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let drawing = Drawing { draws: 10, block: 2.0, seed: 1 };
    assert!(support(&[1.0; 9], drawing, |rows| rows.len()).is_err());
    let rows = [1.0; 10];
    assert!(support(&rows, Drawing { draws: 0, ..drawing }, |rows| rows.len()).is_err());
    assert!(support(&rows, Drawing { block: 0.5, ..drawing }, |rows| rows.len()).is_err());
    assert!(block_length(&[1.0; 9]).is_err() && block_length(&[f64::NAN; 20]).is_err());
}

proptest! {
    #[test]
    fn shift_and_scale_change_no_block(
        seed in 0_u64..200, shift in -50.0_f64..50.0, scale in 0.1_f64..10.0,
    ) {
        let values = autoregression(80, 0.5, seed);
        let moved: Vec<f64> = values.iter().map(|value| shift + scale * value).collect();
        let (plain, other) = (block_length(&values).unwrap(), block_length(&moved).unwrap());
        prop_assert!((plain - other).abs() < 1e-6 * plain);
    }
}
