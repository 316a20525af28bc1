//! The counters, read and set in whatever Redis a mix has.

use std::net::SocketAddr;

use redis::aio::MultiplexedConnection;

/// The counter of loops; 0 before the first count.
pub(crate) async fn hashes(redis: SocketAddr) -> u64 {
    let get = redis::cmd("GET").arg("hashes").to_owned();
    let hashes: Option<u64> = get.query_async(&mut connect(redis).await).await.unwrap();
    hashes.unwrap_or(0)
}

/// The wallet: each hash with the bytes it is of.
pub(crate) async fn wallet(redis: SocketAddr) -> Vec<(String, Vec<u8>)> {
    let get = redis::cmd("HGETALL").arg("wallet").to_owned();
    get.query_async(&mut connect(redis).await).await.unwrap()
}

/// Sets the counter, and puts `coins` coins into the wallet.
pub(crate) async fn count(redis: SocketAddr, hashes: &str, coins: u64) {
    let mut counts = redis::pipe();
    counts.cmd("SET").arg("hashes").arg(hashes).ignore();
    for coin in 0..coins {
        counts.cmd("HSET").arg("wallet").arg(format!("0{coin}")).arg(&b"\xff\0"[..]).ignore();
    }
    counts.query_async::<()>(&mut connect(redis).await).await.unwrap();
}

async fn connect(redis: SocketAddr) -> MultiplexedConnection {
    let client = redis::Client::open(format!("redis://{redis}")).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}
