//! Servers that fail: each failure is counted by its kind, the server left alone for a while, and
//! worked with as soon as it is good again.

use std::time::Duration;

use tokio::task::{JoinSet, LocalSet};

use crate::server::{answer, hex, port};
use crate::{Exchange, FAST, Request, Server, Store, Worker, eventually};

/// The shortest pause after a failure.
const PAUSE: Duration = Duration::from_millis(100);
const FAILURES: usize = 3;

/// A way to fail, and the kinds it may be counted under.
type Case = (fn(&Request) -> Exchange, &'static [&'static str]);

fn closing(bytes: impl Into<Vec<u8>>) -> Exchange {
    Exchange { bytes: bytes.into(), close_after: Some(Duration::ZERO), ..Exchange::default() }
}

/// Ways in which any service may fail.
const ANY: [Case; 8] = [
    (|_| answer("500 Internal Server Error", "", b"no"), &["status 500"]),
    (|_| answer("404 Not Found", "", b"no"), &["status 404"]),
    (|_| answer("503 Service Unavailable", "Connection: close\r\n", b""), &["status 503"]),
    (|_| closing("garbage\r\n\r\n"), &["malformed"]),
    (|_| closing(""), &["closed"]),
    (|_| closing("HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\nhalf"), &["malformed"]),
    (|_| Exchange::default(), &["timeout"]),
    (|_| answer("200 OK", "", &[b'0'; 100_000]), &["malformed"]),
];

/// Ways in which only rng may.
const RNG: [Case; 2] = [
    (|_| answer("200 OK", "", &[0; 31]), &["malformed"]),
    (|_| answer("200 OK", "", b""), &["malformed"]),
];

/// Ways in which only hasher may.
const HASHER: [Case; 3] = [
    (|_| answer("200 OK", "", &[b'x'; 64]), &["malformed"]),
    (|_| answer("200 OK", "", hex(b"").to_uppercase().as_bytes()), &["malformed"]),
    (|_| answer("200 OK", "", &[b'0'; 63]), &["malformed"]),
];

/// One worker whose `service` fails a few times and then is good.
async fn fails_and_recovers(service: &'static str, (manner, kinds): Case) {
    let (bad, good, store) = (Server::start(manner), Server::good(), Store::start().await);
    // A busy machine may well be silent for as long, so that others are to be waited for.
    let impatient: &[&str] = match kinds {
        ["timeout"] => &["--request-timeout", "200ms"],
        _ => &[],
    };
    let flags = [&FAST[..], impatient].concat();
    let worker = match service {
        "rng" => Worker::start(&bad.target(), &good.target(), &store, &flags),
        _ => Worker::start(&good.target(), &bad.target(), &store, &flags),
    };
    let what = format!("failures of {service}: {kinds:?}");
    eventually(&what, async || (bad.count() >= FAILURES).then_some(())).await;
    bad.turns(|request| request.good(""));
    let report = store.report(&what, |report| report.totals.loops >= 10).await;
    let requests = bad.requests();
    for two in requests[..FAILURES].windows(2) {
        let pause = two[1].at - two[0].at;
        assert!(pause >= PAUSE, "{what}: asked again after {pause:?}");
    }
    let errors = report.totals.errors;
    let expected = kinds.iter().map(|kind| format!("{service}: {kind}"));
    let counted: u64 = expected.filter_map(|kind| errors.get(&kind)).sum();
    assert!(counted >= FAILURES as u64, "{what}: {errors:?}");
    let others = errors.keys().filter(|kind| !kinds.iter().any(|known| kind.ends_with(known)));
    assert_eq!(others.count(), 0, "{what}: {errors:?}");
    let ended = worker.stop().await;
    assert_eq!(ended.loops(), store.hashes().await);
    // Once at the first failure, with all of what is known; and once when it is back.
    let warned = format!("dependency=\"{service}\" address={} error=\"", bad.target());
    let first = ended.log.lines().find(|line| line.contains(&warned)).unwrap();
    assert!(first.contains(" WARN ") && first.contains(" failures=1"), "{what}: {first}");
    let kind = kinds.iter().any(|kind| first.contains(&format!("{warned}{kind}")));
    assert!(kind, "{what}: {}", ended.log);
    // A busy machine may make it fail for a second time.
    assert!(ended.log.matches(&warned).count() < FAILURES, "{what}: {}", ended.log);
    let back = format!("dependency is back dependency=\"{service}\"");
    assert!(ended.log.contains(&back), "{what}: {}", ended.log);
}

async fn all_of(service: &'static str, cases: impl IntoIterator<Item = Case>) {
    let mut runs = JoinSet::new();
    let local = LocalSet::new();
    for case in cases {
        runs.spawn_local_on(fails_and_recovers(service, case), &local);
    }
    local.run_until(runs.join_all()).await;
}

#[tokio::test]
async fn failures_of_rng_are_counted_by_kind_and_recovered_from() {
    all_of("rng", ANY.into_iter().chain(RNG)).await;
}

#[tokio::test]
async fn failures_of_hasher_are_counted_by_kind_and_recovered_from() {
    all_of("hasher", HASHER.into_iter().chain([ANY[0], ANY[3], ANY[6]])).await;
}

#[tokio::test]
async fn a_replica_that_is_not_there_yet_is_waited_for() {
    let (later, hasher, store) = (port(), Server::good(), Store::start().await);
    let address = later.local_addr().unwrap().to_string();
    let worker = Worker::start(&address, &hasher.target(), &store, &FAST);
    tokio::time::sleep(3 * PAUSE).await;
    let rng = Server::listen(later, |request| request.good(""));
    let report = store.report("five loops", |report| report.totals.loops >= 5).await;
    let errors = report.totals.errors;
    assert_eq!(errors.keys().collect::<Vec<_>>(), ["rng: connect"]);
    assert!(rng.count() >= 5);
    worker.stop().await.loops();
}

#[tokio::test]
async fn one_bad_replica_of_two_is_asked_less_and_costs_no_loop() {
    let bad = Server::start(|_| answer("500 Internal Server Error", "", b""));
    let (good, hasher, store) = (Server::good(), Server::good(), Store::start().await);
    let both = format!("{},{}", bad.target(), good.target());
    let worker = Worker::start(&both, &hasher.target(), &store, &FAST);
    let report = store.report("fifty loops", |report| report.totals.loops >= 50).await;
    let failed = report.totals.errors.get("rng: status 500").copied().unwrap_or(0);
    assert!(failed >= 1 && failed * 2 <= report.totals.loops, "{failed}");
    assert_eq!(report.totals.rng_replicas.keys().collect::<Vec<_>>(), [&good.target()]);
    for two in bad.requests().windows(2) {
        assert!(two[1].at - two[0].at >= PAUSE);
    }
    worker.stop().await.loops();
}
