//! What only a process has: settings and their variables, signals, exit codes, the lifeline,
//! memory.

use std::time::Duration;

use rustix::process::Signal;
use tokio::net::TcpStream;

use crate::{Client, OF_ABC, Process, get, post};

const HASHER: &str = env!("CARGO_BIN_EXE_hasher");

#[tokio::test]
async fn a_large_chunked_body_is_hashed_without_being_held_in_memory() {
    let hasher = Process::start(HASHER, &["--service-time", "0"]).await;
    let before = hasher.most_memory();
    let mut client = Client::connect(hasher.address).await;
    client.send("POST / HTTP/1.1\r\nHost: hasher\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let mut chunk = b"100000\r\n".to_vec();
    chunk.resize(chunk.len() + (1 << 20), 0);
    chunk.extend_from_slice(b"\r\n");
    for _ in 0..64 {
        client.send(&chunk).await;
    }
    client.send("0\r\n\r\n").await;
    let hash = "3b6a07d0d404fab4e23b6d34bc6696a6a312dd92821332385e5af7c01c421351";
    assert_eq!(client.answer().await.text(), hash);
    let grown = hasher.most_memory() - before;
    assert!(grown < 8 << 10, "grew by {grown} KiB");
}

#[tokio::test]
async fn the_largest_body_is_a_setting() {
    let hasher = Process::start(HASHER, &["--service-time=0", "--max-body=3"]).await;
    let mut client = Client::connect(hasher.address).await;
    client.send(post("abc")).await;
    assert_eq!(client.answer().await.text(), OF_ABC);
    client.send(post("abcd")).await;
    assert_eq!(client.answer().await.status, 413);
}

#[tokio::test]
async fn without_settings_it_is_the_original() {
    let hasher = Process::start(HASHER, &[]).await;
    let mut client = Client::connect(hasher.address).await;
    client.send(get("/")).await;
    let expected = format!("HASHER running on {}\n", service::launch::host_name());
    assert_eq!(client.answer().await.text(), expected);
    client.send(get("/health")).await;
    let health: serde_json::Value = serde_json::from_slice(&client.answer().await.body).unwrap();
    assert_eq!(health["station"]["service_time_ms"], 100.0);
    assert_eq!(health["station"]["concurrency"], 20);
    client.send(post("abc")).await;
    assert!(client.answer().await.timing().1 >= 100.0);
}

#[tokio::test]
async fn sigterm_drains() {
    let hasher = Process::start(HASHER, &["--service-time", "300ms"]).await;
    let mut client = Client::connect(hasher.address).await;
    client.send(post("abc")).await;
    let mut other = Client::connect(hasher.address).await;
    other.send(get("/health")).await;
    assert_eq!(other.answer().await.status, 200); // so the first request is under way
    hasher.signal(Signal::TERM);
    while TcpStream::connect(hasher.address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(client.is_silent(), "the drain was not seen");
    assert_eq!(client.answer().await.text(), OF_ABC);
    let ended = hasher.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.message);
}

#[tokio::test]
async fn without_its_parent_it_ends() {
    let mut hasher = Process::start(HASHER, &[]).await;
    hasher.cut_lifeline();
    let ended = hasher.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.message);
}

#[tokio::test]
async fn wrong_settings_stop_the_start_by_their_names() {
    let ended = Process::fail(HASHER, &["--max-body", "much"], &[]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.message.contains("--max-body"), "{}", ended.message);
    let ended = Process::fail(HASHER, &[], &[("HASHER_MAX_BODY", "much")]).await;
    assert_eq!(ended.code, Some(2));
    for part in ["--max-body", "HASHER_MAX_BODY", "much"] {
        assert!(ended.message.contains(part), "{}", ended.message);
    }
}

#[tokio::test]
async fn its_health_is_checked_by_its_own_program() {
    let hasher = Process::start(HASHER, &[]).await;
    let port = hasher.address.port().to_string();
    let variables = [("HASHER_LISTEN_PORT", &*port)];
    let healthy = Process::fail(HASHER, &["--check-health"], &variables).await;
    assert_eq!((healthy.code, &*healthy.message), (Some(0), ""));
    drop(hasher);
    let gone = Process::fail(HASHER, &["--check-health"], &variables).await;
    assert_eq!(gone.code, Some(1), "{}", gone.message);
    assert!(gone.message.starts_with("hasher is unhealthy: "), "{}", gone.message);
}

#[tokio::test]
async fn each_hash_has_a_line_in_the_access_log() {
    let variable = ("HASHER_ACCESS_LOG", "perhaps");
    let ended = Process::fail(HASHER, &[], &[variable]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.message.contains(variable.0), "{}", ended.message);

    let hasher = Process::start(HASHER, &["--service-time=1ms", "--access-log=true"]).await;
    let mut client = Client::connect(hasher.address).await;
    client.send(post("abc")).await;
    assert_eq!(client.answer().await.text(), OF_ABC);
    hasher.signal(Signal::TERM);
    let ended = hasher.ended().await;
    assert!(ended.message.contains("\"POST / HTTP/1.1\" 200 64 0.0"), "{}", ended.message);
}
