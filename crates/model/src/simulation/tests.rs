//! The simulator against laws that hold for every network, and against what is known of the nominal app.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::distribution::Distribution;
use crate::scenario::{Policy, Stage};
use crate::testing::{count, fixed, nominal, replica, seconds, window};

fn assert_near(found: f64, expected: f64, relative: f64) {
    assert!((found / expected - 1.0).abs() <= relative, "{found} is not {expected}");
}

#[test]
fn the_same_seed_gives_the_same_outcome() {
    let scenario = nominal(10, 5, Policy::Random);
    let run = |seed| scenario.simulate(window(5.0, 50.0), seed);
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

#[test]
fn where_ten_workers_are() {
    // R_rng in seconds, workers at rng, of which waiting.
    let known = [
        (1, 0.8, 8.0, 7.0),
        (2, 0.3, 6.0, 4.0),
        (3, 0.4 / 3.0, 4.0, 1.0),
        (4, 0.1, 10.0 / 3.0, 0.0),
    ];
    for (replicas, residence, queue, waiting) in known {
        let outcome =
            nominal(10, replicas, Policy::SharedRoundRobin).simulate(window(10.0, 300.0), 1);
        let rng = &outcome.stages[0];
        assert_near(rng.residence_s, residence, 1e-3);
        assert_near(rng.queue, queue, 1e-3);
        assert!((rng.waiting - waiting).abs() < 2e-3, "{rng:?}");
        assert_near(rng.utilisation, (queue - waiting) / f64::from(replicas), 1e-3);
    }
}

#[test]
fn one_slow_replica_holds_up_all_turns() {
    let slow = |policy| {
        let with_slow = nominal(50, 5, policy)
            .with_stage(0, |rng| rng.with_exception(2, Some(replica(1, fixed(0.2)))));
        with_slow.unwrap().simulate(window(60.0, 300.0), 1)
    };
    let in_turn = slow(Policy::SharedRoundRobin);
    assert_near(in_turn.throughput, 25.0, 2e-3);
    assert_near(slow(Policy::SharedLeastOutstanding).throughput, 45.0, 2e-3);
    let busy: Vec<_> = in_turn.stages[0].replicas.iter().map(|r| r.utilisation).collect();
    for (number, utilisation) in busy.into_iter().enumerate() {
        assert_near(utilisation, if number == 2 { 1.0 } else { 0.5 }, 1e-2);
    }
}

#[test]
fn a_dead_replica_gets_nothing() {
    let policies = [
        Policy::SharedRoundRobin,
        Policy::RoundRobin,
        Policy::Random,
        Policy::SharedLeastOutstanding,
        Policy::LeastOutstanding,
        Policy::PowerOfTwo,
        Policy::FewerOfTwo,
        Policy::Sticky,
        Policy::Stale(count(1)),
        Policy::Stale(count(2)),
    ];
    for policy in policies {
        let with_dead = nominal(6, 3, policy).with_stage(0, |rng| rng.with_exception(0, None));
        let with_dead = with_dead.unwrap().simulate(window(10.0, 300.0), 1);
        let numbers: Vec<_> = with_dead.stages[0].replicas.iter().map(|r| r.number).collect();
        assert_eq!(numbers, [1, 2], "{policy:?}");
        assert!(with_dead.throughput > 9.9, "{policy:?}: {}", with_dead.throughput);
        if !matches!(policy, Policy::Sticky | Policy::Stale(_)) {
            let two = nominal(6, 2, policy).simulate(window(10.0, 300.0), 1);
            assert_eq!(two.throughput.to_bits(), with_dead.throughput.to_bits(), "{policy:?}");
        }
    }
    let none = nominal(1, 1, Policy::Random).with_stage(0, |rng| rng.with_exception(0, None));
    assert_eq!(none, Err(Impossible::NobodyServes("rng".to_owned())));
}

#[test]
fn exponential_times_and_one_queue_have_product_form() {
    for (workers, rng) in [(3, 1), (10, 2), (12, 3), (40, 7)] {
        let exponential = || Distribution::exponential(seconds(0.1));
        let stages = vec![
            Stage::new("rng", count(1), replica(rng, exponential())),
            Stage::new("hasher", count(1), replica(20, exponential())),
        ];
        let thinking = Distribution::exponential(seconds(0.1));
        let scenario = Scenario::new(count(workers), thinking, stages).unwrap();
        let exact = scenario.network().solve(count(workers));
        let found = scenario.simulate(window(100.0, 40_000.0), 5);
        assert_near(found.throughput, exact.throughput, 5e-3);
        assert_near(found.stages[0].residence_s, exact.stations[0].residence_s, 1e-2);
        assert_near(found.stages[1].utilisation, exact.stations[1].utilisation, 1e-2);
    }
}

#[test]
fn own_turns_cost_something_unless_a_process_has_all_workers() {
    let shared = nominal(10, 4, Policy::SharedRoundRobin).simulate(window(20.0, 600.0), 1);
    for policy in [Policy::RoundRobin, Policy::LeastOutstanding] {
        let own = nominal(10, 4, policy);
        let together = own.clone().with_workers_per_process(count(10));
        let runs = |scenario: &Scenario| {
            (0..20).map(|s| scenario.simulate(window(20.0, 600.0), s).throughput).sum::<f64>()
                / 20.0
        };
        assert_near(runs(&together), shared.throughput, 1e-3);
        assert!(runs(&own) < shared.throughput * 1.000_1, "{policy:?}");
    }
}

/// Service times of each worker, in order.
#[derive(Default)]
struct Draws(Vec<Vec<u64>>);

impl Observer for Draws {
    fn visit(&mut self, visit: Visit) {
        let worker = crate::numbers::index(visit.worker);
        self.0.resize(self.0.len().max(worker + 1), Vec::new());
        if visit.stage == 0 {
            self.0[worker].push(visit.ends - visit.begins);
        }
    }
}

#[test]
fn two_configurations_meet_the_same_draws() {
    let draws = |workers, rng, policy| {
        let exponential = replica(1, Distribution::exponential(seconds(0.1)));
        let stages = vec![Stage::new("rng", count(rng), exponential).with_policy(policy)];
        let scenario = Scenario::new(count(workers), fixed(0.1), stages).unwrap();
        let mut draws = Draws::default();
        let _ = scenario.simulate_observed(window(0.0, 100.0), 7, &mut draws);
        draws.0
    };
    let (one, other) = (draws(4, 1, Policy::SharedRoundRobin), draws(6, 3, Policy::Random));
    for (worker, times) in one.iter().enumerate() {
        let both = times.len().min(other[worker].len());
        assert!(both > 50 && times[..both] == other[worker][..both], "worker {worker}");
    }
    assert_ne!(one[0][..50], one[1][..50]);
}

#[test]
fn a_replica_serves_in_order_and_no_more_than_its_places() {
    #[derive(Default)]
    struct Served(Vec<Visit>, u64);
    impl Observer for Served {
        fn visit(&mut self, visit: Visit) {
            self.0.extend((visit.stage == 0).then_some(visit));
        }
        fn looped(&mut self, _: u32, at: u64) {
            assert!(at >= self.1, "time runs backwards");
            self.1 = at;
        }
    }
    let service = replica(3, Distribution::exponential(seconds(0.1)));
    let stages = vec![Stage::new("rng", count(1), service)];
    let scenario = Scenario::new(count(9), fixed(0.05), stages).unwrap();
    let mut served = Served::default();
    let _ = scenario.simulate_observed(window(0.0, 60.0), 1, &mut served);
    assert!(served.0.len() > 1000);
    for pair in served.0.windows(2) {
        assert!(pair[0].arrives <= pair[1].arrives && pair[0].begins <= pair[1].begins);
    }
    for visit in &served.0 {
        let beside = served.0.iter().filter(|o| o.begins <= visit.begins && visit.begins < o.ends);
        assert!(beside.count() <= 3);
    }
}

fn any_distribution() -> impl Strategy<Value = Distribution> {
    (0.01..0.3, 0usize..4).prop_map(|(mean, kind)| match kind {
        0 => fixed(mean),
        1 => Distribution::exponential(seconds(mean)),
        2 => Distribution::log_normal(seconds(mean), seconds(mean / 2.0)).unwrap(),
        _ => Distribution::empirical([(seconds(mean / 2.0), 2), (seconds(mean * 2.0), 1)]).unwrap(),
    })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        Just(Policy::SharedRoundRobin),
        Just(Policy::RoundRobin),
        Just(Policy::Random),
        Just(Policy::SharedLeastOutstanding),
        Just(Policy::LeastOutstanding),
        Just(Policy::PowerOfTwo),
        Just(Policy::FewerOfTwo),
        Just(Policy::Sticky),
        (1u32..4).prop_map(|before| Policy::Stale(NonZeroU32::new(before).unwrap())),
    ]
}

/// Service time, places, replicas and policy; in half of them nobody waits.
fn any_stage() -> impl Strategy<Value = (Distribution, u32, u32, Policy)> {
    (any_distribution(), prop_oneof![1u32..4, Just(25)], 1u32..5, any_policy())
}

prop_compose! {
    fn any_scenario()(
        think in any_distribution(),
        stages in prop::collection::vec(any_stage(), 1..4),
        workers in 1u32..25,
        per_process in 1u32..5,
    ) -> Scenario {
        let stage = |(service, places, replicas, policy)| {
            Stage::new("stage", count(replicas), replica(places, service)).with_policy(policy)
        };
        Scenario::new(count(workers), think, stages.into_iter().map(stage).collect())
            .unwrap()
            .with_workers_per_process(count(per_process))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_worker_is_somewhere(scenario in any_scenario(), seed: u64) {
        let outcome = scenario.simulate(window(3.0, 100.0), seed);
        let there: f64 = outcome.stages.iter().map(|stage| stage.queue).sum();
        let workers = f64::from(scenario.workers().get());
        prop_assert!((outcome.thinking + there - workers).abs() < 1e-9 * workers);
    }

    #[test]
    fn whether_anybody_minds_the_order_changes_nothing(scenario in any_scenario(), seed: u64) {
        struct Anybody;
        impl Observer for Anybody {}
        let window = window(3.0, 100.0);
        let alone = scenario.simulate(window, seed);
        let seen = scenario.simulate_observed(window, seed, &mut Anybody);
        prop_assert_eq!(&alone.stages, &seen.stages);
        // Parts of loops are added up in another order.
        prop_assert!((alone.throughput - seen.throughput).abs() < 1e-9 * seen.throughput);
        prop_assert!((alone.thinking - seen.thinking).abs() < f64::EPSILON);
    }

    #[test]
    fn littles_law(scenario in any_scenario(), seed: u64) {
        let length = 600.0;
        let outcome = scenario.simulate(window(10.0, length), seed);
        // What is at a stage at the window's edges counts in one of both only: W at most.
        let workers = f64::from(scenario.workers().get());
        let longest: f64 = outcome.stages.iter().map(|stage| stage.residence_s).sum();
        let slack = 20.0 * workers * longest.max(0.1) / length;
        for stage in &outcome.stages {
            let rate = outcome.throughput * stage.residence_s;
            prop_assert!((rate - stage.queue).abs() <= slack.min(0.1 * workers), "{rate}, {stage:?}");
        }
        let residences: f64 = outcome.stages.iter().map(|stage| stage.residence_s).sum();
        let think = scenario.think().mean().get();
        let closed = outcome.throughput * (think + residences) / workers;
        prop_assert!((closed - 1.0).abs() < 0.05, "closure {closed}");
    }

    #[test]
    fn never_above_the_bounds(scenario in any_scenario(), seed: u64) {
        let outcome = scenario.simulate(window(10.0, 2000.0), seed);
        let bound = scenario.network().bounds(scenario.workers()).throughput();
        // Five standard errors of the mean of the drawn times, whose deviation is at most their mean.
        let slack = 5.0 / (bound * 2000.0).sqrt();
        prop_assert!(outcome.throughput <= bound * (1.0 + slack), "{} > {bound}", outcome.throughput);
        for stage in &outcome.stages {
            prop_assert!(stage.utilisation <= 1.0 + 1e-9 && stage.waiting > -1e-9);
        }
    }
}
