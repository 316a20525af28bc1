//! The best next action with what it will bring, told before it is done; and afterwards, how good
//! that was. Pure: both sides are findings.

use model::{Effort, Scenario};
use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
use super::scenario::{measured, with_replicas};
use super::verdict::{SHORTFALL, TIE};
use super::{Interval, StepFindings};
use crate::cluster::{Replicas, Service};
use crate::measure::Samples;

/// Half-width of a prediction beside the error of the measurement it is made from, as a share: how
/// far an evenly used app was from its bound, where the model has it (`docs/benchmarks.md`).
pub(super) const MODEL_ERROR: f64 = 0.015;
/// An action that brings less is not worth doing.
const LEAST_GAIN: f64 = 0.01;

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
    let Some(bounds) = step.bounds else {
        return Err("the services do not tell enough for a prediction".to_owned());
    };
    let (to, then) = best(&bounds, step.replicas);
    let (_, now) = bounds.binding();
    let enough = |then: f64, now: f64| match then > now * (1.0 + LEAST_GAIN) {
        true => Ok(()),
        false => Err("nothing that can be done next brings more".to_owned()),
    };
    enough(then, now)?;
    let app = measured(samples)?;
    let simulated = |replicas| simulate(&app, replicas).map_err(|error| error.to_string());
    let ((now, _), (then, scatter)) = (simulated(step.replicas)?, simulated(to)?);
    enough(then, now)?;
    let measured = step.hashes_per_second.interval;
    let reached = (measured.value / now).min(1.0);
    let spread = (measured.high - measured.low) / 2.0 / measured.value + scatter + MODEL_ERROR;
    let value = then * reached;
    // What keeps the app from what the model says now may do so then, or not.
    let best_case = if reached < 1.0 - SHORTFALL { then } else { value };
    let hashes_per_second =
        Interval { value, low: value * (1.0 - spread), high: best_case * (1.0 + spread) };
    Ok(Prediction { from: step.replicas, to, measured, hashes_per_second })
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
    let (expected, _) = simulate(app, step.replicas)?;
    let measured = step.hashes_per_second.interval.value;
    if (measured / expected - 1.0).abs() > SHORTFALL {
        doubts.push(format!(
            "the run measured {measured:.2} hashes/s where the model has {expected:.2}: what holds the \
             app up is not in the plan"
        ));
    }
    Ok(doubts)
}

/// What the model says that these replicas do, and how much single runs scatter around it, as a
/// share.
fn simulate(app: &Scenario, replicas: Replicas) -> Result<(f64, f64), model::Impossible> {
    let estimate = with_replicas(app, replicas)?.predict(Effort::default())?;
    let (low, high) = estimate.single_run();
    Ok((estimate.mean, (high - low) / 2.0 / estimate.mean))
}

/// One replica more of whatever binds, and of what binds almost as early, with the bound then.
fn best(bounds: &Bounds, now: Replicas) -> (Replicas, f64) {
    let mut to = now;
    let mut then = *bounds;
    let (first, bound) = bounds.binding();
    let tied = bounds.next_binding().filter(|(_, next)| *next < bound * TIE);
    for service in [Some(first), tied.map(|(service, _)| service)].into_iter().flatten() {
        then = then.with_one_more(service, now);
        match service {
            Service::Worker => to.worker += 1,
            Service::Rng => to.rng += 1,
            Service::Hasher => to.hasher += 1,
            Service::Webui => {}
        }
    }
    (to, then.binding().1)
}

impl Prediction {
    /// What will be done, as `rng 1 to 2`.
    #[must_use]
    pub fn action(&self) -> String {
        let Self { from, to, .. } = self;
        let changes = [
            ("worker", from.worker, to.worker),
            ("rng", from.rng, to.rng),
            ("hasher", from.hasher, to.hasher),
        ];
        let changes = changes.iter().filter(|(_, from, to)| from != to);
        let words: Vec<_> =
            changes.map(|(name, from, to)| format!("{name} {from} to {to}")).collect();
        words.join(", ")
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
