//! How sure a verdict is: how often it is the same when the window is drawn again from itself, in
//! blocks, so that what depends on the second before it keeps doing so.

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

use crate::numbers::{correlation, finite, size, squares, whole};
use crate::quantile::wilson;
use crate::{Interval, Refusal};

/// Fewest rows that can be drawn from.
pub const FEWEST_ROWS: usize = 10;

/// How often a verdict is the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Support {
    /// The share of draws with the same verdict. Its interval is only that of drawing a limited
    /// number of times (Wilson 1927).
    pub probability: Interval,
    /// Draws made.
    pub draws: u32,
    /// Mean length of a block, in rows.
    pub block: f64,
}

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawing {
    /// How often.
    pub draws: u32,
    /// Mean length of a block, in rows: see [`block_length`].
    pub block: f64,
    /// The same seed draws the same.
    pub seed: u64,
}

/// How often `verdict` says of rows that were drawn again what it says of the rows themselves, by
/// the stationary bootstrap (Politis and Romano 1994): blocks that begin anywhere, run on from the
/// last row to the first, and have geometric lengths.
///
/// Rows are equal stretches of the window, such as seconds, each with all that the verdict needs.
///
/// # Errors
/// When there are fewer than [`FEWEST_ROWS`] rows, no draw, or the block is shorter than a row.
pub fn support<Row, Verdict: PartialEq>(
    rows: &[Row],
    drawing: Drawing,
    verdict: impl Fn(&[&Row]) -> Verdict,
) -> Result<Support, Refusal> {
    if rows.len() < FEWEST_ROWS {
        return Err(Refusal::too_few("rows", rows.len(), FEWEST_ROWS));
    }
    if drawing.draws == 0 {
        return Err(Refusal::too_few("draws", 0, 1));
    }
    if !drawing.block.is_finite() || drawing.block < 1.0 {
        return Err(Refusal::out_of_range("the block", drawing.block, "1 row or more"));
    }
    let all: Vec<&Row> = rows.iter().collect();
    let said = verdict(&all);
    let mut random = SmallRng::seed_from_u64(drawing.seed);
    let mut drawn = Vec::with_capacity(rows.len());
    let mut same = 0_u32;
    for _ in 0..drawing.draws {
        drawn.clear();
        let mut index = 0;
        for position in 0..rows.len() {
            let begins = position == 0 || random.random::<f64>() * drawing.block < 1.0;
            index = if begins { random.random_range(0..rows.len()) } else { index + 1 };
            index %= rows.len();
            drawn.push(all[index]);
        }
        same += u32::from(verdict(&drawn) == said);
    }
    let probability = wilson(u64::from(same), u64::from(drawing.draws));
    Ok(Support { probability, draws: drawing.draws, block: drawing.block })
}

/// The mean length of a block, in rows, for the rows' most important value, such as throughput: the
/// rule of Politis and White (2004) as corrected by Patton, Politis and White (2009),
///
/// > b = (2 G² / D)^⅓ · n^⅓,   G = Σ λ(k/M) |k| R(k),   D = 2 (Σ λ(k/M) R(k))²
///
/// with R the autocovariance, λ the flat-top window (1 up to ½, then falling to 0 at 1), and M twice
/// the lag from which on five correlations (√log₁₀ n, if that is more) in a row are below
/// 2 √(log₁₀ n / n). It is at least n^⅓ here, since a short window hides correlation, and at
/// most the rule's own limit, the smaller of 3 √n and n/3.
///
/// # Errors
/// When there are fewer than [`FEWEST_ROWS`] values, or one is no number.
pub fn block_length(values: &[f64]) -> Result<f64, Refusal> {
    finite("a value", values)?;
    if values.len() < FEWEST_ROWS {
        return Err(Refusal::too_few("rows", values.len(), FEWEST_ROWS));
    }
    let count = size(values.len());
    let least = count.cbrt();
    let most = (3.0 * count.sqrt()).min(count / 3.0).max(least);
    let most_lag = values.len() / 2;
    let correlations: Vec<f64> = (0..=most_lag).map(|lag| correlation(values, lag)).collect();
    let width = 2 * last_lag(&correlations, count);
    let covariance = squares(values) / count;
    let (mut slope, mut spectrum) = (0.0, covariance);
    for (lag, correlation) in correlations.iter().enumerate().take(width + 1).skip(1) {
        let weight = (2.0 * (1.0 - size(lag) / size(width))).clamp(0.0, 1.0);
        // Each lag counts for itself and for its negative.
        slope += 2.0 * weight * size(lag) * correlation * covariance;
        spectrum += 2.0 * weight * correlation * covariance;
    }
    // Where values alternate, so that sums hardly scatter, the rule divides by nothing.
    let rule = (slope * slope / (spectrum * spectrum) * count).cbrt();
    Ok(if rule.is_finite() { rule.clamp(least, most) } else { least })
}

/// The last lag before correlations are no more than chance.
fn last_lag(correlations: &[f64], count: f64) -> usize {
    let chance = 2.0 * (count.log10() / count).sqrt();
    let run = whole(count.log10().sqrt().ceil()).max(5);
    let small = |lag: &usize| {
        let following = correlations.iter().skip(lag + 1).take(run);
        following.clone().all(|correlation| correlation.abs() < chance)
    };
    (0..correlations.len()).find(small).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests;
