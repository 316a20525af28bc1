//! HTTP as well-behaved clients speak it.

use service::Limits;

use crate::toy::Toy;
use crate::{Client, Running, ask};

fn toy() -> Running {
    Running::start(Toy::new(), Limits::default())
}

#[tokio::test]
async fn a_kept_connection_takes_one_request_after_another() {
    let mut client = Client::connect(toy().address).await;
    for _ in 0..3 {
        client.send("GET / HTTP/1.1\r\nHost: toy\r\n\r\n").await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.text()), (200, "hello\n"));
        assert_eq!(answer.header("connection"), None);
    }
}

#[tokio::test]
async fn connection_close_is_obeyed() {
    let mut client = Client::connect(toy().address).await;
    client.send("GET / HTTP/1.1\r\nHost: toy\r\nConnection: close\r\n\r\n").await;
    assert_eq!(client.answer().await.text(), "hello\n");
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn an_http_1_0_client_gets_its_answer_and_the_end() {
    let mut client = Client::connect(toy().address).await;
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    let answer = client.answer().await;
    assert_eq!((answer.version.as_str(), answer.status), ("HTTP/1.0", 200));
    assert_eq!(answer.text(), "hello\n");
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn an_http_1_0_client_may_keep_its_connection() {
    let mut client = Client::connect(toy().address).await;
    for _ in 0..2 {
        client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
        let answer = client.answer().await;
        assert_eq!(answer.text(), "hello\n");
        assert_eq!(answer.header("connection"), Some("keep-alive"));
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let mut client = Client::connect(toy().address).await;
    let one = "GET / HTTP/1.1\r\nHost: toy\r\n\r\n";
    let two = "POST / HTTP/1.1\r\nHost: toy\r\nContent-Length: 5\r\n\r\n12345";
    let three = "GET /nowhere HTTP/1.1\r\nHost: toy\r\n\r\n";
    client.send(format!("{one}{two}{three}")).await;
    assert_eq!(client.answer().await.text(), "hello\n");
    assert_eq!(client.answer().await.text(), "5");
    assert_eq!(client.answer().await.status, 404);
}

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let mut client = Client::connect(toy().address).await;
    client.send("HEAD / HTTP/1.1\r\nHost: toy\r\n\r\nGET / HTTP/1.1\r\nHost: toy\r\n\r\n").await;
    let head = client.answer_to_head().await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("6")));
    // A body after the head would be in the way of the next answer.
    assert_eq!(client.answer().await.text(), "hello\n");
}

#[tokio::test]
async fn chunked_bodies_are_read_with_their_trailers() {
    let request = "POST / HTTP/1.1\r\nHost: toy\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n5;x=y\r\n12345\r\n0\r\nTrailer: t\r\n\r\n";
    let mut client = Client::connect(toy().address).await;
    for _ in 0..2 {
        client.send(request).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.text()), (200, "8"));
    }
}

#[tokio::test]
async fn a_client_that_asks_whether_to_go_on_is_told_so() {
    let mut client = Client::connect(toy().address).await;
    client
        .send("POST / HTTP/1.1\r\nHost: toy\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .await;
    assert_eq!(client.answer_to_head().await.status, 100);
    client.send("ab").await;
    assert_eq!(client.answer().await.text(), "2");
}

#[tokio::test]
async fn health_is_answered_for_every_service() {
    let running = toy();
    let answer = ask(running.address, "GET /health HTTP/1.1\r\nHost: toy\r\n\r\n").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let health: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(health, serde_json::json!({ "service": "toy", "status": "ok" }));
    let post = "POST /health HTTP/1.1\r\nHost: toy\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(ask(running.address, post).await.status, 404);
}
