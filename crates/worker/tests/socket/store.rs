//! The Redis that a test's worker counts in, in the test's own process, and what it holds.

use std::net::SocketAddr;

use embedded_redis::{Faults, Redis};
use observation::{OBSERVED_KEY, REPORT_FIELD, Report, WORKER_KEY};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, FromRedisValue};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{DEADLINE, eventually};

/// A Redis that ends with its test.
pub(crate) struct Store {
    pub(crate) address: SocketAddr,
    pub(crate) faults: Faults,
    server: JoinHandle<()>,
}

impl Store {
    /// A Redis whose reports are read, so that they come with each flush.
    pub(crate) async fn start() -> Self {
        let store = Self::unobserved().await;
        let () = store.ask(&["SET", OBSERVED_KEY, "1"]).await;
        store
    }

    /// A Redis whose reports are not read.
    pub(crate) async fn unobserved() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let redis = Redis::new();
        let faults = redis.faults();
        let server = tokio::spawn(embedded_redis::serve(listener, redis, std::future::pending()));
        Self { address, faults, server }
    }

    /// The counter of loops; 0 before the first count.
    pub(crate) async fn hashes(&self) -> u64 {
        self.ask::<Option<u64>>(&["GET", "hashes"]).await.unwrap_or(0)
    }

    /// Waits until so many loops more are counted.
    pub(crate) async fn goes_on(&self, more: u64) {
        let aim = self.hashes().await + more;
        let what = format!("{more} hashes more");
        eventually(&what, async || (self.hashes().await >= aim).then_some(())).await;
    }

    /// The wallet: each hash with the bytes it is of.
    pub(crate) async fn wallet(&self) -> Vec<(String, Vec<u8>)> {
        self.ask(&["HGETALL", "wallet"]).await
    }

    /// All keys but that of the readers, in order.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.ask(&["KEYS", "*"]).await;
        keys.retain(|key| key != OBSERVED_KEY);
        keys.sort_unstable();
        keys
    }

    /// The one worker's report that `fits`; waits for it.
    pub(crate) async fn report(&self, what: &str, fits: impl Fn(&Report) -> bool) -> Report {
        eventually(what, async || {
            let keys = self.keys().await;
            let key = keys.iter().find(|key| key.starts_with(WORKER_KEY))?;
            let text: Vec<u8> = self.ask(&["HGET", key, REPORT_FIELD]).await;
            let report: Report = serde_json::from_slice(&text).unwrap();
            assert_eq!(*key, format!("{WORKER_KEY}{}", report.id));
            fits(&report).then_some(report)
        })
        .await
    }

    /// Over a connection of its own, which no earlier fault has closed.
    pub(crate) async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = self.connection().await;
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await.unwrap()
    }

    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(format!("redis://{}", self.address)).unwrap();
        let patient = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(Some(DEADLINE));
        let connection = client.get_multiplexed_async_connection_with_config(&patient).await;
        connection.unwrap()
    }
}

/// Runs a test with a Redis whose reports are read, and with one whose reports are not, as in a class
/// that looks at the page alone: the worker then leaves it to Redis to watch for changes.
pub(crate) async fn read_or_not(test: impl AsyncFn(Store)) {
    let (read, unread) = (Store::start().await, Store::unobserved().await);
    tokio::join!(test(read), test(unread));
}

impl Drop for Store {
    fn drop(&mut self) {
        self.server.abort();
    }
}
