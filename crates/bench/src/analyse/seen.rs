//! What the reports of a window add up to: the app's totals, and each service's answers, replica by
//! replica and worker by worker. Sums only; what they mean is the business of those who read them.

use std::collections::BTreeMap;

use load::numbers::float;
use observation::{Counts, Latency, ReplicaTimes, Report, Stage, TimesByReplica, Totals};

use super::rate::by_id;
use crate::cluster::Service;
use crate::measure::{Samples, Station};

/// A window, added up.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) samples: &'a Samples,
    pub(super) counted: Counted,
    pub(super) rng: ServiceSeen<'a>,
    pub(super) hasher: ServiceSeen<'a>,
}

/// What all workers counted between their first and last report of the window.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) totals: Totals,
    /// Loops they run at a time.
    pub(super) workers: u64,
    /// How many replicas they are.
    pub(super) reporting: u32,
    /// Each of them.
    each: Vec<Account>,
}

/// One worker's answers between its first and last report of the window.
#[derive(Debug)]
struct Account {
    seconds: f64,
    /// Loops it runs at a time.
    loops_at_once: u32,
    rng: Counts,
    hasher: Counts,
}

/// A service in a window.
#[derive(Debug)]
pub(super) struct ServiceSeen<'a> {
    pub(super) service: Service,
    /// Replicas there should be.
    pub(super) wanted: u32,
    pub(super) station: Option<&'a Station>,
    /// Those that answered, by where they are or by their names.
    pub(super) replicas: BTreeMap<String, ReplicaSeen>,
    /// Each worker's answers by replica, with the loops it runs at a time.
    pub(super) by_worker: Vec<(Counts, u32)>,
    /// Failed requests.
    pub(super) failures: u64,
    /// Time from asking to the last byte; empty where nothing was told, as are the next two.
    pub(super) residence: Latency,
    pub(super) queue: Latency,
    pub(super) work: Latency,
}

/// A replica in a window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReplicaSeen {
    pub(super) requests: u64,
    pub(super) per_second: f64,
    pub(super) times: ReplicaTimes,
}

impl ReplicaSeen {
    /// Mean time in its service, in seconds.
    pub(super) fn service_s(&self) -> Option<f64> {
        (self.times.told > 0).then(|| float(self.times.service_us) / float(self.times.told) / 1e6)
    }

    /// Mean time in its queue, in seconds.
    pub(super) fn queue_s(&self) -> Option<f64> {
        (self.times.told > 0).then(|| float(self.times.queue_us) / float(self.times.told) / 1e6)
    }

    /// What an answer takes beyond its queue and its work, in seconds, where all answers tell these.
    pub(super) fn missing_s(&self) -> Option<f64> {
        let ReplicaTimes { answers, residence_us, told, queue_us, service_us } = self.times;
        let missing = residence_us.saturating_sub(queue_us + service_us);
        (told > 0 && told == answers).then(|| float(missing) / float(told) / 1e6)
    }
}

impl<'a> Seen<'a> {
    /// Adds up a window; what could not be added is told in `warnings`.
    pub(super) fn of(samples: &'a Samples, warnings: &mut Vec<String>) -> Self {
        let counted = Counted::of(samples, warnings);
        let rng = ServiceSeen::of(Service::Rng, samples, &counted);
        let hasher = ServiceSeen::of(Service::Hasher, samples, &counted);
        Self { samples, counted, rng, hasher }
    }

    /// Both services.
    pub(super) fn services(&self) -> [&ServiceSeen<'a>; 2] {
        [&self.rng, &self.hasher]
    }

    /// Seconds of a loop that a stage takes, on average over all loops; 0 for what was not told.
    pub(super) fn per_loop_s(&self, stage: Stage) -> f64 {
        let sum = self.counted.totals.stages.get(&stage).map_or(0, Latency::sum_us);
        float(sum) / 1e6 / float(self.counted.totals.loops.max(1))
    }
}

impl Counted {
    fn of(samples: &Samples, warnings: &mut Vec<String>) -> Self {
        let mut counted = Self::default();
        let begun = by_id(&samples.first.workers);
        for last in &samples.last.workers {
            let Some(first) = begun.get(&*last.id) else {
                warnings
                    .push(format!("{} appeared during the window and is left out", last.replica));
                continue;
            };
            if last.at_us <= first.at_us {
                continue; // ended earlier, and only its report is left; or stuck, and then missing
            }
            match last.totals.since(&first.totals) {
                Ok(since) => counted.add(&since, first, last),
                Err(error) => warnings.push(format!("{}: {error}", last.replica)),
            }
            counted.workers += u64::from(last.virtual_workers);
            counted.reporting += 1;
        }
        counted
    }

    fn add(&mut self, since: &Totals, first: &Report, last: &Report) {
        self.totals.add(since);
        self.each.push(Account {
            seconds: float(last.at_us - first.at_us) / 1e6,
            loops_at_once: last.virtual_workers,
            rng: since.rng_replicas.clone(),
            hasher: since.hasher_replicas.clone(),
        });
    }
}

impl<'a> ServiceSeen<'a> {
    fn of(service: Service, samples: &'a Samples, counted: &Counted) -> Self {
        let totals = &counted.totals;
        let is_rng = service == Service::Rng;
        let of = |rng: Stage, hasher: Stage| {
            totals.stages.get(if is_rng { &rng } else { &hasher }).cloned().unwrap_or_default()
        };
        let counts = |account: &Account| {
            labelled(if is_rng { &account.rng } else { &account.hasher }, samples)
        };
        let times = if is_rng { &totals.rng_times } else { &totals.hasher_times };
        let stations = &samples.stations;
        let failed = |(kind, count): (&String, &u64)| {
            kind.strip_prefix(service.name()).is_some_and(|k| k.starts_with(':')).then_some(*count)
        };
        Self {
            service,
            wanted: if is_rng { samples.replicas.rng } else { samples.replicas.hasher },
            station: if is_rng { stations.rng.as_ref() } else { stations.hasher.as_ref() },
            replicas: replicas(counted, &counts, &labelled_times(times, samples)),
            by_worker: counted.each.iter().map(|one| (counts(one), one.loops_at_once)).collect(),
            failures: totals.errors.iter().filter_map(failed).sum(),
            residence: of(Stage::Rng, Stage::Hasher),
            queue: of(Stage::RngQueue, Stage::HasherQueue),
            work: of(Stage::RngService, Stage::HasherService),
        }
    }

    /// Mean time in service, in seconds.
    pub(super) fn service_s(&self) -> Option<f64> {
        Some(self.work.mean_us()? / 1e6).filter(|seconds| *seconds > 0.0)
    }

    /// Replicas there are, as far as is known.
    pub(super) fn count(&self) -> u32 {
        self.wanted.max(u32::try_from(self.replicas.len()).unwrap_or(u32::MAX)).max(1)
    }

    /// Loops run at a time by the workers that ask it.
    pub(super) fn workers(&self) -> u64 {
        self.by_worker.iter().map(|(_, loops)| u64::from(*loops)).sum()
    }

    /// Replicas that got no request.
    pub(super) fn idle(&self) -> u32 {
        match self.replicas.len() {
            0 => 0,
            known => self.wanted.saturating_sub(u32::try_from(known).unwrap_or(u32::MAX)),
        }
    }

    /// Whether those that got no request are dead, not unasked: every worker tries a dead one again
    /// and again, some seconds apart at most.
    pub(super) fn is_dead(&self) -> bool {
        let tries = u64::from(self.idle()).saturating_mul(self.by_worker.len() as u64);
        self.idle() > 0 && self.failures > 0 && self.failures >= tries
    }

    /// Answers of all replicas.
    pub(super) fn requests(&self) -> u64 {
        self.replicas.values().map(|replica| replica.requests).sum()
    }

    /// What is spent at the service but neither in its queue nor in its work, in seconds per
    /// request: the network, connections, and late wake-ups on both sides.
    pub(super) fn unexplained_s(&self) -> Option<f64> {
        let mean = |latency: &Latency| Some(latency.mean_us()? / 1e6);
        let told = mean(&self.queue)? + mean(&self.work)?;
        Some((mean(&self.residence)? - told).max(0.0))
    }
}

/// The same counts by where the replicas are, as far as that is known.
pub(super) fn labelled(counts: &Counts, samples: &Samples) -> Counts {
    let mut labelled = Counts::new();
    for (name, count) in counts {
        // A replica and the one that took its place on the same node have one label.
        *labelled.entry(label(name, samples)).or_default() += count;
    }
    labelled
}

fn labelled_times(times: &TimesByReplica, samples: &Samples) -> TimesByReplica {
    let mut labelled = TimesByReplica::new();
    for (name, times) in times {
        let sum = labelled.entry(label(name, samples)).or_default();
        *sum = sum.plus(*times);
    }
    labelled
}

fn label(name: &str, samples: &Samples) -> String {
    samples.labels.get(name).cloned().unwrap_or_else(|| name.to_owned())
}

fn replicas(
    counted: &Counted,
    counts: &impl Fn(&Account) -> Counts,
    times: &TimesByReplica,
) -> BTreeMap<String, ReplicaSeen> {
    let mut replicas: BTreeMap<String, ReplicaSeen> = BTreeMap::new();
    for account in &counted.each {
        for (name, requests) in counts(account) {
            let replica = replicas.entry(name).or_default();
            replica.requests += requests;
            replica.per_second += float(requests) / account.seconds;
        }
    }
    for (name, replica) in &mut replicas {
        replica.times = times.get(name).copied().unwrap_or_default();
    }
    replicas
}
