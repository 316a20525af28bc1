//! How long a stage takes or a worker thinks, as a distribution. Draws nothing: `simulation` does.

use std::sync::Arc;

use crate::impossible::Impossible;
use crate::network::Seconds;
use crate::numbers::{float, length, whole};

/// Recorded times in order, each with how many were as short or shorter.
#[derive(Debug, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) values: Vec<Seconds>,
    pub(crate) counted: Vec<u64>,
}

/// The kinds, with mean values in seconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Fixed(f64),
    Exponential(f64),
    LogNormal { mean: f64, deviation: f64 },
    Empirical(Arc<Recorded>),
}

/// A distribution of lengths of time. Cheap to copy.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    pub(crate) shape: Shape,
    pub(crate) scale: f64,
}

impl Distribution {
    fn new(shape: Shape) -> Self {
        Self { shape, scale: 1.0 }
    }

    /// Always the same.
    #[must_use]
    pub fn fixed(time: Seconds) -> Self {
        Self::new(Shape::Fixed(time.get()))
    }

    /// Exponential.
    #[must_use]
    pub fn exponential(mean: Seconds) -> Self {
        Self::new(Shape::Exponential(mean.get()))
    }

    /// Log-normal by the mean and standard deviation of the times themselves, not of their logarithms.
    ///
    /// # Errors
    /// When the mean is zero.
    pub fn log_normal(mean: Seconds, deviation: Seconds) -> Result<Self, Impossible> {
        let (mean, deviation) = (mean.get(), deviation.get());
        match mean > 0.0 {
            true => Ok(Self::new(Shape::LogNormal { mean, deviation })),
            false => Err(Impossible::NoMean),
        }
    }

    /// As recorded: each time with how often it was met, in any order.
    ///
    /// # Errors
    /// When none was met.
    pub fn empirical(times: impl IntoIterator<Item = (Seconds, u64)>) -> Result<Self, Impossible> {
        let mut met: Vec<_> = times.into_iter().filter(|(_, count)| *count > 0).collect();
        met.sort_by(|a, b| a.0.get().total_cmp(&b.0.get()));
        let mut total: u64 = 0;
        let mut recorded = Recorded { values: Vec::new(), counted: Vec::new() };
        for (value, count) in met {
            total = total.checked_add(count).ok_or(Impossible::NothingRecorded)?;
            recorded.values.push(value);
            recorded.counted.push(total);
        }
        match total {
            0 => Err(Impossible::NothingRecorded),
            _ => Ok(Self::new(Shape::Empirical(Arc::new(recorded)))),
        }
    }

    /// The same shape, all times multiplied.
    ///
    /// # Errors
    /// When the factor is not above zero and finite.
    pub fn scaled(&self, factor: f64) -> Result<Self, Impossible> {
        let scale = self.scale * factor;
        match factor > 0.0 && scale.is_finite() && scale > 0.0 {
            true => Ok(Self { shape: self.shape.clone(), scale }),
            false => Err(Impossible::Factor(factor)),
        }
    }

    /// The mean; a year where it would be more.
    #[must_use]
    pub fn mean(&self) -> Seconds {
        let mean = match &self.shape {
            Shape::Fixed(mean) | Shape::Exponential(mean) | Shape::LogNormal { mean, .. } => *mean,
            Shape::Empirical(recorded) => recorded.mean(),
        };
        Seconds::new((mean * self.scale).min(Seconds::MOST)).unwrap_or_default()
    }
}

impl Recorded {
    fn total(&self) -> u64 {
        self.counted.last().copied().unwrap_or(0)
    }

    fn mean(&self) -> f64 {
        let mut before = 0;
        let parts = self.values.iter().zip(&self.counted).map(|(value, counted)| {
            let count = counted - before;
            before = *counted;
            value.get() * (float(count) / float(self.total()))
        });
        parts.sum()
    }

    /// The time that the share `quantile` of all do not exceed, found from `guide`.
    pub(crate) fn quantile(&self, quantile: f64, guide: &[u32]) -> f64 {
        let slot = whole(quantile * length(guide.len()));
        let slot = usize::try_from(slot).unwrap_or(usize::MAX).min(guide.len() - 1);
        let rank = whole(quantile * float(self.total()));
        let mut place = crate::numbers::index(guide[slot]);
        while self.counted[place] <= rank && place + 1 < self.counted.len() {
            place += 1;
        }
        self.values[place].get()
    }

    /// Where to begin the search for a quantile, for as many equal slots as there are times, so that it is
    /// found in two steps on average (Chen and Asau 1974, "On generating random variates from an
    /// empirical distribution").
    pub(crate) fn guide(&self) -> Vec<u32> {
        let slots = self.values.len();
        let mut place = 0;
        let begin = |slot| {
            let rank = whole(length(slot) / length(slots) * float(self.total()));
            while self.counted[place] <= rank && place + 1 < slots {
                place += 1;
            }
            crate::numbers::count(place)
        };
        (0..slots).map(begin).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(value: f64) -> Seconds {
        Seconds::new(value).unwrap()
    }

    #[test]
    fn means() {
        let recorded =
            Distribution::empirical([(seconds(3.0), 1), (seconds(1.0), 3), (seconds(9.0), 0)]);
        assert!((recorded.unwrap().mean().get() - 1.5).abs() < 1e-12);
        let normal = Distribution::log_normal(seconds(0.1), seconds(0.2)).unwrap();
        assert!((normal.scaled(3.0).unwrap().mean().get() - 0.3).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_distribution() {
        assert_eq!(Distribution::empirical([]), Err(Impossible::NothingRecorded));
        assert_eq!(Distribution::empirical([(seconds(1.0), 0)]), Err(Impossible::NothingRecorded));
        let two = [(seconds(1.0), u64::MAX), (seconds(2.0), 1)];
        assert_eq!(Distribution::empirical(two), Err(Impossible::NothingRecorded));
        assert!(Distribution::log_normal(Seconds::ZERO, seconds(1.0)).is_err());
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Distribution::fixed(seconds(1.0)).scaled(factor).is_err(), "{factor}");
        }
    }

    #[test]
    fn quantiles_with_and_without_a_guide() {
        let times = [(0.1, 5), (0.2, 1), (0.25, 1), (0.4, 90), (7.0, 3)];
        let times = times.map(|(value, count)| (seconds(value), count));
        let Shape::Empirical(recorded) = Distribution::empirical(times).unwrap().shape else {
            panic!("these were recorded")
        };
        let guide = recorded.guide();
        for (quantile, value) in [
            (0.0, 0.1),
            (0.049, 0.1),
            (0.05, 0.2),
            (0.06, 0.25),
            (0.07, 0.4),
            (0.97, 7.0),
            (0.999, 7.0),
        ] {
            let found = recorded.quantile(quantile, &guide);
            assert!((found - value).abs() < 1e-12, "{quantile}: {found}, not {value}");
            assert!((recorded.quantile(quantile, &[0]) - value).abs() < 1e-12);
        }
    }
}
