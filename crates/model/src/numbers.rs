//! Counts and times as numbers of the other kind, in one place, so that what is lost is lost knowingly.

use std::num::NonZeroU32;

/// Nanoseconds of a second.
pub(crate) const SECOND: f64 = 1e9;

/// A count or a time in nanoseconds as a number to calculate with; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no count or time here comes near 2^53")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// A sum of nanoseconds as a number to calculate with; 53 bits of it are kept.
#[expect(clippy::cast_precision_loss, reason = "a sum is known to 16 digits, which is enough")]
pub(crate) fn float_sum(sum: u128) -> f64 {
    sum as f64
}

/// The length of a list as a number to calculate with.
pub(crate) fn length(of: usize) -> f64 {
    float(u64::try_from(of).unwrap_or(u64::MAX))
}

/// The whole part of a number; 0 for what is below it or no number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` keeps to the limits, which is what is wanted"
)]
pub(crate) fn whole(number: f64) -> u64 {
    number as u64
}

/// A count as the index of a list.
pub(crate) fn index(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// An index as a count.
pub(crate) fn count(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The number rounded up to a count of at least one.
///
/// What is less than a billionth above a whole number is that number: 10 * 0.1 / 0.3 is not exact.
pub(crate) fn round_up(number: f64) -> NonZeroU32 {
    let rounded = whole((number * (1.0 - 1e-9)).ceil());
    NonZeroU32::new(u32::try_from(rounded).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN)
}

/// ln(e^a + e^b) without leaving the logarithms; minus infinity is the logarithm of nothing.
pub(crate) fn add_logs(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_stays_within_the_limits() {
        assert_eq!(whole(-1.0), 0);
        assert_eq!(whole(f64::NAN), 0);
        assert_eq!(round_up(0.0).get(), 1);
        assert_eq!(round_up(f64::INFINITY).get(), u32::MAX);
    }

    #[test]
    fn rounding_up_forgives_the_last_digits() {
        assert_eq!(round_up(3.0 + 1e-12).get(), 3);
        assert_eq!(round_up(3.0 + 1e-6).get(), 4);
        assert_eq!(round_up(3.0).get(), 3);
    }

    #[test]
    fn sums_of_logs() {
        assert!((add_logs(2f64.ln(), 3f64.ln()) - 5f64.ln()).abs() < 1e-15);
        assert!((add_logs(f64::NEG_INFINITY, 1.5) - 1.5).abs() < f64::EPSILON);
        assert!((add_logs(-1e4, 1e4) - 1e4).abs() < f64::EPSILON);
    }
}
