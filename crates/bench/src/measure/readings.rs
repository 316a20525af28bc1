//! What was read in a window, and where it could begin instead.

use observation::{Experiment, Observation, Report};

use super::{Counter, Moment, PathSample, WorkerCount, WorkerCounts};

/// Whether whole reports are kept on the way, so that the window may begin later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spares {
    /// It begins when it was opened.
    None,
    /// Some are, now and then.
    EverySoOften,
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
    /// What workers told that they carry out, each once, and when the last of them did.
    experiments: Vec<(Option<Experiment>, u64)>,
    /// Whole reports with their times. As text, in which histograms are a hundred times smaller.
    spares: Vec<(u64, Vec<u8>)>,
}

impl Readings {
    /// Reports without histograms, or none where that failed.
    pub(super) fn brief(&mut self, seen: Option<Observation>) {
        match seen {
            Some(seen) => {
                self.note_experiments(&seen);
                self.workers.push(counts(&seen));
                self.moments.push(Moment::of(&seen));
            }
            None => self.failed += 1,
        }
    }

    /// Notes what new reports tell of experiments: old ones may be of workers that are gone.
    fn note_experiments(&mut self, seen: &Observation) {
        let Some(before) = self.workers.last() else { return };
        let is_new = |report: &&Report| {
            before.get(&report.id).is_some_and(|before| report.at_us > before.at_us)
        };
        for Report { experiment, .. } in seen.workers.iter().filter(is_new) {
            match self.experiments.iter_mut().find(|(noted, _)| noted == experiment) {
                Some((_, last_us)) => *last_us = seen.now_us,
                None => self.experiments.push((experiment.clone(), seen.now_us)),
            }
        }
    }

    /// What workers told in the window that they carried out, each once.
    #[must_use]
    pub fn carried_out(&self) -> Vec<Option<Experiment>> {
        self.experiments.iter().map(|(experiment, _)| experiment.clone()).collect()
    }

    /// Whole reports, likewise.
    pub(super) fn whole(&mut self, seen: Option<Observation>) {
        if let Some(text) = seen.as_ref().and_then(|seen| serde_json::to_vec(seen).ok()) {
            self.spares.push((seen.as_ref().map_or(0, |seen| seen.now_us), text));
        }
        self.brief(seen);
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
        self.experiments.retain(|(_, last_us)| *last_us >= from_us);
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
    fn only_new_reports_tell_what_is_carried_out_and_what_was_over_before_the_window_is_left_out() {
        let at = |second: u64, told: [Option<u64>; 2]| {
            let mut seen = ideal(2, 1).first;
            seen.now_us += second * 1_000_000;
            for (report, rng_us) in seen.workers.iter_mut().zip(told) {
                // The first one reports no more.
                report.at_us += if report.id.contains('0') { 0 } else { second * 1_000_000 };
                let experiment = |rng_us| Experiment { rng_us, ..Experiment::default() };
                report.experiment = rng_us.map(experiment);
            }
            seen
        };
        let mut readings = Readings::default();
        let begin_us = at(0, [None; 2]).now_us;
        for (second, told) in [(0, Some(7)), (1, Some(7)), (2, None), (3, None)] {
            readings.whole(Some(at(second, [Some(9), told])));
        }
        let told = |readings: &Readings| {
            let carried_out = readings.carried_out().into_iter();
            carried_out.map(|one| one.map(|one| one.rng_us)).collect::<Vec<_>>()
        };
        assert_eq!(told(&readings), [Some(7), None]);
        assert!(readings.cut_before(begin_us, 2.0).is_some());
        assert_eq!(told(&readings), [None]);
    }

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
