//! Summaries of recordings made by hand.

use std::time::Duration;

use exchange::{Answer, Failure, Route};
use jiff::Timestamp;

use super::*;
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
        started: Timestamp::UNIX_EPOCH,
        window: Duration::from_secs(10),
        busiest: 0.25,
        stopped: false,
        connected: 16,
        unconnected: None,
    }
}

#[test]
fn a_run_comes_to_its_numbers() {
    let summary = Summary::new(&plan(true), &measured());
    assert_eq!((summary.requests, summary.failed, summary.scheduled), (1_000, 2, 1_002));
    assert_eq!(summary.latency.count, 1_001, "timeouts are latency, resets are not");
    assert!((summary.requests_per_second - 100.0).abs() < 1e-9);
    assert!((summary.target_per_second.unwrap() - 100.2).abs() < 1e-9);
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

/// The doubts of a run after something was changed.
fn doubts(open: bool, change: impl FnOnce(&mut Measured)) -> String {
    let mut measured = measured();
    change(&mut measured);
    Summary::new(&plan(open), &measured).warnings.join("\n")
}

#[test]
fn a_run_doubts_itself_where_it_must() {
    assert!(doubts(false, |_| {}).contains("closed loop"));
    assert!(doubts(true, |m| m.busiest = 0.95).contains("the generator was the limit"));
    let late = |m: &mut Measured| {
        (0..2_000).for_each(|_| m.recording.lateness.record(Duration::from_millis(40)));
    };
    assert!(doubts(true, late).contains("late by 40.0 ms"), "{}", doubts(true, late));
    let behind = |m: &mut Measured| {
        m.recording.counts.answers_in_window = 800;
        m.recording.counts.waited = 200;
    };
    assert!(doubts(true, behind).contains("200 requests were sent late"));
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
