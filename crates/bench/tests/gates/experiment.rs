//! How often the gate of `bench compare` errs: pairs of sides, each of so many simulated runs of an app
//! whose workers choose replicas at random, judged as `bench compare --fail-if-slower` judges runs.

use std::num::NonZeroU32;

use inference::Refusal;
use inference::comparison::{Side, effect};
use inference::gate::{Gate, Outcome, Quantity, Verdict};
use model::{Distribution, Impossible, Policy, Replica, Scenario, Seconds, Stage, Window};

/// Runs on each side that `docs/measuring.md` recommends for this app and a limit of 3 %.
pub(crate) const RECOMMENDED: u32 = 5;
/// The slowdown to be caught.
pub(crate) const LIMIT: f64 = 0.03;
/// Seconds of a run that count, and of its warm-up.
const WINDOW_S: f64 = 60.0;
const WARM_UP_S: f64 = 10.0;

/// Verdicts of the gate on a number of pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcomes {
    /// Shown to be slower.
    pub(crate) failed: u32,
    /// A slowdown of the limit ruled out.
    pub(crate) passed: u32,
    /// Neither.
    pub(crate) undecided: u32,
}

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The app cannot be simulated.
    #[error("{0}")]
    Model(#[from] Impossible),
    /// The rates make no sense.
    #[error("{0}")]
    Rates(#[from] Refusal),
}

/// An app to simulate: ten workers, five rng, one hasher, each step 0.1 s give or take 0.5 ms, divided by
/// `speed`.
///
/// # Errors
/// When the speed makes no sense.
pub(crate) fn app(policy: Policy, speed: f64) -> Result<Scenario, Impossible> {
    let count = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    let time = Distribution::log_normal(Seconds::new(0.1 / speed)?, Seconds::new(0.0005)?)?;
    let replica = |places| Replica { places: count(places), service: time.clone() };
    let stages = vec![
        Stage::new("rng", count(5), replica(1)).with_policy(policy),
        Stage::new("hasher", count(1), replica(20)),
    ];
    Scenario::new(count(10), time, stages)
}

/// Rates of runs, all with seeds of their own: those of pair `pair` on side `side`.
///
/// # Errors
/// When a window makes no sense.
pub(crate) fn rates(
    app: &Scenario,
    runs: u32,
    (pair, side): (u32, u32),
) -> Result<Vec<f64>, Impossible> {
    let window = Window::new(Seconds::new(WARM_UP_S)?, Seconds::new(WINDOW_S)?)?;
    let seed = |run: u32| (u64::from(side) << 48) | (u64::from(pair) << 16) | u64::from(run);
    Ok((0..runs).map(|run| app.simulate(window, seed(run)).throughput).collect())
}

/// The verdict on a pair.
///
/// # Errors
/// When the rates make no sense.
pub(crate) fn verdict(before: &[f64], after: &[f64], limit: f64) -> Result<Verdict<()>, Refusal> {
    let effect = effect(Side::of_runs(before)?, Side::of_runs(after)?);
    Ok(Gate::new(limit, 1)?.judge(&effect, Quantity::Rate))
}

/// Verdicts on `pairs` pairs of `runs` runs each; the second side has `speed` of the first.
///
/// # Errors
/// When something cannot be simulated.
pub(crate) fn pairs(
    policy: Policy,
    speed: f64,
    (pairs, runs): (u32, u32),
) -> Result<Outcomes, Trouble> {
    let (before, after) = (app(policy, 1.0)?, app(policy, speed)?);
    let mut outcomes = Outcomes::default();
    for pair in 0..pairs {
        let sides = (rates(&before, runs, (pair, 0))?, rates(&after, runs, (pair, 1))?);
        match verdict(&sides.0, &sides.1, LIMIT)?.outcome() {
            Outcome::Failed => outcomes.failed += 1,
            Outcome::Passed => outcomes.passed += 1,
            Outcome::Undecided | Outcome::NotJudged => outcomes.undecided += 1,
        }
    }
    Ok(outcomes)
}
