//! Clocks that are set by hand, in the samples of an ideal app.

use super::*;
use crate::analyse;
use crate::analyse::tests::ideal;
use crate::measure::{Counter, WorkerCount};

const HOUR_US: i64 = 3_600_000_000;
const NOW_US: u64 = 1_700_000_000_000_000;

/// Samples with a reading of all clocks every 50 ms.
fn samples(workers: u32) -> Samples {
    let mut samples = ideal(workers, 5);
    let first = samples.counter[0].now_us;
    let reading = |counter: &Counter| ClockReading {
        elapsed_us: counter.now_us - first + 7_000,
        waited_us: 2_000,
        webui_us: counter.now_us,
        own_us: Some(NOW_US + counter.now_us - first),
    };
    samples.clocks = samples.counter.iter().map(reading).collect();
    samples
}

fn later(time_us: u64, by_us: i64) -> u64 {
    time_us.checked_add_signed(by_us).unwrap()
}

/// Webui's clock is set after half of the window.
fn webui_set(by_us: i64) -> Samples {
    let mut set = samples(10);
    let half = set.counter[set.counter.len() / 2].now_us;
    let shown = |time_us: &mut u64| {
        if *time_us > half {
            *time_us = later(*time_us, by_us);
        }
    };
    set.counter.iter_mut().for_each(|reading| shown(&mut reading.now_us));
    set.clocks.iter_mut().for_each(|reading| shown(&mut reading.webui_us));
    set.moments.iter_mut().for_each(|moment| shown(&mut moment.now_us));
    shown(&mut set.last.now_us);
    set
}

/// The clock of one worker is set after half of the window.
fn worker_set(by_us: i64) -> Samples {
    let mut set = samples(10);
    let half = set.counter[set.counter.len() / 2].now_us;
    let id = set.last.workers[3].id.clone();
    let shown = |at_us: &mut u64| {
        if *at_us > half {
            *at_us = later(*at_us, by_us);
        }
    };
    let counts = set.workers.iter_mut().filter_map(|counts| counts.get_mut(&id));
    counts.for_each(|WorkerCount { at_us, .. }| shown(at_us));
    shown(&mut set.last.workers[3].at_us);
    set
}

fn whose(samples: &Samples) -> Vec<(Clock, i64)> {
    #[expect(clippy::cast_possible_truncation, reason = "minutes")]
    steps(samples)
        .into_iter()
        .map(|step| (step.clock, (step.seconds / 60.0).round() as i64))
        .collect()
}

#[test]
fn clocks_that_nobody_set_are_not_suspected() {
    for workers in [1, 10, 50] {
        assert_eq!(steps(&samples(workers)), []);
    }
    assert_eq!(steps(&ideal(10, 5)), [], "what an older version recorded has no clocks");
}

#[test]
fn an_hour_either_way_at_any_clock_is_found() {
    for (by_us, minutes) in [(HOUR_US, 60), (-HOUR_US, -60)] {
        assert_eq!(whose(&webui_set(by_us)), [(Clock::Webui, minutes)]);
        let id = samples(10).last.workers[3].id.clone();
        assert_eq!(whose(&worker_set(by_us)), [(Clock::Worker { id }, minutes)]);
    }
}

#[test]
fn no_rate_is_reported_from_a_clock_that_was_set() {
    for set in [webui_set(HOUR_US), webui_set(-HOUR_US), worker_set(HOUR_US), worker_set(-HOUR_US)]
    {
        let found = analyse::step(&set);
        let reason = found.withheld.clone().unwrap().reason;
        assert!(reason.contains("clock") && reason.contains("60 min"), "{reason}");
        for rate in [found.hashes_per_second.interval, found.counter_hashes_per_second.interval] {
            assert_eq!((rate.value, rate.low, rate.high), (0.0, 0.0, 0.0), "{found:?}");
        }
        assert!(found.rate_is_withheld() && found.bottleneck.is_none() && found.actions.is_empty());
    }
    let sound = analyse::step(&samples(10));
    assert!(!sound.rate_is_withheld() && sound.withheld.is_none(), "{:?}", sound.withheld);
}

/// Rates are made by other clocks: this one only dates the record.
#[test]
fn benchs_own_clock_is_only_warned_of() {
    for by_us in [HOUR_US, -HOUR_US] {
        let mut set = samples(10);
        let half = set.clocks.len() / 2;
        for reading in &mut set.clocks[half..] {
            reading.own_us = reading.own_us.map(|own_us| later(own_us, by_us));
        }
        let found = analyse::step(&set);
        assert!(!found.rate_is_withheld() && found.withheld.is_none());
        assert!((found.hashes_per_second.interval.value - 33.3).abs() < 0.5);
        assert!(found.warnings.iter().any(|warning| warning.contains("this machine")), "{found:?}");
    }
}

#[test]
fn a_second_is_found_and_what_latency_and_drift_allow_is_not() {
    assert_eq!(steps(&webui_set(1_000_000)).len(), 1);
    assert_eq!(steps(&webui_set(-400_000)).len(), 1);
    assert_eq!(steps(&webui_set(50_000)), []);
    let mut slow = webui_set(600_000);
    // Responses that took longer than that may have been made any time in between.
    slow.clocks.iter_mut().for_each(|reading| reading.waited_us = 700_000);
    assert_eq!(steps(&slow), []);
    let mut drifting = samples(10);
    for reading in &mut drifting.clocks {
        reading.webui_us += reading.elapsed_us / 2_000;
    }
    assert_eq!(steps(&drifting), []);
}

#[test]
fn reports_that_were_held_up_are_late_and_no_clock_was_set() {
    let mut late = samples(10);
    let id = late.last.workers[0].id.clone();
    // Nothing of this worker was read for a third of the window.
    let stuck = late.workers[15][&id];
    for counts in &mut late.workers[15..35] {
        counts.insert(id.clone(), stuck);
    }
    assert_eq!(steps(&late), []);
    // Nor from the beginning on.
    let mut late = samples(10);
    let stuck = late.workers[0][&id];
    for counts in &mut late.workers[..20] {
        counts.insert(id.clone(), stuck);
    }
    assert_eq!(steps(&late), []);
}
