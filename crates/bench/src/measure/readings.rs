//! What was read in a window, and where it could begin instead.

use observation::{Observation, Report};

use super::{Counter, Moment, PathSample, WorkerCount, WorkerCounts};

/// Whether whole reports are kept on the way, so that the window may begin later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spares {
    /// It begins when it was opened.
    None,
    /// Some are, now and then.
    EverySoOften,
}

/// What is read of the app every second.
#[derive(Clone, Debug, PartialEq)]
pub struct Brief {
    /// The counter.
    pub counter: Counter,
    /// Each worker's own count.
    pub workers: WorkerCounts,
    /// What all of them together had counted.
    pub moment: Moment,
}

impl Brief {
    /// The part of all reports that is read every second.
    #[must_use]
    pub fn of(seen: &Observation) -> Self {
        let Observation { now_us, hashes, coins, .. } = *seen;
        let counter = Counter { now_us, hashes, coins };
        Self { counter, workers: counts(seen), moment: Moment::of(seen) }
    }
}

/// A whole report this much too early is early enough.
const EARLY_US: u64 = 500_000;

/// What was read in a window.
#[derive(Debug, Default)]
pub struct Readings {
    /// The counter.
    pub counter: Vec<Counter>,
    /// The workers' counts.
    pub workers: Vec<WorkerCounts>,
    /// What all workers together had counted.
    pub moments: Vec<Moment>,
    /// Readings that failed.
    pub failed: u64,
    /// How long the ways to the replicas took, where that is probed from inside.
    pub paths: Vec<PathSample>,
    /// Whole reports with their times. As text, in which histograms are a hundred times smaller.
    spares: Vec<(u64, Vec<u8>)>,
}

impl Readings {
    /// What is read every second, or nothing where that failed.
    pub(super) fn brief(&mut self, seen: Option<Brief>) {
        match seen {
            Some(Brief { workers, moment, .. }) => {
                self.workers.push(workers);
                self.moments.push(moment);
            }
            None => self.failed += 1,
        }
    }

    /// Whole reports, likewise.
    pub(super) fn whole(&mut self, seen: Option<&Observation>) {
        if let Some((seen, text)) =
            seen.and_then(|seen| Some((seen, serde_json::to_vec(seen).ok()?)))
        {
            self.spares.push((seen.now_us, text));
        }
        self.brief(seen.map(Brief::of));
    }

    /// Leaves out what was read before so many seconds after `begin_us`; the whole reports that the
    /// window then begins with, and the moments left out. `None`, and everything stays, where there
    /// is nothing to leave out or no whole report after it.
    pub fn cut_before(
        &mut self,
        begin_us: u64,
        seconds: f64,
    ) -> Option<(Observation, Vec<Moment>)> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "minutes")]
        let from_us = begin_us + (seconds.max(0.0) * 1e6) as u64;
        if from_us == begin_us {
            return None;
        }
        // They are read when they are due, or a little later than others at the same time.
        let (_, text) = self.spares.iter().find(|(now_us, _)| now_us + EARLY_US >= from_us)?;
        let first: Observation = serde_json::from_slice(text).ok()?;
        let from_us = first.now_us;
        let kept = self.moments.iter().position(|moment| moment.now_us >= from_us)?;
        self.counter.retain(|counter| counter.now_us >= from_us);
        self.workers.drain(..kept);
        Some((first, self.moments.drain(..kept).collect()))
    }
}

fn counts(seen: &Observation) -> WorkerCounts {
    let count = |report: &Report| WorkerCount { at_us: report.at_us, loops: report.totals.loops };
    seen.workers.iter().map(|report| (report.id.clone(), count(report))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::tests::ideal;

    #[test]
    fn a_window_may_begin_at_any_whole_report() {
        let samples = ideal(2, 1);
        let mut readings = Readings {
            counter: samples.counter.clone(),
            workers: samples.workers.clone(),
            moments: samples.moments.clone(),
            ..Readings::default()
        };
        let begin_us = samples.first.now_us;
        assert!(readings.cut_before(begin_us, 10.0).is_none(), "there is no whole report");
        let mut later = samples.last.clone();
        later.now_us = begin_us + 15_000_000;
        readings.spares.push((later.now_us, serde_json::to_vec(&later).unwrap()));
        assert!(readings.cut_before(begin_us, 0.0).is_none(), "there is nothing to leave out");
        assert!(readings.cut_before(begin_us, 20.0).is_none(), "it is too early");
        let (first, before) = readings.cut_before(begin_us, 10.0).unwrap();
        assert_eq!(first, later);
        assert_eq!((before.len(), readings.moments.len(), readings.workers.len()), (15, 46, 46));
        assert_eq!(readings.counter.first().unwrap().now_us, later.now_us);
    }
}
