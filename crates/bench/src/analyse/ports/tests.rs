//! Verdicts of the tutorial, and when there is none.

use std::time::Duration;

use super::*;
use crate::measure::{Counter, Port};

/// Ten answers of one path; a tenth more and less than the median.
fn probed(service: &str, path: &str, total_ms: f64, told_ms: Option<(f64, f64)>) -> PortSamples {
    let us = |ms: f64, factor: f64| {
        u64::try_from(Duration::from_secs_f64(ms * factor / 1000.0).as_micros()).unwrap()
    };
    let samples = (0..11).map(|index| 0.9 + 0.02 * f64::from(index)).map(|factor| PortSample {
        total_us: us(total_ms, factor),
        connect_us: 0,
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

/// Where they queue, and how many wait, as a whole number.
fn queue(seen: &PortsSeen) -> (String, Option<u64>) {
    match ports(seen).verdict.unwrap() {
        PortsVerdict::Queue { service, waiting } => (service, waiting.map(load::numbers::whole)),
        PortsVerdict::NoQueue => panic!("no queue"),
    }
}

fn withheld(seen: &PortsSeen) -> NoVerdict {
    ports(seen).withheld.unwrap()
}

#[test]
fn the_verdict_of_the_tutorial() {
    let seen = seen(vec![
        probed("rng", "/", 751.0, Some((750.0, 0.0))),
        probed("rng", "/32", 851.0, Some((750.0, 100.0))),
        probed("hasher", "/", 0.7, Some((0.0, 0.0))),
        probed("hasher", "/32", 101.0, Some((0.0, 100.0))),
    ]);
    assert_eq!(queue(&seen), ("rng".to_owned(), Some(7)));
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
    assert_eq!(queue(&seen), ("rng".to_owned(), Some(4)));
}

/// The original, which reports neither queue nor concurrency.
fn original(rng: [f64; 2], hasher: [f64; 2]) -> PortsSeen {
    let mut seen = seen(vec![
        probed("rng", "/", rng[0], None),
        probed("rng", "/32", rng[1], None),
        probed("hasher", "/", hasher[0], None),
        probed("hasher", "/32", hasher[1], None),
    ]);
    seen.places.clear();
    seen
}

#[test]
fn servers_that_report_nothing_are_judged_by_their_paths() {
    let busy = original([818.0, 918.0], [3.5, 104.0]);
    assert_eq!(queue(&busy), ("rng".to_owned(), None));
    let work = ports(&busy).services[1].service_ms.unwrap();
    assert!((work - 100.5).abs() < 0.1, "{work} ms");
    // A long queue scatters by more than the work: the path with work may even be the quicker one.
    assert_eq!(queue(&original([890.0, 860.0], [3.5, 104.0])), ("rng".to_owned(), None));
    // Some waits are no queue, and hundreds of milliseconds of work are no wait.
    let calm = |rng| ports(&original(rng, [3.5, 104.0])).verdict;
    assert_eq!(calm([19.0, 119.0]), Some(PortsVerdict::NoQueue));
    assert_eq!(calm([1.2, 801.0]), Some(PortsVerdict::NoQueue));
}

#[test]
fn the_path_without_work_is_enough_where_the_work_is_known_by_contract() {
    let alone = |name: &str, total_ms| {
        let mut seen = seen(vec![probed(name, "/", total_ms, None)]);
        seen.places.clear();
        seen.ports[0].port.work = Work::of(name, "/");
        ports(&seen)
    };
    let slow = Some(PortsVerdict::Queue { service: "rng".to_owned(), waiting: None });
    assert_eq!(alone("rng", 818.0).verdict, slow);
    assert_eq!(alone("rng", 4.0).verdict, Some(PortsVerdict::NoQueue));
    assert_eq!(alone("shop", 818.0).withheld, Some(NoVerdict::Unjudged));
}

#[test]
fn too_few_responses_with_work_are_as_good_as_none() {
    let interrupted = |wait_ms, count| {
        let mut seen = seen(vec![
            probed("rng", "/", wait_ms, None),
            probed("rng", "/32", wait_ms + 100.0, None),
        ]);
        seen.places.clear();
        seen.ports[0].samples.truncate(5);
        seen.ports[1].samples.truncate(count);
        ports(&seen).verdict
    };
    let slow = Some(PortsVerdict::Queue { service: "rng".to_owned(), waiting: None });
    for count in 0..5 {
        assert_eq!(interrupted(818.0, count), slow, "{count} responses");
        assert_eq!(interrupted(4.0, count), Some(PortsVerdict::NoQueue), "{count} responses");
    }
}

#[test]
fn requests_are_known_by_the_contract() {
    assert_eq!(Work::of("rng", "/"), Work::None);
    assert_eq!(Work::of("hasher", "/"), Work::None);
    assert_eq!(Work::of("rng", "/4096"), Work::Full);
    for (service, path) in [("rng", "/-1"), ("rng", "/1?x=y"), ("hasher", "/32"), ("shop", "/")] {
        assert_eq!(Work::of(service, path), Work::Unknown, "{service} {path}");
    }
}

/// What a busy machine makes of an idle server that does nothing for either path.
#[test]
fn noise_is_no_verdict() {
    let noisy = |light_us: [u64; 11], heavy_us: [u64; 11]| {
        let mut seen = original([1.0, 101.0], [1.0, 1.0]);
        for (index, total_us) in [(2, light_us), (3, heavy_us)] {
            for (sample, total_us) in seen.ports[index].samples.iter_mut().zip(total_us) {
                sample.total_us = total_us;
            }
        }
        ports(&seen)
    };
    let quick = [310, 290, 305, 300, 280, 5_000, 320, 295, 300, 285, 315];
    let as_quick = [330, 350, 290, 410, 300, 310, 360, 4_200, 340, 280, 325];
    let slower = [5_100, 4_900, 7_000, 900, 5_000, 8_000, 400, 6_200, 5_300, 3_900, 9_900];
    let hasher = || "hasher".to_owned();
    for light in [quick, as_quick, slower] {
        for heavy in [quick, as_quick, slower] {
            let findings = noisy(light, heavy);
            assert_ne!(findings.services[1].queue, Queue::Shown, "{light:?} {heavy:?}");
        }
    }
    let undecided = Some(NoVerdict::Undecided { service: hasher() });
    assert_eq!(noisy(quick, as_quick).withheld, undecided);
    assert_eq!(noisy(slower, slower).withheld, undecided);
    // The same noise on work of 100 ms hides nothing.
    assert_eq!(noisy(quick, as_quick.map(|us| us + 100_000)).verdict, Some(PortsVerdict::NoQueue));
    // A few slow ones among quick ones: no queue, nor the other way round.
    let mut mixed = slower.map(|us| us * 40);
    mixed[..5].fill(300);
    assert_eq!(noisy(mixed, slower.map(|us| us + 100_000)).withheld, undecided);
}

#[test]
fn what_the_network_takes_is_no_wait() {
    let mut seen = original([150.0, 250.0], [145.0, 245.0]);
    assert_eq!(queue(&seen).0, "rng");
    for port in &mut seen.ports {
        port.samples.iter_mut().for_each(|sample| sample.connect_us = 70_000);
    }
    assert_eq!(ports(&seen).verdict, Some(PortsVerdict::NoQueue));
}

#[test]
fn without_a_queue_none_is_found() {
    let seen = seen(vec![
        probed("rng", "/", 30.0, Some((29.0, 0.0))),
        probed("rng", "/32", 130.0, Some((29.0, 100.0))),
    ]);
    assert_eq!(ports(&seen).verdict, Some(PortsVerdict::NoQueue));
}

#[test]
fn nothing_queues_where_nobody_works() {
    let counter = |now_s: u64, hashes| Counter { now_us: now_s * 1_000_000, hashes, coins: 0 };
    let observed = |seconds: u64, hashes: u64| {
        let mut seen = original([1.9, 102.0], [0.9, 101.0]);
        seen.counted = Some([counter(100, 7), counter(100 + seconds, 7 + hashes)]);
        ports(&seen)
    };
    assert_eq!(observed(10, 0).withheld, Some(NoVerdict::Idle));
    assert_eq!(observed(10, 1).verdict, Some(PortsVerdict::NoQueue));
    // Too short for a worker that counts once a second.
    assert_eq!(observed(1, 0).verdict, Some(PortsVerdict::NoQueue));
    let mut without_workers = original([1.9, 102.0], [0.9, 101.0]);
    without_workers.replicas.insert("worker".to_owned(), 0);
    assert_eq!(withheld(&without_workers), NoVerdict::Idle);
    // Whoever makes the queue is not counted.
    let mut queued = original([818.0, 918.0], [0.9, 101.0]);
    queued.counted = Some([counter(100, 7), counter(110, 7)]);
    assert_eq!(queue(&queued).0, "rng");
}

#[test]
fn no_verdict_without_good_answers() {
    let failing = |failed, probes, failure: &str| NoVerdict::Failing {
        service: "rng".to_owned(),
        request: "GET /".to_owned(),
        failed,
        probes,
        failure: failure.to_owned(),
    };
    let mut refused = probed("rng", "/", 1.0, None);
    refused.samples.clear();
    refused.failures.insert("connection refused".to_owned(), 11);
    assert_eq!(withheld(&seen(vec![refused])), failing(11, 11, "connection refused"));
    let mut slowest_missing = probed("rng", "/", 1.0, None);
    slowest_missing.failures.insert("no answer in time".to_owned(), 5);
    assert_eq!(withheld(&seen(vec![slowest_missing])), failing(5, 11, "no answer in time"));
    let mut few = probed("rng", "/", 1.0, None);
    few.samples.truncate(4);
    assert_eq!(withheld(&seen(vec![few])), NoVerdict::TooFew { needed: 5 });
    assert_eq!(withheld(&seen(vec![probed("webui", "/", 1.0, None)])), NoVerdict::Unjudged);
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
fn replicas_that_no_cluster_reports_are_those_that_answered() {
    let mut seen = seen(vec![
        probed("rng", "/", 250.0, Some((250.0, 0.0))),
        probed("rng", "/32", 350.0, Some((250.0, 100.0))),
    ]);
    let mut named = |name: fn(usize) -> Option<String>| {
        for port in &mut seen.ports {
            let samples = port.samples.iter_mut().enumerate();
            samples.for_each(|(number, sample)| sample.replica = name(number));
        }
        queue(&seen)
    };
    assert_eq!(named(|_| None), ("rng".to_owned(), None));
    assert_eq!(named(|number| Some(format!("rng.{}", number % 2))), ("rng".to_owned(), Some(4)));
}
