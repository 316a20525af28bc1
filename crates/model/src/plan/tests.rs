//! Plans whose best is known.

use super::*;
use crate::scenario::Policy;
use crate::testing::{count, nominal};

fn quick() -> Effort {
    Effort { loops: count(3000), runs: count(4), seed: 1 }
}

fn sizes(plan: &Plan) -> (u32, u32, u32) {
    let Deployment { processes, replicas } = &plan.deployment;
    (processes.get(), replicas[0].get(), replicas[1].get())
}

#[test]
fn the_cheapest_for_forty() {
    // What is deployed now does not matter.
    for now in [(1, 1), (30, 20)] {
        let scenario = nominal(now.0, now.1, Policy::SharedRoundRobin);
        let plan = scenario.plan_for(40.0, quick()).unwrap().unwrap();
        assert_eq!((sizes(&plan), plan.containers, plan.at_least), ((12, 4, 1), 17, 17));
        assert!((plan.throughput.mean - 40.0).abs() < 0.08, "{plan:?}");
    }
    let beyond_one_hasher = nominal(1, 1, Policy::SharedRoundRobin).plan_for(210.0, quick());
    assert_eq!(sizes(&beyond_one_hasher.unwrap().unwrap()), (63, 21, 2));
}

#[test]
fn random_balance_costs_containers() {
    let scenario = nominal(1, 1, Policy::Random);
    let plan = scenario.plan_for(40.0, quick()).unwrap().unwrap();
    assert!(plan.throughput.mean >= 40.0 * (1.0 - MISSING), "{plan:?}");
    assert!(plan.containers > plan.at_least && plan.containers <= 24, "{plan:?}");
    // Nothing of it can be left out.
    for kind in plan.deployment.kinds() {
        let Some(less) = plan.deployment.less(kind) else { continue };
        let without = scenario.deployed(&less).unwrap().predict(quick()).unwrap();
        assert!(without.mean < 40.0 * (1.0 - MISSING), "{kind:?} can be spared: {plan:?}");
    }
}

#[test]
fn old_connections_lead_nowhere() {
    let scenario = nominal(10, 1, Policy::Stale(count(1)));
    assert_eq!(scenario.plan_for(40.0, quick()).unwrap(), None);
}

#[test]
fn nobody_plans_with_a_dead_replica() {
    let with_dead = nominal(10, 5, Policy::SharedRoundRobin)
        .with_stage(0, |rng| rng.with_exception(0, None))
        .unwrap();
    let plan = with_dead.plan_for(10.0, quick()).unwrap().unwrap();
    assert_eq!(sizes(&plan), (3, 1, 1));
}

#[test]
fn what_nobody_can_deploy() {
    let scenario = nominal(10, 1, Policy::SharedRoundRobin);
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
        assert!(scenario.plan_for(rate, quick()).is_err(), "{rate}");
    }
    assert_eq!(scenario.best_use(u32::MAX, quick()), Err(Impossible::Plan(f64::from(u32::MAX))));
}

#[test]
fn the_best_use_of_a_budget() {
    let best = |budget| {
        let plan = nominal(10, 1, Policy::SharedRoundRobin).best_use(budget, quick()).unwrap();
        (sizes(&plan), plan.throughput.mean.round())
    };
    assert_eq!(best(0), ((10, 1, 1), 10.0));
    assert_eq!(best(2), ((10, 3, 1), 30.0));
    assert_eq!(best(5), ((12, 4, 1), 40.0));
    // A sixth alone would bring nothing.
    assert_eq!(best(6), ((12, 4, 1), 40.0));
}

#[test]
fn the_best_use_where_balance_is_random() {
    let scenario = nominal(10, 1, Policy::Random);
    let plan = scenario.best_use(6, quick()).unwrap();
    let (processes, rng, _) = sizes(&plan);
    assert_eq!(plan.containers, 18, "{plan:?}");
    let others = [(10, 7), (11, 6), (12, 5), (13, 4), (14, 3)];
    for (workers, replicas) in others {
        let other = nominal(workers, replicas, Policy::Random).predict(quick()).unwrap();
        assert!(
            other.mean <= plan.throughput.mean * (1.0 + MISSING),
            "{workers}, {replicas} is better than {processes}, {rng}: {other:?} {plan:?}"
        );
    }
}
