//! One replica as this worker sees it: its kept connections, how many requests are under way, and
//! whether it is to be left alone for a while.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use service::Backoff;
use tokio::time::Instant;

use crate::connection::{self, Answer, Connection, Failure, Patience};

/// A replica and what this worker keeps of it.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) address: SocketAddr,
    idle: Mutex<Vec<Connection>>,
    under_way: AtomicUsize,
    health: Mutex<Health>,
}

#[derive(Debug, Default)]
struct Health {
    backoff: Backoff,
    away_until: Option<Instant>,
}

impl Replica {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            idle: Mutex::default(),
            under_way: AtomicUsize::new(0),
            health: Mutex::default(),
        }
    }

    /// How many requests are under way, or `None` while it is left alone after a failure.
    pub(crate) fn available(&self, now: Instant) -> Option<usize> {
        match self.away_until() {
            Some(until) if until > now => None,
            _ => Some(self.under_way.load(Ordering::Relaxed)),
        }
    }

    pub(crate) fn away_until(&self) -> Option<Instant> {
        locked(&self.health).away_until
    }

    /// Sends one request and keeps the connection. Told to `close` it, it takes a new one, and lets
    /// go of those that were kept under another policy.
    pub(crate) async fn ask(
        &self,
        request: Request<Full<Bytes>>,
        most: usize,
        patience: Patience,
        close: bool,
    ) -> Result<Answer, Failure> {
        let _counted = UnderWay::new(&self.under_way);
        if close {
            locked(&self.idle).clear();
        }
        let (mut connection, reused) = match self.kept().await {
            Some(connection) => (connection, true),
            None => (connection::connect(self.address, patience.connect).await?, false),
        };
        let exchange = connection::exchange(&mut connection, request, most, reused);
        let answer = tokio::time::timeout(patience.request, exchange)
            .await
            .map_err(|_| Failure::Timeout(patience.request))??;
        if !close && !connection.is_closed() {
            locked(&self.idle).push(connection);
        }
        match answer.replica.is_empty() {
            true => Ok(Answer { replica: self.address.to_string(), ..answer }),
            false => Ok(answer),
        }
    }

    /// A kept connection that is still open.
    async fn kept(&self) -> Option<Connection> {
        loop {
            let mut connection = locked(&self.idle).pop()?;
            if connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    /// It answered: nothing is held against it. Whether something was.
    pub(crate) fn succeeded(&self) -> bool {
        let mut health = locked(&self.health);
        let had_failed = health.away_until.take().is_some();
        if had_failed {
            health.backoff.succeeded();
        }
        had_failed
    }

    /// It failed: it is left alone for a while, and so are its kept connections.
    pub(crate) fn failed(&self, now: Instant) {
        locked(&self.idle).clear();
        let mut health = locked(&self.health);
        // Requests that were under way together fail together: that is one failure.
        if health.away_until.is_none_or(|until| until <= now) {
            health.away_until = Some(now + health.backoff.failed());
        }
    }
}

/// Nothing under these locks can panic half way, so a poisoned one is as good as any.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn new(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
