//! The app as it is measured, through whatever reaches it.

use std::time::Duration;

use observation::{Observation, Report};
use tokio::time::{Instant, MissedTickBehavior};

use super::published::Published;
use super::{Counter, Feed, Moment, PathSample, Stations, WorkerCount, WorkerCounts};
use crate::cluster::Status;
use crate::cluster::sim::Simulated;
use crate::failure::Failure;
use crate::http::HttpError;

/// How often the counter is read.
pub const COUNTER_PERIOD: Duration = Duration::from_millis(50);
/// How often the workers' own counts are read.
const WORKERS_PERIOD: Duration = Duration::from_secs(1);
/// How long webui may be silent on one machine.
const PATIENCE: Duration = Duration::from_secs(15);
/// The same on a swarm, which takes a while to see that a node is gone and to start webui anew.
const SWARM_PATIENCE: Duration = Duration::from_mins(1);

/// The app, as far as it can be asked.
#[derive(Debug)]
pub struct App {
    source: Source,
    /// How long webui may be silent before measuring is given up.
    patience: Duration,
}

#[derive(Debug)]
enum Source {
    /// Asked at its published ports.
    Published(Published),
    /// Read from inside its network.
    Inside(Box<Feed>),
    /// Only simulated.
    Simulated(Simulated),
}

/// A window that is being measured.
#[derive(Debug)]
pub struct Window<'a> {
    /// How long it has been open.
    pub elapsed: Duration,
    /// How long it will be.
    pub length: Duration,
    /// The counter so far.
    pub counter: &'a [Counter],
}

impl App {
    /// The app behind the published ports of `status`.
    #[must_use]
    pub fn new(status: &Status) -> Self {
        let published = Published::at(&status.webui, &status.rng, &status.hasher);
        let patience = if status.pid.is_some() { PATIENCE } else { SWARM_PATIENCE };
        Self { source: Source::Published(published), patience }
    }

    /// The app as it is read from inside its network.
    #[must_use]
    pub fn inside(feed: Feed) -> Self {
        Self { source: Source::Inside(Box::new(feed)), patience: SWARM_PATIENCE }
    }

    /// An app that is only simulated.
    #[must_use]
    pub fn simulated(app: Simulated) -> Self {
        Self { source: Source::Simulated(app), patience: PATIENCE }
    }

    /// Whether it is read from inside its network.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        matches!(self.source, Source::Inside(_))
    }

    /// To be called now and then while nothing is read.
    pub fn idle(&mut self) {
        if let Source::Inside(feed) = &mut self.source {
            feed.absorb();
        }
    }

    /// Takes note of where the app is now, as replicas may have moved.
    ///
    /// # Errors
    /// When what answers at its published ports is not this app; a sentence.
    pub async fn follow(&mut self, status: &Status) -> Result<(), String> {
        match &mut self.source {
            Source::Published(published) => published.follow(status).await,
            Source::Inside(_) | Source::Simulated(_) => Ok(()),
        }
    }

    /// All reports, each with its histograms.
    ///
    /// # Errors
    /// When webui has no good answer.
    pub async fn observe(&mut self) -> Result<Observation, HttpError> {
        match &mut self.source {
            Source::Published(published) => published.observe(true).await,
            Source::Inside(feed) => feed.observe(true).await,
            Source::Simulated(app) => app.observe(true).map_err(stuck),
        }
    }

    /// All reports without their histograms.
    ///
    /// # Errors
    /// When webui has no good answer.
    pub async fn observe_briefly(&mut self) -> Result<Observation, HttpError> {
        match &mut self.source {
            Source::Published(published) => published.observe(false).await,
            Source::Inside(feed) => feed.observe(false).await,
            Source::Simulated(app) => app.observe(false).map_err(stuck),
        }
    }

    /// What the stations say of themselves; one that does not say is left out.
    pub async fn stations(&mut self) -> Stations {
        match &mut self.source {
            Source::Published(published) => published.stations().await,
            Source::Inside(feed) => feed.stations(),
            Source::Simulated(app) => app.stations().unwrap_or_default(),
        }
    }

    /// Keeps asking for all reports until webui answers or patience ends.
    ///
    /// # Errors
    /// When webui has had no good answer for too long.
    pub async fn observe_patiently(&mut self) -> Result<Observation, Failure> {
        let begin = Instant::now();
        loop {
            match self.observe().await {
                Ok(observation) => return Ok(observation),
                Err(error) if begin.elapsed() > self.patience => return Err(self.silent(&error)),
                Err(_) => tokio::time::sleep(COUNTER_PERIOD).await,
            }
        }
    }

    /// Reads the counter and the workers' counts for a window of `length`; `watch` sees the
    /// window grow.
    ///
    /// # Errors
    /// When webui has had no good answer for too long.
    pub async fn read_window(
        &mut self,
        length: Duration,
        watch: &mut impl FnMut(Window<'_>),
    ) -> Result<Readings, Failure> {
        if let Source::Inside(feed) = &mut self.source {
            feed.begin();
        }
        let begin = Instant::now();
        let mut readings = Readings::default();
        let mut last_good = begin;
        let mut next_workers = begin;
        let mut ticks = tokio::time::interval(COUNTER_PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while begin.elapsed() <= length {
            ticks.tick().await;
            match self.counter().await {
                Ok(counter) => {
                    readings.counter.push(counter);
                    last_good = Instant::now();
                }
                Err(error) if last_good.elapsed() > self.patience => {
                    return Err(self.silent(&error));
                }
                Err(_) => readings.failed += 1,
            }
            if Instant::now() >= next_workers {
                next_workers += WORKERS_PERIOD;
                match self.observe_briefly().await {
                    Ok(seen) => {
                        readings.workers.push(counts(&seen));
                        let totals = seen.merged.without_histograms();
                        readings.moments.push(Moment { now_us: seen.now_us, totals });
                    }
                    Err(_) => readings.failed += 1,
                }
            }
            watch(Window { elapsed: begin.elapsed(), length, counter: &readings.counter });
        }
        if let Source::Inside(feed) = &mut self.source {
            readings.paths = feed.paths();
        }
        Ok(readings)
    }

    async fn counter(&mut self) -> Result<Counter, HttpError> {
        match &mut self.source {
            Source::Published(published) => published.counter().await,
            Source::Inside(feed) => feed.counter().await,
            Source::Simulated(app) => app.counter().map_err(stuck),
        }
    }

    fn silent(&self, error: &HttpError) -> Failure {
        let at = match &self.source {
            Source::Published(published) => published.webui(),
            Source::Inside(_) => String::from("inside the stack's network"),
            Source::Simulated(_) => String::from("in the simulation"),
        };
        Failure::Webui { at, reason: error.to_string() }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err has it")]
fn stuck(failure: Failure) -> HttpError {
    HttpError::Inside(failure.to_string())
}

fn counts(seen: &Observation) -> WorkerCounts {
    let count = |report: &Report| WorkerCount { at_us: report.at_us, loops: report.totals.loops };
    seen.workers.iter().map(|report| (report.id.clone(), count(report))).collect()
}

/// What was read in a window.
#[derive(Debug, Default)]
pub struct Readings {
    /// The counter.
    pub counter: Vec<Counter>,
    /// The workers' counts.
    pub workers: Vec<WorkerCounts>,
    /// What all workers together had counted.
    pub moments: Vec<Moment>,
    /// Readings that failed.
    pub failed: u64,
    /// How long the ways to the replicas took, where that is probed from inside.
    pub paths: Vec<PathSample>,
}
