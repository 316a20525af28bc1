//! What became of the rate when one stage was made slower on purpose: the causal check of what the
//! model says. Pure.
//!
//! The elasticity of throughput X for a time S is -dln X / dln S; here it is the slope between two
//! windows, -ln(X'/X) / ln(S'/S).

use observation::{Experiment, Stage};
use serde::{Deserialize, Serialize};

use super::seen::Seen;
use super::{Findings, Interval, Method, StepFindings, Vote, agreement, certainty};
use crate::cluster::{Replicas, Service};
use crate::measure::Samples;

/// Half way from an app whose workers set the pace to one whose service does.
const HALF_WAY: f64 = 0.5;

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
    /// The same did nobody wait: more than that is what the stage adds by being short.
    pub unhindered: f64,
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
    for (window, step) in [("without", &base), ("with", &then)] {
        if let Some(withheld) = &step.withheld {
            let name = stage.name();
            return Err(format!("{name}, the window {window} the delay: {}", withheld.reason));
        }
    }
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
    let loop_ms = certainty::unhindered_ms(&base).ok_or("no loop was completed")?;
    let unhindered = ((loop_ms + to - from) / loop_ms).ln() / (to / from).ln();
    let sentence = sentence(stage, (injected_ms, rates), (elasticity, predicted));
    Ok(InjectionFindings {
        replicas: with.replicas,
        stage,
        injected_ms,
        time_ms,
        hashes_per_second: rates,
        elasticity,
        predicted,
        unhindered,
        sentence,
    })
}

/// Adds what the delays say together to the votes on the step they were tried at.
pub fn count_injected(findings: &mut Findings) {
    let tried = findings.injections.first().map(|one| one.replicas);
    let step = findings.steps.iter_mut().rev().find(|step| Some(step.replicas) == tried);
    if let (Some(step), Some(vote)) = (step, vote(&findings.injections)) {
        agreement::recount(step, vote);
    }
}

/// What the delays say together of what limits the app: the service that the rate depends on by more
/// than its part of a loop, or the workers where there is none. `None` unless each of the three stages
/// was tried.
#[must_use]
fn vote(injections: &[InjectionFindings]) -> Option<Vote> {
    // Of a stage that was tried several times the last one counts.
    let tried = |stage| injections.iter().rev().find(|one| one.stage == stage);
    let mut all = [tried(Slowed::Think)?, tried(Slowed::Rng)?, tried(Slowed::Hasher)?];
    let weight = |of: fn(&Interval) -> f64| {
        move |one: &&InjectionFindings| weight_of(of(&one.elasticity), one.unhindered)
    };
    let most = |of: fn(&Interval) -> f64| {
        let services = all.iter().filter(|one| one.stage != Slowed::Think).copied();
        services.max_by(|a, b| weight(of)(a).total_cmp(&weight(of)(b)))
    };
    let surely = most(|e| e.low).filter(|one| weight(|e| e.low)(one) > HALF_WAY);
    let perhaps = most(|e| e.high).filter(|one| weight(|e| e.high)(one) > HALF_WAY);
    let service = match (surely, perhaps) {
        (Some(one), _) => Some(one.stage.service()),
        (None, None) => Some(Service::Worker),
        (None, Some(_)) => None,
    };
    let value = surely.or(most(|e| e.value)).map(|one| one.elasticity.value);
    all.sort_by(|a, b| b.elasticity.value.total_cmp(&a.elasticity.value));
    let told = all.map(|one| {
        let of = [one.elasticity.value, one.unhindered].map(hundredths);
        format!("{} {:.2} ({:.2} if nobody waits)", one.stage.name(), of[0], of[1])
    });
    let open = if service.is_none() { ": too uncertain to tell" } else { "" };
    let sentence = format!("elasticities {}{open}", told.join(", "));
    Some(Vote { method: Method::InjectedDelay, service, value, sentence })
}

/// How much a service is what limits an app, from 0 to 1, whose rate depends on it by `elasticity`, and
/// would by `unhindered` did nobody wait. An app whose workers set the pace depends on each time by its
/// part of a loop without waits, d; one whose service k does depends on that alone. In between, e is
/// the mean of the two with a weight of (e − d)/(1 − d) for the service.
fn weight_of(elasticity: f64, unhindered: f64) -> f64 {
    let part = unhindered.min(1.0 - f64::EPSILON);
    (elasticity - part) / (1.0 - part)
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
    use crate::analyse::tests::app::{App, replica};
    use crate::analyse::tests::ideal;

    /// Ten workers at one rng that takes so many milliseconds longer.
    fn window(slower_ms: u32) -> Samples {
        let seconds = 0.1 + f64::from(slower_ms) / 1000.0;
        let mut samples = App::new(10, 1).replicas_like(0, &replica(1, seconds)).samples();
        if slower_ms > 0 {
            asked(&mut samples, u64::from(slower_ms) * 1000);
        }
        samples
    }

    fn asked(samples: &mut Samples, rng_us: u64) {
        let experiment = Experiment { rng_us, ..Experiment::default() };
        samples.experiment = Some(experiment.clone());
        for report in samples.first.workers.iter_mut().chain(&mut samples.last.workers) {
            report.experiment = Some(experiment.clone());
        }
    }

    /// A delay of ten milliseconds at a stage that took 100, with the elasticity and what it would be
    /// did nobody wait.
    fn tried(stage: Slowed, (value, half): (f64, f64), unhindered: f64) -> InjectionFindings {
        let rate = Interval { value: 10.0, low: 9.9, high: 10.1 };
        InjectionFindings {
            replicas: Replicas { worker: 10, rng: 1, hasher: 1 },
            stage,
            injected_ms: 10.0,
            time_ms: [100.0, 110.0],
            hashes_per_second: [rate, rate],
            elasticity: Interval { value, low: value - half, high: value + half },
            predicted: None,
            unhindered,
            sentence: String::new(),
        }
    }

    #[test]
    fn the_bottleneck_has_an_elasticity_of_one() {
        let found = injection(&window(0), &window(10)).unwrap();
        assert_eq!(found.stage, Slowed::Rng);
        assert!((found.elasticity.value - 1.0).abs() < 0.05, "{found:?}");
        assert!((found.predicted.unwrap() - 1.0).abs() < 0.01, "{found:?}");
        assert!((found.unhindered - 1.0 / 3.0).abs() < 0.02, "{found:?}");
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
    fn delays_name_the_service_that_counts_for_more_than_its_part_of_a_loop() {
        let third = 1.0 / 3.0;
        let voted = |think, rng, hasher, parts: [f64; 3]| {
            let [of_think, of_rng, of_hasher] = parts;
            let all = [
                tried(Slowed::Hasher, hasher, of_hasher),
                tried(Slowed::Think, think, of_think),
                tried(Slowed::Rng, rng, of_rng),
            ];
            vote(&all).unwrap().service
        };
        let none = (0.0, 0.02);
        let rng = voted(none, (1.0, 0.02), none, [third; 3]);
        assert_eq!(rng, Some(Service::Rng));
        // Half of a loop is at rng: the rate depends on it most, and it is not short.
        let workers = voted((0.25, 0.02), (0.51, 0.03), (0.25, 0.02), [0.25, 0.5, 0.25]);
        assert_eq!(workers, Some(Service::Worker));
        let thinking = voted((0.8, 0.02), (0.1, 0.02), (0.1, 0.02), [0.8, 0.1, 0.1]);
        assert_eq!(thinking, Some(Service::Worker));
        // It may be a third, or one.
        let open = voted((0.2, 0.02), (0.7, 0.3), (0.2, 0.02), [third; 3]);
        assert_eq!(open, None);
    }

    #[test]
    fn a_vote_takes_all_three_stages() {
        let one = |stage| tried(stage, (1.0, 0.1), 0.3);
        assert_eq!(vote(&[one(Slowed::Rng), one(Slowed::Rng), one(Slowed::Think)]), None);
        assert!(vote(&[one(Slowed::Rng), one(Slowed::Hasher), one(Slowed::Think)]).is_some());
    }

    #[test]
    fn the_verdict_tells_whom_the_delays_contradict() {
        let step = crate::analyse::step(&ideal(10, 1));
        let mut findings = Findings { steps: vec![step], ..Findings::none() };
        let sentence = |findings: &Findings| {
            findings.steps[0].bottleneck.as_ref().map(|one| one.sentence.clone()).unwrap()
        };
        let agreed = sentence(&findings);
        assert!(!agreed.contains("Not all agree"), "{agreed}");
        let count = |findings: &mut Findings, most: Slowed| {
            let e = |stage| if stage == most { (1.0, 0.01) } else { (0.0, 0.01) };
            let all = [Slowed::Think, Slowed::Rng, Slowed::Hasher];
            findings.injections = all.map(|stage| tried(stage, e(stage), 0.3)).into();
            count_injected(findings);
        };
        count(&mut findings, Slowed::Hasher);
        let told = " Not all agree: by injected delay it is hasher (elasticities hasher 1.00";
        let differs = sentence(&findings);
        assert!(differs.starts_with(&format!("{agreed}{told}")), "{differs}");
        count(&mut findings, Slowed::Rng);
        assert_eq!(sentence(&findings), agreed);
        let votes = &findings.steps[0].certainty.as_ref().unwrap().votes;
        assert_eq!(votes.len(), 4, "{votes:?}");
    }

    #[test]
    fn windows_without_a_verdict_are_not_scored() {
        let base = ideal(10, 1);
        let mut slower = base.clone();
        asked(&mut slower, 10_000);
        let died = |samples: &Samples| Samples { restarts: 1, ..samples.clone() };
        let without = injection(&died(&base), &slower).unwrap_err();
        assert!(without.contains("without the delay: 1 replica died"), "{without}");
        let with = injection(&base, &died(&slower)).unwrap_err();
        assert!(with.contains("with the delay: 1 replica died"), "{with}");
    }

    #[test]
    fn what_was_not_injected_is_not_scored() {
        let base = ideal(10, 1);
        let none = injection(&base, &base).unwrap_err();
        assert!(none.contains("nothing was injected"), "{none}");
        let mut lost = base.clone();
        asked(&mut lost, 10_000);
        let lost = injection(&base, &lost).unwrap_err();
        assert!(lost.contains("the delay did not arrive"), "{lost}");
    }
}
