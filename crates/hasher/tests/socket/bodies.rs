//! Bodies that are chunked, slow, too large or broken.

use crate::{Client, OF_ABC, ask, bounded, get, hasher, post};

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: hasher\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_chunked_body_has_the_same_hash() {
    let request = format!("{CHUNKED}1\r\na\r\n2\r\nbc\r\n0\r\n\r\n");
    assert_eq!(ask(hasher(1, 20).address, &request).await.text(), OF_ABC);
}

#[tokio::test]
async fn a_body_in_pieces_has_the_same_hash() {
    let mut client = Client::connect(hasher(1, 20).address).await;
    for byte in post("abc").bytes() {
        client.send([byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.answer().await.text(), OF_ABC);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_unread() {
    let running = bounded(1, 20, 10);
    assert_eq!(ask(running.address, &post("0123456789")).await.status, 200);
    let answer = ask(running.address, &post("0123456789+")).await;
    assert_eq!(answer.status, 413);
    assert!(answer.text().contains("10 bytes"), "{}", answer.text());
    assert_eq!(answer.header("x-replica"), Some("h1"));
    answer.timing();
}

#[tokio::test]
async fn a_large_body_over_the_limit_does_not_keep_its_client_from_the_answer() {
    let mut client = Client::connect(bounded(1, 20, 10).address).await;
    client.send("POST / HTTP/1.1\r\nHost: hasher\r\nContent-Length: 4194304\r\n\r\n").await;
    client.send_beside(vec![0; 4 << 20]);
    assert_eq!(client.answer().await.status, 413);
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_is_refused_once_it_is() {
    let running = bounded(1, 20, 10);
    let fits = format!("{CHUNKED}a\r\n0123456789\r\n0\r\n\r\n");
    assert_eq!(ask(running.address, &fits).await.status, 200);
    let over = format!("{CHUNKED}a\r\n0123456789\r\n1\r\n+\r\n");
    let answer = ask(running.address, &over).await;
    assert_eq!(answer.status, 413);
    answer.timing();
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let request = post("abcdef").replace("def", "");
    let answer = ask(hasher(1, 20).address, &request).await;
    assert_eq!(answer.status, 408, "{}", answer.text());
    answer.timing();
}

#[tokio::test]
async fn slow_bodies_take_no_place_in_the_station() {
    let running = hasher(1, 1);
    let mut slow = Client::connect(running.address).await;
    slow.send(post("abc").replace("bc", "")).await;
    for _ in 0..3 {
        let answer = ask(running.address, &post("abc")).await;
        assert_eq!(answer.text(), OF_ABC);
        assert!(answer.timing().0 <= 0.0, "{answer:?}");
    }
    slow.send("bc").await;
    assert_eq!(slow.answer().await.text(), OF_ABC);
}

#[tokio::test]
async fn a_body_that_breaks_off_harms_nobody() {
    let running = hasher(1, 20);
    let mut client = Client::connect(running.address).await;
    client.send(post("abc").replace("bc", "")).await;
    drop(client);
    let broken = format!("{CHUNKED}what\r\n");
    assert_eq!(ask(running.address, &broken).await.status, 400);
    assert_eq!(ask(running.address, &get("/")).await.status, 200);
}
