//! The app as it is measured, through whatever reaches it.

use std::time::Duration;

use observation::Observation;
use tokio::time::{Instant, MissedTickBehavior};

use super::clocks::{ClockReading, unix_us};
use super::published::Published;
use super::{Brief, Counter, Feed, Moment, Readings, Spares, Stations, Steering, WorkerCounts};
use crate::cluster::Status;
use crate::cluster::sim::Simulated;
use crate::failure::Failure;
use crate::http::HttpError;

/// How often the counter is read.
pub const COUNTER_PERIOD: Duration = Duration::from_millis(50);
/// How often the workers' own counts are read.
const WORKERS_PERIOD: Duration = Duration::from_secs(1);
/// How often whole reports are read, for a window that may begin later than it was opened.
const SPARE_PERIOD: Duration = Duration::from_secs(5);
/// How long webui may be silent on one machine.
const PATIENCE: Duration = Duration::from_secs(15);
/// The same on a swarm, which takes a while to see that a node is gone and to start webui anew.
const SWARM_PATIENCE: Duration = Duration::from_mins(1);
/// How late a reading from inside may come, at most.
const INSIDE_LATE: Duration = Duration::from_secs(10);

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
    /// The counter so far.
    pub counter: &'a [Counter],
    /// The workers' own counts so far.
    pub workers: &'a [WorkerCounts],
    /// What all workers together had counted.
    pub moments: &'a [Moment],
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

    /// The way to change the app; `None` where it is only read, from inside its network.
    #[must_use]
    pub fn steering(&self) -> Option<Steering> {
        match &self.source {
            Source::Published(published) => Some(Steering::Webui(published.webui_client())),
            Source::Inside(_) => None,
            Source::Simulated(app) => Some(Steering::Simulated(app.clone())),
        }
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

    /// What is read every second: the sums of all workers, and each one's count.
    ///
    /// # Errors
    /// When webui has no good answer.
    pub async fn brief(&mut self) -> Result<Brief, HttpError> {
        match &mut self.source {
            Source::Published(_) | Source::Inside(_) => {
                self.observe_briefly().await.map(|seen| Brief::of(&seen))
            }
            Source::Simulated(app) => app.brief().map_err(stuck),
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

    /// Reads the counter and the workers' counts for as long as `watch`, who sees the window grow,
    /// wants more.
    ///
    /// # Errors
    /// When webui has had no good answer for too long.
    pub async fn read_window(
        &mut self,
        spares: Spares,
        watch: &mut impl FnMut(Window<'_>) -> bool,
    ) -> Result<Readings, Failure> {
        if let Source::Inside(feed) = &mut self.source {
            feed.begin();
        }
        let begin = Instant::now();
        let mut readings = Readings::default();
        let mut last_good = begin;
        let (mut next_workers, mut next_spare) = (begin, begin + SPARE_PERIOD);
        let mut ticks = tokio::time::interval(COUNTER_PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let asked = Instant::now();
            match self.counter().await {
                Ok(counter) => {
                    readings.clocks.push(self.clocks(&counter, begin, asked));
                    readings.counter.push(counter);
                    last_good = Instant::now();
                }
                Err(error) if last_good.elapsed() > self.patience => {
                    return Err(self.silent(&error));
                }
                Err(_) => readings.failed += 1,
            }
            let now = Instant::now();
            // Inside, whole reports come too seldom to wait for them.
            if spares == Spares::EverySoOften && now >= next_spare && !self.is_inside() {
                next_spare += SPARE_PERIOD;
                next_workers += WORKERS_PERIOD;
                readings.whole(self.observe().await.ok().as_ref());
            } else if now >= next_workers {
                next_workers += WORKERS_PERIOD;
                readings.brief(self.brief().await.ok());
            }
            let elapsed = begin.elapsed();
            let Readings { counter, workers, moments, .. } = &readings;
            if !watch(Window { elapsed, counter, workers, moments }) {
                break;
            }
        }
        if let Source::Inside(feed) = &mut self.source {
            readings.paths = feed.paths();
        }
        Ok(readings)
    }

    /// The clocks at a reading that was asked for and has just been there.
    fn clocks(&self, counter: &Counter, begin: Instant, asked: Instant) -> ClockReading {
        let waited = match &self.source {
            // How long it was on its way is not known.
            Source::Inside(_) => INSIDE_LATE,
            Source::Published(_) | Source::Simulated(_) => asked.elapsed(),
        };
        let is_real = !matches!(self.source, Source::Simulated(_));
        ClockReading {
            elapsed_us: microseconds(begin.elapsed()),
            waited_us: microseconds(waited),
            webui_us: counter.now_us,
            own_us: is_real.then(unix_us).flatten(),
        }
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

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err has it")]
fn stuck(failure: Failure) -> HttpError {
    HttpError::Inside(failure.to_string())
}
