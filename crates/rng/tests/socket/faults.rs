//! Clients that are broken, slow or silent, before the real handler: they are refused or given up,
//! and are in nobody's way.

use std::time::Duration;

use rng::Rng;
use service::station::ServiceTime;
use service::{Limits, Replica};
use tokio::time::Instant;

use crate::{Client, Running, ask, get, rng};

const HEADER_TIMEOUT: Duration = Duration::from_millis(150);

/// An rng that gives up slow clients early.
fn impatient() -> Running {
    let time = ServiceTime::fixed(Duration::from_millis(1));
    let replica = Replica::new("r1".to_owned(), time, 1);
    let limits = Limits { header_timeout: HEADER_TIMEOUT, ..Limits::default() };
    Running::start(Rng::new(replica), limits)
}

#[tokio::test]
async fn garbage_is_refused_and_harms_nobody() {
    let running = rng(1, 1);
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\0\0\0\0\r\n\r\n"[..],
        b"PING\r\n\r\n",
        b"GET /32\r\n\r\n",
        b"GET /32 HTTP/1.1\r\nbroken header\r\n\r\n",
        b"GET /\xff\xfe HTTP/9.9\r\n\r\n",
    ] {
        let mut client = Client::connect(running.address).await;
        client.send(garbage).await;
        assert_eq!(client.answer().await.status, 400, "{garbage:?}");
        assert_eq!(client.rest().await, "");
    }
    assert_eq!(ask(running.address, &get("/32")).await.body.len(), 32);
}

#[tokio::test]
async fn paths_that_are_nearly_a_number_are_not_found() {
    let running = rng(1, 1);
    let mut client = Client::connect(running.address).await;
    let long = format!("/{}", "9".repeat(5000));
    for path in ["/+1", "/-0", "/0x10", "/1.0", "/1e3", "/32/", "/32%2F", "/%33%", "/32;x", &long] {
        client.send(get(path)).await;
        let status = client.answer().await.status;
        assert!(matches!(status, 400 | 404 | 413), "{path}: {status}");
    }
    client.send(get("/32")).await;
    assert_eq!(client.answer().await.body.len(), 32);
}

#[tokio::test]
async fn half_a_request_is_not_waited_for_and_takes_no_place() {
    let running = impatient();
    let begin = Instant::now();
    let mut halves = Vec::new();
    for half in ["", "GET", "GET /32 HTTP/1.1\r\n", "GET /32 HTTP/1.1\r\nHost: rng\r\n"] {
        let mut client = Client::connect(running.address).await;
        client.send(half).await;
        halves.push(client);
    }
    // One request at a time is the limit, and yet none of these four holds it.
    assert_eq!(ask(running.address, &get("/32")).await.body.len(), 32);
    for mut client in halves {
        let rest = client.rest().await;
        assert!(!rest.contains("200 OK"), "{rest}");
    }
    assert!(begin.elapsed() >= HEADER_TIMEOUT);
}

#[tokio::test]
async fn a_request_byte_by_byte_is_answered() {
    let mut client = Client::connect(rng(1, 1).address).await;
    for byte in get("/7").bytes() {
        client.send([byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.answer().await.body.len(), 7);
}

#[tokio::test]
async fn a_client_that_leaves_amid_a_large_answer_frees_the_station() {
    let running = rng(1, 1);
    let mut leaver = Client::connect(running.address).await;
    leaver.send(get("/33554432")).await;
    assert_eq!(leaver.answer_to_head().await.status, 200);
    drop(leaver);
    assert_eq!(ask(running.address, &get("/32")).await.body.len(), 32);
}

#[tokio::test]
async fn a_body_nobody_asked_for_is_not_taken_for_the_next_request() {
    let mut client = Client::connect(rng(1, 1).address).await;
    let body = get("/9");
    let head = format!("GET /5 HTTP/1.1\r\nHost: rng\r\nContent-Length: {}\r\n\r\n", body.len());
    client.send(head + &body).await;
    assert_eq!(client.answer().await.body.len(), 5);
    client.send(get("/6")).await;
    assert_eq!(client.answer().await.body.len(), 6);
}
