//! Lines, byte by byte as httping prints them where it prints them.

use exchange::{Failure, Phase};
use insta::assert_snapshot;

use super::*;
use crate::report::fixtures::{answered, failed, plan, refused, reported, timed_out, with};

fn one(words: &str, probe: &Probe) -> String {
    let plan = plan(&format!("{words} 127.0.0.1:18080"));
    let mut text = String::new();
    line(&mut text, &plan, probe, crate::statistics::fault(probe, &plan.ok));
    text
}

#[test]
fn a_plain_line_is_httpings_and_ends_in_its_blank() {
    let expected = "connected to 127.0.0.1:18080 (103 bytes), seq=0 time=  0.73 ms \n";
    assert_eq!(one("", &answered(0, 730)), expected);
    let expected = "connected to 127.0.0.1:18080 (103 bytes), seq=1 time= 12.35 ms 200 OK\n";
    assert_eq!(one("-s", &answered(1, 12_345)), expected);
}

#[test]
fn split_times_have_httpings_five_places() {
    let split = one("-S -s", &answered(1, 800));
    let expected = "seq=1 time=   n/a+  0.20+  0.10+  0.40+  0.10=  0.80 ms 200 OK\n";
    assert!(split.ends_with(expected), "{split}");
    let kept = with(answered(2, 800), |reply| reply.phases.connect = None);
    let expected = "pinged host 127.0.0.1:18080 (103 bytes), seq=2 \
                    time=   n/a+   n/a+  0.10+  0.40+  0.10=  0.80 ms 200 OK\n";
    assert_eq!(one("-Q -S -s", &kept), expected);
    // TLS has a place where it is spoken.
    let secured = with(answered(3, 800), |reply| reply.phases.tls = Some(Duration::from_millis(2)));
    assert!(one("-S", &secured).contains("time=   n/a+  0.20+  2.00+  0.10+"));
}

#[test]
fn bodies_have_a_size_and_a_speed() {
    let large = with(answered(0, 40_000), |reply| reply.answer.body_bytes = 3_000_000);
    assert!(one("-G -b -X", &large).ends_with("time= 40.00 ms  117187KB/s 2929KB\n"));
    assert!(one("-G -b -s", &large).ends_with("ms 200 OK 117187KB/s\n"));
    assert!(one("-G -b -X --abbreviate", &large).ends_with("ms  114.4MB/s 2.9MB\n"));
    assert!(one("-Q -G -X", &large).contains("(103/3000000 bytes)"));
    // Nothing to be fast with.
    assert!(one("-G -b", &answered(0, 800)).ends_with("ms  0KB/s\n"));
}

#[test]
fn what_is_not_ok_says_why_without_being_asked() {
    let unavailable = with(answered(4, 730), |reply| {
        reply.answer.status = 503;
        reply.reason.clear();
    });
    assert!(one("", &unavailable).ends_with("time=  0.73 ms 503 Service Unavailable\n"));
    let failures = [
        refused(0),
        timed_out(1),
        failed(2, Failure::Reset(Phase::Wait)),
        failed(3, Failure::Closed(Phase::Receive)),
        failed(4, Failure::Descriptors),
    ];
    assert_snapshot!(failures.map(|probe| one("-t 0.5", &probe)).concat());
}

#[test]
fn further_words_follow_in_httpings_order() {
    let again = Probe { reconnected: true, ..answered(5, 730) };
    assert!(one("-Q -s", &again).ends_with("200 OK C\n"));
    assert!(one("-a", &again).ends_with("\x07\n"));
    let told = with(answered(6, 730), |reply| {
        reply.replica = Some("rng.1".to_owned());
        reply.server.queue_us = Some(120);
        reply.server.service_us = Some(100_250);
    });
    assert!(one("-v -s", &told).ends_with("200 OK rng.1 queue=0.12 service=100.25\n"));
    let secured = Secured {
        fingerprint: std::array::from_fn(|place| u8::try_from(place).unwrap()),
        version: "TLSv1.3".to_owned(),
        cipher: "x".to_owned(),
    };
    let secured = Probe { secured: Some(secured), ..answered(7, 730) };
    assert!(one("-z", &secured).contains("ms  00:01:02:03:"));
}

#[test]
fn ipv6_and_sockets_are_told_apart() {
    let six = exchange::Peer::Tcp("[::1]:80".parse().unwrap());
    let six = Probe { peer: Some(six), ..answered(0, 730) };
    assert!(one("", &six).starts_with("connected to [::1]:80 (103"));
    let unix = Probe { peer: Some(exchange::Peer::Unix("/run/x".into())), ..answered(0, 730) };
    assert!(one("", &unix).starts_with("connected to unix:/run/x (103"));
    // Behind a proxy the address is the proxy's, which is not what was asked.
    let proxied = one("-x 10.0.0.1:3128", &answered(0, 730));
    assert!(proxied.starts_with("connected to 127.0.0.1:18080 (103"), "{proxied}");
}

#[test]
fn the_time_of_day_is_written_in_three_ways() {
    let moment = answered(0, 0).started;
    let told = [0, 1, 2].map(|verbose| timestamp(moment, verbose, &TimeZone::UTC));
    assert_eq!(told, ["00:32:59.723", "2026/11/22 00:32:59.723", "1795307579.723325"]);
    assert!(one("--ts -vv", &answered(0, 730)).starts_with("1795307579.723325 connected to"));
}

#[test]
fn colours_follow_the_thresholds() {
    let words = "-Y -s --threshold-yellow 1 --offset-red 2";
    let lines = [900, 1_500, 2_000].map(|us| one(words, &answered(0, us)));
    for (line, colour) in lines.iter().zip(["32", "33", "1;31"]) {
        assert!(line.contains(&format!("time=\x1b[{colour}m")), "{line:?}");
    }
    assert_snapshot!(lines[0].replace('\x1b', "ESC"));
    let (out, _) = reported(
        "--threshold-show 1 127.0.0.1:18080",
        &[answered(0, 900), answered(1, 1_000), refused(2)],
    );
    let shown: Vec<_> = out.lines().filter_map(|line| line.split("seq=").nth(1)).collect();
    assert_eq!(shown.len(), 2, "{out}");
    assert!(shown[0].starts_with('1') && shown[1].starts_with('2'), "{out}");
}
