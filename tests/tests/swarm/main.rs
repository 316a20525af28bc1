//! The whole product on a real swarm of several nodes: the stack as it is deployed, `bench` on it,
//! and what happens when tasks, nodes or Redis go away. `scripts/test-lab` makes the lab these
//! tests need and runs them, one at a time.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what these tests share fails the test"
)]

mod changing;
mod contract;
mod endpoints;
mod faults;
mod inside;
mod moving;
mod policies;
mod probing;
mod refusals;
mod scaling;
mod starting;
mod variants;

use app_tests::Ended;
use serde_json::Value;

/// A window too short for a verdict, where none is wanted.
const SHORT: [&str; 4] = ["--duration", "2s", "--warmup", "0"];

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// How the workers of a step chose replicas. Not how many of each: reports of workers that died a
/// few minutes ago may be among them.
fn policies(step: &Value) -> Vec<&str> {
    let policies = step["policies"].as_object().into_iter().flatten();
    policies.map(|(policy, _)| policy.as_str()).collect()
}

/// Whether a scale measured, with a verdict or without.
fn measured(ended: &Ended) -> Value {
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    ended.json()
}

/// Exit code 4, nothing on standard output, and an error with all of these parts.
fn refused(ended: &Ended, parts: &[&str]) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(4), ""), "{ended:?}");
    for part in parts {
        assert!(ended.stderr.contains(part), "no '{part}' in {}", ended.stderr);
    }
}
