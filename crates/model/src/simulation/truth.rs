//! The simulator against the reference table of the nominal app.
//!
//! What the columns mean, as far as it can be told: all times are fixed; `ideal` is one turn for all
//! workers, and is the bound min(W / 0.3, 10 R); `random` draws a replica per request; `two` draws two, with
//! replacement, and takes the one that would begin sooner (counting requests or drawing two
//! different ones gives other values); `pinned` draws one per worker for good and is the mean over such
//! draws; before a scale-up there was one replica. Start phases and a jitter of 0.5 ms do not show in these
//! columns.

use super::*;
use crate::scenario::Policy;
use crate::testing::{count, nominal, window};

struct Row {
    workers: u32,
    rng: u32,
    ideal: f64,
    random: f64,
    two: f64,
    pinned: f64,
    stale: f64,
}

const fn row(of: (u32, u32), columns: [f64; 5]) -> Row {
    let [ideal, random, two, pinned, stale] = columns;
    Row { workers: of.0, rng: of.1, ideal, random, two, pinned, stale }
}

const TRUTH: [Row; 20] = [
    row((1, 1), [3.333, 3.333, 3.333, 3.333, 3.333]),
    row((1, 2), [3.333, 3.333, 3.333, 3.333, 3.333]),
    row((1, 5), [3.333, 3.333, 3.333, 3.333, 3.333]),
    row((1, 10), [3.333, 3.333, 3.333, 3.333, 3.333]),
    row((2, 1), [6.667, 6.667, 6.667, 6.667, 6.667]),
    row((2, 2), [6.667, 6.667, 6.667, 6.667, 6.667]),
    row((2, 5), [6.667, 6.667, 6.667, 6.667, 6.667]),
    row((2, 10), [6.667, 6.667, 6.667, 6.667, 6.667]),
    row((5, 1), [10.000, 10.000, 10.000, 10.000, 10.000]),
    row((5, 2), [16.667, 14.613, 15.790, 15.208, 10.000]),
    row((5, 5), [16.667, 16.068, 16.552, 16.549, 10.000]),
    row((5, 10), [16.667, 16.393, 16.639, 16.651, 10.000]),
    row((10, 1), [10.000, 10.000, 10.000, 10.000, 10.000]),
    row((10, 2), [20.000, 18.484, 19.980, 19.557, 10.000]),
    row((10, 5), [33.333, 28.972, 31.899, 30.650, 10.000]),
    row((10, 10), [33.333, 31.558, 33.012, 32.847, 10.000]),
    row((50, 1), [10.000, 10.000, 10.000, 10.000, 10.000]),
    row((50, 2), [20.000, 19.778, 20.000, 20.000, 10.000]),
    row((50, 5), [50.000, 47.545, 50.003, 49.975, 10.000]),
    row((50, 10), [100.000, 86.541, 99.408, 94.978, 10.000]),
];

/// Compares one column in all rows with the mean over seeds.
fn compare(column: fn(&Row) -> f64, policy: Policy, length: f64, seeds: u64, relative: f64) {
    for row in &TRUTH {
        let scenario = nominal(row.workers, row.rng, policy);
        let runs = (0..seeds).map(|seed| scenario.simulate(window(5.0, length), seed).throughput);
        let found = runs.sum::<f64>() / float(seeds);
        let off = found / column(row) - 1.0;
        let Row { workers, rng, .. } = row;
        assert!(off.abs() <= relative, "{policy:?}, W={workers}, R={rng}: {found} is off by {off}");
    }
}

#[test]
fn in_turn() {
    compare(|row| row.ideal, Policy::SharedRoundRobin, 600.0, 1, 2e-4);
    compare(|row| row.ideal, Policy::SharedLeastOutstanding, 600.0, 1, 2e-4);
}

#[test]
fn at_random() {
    compare(|row| row.random, Policy::Random, 6000.0, 2, 5e-3);
}

#[test]
fn two_choices() {
    compare(|row| row.two, Policy::PowerOfTwo, 6000.0, 2, 5e-3);
}

#[test]
fn pinned() {
    compare(|row| row.pinned, Policy::Sticky, 10.0, 1200, 1e-2);
}

#[test]
fn pinned_before_a_scale_up() {
    // All replicas the workers knew: one.
    compare(|row| row.stale, Policy::Stale(count(1)), 600.0, 1, 1e-2);
}

#[test]
fn pinning_differs_between_runs() {
    let scenario = nominal(10, 5, Policy::Sticky);
    let runs: Vec<_> =
        (0..400).map(|seed| scenario.simulate(window(5.0, 10.0), seed).throughput).collect();
    let mean = runs.iter().sum::<f64>() / 400.0;
    let deviation = (runs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 399.0).sqrt();
    assert!((2.0..4.0).contains(&deviation), "{deviation}");
}
