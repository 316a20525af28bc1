//! The loop itself: what is asked, counted, told and settled at the end.

use std::time::Duration;

use observation::Stage;

use crate::server::{self, Exchange};
use crate::{FAST, Server, Store, Worker, eventually};

#[tokio::test]
async fn every_loop_is_counted_and_every_coin_is_the_hash_of_its_bytes() {
    let (rng, hasher, store) = (Server::good(), Server::good(), Store::start().await);
    let flags = [&FAST[..], &["--replica", "worker.7"]].concat();
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &flags);
    eventually("three coins", async || (store.wallet().await.len() >= 3).then_some(())).await;
    let report = store.report("twenty loops", |report| report.totals.loops >= 20).await;
    assert!(store.hashes().await >= report.totals.loops, "told before it is counted");
    assert_eq!((&*report.replica, &*report.policy), ("worker.7", "round-robin"));
    assert_eq!((report.schema_version, report.virtual_workers), (1, 1));
    assert!(report.started_us <= report.at_us, "{report:?}");
    let totals = report.totals;
    assert!(totals.errors.is_empty(), "{:?}", totals.errors);
    for stage in [Stage::Think, Stage::Rng, Stage::Hasher, Stage::Loop] {
        assert_eq!(totals.stages[&stage].count(), totals.loops, "{stage:?}");
    }
    let loops = worker.stop().await.loops();
    assert_eq!(store.hashes().await, loops);
    for (hash, bytes) in store.wallet().await {
        assert_eq!(bytes.len(), 32);
        assert!(hash.starts_with('0'), "{hash}");
        assert_eq!(hash, server::hex(&bytes));
    }
    assert_eq!(store.keys().await, ["hashes", "wallet"]);
    // The loop that the stop cut off may have asked once more.
    let asked = rng.count() as u64;
    assert!((loops..=loops + 1).contains(&asked), "{asked} requests in {loops} loops");
}

/// The lines of a head but for its first and its `Host`.
fn headers(head: &str) -> Vec<&str> {
    let mut lines: Vec<_> = head.trim_end().lines().skip(1).collect();
    lines.retain(|line| !line.starts_with("host: "));
    lines.sort_unstable();
    lines
}

#[tokio::test]
async fn bodies_are_sent_as_binary_data_and_requests_without_a_body_have_no_type() {
    let (rng, hasher, store) = (Server::good(), Server::good(), Store::start().await);
    let flags = [&FAST[..], &["--bytes", "100"]].concat();
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &flags);
    store.goes_on(5).await;
    worker.stop().await.loops();
    for request in hasher.requests() {
        assert!(request.head.starts_with("POST / http/1.1\r\n"), "{}", request.head);
        let expected = ["content-length: 100", "content-type: application/octet-stream"];
        assert_eq!(headers(&request.head), expected, "{}", request.head);
    }
    for request in rng.requests() {
        assert!(request.head.starts_with("GET /100 http/1.1\r\n"), "{}", request.head);
        assert!(headers(&request.head).is_empty(), "{}", request.head);
    }
}

#[tokio::test]
async fn a_stop_counts_what_was_not_counted_yet_and_takes_the_report_down() {
    let (rng, hasher, store) = (Server::good(), Server::good(), Store::start().await);
    let flags = ["--think-time", "5ms", "--flush-interval", "1h"];
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &flags);
    eventually("ten loops", async || (hasher.count() > 10).then_some(())).await;
    assert_eq!(store.hashes().await, 0);
    let loops = worker.stop().await.loops();
    assert!(loops >= 10, "{loops}");
    assert_eq!(store.hashes().await, loops);
    let left = store.keys().await;
    assert!(left.iter().all(|key| key == "hashes" || key == "wallet"), "{left:?}");
}

#[tokio::test]
async fn a_worker_whose_parent_is_gone_counts_its_loops_too() {
    let (rng, hasher, store) = (Server::good(), Server::good(), Store::start().await);
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &FAST);
    store.goes_on(5).await;
    let loops = worker.orphan().await.loops();
    assert_eq!(store.hashes().await, loops);
}

#[tokio::test]
async fn fifty_virtual_workers_loop_at_a_time_and_are_one_worker() {
    let slow = Duration::from_millis(200);
    let hasher = Server::start(move |request| Exchange { delay: slow, ..request.good("") });
    let (rng, store) = (Server::good(), Store::start().await);
    let flags = [&FAST[..], &["--virtual-workers", "50"]].concat();
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &flags);
    eventually("most of fifty under way", async || (hasher.most_open() >= 40).then_some(())).await;
    let report = store.report("a hundred loops", |report| report.totals.loops >= 100).await;
    assert_eq!(report.virtual_workers, 50);
    assert!(hasher.most_open() <= 50, "{}", hasher.most_open());
    assert_eq!(worker.stop().await.loops(), store.hashes().await);
}

#[tokio::test]
async fn what_the_servers_say_of_themselves_is_in_the_report() {
    let rng = "Server-Timing: queue;dur=1.5, service;dur=7\r\nX-Replica: rng.9\r\n";
    let rng = Server::start(move |request| request.good(rng));
    let hasher = "Server-Timing: cache;desc=no, service;dur=0.25\r\nX-Replica: hasher.9\r\n";
    let hasher = Server::start(move |request| request.good(hasher));
    let store = Store::start().await;
    let _worker = Worker::start(&rng.target(), &hasher.target(), &store, &FAST);
    let totals = store.report("five loops", |report| report.totals.loops >= 5).await.totals;
    for (stage, each) in
        [(Stage::RngQueue, 1500), (Stage::RngService, 7000), (Stage::HasherService, 250)]
    {
        let latency = &totals.stages[&stage];
        assert_eq!(latency.sum_us(), each * totals.loops, "{stage:?}");
    }
    assert!(!totals.stages.contains_key(&Stage::HasherQueue), "nobody told it");
    assert_eq!(totals.rng_replicas, [("rng.9".to_owned(), totals.loops)].into());
    assert_eq!(totals.hasher_replicas, [("hasher.9".to_owned(), totals.loops)].into());
}
