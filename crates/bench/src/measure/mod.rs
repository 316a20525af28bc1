//! Writes down what the app's published API says, with the app's own clock. No arithmetic: what
//! the samples mean is `analyse`'s business.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use observation::{Observation, Report};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior};

use crate::cluster::{Replicas, Status};
use crate::failure::Failure;
use crate::http::{Client, HttpError};

/// How often the counter is read.
const COUNTER_PERIOD: Duration = Duration::from_millis(50);
/// How often the workers' own counts are read.
const WORKERS_PERIOD: Duration = Duration::from_secs(1);
/// How often rng and hasher are asked for their stations before they count as not telling.
const STATION_ATTEMPTS: u32 = 3;
/// How long webui may be silent before measuring is given up.
const PATIENCE: Duration = Duration::from_secs(15);

/// Everything that was seen in one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// The replicas that were measured.
    pub replicas: Replicas,
    /// From asking for the replicas until all served, in milliseconds.
    pub settled_after_ms: u64,
    /// Length of the window asked for, in milliseconds.
    pub window_ms: u64,
    /// The counter, about every 50 ms.
    pub counter: Vec<Counter>,
    /// Each worker's own count, about every second.
    pub workers: Vec<WorkerCounts>,
    /// All reports at the start of the window.
    pub first: Observation,
    /// All reports at its end.
    pub last: Observation,
    /// What rng's and hasher's `/health` say of their stations.
    pub stations: Stations,
    /// Replicas that died during the window.
    pub restarts: u64,
    /// Readings that failed.
    pub failed_readings: u64,
}

/// The counter at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Unix time by webui's clock.
    pub now_us: u64,
    /// Loops counted so far.
    pub hashes: u64,
    /// Coins in the wallet.
    pub coins: u64,
}

/// Each worker's latest report at one moment: its id, the report's time, its loops.
pub type WorkerCounts = BTreeMap<String, WorkerCount>;

/// One worker's count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerCount {
    /// Time of the report by the worker's clock.
    pub at_us: u64,
    /// Loops it had completed.
    pub loops: u64,
}

/// The stations of rng and hasher, as far as they tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stations {
    /// rng's.
    pub rng: Option<Station>,
    /// hasher's.
    pub hasher: Option<Station>,
}

/// What a replica says of its station.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Station {
    /// Requests at a time; `None` for any number.
    pub concurrency: Option<u32>,
}

/// The app's published API.
#[derive(Debug)]
pub struct App {
    webui: Client,
    rng: SocketAddr,
    hasher: SocketAddr,
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
        Self { webui: Client::new(status.webui), rng: status.rng, hasher: status.hasher }
    }

    /// All reports, each with its histograms.
    ///
    /// # Errors
    /// When webui has no good answer.
    pub async fn observe(&mut self) -> Result<Observation, HttpError> {
        read(&mut self.webui, "/api/observation?by=worker").await
    }

    /// All reports without their histograms.
    ///
    /// # Errors
    /// When webui has no good answer.
    pub async fn observe_briefly(&mut self) -> Result<Observation, HttpError> {
        read(&mut self.webui, "/api/observation").await
    }

    /// What the stations say of themselves; one that does not say is left out.
    pub async fn stations(&self) -> Stations {
        Stations { rng: station(self.rng).await, hasher: station(self.hasher).await }
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
                Err(error) if begin.elapsed() > PATIENCE => return Err(self.silent(&error)),
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
                Err(error) if last_good.elapsed() > PATIENCE => return Err(self.silent(&error)),
                Err(_) => readings.failed += 1,
            }
            if Instant::now() >= next_workers {
                next_workers += WORKERS_PERIOD;
                match self.observe_briefly().await {
                    Ok(seen) => readings.workers.push(counts(&seen)),
                    Err(_) => readings.failed += 1,
                }
            }
            watch(Window { elapsed: begin.elapsed(), length, counter: &readings.counter });
        }
        Ok(readings)
    }

    async fn counter(&mut self) -> Result<Counter, HttpError> {
        let json: Json = read(&mut self.webui, "/json").await?;
        let hashes = json.hashes.as_deref().unwrap_or("0").parse().unwrap_or(0);
        let now = Duration::try_from_secs_f64(json.now).unwrap_or_default();
        let now_us = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        Ok(Counter { now_us, hashes, coins: json.coins })
    }

    fn silent(&self, error: &HttpError) -> Failure {
        Failure::Webui { address: self.webui.address(), reason: error.to_string() }
    }
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
    /// Readings that failed.
    pub failed: u64,
}

/// webui's `/json`, as the original app answers it.
#[derive(Deserialize)]
struct Json {
    coins: u64,
    hashes: Option<String>,
    now: f64,
}

async fn read<T: serde::de::DeserializeOwned>(
    client: &mut Client,
    path: &str,
) -> Result<T, HttpError> {
    let body = client.get(path).await?;
    serde_json::from_slice(&body).map_err(|error| HttpError::Body { path: path.into(), error })
}

async fn station(address: SocketAddr) -> Option<Station> {
    #[derive(Deserialize)]
    struct Health {
        station: Station,
    }
    let mut client = Client::new(address);
    for _ in 0..STATION_ATTEMPTS {
        if let Ok(Health { station }) = read(&mut client, "/health").await {
            return Some(station);
        }
    }
    None
}
