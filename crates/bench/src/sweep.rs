//! `bench sweep`: measures a grid of replicas cell by cell, as many of them as the model needs.

use std::path::Path;

use observation::Experiment;

use crate::analyse::{self, Grid, Reason, Sweep, SweepFindings, Sweeps};
use crate::cluster::{Change, Replicas};
use crate::failure::{Exit, Failure};
use crate::measure::Samples;
use crate::plan::SweepPlan;
use crate::progress::Progress;
use crate::record::{Asked, Begun, Recorder};
use crate::session::{self, Live, Stop, Wanted};

/// What came of a sweep: what is known of the grid, and what ended it early.
#[derive(Debug)]
pub struct Outcome {
    /// The findings, if there are any.
    pub findings: Option<Sweeps>,
    /// Why it ended before its last cell.
    pub failure: Option<Failure>,
}

/// A prediction that is off by more on average makes the sweep inconclusive.
const MOST_ERROR: f64 = 0.05;

impl Sweeps {
    /// The exit code that tells.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let doubtful = |sweep: &SweepFindings| {
            let withheld = sweep.cells.iter().any(|cell| cell.withheld.is_some());
            withheld || sweep.mean_absolute_error.is_some_and(|error| error > MOST_ERROR)
        };
        if self.sweeps.iter().any(doubtful) { Exit::Inconclusive } else { Exit::Done }
    }
}

/// Carries out `plan`.
pub async fn run<I: Future<Output = ()>, H: Future<Output = ()>>(
    plan: &SweepPlan,
    stop: Stop<I, H>,
    show: &mut impl FnMut(Progress),
) -> Outcome {
    let mut findings = None;
    let failure = run_into(&mut findings, plan, stop, show).await.err();
    Outcome { findings, failure }
}

async fn run_into<I: Future<Output = ()>, H: Future<Output = ()>>(
    findings: &mut Option<Sweeps>,
    plan: &SweepPlan,
    stop: Stop<I, H>,
    show: &mut impl FnMut(Progress),
) -> Result<(), Failure> {
    let begun = plan.out.as_deref().map(|folder| begin(plan, folder)).transpose()?;
    let (mut recorder, before) = match begun {
        Some(Begun { recorder, before }) => (Some(recorder), before),
        None => (None, Vec::new()),
    };
    let steps = corners(plan);
    let wanted = Wanted { target: &plan.target, steps: &steps, restore: plan.restore };
    let result = session::run(wanted, stop, show, async |mut live| {
        if let Some(recorder) = recorder.as_mut() {
            recorder.app(&live.description, live.cluster)?;
        }
        if plan.policies.iter().any(Option::is_some) {
            live.may_experiment(plan.timing).await?;
        }
        let grid = grid(plan, live.cluster.status().await?.replicas());
        for policy in &plan.policies {
            let of = (&grid, policy.as_deref());
            let seen = (before.as_slice(), &mut *findings);
            cells((plan, of), &mut live, seen, recorder.as_mut()).await?;
        }
        Ok(())
    });
    let result = Box::pin(result).await;
    let reason = result.as_ref().err().map_or_else(|| "done".to_owned(), ToString::to_string);
    let kept = match (recorder, findings.as_ref()) {
        (Some(recorder), Some(findings)) => recorder.end_sweep(findings, &reason),
        (Some(recorder), None) => {
            recorder.discard();
            Ok(())
        }
        (None, _) => Ok(()),
    };
    result.and(kept)
}

/// The smallest cell, with which an app of one's own begins, and the largest.
fn corners(plan: &SweepPlan) -> [Change; 2] {
    let axes = [&plan.worker, &plan.rng, &plan.hasher];
    let change = |[worker, rng, hasher]: [Option<u32>; 3]| Change { worker, rng, hasher };
    [change(axes.map(|axis| axis.first().copied())), change(axes.map(|axis| axis.last().copied()))]
}

/// A new sweep, or the rest of the same one.
fn begin(plan: &SweepPlan, folder: &Path) -> Result<Begun, Failure> {
    let SweepPlan { worker, rng, hasher, full, policies, .. } = plan.clone();
    let (grid, settings) = (Grid { worker, rng, hasher }, plan.settings());
    let policies = policies.into_iter().flatten().collect();
    Recorder::begin_or_go_on(folder, &Asked { grid, full, policies, settings })
}

/// One grid, with the workers' own policy or another one.
async fn cells(
    (plan, (grid, policy)): (&SweepPlan, (&Grid, Option<&str>)),
    live: &mut Live<'_>,
    (before, findings): (&[Samples], &mut Option<Sweeps>),
    mut recorder: Option<&mut Recorder>,
) -> Result<(), Failure> {
    let mut sweep = Sweep::new(grid.clone(), plan.full);
    let experiment = policy.map(|policy| Experiment {
        policy: Some(policy.to_owned()),
        seconds: 1,
        ..Experiment::default()
    });
    let sweeps = findings.get_or_insert_with(|| Sweeps::none(&live.description));
    let place_of_this = sweeps.sweeps.len();
    while let Some((cell, reason)) = sweep.next() {
        let (mut measured, mut kept) = (None, Ok(()));
        let is_it = |samples: &&Samples| {
            samples.replicas == cell && samples.experiment.as_ref() == experiment.as_ref()
        };
        let samples = match before.iter().find(is_it) {
            Some(samples) => samples,
            None => {
                let place = (sweep.measured() + 1, sweep.expected());
                let how = (plan.timing, experiment.as_ref());
                let samples = live.changed_step(cell.into(), place, how).await?;
                if let Some(recorder) = recorder.as_mut() {
                    kept = recorder.step(&samples);
                }
                &*measured.insert(samples)
            }
        };
        let step = analyse::step(samples);
        sweep.add(reason, step);
        if !sweep.is_calibrated()
            && let Ok(app) = analyse::measured(samples)
        {
            sweep.predict(&app).map_err(|error| Failure::Untold(error.to_string()))?;
        }
        if !sweep.is_calibrated() && reason == Reason::Calibration {
            // Without a model every cell has to be measured.
            sweep.measure_all();
        }
        let now = sweep.findings(policy);
        if let Some(cell) = now.cells.iter().find(|one| one.replicas == cell) {
            live.tell(Progress::Cell(Box::new(cell.clone())));
        }
        sweeps.sweeps.truncate(place_of_this);
        sweeps.sweeps.push(now);
        // What was measured is printed, also where it could not be kept.
        kept?;
    }
    Ok(())
}

fn grid(plan: &SweepPlan, now: Replicas) -> Grid {
    let axis = |numbers: &[u32], now: u32| match numbers {
        [] => vec![now],
        numbers => numbers.to_vec(),
    };
    Grid {
        worker: axis(&plan.worker, now.worker),
        rng: axis(&plan.rng, now.rng),
        hasher: axis(&plan.hasher, now.hasher),
    }
}
