//! The connection to Redis: made when it is needed, kept, and after a failure not made again before
//! a pause is over. What is said over it is the ledger's business.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError, RedisResult};
use redis_address::RedisAddress;
use service::Backoff;
use tokio::time::Instant;

use crate::tally::Tally;

/// The connection to Redis.
#[derive(Debug)]
pub(crate) struct Link {
    address: RedisAddress,
    timeout: Duration,
    state: Mutex<State>,
    /// Held by the one attempt to connect.
    connecting: tokio::sync::Mutex<()>,
}

/// A connection and its number, by which its failures are told from those of an earlier one.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) number: u64,
}

#[derive(Debug, Default)]
struct State {
    line: Option<Line>,
    /// Connections made so far.
    made: u64,
    backoff: Backoff,
    away_until: Option<Instant>,
}

impl Link {
    /// A link to the Redis at `address`, which counts as away when it is silent for `timeout`.
    pub(crate) fn new(address: &RedisAddress, timeout: Duration) -> Self {
        let address = address.clone();
        Self {
            address,
            timeout,
            state: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        }
    }

    /// The connection, or `None` while Redis is away.
    pub(crate) async fn get(&self, tally: &Tally) -> Option<Line> {
        {
            let state = self.state();
            if state.line.is_some() {
                return state.line.clone();
            }
            if state.away_until.is_some_and(|until| until > Instant::now()) {
                return None;
            }
        }
        let _connecting = self.connecting.try_lock().ok()?;
        match self.connect().await {
            Ok(connection) => {
                let mut state = self.state();
                state.made += 1;
                state.away_until = None;
                state.line = Some(Line { connection, number: state.made });
                state.line.clone()
            }
            Err(error) => {
                let none = self.state().made;
                self.lost(tally, none, &error);
                None
            }
        }
    }

    /// A use of connection `number` failed: it is dropped, and Redis left alone for a while.
    pub(crate) fn lost(&self, tally: &Tally, number: u64, error: &RedisError) {
        let kind = if error.is_timeout() {
            "timeout"
        } else if error.is_connection_refusal() {
            "connect"
        } else if error.is_connection_dropped() || error.is_io_error() {
            "closed"
        } else {
            "refused"
        };
        tally.failed("redis", kind);
        let mut state = self.state();
        if state.made != number {
            return; // another one was made since
        }
        state.line = None;
        let now = Instant::now();
        // Uses that were under way together fail together: that is one failure.
        if state.away_until.is_none_or(|until| until <= now) {
            let pause = state.backoff.failed();
            state.away_until = Some(now + pause);
            tracing::warn!(%error, ?pause, "Redis is away; what is to be counted is kept");
        }
    }

    /// Something was said and answered: the next failure is the first again.
    pub(crate) fn succeeded(&self) {
        self.state().backoff.succeeded();
    }

    /// Does not wait for the pause to be over.
    pub(crate) fn forgive(&self) {
        self.state().away_until = None;
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        // Made anew each time, so that its name is resolved again: Redis may have moved.
        self.address.client()?.get_multiplexed_async_connection_with_config(&config).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
