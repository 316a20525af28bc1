//! Accepts connections and ends them; must not read a byte of what is sent over them.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::connection;
use crate::redis::Redis;
use crate::transport::Listen;

/// How often keys that nobody asks for are looked after.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(1);
const SHORTEST_BACKOFF: Duration = Duration::from_millis(10);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Serves `redis` on `listener` until `stop` resolves, and returns when every connection has
/// ended. Stopping closes connections without waiting for their clients. Dropping the future
/// ends the connections, too.
///
/// One Redis can be served on several listeners at a time, each with a clone of the handle, for
/// instance without a password on a Unix socket and with one over TCP
/// ([`Redis::with_password`]).
///
/// How many connections can wait to be accepted is the listener's: `TcpListener::bind` has 128, and
/// clients beyond that are held up for a second; `TcpSocket::listen` takes another number.
pub async fn serve(listener: impl Listen, redis: Redis, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let mut connections = JoinSet::new();
    let mut expiry = interval(EXPIRY_INTERVAL);
    expiry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut stop => break,
            stream = accept(&listener) => {
                if !redis.faults().refuses_connections() {
                    connections.spawn(connection::run(stream, redis.clone()));
                }
            }
            _ = expiry.tick() => redis.remove_expired(),
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// The next connection. Accepting fails when descriptors run out, and would go on failing until
/// some connection ends: waiting keeps that from becoming a busy loop. The wait starts afresh when
/// a connection has ended meanwhile, which is when accepting may work again.
async fn accept<L: Listen>(listener: &L) -> L::Stream {
    let mut backoff = SHORTEST_BACKOFF;
    loop {
        match listener.accept_client().await {
            Ok(stream) => return stream,
            Err(error) => tracing::warn!(%error, "cannot accept a connection to Redis"),
        }
        sleep(backoff).await;
        backoff = LONGEST_BACKOFF.min(backoff * 2);
    }
}
