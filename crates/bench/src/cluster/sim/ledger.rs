//! What the workers of a simulated app count and report, as real ones do: exact sums each, told
//! about once a second at the start of a loop.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Observer, Visit};
use observation::{
    Latency, Observation, ReplicaTimes, Report, SCHEMA_VERSION, ServerTiming, Stage,
    TimesByReplica, Totals,
};
use rand::rngs::SmallRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use super::conditions::Part;
use crate::measure::{Brief, Counter, Moment, WorkerCount};

/// How long a worker keeps its counts to itself.
const FLUSH_NS: u64 = 1_000_000_000;
/// One hash in so many begins with 0.
const COINS: u32 = 16;
/// rng and hasher, the first stages of a scenario: the whole, and what the server tells.
const STATIONS: [(Stage, Stage, Stage); 2] = [
    (Stage::Rng, Stage::RngQueue, Stage::RngService),
    (Stage::Hasher, Stage::HasherQueue, Stage::HasherService),
];
/// Most stages of a scenario: those two, Redis, and what fails at each of the two.
const STAGES: usize = 5;

/// What a loop may do beyond rng and hasher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extra {
    /// Writing to Redis.
    Redis,
    /// Repeating a request that failed there.
    Retry(Part),
}

/// What is told of a loop beside the visits it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Telling {
    /// How long a request and its answer are under way.
    pub(super) network: Duration,
    /// Per cent of the time that rng and hasher take that they tell.
    pub(super) shares: [u8; 2],
    /// The scenario's stages behind these.
    pub(super) extras: Vec<Extra>,
}

/// What one worker counted, or several together.
#[derive(Clone, Debug, Default)]
struct Sums {
    loops: u64,
    coins: u64,
    stages: BTreeMap<Stage, (u64, u64)>,
    rng: TimesByNumber,
    hasher: TimesByNumber,
    errors: BTreeMap<&'static str, u64>,
}

/// What answers took, by the number of the replica, from 0. A worker has met few of many.
type TimesByNumber = BTreeMap<u32, ReplicaTimes>;

/// One worker.
#[derive(Debug)]
struct Worker {
    id: String,
    replica: String,
    started_us: u64,
    /// When its loop began, on the simulation's clock since the app started.
    began_ns: u64,
    visits: [Option<Visit>; STAGES],
    /// What it counted since it last told.
    untold: Sums,
    /// What it has told in all.
    told: Sums,
    told_at_ns: u64,
    told_us: u64,
}

/// All workers, and the counter they add to.
#[derive(Debug)]
pub(super) struct Ledger {
    workers: Vec<Worker>,
    /// What all of them have told.
    merged: Sums,
    /// Distributions of all workers together: one for each worker would take a megabyte each.
    distributions: BTreeMap<Stage, Latency>,
    hashes: u64,
    coins: u64,
    chance: SmallRng,
    /// Unix time of the app's start.
    start_us: u64,
    /// When the simulation under way began, since the app started.
    pub(super) offset_ns: u64,
    pub(super) telling: Telling,
}

impl Ledger {
    pub(super) fn new(start_us: u64, seed: u64) -> Self {
        Self {
            workers: Vec::new(),
            merged: Sums::default(),
            distributions: BTreeMap::new(),
            hashes: 0,
            coins: 0,
            chance: SmallRng::seed_from_u64(seed),
            start_us,
            offset_ns: 0,
            telling: Telling { network: Duration::ZERO, shares: [100; 2], extras: Vec::new() },
        }
    }

    /// From now on there are so many workers, and all begin a loop.
    pub(super) fn begin(&mut self, workers: u32, now_ns: u64) {
        let workers = workers as usize;
        if workers < self.workers.len() {
            // One that is told to stop tells what it has, and takes its report along.
            self.hashes += self.workers.drain(workers..).map(|one| one.untold.loops).sum::<u64>();
            self.merged = Sums::default();
            for worker in &self.workers {
                self.merged.add(&worker.told);
            }
        }
        for number in self.workers.len() + 1..=workers {
            let id = format!("worker.{number}-{:08x}", self.chance.next_u32());
            let started_us = self.start_us + now_ns / 1000;
            self.workers.push(Worker {
                id,
                replica: format!("worker.{number}"),
                started_us,
                began_ns: now_ns,
                visits: [None; STAGES],
                untold: Sums::default(),
                told: Sums::default(),
                told_at_ns: now_ns,
                told_us: started_us,
            });
        }
        for worker in &mut self.workers {
            worker.began_ns = now_ns;
            worker.visits = [None; STAGES];
        }
        self.offset_ns = now_ns;
    }

    pub(super) fn hashes(&self) -> u64 {
        self.hashes
    }

    pub(super) fn coins(&self) -> u64 {
        self.coins
    }

    /// What is read every second, without the reports that it could be added up from: of thousands of
    /// workers they are millions of names.
    pub(super) fn brief(&self, now_us: u64) -> Brief {
        let count =
            |worker: &Worker| WorkerCount { at_us: worker.told_us, loops: worker.told.loops };
        Brief {
            counter: Counter { now_us, hashes: self.hashes, coins: self.coins },
            workers: self.workers.iter().map(|one| (one.id.clone(), count(one))).collect(),
            moment: Moment { now_us, totals: self.merged.totals() },
            experiments: Vec::new(),
        }
    }

    /// When the last report before a moment was, and the last one from then on.
    pub(super) fn last_reports(&self, changed_us: u64) -> [Option<u64>; 2] {
        let last = |is: &dyn Fn(&u64) -> bool| {
            self.workers.iter().map(|worker| worker.told_us).filter(|at_us| is(at_us)).max()
        };
        [last(&|at_us| *at_us < changed_us), last(&|at_us| *at_us >= changed_us)]
    }

    /// All reports at a moment; with distributions if `whole`, which the first one has for all.
    pub(super) fn observation(&self, now_us: u64, whole: bool) -> Observation {
        let mut workers: Vec<Report> = self.workers.iter().map(Worker::report).collect();
        if let Some(first) = workers.first_mut().filter(|_| whole) {
            for (stage, of) in &self.distributions {
                let sums = first.totals.stages.entry(*stage).or_default();
                *sums = sums.distributed_as(of);
            }
        }
        let (hashes, coins, merged) = (self.hashes, self.coins, self.merged.totals());
        Observation { schema_version: SCHEMA_VERSION, now_us, hashes, coins, merged, workers }
    }
}

impl Observer for Ledger {
    fn visit(&mut self, visit: Visit) {
        if let Some(worker) = self.workers.get_mut(visit.worker as usize) {
            worker.visits[visit.stage] = Some(visit);
        }
    }

    fn looped(&mut self, worker: u32, at: u64) {
        let Some(worker) = self.workers.get_mut(worker as usize) else { return };
        let coin = self.chance.random_ratio(1, COINS);
        let Telling { network, shares, extras } = &self.telling;
        let network_ns = nanoseconds(*network);
        let mut took = |stage: Stage, time_ns: u64| {
            let us = time_ns / 1000;
            let sum = worker.untold.stages.entry(stage).or_default();
            (sum.0, sum.1) = (sum.0 + 1, sum.1 + us);
            self.distributions.entry(stage).or_default().record(us);
        };
        let end_ns = self.offset_ns + at;
        let mut ways_ns = 0;
        for (((whole, queue, service), share), visit) in
            STATIONS.into_iter().zip(shares).zip(&worker.visits)
        {
            let Some(Visit { arrives, begins, ends, .. }) = *visit else { continue };
            ways_ns += network_ns;
            took(whole, ends - arrives + network_ns);
            took(queue, begins - arrives);
            took(service, told_ns(begins, ends, *share));
        }
        for (extra, visit) in extras.iter().zip(&worker.visits[STATIONS.len()..]) {
            // A loop that writes nothing does not visit Redis, and one without failures repeats nothing.
            let Some(time_ns) = visit.map(|visit| visit.ends - visit.arrives).filter(|t| *t > 0)
            else {
                continue;
            };
            match extra {
                Extra::Redis => took(Stage::Redis, time_ns),
                Extra::Retry(part) => {
                    took(Stage::Retry, time_ns);
                    *worker.untold.errors.entry(part.name()).or_default() += 1;
                }
            }
        }
        if let Some(first) = worker.visits[0] {
            let thought = self.offset_ns + first.arrives - worker.began_ns;
            took(Stage::Think, thought.saturating_sub(ways_ns));
        }
        took(Stage::Loop, end_ns - worker.began_ns);
        worker.looped(coin, network_ns, *shares);
        self.coins += u64::from(coin);
        worker.began_ns = end_ns;
        if end_ns - worker.told_at_ns >= FLUSH_NS {
            let news = std::mem::take(&mut worker.untold);
            self.hashes += news.loops;
            worker.told.add(&news);
            self.merged.add(&news);
            (worker.told_at_ns, worker.told_us) = (end_ns, self.start_us + end_ns / 1000);
        }
    }
}

impl Worker {
    fn looped(&mut self, coin: bool, network_ns: u64, shares: [u8; 2]) {
        self.untold.loops += 1;
        self.untold.coins += u64::from(coin);
        let replicas = [&mut self.untold.rng, &mut self.untold.hasher];
        for ((times, visit), share) in replicas.into_iter().zip(&mut self.visits).zip(shares) {
            let Some(Visit { replica, arrives, begins, ends, .. }) = visit.take() else { continue };
            let server = ServerTiming {
                queue_us: Some((begins - arrives) / 1000),
                service_us: Some(told_ns(begins, ends, share) / 1000),
            };
            times.entry(replica).or_default().record((ends - arrives + network_ns) / 1000, server);
        }
    }

    fn report(&self) -> Report {
        Report {
            schema_version: SCHEMA_VERSION,
            id: self.id.clone(),
            replica: self.replica.clone(),
            started_us: self.started_us,
            at_us: self.told_us,
            virtual_workers: 1,
            policy: String::new(),
            experiment: None,
            totals: self.told.totals(),
        }
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.loops += other.loops;
        self.coins += other.coins;
        for (stage, (count, sum_us)) in &other.stages {
            let sum = self.stages.entry(*stage).or_default();
            (sum.0, sum.1) = (sum.0 + count, sum.1 + sum_us);
        }
        for (own, others) in [(&mut self.rng, &other.rng), (&mut self.hasher, &other.hasher)] {
            for (number, times) in others {
                let sum = own.entry(*number).or_default();
                *sum = sum.plus(*times);
            }
        }
        for (at, count) in &other.errors {
            *self.errors.entry(at).or_default() += count;
        }
    }

    fn totals(&self) -> Totals {
        let Self { loops, coins, stages, rng, hasher, errors } = self;
        let latency =
            |(stage, sums): (&Stage, &(u64, u64))| (*stage, Latency::of_sums(sums.0, sums.1));
        let (rng_times, hasher_times) = (named("rng", rng), named("hasher", hasher));
        let answers = |times: &TimesByReplica| {
            times.iter().map(|(name, times)| (name.clone(), times.answers)).collect()
        };
        Totals {
            loops: *loops,
            coins: *coins,
            stages: stages.iter().map(latency).collect(),
            rng_replicas: answers(&rng_times),
            hasher_replicas: answers(&hasher_times),
            rng_times,
            hasher_times,
            errors: errors.iter().map(|(at, n)| (format!("{at}: connect"), *n)).collect(),
        }
    }
}

fn named(service: &str, times: &TimesByNumber) -> TimesByReplica {
    times.iter().map(|(number, times)| (format!("{service}.{}", number + 1), *times)).collect()
}

/// What a server tells of its work, which may have taken it longer than it knows.
fn told_ns(begins: u64, ends: u64, share: u8) -> u64 {
    (ends - begins) * u64::from(share) / 100
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
