//! Where the time of a loop goes, stage by stage, and whether the stages account for all of it.

use load::numbers::float;
use observation::{Latency, Stage, Totals};
use serde::{Deserialize, Serialize};

use super::concurrency::Places;
use super::services::Known;

/// A stage of the worker's loop as findings name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    /// The wait of each loop.
    Think,
    /// Asking rng.
    Rng,
    /// Asking hasher.
    Hasher,
    /// Writing to Redis.
    Redis,
    /// Failed requests and the pauses after them.
    Retry,
}

impl StageName {
    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Think => "think",
            Self::Rng => "rng",
            Self::Hasher => "hasher",
            Self::Redis => "redis",
            Self::Retry => "retry",
        }
    }
}

/// One stage over the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StageFindings {
    /// Which.
    pub name: StageName,
    /// Replicas, of a service that has some.
    pub replicas: Option<u32>,
    /// Times per second.
    pub calls_per_second: f64,
    /// Median, as the worker sees it.
    pub p50_ms: Option<f64>,
    /// 90 of 100 are no longer.
    pub p90_ms: Option<f64>,
    /// 99 of 100 are no longer.
    pub p99_ms: Option<f64>,
    /// The longest.
    pub max_ms: Option<f64>,
    /// Mean, as the worker sees it.
    pub mean_ms: Option<f64>,
    /// Mean time in service, as the server says.
    pub service_ms: Option<f64>,
    /// Mean time in the server's queue, as the server says.
    pub queue_ms: Option<f64>,
    /// Share of the servers' capacity in use.
    pub utilisation: Option<f64>,
    /// Workers here that are not being served, on average.
    pub waiting: Option<f64>,
    /// Workers here, on average.
    pub present: f64,
    /// Values too long for the histogram; the percentiles do not show them.
    pub clamped: u64,
}

/// What is needed of one stage to account for it.
struct Source {
    name: StageName,
    whole: Stage,
    server: Option<Server>,
}

/// The serving side of a stage.
struct Server {
    replicas: u32,
    queue: Stage,
    service: Stage,
    places: Places,
}

/// Mean time of a loop in seconds.
pub(super) fn mean_loop_seconds(totals: &Totals) -> Option<f64> {
    Some(totals.stages.get(&Stage::Loop)?.mean_us()? / 1e6)
}

/// Every stage that was seen, in the order of the loop, at a speed of `speed` hashes per second.
pub(super) fn account(
    totals: &Totals,
    [rng, hasher]: &[Known<'_>; 2],
    speed: f64,
) -> Vec<StageFindings> {
    let server = |known: &Known<'_>, queue, service| {
        let (replicas, places) = (known.seen.wanted, known.concurrency.places);
        Some(Server { replicas, queue, service, places })
    };
    let source = |name, whole, server| Source { name, whole, server };
    let sources = [
        source(StageName::Think, Stage::Think, None),
        source(StageName::Rng, Stage::Rng, server(rng, Stage::RngQueue, Stage::RngService)),
        source(
            StageName::Hasher,
            Stage::Hasher,
            server(hasher, Stage::HasherQueue, Stage::HasherService),
        ),
        source(StageName::Redis, Stage::Redis, None),
        source(StageName::Retry, Stage::Retry, None),
    ];
    sources.iter().filter_map(|source| source.findings(totals, speed)).collect()
}

/// Share of all workers that the stages account for: `X * sum R_k = W` by Little's law.
pub(super) fn closure(stages: &[StageFindings], workers: u64) -> Option<f64> {
    let present: f64 = stages.iter().map(|stage| stage.present).sum();
    (workers > 0 && present > 0.0).then(|| present / float(workers))
}

impl Source {
    fn findings(&self, totals: &Totals, speed: f64) -> Option<StageFindings> {
        let whole = totals.stages.get(&self.whole).filter(|latency| latency.count() > 0)?;
        let loops = float(totals.loops);
        if totals.loops == 0 {
            return None;
        }
        let calls_per_second = speed * float(whole.count()) / loops;
        // Time per loop, not per call: some stages are visited in some loops only.
        let present = speed * float(whole.sum_us()) / 1e6 / loops;
        let mean = |stage: Stage| totals.stages.get(&stage).and_then(Latency::mean_us);
        let service_us = self.server.as_ref().and_then(|server| mean(server.service));
        let queue_us = self.server.as_ref().and_then(|server| mean(server.queue));
        let capacity = self.server.as_ref().and_then(Server::places);
        let in_service = service_us.map(|service| calls_per_second * service / 1e6);
        let quantile = |q| whole.quantile_us(q).map(milliseconds);
        Some(StageFindings {
            name: self.name,
            replicas: self.server.as_ref().map(|server| server.replicas),
            calls_per_second,
            p50_ms: quantile(0.5),
            p90_ms: quantile(0.9),
            p99_ms: quantile(0.99),
            max_ms: whole.max_us().map(milliseconds),
            mean_ms: whole.mean_us().map(|mean| mean / 1000.0),
            service_ms: service_us.map(|mean| mean / 1000.0),
            queue_ms: queue_us.map(|mean| mean / 1000.0),
            utilisation: in_service.zip(capacity).map(|(busy, places)| busy / places),
            waiting: in_service.map(|busy| (present - busy).max(0.0)),
            present,
            clamped: whole.clamped(),
        })
    }
}

impl Server {
    /// Requests that all replicas together work on at a time, if there is a limit and it is known,
    /// in units of what they say a request takes.
    fn places(&self) -> Option<f64> {
        let Places::Of { number, stretch } = self.places else { return None };
        let places = f64::from(self.replicas) * f64::from(number.get()) / stretch;
        Some(places).filter(|places| *places > 0.0)
    }
}

fn milliseconds(microseconds: u64) -> f64 {
    float(microseconds) / 1000.0
}
