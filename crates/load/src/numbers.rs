//! Counts and times as numbers of the other kind, in one place, so that what is lost is lost knowingly.

use std::time::Duration;

/// Nanoseconds of a length of time; those of 584 years and more are the most there are.
#[must_use]
pub fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

/// A count as a number to calculate with; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no count or time here comes near 2^53")]
#[must_use]
pub fn float(count: u64) -> f64 {
    count as f64
}

/// The whole part of a number; 0 for what is below it or no number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` keeps to the limits, which is what is wanted"
)]
#[must_use]
pub fn whole(number: f64) -> u64 {
    number as u64
}

/// Nanoseconds as milliseconds.
#[must_use]
pub fn milliseconds(nanoseconds: u64) -> f64 {
    float(nanoseconds) / 1e6
}

/// The middle of the values, which are put in order; `None` of none.
#[must_use]
pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2)?;
    let lower = values.get(values.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

/// `part` of `all`; 0 of nothing.
#[must_use]
pub fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { float(part) / float(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_stays_within_the_limits() {
        assert_eq!(nanoseconds(Duration::MAX), u64::MAX);
        assert_eq!(whole(-1.0), 0);
        assert_eq!(whole(f64::NAN), 0);
        assert_eq!(whole(2.9), 2);
        assert!(share(1, 0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [7.0]), Some(7.0));
        assert_eq!(median(&mut [9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 9.0, 1.0, 2.0]), Some(3.0));
    }
}
