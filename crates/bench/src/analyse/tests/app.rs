//! Simulated apps as bench would see them: a scenario of the model, and of each request what the worker
//! and the servers would tell. Faults are put in by changing the scenario or what is told.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use load::numbers::float;
use model::{Distribution, Observer, Policy, Replica, Scenario, Seconds, Visit, Window};
use observation::{Latency, Observation, ReplicaTimes, Report, Stage, Totals};

use crate::cluster::Replicas;
use crate::measure::{Counter, Moment, Samples, Station, Stations, WorkerCount};

const START_US: u64 = 1_700_000_000_000_000;
const WARM_UP_S: u64 = 20;
/// Places of what never queues.
const PLENTY: u32 = 10_000;
/// Every flush is due so long after the last one.
const FLUSH_US: u64 = 1_000_000;

/// An app to simulate, and what it tells.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) scenario: Scenario,
    /// What stages behind hasher are counted as.
    extras: Vec<Stage>,
    pub(crate) stations: Stations,
    pub(crate) policy: &'static str,
    /// Told of service time, by rng and by hasher, as a share of what it takes.
    pub(crate) says: [f64; 2],
    pub(crate) errors: Vec<(&'static str, u64)>,
    pub(crate) window_s: u64,
    pub(crate) seed: u64,
}

pub(crate) fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// A time that scatters by half a millisecond, as a timer's does.
pub(crate) fn about(seconds: f64) -> Distribution {
    let [mean, deviation] = [seconds, 0.0005].map(|seconds| Seconds::new(seconds).unwrap());
    Distribution::log_normal(mean, deviation).unwrap()
}

pub(crate) fn replica(places: u32, seconds: f64) -> Replica {
    Replica { places: count(places), service: about(seconds) }
}

impl App {
    /// The nominal app, asked in turn.
    pub(crate) fn new(workers: u32, rng: u32) -> Self {
        let stage = |name, replicas, places| {
            model::Stage::new(name, count(replicas), replica(places, 0.1))
                .with_policy(Policy::RoundRobin)
        };
        let stages = vec![stage("rng", rng, 1), stage("hasher", 1, 20)];
        let station = |places| Some(Station { concurrency: Some(places), service_time_ms: None });
        Self {
            scenario: Scenario::new(count(workers), about(0.1), stages).unwrap(),
            extras: Vec::new(),
            stations: Stations { rng: station(1), hasher: station(20) },
            policy: "round-robin",
            says: [1.0, 1.0],
            errors: Vec::new(),
            window_s: 60,
            seed: 1,
        }
    }

    /// The same with a stage changed: 0 is rng, 1 is hasher.
    pub(crate) fn stage(
        mut self,
        stage: usize,
        change: impl FnOnce(model::Stage) -> model::Stage,
    ) -> Self {
        self.scenario = self.scenario.with_stage(stage, |stage| Ok(change(stage))).unwrap();
        self
    }

    /// The same with other replicas at a stage.
    pub(crate) fn replicas_like(self, stage: usize, like: &Replica) -> Self {
        self.stage(stage, |old| {
            model::Stage::new(old.name(), old.replicas(), like.clone()).with_policy(old.policy())
        })
    }

    /// The same with rng's requests spread otherwise.
    pub(crate) fn spread(self, policy: Policy, told: &'static str) -> Self {
        Self { policy: told, ..self.stage(0, |rng| rng.with_policy(policy)) }
    }

    /// The same with so much more time in each loop, counted as `stage`.
    pub(crate) fn taking(self, stage: Stage, seconds: f64) -> Self {
        self.taking_as(stage, about(seconds))
    }

    /// The same with more time in each loop, drawn from `times` and counted as `stage`.
    pub(crate) fn taking_as(mut self, stage: Stage, times: Distribution) -> Self {
        let mut stages = self.scenario.stages().to_vec();
        let way = Replica { places: count(PLENTY), service: times };
        stages.push(model::Stage::new("extra", count(1), way));
        let (workers, think) = (self.scenario.workers(), self.scenario.think().clone());
        self.scenario = Scenario::new(workers, think, stages).unwrap();
        self.extras.push(stage);
        self
    }

    /// The same with another think time.
    pub(crate) fn thinking(mut self, seconds: f64) -> Self {
        self.scenario = self.scenario.with_think(about(seconds)).unwrap();
        self
    }

    /// The rate that the simulation has over the window.
    pub(crate) fn truth(&self) -> f64 {
        self.scenario.simulate(self.window(), self.seed).throughput
    }

    fn window(&self) -> Window {
        let seconds = |whole: u64| Seconds::new(float(whole)).unwrap();
        Window::new(seconds(WARM_UP_S), seconds(self.window_s)).unwrap()
    }

    /// What bench would read of it.
    pub(crate) fn samples(&self) -> Samples {
        let workers = self.scenario.workers().get() as usize;
        let mut log = Log { loops: vec![Vec::new(); workers], visits: vec![Vec::new(); workers] };
        let _ = self.scenario.simulate_observed(self.window(), self.seed, &mut log);
        let workers: Vec<Worker> = log.loops.into_iter().map(Worker::new).collect();
        let (begin, end) = (WARM_UP_S * 1_000_000, (WARM_UP_S + self.window_s) * 1_000_000);
        let stages = self.scenario.stages();
        let replicas = Replicas {
            worker: self.scenario.workers().get(),
            rng: stages[0].replicas().get(),
            hasher: stages[1].replicas().get(),
        };
        let seconds = || (0..=self.window_s).map(|second| begin + second * 1_000_000);
        let counts = |at: u64| {
            let count = |(index, worker): (usize, &Worker)| {
                let (at_us, loops) = worker.flushed(at);
                (id(index), WorkerCount { at_us: START_US + at_us, loops: loops as u64 })
            };
            workers.iter().enumerate().map(count).collect()
        };
        Samples {
            replicas,
            settled_after_ms: 1900,
            window_ms: self.window_s * 1000,
            counter: (0..=self.window_s * 20)
                .map(|tick| counter(&workers, begin + tick * 50_000))
                .collect(),
            clocks: Vec::new(),
            workers: seconds().map(counts).collect(),
            moments: self.moments(&workers, seconds().collect()),
            first: self.observation(&workers, begin),
            last: self.observation(&workers, end),
            stations: self.stations.clone(),
            experiment: None,
            warm_up: None,
            ended: None,
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

    fn moments(&self, workers: &[Worker], at: Vec<u64>) -> Vec<Moment> {
        let mut each: Vec<(usize, Totals)> = vec![(0, Totals::default()); workers.len()];
        let mut moment = |now_us: u64| {
            let mut merged = Totals::default();
            for (worker, (done, totals)) in workers.iter().zip(&mut each) {
                let (_, loops) = worker.flushed(now_us);
                for one in &worker.loops[*done..loops] {
                    self.tell(totals, one, false);
                }
                *done = loops;
                merged.add(totals);
            }
            Moment { now_us: START_US + now_us, totals: merged }
        };
        at.into_iter().map(&mut moment).collect()
    }

    fn observation(&self, workers: &[Worker], at: u64) -> Observation {
        let mut merged = Totals::default();
        let mut reports = Vec::new();
        for (index, worker) in workers.iter().enumerate() {
            let (at_us, loops) = worker.flushed(at);
            let mut totals = Totals::default();
            for one in &worker.loops[..loops] {
                self.tell(&mut totals, one, true);
            }
            if at > WARM_UP_S * 1_000_000 && index == 0 {
                let errors = self.errors.iter().map(|(kind, count)| ((*kind).to_owned(), *count));
                totals.errors = errors.collect();
            }
            merged.add(&totals);
            reports.push(Report {
                schema_version: observation::SCHEMA_VERSION,
                id: id(index),
                replica: format!("worker.{index}"),
                started_us: START_US,
                at_us: START_US + at_us,
                virtual_workers: 1,
                policy: self.policy.to_owned(),
                experiment: None,
                totals,
            });
        }
        Observation {
            schema_version: observation::SCHEMA_VERSION,
            now_us: START_US + at,
            hashes: merged.loops,
            coins: merged.loops / 16,
            merged,
            workers: reports,
        }
    }

    /// Adds one loop as its worker tells it.
    fn tell(&self, totals: &mut Totals, one: &Loop, histograms: bool) {
        totals.loops += 1;
        totals.coins = totals.loops / 16;
        let mut stages: Vec<(Stage, u64)> = vec![(Stage::Loop, one.ends - one.begins)];
        let mut residence = [0; 2];
        let mut told = [(0, 0); 2];
        let mut at = one.begins;
        for visit in &one.visits {
            let [arrives, begins, ends] =
                [visit.arrives, visit.begins, visit.ends].map(|ns| ns / 1000);
            if visit.stage == 0 {
                stages.push((Stage::Think, arrives - at));
            }
            at = ends;
            match visit.stage {
                service @ (0 | 1) => {
                    residence[service] += ends - arrives;
                    let says = load::numbers::whole(float(ends - begins) * self.says[service]);
                    told[service] = (begins - arrives, says);
                }
                extra => match self.extras[extra - 2] {
                    // Late on the way to rng: neither queue nor work.
                    Stage::Rng => residence[0] += ends - arrives,
                    stage => stages.push((stage, ends - arrives)),
                },
            }
        }
        let parts = [
            (Stage::Rng, Stage::RngQueue, Stage::RngService),
            (Stage::Hasher, Stage::HasherQueue, Stage::HasherService),
        ];
        for (service, (whole, queue, work)) in parts.into_iter().enumerate() {
            let (queue_us, service_us) = told[service];
            stages.extend([(whole, residence[service]), (queue, queue_us), (work, service_us)]);
            let visit = one.visits.iter().find(|visit| visit.stage == service).unwrap();
            let times = ReplicaTimes {
                answers: 1,
                residence_us: residence[service],
                told: 1,
                queue_us,
                service_us,
            };
            let (counts, sums) = match service {
                0 => (&mut totals.rng_replicas, &mut totals.rng_times),
                _ => (&mut totals.hasher_replicas, &mut totals.hasher_times),
            };
            let name = format!("{}.{}", ["rng", "hasher"][service], visit.replica);
            *counts.entry(name.clone()).or_default() += 1;
            let sum = sums.entry(name).or_default();
            *sum = sum.plus(times);
        }
        for (stage, time) in stages {
            let latency = totals.stages.entry(stage).or_default();
            match histograms {
                true => latency.record(time),
                false => *latency = Latency::of_sums(latency.count() + 1, latency.sum_us() + time),
            }
        }
    }
}

/// A loop of a worker; times of its own are microseconds, those of visits nanoseconds.
#[derive(Clone, Debug)]
struct Loop {
    begins: u64,
    ends: u64,
    visits: Vec<Visit>,
}

/// Everything that happens, worker by worker.
struct Log {
    loops: Vec<Vec<Loop>>,
    visits: Vec<Vec<Visit>>,
}

impl Observer for Log {
    fn visit(&mut self, visit: Visit) {
        self.visits[visit.worker as usize].push(visit);
    }

    fn looped(&mut self, worker: u32, at: u64) {
        let loops = &mut self.loops[worker as usize];
        let begins = loops.last().map_or(0, |last| last.ends);
        let visits = std::mem::take(&mut self.visits[worker as usize]);
        loops.push(Loop { begins, ends: at / 1000, visits });
    }
}

/// A worker's loops, and when it told how many.
struct Worker {
    loops: Vec<Loop>,
    flushes: Vec<(u64, usize)>,
}

impl Worker {
    fn new(loops: Vec<Loop>) -> Self {
        let mut flushes = vec![(0, 0)];
        for (done, one) in (1..).zip(&loops) {
            let (last, _) = flushes[flushes.len() - 1];
            if one.ends - last >= FLUSH_US {
                flushes.push((one.ends, done));
            }
        }
        Self { loops, flushes }
    }

    /// Its last flush before a moment, and its loops then.
    fn flushed(&self, at_us: u64) -> (u64, usize) {
        let after = self.flushes.partition_point(|(at, _)| *at <= at_us);
        self.flushes[after - 1]
    }
}

fn counter(workers: &[Worker], at_us: u64) -> Counter {
    let hashes = workers.iter().map(|worker| worker.flushed(at_us).1 as u64).sum();
    Counter { now_us: START_US + at_us, hashes, coins: hashes / 16 }
}

fn id(worker: usize) -> String {
    format!("worker.{worker}-id")
}
