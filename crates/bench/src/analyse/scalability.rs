//! The Universal Scalability Law beside what a sweep measured. It describes rows of workers and predicts
//! nothing; how badly it fits goes wherever it goes. Pure.

use std::collections::BTreeMap;

use model::{Usl, UslPoint};
use serde::{Deserialize, Serialize};

use super::CellFindings;
use crate::cluster::Replicas;

/// The law of one row: the same services, and several numbers of workers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowLaw {
    /// Its rng replicas.
    pub rng: u32,
    /// Its hasher replicas.
    pub hasher: u32,
    /// The fit, with its lack of fit.
    #[serde(flatten)]
    pub law: Usl,
}

/// The law of each row of which four numbers of workers or more were measured: three parameters fit any
/// three points.
pub(super) fn laws(cells: &[CellFindings]) -> Vec<RowLaw> {
    let mut rows: BTreeMap<(u32, u32), Vec<UslPoint>> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| cell.measured.is_some()) {
        let Replicas { worker, rng, hasher } = cell.replicas;
        let (workers, throughput) = (f64::from(worker), cell.hashes_per_second.value);
        rows.entry((hasher, rng)).or_default().push(UslPoint { workers, throughput });
    }
    let law = |((hasher, rng), points): ((u32, u32), Vec<UslPoint>)| {
        Some(RowLaw { rng, hasher, law: Usl::fit(&points)? })
    };
    rows.into_iter().filter_map(law).collect()
}
