//! Counts what a worker does, for its report. Adds up only; when and where to is `ledger`'s.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use observation::{Counts, ReplicaTimes, Stage, TimesByReplica, Totals};
use tokio::time::Instant;

use crate::connection::Answer;

/// Counts shared by all virtual workers of a process.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    totals: Mutex<Totals>,
    last_loop: Mutex<Option<Instant>>,
}

/// The stages of a dependency, and where its replicas are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    whole: Stage,
    queue: Stage,
    service: Stage,
    replicas: fn(&mut Totals) -> &mut Counts,
    times: fn(&mut Totals) -> &mut TimesByReplica,
}

/// rng's account.
pub(crate) const RNG: Account = Account {
    whole: Stage::Rng,
    queue: Stage::RngQueue,
    service: Stage::RngService,
    replicas: |totals| &mut totals.rng_replicas,
    times: |totals| &mut totals.rng_times,
};

/// hasher's account.
pub(crate) const HASHER: Account = Account {
    whole: Stage::Hasher,
    queue: Stage::HasherQueue,
    service: Stage::HasherService,
    replicas: |totals| &mut totals.hasher_replicas,
    times: |totals| &mut totals.hasher_times,
};

impl Tally {
    pub(crate) fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn took(&self, stage: Stage, time: Duration) {
        record(&mut self.totals(), stage, microseconds(time));
    }

    pub(crate) fn answered(&self, account: Account, time: Duration, answer: &Answer) {
        let server = answer.server;
        let mut totals = self.totals();
        record(&mut totals, account.whole, microseconds(time));
        let told = [(account.queue, server.queue_us), (account.service, server.service_us)];
        for (stage, microseconds) in told {
            if let Some(microseconds) = microseconds {
                record(&mut totals, stage, microseconds);
            }
        }
        count((account.replicas)(&mut totals), &answer.replica);
        let times = (account.times)(&mut totals);
        // A name is made once, not with every answer.
        if !times.contains_key(&answer.replica) {
            times.insert(answer.replica.clone(), ReplicaTimes::default());
        }
        if let Some(times) = times.get_mut(&answer.replica) {
            times.record(microseconds(time), server);
        }
    }

    pub(crate) fn looped(&self, time: Duration, coin: bool) {
        let mut totals = self.totals();
        totals.loops += 1;
        totals.coins += u64::from(coin);
        record(&mut totals, Stage::Loop, microseconds(time));
        *self.last_loop.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// When the last loop was completed, if one was.
    pub(crate) fn last_loop(&self) -> Option<Instant> {
        *self.last_loop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn failed(&self, dependency: &str, kind: &str) {
        count(&mut self.totals().errors, &format!("{dependency}: {kind}"));
    }
}

fn record(totals: &mut Totals, stage: Stage, microseconds: u64) {
    totals.stages.entry(stage).or_default().record(microseconds);
}

fn count(counts: &mut Counts, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
