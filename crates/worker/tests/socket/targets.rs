//! Replicas named in a file that somebody else keeps current: who is added gets a share, who is
//! taken out gets nothing more.

use std::path::Path;

use crate::{FAST, Server, Store, Worker, eventually};

/// Puts these servers into the file, whole at any moment.
fn list(file: &Path, servers: &[&Server]) {
    let next = file.with_extension("next");
    let lines: String = servers.iter().map(|server| server.target() + "\n").collect();
    std::fs::write(&next, lines).unwrap();
    std::fs::rename(next, file).unwrap();
}

async fn asked(server: &Server, more: usize) {
    let aim = server.count() + more;
    eventually("requests", async || (server.count() >= aim).then_some(())).await;
}

#[tokio::test]
async fn replicas_come_and_go_with_their_lines_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rng");
    let (first, second, store) = (Server::good(), Server::good(), Store::start().await);
    let hasher = Server::good();
    list(&file, &[&first]);
    let target = format!("@{}", file.display());
    let worker = Worker::start(&target, &hasher.target(), &store, &FAST);
    asked(&first, 10).await;
    assert_eq!(second.count(), 0);

    list(&file, &[&first, &second]);
    asked(&second, 1).await;
    let before = (first.count(), second.count());
    asked(&second, 50).await;
    let shares = (first.count() - before.0, second.count() - before.1);
    assert!(shares.0.abs_diff(shares.1) <= 3, "{shares:?}");

    list(&file, &[&second]);
    // Out of its turn: until then the two are asked one after the other.
    let left = eventually("the first to be left out", async || {
        let before = first.count();
        asked(&second, 5).await;
        (first.count() == before).then_some(before)
    })
    .await;
    asked(&second, 30).await;
    assert_eq!(first.count(), left);
    assert_eq!(worker.stop().await.loops(), store.hashes().await);
}

#[tokio::test]
async fn a_worker_without_replicas_waits_for_the_first_and_tells_that_it_could_not_find_any() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rng");
    let (rng, hasher, store) = (Server::good(), Server::good(), Store::start().await);
    let target = format!("@{}", file.display());
    let worker = Worker::start(&target, &hasher.target(), &store, &FAST);
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    list(&file, &[&rng]);
    let report = store.report("loops", |report| report.totals.loops >= 5).await;
    assert_eq!(report.totals.errors.keys().collect::<Vec<_>>(), ["rng: resolve"]);
    assert_eq!(worker.stop().await.loops(), store.hashes().await);
}
