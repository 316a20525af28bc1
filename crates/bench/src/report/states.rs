//! Where the workers of an app are, measured or predicted, in parts that sum to all of them.

use load::numbers::float;

use crate::analyse::verdict::counted;
use crate::analyse::{Findings, Interval, PredictedState, StageName, StepFindings};
use crate::cluster::Replicas;

/// Workers that no stage accounts for are told from this share on.
const UNKNOWN: f64 = 0.005;

/// A state of the app, measured or predicted.
pub(super) struct State {
    /// What it is called.
    pub(super) name: String,
    replicas: Replicas,
    /// Hashes per second.
    pub(super) rate: Interval,
    /// All of them.
    pub(super) workers: f64,
    /// Workers at each place; they sum to all.
    pub(super) parts: Vec<(Part, f64)>,
}

/// A place workers can be at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// At a stage and being served, or at one that has no queue.
    Served(StageName),
    /// In the queue of a stage.
    Waiting(StageName),
    /// At no stage that was measured.
    Unknown,
}

/// The order of the loop, which is that of the bar.
pub(super) const ORDER: [Part; 8] = [
    Part::Served(StageName::Think),
    Part::Served(StageName::Rng),
    Part::Waiting(StageName::Rng),
    Part::Served(StageName::Hasher),
    Part::Waiting(StageName::Hasher),
    Part::Served(StageName::Redis),
    Part::Served(StageName::Retry),
    Part::Unknown,
];

impl Part {
    /// A letter for it: small where workers wait.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Served(StageName::Think) => 't',
            Self::Served(StageName::Rng) => 'R',
            Self::Waiting(StageName::Rng) => 'r',
            Self::Served(StageName::Hasher) => 'H',
            Self::Waiting(_) => 'h',
            Self::Served(StageName::Redis) => 'D',
            Self::Served(StageName::Retry) => '!',
            Self::Unknown => '?',
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Served(StageName::Think) => "think: the pause of each loop",
            Self::Served(StageName::Rng) => "rng: served",
            Self::Waiting(StageName::Rng) => "rng: waiting",
            Self::Served(StageName::Hasher) => "hasher: served",
            Self::Waiting(_) => "hasher: waiting",
            Self::Served(StageName::Redis) => "redis: writing the count",
            Self::Served(StageName::Retry) => "retry: failed requests",
            Self::Unknown => "not accounted for",
        }
    }
}

impl State {
    /// As it was measured.
    pub(super) fn measured(name: &str, step: &StepFindings) -> Self {
        let stages = step.stages.iter();
        let present = stages.map(|stage| (stage.name, stage.present, stage.waiting.unwrap_or(0.0)));
        let rate = step.hashes_per_second.interval;
        Self::new(name, (step.replicas, rate), float(step.workers), present)
    }

    /// As it is predicted.
    pub(super) fn predicted(name: &str, state: &PredictedState) -> Self {
        let present = state.present.iter().map(|part| (part.stage, part.present, part.waiting));
        let workers = state.present.iter().map(|part| part.present).sum();
        Self::new(name, (state.replicas, state.hashes_per_second), workers, present)
    }

    fn new(
        name: &str,
        (replicas, rate): (Replicas, Interval),
        workers: f64,
        present: impl Iterator<Item = (StageName, f64, f64)>,
    ) -> Self {
        let mut parts = Vec::new();
        for (stage, present, waiting) in present {
            let has_queue = matches!(stage, StageName::Rng | StageName::Hasher);
            let waiting = if has_queue { waiting.clamp(0.0, present.max(0.0)) } else { 0.0 };
            parts.push((Part::Served(stage), present - waiting));
            if has_queue {
                parts.push((Part::Waiting(stage), waiting));
            }
        }
        let known: f64 = parts.iter().map(|(_, workers)| workers).sum();
        if !parts.is_empty() && workers - known > UNKNOWN * workers {
            parts.push((Part::Unknown, workers - known));
        }
        Self { name: name.to_owned(), replicas, rate, workers: workers.max(known), parts }
    }

    /// Workers at one place; `None` where the state does not have it.
    pub(super) fn of(&self, part: Part) -> Option<f64> {
        self.parts.iter().find(|(one, _)| *one == part).map(|(_, workers)| *workers)
    }

    /// In words.
    pub(super) fn replicas(&self) -> String {
        let Replicas { worker, rng, hasher } = self.replicas;
        format!("{}, {rng} rng, {hasher} hasher", counted(worker.into(), "worker"))
    }
}

/// The states of a step, of a run in which so many steps were asked for: as it was measured, as the
/// best action that adds replicas is predicted to make it, and as it was then measured.
pub(super) fn of_step(findings: &Findings, asked: usize, index: usize) -> Vec<State> {
    let steps = &findings.steps;
    let Some(step) = steps.get(index) else { return Vec::new() };
    let mut states = vec![State::measured("measured", step)];
    if let Some(state) = &step.recommended {
        // The best that adds replicas: something else, such as a restart, may come before it.
        let action = step.actions.iter().find(|action| action.replicas == Some(state.replicas));
        let name = action.map_or_else(
            || "predicted".to_owned(),
            |action| format!("predicted: {}", action.action),
        );
        states.push(State::predicted(&name, state));
    }
    // The prediction was made from the last step that was asked for.
    let is_verified = findings.verification.is_some() && index + 1 == asked;
    if let Some(tried) = steps.get(asked).filter(|_| is_verified) {
        states.push(State::measured("then measured", tried));
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::{step, tests::ideal};

    #[test]
    fn the_parts_of_a_bar_sum_to_all_workers() {
        let mut findings = step(&ideal(10, 1));
        let sum = |state: &State| state.parts.iter().map(|(_, workers)| workers).sum::<f64>();
        let state = State::measured("measured", &findings);
        assert!((sum(&state) - 10.0).abs() < 1e-3, "{:?}", state.parts);
        assert!((state.of(Part::Waiting(StageName::Rng)).unwrap() - 7.0).abs() < 1e-3);
        assert_eq!(state.of(Part::Unknown), None);
        // Where a stage is missing, so are its workers.
        findings.stages.retain(|stage| stage.name != StageName::Rng);
        let state = State::measured("measured", &findings);
        assert!((state.of(Part::Unknown).unwrap() - 8.0).abs() < 1e-3, "{:?}", state.parts);
        assert!((sum(&state) - 10.0).abs() < 1e-9);
    }
}
