//! A run: starts its threads, adds up what they deliver, and ends it. It prints nothing and judges
//! nothing.

mod addresses;
mod desk;
mod lane;
mod link;
mod pacer;
mod patience;
mod thread;
mod trend;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use exchange::{Dialer, Failure};
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::generator::cgroup::{Counted, Groups};
use crate::generator::{self, Generator};
use crate::parts::{Part, Parts};
use crate::plan::{Plan, order};
use crate::recording::Recording;
use crate::rows::{Due, Row, Rows};
use crate::schedule::Schedule;
use desk::Job;
use thread::{Assignment, Delivery, Outbox, Stage};
pub use trend::Trend;

/// Why a run did not take place.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No connection could be made.
    #[error("nothing could connect: {0}")]
    NothingConnected(Failure),
    /// Told to stop before it began.
    #[error("stopped before the first request")]
    Stopped,
    /// Certificates could not be read.
    #[error("{0}")]
    Trust(Failure),
    /// The system refused what every run needs.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// What a run measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Everything that was written down.
    pub recording: Recording,
    /// The same by time.
    pub rows: Vec<Row>,
    /// The window in equal parts.
    pub parts: Vec<Part>,
    /// When the window opened.
    pub started: Timestamp,
    /// How long the window was.
    pub window: Duration,
    /// How long a part of it had requests due in it: less than all of it where a number of requests
    /// ended the run and they were done later than they were due.
    pub due_span: Duration,
    /// What the generator itself used of the machine, and when it could not run.
    pub generator: Generator,
    /// Whether latency grew while requests were due; `None` where too little is known.
    pub trend: Option<Trend>,
    /// Whether it was told to stop before its end.
    pub stopped: bool,
    /// Connections that stood when the run began.
    pub connected: usize,
    /// Why the others did not.
    pub unconnected: Option<Failure>,
}

/// What can be said while a run is under way.
#[derive(Debug)]
pub struct Live<'a> {
    /// How far it is.
    pub phase: Phase,
    /// Everything so far.
    pub recording: &'a Recording,
    /// What came in the last second.
    pub recent: &'a Recording,
    /// Row by row.
    pub rows: &'a [Row],
    /// Since the window opened.
    pub elapsed: Duration,
    /// Requests that are due and wait for a free connection.
    pub backlog: u64,
    /// The rate that is due now, in requests a second.
    pub target: Option<f64>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Connections are made.
    Connecting,
    /// Requests are sent that are not part of the results.
    WarmingUp,
    /// The window is open.
    Measuring,
    /// The window is closed; what was due in it is awaited.
    Draining,
}

/// Runs `plan` to its end, or until `stop`. `watch` is told about four times a second how it goes.
///
/// # Errors
/// When the run did not take place.
pub async fn run(
    plan: &Plan,
    stop: impl Future<Output = ()>,
    watch: &mut impl FnMut(&Live<'_>),
) -> Result<Measured, RunError> {
    let mut run = Run::start(plan)?;
    let mut stop = std::pin::pin!(stop);
    tokio::select! {
        ready = run.ready() => ready?,
        () = &mut stop => return Err(RunError::Stopped),
    }
    run.begin();
    let stopped = tokio::select! {
        ended = run.collect(watch) => { ended?; None }
        () = &mut stop => Some(Instant::now()),
    };
    if stopped.is_some() {
        run.job.schedule.stop();
        run.stage.send_replace(Stage::Stopped);
        run.collect(watch).await?;
    }
    Ok(run.measured(stopped))
}

/// Whether a connection can be made to the servers of `plan`; sends nothing.
///
/// # Errors
/// When none can.
pub async fn reach(plan: &Plan) -> Result<(), RunError> {
    let one = Plan { connections: 1, streams: 1, threads: 1, ..plan.clone() };
    let mut run = Run::start(&one)?;
    let ready = run.ready().await;
    run.stage.send_replace(Stage::Stopped);
    ready
}

/// A run under way.
struct Run {
    job: Arc<Job>,
    stage: watch::Sender<Stage>,
    deliveries: mpsc::UnboundedReceiver<Delivery>,
    empty: Arc<Mutex<Vec<Recording>>>,
    /// Threads that have not ended.
    left: usize,
    threads: usize,
    sum: Recording,
    rows: Rows,
    parts: Parts,
    started: Timestamp,
    connected: usize,
    unconnected: Option<Failure>,
    last_done: Option<Instant>,
    generator: Generator,
    groups: Groups,
    counted: Counted,
    by_number: bool,
}

impl Run {
    fn start(plan: &Plan) -> Result<Self, RunError> {
        let dialers: Result<Vec<_>, _> = plan.origins.iter().cloned().map(Dialer::new).collect();
        let dialers = dialers.map_err(RunError::Trust)?;
        let job = Arc::new(job(plan, &dialers));
        let (stage, _) = watch::channel(Stage::Preparing);
        let (sender, deliveries) = mpsc::unbounded_channel();
        let empty = Arc::new(Mutex::new(Vec::new()));
        for number in 0..plan.threads {
            let share = |number: usize| plan.connections * number / plan.threads;
            let assignment = Assignment {
                job: Arc::clone(&job),
                dialers: dialers.clone(),
                connections: share(number)..share(number + 1),
                streams: plan.streams,
                spread: plan.spread,
                stage: stage.subscribe(),
                out: Outbox { deliveries: sender.clone(), empty: Arc::clone(&empty) },
            };
            let name = format!("load-{number}");
            let started = std::thread::Builder::new().name(name).spawn(move || assignment.run());
            started.map_err(|error| {
                let why =
                    "the system lets this process start no further thread; use fewer --threads";
                io::Error::new(error.kind(), why)
            })?;
        }
        Ok(Self {
            job,
            stage,
            deliveries,
            empty,
            left: plan.threads,
            threads: plan.threads,
            sum: Recording::default(),
            rows: Rows::default(),
            parts: Parts::of_pieces(thread::PIECE),
            started: Timestamp::now(),
            connected: 0,
            unconnected: None,
            last_done: None,
            generator: Generator::default(),
            groups: Groups::of_this_process(Path::new("/")),
            counted: Counted::default(),
            by_number: plan.limits.requests.is_some(),
        })
    }

    /// Waits until all threads have tried to connect.
    async fn ready(&mut self) -> Result<(), RunError> {
        for _ in 0..self.threads {
            match self.deliveries.recv().await {
                Some(Delivery::Ready { connected, failure }) => {
                    self.connected += connected;
                    self.unconnected = self.unconnected.take().or(failure);
                }
                Some(Delivery::Broken(error)) => return Err(error.into()),
                _ => {}
            }
        }
        match &self.unconnected {
            Some(failure) if self.connected == 0 => {
                Err(RunError::NothingConnected(failure.clone()))
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self) {
        self.started = Timestamp::now();
        self.counted = self.groups.counted();
        self.job.schedule.begin(Instant::now());
        self.stage.send_replace(Stage::Running);
    }

    /// Adds up what the threads deliver until all have ended.
    async fn collect(&mut self, watch: &mut impl FnMut(&Live<'_>)) -> Result<(), RunError> {
        let mut frames = tokio::time::interval(thread::PIECE);
        while self.left > 0 {
            tokio::select! {
                delivery = self.deliveries.recv() => match delivery {
                    Some(delivery) => self.take(delivery)?,
                    None => return Ok(()),
                },
                _ = frames.tick() => self.show(watch),
            }
        }
        Ok(())
    }

    fn take(&mut self, delivery: Delivery) -> Result<(), RunError> {
        match delivery {
            Delivery::Ready { .. } => {}
            Delivery::Piece { number, mut recording } => {
                self.sum.add(&recording);
                let (schedule, now) = (&self.job.schedule, Instant::now());
                let due =
                    Due { rate: rate_in_piece(schedule, number), backlog: schedule.backlog(now) };
                self.rows.add(number, &recording, due);
                // What is awaited after the window says nothing of it.
                if self.begins_within_window(number) {
                    self.parts.add(number, &recording);
                }
                recording.clear();
                if let Ok(mut empty) = self.empty.lock() {
                    empty.push(*recording);
                }
            }
            Delivery::Ended { last_done, busy, held_up } => {
                self.left -= 1;
                self.last_done = self.last_done.max(last_done);
                self.generator.add(busy, held_up);
            }
            Delivery::Broken(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whether the piece of time with this number begins before the window closes.
    fn begins_within_window(&self, number: u64) -> bool {
        let (opens, closes) = (self.job.schedule.opens(), self.job.schedule.closes());
        opens.zip(closes).is_none_or(|(opens, closes)| {
            let begins = thread::PIECE * u32::try_from(number).unwrap_or(u32::MAX);
            opens + begins < closes
        })
    }

    fn show(&self, watch: &mut impl FnMut(&Live<'_>)) {
        let schedule = &self.job.schedule;
        let now = Instant::now();
        let Some(opens) = schedule.opens() else { return };
        let closed = schedule.closes().is_some_and(|closes| now >= closes);
        watch(&Live {
            phase: match now < opens {
                true => Phase::WarmingUp,
                false if closed => Phase::Draining,
                false => Phase::Measuring,
            },
            recording: &self.sum,
            recent: self.rows.recent(),
            rows: self.rows.all(),
            elapsed: now.saturating_duration_since(opens),
            backlog: schedule.backlog(now),
            target: schedule.rate(now),
        });
    }

    /// Ends the account, at the stop if there was one: what was due and never sent is latency too,
    /// and so is what took long without an end.
    fn measured(mut self, stop: Option<Instant>) -> Measured {
        let schedule: &Schedule = &self.job.schedule;
        let stopped = stop.is_some();
        let now = stop.unwrap_or_else(Instant::now);
        self.sum.settle_unfinished();
        let opens = schedule.opens().unwrap_or(now);
        let end = schedule.closes().map_or(now, |closes| closes.min(now));
        while let Some(due) = schedule.left_over(end) {
            if due >= opens {
                self.sum.unsent(now - due);
                self.sum.by_due.unknown(thread::pieces(opens, due));
            }
        }
        let end = match (self.last_done, schedule.closes()) {
            // An even schedule is over a little before its window is.
            (_, Some(closes)) if !self.by_number && !stopped => closes,
            // The last of a number of requests has as much time as those before it.
            (Some(last), _) if self.by_number && !stopped => {
                schedule.spent().map_or(last, |spent| spent.max(last))
            }
            _ => end,
        };
        let window = end.saturating_duration_since(opens);
        let due_span = schedule.due_span(window);
        let began = schedule.began().unwrap_or(now);
        self.generator.wall = now.saturating_duration_since(began);
        self.generator.processors = generator::processors(self.groups.quota());
        self.generator.throttled = self.groups.throttled_since(&self.counted);
        let trend = Trend::of(&self.sum.by_due.means(), thread::PIECE.as_secs_f64());
        Measured {
            recording: self.sum,
            rows: self.rows.finish(),
            parts: self.parts.finish(window),
            started: self.started,
            window,
            due_span,
            generator: self.generator,
            trend,
            stopped,
            connected: self.connected,
            unconnected: self.unconnected,
        }
    }
}

/// The rate asked for in the middle of the piece of time with this number, whenever it is added up.
fn rate_in_piece(schedule: &Schedule, number: u64) -> Option<f64> {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    schedule.rate(schedule.opens()? + thread::PIECE * number + thread::PIECE / 2)
}

/// What all threads share.
fn job(plan: &Plan, dialers: &[Dialer]) -> Job {
    let weights: Vec<_> = plan.targets.iter().map(|target| target.weight).collect();
    Job {
        schedule: Schedule::new(plan.arrival.clone(), plan.limits),
        requests: plan.requests(|origin, request, url| dialers[origin].prepare(request, url)),
        order: order(&weights),
        timeout: plan.timeout,
        keep: plan.keep,
        good: plan.good.clone(),
    }
}
