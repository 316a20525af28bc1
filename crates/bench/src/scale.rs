//! `bench scale`: finds or starts the app, and for each step scales it, waits until it serves,
//! measures and analyses. It shows nothing itself; progress goes to whoever listens.

use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedSender};

use crate::analyse::{self, Findings, Prediction};
use crate::cluster::control::Client;
use crate::cluster::local::{Event, LocalCluster};
use crate::cluster::sim::Simulated;
use crate::cluster::swarm::{Found, Swarm};
use crate::cluster::{Cluster, Replicas};
use crate::failure::Failure;
use crate::measure::{App, Feed, Samples};
use crate::plan::{Place, ScalePlan, Target, Timing};
use crate::progress::Progress;
use crate::record::Recorder;
use crate::step::{Asked, measure_step};

/// What came of a run: the findings of every step that was completed, and what ended it early.
#[derive(Debug)]
pub struct Outcome {
    /// The findings so far.
    pub findings: Findings,
    /// Why it ended before its last step.
    pub failure: Option<Failure>,
}

/// What ends a run early: what was measured till then is kept.
#[derive(Debug)]
pub struct Stop<I, H> {
    /// Ends it in order.
    pub interrupted: I,
    /// Ends the orderly stop itself: what still runs is killed.
    pub hurried: H,
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
    Stop { interrupted, hurried }: Stop<I, H>,
    show: &mut impl FnMut(Progress),
) -> Result<(), Failure> {
    let mut recorder = plan.out.as_deref().map(Recorder::begin).transpose()?;
    let (events, mut happened) = mpsc::unbounded_channel();
    tokio::pin!(interrupted);
    let found = tokio::select! {
        () = &mut interrupted => Err(Failure::Interrupted),
        found = find_or_start(plan, events) => found,
    };
    let (mut cluster, not_there) = match found {
        Ok(found) => found,
        Err(failure) => {
            recorder.into_iter().for_each(Recorder::discard);
            return Err(failure);
        }
    };
    findings.cluster = match not_there {
        Some(reason) => format!("{}; not on a swarm: {reason}", cluster.describe()),
        None => cluster.describe(),
    };
    show(Progress::Cluster(findings.cluster.clone()));
    let (told, mut progress) = mpsc::unbounded_channel();
    let result = {
        let steps = steps(plan, &mut cluster, findings, recorder.as_mut(), &told);
        tokio::pin!(steps);
        loop {
            tokio::select! {
                biased;
                () = &mut interrupted => break Err(Failure::Interrupted),
                Some(event) = happened.recv() => show(Progress::Happened(event)),
                Some(event) = progress.recv() => show(event),
                result = &mut steps => break result,
            }
        }
    };
    // What was changed only to measure is put back; an interrupted run leaves nothing changed.
    let restore = plan.restore || matches!(result, Err(Failure::Interrupted));
    let left_behind = cluster.left_behind(restore);
    let left = tokio::select! {
        left = cluster.leave(restore) => left,
        () = hurried => left_behind.map_or(Ok(()), |what| {
            let then = Box::new(Failure::Swarm(what));
            Err(Failure::Also { first: Box::new(Failure::Interrupted), then })
        }),
    };
    let result = match (result, left) {
        (Err(first), Err(then)) => {
            Err(Failure::Also { first: Box::new(first), then: Box::new(then) })
        }
        (result, left) => result.and(left),
    };
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

/// The running app, or one of its own with the replicas of the first step; and why not one of a
/// swarm, where somebody may expect that.
async fn find_or_start(
    plan: &ScalePlan,
    events: mpsc::UnboundedSender<Event>,
) -> Result<(Cluster, Option<String>), Failure> {
    let Target { simulated, place, running, setup, swarm } = &plan.target;
    let mut not_there = None;
    let first =
        plan.steps.first().map_or_else(Replicas::default, |step| step.on(Replicas::default()));
    if let Some(settings) = simulated {
        return Ok((Cluster::Simulated(Simulated::start(settings, first)?), None));
    }
    match place {
        Place::Swarm => return Ok((Cluster::Swarm(Box::new(Swarm::find(swarm).await?)), None)),
        Place::Local => {}
        Place::Either => match Swarm::look_for(swarm).await {
            Found::Swarm(swarm) => return Ok((Cluster::Swarm(swarm), None)),
            Found::Nothing { reason, explicit } => not_there = explicit.then_some(reason),
        },
    }
    plan.fits_one_machine()?;
    if let Some(wanted) = running
        && let Some(mut client) = Client::find(*wanted).await?
    {
        client.measure().await?;
        let before = client.status().await?.replicas();
        return Ok((Cluster::Attached { client, before }, not_there));
    }
    let local = LocalCluster::start(setup, first, events).await?;
    Ok((Cluster::Own(Arc::new(local)), not_there))
}

async fn steps(
    plan: &ScalePlan,
    cluster: &mut Cluster,
    findings: &mut Findings,
    mut recorder: Option<&mut Recorder>,
    told: &UnboundedSender<Progress>,
) -> Result<(), Failure> {
    let mut app = match (&mut *cluster, &plan.inside) {
        (Cluster::Swarm(swarm), Some(inside)) => {
            tell(told, Progress::Settling("bench inside the stack".to_owned()));
            App::inside(Feed::new(swarm.go_inside(inside.image.as_deref()).await?))
        }
        (Cluster::Simulated(app), _) => App::simulated(app.clone()),
        _ => App::new(&cluster.status().await?),
    };
    let mut last = None;
    for (index, step) in plan.steps.iter().enumerate() {
        let replicas = step.on(cluster.status().await?.replicas());
        tell(told, Progress::Step { number: index + 1, of: plan.steps.len(), replicas });
        let samples = measure_step(
            cluster,
            &mut app,
            Asked { change: *step, replicas, timing: plan.timing },
            told,
        );
        let samples = Box::pin(samples).await?;
        findings.steps.push(analyse::step(&samples));
        if let Some(recorder) = recorder.as_mut() {
            recorder.step(&samples)?;
        }
        last = Some(samples);
    }
    if plan.verify {
        let run = Run { cluster, app: &mut app, recorder };
        verify(plan, run, (findings, last.as_ref()), told).await?;
    }
    Ok(())
}

/// What is acted on.
struct Run<'a> {
    cluster: &'a mut Cluster,
    app: &'a mut App,
    recorder: Option<&'a mut Recorder>,
}

/// Predicts what the best next action brings, writes that down, does it, measures again, and holds
/// the one against the other. What was changed for it is put back, however it went.
async fn verify(
    plan: &ScalePlan,
    mut run: Run<'_>,
    (findings, samples): (&mut Findings, Option<&Samples>),
    told: &UnboundedSender<Progress>,
) -> Result<(), Failure> {
    let (Some(last), Some(samples)) = (findings.steps.last(), samples) else { return Ok(()) };
    let prediction = match analyse::predict(last, samples) {
        Ok(prediction) => prediction,
        Err(reason) => {
            findings.unverified = Some(reason);
            return Ok(());
        }
    };
    if let Some(recorder) = run.recorder.as_mut() {
        recorder.prediction(&prediction)?;
    }
    tell(told, Progress::Predicted(prediction.sentence()));
    let (from, timing) = (prediction.from, plan.timing);
    let tried = tried(&mut run, timing, (findings, prediction), told).await;
    // An app of this run's own ends now anyway.
    let put_back = match run.cluster {
        Cluster::Own(_) => Ok(()),
        cluster => cluster.scale(from.into()).await,
    };
    match (tried, put_back) {
        (Err(first), Err(then)) => {
            Err(Failure::Also { first: Box::new(first), then: Box::new(then) })
        }
        (tried, put_back) => tried.and(put_back),
    }
}

/// Does what was predicted, measures it, and scores the prediction.
async fn tried(
    Run { cluster, app, recorder }: &mut Run<'_>,
    timing: Timing,
    (findings, prediction): (&mut Findings, Prediction),
    told: &UnboundedSender<Progress>,
) -> Result<(), Failure> {
    let number = findings.steps.len() + 1;
    let replicas = prediction.to;
    tell(told, Progress::Step { number, of: number, replicas });
    let asked = Asked { change: replicas.into(), replicas, timing };
    let samples = Box::pin(measure_step(cluster, app, asked, told)).await?;
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

/// One more event for whoever listens.
pub(crate) fn tell(told: &UnboundedSender<Progress>, progress: Progress) {
    // The listener lives as long as the run; if not, nobody wants to know.
    let _ = told.send(progress);
}
