//! Our services mixed with the original's, which stand-ins on the original's own frameworks play: every mix makes
//! hashes, without an error, and counts as many as hasher made.

#![expect(clippy::unwrap_used, reason = "what these tests share fails the test")]

mod contract;
mod counted;
mod embedded;
mod probed;
mod store;

use std::net::SocketAddr;

use app_tests::RedisServer;
use app_tests::mix::{Kind, Mix, Service};

use Service::{Hasher, Rng, Webui, Worker};

/// Loops that are counted before a mix is stopped: a worker that counts once a second counts twice for them.
const ENOUGH: u64 = 5;

/// A test of each mix, by the services in it that are the original's.
macro_rules! mixes {
    ($($name:ident: [$($theirs:ident),*])*) => {$(
        #[tokio::test]
        async fn $name() {
            let folder = tempfile::tempdir().unwrap();
            let redis = RedisServer::start(folder.path()).await;
            works(redis.address(), &[$($theirs),*]).await;
        }
    )*};
}

mixes! {
    all_ours: []
    their_rng_alone: [Rng]
    their_hasher_alone: [Hasher]
    their_worker_alone: [Worker]
    their_webui_alone: [Webui]
    their_rng_and_hasher: [Rng, Hasher]
    their_rng_and_worker: [Rng, Worker]
    their_rng_and_webui: [Rng, Webui]
    their_hasher_and_worker: [Hasher, Worker]
    their_hasher_and_webui: [Hasher, Webui]
    their_worker_and_webui: [Worker, Webui]
    our_rng_alone: [Hasher, Worker, Webui]
    our_hasher_alone: [Rng, Worker, Webui]
    our_worker_alone: [Rng, Hasher, Webui]
    our_webui_alone: [Rng, Hasher, Worker]
    all_theirs: [Rng, Hasher, Worker, Webui]
}

/// Runs a mix on the Redis at `redis` until enough is counted, and looks at it from all sides.
async fn works(redis: SocketAddr, theirs: &[Service]) {
    let kind = |service| if theirs.contains(&service) { Kind::Theirs } else { Kind::Ours };
    let mut mix = Mix::start(redis, kind).await;
    counted::page_moves(mix.webui, ENOUGH).await;
    counted::nothing_failed(&mix.stop().await);
    for (name, statuses) in [("rng", mix.rng.statuses()), ("hasher", mix.hasher.statuses())] {
        assert!(statuses.keys().eq(&[200]), "{name} answered by status: {statuses:?}");
    }
    counted::as_many_as_hasher_made(redis, mix.hasher.good(), kind(Worker)).await;
}
