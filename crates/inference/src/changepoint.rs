//! Whether what is measured stayed the same: change points of a series, and what they make of it.

mod pelt;

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::numbers::{finite, mean, size, variance};
use pelt::pelt;

/// Fewest values between two changes.
pub const SHORTEST: usize = 5;
/// The penalty of a change, in units of ln n: heavy, since neighbouring values of a measured series
/// are not independent, as the cost takes them to be.
const PENALTY: f64 = 15.0;
/// Means this close, as a share, are the same to whoever reads them.
const SAME: f64 = 0.01;
/// Scatter below this share of the mean is not told apart: else each run of equal readings would
/// be a stretch of its own.
const RESOLUTION: f64 = 0.001;
/// A change in this last share of the series means that there is no steady state.
const LAST: f64 = 0.25;

/// Which way a series is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Better {
    /// As throughput.
    Higher,
    /// As residence and latency.
    Lower,
}

/// What became of the series over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class {
    /// It stayed the same.
    Flat,
    /// It began worse than it ended.
    WarmUp,
    /// It ended worse than it was.
    SlowDown,
    /// It changed to the end.
    NoSteadyState,
}

/// A stretch between two changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Index of its first value.
    pub from: usize,
    /// Index after its last.
    pub to: usize,
    /// Mean of its values.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
}

/// The class with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// What became of it.
    pub class: Class,
    /// All stretches, in order.
    pub segments: Vec<Segment>,
}

/// The segments of a series by PELT (Killick, Fearnhead and Eckley 2012), which finds the best of
/// all ways to cut it: the least sum of each segment's cost and 15 ln n for each change. The cost
/// is minus twice the log-likelihood of normal values with a mean and a variance of their own,
///
/// > m (ln 2π + ln v + s²/v)   for m values of variance s² (m in the denominator)
///
/// where v is s², but its root at least 0.1 % of the series' mean. A change of the scatter alone is a change, too.
///
/// # Errors
/// When there are fewer than ten values, or one is no number.
pub fn segments(values: &[f64]) -> Result<Vec<Segment>, Refusal> {
    finite("a value", values)?;
    if values.len() < 2 * SHORTEST {
        return Err(Refusal::too_few("values", values.len(), 2 * SHORTEST));
    }
    let least_variance = (RESOLUTION * mean(values)).powi(2).max(f64::MIN_POSITIVE);
    let mut ends = pelt(values, least_variance, PENALTY * size(values.len()).ln());
    ends.push(values.len());
    let mut from = 0;
    let segment = |to: usize| {
        let part = &values[from..to];
        let segment = Segment { from, to, mean: mean(part), deviation: variance(part).sqrt() };
        from = to;
        segment
    };
    Ok(ends.into_iter().map(segment).collect())
}

/// What became of a series, after Barrett et al. (2017), who class runs of virtual machines so: of
/// its [`segments`] those count as equal to the last whose mean lies within the last one's standard
/// deviation of its mean, or within 1 %.
///
/// - all are equal to the last: flat;
/// - one that is not ends in the last quarter: no steady state;
/// - all that are not are worse: warm-up; else slow-down.
///
/// # Errors
/// As [`segments`].
pub fn course(values: &[f64], better: Better) -> Result<Course, Refusal> {
    let segments = segments(values)?;
    let Some(last) = segments.last().copied() else {
        return Ok(Course { class: Class::Flat, segments });
    };
    let same = last.deviation.max(SAME * last.mean.abs());
    let others: Vec<&Segment> =
        segments.iter().filter(|segment| (segment.mean - last.mean).abs() > same).collect();
    let worse = |segment: &&&Segment| match better {
        Better::Higher => segment.mean < last.mean,
        Better::Lower => segment.mean > last.mean,
    };
    let settled = (1.0 - LAST) * size(values.len());
    let class = match others.last() {
        None => Class::Flat,
        Some(other) if size(other.to) > settled => Class::NoSteadyState,
        Some(_) if others.iter().filter(worse).count() == others.len() => Class::WarmUp,
        Some(_) => Class::SlowDown,
    };
    Ok(Course { class, segments })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::SmallRng;

    use super::*;

    /// Values about a level each, with a scatter of `scatter` to both sides.
    fn noisy(levels: &[(usize, f64)], scatter: f64, seed: u64) -> Vec<f64> {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut values = Vec::new();
        for (count, level) in levels {
            let value = |_| level + scatter * (2.0 * random.random::<f64>() - 1.0);
            values.extend((0..*count).map(value));
        }
        values
    }

    fn class(levels: &[(usize, f64)]) -> Class {
        course(&noisy(levels, 1.0, 7), Better::Higher).unwrap().class
    }

    #[test]
    fn a_change_is_found_where_it_is() {
        let found = segments(&noisy(&[(60, 30.0), (40, 35.0)], 1.0, 1)).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!((58..=62).contains(&found[0].to), "{found:?}");
        assert!((found[1].mean - 35.0).abs() < 0.5);
    }

    #[test]
    fn a_change_of_scatter_alone_is_a_change() {
        let mut values = noisy(&[(100, 30.0)], 0.2, 1);
        values.extend(noisy(&[(100, 30.0)], 6.0, 2));
        assert_eq!(segments(&values).unwrap().len(), 2);
    }

    #[test]
    fn each_class_is_recognised() {
        assert_eq!(class(&[(100, 30.0)]), Class::Flat);
        assert_eq!(class(&[(30, 20.0), (70, 30.0)]), Class::WarmUp);
        assert_eq!(class(&[(15, 20.0), (15, 25.0), (70, 30.0)]), Class::WarmUp);
        assert_eq!(class(&[(30, 30.0), (70, 20.0)]), Class::SlowDown);
        assert_eq!(class(&[(20, 20.0), (20, 40.0), (60, 30.0)]), Class::SlowDown);
        assert_eq!(class(&[(85, 30.0), (15, 20.0)]), Class::NoSteadyState);
        assert_eq!(class(&[(30, 30.0), (30, 20.0), (30, 40.0), (10, 20.0)]), Class::NoSteadyState);
    }

    #[test]
    fn lower_latencies_are_better() {
        let values = noisy(&[(30, 30.0), (70, 20.0)], 1.0, 3);
        assert_eq!(course(&values, Better::Lower).unwrap().class, Class::WarmUp);
    }

    #[test]
    fn equal_values_and_changes_nobody_would_see_are_flat() {
        assert_eq!(course(&[33.3; 50], Better::Higher).unwrap().segments.len(), 1);
        assert_eq!(course(&[0.0; 50], Better::Higher).unwrap().class, Class::Flat);
        let found = course(&noisy(&[(60, 100.0), (60, 100.5)], 0.05, 5), Better::Higher).unwrap();
        assert_eq!((found.segments.len(), found.class), (2, Class::Flat));
    }

    #[test]
    fn steady_noise_is_hardly_ever_called_a_change() {
        let flat = |seed: &u64| {
            let values = noisy(&[(60, 30.0)], 3.0, *seed);
            course(&values, Better::Higher).unwrap().segments.len() == 1
        };
        assert!((0..200).filter(flat).count() >= 198);
    }

    #[test]
    fn too_few_values_are_refused() {
        assert!(matches!(segments(&[1.0; 9]), Err(Refusal::TooFew { .. })));
        assert!(matches!(segments(&[f64::NAN; 20]), Err(Refusal::OutOfRange { .. })));
    }

    proptest! {
        /// Pruning loses nothing: the result is that of trying every cut.
        #[test]
        fn it_finds_what_trying_every_cut_finds(
            levels in prop::collection::vec((5_usize..15, 10.0_f64..40.0), 1..4), seed in 0_u64..1000,
        ) {
            let values = noisy(&levels, 1.0, seed);
            let penalty = PENALTY * size(values.len()).ln();
            let found = pelt(&values, 1e-3, penalty);
            prop_assert_eq!(found, pelt::exhaustive(&values, 1e-3, penalty));
        }

        #[test]
        fn scale_moves_no_change(
            levels in prop::collection::vec((10_usize..30, 10.0_f64..40.0), 1..4),
            seed in 0_u64..1000, scale in 0.01_f64..100.0,
        ) {
            let values = noisy(&levels, 1.0, seed);
            let scaled: Vec<f64> = values.iter().map(|value| value * scale).collect();
            let (plain, other) =
                (course(&values, Better::Higher).unwrap(), course(&scaled, Better::Higher).unwrap());
            prop_assert_eq!(plain.class, other.class);
            let ends = |course: &Course| course.segments.iter().map(|s| s.to).collect::<Vec<_>>();
            prop_assert_eq!(ends(&plain), ends(&other));
        }
    }
}
