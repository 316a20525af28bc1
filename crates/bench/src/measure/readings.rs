//! What was read in a window, and where it could begin instead.

use observation::{Experiment, Observation, Report};

use super::{ClockReading, Counter, Moment, PathSample, WorkerCount, WorkerCounts};

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
    /// What workers tell that they carry out, each once.
    pub experiments: Vec<Told>,
}

/// An experiment, or that there is none, and when the last report of it was.
pub type Told = (Option<Experiment>, u64);

impl Brief {
    /// The part of all reports that is read every second.
    #[must_use]
    pub fn of(seen: &Observation) -> Self {
        let Observation { now_us, hashes, coins, .. } = *seen;
        let counter = Counter { now_us, hashes, coins };
        let mut experiments: Vec<Told> = Vec::new();
        for Report { experiment, at_us, .. } in &seen.workers {
            match experiments.iter_mut().find(|(told, _)| told == experiment) {
                Some((_, last_us)) => *last_us = (*last_us).max(*at_us),
                None => experiments.push((experiment.clone(), *at_us)),
            }
        }
        Self { counter, workers: counts(seen), moment: Moment::of(seen), experiments }
    }
}

/// A whole report this much too early is early enough.
const EARLY_US: u64 = 500_000;

/// What was read in a window.
#[derive(Debug, Default)]
pub struct Readings {
    /// The counter.
    pub counter: Vec<Counter>,
    /// The clocks at each of these readings.
    pub clocks: Vec<ClockReading>,
    /// The workers' counts.
    pub workers: Vec<WorkerCounts>,
    /// What all workers together had counted.
    pub moments: Vec<Moment>,
    /// Readings that failed.
    pub failed: u64,
    /// How long the ways to the replicas took, where that is probed from inside.
    pub paths: Vec<PathSample>,
    /// What workers told that they carry out, each once, and when the last of them did.
    experiments: Vec<Told>,
    /// What the last reading told of them.
    told: Option<Vec<Told>>,
    /// Whole reports with their times. As text, in which histograms are a hundred times smaller.
    spares: Vec<(u64, Vec<u8>)>,
}

impl Readings {
    /// What is read every second, or nothing where that failed.
    pub(super) fn brief(&mut self, seen: Option<Brief>) {
        match seen {
            Some(Brief { workers, moment, experiments, .. }) => {
                self.note(experiments);
                self.workers.push(workers);
                self.moments.push(moment);
            }
            None => self.failed += 1,
        }
    }

    /// Notes which experiments are told anew: a report that stays is of a worker that is gone.
    fn note(&mut self, told: Vec<Told>) {
        if let Some(before) = self.told.replace(told.clone()) {
            for (experiment, at_us) in told {
                let earlier = before.iter().find(|(other, _)| *other == experiment);
                let is_news = earlier.is_none_or(|(_, earlier_us)| at_us > *earlier_us);
                match self.experiments.iter_mut().find(|(noted, _)| *noted == experiment) {
                    _ if !is_news => {}
                    Some((_, last_us)) => *last_us = at_us,
                    None => self.experiments.push((experiment, at_us)),
                }
            }
        }
    }

    /// What workers told in the window that they carried out, each once.
    #[must_use]
    pub fn carried_out(&self) -> Vec<Option<Experiment>> {
        self.experiments.iter().map(|(experiment, _)| experiment.clone()).collect()
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
        self.clocks.retain(|reading| reading.webui_us >= from_us);
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
            readings.whole(Some(&at(second, [Some(9), told])));
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
