//! B against A: by how much they differ, and whether they are as good as equal. A difference that was
//! not observed is never reported as shown to be absent. Whether B passes is decided in `gate`.

use serde::{Deserialize, Serialize};

use crate::numbers::{finite, mean, positive, size, variance};
use crate::quantile::Student;
use crate::{CONFIDENCE, Interval, Refusal};

/// The share of wrong decisions each one-sided question allows.
const ERROR: f64 = 1.0 - CONFIDENCE;

/// One side of a comparison: the logarithm of its value and how well that is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Side {
    logarithm: f64,
    /// Standard error of the logarithm.
    error: f64,
    /// Degrees of freedom of the error.
    freedom: f64,
    /// Runs behind it.
    runs: f64,
}

impl Side {
    /// A side that was run several times: the scatter between runs is its error, with all that a
    /// restart changes. This is the comparison to be preferred.
    ///
    /// # Errors
    /// When there are fewer than two runs, or one's value is not over 0.
    pub fn of_runs(values: &[f64]) -> Result<Self, Refusal> {
        finite("a run's value", values)?;
        if values.len() < 2 {
            return Err(Refusal::too_few("runs", values.len(), 2));
        }
        values.iter().try_for_each(|value| positive("a run's value", *value))?;
        let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
        let count = size(values.len());
        Ok(Self {
            logarithm: mean(&logarithms),
            error: (variance(&logarithms) / count).sqrt(),
            freedom: count - 1.0,
            runs: count,
        })
    }

    /// A side of one run, from the half-width of its 95 % interval and the degrees of freedom of
    /// that. What another run would change is not in it: two such sides differ more often than the
    /// interval says.
    ///
    /// # Errors
    /// When the value is not over 0, or the half-width or the freedom make no sense.
    pub fn of_one_run(value: f64, half_width: f64, freedom: f64) -> Result<Self, Refusal> {
        positive("the value", value)?;
        positive("the degrees of freedom", freedom)?;
        if !half_width.is_finite() || half_width < 0.0 {
            return Err(Refusal::out_of_range("the half-width", half_width, "0 or more"));
        }
        // The logarithm of a value that is known to a small share of it (delta method).
        let error = half_width / value / Student::new(freedom).two_sided(CONFIDENCE);
        Ok(Self { logarithm: value.ln(), error, freedom, runs: 1.0 })
    }

    /// Variance of the logarithm of one run.
    fn variance_of_a_run(&self) -> f64 {
        self.error.powi(2) * self.runs
    }
}

/// The effect of B against A, as a ratio: 1.03 is 3 % more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// B / A with its 95 % interval. Of several runs, the ratio of geometric means.
    pub ratio: Interval,
    pub(crate) logarithm: f64,
    /// Standard error of the logarithm.
    pub(crate) error: f64,
    /// Degrees of freedom of the error.
    pub(crate) freedom: f64,
    /// Variance of the logarithm of one run, on each side.
    variances: [f64; 2],
}

/// How B compares to A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// As good as equal: within the margin on both sides.
    Tie,
    /// B has more, and it is not shown to be within the margin.
    More,
    /// B has less, likewise.
    Less,
    /// Neither equality nor a difference is shown.
    Open,
}

/// The effect of B against A on a logarithmic scale, where a half and a double weigh alike, with
/// errors that may differ (Welch 1947; degrees of freedom by Satterthwaite 1946).
#[must_use]
pub fn effect(a: Side, b: Side) -> Effect {
    let (square_a, square_b) = (a.error.powi(2), b.error.powi(2));
    let square = square_a + square_b;
    let freedom = welch([square_a, square_b], [a.freedom, b.freedom]);
    let logarithm = b.logarithm - a.logarithm;
    let error = square.sqrt();
    let half = Student::new(freedom).two_sided(CONFIDENCE) * error;
    let ratio = Interval {
        value: logarithm.exp(),
        low: (logarithm - half).exp(),
        high: (logarithm + half).exp(),
    };
    let variances = [a.variance_of_a_run(), b.variance_of_a_run()];
    Effect { ratio, logarithm, error, freedom, variances }
}

/// Degrees of freedom of the sum of two squared errors (Satterthwaite 1946).
fn welch([a, b]: [f64; 2], [freedom_a, freedom_b]: [f64; 2]) -> f64 {
    match a + b > 0.0 {
        true => (a + b).powi(2) / (a.powi(2) / freedom_a + b.powi(2) / freedom_b),
        false => freedom_a + freedom_b,
    }
}

impl Effect {
    /// Whether B and A are equal to within `margin`, a share over 0: two one-sided tests
    /// (Schuirmann 1987), each at 5 %, that the ratio is over 1/(1 + margin) and under 1 + margin.
    /// With no such proof, whether there is a difference: whether the 95 % interval leaves out 1.
    ///
    /// A small difference that is beyond doubt is a tie, too: it is within the margin.
    ///
    /// # Errors
    /// When the margin is not over 0.
    pub fn outcome(&self, margin: f64) -> Result<Outcome, Refusal> {
        positive("the margin", margin)?;
        let limit = margin.ln_1p();
        let one_sided = self.one_sided();
        Ok(match () {
            () if self.logarithm - one_sided > -limit && self.logarithm + one_sided < limit => {
                Outcome::Tie
            }
            () if self.ratio.low > 1.0 => Outcome::More,
            () if self.ratio.high < 1.0 => Outcome::Less,
            () => Outcome::Open,
        })
    }

    /// Standard error of the logarithm, and its degrees of freedom, to expect from `runs` runs on each
    /// side at the spread of these.
    pub(crate) fn expected(&self, runs: f64) -> (f64, f64) {
        let squares = self.variances.map(|variance| variance / runs);
        (squares.iter().sum::<f64>().sqrt(), welch(squares, [runs - 1.0; 2]))
    }

    /// How far a one-sided 95 % limit is from the estimate, on the logarithmic scale.
    fn one_sided(&self) -> f64 {
        Student::new(self.freedom).quantile(1.0 - ERROR) * self.error
    }
}

#[cfg(test)]
mod tests;
