//! An ideal app, computed sample by sample from the lesson's own numbers: 100 ms of thinking, 100 ms at
//! rng, 100 ms at hasher, one place at each rng replica.

use std::collections::BTreeMap;

use inference::rate::{FLUSH_SECONDS, flush_period};
use load::numbers::float;
use observation::{Latency, Observation, ReplicaTimes, Report, Stage, Totals};

use crate::cluster::Replicas;
use crate::measure::{Counter, Moment, Samples, Station, Stations, WorkerCount};

const WINDOW_S: u64 = 60;
const START_US: u64 = 1_700_000_000_000_000;

/// What an ideal app does with so many workers and rng replicas.
pub(super) struct Ideal {
    pub(super) workers: u32,
    pub(super) rng: u32,
}

impl Ideal {
    pub(super) fn speed(&self) -> f64 {
        (f64::from(self.workers) / 0.3).min(10.0 * f64::from(self.rng))
    }

    fn loop_us(&self) -> u64 {
        micro(f64::from(self.workers) / self.speed())
    }

    pub(super) fn samples(&self) -> Samples {
        let replicas = Replicas { worker: self.workers, rng: self.rng, hasher: 1 };
        let at = |second: u64| self.observation(second);
        let counts = |second: u64| {
            let count = |worker| {
                let (at_us, loops) = self.flushed(worker, second * 1_000_000);
                (id(worker), WorkerCount { at_us: START_US + at_us, loops })
            };
            (0..self.workers).map(count).collect()
        };
        let station =
            |concurrency| Some(Station { concurrency: Some(concurrency), service_time_ms: None });
        Samples {
            replicas,
            settled_after_ms: 1900,
            window_ms: WINDOW_S * 1000,
            counter: (0..=WINDOW_S * 20).map(|tick| self.counter(tick * 50_000)).collect(),
            clocks: Vec::new(),
            workers: (0..=WINDOW_S).map(counts).collect(),
            moments: (0..=WINDOW_S).map(|second| self.moment(second)).collect(),
            first: at(0),
            last: at(WINDOW_S),
            experiment: None,
            warm_up: None,
            ended: None,
            stations: Stations { rng: station(1), hasher: station(20) },
            restarts: 0,
            restarted: false,
            failed_readings: 0,
            carried_out: Vec::new(),
            phases: None,
            labels: BTreeMap::new(),
            paths: Vec::new(),
            replicas_at_end: Some(replicas),
        }
    }

    fn moment(&self, second: u64) -> Moment {
        let mut totals = Totals::default();
        for worker in 0..self.workers {
            totals.add(
                &self
                    .report(worker, second * 1_000_000, |count, each| {
                        Latency::of_sums(count, count * each)
                    })
                    .totals,
            );
        }
        Moment { now_us: START_US + second * 1_000_000, totals }
    }

    /// The counter after `time_us`; each worker flushes at a phase of its own.
    fn counter(&self, time_us: u64) -> Counter {
        let loops = (0..self.workers).map(|worker| self.flushed(worker, time_us).1);
        let hashes: u64 = loops.sum();
        Counter { now_us: START_US + time_us, hashes, coins: hashes / 16 }
    }

    /// Time of a worker's last flush and its loops then.
    fn flushed(&self, worker: u32, time_us: u64) -> (u64, u64) {
        let period = micro(flush_period(float(self.loop_us()) / 1e6, FLUSH_SECONDS));
        let phase = period * u64::from(worker) / u64::from(self.workers);
        let flushed = (time_us + period - phase) / period * period;
        (flushed + phase, flushed / self.loop_us())
    }

    fn observation(&self, second: u64) -> Observation {
        let reports: Vec<Report> = (0..self.workers)
            .map(|worker| self.report(worker, second * 1_000_000, times))
            .collect();
        let mut merged = Totals::default();
        for report in &reports {
            merged.add(&report.totals);
        }
        let hashes = merged.loops;
        Observation {
            schema_version: observation::SCHEMA_VERSION,
            now_us: START_US + second * 1_000_000,
            hashes,
            coins: hashes / 16,
            merged,
            workers: reports,
        }
    }

    fn report(&self, worker: u32, time_us: u64, times: fn(u64, u64) -> Latency) -> Report {
        let (at_us, loops) = self.flushed(worker, time_us);
        let at_rng = self.loop_us() - 200_000;
        let mut totals = Totals { loops, coins: loops / 16, ..Totals::default() };
        for (stage, time) in [
            (Stage::Think, 100_000),
            (Stage::Rng, at_rng),
            (Stage::RngQueue, at_rng - 100_000),
            (Stage::RngService, 100_000),
            (Stage::Hasher, 100_000),
            (Stage::HasherQueue, 0),
            (Stage::HasherService, 100_000),
            (Stage::Loop, self.loop_us()),
        ] {
            totals.stages.insert(stage, times(loops, time));
        }
        for replica in 0..self.rng {
            // In turn, from a replica of the worker's own on.
            let turn = u64::from((replica + worker) % self.rng);
            let answers = (loops + turn) / u64::from(self.rng);
            let sum = |each: u64| answers * each;
            let times = ReplicaTimes {
                answers,
                residence_us: sum(at_rng),
                told: answers,
                queue_us: sum(at_rng - 100_000),
                service_us: sum(100_000),
            };
            totals.rng_times.insert(format!("rng.{replica}"), times);
            totals.rng_replicas.insert(format!("rng.{replica}"), answers);
        }
        let times = ReplicaTimes {
            answers: loops,
            residence_us: loops * 100_000,
            told: loops,
            queue_us: 0,
            service_us: loops * 100_000,
        };
        totals.hasher_times.insert("hasher.0".to_owned(), times);
        totals.hasher_replicas.insert("hasher.0".to_owned(), loops);
        Report {
            schema_version: observation::SCHEMA_VERSION,
            id: id(worker),
            replica: format!("worker.{worker}"),
            started_us: START_US,
            at_us: START_US + at_us,
            virtual_workers: 1,
            policy: "round-robin".to_owned(),
            experiment: None,
            totals,
        }
    }
}

fn id(worker: u32) -> String {
    format!("worker.{worker}-id")
}

fn times(count: u64, microseconds: u64) -> Latency {
    let mut latency = Latency::default();
    (0..count).for_each(|_| latency.record(microseconds));
    latency
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few seconds")]
fn micro(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

/// The samples of an ideal app, for the tests of what is built on findings.
pub(crate) fn ideal(workers: u32, rng: u32) -> Samples {
    Ideal { workers, rng }.samples()
}
