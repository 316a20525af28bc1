//! A grid of replicas, and what is found of its cells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::advice::named;
use super::{Interval, Limit, RowLaw, SCHEMA_VERSION};
use crate::cluster::Replicas;

/// The axes, each in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// Numbers of workers.
    pub worker: Vec<u32>,
    /// Numbers of rng replicas.
    pub rng: Vec<u32>,
    /// Numbers of hasher replicas.
    pub hasher: Vec<u32>,
}

/// Why a cell was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The model is made from it.
    Calibration,
    /// What limits the app changes here.
    Knee,
    /// Drawn by lot, to see whether the model is right.
    Audit,
    /// A cell beside it was not as predicted.
    Surprise,
    /// It makes the most, as far as is known, or nearly so with the fewest containers.
    Best,
    /// Every cell is.
    Full,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellFindings {
    /// Its replicas.
    pub replicas: Replicas,
    /// The rate, as measured, or as predicted where it was not.
    pub hashes_per_second: Interval,
    /// Why it was measured; `None` where it is predicted.
    pub measured: Option<Reason>,
    /// What the model says, made before the cell was measured.
    pub predicted: Option<Interval>,
    /// How far the measurement is from that, as a share of it.
    pub error: Option<f64>,
    /// What limits here.
    pub limit: Option<Limit>,
    /// Why the measurement has no verdict, if it has none.
    pub withheld: Option<String>,
}

/// What was found of a grid, with one policy after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweeps {
    /// Version of this shape; fields are added within a version, never renamed.
    pub schema_version: u32,
    /// Which cluster, and why that one.
    pub cluster: String,
    /// One for each policy; one where none was named.
    pub sweeps: Vec<SweepFindings>,
}

impl Sweeps {
    /// Nothing yet.
    #[must_use]
    pub fn none(cluster: &str) -> Self {
        let (schema_version, cluster) = (SCHEMA_VERSION, cluster.to_owned());
        Self { schema_version, cluster, sweeps: Vec::new() }
    }
}

/// What a sweep with one policy found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepFindings {
    /// How workers spread requests, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The axes.
    pub grid: Grid,
    /// All cells that are known, workers innermost, hashers outermost.
    pub cells: Vec<CellFindings>,
    /// For each row of workers the cell from which on more workers bring nothing.
    pub ridge: Vec<Replicas>,
    /// Mean of how far predictions were off, over the cells measured but for the calibration.
    pub mean_absolute_error: Option<f64>,
    /// Cells whose measurement and prediction exclude each other.
    pub surprises: u32,
    /// Rows as the Universal Scalability Law describes them, where enough of them was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub laws: Vec<RowLaw>,
    /// The fewest containers that make the most of this grid, in a sentence.
    pub sentence: String,
}

impl Grid {
    /// Every cell, workers innermost, hashers outermost.
    #[must_use]
    pub fn cells(&self) -> Vec<Replicas> {
        self.rows().into_iter().flatten().collect()
    }

    /// Every row along the first axis that has a choice.
    pub(super) fn rows(&self) -> Vec<Vec<Replicas>> {
        let cell = |worker, rng, hasher| Replicas { worker, rng, hasher };
        let outer = self.hasher.iter().flat_map(|h| self.rng.iter().map(move |r| (*r, *h)));
        outer
            .map(|(rng, hasher)| self.worker.iter().map(|w| cell(*w, rng, hasher)).collect())
            .collect()
    }

    /// Lines of cells along which the limit is looked for: workers if there are several numbers of
    /// them, else rng, else hasher.
    pub(super) fn lines(&self) -> Vec<Vec<Replicas>> {
        let cells = self.cells();
        let along = |key: fn(&Replicas) -> (u32, u32)| {
            let mut lines: BTreeMap<(u32, u32), Vec<Replicas>> = BTreeMap::new();
            for cell in &cells {
                lines.entry(key(cell)).or_default().push(*cell);
            }
            lines.into_values().collect()
        };
        match (self.worker.len(), self.rng.len()) {
            (2.., _) => self.rows(),
            (_, 2..) => along(|cell| (cell.worker, cell.hasher)),
            _ => along(|cell| (cell.worker, cell.rng)),
        }
    }

    /// The cell to measure first: one in the middle.
    pub(super) fn middle(&self) -> Replicas {
        let middle = |axis: &[u32]| axis.get((axis.len().max(1) - 1) / 2).copied().unwrap_or(1);
        Replicas {
            worker: middle(&self.worker),
            rng: middle(&self.rng),
            hasher: middle(&self.hasher),
        }
    }
}

/// Cells that make as good as the most of all count as equal.
const AS_GOOD: f64 = 0.99;

/// The most of a grid.
pub(super) struct Best<'a> {
    pub(super) most: &'a CellFindings,
    /// The one with the fewest containers of those that make as good as the most.
    pub(super) cheapest: &'a CellFindings,
}

fn rate(cell: &CellFindings) -> f64 {
    cell.hashes_per_second.value
}

/// The most of these cells; `None` where nothing is made.
pub(super) fn best(cells: &[CellFindings]) -> Option<Best<'_>> {
    let most = cells.iter().max_by(|a, b| rate(a).total_cmp(&rate(b)))?;
    let containers = |cell: &CellFindings| {
        let Replicas { worker, rng, hasher } = cell.replicas;
        u64::from(worker) + u64::from(rng) + u64::from(hasher)
    };
    let fastest = cells.iter().filter(|cell| rate(cell) >= rate(most) * AS_GOOD);
    let cheapest = fastest.min_by_key(|cell| containers(cell))?;
    (rate(most) > 0.0).then_some(Best { most, cheapest })
}

/// The most of a grid, in a sentence that says where it is only predicted.
pub(super) fn sentence(cells: &[CellFindings]) -> String {
    let Some(Best { most, cheapest }) = best(cells) else {
        return "Nothing was measured.".to_owned();
    };
    let predicted = if most.measured.is_some() { "" } else { " as predicted" };
    let (top, who) = (rate(most), named(cheapest.replicas));
    match rate(cheapest) < top {
        true => format!(
            "The most of this grid is {top:.2} hashes/s{predicted}; {who} make {:.0} % of it with the \
             fewest containers.",
            100.0 * rate(cheapest) / top
        ),
        false => format!("The most of this grid is {top:.2} hashes/s{predicted}, with {who}."),
    }
}
