//! Redis away, hanging or stopped: an answer that says so in time, and everything as before as
//! soon as Redis is back.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use redis::AsyncCommands as _;
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::{RedisServer, ask, get, json, webui};

/// A second, and some grace for a busy machine.
const IN_TIME: Duration = Duration::from_millis(1300);
const PATHS: [&str; 3] = ["/json", "/api/observation", "/api/observation?by=worker"];

/// Every route answers 503 in time with the address of Redis and `reason`, but for `/health`.
async fn told(webui: SocketAddr, redis: SocketAddr, reason: &str) {
    let asked = PATHS.map(|path| {
        tokio::spawn(async move {
            let begin = Instant::now();
            (path, ask(webui, &get(path)).await, begin.elapsed())
        })
    });
    assert_eq!(ask(webui, &get("/health")).await.status, 200);
    assert_eq!(ask(webui, &get("/index.html")).await.status, 200);
    for answer in asked {
        let (path, answer, took) = answer.await.unwrap();
        assert!(took < IN_TIME, "{path}: {took:?}");
        assert_eq!(answer.status, 503, "{path}");
        let error = json(&answer)["error"].as_str().unwrap().to_owned();
        assert!(error.contains(reason), "{path}: {error}");
        assert!(error.contains(&redis.to_string()), "{path}: {error}");
    }
}

/// A Redis that accepts but never answers, and how many connections it has seen.
async fn hanging() -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&seen);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(connection) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            held.push(connection);
        }
    });
    (address, seen)
}

#[tokio::test]
async fn a_redis_that_was_killed_is_told_and_used_again_at_once_when_back() {
    let mut redis = RedisServer::start().await;
    let webui = webui(redis.address);
    for round in 1..=2 {
        let () = redis.client().await.incr("hashes", round).await.unwrap();
        let numbers = json(&ask(webui.address, &get("/json")).await);
        assert_eq!(numbers["hashes"], round.to_string());
        redis.kill().await;
        told(webui.address, redis.address, "refused").await;
        redis.restart().await;
        let answer = ask(webui.address, &get("/json")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_redis_that_was_replaced_between_two_requests_is_not_noticed() {
    let mut redis = RedisServer::start().await;
    let webui = webui(redis.address);
    assert_eq!(ask(webui.address, &get("/json")).await.status, 200);
    redis.kill().await;
    redis.restart().await;
    for path in PATHS {
        assert_eq!(ask(webui.address, &get(path)).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_redis_that_never_answers_is_not_waited_for() {
    let (redis, _) = hanging().await;
    told(webui(redis).address, redis, "did not answer within 800ms").await;
}

#[tokio::test]
async fn a_stampede_does_not_pile_up_before_a_hanging_redis() {
    let (redis, seen) = hanging().await;
    let webui = webui(redis);
    let begin = Instant::now();
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..200 {
        crowd.spawn(async move { ask(webui.address, &get("/json")).await.status });
    }
    assert_eq!(crowd.join_all().await, [503; 200]);
    // Two budgets one after another would be 1.6 s.
    assert!(begin.elapsed() < IN_TIME, "{:?}", begin.elapsed());
    assert!(seen.load(Ordering::SeqCst) <= 2, "{seen:?} connections");
}

#[tokio::test]
async fn a_stampede_shares_one_connection() {
    let redis = RedisServer::start().await;
    let mut client = redis.client().await;
    let webui = webui(redis.address);
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..200 {
        crowd.spawn(async move { ask(webui.address, &get("/json")).await.status });
    }
    assert_eq!(crowd.join_all().await, [200; 200]);
    let clients: String = redis::cmd("CLIENT").arg("LIST").query_async(&mut client).await.unwrap();
    assert_eq!(clients.lines().count(), 2, "{clients}"); // webui's and this test's
}

#[tokio::test]
async fn a_stopped_redis_is_told_and_used_again_when_it_goes_on() {
    let redis = RedisServer::start().await;
    let webui = webui(redis.address);
    assert_eq!(ask(webui.address, &get("/json")).await.status, 200);
    redis.signal(Signal::STOP);
    let begin = Instant::now();
    let request = get("/json");
    let answers = tokio::join!(ask(webui.address, &request), ask(webui.address, &request));
    assert_eq!((answers.0.status, answers.1.status), (503, 503));
    assert!(begin.elapsed() < IN_TIME, "{:?}", begin.elapsed());
    redis.signal(Signal::CONT);
    let answer = ask(webui.address, &get("/json")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_redis_that_refuses_is_quoted() {
    let redis = RedisServer::start().await;
    let mut client = redis.client().await;
    let mut wrong = redis::cmd("LPUSH");
    let _: u64 = wrong.arg("hashes").arg(1).query_async(&mut client).await.unwrap();
    let webui_before = webui(redis.address);
    let words = "refused GET hashes: WRONGTYPE Operation against a key";
    told(webui_before.address, redis.address, words).await;
    let _: u64 = client.del("hashes").await.unwrap();
    assert_eq!(ask(webui_before.address, &get("/json")).await.status, 200);
    let mut protect = redis::cmd("CONFIG");
    protect.arg("SET").arg("requirepass").arg("geheim");
    let () = protect.query_async(&mut client).await.unwrap();
    let words = "refused GET hashes: NOAUTH Authentication required";
    for path in ["/json", "/api/experiment"] {
        let answer = ask(webui(redis.address).address, &get(path)).await;
        assert!(answer.status != 200 && !answer.text().contains("geheim"), "{}", answer.text());
    }
    let answer = ask(webui(redis.address).address, &get("/json")).await;
    let error = json(&answer)["error"].as_str().unwrap().to_owned();
    assert!(answer.status == 503 && error.contains(words), "{error}");
}

#[tokio::test]
async fn a_redis_that_talks_no_redis_is_told() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.try_write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    told(webui(address).address, address, "").await;
}
