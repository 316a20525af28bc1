//! Whether the app was changed as was asked, and by nobody else. Pure.

use load::numbers::float;
use observation::Experiment;

use crate::measure::Samples;

/// What to do about another one.
const AGAIN: &str = "end it (DELETE /api/experiment) or wait until it is over, and measure again";

/// Why the window is not of the app as it was asked for, if it is not: somebody else's experiment was
/// under way, or one that was left over, or the one that was asked for ended early.
pub(super) fn otherwise(samples: &Samples) -> Option<String> {
    let living = super::living(samples);
    let reports = samples.first.workers.iter().chain(&samples.last.workers);
    let told = reports.filter(|report| living.contains_key(&*report.id));
    let told = told.map(|report| &report.experiment);
    let asked = samples.experiment.as_ref();
    let differs = |told: Option<&Experiment>| match (told, asked) {
        (None, None) => false,
        (Some(told), Some(asked)) => !told.is_like(asked),
        _ => true,
    };
    let some = told.chain(&samples.carried_out).map(|told| {
        // One that changes nothing is none.
        told.as_ref().filter(|told| !told.is_like(&Experiment::default()))
    });
    let mut some = some.filter(|told| differs(*told));
    Some(match (some.next()?, asked) {
        (Some(other), None) => format!("an experiment was under way, {}: {AGAIN}", words(other)),
        (Some(other), Some(asked)) => {
            let (other, asked) = (words(other), words(asked));
            format!("an experiment was under way, {other}, in place of {asked}: {AGAIN}")
        }
        (None, _) => "the experiment did not last for the whole window: somebody ended it, or a \
                      worker did not reach Redis; measure again"
            .to_owned(),
    })
}

/// What an experiment changes, in a few words.
fn words(experiment: &Experiment) -> String {
    let Experiment { think_us, rng_us, hasher_us, policy, .. } = experiment;
    let delays = [("think", think_us), ("rng", rng_us), ("hasher", hasher_us)];
    let delays = delays.into_iter().filter(|(_, us)| **us > 0);
    let delays = delays.map(|(stage, us)| format!("{} ms more at {stage}", float(*us) / 1000.0));
    let policy = policy.iter().map(|policy| format!("policy {policy}"));
    delays.chain(policy).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::{self, tests::ideal};

    const SLOWER: Experiment =
        Experiment { think_us: 0, rng_us: 10_000, hasher_us: 0, policy: None, seconds: 20 };

    /// Why there is no verdict.
    fn withheld(samples: &Samples) -> String {
        let step = analyse::step(samples);
        step.withheld.map_or_else(String::new, |withheld| withheld.reason)
    }

    #[test]
    fn what_nobody_asked_for_is_told_by_any_worker_that_lives() {
        let mut samples = ideal(10, 1);
        assert_eq!(withheld(&samples), "");
        samples.first.workers[3].experiment = Some(SLOWER);
        let told = withheld(&samples);
        assert!(told.contains("under way, 10 ms more at rng: end it"), "{told}");
        let mut samples = ideal(10, 1);
        samples.last.workers[3].experiment = Some(SLOWER);
        assert_eq!(withheld(&samples), told);
        // The report of a worker that is gone stays for minutes.
        let mut gone = samples.last.workers[3].clone();
        gone.id = "gone".to_owned();
        let mut samples = ideal(10, 1);
        samples.first.workers.push(gone.clone());
        samples.last.workers.push(gone);
        assert_eq!(withheld(&samples), "");
    }

    #[test]
    fn what_came_and_went_within_the_window_is_told_too() {
        let mut samples = ideal(10, 1);
        samples.carried_out = vec![None];
        assert_eq!(withheld(&samples), "");
        let policy = Experiment { policy: Some("random".to_owned()), ..Experiment::default() };
        samples.carried_out = vec![None, Some(policy)];
        assert!(withheld(&samples).contains("policy random"), "{}", withheld(&samples));
    }

    #[test]
    fn an_experiment_that_was_asked_for_must_last_and_be_the_one() {
        let mut samples = ideal(10, 1);
        samples.experiment = Some(Experiment { seconds: 1, ..SLOWER });
        let reports = samples.first.workers.iter_mut().chain(&mut samples.last.workers);
        reports.for_each(|report| report.experiment = Some(SLOWER));
        assert_eq!(otherwise(&samples), None);
        samples.carried_out = vec![Some(SLOWER), None];
        assert!(otherwise(&samples).unwrap().contains("did not last"));
        samples.carried_out = vec![Some(Experiment { rng_us: 20_000, ..SLOWER })];
        let told = otherwise(&samples).unwrap();
        assert!(told.contains("20 ms more at rng, in place of 10 ms more at rng"), "{told}");
    }
}
