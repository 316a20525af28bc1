//! How `serve` ends: what is under way is finished, what is new is refused, nothing lingers.

use std::time::Duration;

use service::stop::Reason;
use service::{Drained, Limits};
use tokio::net::TcpStream;

use crate::toy::Toy;
use crate::{Client, Running};

const GATE: &str = "GET /gate HTTP/1.1\r\nHost: toy\r\n\r\n";

/// A toy with one request at its gate.
async fn at_the_gate(limits: Limits) -> (Toy, Running, Client) {
    let toy = Toy::new();
    let running = Running::start(toy.clone(), limits);
    let mut client = Client::connect(running.address).await;
    client.send(GATE).await;
    toy.sees(1).await;
    (toy, running, client)
}

/// Waits until nobody listens any more.
async fn refused(running: &Running) {
    while TcpStream::connect(running.address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_request_under_way_is_answered_and_no_other_let_in() {
    let (toy, running, mut client) = at_the_gate(Limits::default()).await;
    running.stop(Reason::Asked);
    refused(&running).await;
    assert!(client.is_silent());
    toy.gate.add_permits(1);
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.text()), (200, "through\n"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(client.rest().await, "");
    assert_eq!(running.drained().await, Drained::Clean);
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let running = Running::start(Toy::new(), Limits::default());
    let mut used = Client::connect(running.address).await;
    used.send("GET / HTTP/1.1\r\nHost: toy\r\n\r\n").await;
    assert_eq!(used.answer().await.status, 200);
    let mut unused = Client::connect(running.address).await;
    let mut served = Client::connect(running.address).await;
    served.send("GET / HTTP/1.1\r\nHost: toy\r\n\r\n").await;
    assert_eq!(served.answer().await.status, 200); // so the unused one is accepted as well
    running.stop(Reason::Asked);
    assert_eq!(running.drained().await, Drained::Clean);
    assert_eq!(used.rest().await, "");
    assert_eq!(unused.rest().await, "");
}

#[tokio::test]
async fn what_outlasts_the_drain_is_cut_off() {
    let limits = Limits { drain_timeout: Duration::from_millis(50), ..Limits::default() };
    let (_toy, running, _client) = at_the_gate(limits).await;
    running.stop(Reason::Asked);
    assert_eq!(running.drained().await, Drained::CutOff);
}

#[tokio::test]
async fn without_its_parent_a_service_waits_for_nobody() {
    let limits = Limits { drain_timeout: Duration::from_mins(10), ..Limits::default() };
    let (_toy, running, _client) = at_the_gate(limits).await;
    running.stop(Reason::ParentGone);
    assert_eq!(running.drained().await, Drained::CutOff);
}
