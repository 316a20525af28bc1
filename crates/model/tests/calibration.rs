//! From one measured configuration to others: an app whose true times nobody tells is observed once, with
//! ten workers and one rng, and all other configurations are predicted from what was seen there.

#![expect(clippy::unwrap_used, reason = "what these tests share fails the test")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use model::{
    Distribution, Effort, Observer, Policy, Replica, Scenario, Seconds, Stage, Visit, Window,
};

fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn seconds(value: f64) -> Seconds {
    Seconds::new(value).unwrap()
}

fn app(times: [&Distribution; 3], workers: u32, rng: u32, policy: Policy) -> Scenario {
    let replica = |places, service: &Distribution| Replica {
        places: count(places),
        service: service.clone(),
    };
    let stages = vec![
        Stage::new("rng", count(rng), replica(1, times[1])).with_policy(policy),
        Stage::new("hasher", count(1), replica(20, times[2])),
    ];
    Scenario::new(count(workers), times[0].clone(), stages).unwrap()
}

/// What a run shows: times by stage, to the microsecond as a histogram has them.
#[derive(Default)]
struct Observed {
    times: [BTreeMap<u64, u64>; 3],
    /// When each worker began to think.
    thinks_since: BTreeMap<u32, u64>,
}

impl Observed {
    fn note(&mut self, stage: usize, nanoseconds: u64) {
        *self.times[stage].entry(nanoseconds / 1000).or_default() += 1;
    }

    fn distribution(&self, stage: usize) -> Distribution {
        let times = self.times[stage].iter();
        let times = times.map(|(us, number)| (Seconds::from_nanoseconds(us * 1000), *number));
        Distribution::empirical(times).unwrap()
    }
}

impl Observer for Observed {
    fn visit(&mut self, visit: Visit) {
        self.note(visit.stage + 1, visit.ends - visit.begins);
        if let (0, Some(since)) = (visit.stage, self.thinks_since.get(&visit.worker)) {
            self.note(0, visit.arrives - since);
        }
    }

    fn looped(&mut self, worker: u32, at: u64) {
        self.thinks_since.insert(worker, at);
    }
}

/// Mean absolute error over 16 configurations, each truth a run of ten minutes.
fn mean_error(policy: Policy) -> f64 {
    let jittered = |mean: f64| Distribution::log_normal(seconds(mean), seconds(0.0005)).unwrap();
    let truth = [jittered(0.1007), jittered(0.1004), jittered(0.1009)];
    let truth = [&truth[0], &truth[1], &truth[2]];
    let mut seen = Observed::default();
    let window = Window::new(seconds(5.0), seconds(60.0)).unwrap();
    let _ = app(truth, 10, 1, policy).simulate_observed(window, 99, &mut seen);
    let measured = [0, 1, 2].map(|stage| seen.distribution(stage));
    let measured = [&measured[0], &measured[1], &measured[2]];
    let long = Window::new(seconds(30.0), seconds(600.0)).unwrap();
    let cells = [2, 5, 10, 50].into_iter().flat_map(|w| [1, 2, 5, 10].map(|r| (w, r)));
    let errors = cells.map(|(workers, rng)| {
        let expected = app(truth, workers, rng, policy).simulate(long, 12_345).throughput;
        let predicted = app(measured, workers, rng, policy).predict(Effort::default()).unwrap();
        (predicted.mean / expected - 1.0).abs()
    });
    errors.sum::<f64>() / 16.0
}

#[test]
fn in_turn_within_a_thousandth() {
    let error = mean_error(Policy::SharedRoundRobin);
    assert!(error < 1e-3, "{error}");
}

#[test]
fn at_random_within_half_a_percent() {
    let error = mean_error(Policy::Random);
    assert!(error < 5e-3, "{error}");
}
