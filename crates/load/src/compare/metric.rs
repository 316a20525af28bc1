//! The numbers that are compared, of a whole run and of its parts.

use clap::ValueEnum;
use inference::Refusal;
use inference::comparison::Side;
use inference::gate::Quantity;
use inference::long_run::long_run_mean;

use super::Loaded;
use super::verdict::{Reason, Which};
use crate::distribution::needed;
use crate::parts::Part;
use crate::summary::Summary;

/// A number of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Metric {
    /// Responses per second.
    Rate,
    /// Mean latency.
    Mean,
    /// Median latency.
    P50,
    /// 90th percentile.
    P90,
    /// 99th percentile.
    P99,
    /// 99.9th percentile.
    #[value(name = "p99.9")]
    P999,
}

impl Metric {
    /// All that are compared, in their order.
    pub const ALL: [Self; 6] =
        [Self::Rate, Self::Mean, Self::P50, Self::P90, Self::P99, Self::P999];

    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate => "requests_per_second",
            Self::Mean => "mean_ms",
            Self::P50 => "p50_ms",
            Self::P90 => "p90_ms",
            Self::P99 => "p99_ms",
            Self::P999 => "p99_9_ms",
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Rate => "requests/s",
            Self::Mean => "mean",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
        }
    }

    /// Which direction is slower.
    #[must_use]
    pub fn quantity(self) -> Quantity {
        if self == Self::Rate { Quantity::Rate } else { Quantity::Time }
    }

    fn quantile(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P90 => Some(0.9),
            Self::P99 => Some(0.99),
            Self::P999 => Some(0.999),
            Self::Rate | Self::Mean => None,
        }
    }

    /// Of a whole run.
    #[must_use]
    pub fn of(self, run: &Summary) -> Option<f64> {
        match self {
            Self::Rate => Some(run.requests_per_second),
            Self::Mean => run.latency.mean_ms,
            Self::P50 => run.latency.p50_ms,
            Self::P90 => run.latency.p90_ms,
            Self::P99 => run.latency.p99_ms,
            Self::P999 => run.latency.p99_9_ms,
        }
    }

    fn of_part(self, part: &Part) -> Option<f64> {
        match self {
            Self::Rate => Some(part.requests_per_second),
            Self::Mean => part.mean_ms,
            Self::P50 => part.p50_ms,
            Self::P90 => part.p90_ms,
            Self::P99 => part.p99_ms,
            Self::P999 => part.p99_9_ms,
        }
    }

    /// The runs of a side as their spread makes them known; a single run by how it varies within
    /// itself.
    pub(super) fn side(self, runs: &[Loaded], which: Which) -> Result<Side, Reason> {
        let values: Vec<f64> = runs.iter().filter_map(|run| self.of(&run.summary)).collect();
        if values.len() < runs.len() || values.iter().any(|value| *value <= 0.0) {
            return Err(self.absence(runs, which));
        }
        let no_interval = |_: Refusal| Reason::NoInterval { side: which };
        match (runs, &*values) {
            ([only], [value]) => {
                let parts = only.summary.parts.iter().map(|part| self.of_part(part));
                let parts: Option<Vec<f64>> = parts.collect();
                let parts = parts.ok_or(Reason::NoInterval { side: which })?;
                let mean = long_run_mean(&parts).map_err(no_interval)?;
                let half = mean.relative_half_width().ok_or(Reason::NoInterval { side: which })?;
                Side::of_one_run(*value, value * half, mean.freedom).map_err(no_interval)
            }
            _ => Side::of_runs(&values).map_err(no_interval),
        }
    }

    /// Why a side has no value.
    fn absence(self, runs: &[Loaded], which: Which) -> Reason {
        let there = runs.iter().map(|run| run.latency.count()).min().unwrap_or(0);
        match self.quantile().map(needed) {
            Some(needed) if there < needed => Reason::TooFewSamples { side: which, needed, there },
            _ => Reason::Absent { side: which },
        }
    }
}
