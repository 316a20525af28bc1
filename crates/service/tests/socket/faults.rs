//! Clients that are slow, greedy, silent, broken or too many.

use std::time::Duration;

use service::Limits;
use tokio::time::Instant;

use crate::toy::{MOST, Toy, limits};
use crate::{Answer, Client, Running, ask};

const GET: &str = "GET / HTTP/1.1\r\nHost: toy\r\n\r\n";
const GATE: &str = "GET /gate HTTP/1.1\r\nHost: toy\r\n\r\n";
const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: toy\r\n\r\n";

fn toy() -> Running {
    Running::start(Toy::new(), limits())
}

/// What a client gets that sends `bytes` and no more, and that it gets nothing before the header
/// timeout.
async fn outlasted(running: &Running, bytes: &str) -> String {
    let begin = Instant::now();
    let mut client = Client::connect(running.address).await;
    client.send(bytes).await;
    let rest = client.rest().await;
    assert!(begin.elapsed() >= limits().header_timeout);
    rest
}

#[tokio::test]
async fn garbage_is_refused() {
    let running = toy();
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\0\0\0\0\r\n\r\n"[..],
        b"what is this\r\n\r\n",
        b"GET / HTTP/1.1\r\nbroken header\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: toy\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: toy\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    ] {
        let mut client = Client::connect(running.address).await;
        client.send(garbage).await;
        assert_eq!(client.answer().await.status, 400);
        assert_eq!(client.rest().await, "");
    }
    assert_eq!(ask(running.address, GET).await.status, 200);
}

#[tokio::test]
async fn broken_chunks_are_refused() {
    let request = "POST / HTTP/1.1\r\nHost: toy\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n";
    assert_eq!(ask(toy().address, request).await.status, 400);
}

#[tokio::test]
async fn half_a_header_is_not_waited_for_longer_than_allowed() {
    outlasted(&toy(), "GET / HTTP/1.1\r\nHos").await;
}

#[tokio::test]
async fn a_client_that_says_nothing_is_not_kept() {
    assert_eq!(outlasted(&toy(), "").await, "");
}

#[tokio::test]
async fn an_idle_kept_connection_is_closed() {
    let rest = outlasted(&toy(), GET).await;
    assert!(rest.ends_with("\r\n\r\nhello\n"), "{rest}");
}

#[tokio::test]
async fn a_header_over_the_limit_is_refused() {
    let running = Running::start(Toy::new(), Limits { max_header: 8192, ..Limits::default() });
    let fits = format!("GET / HTTP/1.1\r\nHost: toy\r\nX: {}\r\n\r\n", "x".repeat(8000));
    assert_eq!(ask(running.address, &fits).await.status, 200);
    let over = format!("GET / HTTP/1.1\r\nHost: toy\r\nX: {}", "x".repeat(9000));
    assert_eq!(ask(running.address, &over).await.status, 431);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let start = "POST / HTTP/1.1\r\nHost: toy\r\nContent-Length: 10\r\n\r\n123";
    let mut client = Client::connect(toy().address).await;
    client.send(start).await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 408, "{}", answer.text());
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_by_its_length_alone() {
    let head = format!("POST / HTTP/1.1\r\nHost: toy\r\nContent-Length: {}\r\n\r\n", MOST + 1);
    let answer = ask(toy().address, &head).await;
    assert_eq!(answer.status, 413);
    assert!(answer.text().contains("1000 bytes"), "{}", answer.text());
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_is_refused_once_it_is() {
    let head = "POST / HTTP/1.1\r\nHost: toy\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    let running = toy();
    let fits = format!("{head}{chunk}{chunk}0\r\n\r\n");
    assert_eq!(ask(running.address, &fits).await.text(), "1000");
    let over = format!("{head}{chunk}{chunk}1\r\nx\r\n");
    assert_eq!(ask(running.address, &over).await.status, 413);
}

#[tokio::test]
async fn a_client_still_sending_too_much_gets_to_read_why_not() {
    let running = toy();
    let length = 4 << 20;
    let head = format!("POST / HTTP/1.1\r\nHost: toy\r\nContent-Length: {length}\r\n\r\n");
    let mut client = Client::connect(running.address).await;
    client.send(head).await;
    client.send_beside(vec![b'x'; length]);
    assert_eq!(client.answer().await.status, 413);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_so() {
    let running = Running::start(
        Toy::new(),
        Limits { request_timeout: Duration::from_millis(50), ..Limits::default() },
    );
    let answer = ask(running.address, GATE).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.text(), "not answered within 50ms\n");
}

#[tokio::test]
async fn a_request_whose_client_left_is_dropped() {
    let toy = Toy::new();
    let running = Running::start(toy.clone(), Limits::default());
    let mut leaver = Client::connect(running.address).await;
    leaver.send(GATE).await;
    toy.sees(1).await;
    drop(leaver);
    toy.sees(0).await;
}

#[tokio::test]
async fn one_client_too_many_is_told_so_and_health_still_answers() {
    let running = Running::start(Toy::new(), Limits { max_connections: 2, ..Limits::default() });
    let mut inside =
        [Client::connect(running.address).await, Client::connect(running.address).await];
    let refused = |answer: Answer| {
        assert_eq!(answer.status, 503);
        assert_eq!(answer.text(), "over the limit of 2 connections\n");
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(answer.header("retry-after"), Some("1"));
    };
    refused(ask(running.address, GET).await);
    let health = ask(running.address, HEALTH).await;
    assert_eq!(health.status, 200);
    for client in &mut inside {
        client.send(GET).await;
        assert_eq!(client.answer().await.status, 200);
    }
    drop(inside);
    while ask(running.address, GET).await.status != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn beyond_the_reserve_the_oldest_is_closed_and_the_newest_answered() {
    let running = Running::start(Toy::new(), Limits { max_connections: 1, ..Limits::default() });
    let mut crowd = Vec::new();
    for _ in 0..=64 {
        // one inside, then the reserve
        crowd.push(Client::connect(running.address).await);
    }
    assert_eq!(ask(running.address, HEALTH).await.status, 200);
    assert_eq!(crowd[1].rest().await, "");
    crowd[0].send(GET).await;
    assert_eq!(crowd[0].answer().await.status, 200);
}

#[tokio::test]
async fn a_thousand_idle_connections_are_in_nobodys_way() {
    service::launch::raise_file_limit();
    let running = Running::start(Toy::new(), Limits::default());
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(Client::connect(running.address).await);
    }
    for _ in 0..10 {
        assert_eq!(ask(running.address, GET).await.status, 200);
    }
    assert_eq!(ask(running.address, HEALTH).await.status, 200);
    for client in idle.iter_mut().step_by(100) {
        client.send(GET).await;
        assert_eq!(client.answer().await.status, 200);
    }
}
