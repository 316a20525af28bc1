//! Times plans of any size and counts the loops they simulate:
//! `cargo run --release -p model --example plans`.

#![expect(clippy::disallowed_types, reason = "real time is measured, without a runtime")]
#![expect(clippy::print_stdout, reason = "what this program is for")]

use std::num::NonZeroU32;
use std::time::Instant;

use model::{Distribution, Effort, Impossible, Policy, Replica, Scenario, Seconds, Stage};

fn nominal([worker, rng, hasher]: [u32; 3], policy: Policy) -> Result<Scenario, Impossible> {
    let count = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    let time = Distribution::fixed(Seconds::new(0.1)?);
    let replica = |places| Replica { places: count(places), service: time.clone() };
    let stages = vec![
        Stage::new("rng", count(rng), replica(1)).with_policy(policy),
        Stage::new("hasher", count(hasher), replica(20)).with_policy(policy),
    ];
    Scenario::new(count(worker), time, stages)
}

fn timed(name: &str, plan: impl FnOnce() -> Result<String, Impossible>) -> Result<(), Impossible> {
    let (start, before) = (Instant::now(), model::simulated_loops());
    let found = plan()?;
    let loops = model::simulated_loops() - before;
    println!("{name:44} {:6.2} s  {:9} loops  {found}", start.elapsed().as_secs_f64(), loops);
    Ok(())
}

fn main() -> Result<(), Impossible> {
    let effort = Effort::default();
    for policy in
        [Policy::RoundRobin, Policy::Random, Policy::LeastOutstanding, Policy::SharedRoundRobin]
    {
        for rate in [40.0, 400.0, 4_000.0, 100_000.0, 240_000.0] {
            timed(&format!("{policy:?}, target {rate}"), || {
                let plan = nominal([1, 1, 1], policy)?.plan_for(rate, effort)?;
                Ok(plan.map_or_else(String::new, |plan| {
                    format!(
                        "{:?} {:.1} (at least {})",
                        plan.deployment, plan.throughput.mean, plan.at_least
                    )
                }))
            })?;
        }
        for (now, budget) in [
            ([10, 1, 1], 6),
            ([10, 1, 1], 99_000),
            ([50_000, 1, 1], 40_000),
            ([1, 50_000, 1], 49_000),
            ([1, 1, 99_000], 900),
        ] {
            timed(&format!("{policy:?}, {now:?} and {budget} more"), || {
                let plan = nominal(now, policy)?.best_use(budget, effort)?;
                Ok(format!("{:?} {:.1}", plan.deployment, plan.throughput.mean))
            })?;
        }
    }
    Ok(())
}
