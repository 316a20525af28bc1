//! Where a measured stretch should begin: not before a floor that the app's structure sets, and not
//! before its series have settled. Later changes are for [`crate::changepoint`].

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::numbers::{finite, mean, positive, size};
use crate::rate::flush_period;

/// Values in a batch of MSER-5.
const BATCH: usize = 5;
/// Batches at the end in which no cut is looked for: so few may agree by chance.
const FEWEST: usize = 5;
/// Loops that every worker should have behind it.
const LOOPS: f64 = 10.0;

/// A series that should settle: throughput, residence, …
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// What it is called in a refusal.
    pub name: &'a str,
    /// Evenly spaced values.
    pub values: &'a [f64],
    /// When the first value begins, in seconds since the measurement did.
    pub begin_seconds: f64,
    /// Distance of values, in seconds.
    pub spacing_seconds: f64,
}

/// What set the cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The structural floor.
    Floor,
    /// The series of this name, which settled last.
    Series(String),
}

/// Where the warm-up ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    /// When, in seconds since the measurement began.
    pub seconds: f64,
    /// By what rule.
    pub cause: Cause,
}

/// The shortest warm-up, in seconds, for a mean loop and a flush interval in seconds: two flush
/// periods, so that every worker has told a period that began after the start, and ten loops.
#[must_use]
pub fn floor(loop_seconds: f64, flush_seconds: f64) -> f64 {
    (2.0 * flush_period(loop_seconds, flush_seconds)).max(LOOPS * loop_seconds)
}

/// The latest of the floor and the cuts of all series.
///
/// # Errors
/// When a series is too short or has not converged, which both mean: go on.
pub fn cut(series: &[Series<'_>], floor_seconds: f64) -> Result<Cut, Refusal> {
    let mut latest = Cut { seconds: floor_seconds, cause: Cause::Floor };
    for one in series {
        positive("the distance of values", one.spacing_seconds)?;
        let left_out = mser5(one.name, one.values)?;
        let seconds = one.begin_seconds + one.spacing_seconds * size(left_out);
        // A series that needs no cut says nothing about where one is.
        if left_out > 0 && seconds > latest.seconds {
            latest = Cut { seconds, cause: Cause::Series(one.name.to_owned()) };
        }
    }
    Ok(latest)
}

/// How many values to leave out at the beginning, by MSER-5: the mean of the rest then has the
/// smallest standard error. Over batches y of five values (White 1997; Franklin and White 2008) it
/// is the d that minimises
///
/// > Σ (yᵢ − mean of the rest)² / (n − d)²   over the rest i = d+1 … n
///
/// d is sought in all but the last five batches (Hoad, Robinson and Davies 2010). The first of equal
/// minima is taken. Values after the last whole batch are not looked at.
///
/// # Errors
/// When there are fewer than 50 values, one is no number, or the minimum lies in the second half: the
/// series is still on its way then, and no cut of it is to be trusted.
pub fn mser5(name: &str, values: &[f64]) -> Result<usize, Refusal> {
    finite(name, values)?;
    let batches: Vec<f64> = values.chunks_exact(BATCH).map(mean).collect();
    if batches.len() < 2 * FEWEST {
        return Err(Refusal::too_few("values", values.len(), 2 * FEWEST * BATCH));
    }
    let errors = squared_errors(&batches);
    let largest = batches.iter().map(|y| y.abs()).fold(0.0, f64::max);
    // Differences that are only rounding decide nothing.
    let rounding = (1e-12 * largest).powi(2);
    let mut best = 0;
    for (left_out, error) in errors.iter().enumerate().take(batches.len() - FEWEST) {
        if *error < errors[best] * (1.0 - 1e-9) - rounding {
            best = left_out;
        }
    }
    if best > batches.len() / 2 {
        return Err(Refusal::NotConverged { series: name.to_owned() });
    }
    Ok(best * BATCH)
}

/// For each number of values left out, the squared standard error of the rest, with n in place of
/// n − 1. From the end on, so that each takes one step (Welford 1962).
fn squared_errors(values: &[f64]) -> Vec<f64> {
    let (mut middle, mut squares) = (0.0, 0.0);
    let mut errors = vec![0.0; values.len()];
    for (index, value) in values.iter().enumerate().rev() {
        let count = size(values.len() - index);
        let distance = value - middle;
        middle += distance / count;
        squares += distance * (value - middle);
        errors[index] = squares / (count * count);
    }
    errors
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::SmallRng;

    use super::*;

    /// Values that scatter about `level`.
    fn waves(count: u32, level: f64) -> impl Iterator<Item = f64> {
        let mut random = SmallRng::seed_from_u64(4);
        (0..count).map(move |_| level + random.random::<f64>())
    }

    fn series<'a>(name: &'a str, values: &'a [f64]) -> Series<'a> {
        Series { name, values, begin_seconds: 0.0, spacing_seconds: 1.0 }
    }

    #[test]
    fn a_slow_start_is_cut_where_it_ends() {
        let values: Vec<f64> = waves(20, 10.0).chain(waves(80, 30.0)).collect();
        assert_eq!(mser5("x", &values), Ok(20));
    }

    #[test]
    fn the_cut_minimises_the_squared_error_of_the_rest() {
        let values: Vec<f64> = waves(12, 2.0).chain(waves(60, 5.0)).collect();
        let batches: Vec<f64> = values.chunks_exact(5).map(mean).collect();
        let plain = |left_out: usize| {
            let rest = &batches[left_out..];
            crate::numbers::squares(rest) / size(rest.len()).powi(2)
        };
        for (left_out, error) in squared_errors(&batches).iter().enumerate() {
            assert!((error - plain(left_out)).abs() < 1e-12, "{left_out}");
        }
    }

    #[test]
    fn what_changes_late_has_not_converged() {
        let values: Vec<f64> = waves(70, 10.0).chain(waves(30, 30.0)).collect();
        let refusal = mser5("residence", &values).unwrap_err();
        assert_eq!(refusal, Refusal::NotConverged { series: "residence".to_owned() });
        let rising: Vec<f64> = (0..100).map(f64::from).collect();
        assert!(matches!(mser5("x", &rising), Err(Refusal::NotConverged { .. })));
    }

    #[test]
    fn steady_values_need_no_cut() {
        assert_eq!(mser5("x", &[33.3; 60]), Ok(0));
        assert_eq!(mser5("x", &[1.0; 49]), Err(Refusal::too_few("values", 49, 50)));
    }

    #[test]
    fn the_floor_is_two_periods_or_ten_loops() {
        // Two periods of 1.2 s are less than ten loops of 0.3 s.
        assert!((floor(0.3, 1.0) - 3.0).abs() < 1e-9);
        assert!((floor(0.05, 1.0) - 2.1).abs() < 1e-9);
    }

    #[test]
    fn the_later_cut_wins_and_is_named() {
        let early: Vec<f64> = waves(10, 10.0).chain(waves(190, 30.0)).collect();
        let late: Vec<f64> = waves(30, 10.0).chain(waves(170, 30.0)).collect();
        let both = [series("throughput", &early), series("residence", &late)];
        let found = cut(&both, 3.0).unwrap();
        assert!((found.seconds - 30.0).abs() < 1e-9, "{found:?}");
        assert_eq!(found.cause, Cause::Series("residence".to_owned()));
        assert_eq!(cut(&both, 50.0).unwrap(), Cut { seconds: 50.0, cause: Cause::Floor });
    }

    proptest! {
        #[test]
        fn shift_and_scale_move_no_cut(
            values in prop::collection::vec(0.0_f64..10.0, 50..120),
            shift in -50.0_f64..50.0, scale in 0.1_f64..10.0,
        ) {
            let moved: Vec<f64> = values.iter().map(|value| shift + scale * value).collect();
            prop_assert_eq!(mser5("x", &values), mser5("x", &moved));
        }
    }
}
