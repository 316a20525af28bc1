//! Sums against plain reckoning.

use proptest::prelude::*;

use super::*;
use crate::report::fixtures::{answered, plan, refused, with};

fn of(times: &[u64]) -> Statistics {
    let mut statistics = Statistics::default();
    for (seq, time) in (0..).zip(times) {
        statistics.add(&answered(seq, *time), &Statuses::default());
    }
    statistics
}

#[test]
fn jitter_is_the_mean_difference_of_neighbours() {
    assert_eq!(of(&[1_000, 3_000, 2_000]).jitter(), Some(Duration::from_micros(1_500)));
    assert_eq!(of(&[1_000]).jitter(), None);
    // A failure between two makes them no neighbours.
    let mut broken = Statistics::default();
    for probe in [answered(0, 1_000), refused(1), answered(2, 9_000)] {
        broken.add(&probe, &Statuses::default());
    }
    assert_eq!(broken.jitter(), None);
    assert_eq!((broken.ok, broken.failed()), (2, 1));
}

#[test]
fn which_statuses_are_ok_is_for_the_user_to_say() {
    let of_status = |status| with(answered(0, 700), |reply| reply.answer.status = status);
    let fine = |words: &str, status| fault(&of_status(status), &plan(words).ok).is_none();
    assert!(fine("x", 404) && fine("x", 301) && !fine("x", 500));
    assert!(fine("--ok 2xx,500 x", 500) && !fine("--ok 2xx x", 301));
    assert!(fine("-o 200,301 x", 301) && !fine("-o 200,301 x", 404));
}

#[test]
fn a_percentile_needs_ten_probes_beyond_it() {
    let share = |text: &str| format!("{text}=1").parse::<crate::settings::Bound>().unwrap().measure;
    let times: Vec<u64> = (1..=100).map(|n| n * 1_000).collect();
    assert!(of(&times).measure(share("p90")).is_some());
    assert!(of(&times[..99]).measure(share("p90")).is_none());
    assert!(of(&times).measure(share("p99")).is_none());
    assert!(of(&times[..3]).total.median().is_some(), "the middle of all there are is always told");
}

proptest! {
    #[test]
    fn numbers_are_those_of_a_sorted_list(times in prop::collection::vec(1_u64..100_000_000, 1..300)) {
        let statistics = of(&times);
        let mut sorted = times.clone();
        sorted.sort_unstable();
        let us = |length: Option<Duration>| length.unwrap().as_secs_f64() * 1e6;
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let (sum, count) = (times.iter().sum::<u64>() as f64, times.len() as f64);
        prop_assert!((us(statistics.total.mean()) - sum / count).abs() <= 1e-3 * sum / count);
        prop_assert_eq!(statistics.total.min(), Some(Duration::from_micros(sorted[0])));
        prop_assert_eq!(statistics.total.max(), Some(Duration::from_micros(sorted[sorted.len() - 1])));
        for quantile in [0.5, 0.9, 0.99] {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss,
                     reason = "a place in a list")]
            let place = ((quantile * count).ceil() as usize).max(1) - 1;
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let reference = sorted[place] as f64;
            let told = us(statistics.total.quantile(quantile));
            prop_assert!((told - reference).abs() <= reference * 1e-3, "{told} for {reference}");
        }
        prop_assert!(statistics.total.deviation().is_some());
    }
}
