//! One step: scale, settle, warm up, and read a window until it is over.

mod obedience;

use std::cell::RefCell;
use std::time::Duration;

use inference::stopping::{Decision, Reason};
use inference::warmup::Cause;
use load::numbers::float;
use observation::{Experiment, Observation};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::analyse::{self, Checked, SoFar, Watch};
use crate::cluster::{Change, Cluster, Replicas};
use crate::failure::Failure;
use crate::measure::{
    App, Ended, Moment, Prober, Readings, Refused, Samples, Spares, Steering, WarmUp, Window,
};
use crate::plan::{Length, Timing};
use crate::progress::Progress;
use crate::settle::settle;

/// How often the rest of the warm-up is shown.
const WARMUP_TICK: Duration = Duration::from_millis(200);
/// How often it is looked at how long the warm-up should be.
const WARMUP_LOOK: Duration = Duration::from_secs(1);
/// A warm-up is no longer than this, however long loops take.
const LONGEST_WARMUP: Duration = Duration::from_mins(2);
/// How often it is looked at whether the window has been open for long enough.
const CHECK_PERIOD: Duration = Duration::from_secs(1);
/// How often it is looked at whether experiments can be asked for.
const THERE_PERIOD: Duration = Duration::from_millis(200);
/// How often the cluster is looked at during a window.
const LOOK_PERIOD: Duration = Duration::from_secs(2);

/// What is asked of a step.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) change: Change,
    /// What it comes to.
    pub(crate) replicas: Replicas,
    pub(crate) timing: Timing,
    /// What is changed for the time of the step.
    pub(crate) experiment: Option<&'a Experiment>,
}

/// The way to end an experiment that is under way, for whoever has to when the step is broken off.
pub(crate) type UnderWay = RefCell<Option<Steering>>;

/// Scales, settles, warms up, and reads the window.
pub(crate) async fn measure_step(
    cluster: &mut Cluster,
    app: &mut App,
    asked: Asked<'_>,
    under_way: &UnderWay,
    told: &UnboundedSender<Progress>,
) -> Result<Samples, Failure> {
    let Some(experiment) = asked.experiment else {
        return measure(cluster, app, asked, told).await;
    };
    let inside = || {
        let inside = "it is only read from inside its network (--from-inside)";
        Failure::Experiment(inside.to_owned())
    };
    let mut steering = app.steering().ok_or_else(inside)?;
    until_there(cluster, &mut steering, asked.timing.settle_timeout).await?;
    under_way.replace(app.steering());
    if let Err(refused) = steering.begin(experiment).await {
        // It may have been taken all the same.
        let _ = steering.end().await;
        return Err(failure(refused, cluster));
    }
    let measured = tokio::select! {
        measured = measure(cluster, app, asked, told) => Ok(measured),
        refused = steering.keep_up(experiment) => Err(refused),
    };
    let measured = measured.unwrap_or_else(|refused| Err(failure(refused, cluster)));
    match &measured {
        // The run goes on, and what comes next must be without it.
        Ok(_) | Err(Failure::Experiment(_)) => steering.surely_end().await,
        Err(_) => drop(steering.end().await),
    }
    under_way.replace(None);
    if measured.is_ok() {
        // If not, the next window sees it.
        let _ = obedience::wait(app, asked.replicas, None).await;
    }
    measured
}

/// A refused experiment, with the commands that switch experiments on where they are off.
fn failure(refused: Refused, cluster: &Cluster) -> Failure {
    match refused {
        Refused::Off => Failure::ExperimentsOff(cluster.experiments_on()),
        Refused::Failed(failure) => failure,
    }
}

/// Waits for whoever carries experiments out; in vain, if nobody is there in time.
pub(crate) async fn until_there(
    cluster: &mut Cluster,
    steering: &mut Steering,
    timeout: Duration,
) -> Result<(), Failure> {
    let begin = Instant::now();
    while !steering.is_there().await && begin.elapsed() < timeout {
        // The app may be gone altogether.
        cluster.status().await?;
        tokio::time::sleep(THERE_PERIOD).await;
    }
    Ok(())
}

async fn measure(
    cluster: &mut Cluster,
    app: &mut App,
    Asked { change, replicas, timing, experiment }: Asked<'_>,
    told: &UnboundedSender<Progress>,
) -> Result<Samples, Failure> {
    let timing = if replicas.can_loop() { timing } else { timing.of_nothing() };
    let mut missing = |missing: &str| tell(told, Progress::Settling(missing.to_owned()));
    let settled = settle(cluster, app, change, timing.settle_timeout, &mut missing).await?;
    if let Some(experiment) = experiment {
        obedience::wait(app, replicas, Some(experiment)).await?;
    }
    let warmed_for = warm_up(app, timing.warmup, replicas.worker, told).await;
    let begin = cluster.status().await?;
    // From inside, the ways are probed there.
    let routes = if app.is_inside() { Vec::new() } else { cluster.routes().await? };
    let prober = Prober::start(routes);
    let stations = app.stations().await;
    let window = tokio::select! {
        window = read(app, (timing.length, replicas.worker), told) => window?,
        failure = keep_looking(cluster) => return Err(failure),
    };
    let last = app.observe_patiently().await?;
    let carried_out = window.readings.carried_out();
    let paths = prober.end().into_iter().chain(window.readings.paths).collect();
    let end = cluster.status().await?;
    let Cut { seconds, cause, moments } = window.cut;
    let rule = match cause {
        Cause::Series(series) => format!("{series} had not settled before (MSER-5)"),
        Cause::Floor => timing.warmup_rule().to_owned(),
    };
    let warm_up = WarmUp { seconds: warmed_for.as_secs_f64() + seconds, rule, moments };
    Ok(Samples {
        replicas,
        settled_after_ms: milliseconds(settled.after),
        phases: matches!(cluster, Cluster::Swarm(_)).then_some(settled.phases),
        window_ms: last.now_us.saturating_sub(window.first.now_us) / 1000,
        counter: window.readings.counter,
        clocks: window.readings.clocks,
        workers: window.readings.workers,
        moments: window.readings.moments,
        first: window.first,
        last,
        restarted: false,
        experiment: experiment.cloned(),
        carried_out,
        warm_up: Some(warm_up),
        ended: Some(window.ended),
        stations,
        restarts: end.restarts().saturating_sub(begin.restarts()),
        failed_readings: window.readings.failed,
        paths,
        replicas_at_end: Some(end.replicas()),
        labels: begin.labels().into_iter().chain(end.labels()).collect(),
    })
}

/// A window that was read.
struct Read {
    first: Observation,
    readings: Readings,
    cut: Cut,
    ended: Ended,
}

/// What was cut off at its beginning.
struct Cut {
    seconds: f64,
    cause: Cause,
    moments: Vec<Moment>,
}

impl Cut {
    fn none() -> Self {
        Self { seconds: 0.0, cause: Cause::Floor, moments: Vec::new() }
    }
}

async fn read(
    app: &mut App,
    (length, workers): (Length, u32),
    told: &UnboundedSender<Progress>,
) -> Result<Read, Failure> {
    match length {
        Length::Fixed(length) => read_fixed(app, length, told).await,
        Length::Precise { precision, most } => {
            let watch = Watch::new(precision, most.as_secs_f64(), workers);
            let watch = watch.map_err(|refusal| Failure::Untold(refusal.to_string()))?;
            read_precise(app, watch, (precision, most), told).await
        }
    }
}

async fn read_fixed(
    app: &mut App,
    length: Duration,
    told: &UnboundedSender<Progress>,
) -> Result<Read, Failure> {
    let first = app.observe_patiently().await?;
    let mut watch = |window: Window<'_>| {
        tell(
            told,
            Progress::Measuring {
                elapsed: window.elapsed,
                until: Some(length),
                reached: None,
                hashes_per_second: analyse::slope_so_far(window.counter),
            },
        );
        window.elapsed <= length
    };
    let readings = app.read_window(Spares::None, &mut watch).await?;
    let ended = Ended { precision: None, reached: None, reason: "as long as was asked".to_owned() };
    Ok(Read { first, readings, cut: Cut::none(), ended })
}

/// Reads until the rate is precise enough or time is over. What turns out to have been warm-up is
/// cut off.
async fn read_precise(
    app: &mut App,
    mut watch: Watch,
    (precision, most): (f64, Duration),
    told: &UnboundedSender<Progress>,
) -> Result<Read, Failure> {
    let first = app.observe_patiently().await?;
    let mut next_check = CHECK_PERIOD;
    let mut last: Option<Checked> = None;
    let mut look = |window: Window<'_>| {
        if window.elapsed >= next_check {
            next_check += CHECK_PERIOD;
            let seconds = window.elapsed.as_secs_f64();
            let Window { counter, workers, moments, .. } = window;
            last = Some(watch.check(SoFar { seconds, counter, workers, moments }));
        }
        let found = last.as_ref();
        tell(told, measuring(&window, found));
        !found.is_some_and(|found| matches!(found.decision, Decision::Stop(_)))
    };
    let mut readings = app.read_window(Spares::EverySoOften, &mut look).await?;
    let found = last.unwrap_or_else(Checked::nothing);
    let begin_us = readings.moments.first().map_or(first.now_us, |moment| moment.now_us);
    let (first, cut) = match readings.cut_before(begin_us, found.cut_seconds) {
        Some((later, moments)) => {
            let seconds = float(later.now_us.saturating_sub(begin_us)) / 1e6;
            (later, Cut { seconds, cause: found.cause, moments })
        }
        // Also where there is no whole report to begin with, as from inside.
        None => (first, Cut::none()),
    };
    let reason = match found.decision {
        Decision::Stop(Reason::TimeOver) => {
            let why = found.open.map_or_else(String::new, |open| format!("; {open}"));
            format!("{:.0} s were over (--max-duration){why}", most.as_secs_f64())
        }
        _ => "as precise as was asked".to_owned(),
    };
    let ended = Ended { precision: Some(precision), reached: found.reached, reason };
    Ok(Read { first, readings, cut, ended })
}

fn measuring(window: &Window<'_>, found: Option<&Checked>) -> Progress {
    let expected = found.and_then(|found| match found.decision {
        Decision::GoOn { expected } => {
            expected.map(|end| Duration::from_secs_f64(end.seconds + found.cut_seconds))
        }
        Decision::Stop(_) => Some(window.elapsed),
    });
    Progress::Measuring {
        elapsed: window.elapsed,
        until: expected,
        reached: found.and_then(|found| found.reached),
        hashes_per_second: analyse::slope_so_far(window.counter),
    }
}

/// Looks at the cluster now and then, which remembers who died; ends only when the cluster is gone.
async fn keep_looking(cluster: &mut Cluster) -> Failure {
    loop {
        tokio::time::sleep(LOOK_PERIOD).await;
        if let Err(failure) = cluster.status().await {
            return failure;
        }
    }
}

/// Waits for a time, or for as long as an app of this kind needs; how long that was.
async fn warm_up(
    app: &mut App,
    asked: Option<Duration>,
    workers: u32,
    told: &UnboundedSender<Progress>,
) -> Duration {
    let begin = Instant::now();
    let (mut moments, mut counter) = (Vec::new(), Vec::new());
    let mut next_look = begin;
    loop {
        if asked.is_none() && Instant::now() >= next_look {
            next_look += WARMUP_LOOK;
            if let Ok(seen) = app.brief().await {
                moments.push(seen.moment);
                counter.push(seen.counter);
            }
        }
        let length = asked.unwrap_or_else(|| {
            let shortest = analyse::shortest_warm_up(&moments, &counter, workers);
            Duration::try_from_secs_f64(shortest).unwrap_or_default().min(LONGEST_WARMUP)
        });
        let left = length.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return begin.elapsed();
        }
        tell(told, Progress::WarmingUp { left });
        app.idle();
        tokio::time::sleep(left.min(WARMUP_TICK)).await;
    }
}

/// One more event for whoever listens.
pub(crate) fn tell(told: &UnboundedSender<Progress>, progress: Progress) {
    // The listener lives as long as the run; if not, nobody wants to know.
    let _ = told.send(progress);
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
