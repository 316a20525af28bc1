//! What tests of several modules build.

use std::num::NonZeroU32;

use crate::distribution::Distribution;
use crate::network::Seconds;
use crate::scenario::{Policy, Replica, Scenario, Stage};
use crate::simulation::Window;

pub(crate) fn seconds(value: f64) -> Seconds {
    Seconds::new(value).unwrap()
}

pub(crate) fn count(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).unwrap()
}

pub(crate) fn fixed(value: f64) -> Distribution {
    Distribution::fixed(seconds(value))
}

pub(crate) fn exponential(mean: f64) -> Distribution {
    Distribution::exponential(seconds(mean))
}

pub(crate) fn replica(places: u32, service: Distribution) -> Replica {
    Replica { places: count(places), service }
}

pub(crate) fn window(warm_up: f64, length: f64) -> Window {
    Window::new(seconds(warm_up), seconds(length)).unwrap()
}

/// The nominal app: think 0.1 s, rng 0.1 s, one hasher of 0.1 s and 20 places.
pub(crate) fn nominal(workers: u32, rng: u32, policy: Policy) -> Scenario {
    let stages = vec![
        Stage::new("rng", count(rng), replica(1, fixed(0.1))).with_policy(policy),
        Stage::new("hasher", count(1), replica(20, fixed(0.1))),
    ];
    Scenario::new(count(workers), fixed(0.1), stages).unwrap()
}
