//! Clients that are broken, slow or silent, before the real handler: they are refused or given up,
//! and are in nobody's way. No Redis is needed for that.

use std::time::Duration;

use service::Limits;
use tokio::time::Instant;
use webui::Webui;

use crate::{Client, Running, ask, get};

const HEADER_TIMEOUT: Duration = Duration::from_millis(150);

/// A webui without Redis that gives up slow clients early.
fn impatient() -> Running {
    let webui = Webui::new("w1".to_owned(), "127.0.0.1:1".parse().unwrap());
    Running::start(webui, Limits { header_timeout: HEADER_TIMEOUT, ..Limits::default() })
}

#[tokio::test]
async fn garbage_is_refused_and_harms_nobody() {
    let running = impatient();
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\0\0\0\0\r\n\r\n"[..],
        b"*1\r\n$4\r\nPING\r\n\r\n",
        b"GET /json\r\n\r\n",
        b"GET /json HTTP/1.1\r\nbroken header\r\n\r\n",
    ] {
        let mut client = Client::connect(running.address).await;
        client.send(garbage).await;
        assert_eq!(client.answer().await.status, 400, "{garbage:?}");
        assert_eq!(client.rest().await, "");
    }
    assert_eq!(ask(running.address, &get("/index.html")).await.status, 200);
}

#[tokio::test]
async fn odd_queries_are_answered_or_refused_but_never_fail() {
    let running = impatient();
    for query in ["?", "?by", "?by=", "?by=worker&by=worker", "?by=%ff", "?&&&", "?by=worker%00"] {
        let answer = ask(running.address, &get(&format!("/api/observation{query}"))).await;
        // 503, as there is no Redis.
        assert!(matches!(answer.status, 400 | 404 | 503), "{query}: {}", answer.status);
        assert_eq!(ask(running.address, &get(&format!("/index.html{query}"))).await.status, 200);
    }
}

#[tokio::test]
async fn half_a_request_is_not_waited_for() {
    let running = impatient();
    let begin = Instant::now();
    let mut halves = Vec::new();
    for half in ["", "GET", "GET /json HTTP/1.1\r\n", "GET /json HTTP/1.1\r\nHost: w\r\n"] {
        let mut client = Client::connect(running.address).await;
        client.send(half).await;
        halves.push(client);
    }
    assert_eq!(ask(running.address, &get("/")).await.status, 302);
    for mut client in halves {
        let rest = client.rest().await;
        assert!(!rest.contains("200 OK") && !rest.contains("503"), "{rest}");
    }
    assert!(begin.elapsed() >= HEADER_TIMEOUT);
}

#[tokio::test]
async fn a_request_byte_by_byte_is_answered() {
    let running = impatient();
    let mut client = Client::connect(running.address).await;
    for byte in get("/index.html").bytes() {
        client.send([byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_page_that_nobody_reads_keeps_nobody_waiting() {
    let running = impatient();
    let mut silent = Vec::new();
    for _ in 0..20 {
        let mut client = Client::connect(running.address).await;
        client.send(get("/index.html").repeat(50)).await;
        silent.push(client);
    }
    assert_eq!(ask(running.address, &get("/index.html")).await.status, 200);
    assert_eq!(ask(running.address, &get("/health")).await.status, 200);
}
