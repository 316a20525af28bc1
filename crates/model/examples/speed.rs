//! Times the simulator and the exact solution: `cargo run --release -p model --example speed`.

#![expect(clippy::disallowed_types, reason = "real time is measured, without a runtime")]
#![expect(clippy::print_stdout, reason = "what this program is for")]

use std::num::NonZeroU32;
use std::time::Instant;

use model::{
    Distribution, Impossible, Network, Policy, Replica, Scenario, Seconds, Stage, Station, Window,
};

fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// The nominal app: think 0.1 s, rng 0.1 s, hasher 0.1 s of 20 places.
fn nominal(
    workers: u32,
    rng: u32,
    policy: Policy,
    time: &Distribution,
) -> Result<Scenario, Impossible> {
    let replica = |places| Replica { places: count(places), service: time.clone() };
    let stages = vec![
        Stage::new("rng", count(rng), replica(1)).with_policy(policy),
        Stage::new("hasher", count(1), replica(20)),
    ];
    Scenario::new(count(workers), Distribution::fixed(Seconds::new(0.1)?), stages)
}

fn simulate(name: &str, scenario: &Scenario, loops: f64) -> Result<(), Impossible> {
    let bound = scenario.network().bounds(scenario.workers()).throughput();
    let window = Window::new(Seconds::new(10.0)?, Seconds::new(loops / bound)?)?;
    let mut best: f64 = 0.0;
    for seed in 0..5 {
        let start = Instant::now();
        let outcome = scenario.simulate(window, seed);
        let simulated = outcome.throughput * loops / bound;
        best = best.max(simulated / start.elapsed().as_secs_f64());
    }
    println!("{name:46} {:7.2} million loops/s (best of 5)", best / 1e6);
    Ok(())
}

fn solve(name: &str, network: &Network, workers: u32) {
    let start = Instant::now();
    let solved = network.solve(count(workers));
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    println!("{name:46} {milliseconds:7.2} ms, X = {}", solved.throughput);
}

fn main() -> Result<(), Impossible> {
    let time = Seconds::new(0.1)?;
    let fixed = Distribution::fixed(time);
    let recorded = (900..1100).map(|tenths| Ok((Seconds::new(f64::from(tenths) / 1e4)?, 5)));
    let recorded = Distribution::empirical(recorded.collect::<Result<Vec<_>, Impossible>>()?)?;
    let normal = Distribution::log_normal(time, Seconds::new(0.01)?)?;
    let shared = Policy::SharedRoundRobin;
    let least = Policy::SharedLeastOutstanding;
    simulate("W=10 R=5, fixed, round robin", &nominal(10, 5, shared, &fixed)?, 3e6)?;
    simulate("W=10 R=5, fixed, random", &nominal(10, 5, Policy::Random, &fixed)?, 3e6)?;
    simulate("W=10 R=5, fixed, power of two", &nominal(10, 5, Policy::PowerOfTwo, &fixed)?, 3e6)?;
    simulate("W=10 R=5, fixed, least outstanding", &nominal(10, 5, least, &fixed)?, 3e6)?;
    simulate(
        "W=10 R=5, exponential",
        &nominal(10, 5, shared, &Distribution::exponential(time))?,
        3e6,
    )?;
    simulate("W=10 R=5, log-normal", &nominal(10, 5, shared, &normal)?, 3e6)?;
    simulate("W=10 R=5, empirical of 200 values", &nominal(10, 5, shared, &recorded)?, 3e6)?;
    simulate("W=5000 R=1500, fixed, round robin", &nominal(5000, 1500, shared, &fixed)?, 3e6)?;
    for (think, service) in [(0.2, 0.1), (0.9, 0.1), (9.0, 0.1)] {
        let station = |name| Ok(Station::new(name, Seconds::new(service)?, count(1000)));
        let one = Network::new(Seconds::new(think)?, vec![station("rng")?])?;
        solve(&format!("exact, N=10,000, m=1,000, Z={think}"), &one, 10_000);
        let two = Network::new(Seconds::new(think)?, vec![station("rng")?, station("hasher")?])?;
        solve(&format!("exact, the same with two stations, Z={think}"), &two, 10_000);
    }
    Ok(())
}
