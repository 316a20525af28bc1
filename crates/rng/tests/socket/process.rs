//! What only a process has: settings and their variables, signals, exit codes, the lifeline,
//! memory.

use std::time::Duration;

use rustix::process::Signal;
use tokio::net::TcpStream;

use crate::{Client, Process, get};

const RNG: &str = env!("CARGO_BIN_EXE_rng");

#[tokio::test]
async fn the_most_bytes_are_sent_without_being_held_in_memory() {
    let rng = Process::start(RNG, &["--service-time", "0"]).await;
    let before = rng.most_memory();
    let mut client = Client::connect(rng.address).await;
    client.send(get("/1073741824")).await;
    // A slow reader must not make the service keep for it what it has made already.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let answer = client.answer_to_head().await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("1073741824")));
    // Without optimisation a GiB takes long; memory that 64 MiB do not need, the rest does not either.
    client.skip(64 << 20).await;
    let grown = rng.most_memory() - before;
    assert!(grown < 8 << 10, "grew by {grown} KiB");
    // A client that leaves amid such a response leaves nothing behind.
    drop(client);
    let mut client = Client::connect(rng.address).await;
    client.send(get("/20000000")).await;
    assert_eq!(client.answer_to_head().await.status, 200);
    client.skip(20_000_000).await;
    client.send(get("/5")).await;
    assert_eq!(client.answer().await.body.len(), 5);
}

#[tokio::test]
async fn settings_come_from_flags() {
    let flags = ["--service-time", "5ms", "--concurrency", "3", "--replica", "named"];
    let rng = Process::start(RNG, &flags).await;
    let mut client = Client::connect(rng.address).await;
    client.send(get("/8")).await;
    let answer = client.answer().await;
    assert_eq!(answer.header("x-replica"), Some("named"));
    assert!(answer.timing().1 < 6.0);
    client.send(get("/health")).await;
    let health: serde_json::Value = serde_json::from_slice(&client.answer().await.body).unwrap();
    assert_eq!(health["station"]["concurrency"], 3);
}

#[tokio::test]
async fn without_settings_the_replica_is_the_host() {
    let rng = Process::start(RNG, &[]).await;
    let mut client = Client::connect(rng.address).await;
    client.send(get("/")).await;
    let expected = format!("RNG running on {}\n", service::launch::host_name());
    assert_eq!(client.answer().await.text(), expected);
    client.send(get("/health")).await;
    let health: serde_json::Value = serde_json::from_slice(&client.answer().await.body).unwrap();
    assert_eq!(health["station"]["service_time_ms"], 100.0);
    assert_eq!(health["station"]["concurrency"], 1);
}

/// A request under way is answered after `signal`, no connection is let in, and the exit code
/// is 0.
async fn drains(signal: Signal) {
    let rng = Process::start(RNG, &["--service-time", "300ms"]).await;
    let mut client = Client::connect(rng.address).await;
    let _idle = Client::connect(rng.address).await;
    client.send(get("/32")).await;
    let mut other = Client::connect(rng.address).await;
    other.send(get("/health")).await;
    assert_eq!(other.answer().await.status, 200); // so the first request is under way
    rng.signal(signal);
    while TcpStream::connect(rng.address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(client.is_silent(), "the drain was not seen");
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.body.len()), (200, 32));
    assert_eq!(client.rest().await, "");
    let ended = rng.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.message);
}

#[tokio::test]
async fn sigterm_drains() {
    drains(Signal::TERM).await;
}

#[tokio::test]
async fn sigint_drains() {
    drains(Signal::INT).await;
}

#[tokio::test]
async fn without_its_parent_it_ends() {
    let mut rng = Process::start(RNG, &["--service-time", "10m"]).await;
    let mut client = Client::connect(rng.address).await;
    client.send(get("/32")).await;
    rng.cut_lifeline();
    let ended = rng.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.message);
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_flag() {
    let rng = Process::start(RNG, &[]).await;
    let port = rng.address.port().to_string();
    let ended = Process::fail(RNG, &["--address=127.0.0.1", "--port", &port], &[]).await;
    assert_eq!(ended.code, Some(1));
    for part in [&format!("127.0.0.1:{port}"), "--port"] {
        assert!(ended.message.contains(part), "{}", ended.message);
    }
}

#[tokio::test]
async fn a_wrong_flag_stops_the_start() {
    for (flag, value) in [
        ("--service-time", "soon"),
        ("--concurrency", "-1"),
        ("--port", "99999"),
        ("--distribution", "odd"),
        ("--variation", "11"),
        ("--max-header", "100"),
        ("--max-connections", "0"),
        ("--header-timeout", "1"),
        ("--address", "here"),
    ] {
        let ended = Process::fail(RNG, &[&format!("{flag}={value}")], &[]).await;
        assert_eq!(ended.code, Some(2), "{flag}: {}", ended.message);
        assert!(ended.message.contains(flag), "{flag}: {}", ended.message);
    }
}

#[tokio::test]
async fn a_wrong_variable_stops_the_start_by_its_name() {
    for (flag, variable, value) in [
        ("--service-time", "RNG_SERVICE_TIME", "soon"),
        ("--concurrency", "RNG_CONCURRENCY", "many"),
        ("--distribution", "RNG_DISTRIBUTION", "odd"),
        ("--max-connections", "RNG_MAX_CONNECTIONS", "0"),
        ("--log-level", "RNG_LOG_LEVEL", "loud"),
    ] {
        let ended = Process::fail(RNG, &[], &[(variable, value)]).await;
        assert_eq!(ended.code, Some(2), "{variable}: {}", ended.message);
        for part in [flag, variable, value] {
            assert!(ended.message.contains(part), "{variable}: {}", ended.message);
        }
    }
}

#[tokio::test]
async fn a_flag_that_does_not_exist_stops_the_start() {
    let ended = Process::fail(RNG, &["--fast"], &[]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.message.contains("--fast"), "{}", ended.message);
}

/// Asks for the health of an rng, as a container's health check does.
async fn check(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let arguments = [&["--check-health"], arguments].concat();
    let ended = Process::fail(RNG, &arguments, environment).await;
    (ended.code, ended.message)
}

#[tokio::test]
async fn its_health_is_checked_on_the_port_of_its_settings() {
    let rng = Process::start(RNG, &["--service-time", "10m"]).await;
    let port = rng.address.port().to_string();
    // One request is worked on: health must not queue behind it.
    let mut client = Client::connect(rng.address).await;
    client.send(get("/32")).await;
    assert_eq!(check(&["--port", &port], &[]).await, (Some(0), String::new()));
    assert_eq!(check(&[], &[("RNG_LISTEN_PORT", &port)]).await, (Some(0), String::new()));
    drop((client, rng));
    let (code, message) = check(&["--port", &port], &[]).await;
    assert_eq!(code, Some(1), "{message}");
    let sentence = format!("rng is unhealthy: http://127.0.0.1:{port}/health cannot be reached");
    assert!(message.starts_with(&sentence), "{message}");
}

#[tokio::test]
async fn a_port_that_the_system_chooses_cannot_be_checked() {
    let (code, message) = check(&["--port", "0"], &[]).await;
    assert_eq!(code, Some(2), "{message}");
    assert!(message.contains("--check-health") && message.contains("port"), "{message}");
}
