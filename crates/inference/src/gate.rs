//! A gate: whether B may count as no slower than A, from repeated runs of both. It decides with known
//! error rates or says that it cannot; what belongs to a verdict beside the numbers (absent data,
//! errors) is decided by its callers, who count errors with [`Failures`].
//!
//! With the limit T, the slowdown that must be caught, d the slowdown that was measured, s its standard
//! error, t Student's quantiles, all on the logarithmic scale:
//!
//! > low = d − t(1 − 2 % / tests) s,   high = d + t(98 %) s
//!
//! | | |
//! |---|---|
//! | low > 0 and high ≥ T | slower: shown, and a slowdown of T is not ruled out |
//! | high < T | passes: a slowdown of T is ruled out |
//! | else | undecided |
//!
//! Two sides that are equal fail by mistake in 2 % of comparisons, and a slowdown of T passes by mistake
//! in 2 %. The interval of a slower one has its middle above T / 2, so that with ever more runs what is
//! slower by less than T passes. Once high − low < T no comparison is left undecided, whatever the true
//! slowdown is: that gives the number of repetitions. Several tests of one comparison (percentiles,
//! numbers of replicas) share the 2 % of false alarms (Bonferroni); to pass, each must pass, which needs
//! no such correction.

mod findings;

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::comparison::Effect;
use crate::quantile::Student;

pub use findings::{Failures, GateFindings};

/// The share of comparisons of equal sides that fail by mistake, and of slowdowns of the limit that
/// pass by mistake.
pub const MISTAKES: f64 = 0.02;
/// Fewest runs on each side that have a spread.
const FEWEST: u32 = 2;
/// More repetitions than this are not proposed: they would take days.
pub const MOST_REPETITIONS: u32 = 10_000;

/// What is compared, and so which direction is slower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Work per second: less is slower.
    Rate,
    /// A length of time: more is slower.
    Time,
}

/// What B must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// The slowdown that must be caught, as a share of A: above 0 and below 1.
    limit: f64,
    /// Quantities that one comparison judges.
    tests: usize,
}

/// What is said of one quantity. `R` says why one is not judged: what a gate does not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict<R> {
    /// Shown to be slower; at a gate, where a slowdown of its limit is not ruled out: fails.
    Slower,
    /// Shown to be slower, by less than the limit: passes.
    SlowerWithinLimit,
    /// Shown to be faster: passes.
    Faster,
    /// No difference is shown; at a gate, a slowdown of its limit is ruled out: passes.
    NoSignificantDifference,
    /// At a gate: neither a slowdown is shown nor one of the limit ruled out.
    Undecided {
        /// Runs on each side that decide it whatever the true slowdown, at the spread of these runs;
        /// `None` where that is more than [`MOST_REPETITIONS`].
        repetitions_needed: Option<u32>,
    },
    /// There is nothing to judge by.
    NotJudged {
        /// Why.
        reason: R,
    },
}

/// What a gate comes to, all its quantities together; the worst counts, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A slowdown of the limit is ruled out for all of them.
    Passed,
    /// Of some that is not decided.
    Undecided,
    /// Some could not be judged: absent data, too few samples, more errors than before.
    NotJudged,
    /// One is shown to be slower.
    Failed,
}

/// What becomes of a gate that is undecided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfUndecided {
    /// It stays inconclusive.
    #[default]
    Inconclusive,
    /// It counts as passed.
    Pass,
    /// It counts as failed.
    Fail,
}

impl<R> Verdict<R> {
    /// What it means at a gate.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Slower => Outcome::Failed,
            Self::SlowerWithinLimit | Self::Faster | Self::NoSignificantDifference => {
                Outcome::Passed
            }
            Self::Undecided { .. } => Outcome::Undecided,
            Self::NotJudged { .. } => Outcome::NotJudged,
        }
    }

    /// The verdict where no limit was given: whether the 95 % interval leaves out "equal".
    #[must_use]
    pub fn without_limit(effect: &Effect, quantity: Quantity) -> Self {
        let (low, high) = (effect.ratio.low, effect.ratio.high);
        match (quantity, low > 1.0, high < 1.0) {
            (Quantity::Rate, true, _) | (Quantity::Time, _, true) => Self::Faster,
            (Quantity::Rate, _, true) | (Quantity::Time, true, _) => Self::Slower,
            _ => Self::NoSignificantDifference,
        }
    }
}

impl Outcome {
    /// The exit code of a command whose gate this is: 0 passed, 1 failed, 3 inconclusive. What
    /// `undecided` asks for covers that case alone.
    #[must_use]
    pub fn exit(self, undecided: IfUndecided) -> u8 {
        match (self, undecided) {
            (Self::Passed, _) | (Self::Undecided, IfUndecided::Pass) => 0,
            (Self::Failed, _) | (Self::Undecided, IfUndecided::Fail) => 1,
            (Self::NotJudged, _) | (Self::Undecided, IfUndecided::Inconclusive) => 3,
        }
    }
}

impl Gate {
    /// A gate for slowdowns of `limit`, a share of A, for a comparison that judges `tests`
    /// quantities.
    ///
    /// # Errors
    /// When the limit is not above 0 and below 1: no number of runs shows that two sides are equal.
    pub fn new(limit: f64, tests: usize) -> Result<Self, Refusal> {
        match limit > 0.0 && limit < 1.0 {
            true => Ok(Self { limit, tests: tests.max(1) }),
            false => Err(Refusal::out_of_range("the limit", limit, "above 0 and below 1")),
        }
    }

    /// The verdict on one quantity.
    #[must_use]
    pub fn judge<R>(&self, effect: &Effect, quantity: Quantity) -> Verdict<R> {
        let slowdown = match quantity {
            Quantity::Rate => -effect.logarithm,
            Quantity::Time => effect.logarithm,
        };
        let limit = self.logarithm(quantity);
        let [alarm, pass] = self.quantiles(effect.freedom);
        let (low, high) = (slowdown - alarm * effect.error, slowdown + pass * effect.error);
        match (low > 0.0, high < limit) {
            (true, false) => Verdict::Slower,
            (true, true) => Verdict::SlowerWithinLimit,
            (false, true) if slowdown + alarm * effect.error < 0.0 => Verdict::Faster,
            (false, true) => Verdict::NoSignificantDifference,
            (false, false) => {
                Verdict::Undecided { repetitions_needed: self.repetitions(effect, quantity) }
            }
        }
    }

    /// Runs on each side after which the interval is narrower than the limit, at the spread of these.
    #[must_use]
    pub fn repetitions(&self, effect: &Effect, quantity: Quantity) -> Option<u32> {
        let limit = self.logarithm(quantity);
        let decides = |runs: u32| {
            let (error, freedom) = effect.expected(f64::from(runs));
            self.quantiles(freedom).iter().sum::<f64>() * error < limit
        };
        if !decides(MOST_REPETITIONS) {
            return None;
        }
        // More runs always narrow it: halve what is left.
        let (mut too_few, mut enough) = (FEWEST - 1, MOST_REPETITIONS);
        while enough - too_few > 1 {
            let middle = u32::midpoint(too_few, enough);
            if decides(middle) { enough = middle } else { too_few = middle }
        }
        Some(enough)
    }

    /// The limit on the logarithmic scale.
    fn logarithm(&self, quantity: Quantity) -> f64 {
        match quantity {
            Quantity::Rate => -(-self.limit).ln_1p(),
            Quantity::Time => self.limit.ln_1p(),
        }
    }

    /// Standard errors to the two ends of the interval: that of the alarm, that of the pass.
    fn quantiles(&self, freedom: f64) -> [f64; 2] {
        let student = Student::new(freedom);
        [MISTAKES / crate::numbers::size(self.tests), MISTAKES]
            .map(|share| student.quantile(1.0 - share))
    }
}

#[cfg(test)]
mod tests;
