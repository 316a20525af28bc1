//! Servers that close their connections: after each answer, as the original's do, or while the
//! worker keeps one for later. That is no failure of theirs.

use std::time::Duration;

use observation::Stage;

use crate::{Exchange, FAST, Request, Server, Store, Worker, eventually};

/// What a server of HTTP/1.0 answers: no length, no kept connection, nothing of itself.
fn old(request: &Request) -> Exchange {
    let bytes = [b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\n", &request.good_body()[..]].concat();
    Exchange { bytes, close_after: Some(Duration::ZERO), ..Exchange::default() }
}

#[tokio::test]
async fn servers_that_close_after_each_answer_are_worked_with() {
    let (rng, hasher) = (Server::start(old), Server::start(old));
    let store = Store::start().await;
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &FAST);
    let totals = store.report("thirty loops", |report| report.totals.loops >= 30).await.totals;
    // A connection may be taken for a kept one just before its end is seen.
    let stale = ["rng: stale", "hasher: stale"];
    assert!(totals.errors.keys().all(|kind| stale.contains(&&**kind)), "{:?}", totals.errors);
    for (replicas, server) in [(&totals.rng_replicas, &rng), (&totals.hasher_replicas, &hasher)] {
        assert_eq!(*replicas, [(server.target(), totals.loops)].into());
    }
    let told = [Stage::RngQueue, Stage::RngService, Stage::HasherQueue, Stage::HasherService];
    assert!(told.iter().all(|stage| !totals.stages.contains_key(stage)), "{:?}", totals.stages);
    assert_eq!(worker.stop().await.loops(), store.hashes().await);
}

/// Runs a worker against an rng that closes connections like `manner`, and looks at the pauses
/// between its requests: most are shorter than the shortest back-off.
async fn is_replaced_at_once(manner: fn(&Request) -> Exchange) {
    let rng = Server::start(manner);
    let (hasher, store) = (Server::good(), Store::start().await);
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &FAST);
    eventually("forty requests", async || (rng.count() >= 40).then_some(())).await;
    let report = store.report("ten loops", |report| report.totals.loops >= 10).await;
    let errors = report.totals.errors;
    assert!(errors.keys().all(|kind| kind == "rng: stale"), "{errors:?}");
    let requests = rng.requests();
    let mut pauses: Vec<_> = requests.windows(2).map(|two| two[1].at - two[0].at).collect();
    pauses.sort_unstable();
    assert!(pauses[pauses.len() * 4 / 5] < Duration::from_millis(100), "{pauses:?}");
    let connections = requests.iter().map(|request| request.connection).max();
    assert!(connections >= Some(15), "{connections:?}: they were to be closed");
    assert_eq!(worker.stop().await.loops(), store.hashes().await);
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_while_idle_is_replaced_at_once() {
    is_replaced_at_once(|request| Exchange {
        close_after: Some(Duration::from_millis(1)),
        ..request.good("")
    })
    .await;
}

#[tokio::test]
async fn a_kept_connection_that_closes_upon_its_next_request_is_replaced_at_once() {
    is_replaced_at_once(|request| match request.turn {
        0 => request.good(""),
        _ => Exchange { close_after: Some(Duration::ZERO), ..Exchange::default() },
    })
    .await;
}
