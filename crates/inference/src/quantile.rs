//! Quantiles and probabilities of Student's t and of the normal distribution, and the interval of a
//! share, with the corner cases decided in one place.

use crate::numbers::float;
use crate::{CONFIDENCE, Interval};
use statrs::distribution::{Continuous as _, ContinuousCDF as _, Normal, StudentsT};

/// Student's t with a number of degrees of freedom, which needs not be whole (Welch).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Student(Option<StudentsT>);

impl Student {
    /// Less than a hundredth of a degree counts as that.
    pub(crate) fn new(freedom: f64) -> Self {
        Self(StudentsT::new(0.0, 1.0, freedom.max(0.01)).ok())
    }

    /// The value that is not exceeded with this probability.
    pub(crate) fn quantile(self, probability: f64) -> f64 {
        self.0.map_or(f64::INFINITY, |t| t.inverse_cdf(probability))
    }

    /// Half of the width, in standard errors, within which this share lies.
    pub(crate) fn two_sided(self, confidence: f64) -> f64 {
        self.quantile(f64::midpoint(1.0, confidence))
    }

    /// The probability of at most `x`.
    pub(crate) fn probability(self, x: f64) -> f64 {
        self.0.map_or(f64::NAN, |t| t.cdf(x))
    }

    /// The density at `x`.
    pub(crate) fn density(self, x: f64) -> f64 {
        self.0.map_or(f64::NAN, |t| t.pdf(x))
    }
}

/// The standard normal value within which, on both sides, this share lies.
pub(crate) fn normal_two_sided(confidence: f64) -> f64 {
    Normal::standard().inverse_cdf(f64::midpoint(1.0, confidence))
}

/// The probability that a standard normal value is at least this far from 0.
pub(crate) fn normal_beyond(z: f64) -> f64 {
    2.0 * Normal::standard().cdf(-z.abs())
}

/// The score interval of a share of at least one (Wilson 1927), which also holds for none and all.
pub(crate) fn wilson(part: u64, all: u64) -> Interval {
    let (count, z) = (float(all), normal_two_sided(CONFIDENCE));
    let value = float(part) / count;
    let weight = 1.0 + z * z / count;
    let middle = (value + z * z / (2.0 * count)) / weight;
    let spread = (value * (1.0 - value) / count + (z / (2.0 * count)).powi(2)).sqrt();
    let half = z / weight * spread;
    Interval {
        value,
        low: if part == 0 { 0.0 } else { middle - half },
        high: if part == all { 1.0 } else { middle + half },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (freedom, value) in [(1.0, 12.706), (9.0, 2.262), (19.0, 2.093), (120.0, 1.980)] {
            assert!((Student::new(freedom).two_sided(0.95) - value).abs() < 1e-3, "{freedom}");
        }
        assert!((normal_two_sided(0.95) - 1.959_964).abs() < 1e-6);
        assert!((normal_beyond(-1.959_964) - 0.05).abs() < 1e-6);
        assert!((Student::new(9.0).probability(2.262) - 0.975).abs() < 1e-4);
    }
}
