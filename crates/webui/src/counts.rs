//! The app's two counters as Redis holds them: `hashes` and the size of `wallet`.

use std::time::Duration;

use redis::{Pipeline, RedisResult, Value, from_redis_value};

use crate::store::{Store, StoreError, deadline};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Exactly the text in Redis; `None` before the first count.
    pub(crate) hashes: Option<String>,
    pub(crate) coins: u64,
}

/// Both counters in one round trip.
pub(crate) async fn read(store: &Store) -> Result<Counts, StoreError> {
    let replies = store.ask(&commands(), deadline()).await?;
    take(store, &mut replies.into_iter())
}

/// The commands whose replies [`take`] reads.
pub(crate) fn commands() -> Pipeline {
    let mut pipeline = Pipeline::new();
    pipeline.cmd("GET").arg("hashes");
    pipeline.cmd("HLEN").arg("wallet");
    pipeline
}

/// Reads the counters off the front of `replies`.
pub(crate) fn take(
    store: &Store,
    replies: &mut impl Iterator<Item = RedisResult<Value>>,
) -> Result<Counts, StoreError> {
    let mut next = || replies.next().unwrap_or(Ok(Value::Nil));
    let hashes = next().and_then(|value| Ok(from_redis_value::<Option<Vec<u8>>>(value)?));
    let coins = next().and_then(|value| Ok(from_redis_value(value)?));
    Ok(Counts {
        hashes: hashes
            .map_err(|error| store.refused("GET hashes", &error))?
            .map(|text| String::from_utf8_lossy(&text).into_owned()),
        coins: coins.map_err(|error| store.refused("HLEN wallet", &error))?,
    })
}

/// The time since 1970; zero on a clock that is set before it.
pub(crate) fn unix_time() -> Duration {
    service::clock::unix_time("WEBUI")
}
