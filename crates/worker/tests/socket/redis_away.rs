//! Redis failing in ways that leave open what it did: every loop is counted once, and once only.

use std::time::Duration;

use crate::server::{answer, hex};
use crate::{Exchange, FAST, Request, Server, Store, Worker, eventually, read_or_not};

/// Settings for a Redis that is given up early.
const IMPATIENT: [&str; 2] = ["--redis-timeout", "100ms"];

/// Stops the worker: Redis has all loops it says it did, and gets no more of them.
async fn settles(worker: Worker, store: &Store) {
    let ended = worker.stop().await;
    let loops = ended.loops();
    assert_eq!(store.hashes().await, loops, "{}", ended.log);
    assert_eq!(store.wallet().await.len() as u64, ended.coins(), "{}", ended.log);
    // Whatever a given-up connection still holds is carried out by then.
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(store.hashes().await, loops, "counted after the end: {}", ended.log);
}

#[tokio::test]
async fn answers_that_are_lost_count_nothing_twice() {
    read_or_not(survives_lost_answers).await;
}

async fn survives_lost_answers(store: Store) {
    let (rng, hasher) = (Server::good(), Server::good());
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &FAST);
    store.goes_on(5).await;
    for lost in [1, 2, 1] {
        store.faults.drop_replies_to("EXEC", lost);
        let before = hasher.count();
        // The loop goes on while Redis is away.
        eventually("twenty loops", async || (hasher.count() > before + 20).then_some(())).await;
    }
    store.faults.clear();
    store.goes_on(20).await;
    let report = store.report("the loss", |report| report.totals.errors.len() == 1).await;
    assert_eq!(report.totals.errors.keys().collect::<Vec<_>>(), ["redis: closed"]);
    settles(worker, &store).await;
}

#[tokio::test]
async fn answers_that_come_too_late_count_nothing_twice() {
    read_or_not(survives_late_answers).await;
}

async fn survives_late_answers(store: Store) {
    let (rng, hasher) = (Server::good(), Server::good());
    let flags = [&FAST[..], &IMPATIENT].concat();
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &flags);
    store.goes_on(5).await;
    // With the shorter delay the transaction as a whole is late, with the longer each word.
    for delay in [30, 300] {
        store.faults.delay_replies(Duration::from_millis(delay));
        let before = hasher.count();
        eventually("thirty loops", async || (hasher.count() > before + 30).then_some(())).await;
        store.faults.clear();
        store.goes_on(5).await;
    }
    store.report("late answers", |r| r.totals.errors.contains_key("redis: timeout")).await;
    settles(worker, &store).await;
}

#[tokio::test]
async fn a_stop_amid_late_answers_settles_once_redis_is_quick_again() {
    read_or_not(stops_amid_late_answers).await;
}

async fn stops_amid_late_answers(store: Store) {
    let (rng, hasher) = (Server::good(), Server::good());
    let flags = [&FAST[..], &IMPATIENT].concat();
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &flags);
    store.goes_on(5).await;
    store.faults.delay_replies(Duration::from_millis(30));
    let faults = store.faults.clone();
    let quick_again = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        faults.clear();
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    settles(worker, &store).await;
    quick_again.await.unwrap();
}

#[tokio::test]
async fn connections_cut_and_refused_lose_no_loop_and_no_coin() {
    read_or_not(survives_cut_connections).await;
}

async fn survives_cut_connections(store: Store) {
    let (rng, hasher) = (Server::good(), Server::good());
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &FAST);
    store.goes_on(5).await;
    store.faults.refuse_connections(true);
    store.faults.disconnect_all();
    let before = hasher.count();
    eventually("fifty loops", async || (hasher.count() > before + 50).then_some(())).await;
    store.faults.refuse_connections(false);
    store.goes_on(50).await;
    let report = store.report("a coin", |report| report.totals.coins >= 1).await;
    assert!(store.wallet().await.len() as u64 >= report.totals.coins);
    settles(worker, &store).await;
}

/// An rng all of whose bytes make coins.
fn lucky(request: &Request) -> Exchange {
    let mut tries = std::iter::repeat_with(|| request.good_body());
    let bytes = tries.find(|bytes| hex(bytes).starts_with('0')).unwrap();
    answer("200 OK", "", &bytes)
}

#[tokio::test]
async fn coins_that_cannot_be_written_are_kept_until_they_can() {
    read_or_not(keeps_coins).await;
}

async fn keeps_coins(store: Store) {
    let (rng, hasher) = (Server::start(lucky), Server::good());
    // Only coins are written before the end, so that it is they who meet the cut connections.
    let flags = ["--think-time", "5ms", "--flush-interval", "1h"];
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &flags);
    for _ in 0..5 {
        let (before, aim) = (store.wallet().await.len(), hasher.count() + 10);
        eventually("coins", async || (store.wallet().await.len() > before).then_some(())).await;
        store.faults.disconnect_all();
        eventually("ten loops", async || (hasher.count() > aim).then_some(())).await;
    }
    settles(worker, &store).await;
}

#[tokio::test]
async fn a_worker_without_redis_says_at_its_end_what_it_could_not_count() {
    let (rng, hasher, store) = (Server::good(), Server::good(), Store::start().await);
    store.faults.refuse_connections(true);
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &FAST);
    eventually("ten loops", async || (hasher.count() > 10).then_some(())).await;
    let ended = worker.orphan().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(ended.log.contains("accounts not settled"), "{}", ended.log);
    assert!(ended.log.contains("counted=0"), "{}", ended.log);
}
