//! The gate of `bench compare` errs as rarely as it is designed to: 1,000 pairs of identical runs and
//! 1,000 of which the second is 3 % slower, at random balancing.

mod experiment;

use experiment::{RECOMMENDED, pairs};
use model::Policy;

const PAIRS: u32 = 1000;

#[test]
fn identical_runs_hardly_ever_fail() {
    let outcomes = pairs(Policy::Random, 1.0, (PAIRS, RECOMMENDED)).unwrap();
    assert!(outcomes.failed <= 30, "at most 3 % may fail by mistake: {outcomes:?}");
    assert!(outcomes.passed >= 900, "the recommended number decides: {outcomes:?}");
}

#[test]
fn slowdowns_of_three_per_cent_are_caught() {
    let outcomes = pairs(Policy::Random, 0.97, (PAIRS, RECOMMENDED)).unwrap();
    assert!(outcomes.failed >= 900, "at least 90 % must fail: {outcomes:?}");
    assert!(outcomes.passed <= 30, "2 % may pass by mistake, and some by chance: {outcomes:?}");
}
