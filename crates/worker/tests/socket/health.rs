//! `/health` of the worker: what it tells, that nothing around the worker decides it, and the check
//! a container makes of it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use serde_json::Value;

use crate::process::Ended;
use crate::wire::{Answer, ask};
use crate::{Exchange, FAST, Server, Store, Worker, eventually};

const PORT: [&str; 2] = ["--health-port", "0"];

async fn get(port: u16, path: &str) -> Answer {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: worker\r\n\r\n")).await
}

async fn health(port: u16) -> Value {
    let answer = get(port, "/health").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&answer.body).unwrap()
}

async fn check(variables: &[(&str, &str)]) -> Ended {
    Worker::fail(&["--check-health"], variables).await
}

#[tokio::test]
async fn health_tells_of_the_loops_and_is_the_only_route() {
    let (rng, hasher, store) = (Server::good(), Server::good(), Store::start().await);
    let flags = [&FAST[..], &PORT, &["--replica", "worker.7"]].concat();
    let mut worker = Worker::start(&rng.target(), &hasher.target(), &store, &flags);
    let port = worker.health_port().await;
    let told = eventually("ten loops", async || {
        let told = health(port).await;
        (told["loops"].as_u64().unwrap() >= 10).then_some(told)
    })
    .await;
    assert_eq!((&told["status"], &told["service"]), (&"ok".into(), &"worker".into()));
    assert_eq!((&told["replica"], &told["errors"]), (&"worker.7".into(), &serde_json::json!({})));
    assert!(told["version"].is_string(), "{told}");
    assert!(told["last_loop_age_ms"].as_u64().unwrap() < 20_000, "{told}");
    for path in ["/", "/json", "/healthy"] {
        assert_eq!(get(port, path).await.status, 404, "{path}");
    }
    worker.stop().await.loops();
}

#[tokio::test]
async fn with_nothing_around_it_a_worker_is_healthy_and_says_what_it_misses() {
    let nobody = "127.0.0.1:1";
    let flags = [&FAST[..], &PORT].concat();
    let mut worker = Worker::start_at(nobody, nobody, nobody.parse().unwrap(), &flags);
    let port = worker.health_port().await;
    let told = eventually("failures of rng and redis", async || {
        let told = health(port).await;
        let failures = |name: &str| told["errors"][name].as_u64() > Some(0);
        (failures("rng: connect") && failures("redis: connect")).then_some(told)
    })
    .await;
    assert_eq!((&told["loops"], &told["last_loop_age_ms"]), (&0.into(), &Value::Null));
    let healthy = check(&[("WORKER_HEALTH_PORT", &port.to_string())]).await;
    assert_eq!((healthy.code, &*healthy.log), (Some(0), ""));
}

#[tokio::test]
async fn the_age_of_the_last_loop_grows_while_a_loop_waits() {
    let (rng, hasher, store) = (Server::good(), Server::good(), Store::start().await);
    let flags = [&FAST[..], &PORT].concat();
    let mut worker = Worker::start(&rng.target(), &hasher.target(), &store, &flags);
    let port = worker.health_port().await;
    store.goes_on(5).await;
    hasher.turns(|_| Exchange { delay: Duration::from_mins(10), ..Exchange::default() });
    eventually("an age over half a second", async || {
        (health(port).await["last_loop_age_ms"].as_u64() > Some(500)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stopped_worker_is_unhealthy() {
    let (nobody, store) = ("127.0.0.1:1", Store::start().await);
    let mut worker = Worker::start(nobody, nobody, &store, &PORT);
    let port = worker.health_port().await.to_string();
    assert_eq!(worker.stop().await.code, Some(0));
    let gone = check(&[("WORKER_HEALTH_PORT", &port)]).await;
    assert_eq!(gone.code, Some(1), "{}", gone.log);
    assert!(gone.log.starts_with("worker is unhealthy: "), "{}", gone.log);
}

#[tokio::test]
async fn a_stuck_worker_is_unhealthy() {
    // Listens, but nothing has a turn: the connection is taken by the kernel alone.
    let stuck = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stuck.local_addr().unwrap().port().to_string();
    let silent = check(&[("WORKER_HEALTH_PORT", &port)]).await;
    assert_eq!(silent.code, Some(1), "{}", silent.log);
    assert!(silent.log.contains("did not answer within 2s"), "{}", silent.log);
}

#[tokio::test]
async fn without_a_port_there_is_nothing_to_check() {
    for variables in [&[][..], &[("WORKER_HEALTH_PORT", "0")]] {
        let refused = check(variables).await;
        assert_eq!(refused.code, Some(2), "{}", refused.log);
        assert!(refused.log.contains("--check-health"), "{}", refused.log);
    }
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_flag() {
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let refused = Worker::fail(&["--health-port", &port], &[]).await;
    assert_eq!(refused.code, Some(1), "{}", refused.log);
    assert!(refused.log.contains("--health-port"), "{}", refused.log);
}
