//! The little arithmetic that figures share. Pure.

/// The middle value, or the mean of the two in the middle; NaN of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        even if even.is_multiple_of(2) => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

/// The mean; NaN of nothing.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0.0), |(s, n), value| (s + value, n + 1.0));
    sum / count
}

/// The largest; minus infinity of nothing.
pub(crate) fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(f64::NEG_INFINITY, f64::max)
}

/// The smallest; infinity of nothing.
pub(crate) fn smallest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
}

/// Slope of the least-squares line through points (x, y); NaN of fewer than two.
pub(crate) fn slope(points: &[(f64, f64)]) -> f64 {
    let centre_x = mean(points.iter().map(|p| p.0));
    let centre_y = mean(points.iter().map(|p| p.1));
    let covariance: f64 = points.iter().map(|(x, y)| (x - centre_x) * (y - centre_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - centre_x).powi(2)).sum();
    covariance / variance
}

/// Counts as numbers to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts and bytes stay below 2^53")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// A relative difference in words: `-0.42 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:+.2} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
        assert!(median([]).is_nan());
    }

    #[test]
    fn the_slope_of_a_line_is_its_slope() {
        let points: Vec<_> = (0..10).map(|x| (f64::from(x), 7.0 + 2.5 * f64::from(x))).collect();
        assert!((slope(&points) - 2.5).abs() < 1e-12);
    }
}
