//! Counts as numbers to calculate with, and what is calculated of many values. It decides nothing.

use crate::Refusal;

/// A count; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^53")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// A number of items.
pub(crate) fn size(count: usize) -> f64 {
    float(count as u64)
}

/// The whole part of a number; 0 for what is below it or no number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` keeps to the limits, which is what is wanted"
)]
pub(crate) fn whole(number: f64) -> usize {
    number as usize
}

/// The mean; 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / size(values.len()) }
}

/// Sum of squared distances from the mean.
pub(crate) fn squares(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

/// The variance with n - 1 in the denominator; 0 of fewer than two values.
pub(crate) fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 { 0.0 } else { squares(values) / size(values.len() - 1) }
}

/// Correlation of neighbours at a distance of `lag`; 0 where nothing varies.
pub(crate) fn correlation(values: &[f64], lag: usize) -> f64 {
    let (mean, squares) = (mean(values), squares(values));
    // What is left of equal values by rounding is no variation.
    let noise = 1e-13 * mean.abs();
    if squares <= noise * noise * size(values.len()) {
        return 0.0;
    }
    let later = values.iter().skip(lag);
    values.iter().zip(later).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / squares
}

/// The middle value; `None` of nothing.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(*upper, *lower))
}

/// Refuses a number that is not finite or not over 0.
pub(crate) fn positive(what: &str, value: f64) -> Result<(), Refusal> {
    match value.is_finite() && value > 0.0 {
        true => Ok(()),
        false => Err(Refusal::out_of_range(what, value, "a number over 0")),
    }
}

/// Refuses values of which one is not finite.
pub(crate) fn finite(what: &str, values: &[f64]) -> Result<(), Refusal> {
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(()),
        Some(value) => Err(Refusal::out_of_range(what, *value, "a number")),
    }
}
