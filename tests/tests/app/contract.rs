//! The contract table of the original app, held by rng, hasher and webui as processes, with a Redis
//! that holds nothing and one that holds counts. What it says of the worker and of the keys in Redis is in
//! `contract_worker`.

use std::net::SocketAddr;

use app_tests::contract::{COUNTED_COINS, COUNTED_HASHES, Given, HASHER, RNG, Row, WEBUI};
use app_tests::{Place, RedisServer, Up};

/// The app at the original's speed without workers, which would count.
async fn app(redis: &RedisServer) -> (Place, Up) {
    let place = Place::nominal();
    let up = place.up(&["--worker", "0", "--redis", &redis.address().to_string()]).await;
    up.answers().await;
    up.json("/json").await;
    (place, up)
}

/// Checks every row and fails with all deviations. HTTP/1.1 clients must be able to keep their
/// connection, unless they end it.
async fn check(rows: impl Iterator<Item = &'static Row>, address: SocketAddr) {
    let mut wrong = Vec::new();
    for row in rows {
        let may_keep = !row.request.windows(9).any(|bytes| bytes == b" HTTP/1.0");
        let asked = String::from_utf8_lossy(row.request).to_lowercase();
        let keeps = (may_keep && !asked.contains("close")) || asked.contains("keep-alive");
        match row.check(address).await {
            Ok(kept) if kept == keeps => {}
            Ok(kept) => wrong.push(format!("{}: kept {kept}, not {keeps}", row.name())),
            Err(deviations) => wrong.push(deviations),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn rng_and_hasher_answer_as_the_original_does() {
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(folder.path()).await;
    let (_place, up) = app(&redis).await;
    tokio::join!(check(RNG.iter(), up.rng), check(HASHER.iter(), up.hasher));
}

#[tokio::test]
async fn webui_answers_as_the_original_does_before_and_after_the_first_count() {
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(folder.path()).await;
    let (_place, up) = app(&redis).await;
    let given = |given| WEBUI.iter().filter(move |row| row.given == given);
    check(given(Given::Nothing), up.webui).await;
    let client = redis::Client::open(format!("redis://{}", redis.address())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut counts = redis::pipe();
    counts.cmd("SET").arg("hashes").arg(COUNTED_HASHES).ignore();
    for coin in 0..COUNTED_COINS {
        counts.cmd("HSET").arg("wallet").arg(format!("0{coin}")).arg(&b"\xff\0"[..]).ignore();
    }
    let () = counts.query_async(&mut connection).await.unwrap();
    check(given(Given::Counted), up.webui).await;
    check(given(Given::Anything), up.webui).await;
}
