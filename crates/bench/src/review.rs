//! `bench report`: a recorded run, found anew. Findings are calculated again from the samples, so
//! that runs of older versions get what this version finds; only whether a prediction held, and what a
//! sweep predicted, stay as they were said then. It touches no app.

use std::path::Path;

use crate::analyse::{self, BySecond, Findings, Repetition, RepetitionFindings, Sweeps};
use crate::failure::Failure;
use crate::measure::Samples;
use crate::record::{self, DatedPrediction, Recorded, RecordedRun};

/// A run with what is found in it, ready to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// What was asked, of what, where.
    pub run: RecordedRun,
    /// What this version of bench finds in the samples.
    pub findings: Findings,
    /// Each step's readings, in the order of the findings.
    pub readings: Vec<StepReadings>,
    /// What was predicted, where something was.
    pub prediction: Option<DatedPrediction>,
    /// The whole grid, of a sweep.
    pub sweep: Option<Sweeps>,
}

/// What a page shows of a step's samples themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReadings {
    /// The rate over the window.
    pub by_second: BySecond,
    /// Readings of the counter.
    pub taken: usize,
    /// Readings that failed.
    pub failed: u64,
}

/// The run in `folder`.
///
/// # Errors
/// When there is none that can be read.
pub fn read(folder: &Path) -> Result<Review, Failure> {
    Ok(review(record::read(folder)?))
}

/// What is found in a recorded run.
#[must_use]
pub fn review(recorded: Recorded) -> Review {
    let Recorded { run, steps, scored, prediction, sweep } = recorded;
    let mut findings = Findings {
        cluster: run.run.cluster.clone(),
        verification: scored.verification,
        unverified: scored.unverified,
        ..Findings::none()
    };
    let mut readings = Vec::new();
    findings.repetitions = repeated(&steps);
    let mut before = None;
    for samples in &steps {
        if let Some(before) = before.filter(|_| samples.is_slowed()) {
            // Not a state of its own, but what became of the one before.
            match analyse::injection(before, samples) {
                Ok(found) => findings.injections.push(found),
                Err(reason) => findings.not_injected(reason),
            }
            continue;
        }
        before = Some(samples);
        let step = analyse::step(samples);
        readings.push(StepReadings {
            by_second: analyse::by_second(samples, step.loop_ms),
            taken: samples.counter.len(),
            failed: samples.failed_readings,
        });
        findings.steps.push(step);
    }
    analyse::count_injected(&mut findings);
    findings.uninjected = findings.uninjected.or(scored.uninjected);
    Review { run, findings, readings, prediction, sweep }
}

/// What runs of the same replicas say together, where each but the first was restarted for it.
fn repeated(steps: &[Samples]) -> Vec<RepetitionFindings> {
    let plain: Vec<&Samples> = steps.iter().filter(|step| !step.is_slowed()).collect();
    let runs = plain.chunk_by(|one, other| other.restarted && one.replicas == other.replicas);
    let together = runs.filter_map(|runs| {
        let repetitions: Vec<_> = runs.iter().filter_map(|run| Repetition::of(run).ok()).collect();
        analyse::repetitions(runs.first()?.replicas, &repetitions).ok()
    });
    together.collect()
}

impl Review {
    /// How many steps were asked for: the one that tried a prediction, the last, is not among them.
    #[must_use]
    pub fn asked(&self) -> usize {
        let last = self.findings.steps.last().map(|step| step.replicas);
        let tried = self.prediction.as_ref().is_some_and(|p| Some(p.prediction.to) == last);
        // A prediction can be tried and still not be scored, when the second measurement is doubtful.
        let all = self.findings.steps.len();
        if tried && all > 1 { all - 1 } else { self.findings.asked() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::tests::ideal;
    use crate::record::Recorder;

    #[test]
    fn findings_are_new_and_the_verification_is_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let samples = [ideal(10, 1), ideal(10, 2)];
        let mut recorder = Recorder::begin(folder.path()).unwrap();
        for step in &samples {
            recorder.step(step).unwrap();
        }
        let mut steps: Vec<_> = samples.iter().map(analyse::step).collect();
        let prediction = analyse::predict(&steps[0], &samples[0]).unwrap();
        recorder.prediction(&prediction).unwrap();
        let verification = Some(prediction.score(&steps[1]));
        // What an older version did not find.
        steps[0].bottleneck = None;
        let findings = Findings { steps, verification: verification.clone(), ..Findings::none() };
        recorder.end(&findings, "done").unwrap();
        let review = read(folder.path()).unwrap();
        assert_eq!(review.findings.steps[0], analyse::step(&samples[0]));
        assert_eq!(review.findings.verification, verification);
        assert_eq!((review.asked(), review.readings.len()), (1, 2));
        assert_eq!(review.readings[0].taken, samples[0].counter.len());
    }

    #[test]
    fn only_what_was_restarted_for_it_is_the_same_again() {
        let again = Samples { restarted: true, ..ideal(10, 1) };
        let runs = |steps: &[&Samples]| -> Vec<usize> {
            let steps: Vec<Samples> = steps.iter().copied().cloned().collect();
            repeated(&steps).iter().map(|several| several.runs).collect()
        };
        let (first, other) = (&ideal(10, 1), &ideal(10, 2));
        assert_eq!(runs(&[first, &again, &again, other]), [3]);
        assert_eq!(runs(&[first, first]), [0; 0], "a number that was named twice");
        assert_eq!(runs(&[first, &again, first, &again]), [2, 2]);
    }
}
