//! Summaries of recordings made by hand.

use std::time::Duration;

use exchange::{Answer, Failure, Route};
use jiff::Timestamp;

use super::*;
use crate::distribution::Distribution;
use crate::generator::{Gaps, HoldUps, Throttled, Waits};
use crate::numbers::milliseconds;
use crate::plan::{Good, Target};
use crate::schedule::{Limits, Profile};

/// A plan of 10 s, at 100 requests a second or in a closed loop.
pub(crate) fn plan(open: bool) -> Plan {
    let window = Duration::from_secs(10);
    let profile = Profile::constant(100.0).ended_after(window);
    let url: exchange::Url = "http://localhost:8001/32".parse().unwrap();
    let request = exchange::Request::default();
    Plan {
        origins: vec![Route::to(url.clone())],
        targets: vec![Target { origin: 0, url, weight: 1, variants: vec![request] }],
        arrival: match open {
            true => Arrival::Open { profile, spacing: Spacing::Even },
            false => Arrival::Closed,
        },
        asked: open.then(|| Asked::Rate("100".to_owned())),
        limits: Limits { window: Some(window), ..Limits::default() },
        connections: 16,
        streams: 1,
        threads: 1,
        timeout: window,
        keep: true,
        spread: true,
        good: Good { classes: vec![2, 3], codes: vec![] },
    }
}

/// A run of 1,000 answers that took 1 to 1,000 times 100 us, the last ten of them 503, and two
/// failures.
pub(crate) fn measured() -> Measured {
    let mut recording = Recording::default();
    let tenth = Duration::from_micros(100);
    for number in 1..=1_000_u32 {
        let status = if number > 990 { 503 } else { 200 };
        let (head_bytes, body_bytes) = (100, 20);
        let answer = Answer { status, head_bytes, body_bytes, reusable: true, excess: false };
        let half = tenth / 2;
        recording.answer(&answer, tenth * number, half * (2 * number - 1));
        recording.lateness.record(tenth / 2);
    }
    recording.failure(Failure::Timeout(exchange::Phase::Wait), Duration::from_secs(2));
    recording.failure(Failure::Reset(exchange::Phase::Receive), Duration::from_millis(1));
    recording.counts.sent = 1_002;
    recording.counts.good = 990;
    recording.counts.answers_in_window = 1_000;
    recording.counts.good_in_window = 990;
    recording.counts.bytes_sent = 50_000;
    recording.counts.connects = 17;
    recording.counts.reconnects = 1;
    recording.dialled[1].record(tenth);
    Measured {
        recording,
        rows: Vec::new(),
        parts: Vec::new(),
        started: Timestamp::UNIX_EPOCH,
        window: Duration::from_secs(10),
        due_span: Duration::from_secs(10),
        generator: generator(),
        trend: None,
        stopped: false,
        connected: 16,
        unconnected: None,
    }
}

fn waits(times: u64, time: Duration) -> Waits {
    Waits { times, time }
}

/// A generator that worked for a quarter of its time on one of two processors.
fn generator() -> crate::generator::Generator {
    let wall = Duration::from_secs(10);
    let waited = Some(waits(100, Duration::from_millis(20)));
    crate::generator::Generator {
        wall,
        busiest: wall / 4,
        worked: wall / 4,
        processors: 2.0,
        throttled: None,
        held_up: HoldUps { waited, ..HoldUps::default() },
    }
}

#[test]
fn a_run_comes_to_its_numbers() {
    let summary = Summary::new(&plan(true), &measured());
    assert_eq!((summary.requests, summary.failed, summary.scheduled), (1_000, 2, 1_002));
    assert_eq!(summary.latency.count, 1_001, "timeouts are latency, resets are not");
    assert!((summary.requests_per_second - 100.0).abs() < 1e-9);
    assert!((summary.target_per_second.unwrap() - 100.0).abs() < 1e-9);
    assert!((summary.achieved.unwrap() - 1_000.0 / 1_002.0).abs() < 1e-9);
    assert!((summary.errors - 12.0 / 1_002.0).abs() < 1e-9);
    assert!((summary.latency.p50_ms.unwrap() - 50.1).abs() < 0.1);
    assert_eq!(summary.latency.p99_9_ms, None, "too few");
    assert_eq!(summary.statuses["503"], 10);
    assert_eq!(summary.failures["timeout"].count, 1);
    assert_eq!(summary.warnings, Vec::<String>::new());
}

#[test]
fn the_json_is_read_back_as_it_was() {
    let summary = Summary::new(&plan(true), &measured());
    let text = serde_json::to_string(&summary).unwrap();
    let back: Summary = serde_json::from_str(&text).unwrap();
    assert_eq!(back, summary);
    let histogram = Distribution::from_blob(&back.latency.histogram).unwrap();
    assert_eq!(histogram.told(0.5).map(milliseconds), summary.latency.p50_ms);
}

/// The warnings of a run after something was changed.
fn doubts(open: bool, change: impl FnOnce(&mut Measured)) -> String {
    let mut measured = measured();
    change(&mut measured);
    Summary::new(&plan(open), &measured).warnings.join("\n")
}

#[test]
fn a_run_doubts_itself_where_it_must() {
    assert!(doubts(false, |_| {}).contains("closed loop"));
    let late = |m: &mut Measured| {
        (0..2_000).for_each(|_| m.recording.lateness.record(Duration::from_millis(40)));
    };
    assert!(doubts(true, late).contains("late by 40.0 ms"), "{}", doubts(true, late));
    let unsent = |m: &mut Measured| m.recording.unsent(Duration::from_secs(3));
    assert!(doubts(true, unsent).contains("1 of 1,003 requests were never sent"));
    let unconnected = |m: &mut Measured| {
        (m.connected, m.unconnected) = (10, Some(Failure::Descriptors));
    };
    assert!(doubts(true, unconnected).contains("6 of 16 connections"));
    let long = |m: &mut Measured| m.recording.latency.record(Duration::from_hours(2));
    assert!(doubts(true, long).contains("more than an hour"));
    let repeated = |m: &mut Measured| m.recording.counts.repeated = 100;
    assert!(doubts(true, repeated).contains("sent twice"));
}

/// The doubts of a run after its generator was changed.
fn of_generator(change: impl FnOnce(&mut crate::generator::Generator)) -> Summary {
    let mut measured = measured();
    change(&mut measured.generator);
    Summary::new(&plan(true), &measured)
}

#[test]
fn each_way_to_be_held_up_is_named_as_what_it_is() {
    let ms = Duration::from_millis;
    let throttled = of_generator(|generator| {
        generator.processors = 0.3;
        generator.throttled = Some(Throttled { times: 41, time: ms(2_870) });
        generator.held_up.waited = Some(waits(50, ms(2_900)));
    });
    insta::assert_snapshot!(throttled.warnings.join("\n"), @"bench itself was held up: the processor quota of its control group (0.3 processors) was used up 41 times and throttled it for 2.87 s: latency and service times contain that time, and are not the server's alone");
    let gap = Gaps { times: 1, total: ms(1_300), longest: ms(1_300) };
    let stopped = of_generator(|generator| {
        (generator.held_up.late, generator.held_up.stopped) = (gap, gap);
    });
    insta::assert_snapshot!(stopped.warnings.join("\n"), @"bench itself was stopped 1 time for 1.30 s (longest 1.30 s), by a signal (SIGSTOP), a debugger or a machine that stood still: latency and service times contain that time, and are not the server's alone");
    let waited = of_generator(|generator| generator.held_up.waited = Some(waits(300, ms(1_700))));
    insta::assert_snapshot!(waited.warnings.join("\n"), @"bench itself was held up: it waited for a processor for 1.70 s (17.00% of the run), because of other processes or a quota that bench cannot see: latency and service times contain that time, and are not the server's alone");
    let uncounted = of_generator(|generator| {
        generator.held_up = HoldUps { late: gap, ..HoldUps::default() };
    });
    insta::assert_snapshot!(uncounted.warnings.join("\n"), @"bench itself was held up: it woke late 1 time by 1.30 s (longest 1.30 s): latency and service times contain that time, and are not the server's alone");
    let busy = of_generator(|generator| generator.processors = 0.25);
    insta::assert_snapshot!(busy.warnings.join("\n"), @"the generator was the limit: its threads used 100% of the 0.25 processors that it may use; give it more processors");
    let one_thread = of_generator(|generator| generator.busiest = ms(9_600));
    insta::assert_snapshot!(one_thread.warnings.join("\n"), @"the generator was the limit: its busiest thread used 96.00% of one processor; give it more --threads (now 1; it may use 2 processors)");
    for held_up in [throttled, stopped, waited, uncounted, busy, one_thread] {
        assert!(held_up.latency_doubtful && held_up.doubts.len() == 1, "{held_up:?}");
    }
    assert!(!of_generator(|_| {}).latency_doubtful);
    // As much, in waits that are short beside a median latency of 50 ms.
    let short = of_generator(|generator| generator.held_up.waited = Some(waits(3_000, ms(1_700))));
    assert!(!short.latency_doubtful);
}

#[test]
fn a_shortfall_names_each_of_its_causes() {
    let mut run = measured();
    let counts = &mut run.recording.counts;
    counts.answers_in_window = 700;
    counts.late = crate::recording::Late { waited: 120, unconnected: 30, held_up: 50 };
    counts.in_time = crate::recording::InTime { unconnected: 1, failed: 2, answered_later: 100 };
    let refused = Failure::Connect {
        peer: "127.0.0.1:9".to_owned(),
        kind: exchange::Kind::Refused,
        reason: "connection refused".to_owned(),
    };
    run.recording.unconnected = Some(refused);
    let summary = Summary::new(&plan(true), &run);
    insta::assert_snapshot!(summary.warnings.join("\n"), @"69.86% of the target rate of 100/s was achieved: 120 requests were sent late because all 16 connections were waiting for responses; 31 requests were sent late or failed because no connection could be made (cannot connect to 127.0.0.1:9: connection refused); 50 requests were sent late because bench itself was held up; 2 requests were sent in time and failed; 100 requests were answered only after the end of the window");
    let Some(Doubt::Shortfall { causes, .. }) = summary.doubts.first() else {
        panic!("{summary:?}")
    };
    assert_eq!(causes.len(), 5, "{causes:?}");
}

#[test]
fn a_shortfall_of_more_than_a_twentieth_warns_over_any_number_of_connections() {
    let achieving = |connections: usize, answers: u64| {
        let mut run = measured();
        run.recording.counts.answers_in_window = answers;
        let plan = Plan { connections, ..plan(true) };
        run.connected = connections;
        let doubts = Summary::new(&plan, &run).doubts;
        doubts.iter().any(|doubt| matches!(doubt, Doubt::Shortfall { .. }))
    };
    for connections in [1, 64, 5_000] {
        assert!(achieving(connections, 940), "{connections}");
    }
    assert!(achieving(1, 960) && !achieving(64, 960));
}

#[test]
fn a_latency_that_grows_at_a_constant_rate_is_of_a_server_that_is_overloaded() {
    let growing = |generator_worked: u64, asked: Asked| {
        let mut run = measured();
        run.trend = Some(crate::run::Trend { slope: 0.034, error: 0.001 });
        run.generator.busiest = Duration::from_millis(generator_worked);
        Summary::new(&Plan { asked: Some(asked), ..plan(true) }, &run)
    };
    let rate = || Asked::Rate("100".to_owned());
    insta::assert_snapshot!(growing(2_500, rate()).warnings.join("\n"), @"the server does not keep up with this rate: latency grew by 34.0 ms every second, and a longer run would show longer ones; it completed 100.0/s");
    let is_overloaded = |summary: Summary| {
        summary.doubts.iter().any(|doubt| matches!(doubt, Doubt::Overloaded { .. }))
    };
    assert!(!is_overloaded(growing(2_500, Asked::Ramp("50..150".to_owned()))));
    assert!(!is_overloaded(growing(9_500, rate())), "then it is the generator");
}

#[test]
fn a_number_of_requests_that_took_longer_than_asked_did_not_reach_the_rate() {
    let mut run = measured();
    // 1,000 requests at 100/s are due within 10 s, and were done after 200 s.
    run.window = Duration::from_secs(200);
    let limits = Limits { requests: Some(1_002), ..Limits::default() };
    let asked = Some(Asked::Rate("100/s".to_owned()));
    let profile = Profile::constant(100.0);
    let arrival = Arrival::Open { profile, spacing: Spacing::Even };
    let plan = Plan { arrival, asked, limits, ..plan(true) };
    let summary = Summary::new(&plan, &run);
    assert!((summary.target_per_second.unwrap() - 100.0).abs() < 1e-9);
    assert!((summary.achieved.unwrap() - 0.05).abs() < 1e-3, "{:?}", summary.achieved);
    assert!(matches!(summary.doubts[0], Doubt::Shortfall { .. }), "{summary:?}");
}
