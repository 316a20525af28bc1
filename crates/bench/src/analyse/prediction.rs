//! The best next action with what it will bring, told before it is done; and afterwards, how good
//! that was. Pure: both sides are findings.

use model::{Effort, Estimate, Impossible, Scenario};
use serde::{Deserialize, Serialize};

use super::evidence::ActionFindings;
use super::outlook::{best, changes};
use super::scenario::{measured, with_replicas};
use super::verdict::SHORTFALL;
use super::{Interval, StepFindings};
use crate::cluster::Replicas;
use crate::measure::Samples;

/// Half-width of a prediction beside the error of the measurement it is made from, as a share: how
/// far an evenly used app was from its bound, where the model has it (`docs/benchmarks.md`).
pub(super) const MODEL_ERROR: f64 = 0.015;
/// An action that brings less is not worth doing.
pub(super) const LEAST_GAIN: f64 = 0.01;

/// What an action will bring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Prediction {
    /// The replicas it was made at.
    pub from: Replicas,
    /// The replicas it is made for: the best next action.
    pub to: Replicas,
    /// What was measured at the former, in hashes per second.
    pub measured: Interval,
    /// What the latter will do.
    pub hashes_per_second: Interval,
}

/// A prediction and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Verification {
    /// What was said before.
    pub prediction: Prediction,
    /// What was measured then.
    pub measured: Interval,
    /// How far that is from what was predicted, as a share of the latter.
    pub error: f64,
    /// Whether the measurement, with its own error, lies in the interval that was predicted.
    pub held: bool,
    /// All of it in a sentence.
    pub sentence: String,
}

/// The best next action after a step, with what it will bring; or why there is none.
///
/// # Errors
/// When the step has no verdict, or nothing brings more.
pub fn predict(step: &StepFindings, samples: &Samples) -> Result<Prediction, String> {
    if let Some(withheld) = &step.withheld {
        return Err(format!("without a verdict there is no prediction: {}", withheld.reason));
    }
    if step.bounds.is_none() {
        return Err("the services do not tell enough for a prediction".to_owned());
    }
    let app = measured(samples)?;
    let nothing = || "nothing that can be done next brings more".to_owned();
    let to = best(&step.actions).and_then(|best| best.replicas).ok_or_else(nothing)?;
    let told = |error: Impossible| error.to_string();
    // With more effort than the ladder, where it was one of many.
    let forecaster = Forecaster::new(&app, step, Effort::default()).map_err(told)?;
    let then = with_replicas(&app, to).and_then(|then| then.predict(forecaster.effort));
    let then = then.map_err(told)?;
    if then.mean <= forecaster.now * (1.0 + LEAST_GAIN) {
        return Err(nothing());
    }
    let hashes_per_second = forecaster.interval(&then);
    let measured = step.hashes_per_second.interval;
    Ok(Prediction { from: step.replicas, to, measured, hashes_per_second })
}

/// Predictions from a measured step: what the model says of other states, times what the app does of
/// what the model says of this one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forecaster {
    measured: Interval,
    pub(super) effort: Effort,
    /// What the model says of the measured state, in hashes per second.
    pub(super) now: f64,
}

impl Forecaster {
    /// From a step, and the app as the model has it.
    ///
    /// # Errors
    /// When it cannot be simulated.
    pub(super) fn new(
        app: &Scenario,
        step: &StepFindings,
        effort: Effort,
    ) -> Result<Self, Impossible> {
        let now = app.predict(effort)?.mean;
        Ok(Self { measured: step.hashes_per_second.interval, effort, now })
    }

    /// The same where the model does not know the measured state: it is taken as it was measured.
    pub(super) fn as_measured(&self) -> Self {
        Self { now: self.measured.value, ..*self }
    }

    /// What a live app would be measured at: the error of the measurement it is predicted from, the
    /// scatter of single runs, and the model's own error.
    pub(super) fn interval(&self, then: &Estimate) -> Interval {
        let Interval { value: measured, low, high } = self.measured;
        let reached = (measured / self.now).min(1.0);
        let (least, most) = then.single_run();
        let scatter = (most - least) / 2.0 / then.mean;
        let spread = (high - low) / 2.0 / measured.max(f64::MIN_POSITIVE) + scatter + MODEL_ERROR;
        let value = then.mean * reached;
        // What keeps the app from what the model says now may do so then, or not.
        let best_case = if reached < 1.0 - SHORTFALL { then.mean } else { value };
        Interval { value, low: (value * (1.0 - spread)).max(0.0), high: best_case * (1.0 + spread) }
    }

    /// An action with what it leads to.
    pub(super) fn action(
        &self,
        action: String,
        replicas: Option<Replicas>,
        containers: u32,
        then: Estimate,
    ) -> ActionFindings {
        let gain = then.mean / self.now - 1.0;
        let hashes_per_second = self.interval(&then);
        ActionFindings { action, replicas, containers, hashes_per_second, gain }
    }
}

/// What makes a plan from this step doubtful: that it has no verdict, or that the app does less than
/// the model says.
///
/// # Errors
/// When it cannot be simulated.
pub fn doubts_of(samples: &Samples, app: &Scenario) -> Result<Vec<String>, model::Impossible> {
    let step = super::step(samples);
    let mut doubts = Vec::new();
    if let Some(withheld) = &step.withheld {
        doubts.push(format!("the run has no verdict: {}", withheld.reason));
    }
    let expected = with_replicas(app, step.replicas)?.predict(Effort::default())?.mean;
    let measured = step.hashes_per_second.interval.value;
    if (measured / expected - 1.0).abs() > SHORTFALL {
        doubts.push(format!(
            "the run measured {measured:.2} hashes/s where the model has {expected:.2}: what holds the \
             app up is not in the plan"
        ));
    }
    Ok(doubts)
}

impl Prediction {
    /// What will be done, as `rng 1 to 2`.
    #[must_use]
    pub fn action(&self) -> String {
        changes(self.from, self.to)
    }

    /// In a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Interval { value, low, high } = self.hashes_per_second;
        format!("{}: {value:.2} hashes/s predicted ({low:.2} to {high:.2})", self.action())
    }

    /// What became of it.
    #[must_use]
    pub fn score(self, step: &StepFindings) -> Verification {
        let measured = step.hashes_per_second.interval;
        let Interval { value, low, high } = self.hashes_per_second;
        let error = measured.value / value - 1.0;
        let held = measured.high >= low && measured.low <= high;
        let verdict = match held {
            true => "the prediction held",
            false => "the prediction did not hold",
        };
        let sentence = format!(
            "{}; {:.2} measured ({:+.1} %): {verdict}.",
            self.sentence(),
            measured.value,
            // Without the sign of what is rounded to nothing.
            (error * 1000.0).round() / 10.0 + 0.0
        );
        Verification { prediction: self, measured, error, held, sentence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::tests::ideal;
    use crate::analyse::{Withheld, step};

    #[test]
    fn the_tutorials_next_action_is_a_second_rng() {
        let prediction = predict(&step(&ideal(10, 1)), &ideal(10, 1)).unwrap();
        assert_eq!(prediction.to, Replicas { worker: 10, rng: 2, hasher: 1 });
        let Interval { value, low, high } = prediction.hashes_per_second;
        assert!((value - 20.0).abs() < 0.1 && low > 19.0 && high < 21.0, "{prediction:?}");
        assert!(prediction.sentence().starts_with("rng 1 to 2: "), "{}", prediction.sentence());
        let verification = prediction.clone().score(&step(&ideal(10, 2)));
        assert!(verification.held && verification.error.abs() < 0.01, "{verification:?}");
        assert!(verification.sentence.ends_with("the prediction held."));
        let verification = prediction.score(&step(&ideal(10, 1)));
        assert!(!verification.held && (verification.error + 0.5).abs() < 0.01, "{verification:?}");
        assert!(verification.sentence.ends_with("(-50.0 %): the prediction did not hold."));
    }

    #[test]
    fn what_binds_together_grows_together() {
        // Three workers loop ten times a second, as much as one rng can do.
        let prediction = predict(&step(&ideal(3, 1)), &ideal(3, 1)).unwrap();
        assert_eq!(prediction.to, Replicas { worker: 4, rng: 2, hasher: 1 });
        assert!((prediction.hashes_per_second.value - 13.33).abs() < 0.1, "{prediction:?}");
    }

    #[test]
    fn without_a_verdict_nothing_is_predicted() {
        let mut doubtful = step(&ideal(10, 1));
        doubtful.withheld = Some(Withheld { reason: "too short".to_owned() });
        assert!(predict(&doubtful, &ideal(10, 1)).unwrap_err().contains("too short"));
        let mut silent = step(&ideal(10, 1));
        silent.bounds = None;
        assert!(predict(&silent, &ideal(10, 1)).is_err());
    }

    #[test]
    fn an_app_below_its_bound_may_stay_there_or_not() {
        let mut uneven = step(&ideal(10, 1));
        let interval = &mut uneven.hashes_per_second.interval;
        (interval.value, interval.low, interval.high) = (8.0, 7.9, 8.1);
        let Interval { value, low, high } =
            predict(&uneven, &ideal(10, 1)).unwrap().hashes_per_second;
        assert!((value - 16.0).abs() < 0.2 && low < 16.0 && high > 20.0, "{low} {value} {high}");
    }
}
