//! A grid to be measured.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Target, Timing};
use crate::cli::{ReplicaList, StatusFormat, SweepArgs};
use crate::cluster::{Change, Replicas};

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

impl SweepPlan {
    /// On which app and how, by the names of flags: all that makes the same cell another measurement.
    /// Not which process runs the app, nor how long it is waited for.
    #[must_use]
    pub fn settings(&self) -> BTreeMap<String, String> {
        let Target { simulated, place, swarm, inside, running, setup } = &self.target;
        let Timing { warmup, length, settle_timeout: _ } = &self.timing;
        let mut settings = vec![
            ("--warmup", format!("{warmup:?}")),
            ("--precision, --max-duration or --duration", format!("{length:?}")),
        ];
        match simulated {
            Some(simulated) => settings.push(("--simulate", format!("{simulated:?}"))),
            None => settings.extend([
                ("--cluster", format!("{place:?}")),
                (
                    "--engine or --context",
                    redacted::text(&format!("{:?}", swarm.engine)).into_owned(),
                ),
                ("--stack", swarm.stack.clone()),
                ("--service", format!("{:?}", swarm.named)),
                ("--from-inside", inside.is_some().to_string()),
                ("--own", running.is_none().to_string()),
                ("--redis", format!("{:?}", setup.redis.named)),
            ]),
        }
        settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
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
        let [worker, rng, hasher] = [worker, rng, hasher].map(sorted);
        let most =
            Change { worker: None, rng: rng.last().copied(), hasher: hasher.last().copied() };
        Ok(Self {
            target: Target::try_from(app)?.with_replicas(&[most.on(Replicas::default())])?,
            worker,
            rng,
            hasher,
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
