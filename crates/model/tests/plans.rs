//! Plans of any size simulate a bounded number of loops: some seconds' worth, whatever is asked.

#![expect(clippy::unwrap_used, reason = "what these tests share fails the test")]

use std::num::NonZeroU32;

use model::{Distribution, Effort, Policy, Replica, Scenario, Seconds, Stage, simulated_loops};

/// Loops of one plan: four million take a second on one core.
const MOST_LOOPS: u64 = 20_000_000;

fn nominal([worker, rng, hasher]: [u32; 3], policy: Policy) -> Scenario {
    let count = |number| NonZeroU32::new(number).unwrap();
    let time = Distribution::fixed(Seconds::new(0.1).unwrap());
    let replica = |places| Replica { places: count(places), service: time.clone() };
    let stages = vec![
        Stage::new("rng", count(rng), replica(1)).with_policy(policy),
        Stage::new("hasher", count(hasher), replica(20)).with_policy(policy),
    ];
    Scenario::new(count(worker), time, stages).unwrap()
}

/// The only test of its process: loops are counted for the whole of it.
#[test]
fn a_plan_of_any_size_takes_a_bounded_number_of_loops() {
    let bounded = |what: &str, before: u64| {
        let loops = simulated_loops() - before;
        assert!(loops < MOST_LOOPS, "{what}: {loops} loops");
    };
    for policy in [Policy::RoundRobin, Policy::Random, Policy::SharedRoundRobin] {
        for rate in [4_000.0, 100_000.0, 240_000.0] {
            let before = simulated_loops();
            let found = nominal([1, 1, 1], policy).plan_for(rate, Effort::default()).unwrap();
            bounded(&format!("{policy:?} for {rate}"), before);
            let plan = found.unwrap();
            assert!(plan.throughput.mean >= 0.995 * rate, "{policy:?}: {plan:?}");
            assert!(plan.containers <= plan.at_least * 3 / 2, "{policy:?}: {plan:?}");
        }
        for (now, budget) in [([1, 1, 1], 99_000), ([50_000, 1, 1], 40_000), ([1, 1, 99_000], 900)]
        {
            let before = simulated_loops();
            let plan = nominal(now, policy).best_use(budget, Effort::default()).unwrap();
            bounded(&format!("{policy:?}, {budget} more than {now:?}"), before);
            assert!(plan.throughput.mean > 1_000.0, "{policy:?}: {plan:?}");
        }
    }
}
