//! Statistics of a measured app: series of (time, count) and of values go in, estimates with
//! intervals come out, or the reason why there are none.
//!
//! All of it is pure: no clock, no network, no printing, and the same input gives the same output;
//! what needs chance takes a seed. Intervals are at 95 % unless their name says otherwise.
//! Each estimate names what makes it doubtful instead of hiding it.

pub mod bootstrap;
pub mod changepoint;
pub mod coins;
pub mod comparison;
mod drift;
pub mod gate;
pub mod long_run;
mod numbers;
mod quantile;
pub mod rate;
pub mod repetitions;
pub mod stopping;
pub mod warmup;

use serde::{Deserialize, Serialize};

/// The share of intervals that should hold the truth.
pub const CONFIDENCE: f64 = 0.95;

/// A value with the range it lies in, at [`CONFIDENCE`] unless it is said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The best estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// As far down as up.
    #[must_use]
    pub fn around(value: f64, half_width: f64) -> Self {
        Self { value, low: value - half_width, high: value + half_width }
    }

    /// Whether a value lies in it, its ends included.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Half of its width.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}

/// Why there is no estimate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// Measure for longer.
    #[error("a window of {seconds:.1} s is too short: {needed:.1} s are needed")]
    WindowTooShort {
        /// What there is, in seconds.
        seconds: f64,
        /// What there should be, in seconds.
        needed: f64,
    },
    /// Measure more often.
    #[error("{got} {what} are too few: {needed} are needed")]
    TooFew {
        /// Of what.
        what: String,
        /// How many there are.
        got: usize,
        /// How many there should be.
        needed: usize,
    },
    /// More than half of a window was not read.
    #[error("nothing was read in {missing:.1} s of {seconds:.1} s")]
    Gaps {
        /// Length of all gaps, in seconds.
        missing: f64,
        /// Length of the window, in seconds.
        seconds: f64,
    },
    /// A series still moves; measure for longer.
    #[error("{series} has not converged: its best cut lies in its second half")]
    NotConverged {
        /// Which series.
        series: String,
    },
    /// The question makes no sense with this number.
    #[error("{what} is {value}, which is not {expected}")]
    OutOfRange {
        /// Which number.
        what: String,
        /// What it is.
        value: f64,
        /// What it should be.
        expected: String,
    },
}

impl Refusal {
    pub(crate) fn too_few(what: &str, got: usize, needed: usize) -> Self {
        Self::TooFew { what: what.to_owned(), got, needed }
    }

    pub(crate) fn out_of_range(what: &str, value: f64, expected: &str) -> Self {
        Self::OutOfRange { what: what.to_owned(), value, expected: expected.to_owned() }
    }
}
