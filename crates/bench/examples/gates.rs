//! How often the gate of `bench compare` errs, by the number of runs on each side:
//! `cargo run --release -p bench --example gates`.

#![expect(clippy::print_stdout, reason = "what this program is for")]

#[path = "../tests/gates/experiment.rs"]
mod experiment;

use experiment::{LIMIT, RECOMMENDED, Trouble, app, pairs, rates};
use inference::comparison::{Side, effect};
use inference::gate::{Gate, Quantity};
use model::Policy;

const PAIRS: u32 = 1000;

fn main() -> Result<(), Trouble> {
    let policy = Policy::Random;
    let pilot = app(policy, 1.0)?;
    let side = |number| Ok::<_, Trouble>(Side::of_runs(&rates(&pilot, 200, (0, number))?)?);
    let effect = effect(side(7)?, side(8)?);
    let spread = effect.ratio.half_width() / 1.96 * 10.0;
    let needed = Gate::new(LIMIT, 1)?.repetitions(&effect, Quantity::Rate);
    println!(
        "10 workers, 5 rng at random, 60 s a run; a run's rate scatters by {:.2} %",
        spread * 100.0
    );
    println!("runs on each side that always decide 3 % at that spread: {needed:?}");
    println!("recommended: {RECOMMENDED}\n");
    println!("{:>5} {:>28} {:>28}", "runs", "identical pairs, %", "3 % slower, %");
    println!("{:>5} {:>28} {:>28}", "", "failed/passed/undecided", "failed/passed/undecided");
    for runs in [2, 3, 4, 5, 6, 8, 10] {
        let [same, slower] = [1.0, 0.97].map(|speed| pairs(policy, speed, (PAIRS, runs)));
        let shares = |outcomes: experiment::Outcomes| {
            [outcomes.failed, outcomes.passed, outcomes.undecided]
                .map(|number| format!("{:.1}", f64::from(number) * 100.0 / f64::from(PAIRS)))
                .join(" / ")
        };
        println!("{runs:>5} {:>28} {:>28}", shares(same?), shares(slower?));
    }
    Ok(())
}
