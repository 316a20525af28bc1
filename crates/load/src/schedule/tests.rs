//! Schedules under a clock that is only told.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn open(profile: Profile, spacing: Spacing, limits: Limits) -> (Schedule, Instant) {
    let schedule = Schedule::new(Arrival::Open { profile, spacing }, limits);
    let start = Instant::now();
    schedule.begin(start);
    (schedule, start)
}

/// All slots, each taken when it is due, from the start.
fn slots(schedule: &Schedule, start: Instant) -> Vec<Duration> {
    let mut now = start;
    std::iter::from_fn(|| match schedule.next(now) {
        Next::Due(due) => {
            now = now.max(due);
            Some(due - start)
        }
        Next::Now => panic!("an open loop has times"),
        Next::Over => None,
    })
    .collect()
}

#[test]
fn even_slots_lie_on_a_grid_that_does_not_drift() {
    let profile = Profile::constant(1_000.0).ended_after(10 * SECOND);
    let limits = Limits { window: Some(10 * SECOND), ..Limits::default() };
    let (schedule, start) = open(profile, Spacing::Even, limits);
    let slots = slots(&schedule, start);
    assert_eq!(slots.len(), 10_000);
    for (number, slot) in slots.iter().enumerate() {
        let exact = Duration::from_millis(number as u64);
        assert!(slot.abs_diff(exact) < Duration::from_nanos(2), "{number}: {slot:?}");
    }
}

#[test]
fn a_connection_that_was_busy_gets_the_slots_it_missed() {
    let profile = Profile::constant(100.0).ended_after(SECOND);
    let limits = Limits { window: Some(SECOND), drain: SECOND, ..Limits::default() };
    let (schedule, start) = open(profile, Spacing::Even, limits);
    assert_eq!(schedule.next(start), Next::Due(start));
    let late = start + SECOND / 2;
    assert_eq!(schedule.backlog(late), 49);
    let Next::Due(due) = schedule.next(late) else { panic!("there are more") };
    assert!((due - start).abs_diff(Duration::from_millis(10)) < Duration::from_nanos(2));
    assert_eq!(schedule.next(start + 3 * SECOND), Next::Over);
    let mut left = 0;
    while schedule.left_over(start + SECOND).is_some() {
        left += 1;
    }
    assert_eq!(left, 98);
}

#[test]
fn what_is_left_over_ends_where_it_was_told() {
    let (schedule, start) = open(Profile::constant(10.0), Spacing::Even, Limits::default());
    let until = start + SECOND - Duration::from_millis(50);
    let count = std::iter::from_fn(|| schedule.left_over(until)).count();
    assert_eq!(count, 10);
}

#[test]
fn a_number_of_requests_ends_a_run_after_its_warmup() {
    let profile = Profile::constant(10.0).after_warmup(SECOND);
    let limits = Limits { warmup: SECOND, requests: Some(5), ..Limits::default() };
    let (schedule, start) = open(profile, Spacing::Even, limits);
    let slots = slots(&schedule, start);
    assert_eq!(slots.len(), 15);
    assert_eq!(slots.iter().filter(|slot| **slot >= SECOND).count(), 5);
}

#[test]
fn a_closed_loop_ends_by_time_or_by_number() {
    let limits = Limits { warmup: SECOND, window: Some(SECOND), requests: Some(2), drain: SECOND };
    let schedule = Schedule::new(Arrival::Closed, limits);
    let start = Instant::now();
    schedule.begin(start);
    for _ in 0..5 {
        assert_eq!(schedule.next(start), Next::Now, "warming up");
    }
    let inside = start + SECOND;
    assert_eq!([schedule.next(inside), schedule.next(inside)], [Next::Now; 2]);
    assert_eq!(schedule.next(inside), Next::Over);
    let by_time = Schedule::new(Arrival::Closed, Limits { requests: None, ..limits });
    by_time.begin(start);
    assert_eq!(by_time.next(start + 2 * SECOND - Duration::from_nanos(1)), Next::Now);
    assert_eq!(by_time.next(start + 2 * SECOND), Next::Over);
    assert_eq!((by_time.rate(inside), by_time.backlog(inside)), (None, 0));
}

#[test]
fn nothing_is_handed_out_after_a_stop() {
    let (schedule, start) = open(Profile::constant(10.0), Spacing::Even, Limits::default());
    schedule.stop();
    assert_eq!(schedule.next(start), Next::Over);
}

#[test]
fn random_slots_have_the_rate_and_the_spread_of_independent_users() {
    let profile = Profile::constant(1_000.0).ended_after(20 * SECOND);
    let limits = Limits { window: Some(20 * SECOND), ..Limits::default() };
    let (schedule, start) = open(profile, Spacing::Poisson { seed: 7 }, limits);
    let slots = slots(&schedule, start);
    let count = float(slots.len() as u64);
    // Five standard deviations of a Poisson number.
    assert!((count - 20_000.0).abs() < 5.0 * 20_000.0_f64.sqrt(), "{count}");
    assert!(slots.is_sorted());
    // A share of 1 - 1/e of exponential gaps is shorter than the mean.
    let short = slots.windows(2).filter(|two| two[1] < two[0] + SECOND / 1_000).count();
    let share = float(short as u64) / count;
    assert!((share - 0.632).abs() < 0.02, "{share}");
    let (again, start) = open(
        Profile::constant(1_000.0).ended_after(20 * SECOND),
        Spacing::Poisson { seed: 7 },
        limits,
    );
    assert_eq!(super::tests::slots(&again, start), slots);
}

#[test]
fn stages_have_the_rates_they_were_given() {
    let stage = |from, to, seconds| Stage { from, to, length: Some(SECOND * seconds) };
    let profile =
        Profile::new(vec![stage(100.0, 100.0, 10), stage(100.0, 300.0, 10), stage(0.0, 0.0, 5)]);
    assert_eq!(profile.length(), Some(25 * SECOND));
    let limits = Limits { window: profile.length(), ..Limits::default() };
    let (schedule, start) = open(profile.clone(), Spacing::Even, limits);
    let slots = slots(&schedule, start);
    assert_eq!(slots.len(), 3_000);
    let within = |from: u32, to: u32| {
        slots.iter().filter(|slot| (SECOND * from..SECOND * to).contains(slot)).count()
    };
    assert_eq!((within(0, 10), within(20, 25)), (1_000, 0));
    assert!((within(10, 11)).abs_diff(110) <= 1 && within(19, 20).abs_diff(290) <= 1);
    assert!((profile.rate(15 * SECOND) - 200.0).abs() < 1e-9);
    assert!(profile.rate(30 * SECOND).abs() < 1e-9);
}

proptest! {
    #[test]
    fn a_time_and_its_number_of_requests_belong_together(
        rates in prop::collection::vec((0.0_f64..5_000.0, 0.0_f64..5_000.0, 1_u64..5_000), 1..5),
        number in 0.0_f64..20_000.0,
    ) {
        let stages = rates.iter().map(|(from, to, milliseconds)| {
            Stage { from: *from, to: *to, length: Some(Duration::from_millis(*milliseconds)) }
        });
        let profile = Profile::new(stages.collect());
        if let Some(when) = profile.when(number) {
            let expected = profile.expected(when);
            prop_assert!((expected - number).abs() < 0.01 + number * 1e-5, "{expected}");
        }
    }
}

#[test]
fn a_ramp_may_begin_at_nothing() {
    let stage = Stage { from: 0.0, to: 100.0, length: Some(10 * SECOND) };
    let limits = Limits { window: Some(10 * SECOND), ..Limits::default() };
    let (schedule, start) = open(Profile::new(vec![stage]), Spacing::Even, limits);
    let slots = slots(&schedule, start);
    assert_eq!(slots[0], Duration::ZERO);
    assert!(slots.is_sorted() && slots.len().abs_diff(500) <= 1, "{} slots", slots.len());
}
