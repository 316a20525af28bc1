//! Findings of an ideal app, computed sample by sample from the lesson's own numbers: 100 ms of
//! thinking, 100 ms at rng, 100 ms at hasher, one place at each rng replica.

use load::numbers::float;
use observation::{Latency, Observation, ReplicaTimes, Report, Stage};
use proptest::prelude::*;

use super::*;
use crate::measure::{Moment, Station, Stations, WorkerCount};

const WINDOW_S: u64 = 60;
const START_US: u64 = 1_700_000_000_000_000;

/// What an ideal app does with so many workers and rng replicas.
struct Ideal {
    workers: u32,
    rng: u32,
}

impl Ideal {
    fn speed(&self) -> f64 {
        (f64::from(self.workers) / 0.3).min(10.0 * f64::from(self.rng))
    }

    fn loop_us(&self) -> u64 {
        micro(f64::from(self.workers) / self.speed())
    }

    fn samples(&self) -> Samples {
        let replicas = Replicas { worker: self.workers, rng: self.rng, hasher: 1 };
        let at = |second: u64| self.observation(second);
        let counts = |second: u64| {
            let count = |worker| {
                let (at_us, loops) = self.flushed(worker, second * 1_000_000);
                (id(worker), WorkerCount { at_us: START_US + at_us, loops })
            };
            (0..self.workers).map(count).collect()
        };
        let station = |concurrency| Some(Station { concurrency: Some(concurrency) });
        Samples {
            replicas,
            settled_after_ms: 1900,
            window_ms: WINDOW_S * 1000,
            counter: (0..=WINDOW_S * 20).map(|tick| self.counter(tick * 50_000)).collect(),
            workers: (0..=WINDOW_S).map(counts).collect(),
            moments: (0..=WINDOW_S).map(|second| self.moment(second)).collect(),
            first: at(0),
            last: at(WINDOW_S),
            experiment: None,
            warm_up: None,
            ended: None,
            stations: Stations { rng: station(1), hasher: station(20) },
            restarts: 0,
            failed_readings: 0,
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
        let period = micro(rate::flush_period(float(self.loop_us()) / 1e6));
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

fn stage(findings: &StepFindings, name: StageName) -> &StageFindings {
    findings.stages.iter().find(|stage| stage.name == name).unwrap()
}

#[test]
fn ten_workers_wait_at_one_rng() {
    let findings = step(&ideal(10, 1));
    let rate = findings.hashes_per_second;
    assert!((rate.interval.value - 10.0).abs() < 1e-6, "{rate:?}");
    assert!((findings.closure.unwrap() - 1.0).abs() < 1e-6);
    let rng = stage(&findings, StageName::Rng);
    assert!((rng.utilisation.unwrap() - 1.0).abs() < 1e-6);
    assert!((rng.waiting.unwrap() - 7.0).abs() < 1e-3 && (rng.present - 8.0).abs() < 1e-3);
    let bottleneck = findings.bottleneck.unwrap();
    assert_eq!(bottleneck.service, Service::Rng);
    assert!(bottleneck.sentence.contains("7.0 of 10 workers wait"), "{}", bottleneck.sentence);
    assert_eq!((findings.next[0].service, findings.next[0].replicas), (Service::Rng, 2));
    assert!((findings.next[0].at_most - 20.0).abs() < 1e-3);
    assert_eq!(findings.warnings, Vec::<String>::new());
}

#[test]
fn with_five_rng_the_workers_are_the_limit() {
    let findings = step(&ideal(10, 5));
    assert!((findings.hashes_per_second.interval.value - 33.333).abs() < 1e-3);
    assert_eq!(findings.bottleneck.unwrap().service, Service::Worker);
    assert_eq!(findings.next[0].service, Service::Worker);
    assert!((findings.next[0].gain - 0.1).abs() < 1e-3);
}

#[test]
fn where_two_bounds_meet_both_are_named() {
    let sentence = step(&ideal(3, 1)).bottleneck.unwrap().sentence;
    assert!(sentence.contains("binds almost as early"), "{sentence}");
    let sentence = step(&ideal(10, 1)).bottleneck.unwrap().sentence;
    assert!(!sentence.contains("binds almost as early"), "{sentence}");
}

#[test]
fn a_missing_stage_withholds_the_verdict() {
    let mut samples = ideal(10, 1);
    for report in samples.first.workers.iter_mut().chain(&mut samples.last.workers) {
        report.totals.stages.remove(&Stage::Think);
    }
    let findings = step(&samples);
    assert_eq!(findings.bottleneck, None);
    assert!(findings.withheld.unwrap().reason.contains("90.0 % of the workers"));
}

#[test]
fn a_window_too_short_for_the_loop_withholds_the_verdict() {
    let mut samples = ideal(50, 1);
    samples.window_ms = 30_000;
    let reason = step(&samples).withheld.unwrap().reason;
    assert!(reason.contains("at least 50 s"), "{reason}");
}

#[test]
fn nothing_is_said_of_an_app_scaled_to_nothing() {
    let mut samples = ideal(1, 1);
    samples.replicas.rng = 0;
    samples.first.workers.clear();
    samples.last.workers.clear();
    samples.workers.clear();
    let findings = step(&samples);
    assert!(findings.withheld.unwrap().reason.contains("rng is scaled to 0"));
    assert_eq!(findings.closure, None);
}

#[test]
fn workers_that_do_not_report_are_noticed_by_the_counter() {
    let mut samples = ideal(10, 5);
    samples.first.workers.truncate(5);
    samples.last.workers.truncate(5);
    let findings = step(&samples);
    assert!(findings.withheld.unwrap().reason.starts_with("5 of 10 workers reported"));
    assert!((findings.hashes_per_second.interval.value - 33.3).abs() < 0.2);
    assert!(findings.warnings.iter().any(|warning| warning.contains("do not report")));
}

#[test]
fn what_went_wrong_during_the_window_is_said() {
    let mut samples = ideal(10, 1);
    samples.restarts = 1;
    let report = &mut samples.last.workers[0];
    report.totals.errors.insert("rng: closed".to_owned(), 3);
    let findings = step(&samples);
    assert!(findings.withheld.unwrap().reason.starts_with("1 replica died"));
    let warnings = findings.warnings;
    assert!(warnings.iter().any(|w| w.contains("3 x rng: closed")), "{warnings:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    /// The model's answer comes out whatever the sizes, and the stages always add up.
    #[test]
    fn the_rate_is_the_bound_and_closure_holds(workers in 1_u32..20, rng in 1_u32..8) {
        let app = Ideal { workers, rng };
        let findings = step(&app.samples());
        let rate = findings.hashes_per_second.interval;
        // Loops are whole microseconds here.
        prop_assert!((rate.value / app.speed() - 1.0).abs() < 1e-4, "{rate:?}");
        prop_assert!((findings.closure.unwrap() - 1.0).abs() < 1e-4);
        prop_assert!(rate.low <= rate.value && rate.value <= rate.high);
        let counter = findings.counter_hashes_per_second;
        prop_assert!((counter.interval.value - app.speed()).abs() <= counter.flush + 0.01 * app.speed());
    }
}
