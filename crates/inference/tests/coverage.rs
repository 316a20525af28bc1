//! Intervals of the rate hold the truth as often as they say, on a simulated counter that is told
//! about once a second. `examples/coverage.rs` prints more of the same.

mod closed_loop;

use closed_loop::table::{Coverage, coverage, model};
use closed_loop::{Balancing, Model};
use inference::stopping::Rule;

/// Many enough that a share within the band is no luck, few enough for seconds.
const REPLICATIONS: u32 = 200;

/// The figure to hold at nominal 95 %.
#[track_caller]
fn assert_in_band(coverage: Coverage) {
    assert!((0.92..=0.98).contains(&coverage.held), "{coverage:?}");
}

fn minute(workers: usize, replicas: usize, balancing: Balancing) -> Coverage {
    coverage(model(workers, replicas, balancing, 60.0), REPLICATIONS, None)
}

#[test]
fn round_robin_with_a_full_queue() {
    assert_in_band(minute(10, 1, Balancing::RoundRobin));
}

#[test]
fn round_robin_without_waiting() {
    assert_in_band(minute(10, 5, Balancing::RoundRobin));
}

#[test]
fn random_balancing_of_few_replicas() {
    assert_in_band(minute(10, 2, Balancing::Random));
}

#[test]
fn random_balancing_of_many_replicas() {
    assert_in_band(minute(10, 5, Balancing::Random));
}

/// Stopping on precision prefers windows that look precise; the rule allows for it.
#[test]
fn random_balancing_stopped_on_precision() {
    let rule = Rule::new(0.02, 180.0).unwrap();
    let model = model(10, 5, Balancing::Random, 180.0);
    let coverage = coverage(model, REPLICATIONS, Some(rule));
    assert_in_band(coverage);
    // It is the rule that ends these windows, not the longest that is allowed.
    assert!((40.0..120.0).contains(&coverage.seconds), "{coverage:?}");
}

#[test]
fn round_robin_is_precise_at_once() {
    let rule = Rule::new(0.01, 100.0).unwrap();
    let coverage = coverage(model(10, 1, Balancing::RoundRobin, 100.0), 200, Some(rule));
    assert_in_band(coverage);
    assert!(coverage.seconds < 45.0, "{coverage:?}");
}

/// Where workers flush after now one loop, now two, the interval is too wide rather than too narrow.
#[test]
fn round_robin_at_the_knee_of_the_flush_period() {
    let coverage = minute(10, 3, Balancing::RoundRobin);
    assert!(coverage.held >= 0.92, "{coverage:?}");
    assert!(coverage.half_width < 0.01, "{coverage:?}");
}

/// With as good as no chance what is left are the stairs, and the limits hold those.
#[test]
fn the_limits_hold_the_stairs() {
    for (workers, replicas) in [(1, 1), (10, 1), (10, 5)] {
        let still = Model { jitter: 1e-6, ..model(workers, replicas, Balancing::RoundRobin, 30.0) };
        let coverage = coverage(still, 40, None);
        assert!((coverage.held_with_limits - 1.0).abs() < 1e-9, "{coverage:?}");
    }
}
