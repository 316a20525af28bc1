//! What became of the rate when one stage was made slower on purpose: the causal check of what the
//! model says. Pure.
//!
//! The elasticity of throughput X for a time S is -dln X / dln S; here it is the slope between two
//! windows, -ln(X'/X) / ln(S'/S).

use observation::{Experiment, Stage};
use serde::{Deserialize, Serialize};

use super::seen::Seen;
use super::{Findings, Interval, Method, StepFindings, Vote};
use crate::cluster::{Replicas, Service};
use crate::measure::Samples;

/// The stages that can be made slower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Slowed {
    /// The worker's think time, one of the pure delays of a loop.
    Think,
    /// rng's service time.
    Rng,
    /// hasher's.
    Hasher,
}

/// What one injected delay did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InjectionFindings {
    /// With these replicas.
    pub replicas: Replicas,
    /// Which stage.
    pub stage: Slowed,
    /// What was asked for, in milliseconds.
    pub injected_ms: f64,
    /// Its mean time before and with it, in milliseconds; of think all pure delays of a loop.
    pub time_ms: [f64; 2],
    /// The rate before and with it.
    pub hashes_per_second: [Interval; 2],
    /// By how many per cent the rate falls when the time grows by one per cent.
    pub elasticity: Interval,
    /// The same in the model of the app before, between the same two times.
    pub predicted: Option<f64>,
    /// In a sentence.
    pub sentence: String,
}

impl Slowed {
    /// Its name in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Think => "think",
            Self::Rng => "rng",
            Self::Hasher => "hasher",
        }
    }

    /// What is short where this stage is what counts.
    #[must_use]
    pub fn service(self) -> Service {
        match self {
            Self::Think => Service::Worker,
            Self::Rng => Service::Rng,
            Self::Hasher => Service::Hasher,
        }
    }

    /// The stage that an experiment makes slower, and by how much, in milliseconds.
    #[must_use]
    pub fn by(experiment: &Experiment) -> Option<(Self, f64)> {
        let Experiment { think_us, rng_us, hasher_us, .. } = experiment;
        let all = [(Self::Think, think_us), (Self::Rng, rng_us), (Self::Hasher, hasher_us)];
        let (stage, us) = all.into_iter().find(|(_, us)| **us > 0)?;
        Some((stage, load::numbers::float(*us) / 1000.0))
    }
}

/// What a window with an injected delay says, beside one without.
///
/// # Errors
/// In a sentence, when one of them does not tell enough.
pub fn injection(before: &Samples, with: &Samples) -> Result<InjectionFindings, String> {
    let experiment = with.experiment.as_ref().ok_or("nothing was injected")?;
    let (stage, injected_ms) = Slowed::by(experiment).ok_or("nothing was made slower")?;
    let (base, then) = (super::step(before), super::step(with));
    let time_ms = [time_ms(stage, before)?, time_ms(stage, with)?];
    let [from, to] = time_ms;
    if to < from + injected_ms / 2.0 {
        return Err(format!(
            "{} took {from:.1} ms before and {to:.1} ms with {injected_ms:.1} ms injected: the delay \
             did not arrive",
            stage.name()
        ));
    }
    let rates = [rate(&base), rate(&then)];
    let elasticity = elasticity(rates, time_ms)?;
    let predicted = predicted(before, (stage, time_ms)).ok();
    let sentence = sentence(stage, (injected_ms, rates), (elasticity, predicted));
    Ok(InjectionFindings {
        replicas: with.replicas,
        stage,
        injected_ms,
        time_ms,
        hashes_per_second: rates,
        elasticity,
        predicted,
        sentence,
    })
}

/// Adds what the delays say together to the votes on the step they were tried at.
pub fn count_injected(findings: &mut Findings) {
    let vote = vote(&findings.injections);
    let tried = findings.injections.first().map(|one| one.replicas);
    let step = findings.steps.iter_mut().rev().find(|step| Some(step.replicas) == tried);
    let certainty = step.and_then(|step| step.certainty.as_mut());
    if let (Some(certainty), Some(vote)) = (certainty, vote) {
        certainty.votes.retain(|other| other.method != Method::InjectedDelay);
        certainty.votes.push(vote);
    }
}

/// What the delays say together of what limits the app: the stage with the largest elasticity; `None`
/// unless all three were tried, or when two are as good as equal.
#[must_use]
fn vote(injections: &[InjectionFindings]) -> Option<Vote> {
    let elasticity = |one: &&InjectionFindings| one.elasticity.value;
    let mut sorted: Vec<_> = injections.iter().collect();
    sorted.sort_by(|a, b| elasticity(b).total_cmp(&elasticity(a)));
    let [first, second, _, ..] = sorted.as_slice() else { return None };
    let all: Vec<String> = sorted
        .iter()
        .map(|one| format!("{} {:.2}", one.stage.name(), hundredths(one.elasticity.value)))
        .collect();
    let apart = first.elasticity.low > second.elasticity.high;
    Some(Vote {
        method: Method::InjectedDelay,
        service: apart.then(|| first.stage.service()),
        value: Some(elasticity(first)),
        sentence: match apart {
            true => format!("elasticities {}", all.join(", ")),
            false => format!("elasticities {}: too close to each other", all.join(", ")),
        },
    })
}

/// The slope between two rates, with what their intervals leave open.
fn elasticity([x, y]: [Interval; 2], [from, to]: [f64; 2]) -> Result<Interval, String> {
    let longer = (to / from).ln();
    if x.value <= 0.0 || y.value <= 0.0 || longer <= 0.0 {
        return Err("the app did nothing".to_owned());
    }
    let value = -(y.value / x.value).ln() / longer;
    let share = |of: Interval| (of.high - of.low) / 2.0 / of.value;
    // Both errors are small shares, and independent: they add up as squares (delta method).
    let half = share(x).hypot(share(y)) / longer;
    Ok(Interval { value, low: value - half, high: value + half })
}

/// The slope in the model of the app before, between the same two times.
fn predicted(before: &Samples, (stage, [from, to]): (Slowed, [f64; 2])) -> Result<f64, String> {
    let app = super::measured(before)?;
    let slower = match stage {
        Slowed::Think => {
            app.think().scaled(to / from).and_then(|think| app.clone().with_think(think))
        }
        Slowed::Rng => app.clone().with_stage(0, |rng| rng.scaled(to / from)),
        Slowed::Hasher => app.clone().with_stage(1, |hasher| hasher.scaled(to / from)),
    };
    let words = |error: model::Impossible| error.to_string();
    let effort = model::Effort::default();
    let now = app.predict(effort).map_err(words)?;
    let gain = app.predict_gain(&slower.map_err(words)?, effort).map_err(words)?;
    Ok(-((now.mean + gain.mean) / now.mean).ln() / (to / from).ln())
}

/// Mean service time of a stage, or of think all pure delays of a loop, in milliseconds.
fn time_ms(stage: Slowed, samples: &Samples) -> Result<f64, String> {
    let totals = Seen::of(samples, &mut Vec::new()).counted.totals;
    let mean = |of: Stage| {
        let latency = totals.stages.get(&of).and_then(observation::Latency::mean_us);
        latency
            .map(|us| us / 1000.0)
            .ok_or_else(|| "the services do not tell their times".to_owned())
    };
    match stage {
        Slowed::Rng => mean(Stage::RngService),
        Slowed::Hasher => mean(Stage::HasherService),
        Slowed::Think => {
            let parts =
                [Stage::RngQueue, Stage::RngService, Stage::HasherQueue, Stage::HasherService];
            let served = parts.into_iter().map(mean).sum::<Result<f64, _>>()?;
            Ok(mean(Stage::Loop)? - served)
        }
    }
}

/// Rounded as it is printed, so that nothing is -0.00.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0 + 0.0
}

fn rate(step: &StepFindings) -> Interval {
    step.hashes_per_second.interval
}

fn sentence(
    stage: Slowed,
    (injected_ms, [before, with]): (f64, [Interval; 2]),
    (elasticity, predicted): (Interval, Option<f64>),
) -> String {
    // Rounded as it is printed, so that nothing is -0.0.
    let change = (1000.0 * (with.value / before.value - 1.0)).round() / 10.0 + 0.0;
    let model =
        predicted.map_or_else(String::new, |by| format!(", {:.2} by the model", hundredths(by)));
    format!(
        "{injected_ms} ms more at {}: {:.2} hashes/s in place of {:.2} ({change:+.1} %), an \
         elasticity of {:.2} \u{b1} {:.2}{model}.",
        stage.name(),
        with.value,
        before.value,
        hundredths(elasticity.value),
        (elasticity.high - elasticity.low) / 2.0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::tests::ideal;

    /// The samples of an ideal app in which rng takes 10 ms more and its loops so much longer.
    fn injected(workers: u32, longer_by: (u64, u64)) -> Samples {
        let mut samples = ideal(workers, 1);
        let longer = |totals: &mut observation::Totals| {
            let service = &totals.stages[&Stage::RngService];
            let sums = observation::Latency::of_sums(service.count(), service.count() * 110_000);
            totals.stages.insert(Stage::RngService, sums);
        };
        let reports = samples.first.workers.iter_mut().chain(&mut samples.last.workers);
        reports.for_each(|report| longer(&mut report.totals));
        // Fewer loops in the same time, as the same loops in a longer one.
        let begin = samples.first.now_us;
        for report in &mut samples.last.workers {
            report.at_us = begin + report.at_us.saturating_sub(begin) * longer_by.0 / longer_by.1;
        }
        samples.workers.clear();
        samples.counter.clear();
        samples.experiment = Some(Experiment { rng_us: 10_000, ..Experiment::default() });
        samples
    }

    #[test]
    fn the_bottleneck_has_an_elasticity_of_one() {
        let found = injection(&ideal(10, 1), &injected(10, (11, 10))).unwrap();
        assert_eq!(found.stage, Slowed::Rng);
        assert!((found.elasticity.value - 1.0).abs() < 0.05, "{found:?}");
        assert!((found.predicted.unwrap() - 1.0).abs() < 0.01, "{found:?}");
        assert!(found.sentence.starts_with("10 ms more at rng: "), "{}", found.sentence);
    }

    #[test]
    fn a_short_delay_is_told_as_it_was_and_no_change_without_a_sign() {
        let of = |value| Interval { value, low: value - 0.1, high: value + 0.1 };
        let words = sentence(Slowed::Rng, (0.1, [of(10.0), of(9.9999)]), (of(0.0), None));
        assert!(words.starts_with("0.1 ms more at rng: 10.00 hashes/s"), "{words}");
        assert!(words.contains("(+0.0 %)"), "{words}");
    }

    #[test]
    fn what_was_not_injected_is_not_scored() {
        let none = injection(&ideal(10, 1), &ideal(10, 1)).unwrap_err();
        assert!(none.contains("nothing was injected"), "{none}");
        let mut lost = ideal(10, 1);
        lost.experiment = Some(Experiment { rng_us: 10_000, ..Experiment::default() });
        let lost = injection(&ideal(10, 1), &lost).unwrap_err();
        assert!(lost.contains("the delay did not arrive"), "{lost}");
    }
}
