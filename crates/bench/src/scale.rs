//! `bench scale`: finds or starts the app, and for each step scales it, waits until it serves,
//! measures and analyses. It shows nothing itself; progress goes to whoever listens.

use std::num::NonZeroUsize;

use crate::analyse::{self, Findings, Prediction, Repetition};
use crate::cli::Repeat;
use crate::cluster::Cluster;
use crate::failure::{Also as _, Failure};
use crate::measure::Samples;
use crate::plan::{ScalePlan, Timing};
use crate::progress::Progress;
use crate::record::Recorder;
use crate::session::{self, Live, Stop, Wanted};

/// What came of a run: the findings of every step that was completed, and what ended it early.
#[derive(Debug)]
pub struct Outcome {
    /// The findings so far.
    pub findings: Findings,
    /// Why it ended before its last step.
    pub failure: Option<Failure>,
}

/// Carries out `plan`.
pub async fn run<I: Future<Output = ()>, H: Future<Output = ()>>(
    plan: &ScalePlan,
    stop: Stop<I, H>,
    show: &mut impl FnMut(Progress),
) -> Outcome {
    let mut findings = Findings::none();
    let failure = run_into(&mut findings, plan, stop, show).await.err();
    Outcome { findings, failure }
}

async fn run_into<I: Future<Output = ()>, H: Future<Output = ()>>(
    findings: &mut Findings,
    plan: &ScalePlan,
    stop: Stop<I, H>,
    show: &mut impl FnMut(Progress),
) -> Result<(), Failure> {
    let mut recorder = plan.out.as_deref().map(Recorder::begin).transpose()?;
    let wanted = Wanted { target: &plan.target, steps: &plan.steps, restore: plan.restore };
    let result = session::run(wanted, stop, show, async |live| {
        findings.cluster.clone_from(&live.description);
        if let Some(recorder) = recorder.as_mut() {
            recorder.app(&live.description, live.cluster)?;
        }
        steps(plan, live, findings, recorder.as_mut()).await
    });
    let result = Box::pin(result).await;
    let reason = result.as_ref().err().map_or_else(|| "done".to_owned(), ToString::to_string);
    let kept = match recorder {
        Some(recorder) if findings.steps.is_empty() => {
            recorder.discard();
            Ok(())
        }
        Some(recorder) => recorder.end(findings, &reason),
        None => Ok(()),
    };
    result.and(kept)
}

async fn steps(
    plan: &ScalePlan,
    mut live: Live<'_>,
    findings: &mut Findings,
    mut recorder: Option<&mut Recorder>,
) -> Result<(), Failure> {
    if !plan.inject.is_empty() {
        live.may_experiment(plan.timing).await?;
    }
    let mut last = None;
    for (index, step) in plan.steps.iter().enumerate() {
        let step = step.on(live.cluster.status().await?.replicas());
        let (mut runs, mut unfit) = (Vec::new(), None);
        for number in 0.. {
            if number > 0 {
                let stopped = live.stop_all(plan.timing).await;
                if stopped.is_err() {
                    return stopped.also(live.cluster.scale(step.into()).await);
                }
            }
            let place = (index + 1, plan.steps.len());
            let mut samples = live.step(step.into(), place, plan.timing).await?;
            samples.restarted = number > 0;
            findings.steps.push(analyse::step(&samples));
            if let Some(recorder) = recorder.as_mut() {
                recorder.step(&samples)?;
            }
            match Repetition::of(&samples) {
                Ok(run) => runs.push(run),
                Err(refusal) => unfit = Some(refusal),
            }
            last = Some(samples);
            if number + 1 >= wanted(plan, &runs) {
                break;
            }
        }
        match analyse::repetitions(step, &runs) {
            Ok(several) => findings.repetitions.push(several),
            Err(_) if plan.repeat == Repeat::Times(NonZeroUsize::MIN) => {}
            Err(refusal) => findings.unrepeated = Some(unfit.unwrap_or(refusal).to_string()),
        }
    }
    if let Some(samples) = &last {
        inject(plan, &mut live, (findings, samples), recorder.as_deref_mut()).await?;
    }
    match last.filter(|_| plan.verify) {
        Some(samples) => verify(plan.timing, live, (findings, &samples), recorder).await,
        None => Ok(()),
    }
}

/// Makes one stage after the other slower, and measures what becomes of the rate. Where that cannot be
/// said the findings tell why, and the run goes on.
async fn inject(
    plan: &ScalePlan,
    live: &mut Live<'_>,
    (findings, before): (&mut Findings, &Samples),
    mut recorder: Option<&mut Recorder>,
) -> Result<(), Failure> {
    let withheld = findings.steps.last().and_then(|step| step.withheld.as_ref());
    if let Some(withheld) = withheld.filter(|_| !plan.inject.is_empty()) {
        findings.not_injected(format!(
            "without a verdict there is nothing to hold it against: {}",
            withheld.reason
        ));
        return Ok(());
    }
    for (number, experiment) in (1..).zip(&plan.inject) {
        let (place, how) = ((number, plan.inject.len()), (plan.timing, Some(experiment)));
        live.tell(Progress::Injecting(experiment.clone()));
        let with = match live.changed_step(before.replicas.into(), place, how).await {
            Ok(with) => with,
            Err(Failure::Experiment(reason)) => {
                findings.not_injected(reason);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        // Found before it is written, so that it is printed when the disk is full.
        match analyse::injection(before, &with) {
            Ok(found) => findings.injections.push(found),
            Err(reason) => findings.not_injected(reason),
        }
        if let Some(recorder) = recorder.as_mut() {
            recorder.step(&with)?;
        }
    }
    analyse::count_injected(findings);
    Ok(())
}

/// How often a step is to be measured, after so many runs of it.
fn wanted(plan: &ScalePlan, runs: &[Repetition]) -> usize {
    match plan.repeat {
        Repeat::Times(times) => times.get(),
        // Runs that cannot be held against each other are not worth repeating.
        Repeat::Auto => analyse::runs_wanted(runs, plan.timing.precision()).unwrap_or(0),
    }
}

/// Predicts what the best next action brings, writes that down, does it, measures again, and holds
/// the one against the other. What was changed for it is put back, however it went.
async fn verify(
    timing: Timing,
    mut live: Live<'_>,
    (findings, samples): (&mut Findings, &Samples),
    mut recorder: Option<&mut Recorder>,
) -> Result<(), Failure> {
    let Some(last) = findings.steps.last() else { return Ok(()) };
    let prediction = match analyse::predict(last, samples) {
        Ok(prediction) => prediction,
        Err(reason) => {
            findings.unverified = Some(reason);
            return Ok(());
        }
    };
    if let Some(recorder) = recorder.as_mut() {
        recorder.prediction(&prediction)?;
    }
    live.tell(Progress::Predicted(prediction.sentence()));
    let from = prediction.from;
    let tried = tried(timing, &mut live, (findings, prediction), recorder).await;
    // An app of this run's own ends now anyway.
    let put_back = match live.cluster {
        Cluster::Own(_) => Ok(()),
        cluster => cluster.scale(from.into()).await,
    };
    tried.also(put_back)
}

/// Does what was predicted, measures it, and scores the prediction.
async fn tried(
    timing: Timing,
    live: &mut Live<'_>,
    (findings, prediction): (&mut Findings, Prediction),
    recorder: Option<&mut Recorder>,
) -> Result<(), Failure> {
    let number = findings.steps.len() + 1;
    let samples = live.step(prediction.to.into(), (number, number), timing).await?;
    let then = analyse::step(&samples);
    match &then.withheld {
        Some(withheld) => findings.unverified = Some(withheld.reason.clone()),
        None => findings.verification = Some(prediction.score(&then)),
    }
    findings.steps.push(then);
    match recorder {
        Some(recorder) => recorder.step(&samples),
        None => Ok(()),
    }
}
