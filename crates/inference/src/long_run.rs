//! The mean of evenly spaced values that depend on those before them, with an interval that allows for
//! it: by how much they vary slowly.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::numbers::{finite, mean, size, whole};
use crate::quantile::Student;
use crate::{CONFIDENCE, Interval, Refusal};

/// Fewer values say nothing of what is slow.
pub const FEWEST: usize = 10;
/// Frequencies that are looked at: this by n^(2/3) for n values,
const FREQUENCIES: f64 = 0.4;
/// and not fewer than these.
pub const FEWEST_FREQUENCIES: f64 = 4.0;

/// The mean of a series with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LongRunMean {
    /// Mean of all values.
    pub mean: f64,
    /// Half of the 95 % interval.
    pub half_width: f64,
    /// Degrees of freedom of that.
    pub freedom: f64,
}

impl LongRunMean {
    /// The 95 % interval.
    #[must_use]
    pub fn interval(&self) -> Interval {
        Interval::around(self.mean, self.half_width)
    }

    /// Half-width as a share of the mean; `None` of a mean of 0.
    #[must_use]
    pub fn relative_half_width(&self) -> Option<f64> {
        (self.mean.abs() > 0.0).then(|| self.half_width / self.mean.abs())
    }
}

/// How many of the lowest frequencies of so many values say how far off their mean may be, and with how
/// many degrees of freedom.
#[must_use]
pub fn frequencies(values: usize) -> f64 {
    (FREQUENCIES * size(values).powf(2.0 / 3.0)).round().max(FEWEST_FREQUENCIES)
}

/// The mean of evenly spaced values by the equal-weighted cosine estimator (Müller 2004; Lazarus, Lewis,
/// Stock and Watson 2018, whose number of frequencies this is).
///
/// What makes a mean uncertain is what is slow: fast ups and downs cancel out. So the values are held
/// against cosines of half a wave, one wave, one and a half ... over the series; the mean square of these
/// coefficients is the variance of the mean by the number of values, with Student's t for as many degrees
/// of freedom. Where the slower half of them is larger, chance lasts long, and that half counts.
///
/// # Errors
/// When there are fewer than [`FEWEST`] values, or one is no number.
pub fn long_run_mean(values: &[f64]) -> Result<LongRunMean, Refusal> {
    long_run_mean_by(values, frequencies(values.len()))
}

/// The same with so many frequencies: with more, the half-width itself scatters less, and what is slow
/// counts for less in it.
///
/// # Errors
/// Likewise.
pub fn long_run_mean_by(values: &[f64], frequencies: f64) -> Result<LongRunMean, Refusal> {
    finite("a value", values)?;
    if values.len() < FEWEST {
        return Err(Refusal::too_few("values", values.len(), FEWEST));
    }
    let count = size(values.len());
    // No more than there are: the last one changes sign from value to value.
    let freedom = frequencies.clamp(1.0, count - 1.0).round();
    let centre = mean(values);
    let square = |frequency: usize| {
        let turn = PI * size(frequency) / count;
        let places = (0..values.len()).map(|place| (turn * (size(place) + 0.5)).cos());
        let sum: f64 = values.iter().zip(places).map(|(value, cos)| (value - centre) * cos).sum();
        2.0 / count * sum * sum
    };
    let squares: Vec<f64> = (1..=whole(freedom)).map(square).collect();
    let slower = &squares[..squares.len().div_ceil(2)];
    let variance = mean(&squares).max(mean(slower)) / count;
    let half_width = Student::new(freedom).two_sided(CONFIDENCE) * variance.sqrt();
    Ok(LongRunMean { mean: centre, half_width, freedom })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::SmallRng;
    use rand_distr::{Distribution as _, StandardNormal};

    use super::*;

    /// In how many of 1,000 series, each made of numbers by chance, the interval holds their mean of 0, and
    /// the mean half-width.
    fn held(length: usize, mut next: impl FnMut(f64, f64) -> f64) -> (usize, f64) {
        let mut random = SmallRng::seed_from_u64(1);
        let (mut held, mut width) = (0, 0.0);
        for _ in 0..1000 {
            let (mut last, mut chance) = (0.0, || StandardNormal.sample(&mut random));
            let mut before: f64 = chance();
            let mut value = || {
                let now: f64 = chance();
                last = next(last, now - before) + now;
                before = now;
                last
            };
            let values: Vec<f64> = (0..100 + length).map(|_| value()).skip(100).collect();
            let found = long_run_mean(&values).unwrap();
            held += usize::from(found.interval().holds(0.0));
            width += found.half_width / 1000.0;
        }
        (held, width)
    }

    #[test]
    fn the_interval_is_that_of_the_formula() {
        // One wave: of all frequencies only the second has any of it, and four are looked at.
        let wave: Vec<f64> =
            (0..20).map(|place| 5.0 + (2.0 * PI * (f64::from(place) + 0.5) / 20.0).cos()).collect();
        let found = long_run_mean(&wave).unwrap();
        // The coefficient is 2/20 (20/2)², the slower half of four has half of it, t(4) is 2.776.
        let half = 2.776_445 * (10.0_f64 / 2.0 / 20.0).sqrt();
        assert!((found.mean - 5.0).abs() < 1e-12 && (found.half_width - half).abs() < 1e-4);
        assert!((found.freedom - 4.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_mean_of_independent_values_is_known_as_well_as_it_says() {
        for length in [20, 60, 240] {
            let (held, _) = held(length, |_, _| 0.0);
            assert!((935..=975).contains(&held), "{held} of 1,000 with {length} values");
        }
    }

    #[test]
    fn values_that_resemble_their_neighbours_widen_the_interval() {
        let (held, _) = held(120, |last, _| 0.7 * last);
        assert!((930..=975).contains(&held), "{held} of 1,000");
    }

    #[test]
    fn what_goes_up_and_down_at_once_makes_no_mean_uncertain() {
        let (_, even) = held(60, |_, _| 0.0);
        // Each value makes up for nearly all that the one before was off.
        let (held, restless) = held(60, |_, step| 9.0 * step);
        assert!(held >= 940, "{held} of 1,000");
        assert!(restless < 4.0 * even, "{restless}, and {even} of values that scatter a 13th");
    }

    #[test]
    fn equal_values_are_known_exactly_and_too_few_are_refused() {
        let found = long_run_mean(&[3.0; 20]).unwrap();
        assert!((found.mean - 3.0).abs() < f64::EPSILON && found.half_width.abs() < 1e-12);
        assert_eq!(long_run_mean(&[1.0; 9]), Err(Refusal::too_few("values", 9, 10)));
        let mut broken = [1.0; 10];
        broken[3] = f64::NAN;
        assert!(matches!(long_run_mean(&broken), Err(Refusal::OutOfRange { .. })));
    }

    proptest! {
        #[test]
        fn shift_and_scale_change_nothing_else(
            values in prop::collection::vec(-10.0_f64..10.0, 10..80),
            shift in -100.0_f64..100.0, scale in 0.1_f64..10.0,
        ) {
            let plain = long_run_mean(&values).unwrap();
            let moved: Vec<f64> = values.iter().map(|value| shift + scale * value).collect();
            let other = long_run_mean(&moved).unwrap();
            prop_assert!((other.mean - shift - scale * plain.mean).abs() < 1e-9);
            prop_assert!((other.half_width - scale * plain.half_width).abs() < 1e-6);
        }
    }
}
