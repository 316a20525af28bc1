//! The connection to Redis: made when first needed, shared by all requests, dropped at the first
//! sign of trouble. It never waits longer than a request's budget and never backs off, so that
//! webui is back the moment Redis is. It knows no key and no command.
//!
//! At most one attempt to connect is under way, in a task of its own: requests that come meanwhile
//! wait for that one, and one that gives up does not end it for the others.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, Pipeline, RedisError, RedisResult, Value};
use redis_address::RedisAddress;
use service::{Outage, Recovery};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

/// How long a request may wait for Redis in all, connecting included.
pub const BUDGET: Duration = Duration::from_millis(800);

/// Why there are no numbers.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// It took longer than [`BUDGET`].
    #[error("redis at {0} did not answer within {BUDGET:?}")]
    Silent(String),
    /// There is no connection.
    #[error("redis at {0} cannot be reached: {1}")]
    Unreachable(String, String),
    /// Redis answered with an error, or with something else than was asked for.
    #[error("redis at {0} refused {1}: {2}")]
    Refused(String, &'static str, String),
}

/// A Redis server to ask; clones share the connection.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    address: RedisAddress,
    link: Mutex<Link>,
    outage: Mutex<Outage>,
}

#[derive(Clone)]
struct Connection {
    number: u64,
    redis: MultiplexedConnection,
}

type Outcome = Result<Connection, StoreError>;

#[derive(Default)]
struct Link {
    state: State,
    /// Connections made so far, to tell a new one from the one that just failed.
    made: u64,
}

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Connecting(watch::Receiver<Option<Outcome>>),
    Open(Connection),
}

/// An error in Redis's own words, where it has said anything.
fn words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => error.to_string(),
    }
}

/// When a request that starts now must be answered.
pub(crate) fn deadline() -> Instant {
    Instant::now() + BUDGET
}

impl Store {
    pub(crate) fn new(address: RedisAddress) -> Self {
        Self(Arc::new(Shared { address, link: Mutex::default(), outage: Mutex::default() }))
    }

    /// Sends all commands in one go and returns each one's reply. A kept connection that turns
    /// out to be broken is replaced and the commands sent again: done twice, all of them do the same.
    pub(crate) async fn ask(
        &self,
        commands: &Pipeline,
        deadline: Instant,
    ) -> Result<Vec<RedisResult<Value>>, StoreError> {
        let mut commands = commands.clone();
        commands.ignore_errors();
        let silent = || StoreError::Silent(self.0.address.to_string());
        loop {
            let (kept, connection) =
                timeout_at(deadline, self.0.connection()).await.map_err(|_| silent())?;
            let Connection { number, mut redis } = connection?;
            match timeout_at(deadline, commands.query_async(&mut redis)).await {
                Ok(Ok(replies)) => return Ok(replies),
                Ok(Err(_)) if kept => self.0.forget(number),
                Ok(Err(error)) => {
                    self.0.forget(number);
                    return Err(self.0.unreachable(&error));
                }
                Err(_) => {
                    self.0.forget(number);
                    return Err(silent());
                }
            }
        }
    }

    /// The error for a command that Redis refused.
    pub(crate) fn refused(&self, command: &'static str, error: &RedisError) -> StoreError {
        self.unfit(command, &words(error))
    }

    /// The error for a command that Redis did not answer as it should.
    pub(crate) fn unfit(&self, command: &'static str, reason: &dyn fmt::Display) -> StoreError {
        StoreError::Refused(self.0.address.to_string(), command, reason.to_string())
    }

    /// Logs that an answer could not be given, or that one could again, as often as an [`Outage`]
    /// has it.
    pub(crate) fn log(&self, error: Option<&StoreError>) {
        let mut outage = self.0.outage.lock().unwrap_or_else(PoisonError::into_inner);
        let address = &self.0.address;
        match error {
            Some(error) => {
                if let Some(failures) = outage.failed() {
                    tracing::warn!(failures, "{error}");
                }
            }
            None => {
                if let Some(Recovery { after, failures }) = outage.succeeded() {
                    tracing::info!(%address, ?after, failures, "redis is back");
                }
            }
        }
    }
}

impl Shared {
    /// The connection, and whether it was there already.
    async fn connection(self: &Arc<Self>) -> (bool, Outcome) {
        let mut attempt = match self.open_or_attempt() {
            Ok(connection) => return (true, Ok(connection)),
            Err(attempt) => attempt,
        };
        let outcome = match attempt.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => None,
        };
        let given_up = "the attempt to connect was given up".to_owned();
        let stopped = || Err(StoreError::Unreachable(self.address.to_string(), given_up));
        (false, outcome.unwrap_or_else(stopped))
    }

    fn open_or_attempt(self: &Arc<Self>) -> Result<Connection, watch::Receiver<Option<Outcome>>> {
        let mut link = self.link();
        match &link.state {
            State::Open(connection) => Ok(connection.clone()),
            State::Connecting(attempt) => Err(attempt.clone()),
            State::Idle => {
                let (sender, attempt) = watch::channel(None);
                link.state = State::Connecting(attempt.clone());
                let shared = Arc::clone(self);
                tokio::spawn(async move {
                    let outcome = shared.connect().await;
                    // Nobody may be left to hear of it.
                    let _ = sender.send(Some(shared.settle(outcome)));
                });
                Err(attempt)
            }
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, StoreError> {
        // This module keeps the time.
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let client = self.address.client().map_err(|error| self.unreachable(&error))?;
        match timeout(BUDGET, client.get_multiplexed_async_connection_with_config(&config)).await {
            Ok(connected) => connected.map_err(|error| self.unreachable(&error)),
            Err(_) => Err(StoreError::Silent(self.address.to_string())),
        }
    }

    fn settle(&self, outcome: Result<MultiplexedConnection, StoreError>) -> Outcome {
        let mut link = self.link();
        match outcome {
            Ok(redis) => {
                link.made += 1;
                let connection = Connection { number: link.made, redis };
                link.state = State::Open(connection.clone());
                Ok(connection)
            }
            Err(error) => {
                link.state = State::Idle;
                Err(error)
            }
        }
    }

    fn forget(&self, number: u64) {
        let mut link = self.link();
        if matches!(&link.state, State::Open(open) if open.number == number) {
            link.state = State::Idle;
        }
    }

    /// The error for a connection that could not be made or is lost. Redis may have answered, for
    /// instance that it needs a password: then it is there, and says what is wrong.
    fn unreachable(&self, error: &RedisError) -> StoreError {
        let address = self.address.to_string();
        match error.code().is_some() || error.kind() == ErrorKind::AuthenticationFailed {
            true => StoreError::Refused(address, "the connection", words(error)),
            false => StoreError::Unreachable(address, error.to_string()),
        }
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Idle => "idle",
            State::Connecting(_) => "connecting",
            State::Open(_) => "open",
        };
        write!(out, "Link({state}, {} made)", self.made)
    }
}
