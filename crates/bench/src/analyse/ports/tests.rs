//! Verdicts of the tutorial, and when there is none.

use std::time::Duration;

use super::*;
use crate::measure::Port;

/// Ten answers of one path; a tenth more and less than the median.
fn probed(service: &str, path: &str, total_ms: f64, told_ms: Option<(f64, f64)>) -> PortSamples {
    let us = |ms: f64, factor: f64| {
        u64::try_from(Duration::from_secs_f64(ms * factor / 1000.0).as_micros()).unwrap()
    };
    let samples = (0..11).map(|index| 0.9 + 0.02 * f64::from(index)).map(|factor| PortSample {
        total_us: us(total_ms, factor),
        queue_us: told_ms.map(|(queue, _)| us(queue, factor)),
        service_us: told_ms.map(|(_, service)| us(service, 1.0)),
        replica: Some(format!("{service}.1")),
    });
    let work = if path == "/" { Work::None } else { Work::Full };
    let url = format!("http://127.0.0.1:8001{path}").parse().unwrap();
    PortSamples {
        port: Port { service: service.to_owned(), url, post: false, work, node: None },
        probes: 11,
        failures: BTreeMap::new(),
        samples: samples.collect(),
    }
}

fn seen(ports: Vec<PortSamples>) -> PortsSeen {
    let places = [("rng".to_owned(), 1), ("hasher".to_owned(), 20)].into();
    let cluster = "local".to_owned();
    PortsSeen { cluster, interval_ms: 1000, places, ports, ..PortsSeen::default() }
}

fn sentence(seen: &PortsSeen) -> String {
    ports(seen).verdict.unwrap().sentence
}

#[test]
fn the_verdict_of_the_tutorial() {
    let seen = seen(vec![
        probed("rng", "/", 751.0, Some((750.0, 0.0))),
        probed("rng", "/32", 851.0, Some((750.0, 100.0))),
        probed("hasher", "/", 0.7, Some((0.0, 0.0))),
        probed("hasher", "/32", 101.0, Some((0.0, 100.0))),
    ]);
    assert_eq!(
        sentence(&seen),
        "rng answers in 751 ms, hasher in 0.7 ms: requests queue at rng, 7 waiting."
    );
    let warnings = ports(&seen).warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("the probes take 10 % of what rng can do"), "{warnings:?}");
}

#[test]
fn several_replicas_have_a_queue_each() {
    let mut seen = seen(vec![
        probed("rng", "/", 250.0, Some((250.0, 0.0))),
        probed("rng", "/32", 350.0, Some((250.0, 100.0))),
    ]);
    seen.replicas.insert("rng".to_owned(), 2);
    assert!(sentence(&seen).ends_with("queue at rng, 4 waiting."), "{}", sentence(&seen));
}

#[test]
fn servers_that_tell_nothing_are_judged_by_the_difference_of_their_paths() {
    let mut seen = seen(vec![
        probed("rng", "/", 818.0, None),
        probed("rng", "/32", 918.0, None),
        probed("hasher", "/", 3.5, None),
        probed("hasher", "/32", 104.0, None),
    ]);
    seen.places.clear();
    assert_eq!(sentence(&seen), "rng answers in 818 ms, hasher in 3.5 ms: requests queue at rng.");
    let work = ports(&seen).services[1].service_ms.unwrap();
    assert!((work - 100.5).abs() < 0.1, "{work} ms");
}

#[test]
fn without_a_queue_none_is_found() {
    let seen = seen(vec![
        probed("rng", "/", 30.0, Some((29.0, 0.0))),
        probed("rng", "/32", 130.0, Some((29.0, 100.0))),
    ]);
    assert!(sentence(&seen).contains("requests queue nowhere"), "{}", sentence(&seen));
    assert_eq!(ports(&seen).verdict.unwrap().service, None);
}

#[test]
fn no_verdict_without_good_answers() {
    let withheld = |ports_seen: Vec<PortSamples>| ports(&seen(ports_seen)).withheld.unwrap();
    let mut refused = probed("rng", "/", 1.0, None);
    refused.samples.clear();
    refused.failures.insert("connection refused".to_owned(), 11);
    assert_eq!(withheld(vec![refused]), "rng gives no good answer to GET /: connection refused");
    let mut slowest_missing = probed("rng", "/", 1.0, None);
    slowest_missing.failures.insert("no answer in time".to_owned(), 5);
    assert_eq!(
        withheld(vec![slowest_missing]),
        "rng GET / failed 5 of 11 times: no answer in time"
    );
    let mut few = probed("rng", "/", 1.0, None);
    few.samples.truncate(2);
    assert!(withheld(vec![few]).contains("fewer than 3"));
    assert!(withheld(vec![probed("rng", "/", 1.0, None)]).contains("with work and without"));
}

#[test]
fn the_ninth_decile_needs_ten_answers_beyond_it() {
    let mut one = probed("rng", "/", 100.0, None);
    let some = one.samples.clone();
    one.samples = some.iter().cycle().take(99).cloned().collect();
    assert_eq!(ports(&seen(vec![one.clone()])).ports[0].p90_ms, None);
    one.samples.push_back(some[0].clone());
    assert_eq!(ports(&seen(vec![one])).ports[0].p90_ms, Some(108.0));
}

#[test]
fn replicas_that_no_cluster_tells_of_are_those_that_answered() {
    let mut seen = seen(vec![
        probed("rng", "/", 250.0, Some((250.0, 0.0))),
        probed("rng", "/32", 350.0, Some((250.0, 100.0))),
    ]);
    let mut named = |name: fn(usize) -> Option<String>| {
        for port in &mut seen.ports {
            let samples = port.samples.iter_mut().enumerate();
            samples.for_each(|(number, sample)| sample.replica = name(number));
        }
        sentence(&seen)
    };
    assert!(named(|_| None).ends_with("queue at rng."), "{}", named(|_| None));
    let sentence = named(|number| Some(format!("rng.{}", number % 2)));
    assert!(sentence.ends_with("queue at rng, 4 waiting."), "{sentence}");
}
