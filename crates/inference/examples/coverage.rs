//! Prints how often the interval of the rate holds the truth, over simulated windows of a counter
//! that is told about once a second. `cargo run --release -p inference --example coverage [N]`

use std::io::{self, Write as _};

use inference::stopping::Rule;

#[path = "../tests/closed_loop/mod.rs"]
mod closed_loop;

use closed_loop::Balancing;
use closed_loop::table::{coverage, model};

const CELLS: [(usize, usize); 8] =
    [(2, 2), (10, 1), (10, 2), (10, 3), (10, 5), (5, 5), (50, 5), (50, 10)];

fn main() -> io::Result<()> {
    let replications = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(400);
    let mut out = io::stdout().lock();
    writeln!(out, "{replications} replications; share of 95 % intervals that hold the truth")?;
    writeln!(out, "balancing   workers  rng  window         held    with limits  half-width")?;
    let precise = Rule::new(0.01, 600.0).map_err(io::Error::other)?;
    let rules =
        [(Some(30.0), None), (Some(60.0), None), (Some(120.0), None), (None, Some(precise))];
    for balancing in [Balancing::RoundRobin, Balancing::Random] {
        for (workers, replicas) in CELLS {
            for (window, rule) in rules {
                let model = model(workers, replicas, balancing, window.unwrap_or(600.0));
                let c = coverage(model, replications, rule);
                let until = if rule.is_some() { "±1 %" } else { "" };
                writeln!(
                    out,
                    "{:11} {workers:7} {replicas:4} {:5.0} s {until:4}  {:5.1} %      {:5.1} %    ±{:.3} %",
                    format!("{balancing:?}"),
                    c.seconds,
                    100.0 * c.held,
                    100.0 * c.held_with_limits,
                    100.0 * c.half_width,
                )?;
            }
        }
    }
    Ok(())
}
