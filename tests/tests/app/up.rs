//! `bench up`: what the published ports answer, and what ends up in Redis.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;

use app_tests::http::{self, Reply};
use app_tests::{Place, RedisServer, eventually};
use sha2::{Digest as _, Sha256};

async fn answer(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> Reply {
    eventually(&format!("an answer to {method} {path}"), async || {
        http::request(address, method, path, body).await.ok()
    })
    .await
}

fn sha_256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[tokio::test]
async fn published_ports_answer_as_the_original_app_does() {
    let place = Place::fast();
    let up = place.up(&[]).await;

    let greeting = answer(up.rng, "GET", "/", b"").await;
    assert_eq!((greeting.status, greeting.text().as_str()), (200, "RNG running on rng.1\n"));
    let random = answer(up.rng, "GET", "/32", b"").await;
    assert_eq!((random.status, random.body.len()), (200, 32));
    assert_eq!(random.header("Content-Type"), Some("application/octet-stream"));
    assert_eq!(answer(up.rng, "GET", "/0", b"").await.body.len(), 0);
    assert_eq!(answer(up.rng, "GET", "/abc", b"").await.status, 404);

    let greeting = answer(up.hasher, "GET", "/", b"").await;
    assert_eq!((greeting.status, greeting.text().as_str()), (200, "HASHER running on hasher.1\n"));
    let hash = answer(up.hasher, "POST", "/", b"abc").await;
    assert_eq!((hash.status, hash.text()), (200, sha_256(b"abc")));
    assert!(hash.header("Content-Type").is_some_and(|kind| kind.starts_with("text/plain")));
    assert_eq!(answer(up.hasher, "GET", "/32", b"").await.status, 404);

    let root = answer(up.webui, "GET", "/", b"").await;
    assert_eq!(root.status, 302);
    assert!(root.header("Location").is_some_and(|to| to.ends_with("/index.html")));
    assert_eq!(answer(up.webui, "GET", "/index.html", b"").await.status, 200);
    for (address, path) in [(up.rng, "/"), (up.hasher, "/"), (up.webui, "/index.html")] {
        let head = answer(address, "HEAD", path, b"").await;
        assert_eq!((head.status, head.body.len()), (200, 0), "HEAD {path}");
    }
    assert_eq!(up.stop().await.code, Some(0));
}

#[tokio::test]
async fn answers_tell_who_worked_on_them_and_for_how_long() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    let random = answer(up.rng, "GET", "/32", b"").await;
    let hash = answer(up.hasher, "POST", "/", b"abc").await;
    for (reply, replica) in [(random, "rng.1"), (hash, "hasher.1")] {
        assert_eq!(reply.header("X-Replica"), Some(replica));
        let timing = reply.header("Server-Timing").unwrap();
        assert!(timing.contains("queue;dur=") && timing.contains("service;dur="), "{timing}");
    }
}

#[tokio::test]
async fn replicas_take_turns_by_connection() {
    let place = Place::fast();
    let up = place.up(&["--rng", "2", "--hasher", "2"]).await;
    for address in [up.rng, up.hasher] {
        let whom = async || answer(address, "GET", "/", b"").await.text();
        eventually("both replicas behind the port", async || {
            (whom().await != whom().await).then_some(())
        })
        .await;
        let turns = [whom().await, whom().await, whom().await, whom().await];
        assert_eq!((&turns[0], &turns[1]), (&turns[2], &turns[3]));
        assert_ne!(turns[0], turns[1]);
    }
}

#[tokio::test]
async fn the_counter_is_text_and_grows() {
    let place = Place::fast();
    let up = place.up(&["--worker", "2"]).await;
    let before = up.json("/json").await;
    assert!(before["coins"].is_u64() && before["now"].is_f64(), "{before}");
    assert!(before["hashes"].is_string() || before["hashes"].is_null(), "{before}");
    up.goes_on(20).await;
    let after = up.json("/json").await;
    assert!(after["hashes"].is_string(), "{after}");
    assert!(after["now"].as_f64() > before["now"].as_f64());
}

#[tokio::test]
async fn the_wallet_holds_each_coin_with_the_bytes_it_is_the_hash_of() {
    let place = Place::fast();
    let redis = RedisServer::start(place.folder()).await;
    let up = place.up(&["--worker", "4", "--redis", &redis.address().to_string()]).await;
    eventually("three coins", async || (redis.wallet().await.len() >= 3).then_some(())).await;
    let ended = up.stop().await;
    assert_eq!(ended.code, Some(0));
    let wallet = redis.wallet().await;
    for (hash, bytes) in &wallet {
        assert_eq!(bytes.len(), 32);
        assert_eq!(*hash, sha_256(bytes));
        assert!(hash.starts_with('0'), "{hash} is no coin");
    }
    let distinct: BTreeSet<_> = wallet.iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(distinct.len(), wallet.len(), "the same bytes were handed out twice");
}

#[tokio::test]
async fn logs_carry_the_name_of_their_replica() {
    let place = Place::fast();
    let mut up = place.up(&["--worker", "2"]).await;
    for replica in ["webui.1", "rng.1", "hasher.1", "worker.1", "worker.2"] {
        let is_ready = |line: &str| line.starts_with(replica) && line.ends_with("| ready");
        up.process.line(&format!("{replica} ready"), is_ready).await;
    }
    let ended = up.stop().await;
    assert!(ended.stdout.contains("stopping"), "{ended:?}");
    for replica in ["webui.1", "rng.1", "hasher.1", "worker.1", "worker.2"] {
        let mut lines = ended.stdout.lines();
        let stopped = lines.any(|line| line.starts_with(replica) && line.ends_with("| stopped"));
        assert!(stopped, "no word of {replica}'s end in\n{}", ended.stdout);
    }
}

#[tokio::test]
async fn a_wrong_setting_is_named_by_up_and_by_scale() {
    let place = Place::fast().with("RNG_SERVICE_TIME", "soon");
    let mut up = place.up(&[]).await;
    up.process.line("the setting's name", |line| line.contains("RNG_SERVICE_TIME")).await;
    let deaths = eventually("three deaths", async || {
        let lines = up.process.lines().into_iter().filter(|line| line.contains("died"));
        let deaths: Vec<_> = lines.collect();
        (deaths.len() >= 3).then_some(deaths)
    });
    for died in deaths.await {
        assert!(died.contains("exit status: 2"), "{died}");
    }
    drop(up);
    let ended = place.run(&["scale", "--settle-timeout", "1s"]).await;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("RNG_SERVICE_TIME"), "{}", ended.stderr);
}
