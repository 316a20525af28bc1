//! What is said at the beginning and at the end.

use insta::assert_snapshot;

use crate::report::fixtures::{answered, refused, reported, timed_out, with};

const PLACE: &str = "127.0.0.1:18080";

#[test]
fn httpings_summary_stands_as_it_was_and_more_below() {
    let probes = [answered(0, 730), answered(1, 25_210), answered(2, 11_900)];
    let (out, notes) = reported(PLACE, &probes);
    assert_snapshot!(out);
    assert_snapshot!(notes, @"sends HEAD /: as httping does; -G sends GET and reads the body");
}

#[test]
fn failures_are_counted_by_kind_and_servers_times_stand_beside() {
    let told = |seq, microseconds| {
        with(answered(seq, microseconds), |reply| {
            reply.server.queue_us = Some(150_000);
            reply.server.service_us = Some(100_000);
            reply.replica = Some(format!("rng.{}", seq % 2 + 1));
        })
    };
    let unavailable = with(answered(6, 400), |reply| reply.answer.status = 503);
    let probes =
        [told(0, 250_400), told(1, 251_000), refused(2), refused(3), timed_out(4), unavailable];
    let (out, _) = reported(&format!("-G -t 2 {PLACE}/32"), &probes);
    assert_snapshot!(out);
}

#[test]
fn nothing_is_divided_by_nothing() {
    let (out, _) = reported(&format!("-G {PLACE}"), &[]);
    assert_snapshot!(out);
    let (out, _) = reported(&format!("-G -b -v --median {PLACE}"), &[refused(0)]);
    assert_snapshot!(out);
}

#[test]
fn percentiles_come_with_enough_probes() {
    let many: Vec<_> = (0..1_000).map(|n| answered(n, 1_000 + n)).collect();
    let (out, _) = reported(&format!("-G -q {PLACE}"), &many);
    assert_eq!(out, "");
    let (out, _) = reported(&format!("-G --threshold-show 1s {PLACE}"), &many);
    let line = out.lines().find(|line| line.starts_with("median")).unwrap().to_owned();
    assert!(line.contains("p99 1.98") || line.contains("p99 1.99"), "{line}");
    assert!(line.ends_with("(p99.9 needs 10000 probes)"), "{line}");
    assert!(line.contains("jitter 0.001 ms"), "{line}");
}

#[test]
fn more_columns_where_they_are_asked_for() {
    let large = with(answered(0, 40_000), |reply| reply.answer.body_bytes = 3_000_000);
    let (out, _) = reported(&format!("-G -b -v --median {PLACE}"), &[large]);
    assert!(out.starts_with(
        "Connecting to host 127.0.0.1, port 18080 and requesting file /\n\nPING 127.0.0.1:18080 (/):\n"
    ));
    assert!(out.contains("\nround-trip min/avg/median/max/sd = 40.0/40.0/40.0/40.0/0.0 ms\n"));
    assert!(out.contains("\nTransfer speed: min/avg/max = 117187.500000/117187.500000/"));
}

#[test]
fn aggregates_close_with_the_probe_that_ends_them() {
    let probes: Vec<_> = (0..7).map(|n| answered(n, 1_000 * (n + 1))).collect();
    let (out, _) = reported(&format!("-G --aggregate 1,2 {PLACE}"), &probes);
    let told: Vec<_> = out
        .lines()
        .filter_map(|line| match line.starts_with("AGG") {
            true => Some(line.to_owned()),
            false => line.split_once("seq=").map(|(_, rest)| rest[..1].to_owned()),
        })
        .collect();
    assert_snapshot!(told.join("\n"));
}

#[test]
fn bounds_that_are_not_kept_are_told_beside() {
    let words = format!("-G --fail-above avg=1 --fail-above p99=1s --fail-above max=1s {PLACE}");
    let (_, notes) = reported(&words, &[answered(0, 2_500)]);
    assert_snapshot!(notes);
}

#[test]
fn a_server_that_does_not_take_head_is_told_once() {
    let wrong = |seq| {
        with(answered(seq, 700), |reply| {
            reply.answer.status = 405;
            reply.reason = "Method Not Allowed".to_owned();
        })
    };
    let (_, notes) = reported(PLACE, &[wrong(0), wrong(1)]);
    assert_snapshot!(notes);
    let (_, notes) = reported(&format!("-G {PLACE}"), &[wrong(0)]);
    assert_eq!(notes, "");
}
