//! A grid to be measured.

use std::path::PathBuf;

use super::{Target, Timing};
use crate::cli::{ReplicaList, StatusFormat, SweepArgs};

/// A grid of replicas.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepPlan {
    /// On which app.
    pub target: Target,
    /// Numbers of workers, in order; what is empty stays as it is.
    pub worker: Vec<u32>,
    /// Numbers of rng replicas, likewise.
    pub rng: Vec<u32>,
    /// Numbers of hasher replicas, likewise.
    pub hasher: Vec<u32>,
    /// How workers spread requests, one after the other; `None` for as they do.
    pub policies: Vec<Option<String>>,
    /// Whether every cell is measured.
    pub full: bool,
    /// How each is measured.
    pub timing: Timing,
    /// How results are printed.
    pub output: StatusFormat,
    /// Where the sweep is kept, if anywhere.
    pub out: Option<PathBuf>,
    /// Whether the replicas of before are put back.
    pub restore: bool,
}

impl TryFrom<SweepArgs> for SweepPlan {
    type Error = clap::Error;

    fn try_from(arguments: SweepArgs) -> Result<Self, clap::Error> {
        let SweepArgs { worker, rng, hasher, policy, full, measure, .. } = arguments;
        let SweepArgs { output, out, keep, app, .. } = arguments;
        let sorted = |list: Option<ReplicaList>| {
            let mut numbers = list.map_or_else(Vec::new, |list| list.0);
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        Ok(Self {
            target: app.try_into()?,
            worker: sorted(worker),
            rng: sorted(rng),
            hasher: sorted(hasher),
            policies: match policy.as_slice() {
                [] => vec![None],
                all => all.iter().map(|one| Some(one.name())).collect(),
            },
            full,
            timing: measure.into(),
            output,
            out,
            restore: !keep,
        })
    }
}
