//! What the generator's own process may use of the machine, and when it could not run: measured by
//! the run, judged by the summary. It sends nothing and prints nothing.

pub mod cgroup;
mod holdups;

use std::time::Duration;

pub use cgroup::{Quota, Throttled};
pub(crate) use holdups::{BEAT, Monitor, thread_time};
pub use holdups::{Gaps, HoldUps, Waits};

/// The generator over one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generator {
    /// How long the run was, warm-up and drain included.
    pub wall: Duration,
    /// CPU time of the thread that worked most, without looking at the clock for what is due.
    pub busiest: Duration,
    /// CPU time of all threads that send, without the same.
    pub worked: Duration,
    /// Processors that the process may use: the lower of its affinity and its quota. Processors of
    /// a machine may be more.
    pub processors: f64,
    /// What the quota of its cgroup, or of one above, took from it, where that is known and there
    /// is a quota.
    pub throttled: Option<Throttled>,
    /// When the thread that was held up most could not run.
    pub held_up: HoldUps,
}

impl Generator {
    /// Adds what one thread worked and how it was held up.
    pub(crate) fn add(&mut self, worked: Duration, held_up: HoldUps) {
        self.busiest = self.busiest.max(worked);
        self.worked += worked;
        if held_up.total() >= self.held_up.total() {
            self.held_up = held_up;
        }
    }

    /// The share of the run in which its threads worked or could not: near 1, it could do no more.
    #[must_use]
    pub fn occupied(&self) -> f64 {
        let wall = self.wall.as_secs_f64();
        let occupied = (self.busiest + self.held_up.total()).as_secs_f64();
        if wall > 0.0 { occupied / wall } else { 0.0 }
    }

    /// The share of what it may use that the generator used: that of its busiest thread or that of
    /// all threads together, whichever is more.
    #[must_use]
    pub fn use_of_allowed(&self) -> f64 {
        self.use_of_thread().max(self.use_of_all())
    }

    /// The share of one processor, or of what the process may use if that is less, that its busiest
    /// thread used.
    #[must_use]
    pub fn use_of_thread(&self) -> f64 {
        self.use_of(self.busiest, self.processors.min(1.0))
    }

    /// The share of the processors that the process may use that all threads used.
    #[must_use]
    pub fn use_of_all(&self) -> f64 {
        self.use_of(self.worked, self.processors)
    }

    fn use_of(&self, worked: Duration, processors: f64) -> f64 {
        let allowed = self.wall.as_secs_f64() * processors;
        if allowed > 0.0 { worked.as_secs_f64() / allowed } else { 0.0 }
    }
}

/// Processors that this process may use now: those of its affinity, or its quota where that is
/// less. Without either, as many as the machine has.
#[must_use]
pub fn processors(quota: Option<Quota>) -> f64 {
    let affinity = rustix::thread::sched_getaffinity(None).map(|set| f64::from(set.count()));
    let affinity = affinity.ok().filter(|count| *count > 0.0).unwrap_or_else(|| {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        crate::numbers::float(count as u64)
    });
    quota.map_or(affinity, |quota| affinity.min(quota.processors()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator(busiest_ms: u64, worked_ms: u64, processors: f64) -> Generator {
        Generator {
            wall: Duration::from_secs(1),
            busiest: Duration::from_millis(busiest_ms),
            worked: Duration::from_millis(worked_ms),
            processors,
            ..Generator::default()
        }
    }

    #[test]
    fn the_share_is_of_what_the_process_may_use() {
        for (busiest, worked, processors, share) in [
            (300, 300, 4.0, 0.3),
            (100, 100, 0.1, 1.0),
            (400, 800, 1.0, 0.8),
            (950, 1_900, 2.0, 0.95),
            (0, 0, 0.0, 0.0),
        ] {
            let seen = generator(busiest, worked, processors).use_of_allowed();
            assert!((seen - share).abs() < 1e-9, "{busiest} {worked} {processors}: {seen}");
        }
    }

    #[test]
    fn a_quota_below_the_affinity_is_what_counts() {
        let quota = |share| Quota {
            time: Duration::from_millis(100).mul_f64(share),
            period: Duration::from_millis(100),
        };
        assert!((processors(Some(quota(0.25))) - 0.25).abs() < 1e-9);
        assert!((processors(Some(quota(1e6))) - processors(None)).abs() < 1e-9);
        assert!(processors(None) >= 1.0);
    }
}
