//! Repetitions at several levels: values within a run, runs between restarts. What a restart adds to
//! the scatter no window shows, however long it is.
//!
//! After Kalibera and Jones (2013), *Rigorous Benchmarking in Reasonable Time*.

use serde::{Deserialize, Serialize};

use crate::numbers::{finite, mean, positive, size, variance, whole};
use crate::quantile::Student;
use crate::{CONFIDENCE, Interval, Refusal};

/// Fewest restarts of which a scatter between them can be known.
pub const FEWEST_RUNS: usize = 3;

/// Measured values at n levels of repetition, the same number of each: `shape[0]` values in each
/// group of the lowest level, `shape[1]` such groups in each of the next, … The values of a group
/// follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Nested<'a> {
    /// All values.
    pub values: &'a [f64],
    /// Repetitions per level, the lowest first.
    pub shape: &'a [usize],
}

/// What each level adds to the scatter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// Mean of all values.
    pub mean: f64,
    /// Variance that each level itself adds, the lowest first. It can come out below 0 by chance
    /// where a level adds nothing.
    pub variances: Vec<f64>,
    /// Variance of the groups of the highest level, all below it included.
    pub highest: f64,
    /// Groups of the highest level.
    pub runs: usize,
}

/// How to repeat from here on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// Runs in all, those there are included.
    pub runs: usize,
    /// Half-width to be expected then, as a share of the mean.
    pub relative_half_width: f64,
    /// Whether that is what was wanted; no if even the most runs are too few.
    pub precise: bool,
}

impl Nested<'_> {
    /// What each level adds to the scatter: with S²ᵢ the variance of the means of level i's groups
    /// (n − 1 in the denominator), averaged over the groups above,
    ///
    /// > T²₁ = S²₁,   T²ᵢ = S²ᵢ − S²ᵢ₋₁ / rᵢ₋₁
    ///
    /// The means of level i scatter by what is below them, too; the subtracted term corrects for
    /// that, and makes T² unbiased.
    ///
    /// # Errors
    /// When the shape does not fit the values, or a level has fewer than two repetitions.
    pub fn levels(&self) -> Result<Levels, Refusal> {
        finite("a value", self.values)?;
        let wanted = self.shape.iter().product::<usize>();
        let fewest = self.shape.iter().copied().min().unwrap_or(0);
        if fewest < 2 {
            return Err(Refusal::too_few("repetitions at a level", fewest, 2));
        }
        if self.values.len() != wanted {
            return Err(Refusal::out_of_range(
                "the number of values",
                size(self.values.len()),
                &format!("the {wanted} of the shape"),
            ));
        }
        let mut means = self.values.to_vec();
        let (mut variances, mut below) = (Vec::new(), 0.0);
        for repetitions in self.shape {
            let groups = means.chunks_exact(*repetitions);
            let scatter = mean(&groups.clone().map(variance).collect::<Vec<_>>());
            variances.push(scatter - below);
            below = scatter / size(*repetitions);
            means = groups.map(mean).collect();
        }
        let runs = self.shape.last().copied().unwrap_or(0);
        Ok(Levels { mean: mean(self.values), variances, highest: below * size(runs), runs })
    }
}

impl Levels {
    /// The mean over restarts: a t interval over the means of the runs, which carry the scatter of
    /// all levels below them.
    #[must_use]
    pub fn interval(&self) -> Interval {
        Interval::around(self.mean, half_width(self.highest, self.runs))
    }

    /// The best number of repetitions at each level but the highest, for what a repetition of each
    /// costs (the lowest first, one more number than there are results):
    ///
    /// > rᵢ = √( (cᵢ₊₁ / cᵢ) · (T²ᵢ / T²ᵢ₊₁) )
    ///
    /// which is the least variance for a given cost. A level that adds nothing by itself is not
    /// worth repeating: then `None`, as many as possible below it.
    ///
    /// # Errors
    /// When a cost is not over 0, or their number is not that of the levels.
    pub fn best(&self, costs: &[f64]) -> Result<Vec<Option<usize>>, Refusal> {
        if costs.len() != self.variances.len() {
            let expected = format!("{}, one for each level", self.variances.len());
            return Err(Refusal::out_of_range("the number of costs", size(costs.len()), &expected));
        }
        costs.iter().try_for_each(|cost| positive("a cost", *cost))?;
        let pairs = self.variances.windows(2).zip(costs.windows(2));
        let best = pairs.map(|(variance, cost)| {
            let (own, above) = (variance[0].max(0.0), variance[1]);
            let ratio = cost[1] / cost[0] * own / above;
            (above > 0.0).then(|| whole(ratio.sqrt().ceil()).max(1))
        });
        Ok(best.collect())
    }
}

/// How many runs bring the mean over restarts to a precision (half-width as a share of the mean), each
/// as long as the pilot runs, which have equally many values. For `--repeat auto`.
///
/// # Errors
/// When there are fewer than three pilot runs, they differ in length, have fewer than two values,
/// or a number makes no sense.
pub fn advice(pilot: &[&[f64]], precision: f64, most_runs: usize) -> Result<Advice, Refusal> {
    positive("the precision", precision)?;
    if pilot.len() < FEWEST_RUNS {
        return Err(Refusal::too_few("runs", pilot.len(), FEWEST_RUNS));
    }
    let length = pilot.first().map_or(0, |run| run.len());
    if let Some(other) = pilot.iter().find(|run| run.len() != length) {
        let expected = format!("{length}, as of the first");
        return Err(Refusal::out_of_range("the length of a run", size(other.len()), &expected));
    }
    let values = pilot.concat();
    let levels = Nested { values: &values, shape: &[length, pilot.len()] }.levels()?;
    positive("the mean", levels.mean.abs())?;
    // What the means of runs of this length scatter by, be it from restarts or from within.
    let expected = |runs: usize| half_width(levels.highest, runs) / levels.mean.abs();
    let most = most_runs.max(pilot.len());
    let enough = (pilot.len()..=most).find(|runs| expected(*runs) <= precision);
    let runs = enough.unwrap_or(most);
    Ok(Advice { runs, relative_half_width: expected(runs), precise: enough.is_some() })
}

/// Half-width of the t interval of the mean of runs that scatter by this variance.
fn half_width(variance: f64, runs: usize) -> f64 {
    let student = Student::new(size(runs.saturating_sub(1)));
    student.two_sided(CONFIDENCE) * (variance / size(runs)).sqrt()
}

#[cfg(test)]
mod tests;
