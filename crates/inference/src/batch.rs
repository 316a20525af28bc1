//! Batch means: the mean of values that depend on those before them, with an interval that allows
//! for it.

use serde::{Deserialize, Serialize};

use crate::numbers::{correlation, finite, mean, size, variance};
use crate::quantile::Student;
use crate::{CONFIDENCE, Interval, Refusal};

/// How many batches are cut.
pub const BATCHES: usize = 10;
/// A higher correlation of neighbours counts as this: more cannot be told from ten batches.
const MOST_CORRELATION: f64 = 0.9;

/// The mean of a series with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchMeans {
    /// Mean of all batches.
    pub mean: f64,
    /// Half of the 95 % interval.
    pub half_width: f64,
    /// Correlation of neighbouring batches, as it was found.
    pub correlation: f64,
}

impl BatchMeans {
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

/// The mean of evenly spaced values by ten equal batches (Conway 1963; Law 2015, section 9.5.3),
/// with Student's t for 9 degrees of freedom and, where neighbouring batches have a correlation
/// r > 0, widened by √((1 + r)/(1 − r)), the factor of a first-order autoregression. Values that
/// make no whole batch are left out at the beginning.
///
/// A negative correlation narrows nothing: it comes by chance, too, as often as not.
///
/// # Errors
/// When there are fewer than [`BATCHES`] values, or one is no number.
pub fn batch_means(values: &[f64]) -> Result<BatchMeans, Refusal> {
    finite("a value", values)?;
    let length = values.len() / BATCHES;
    if length == 0 {
        return Err(Refusal::too_few("values", values.len(), BATCHES));
    }
    let whole = &values[values.len() - length * BATCHES..];
    let means: Vec<f64> = whole.chunks_exact(length).map(mean).collect();
    let found = correlation(&means, 1);
    let counted = found.clamp(0.0, MOST_CORRELATION);
    let widened = ((1.0 + counted) / (1.0 - counted)).sqrt();
    let count = size(BATCHES);
    let error = (variance(&means) / count).sqrt();
    let half_width = Student::new(count - 1.0).two_sided(CONFIDENCE) * error * widened;
    Ok(BatchMeans { mean: mean(&means), half_width, correlation: found })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_interval_is_that_of_the_formula() {
        // Batches of one: mean 5.5, variance 55/6; neighbours of this order do not resemble.
        let values = [1.0, 10.0, 2.0, 9.0, 3.0, 8.0, 4.0, 7.0, 5.0, 6.0];
        let means = batch_means(&values).unwrap();
        let half = 2.262_157 * (55.0_f64 / 6.0 / 10.0).sqrt();
        assert!((means.mean - 5.5).abs() < 1e-12 && (means.half_width - half).abs() < 1e-4);
        assert!(means.correlation < 0.0);
    }

    #[test]
    fn batches_that_resemble_their_neighbours_widen_the_interval() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        let means = batch_means(&values).unwrap();
        // The lag-1 correlation of 1 to 10 is 0.7.
        assert!((means.correlation - 0.7).abs() < 1e-12);
        let plain = 2.262_157 * (55.0_f64 / 6.0 / 10.0).sqrt();
        assert!((means.half_width / plain - (1.7_f64 / 0.3).sqrt()).abs() < 1e-4);
    }

    #[test]
    fn what_makes_no_whole_batch_is_left_out_at_the_beginning() {
        let mut values = vec![1e9; 7];
        values.extend([3.0; 20]);
        let means = batch_means(&values).unwrap();
        assert!((means.mean - 3.0).abs() < f64::EPSILON && means.half_width.abs() < 1e-12);
    }

    #[test]
    fn too_few_values_are_refused() {
        assert_eq!(batch_means(&[1.0; 9]), Err(Refusal::too_few("values", 9, 10)));
        let mut broken = [1.0; 10];
        broken[3] = f64::NAN;
        assert!(matches!(batch_means(&broken), Err(Refusal::OutOfRange { .. })));
    }

    proptest! {
        #[test]
        fn shift_and_scale_change_nothing_else(
            values in prop::collection::vec(-10.0_f64..10.0, 10..80),
            shift in -100.0_f64..100.0, scale in 0.1_f64..10.0,
        ) {
            let plain = batch_means(&values).unwrap();
            let moved: Vec<f64> = values.iter().map(|value| shift + scale * value).collect();
            let other = batch_means(&moved).unwrap();
            prop_assert!((other.mean - shift - scale * plain.mean).abs() < 1e-9);
            prop_assert!((other.half_width - scale * plain.half_width).abs() < 1e-6);
            prop_assert!((other.correlation - plain.correlation).abs() < 1e-6);
        }
    }
}
