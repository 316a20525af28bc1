//! The contract table held against the frameworks that it is about: what our services are held to is what Flask,
//! Sinatra and express do, every row of it. Whether a connection is kept is left to them: Flask closes each.

use std::net::SocketAddr;

use app_tests::contract::{COUNTED_COINS, COUNTED_HASHES, Given, HASHER, RNG, Row, WEBUI};
use app_tests::mix::{Addresses, Kind, Peers, Service, ready, start};
use app_tests::{Process, RedisServer};

use crate::store;

/// The stand-in for a service, and where it listens. Only webui asks `redis` for anything.
async fn stand_in(service: Service, redis: SocketAddr) -> (Process, SocketAddr) {
    let addresses = Addresses::new();
    let address = addresses.of(service);
    let peers = Peers { rng: address, hasher: address, redis };
    let mut process = start(service, Kind::Theirs, addresses, peers);
    ready(service, Kind::Theirs, &mut process, address).await;
    (process, address)
}

async fn holds(rows: impl Iterator<Item = &'static Row>, address: SocketAddr) {
    let (mut count, mut wrong) = (0, Vec::new());
    for row in rows {
        count += 1;
        wrong.extend(row.check(address).await.err());
    }
    assert!(count > 0 && wrong.is_empty(), "of {count} rows:\n{}", wrong.join("\n"));
}

fn no_redis() -> SocketAddr {
    ([127, 0, 0, 1], 1).into()
}

#[tokio::test]
async fn flask_answers_as_the_table_says() {
    let (_rng, address) = stand_in(Service::Rng, no_redis()).await;
    holds(RNG.iter(), address).await;
}

#[tokio::test]
async fn sinatra_answers_as_the_table_says() {
    let (_hasher, address) = stand_in(Service::Hasher, no_redis()).await;
    holds(HASHER.iter(), address).await;
}

#[tokio::test]
async fn express_answers_as_the_table_says() {
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(folder.path()).await;
    let (_webui, address) = stand_in(Service::Webui, redis.address()).await;
    let given = |given| WEBUI.iter().filter(move |row| row.given == given);
    holds(given(Given::Nothing), address).await;
    store::count(redis.address(), COUNTED_HASHES, COUNTED_COINS).await;
    holds(given(Given::Counted), address).await;
    holds(given(Given::Anything), address).await;
}
