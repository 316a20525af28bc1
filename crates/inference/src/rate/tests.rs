//! The rate of counters whose truth is known.

use proptest::prelude::*;

use super::*;

/// Readings every 50 ms of workers that all flush at once, `height` counts each period.
fn stairs(seconds: f64, period: f64, height: u64, phase: f64) -> Vec<Reading> {
    let reading = |index: u32| {
        let seconds = f64::from(index) * 0.05;
        let flushes = whole((seconds / period + phase).floor()) as u64;
        Reading { seconds, count: flushes * height }
    };
    (0..=u32::MAX).map(reading).take_while(|reading| reading.seconds <= seconds).collect()
}

fn polled(readings: &[Reading], loop_seconds: f64) -> Polled<'_> {
    Polled { readings, loop_seconds, flush_seconds: FLUSH_SECONDS, workers: 1, departures: &[] }
}

#[test]
fn flush_periods_are_whole_loops_over_a_second() {
    for (loop_s, period) in [(0.3, 1.2), (0.25, 1.25), (0.6, 1.2), (2.0, 2.0), (1.0, 2.0)] {
        assert!((flush_period(loop_s, 1.0) - period).abs() < 1e-9, "{loop_s}");
    }
    assert!((flush_period(0.3, 2.0) - 2.1).abs() < 1e-9);
}

#[test]
fn a_window_under_ten_periods_is_refused_with_what_is_needed() {
    let short = stairs(11.0, 1.2, 4, 0.3);
    let refusal = polled(&short, 0.3).rate().unwrap_err();
    let Refusal::WindowTooShort { seconds, needed } = refusal else { panic!("{refusal}") };
    assert!((seconds - 11.0).abs() < 0.1 && (needed - 12.0).abs() < 1e-9);
    assert!(polled(&stairs(12.1, 1.2, 4, 0.3), 0.3).rate().is_ok());
}

#[test]
fn a_counter_that_falls_starts_again_from_there() {
    let mut readings = stairs(40.0, 1.2, 4, 0.0);
    let half = readings.len() / 2;
    let reset = readings[half].count;
    for reading in &mut readings[half..] {
        // Twice as fast after the reset.
        reading.count = 2 * (reading.count - reset);
    }
    let rate = polled(&readings, 0.3).rate().unwrap();
    assert_eq!(rate.falls, 1);
    assert!((rate.seconds - 20.0).abs() < 0.2, "{rate:?}");
    assert!((rate.per_second - 20.0 / 3.0).abs() < 0.05, "{rate:?}");
}

#[test]
fn readings_that_were_overtaken_are_left_out_and_counted() {
    let mut readings = stairs(30.0, 1.2, 4, 0.0);
    readings.swap(100, 101);
    let rate = polled(&readings, 0.3).rate().unwrap();
    assert_eq!((rate.stale, rate.falls), (1, 0));
}

#[test]
fn gaps_are_said_and_widen_the_limit() {
    let whole = stairs(60.0, 1.2, 4, 0.0);
    let kept = |r: &&Reading| !(20.0..30.0).contains(&r.seconds);
    let holed: Vec<Reading> = whole.iter().filter(kept).copied().collect();
    let (without, with) =
        (polled(&whole, 0.3).rate().unwrap(), polled(&holed, 0.3).rate().unwrap());
    assert_eq!((without.gaps.len(), with.gaps.len()), (0, 1));
    assert!((with.gaps[0].seconds - 10.0).abs() < 0.11);
    assert!(with.flush > without.flush, "{with:?}");
    let few = |r: &&Reading| !(5.0..50.0).contains(&r.seconds);
    let mostly_gap: Vec<Reading> = whole.iter().filter(few).copied().collect();
    assert!(matches!(polled(&mostly_gap, 0.3).rate(), Err(Refusal::Gaps { .. })));
}

#[test]
fn what_departed_workers_did_not_tell_is_allowed_for() {
    // Two workers at 10 counts a second each flush every second; at 20 s one loses all of a
    // period, and a third takes its place at once.
    let mut readings = stairs(40.0, 1.0, 20, 0.0);
    for reading in &mut readings {
        if reading.seconds > 20.98 {
            reading.count -= 10;
        }
    }
    let departures = [Departure { seconds: 20.0, workers: 1 }];
    let polled = Polled { workers: 2, departures: &departures, ..polled(&readings, 0.1) };
    let rate = polled.rate().unwrap();
    assert!(rate.per_second < 20.0 && rate.per_second + rate.untold >= 20.0, "{rate:?}");
    assert!(rate.limits().holds(20.0));
    let before = [Departure { seconds: -1.0, workers: 1 }];
    let rate = Polled { departures: &before, ..polled }.rate().unwrap();
    assert!(rate.untold.abs() < f64::EPSILON);
}

#[test]
fn nothing_is_made_of_nothing() {
    assert!(matches!(polled(&[], 0.3).rate(), Err(Refusal::TooFew { .. })));
    let readings = stairs(30.0, 1.2, 4, 0.0);
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(polled(&readings, wrong).rate(), Err(Refusal::OutOfRange { .. })));
    }
    let broken = [Reading { seconds: f64::NAN, count: 0 }, readings[1], readings[2]];
    assert!(matches!(polled(&broken, 0.3).rate(), Err(Refusal::OutOfRange { .. })));
}

#[test]
fn the_limit_of_evenly_read_stairs_is_that_of_the_formula() {
    let rate = polled(&stairs(60.0, 1.2, 4, 0.0), 0.3).rate().unwrap();
    let formula = 6.0 * (1.2_f64 / 60.0).powi(2) * rate.least_squares;
    assert!((rate.flush / formula - 1.0).abs() < 0.01, "{} {formula}", rate.flush);
}

#[test]
fn rates_per_step_have_no_stairs() {
    let rates = polled(&stairs(60.0, 1.2, 4, 0.4), 0.3).per_step(1.0).unwrap();
    assert_eq!(rates.len(), 58);
    let truth = 4.0 / 1.2;
    assert!(rates.iter().all(|rate| (rate / truth - 1.0).abs() < 0.1), "{rates:?}");
}

proptest! {
    /// Whatever the phase, and with a loop time up to 3 % wrong, the truth is within the limits.
    #[test]
    fn the_rate_of_stairs_is_off_by_no_more_than_its_limits(
        periods in 10.2_f64..60.0, loop_s in 0.05_f64..1.9, phase in 0.0_f64..1.0,
        wrong in 0.97_f64..1.03,
    ) {
        let period = flush_period(loop_s, 1.0);
        // The same number of loops each time, as it is for a worker with steady loops.
        let told = loop_s * wrong;
        prop_assume!((flush_period(told, 1.0) / period / wrong - 1.0).abs() < 0.01);
        let readings = stairs(periods * period, period, 7, phase);
        prop_assume!(readings[readings.len() - 1].seconds > 9.95 * period * wrong);
        let rate = polled(&readings, told).rate().unwrap();
        let truth = 7.0 / period;
        prop_assert!(rate.limits().holds(truth), "{rate:?} truth {truth}");
        // By least squares the flush limit alone is enough, but for steps being seen late.
        let late = 6.0 * 0.05 / (periods * period) * truth / 10.0;
        prop_assert!((rate.least_squares - truth).abs() <= rate.flush + late);
    }

    /// The clock's beginning, its unit, and what one count stands for change nothing but the unit.
    #[test]
    fn the_rate_keeps_to_shift_scale_and_unit(
        shift in 0.0_f64..1e6, unit in 0.1_f64..10.0, scale in 1_u64..50, add in 0_u64..1_000_000,
    ) {
        let plain: Vec<Reading> = stairs(40.0, 1.2, 4, 0.3)
            .into_iter()
            // Not all alike, so that there is some scatter.
            .map(|r| Reading { count: r.count + u64::from(r.seconds.sin() > 0.0), ..r })
            .scan(0, |most, r| {
                *most = r.count.max(*most);
                Some(Reading { count: *most, ..r })
            })
            .collect();
        let other: Vec<Reading> = plain
            .iter()
            .map(|r| Reading { seconds: shift + unit * r.seconds, count: add + scale * r.count })
            .collect();
        let expected = polled(&plain, 0.3).rate().unwrap();
        let circumstances = Polled { flush_seconds: unit, ..polled(&other, 0.3 * unit) };
        let rate = circumstances.rate().unwrap();
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let factor = scale as f64 / unit;
        let near = |a: f64, b: f64| (a - b * factor).abs() <= 1e-5 * b.abs() * factor;
        prop_assert!(near(rate.per_second, expected.per_second), "{rate:?} {expected:?}");
        prop_assert!(near(rate.statistical, expected.statistical), "{rate:?} {expected:?}");
        prop_assert!(near(rate.flush, expected.flush) && near(rate.least_squares, expected.least_squares));
    }
}
