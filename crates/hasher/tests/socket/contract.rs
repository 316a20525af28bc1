//! Routes, statuses, types, known hashes, and the two headers on every answer.

use crate::{Client, OF_ABC, OF_NOTHING, ask, get, hasher, post};

#[tokio::test]
async fn the_greeting_names_the_replica_and_takes_no_service_time() {
    let answer = ask(hasher(20, 20).address, &get("/")).await;
    assert_eq!((answer.status, answer.text()), (200, "HASHER running on h1\n"));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(answer.timing().1 <= 0.0, "{answer:?}");
}

#[tokio::test]
async fn hashes_are_those_of_the_standard() {
    let mut client = Client::connect(hasher(20, 20).address).await;
    let million = "a".repeat(1_000_000);
    for (body, hash) in [
        ("", OF_NOTHING),
        ("abc", OF_ABC),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (million.as_str(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ] {
        client.send(post(body)).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.text()), (200, hash));
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        let (queue, service) = answer.timing();
        assert!((20.0..21.0).contains(&service) && queue <= 0.0, "{queue} {service}");
    }
}

#[tokio::test]
async fn bodies_may_be_any_bytes() {
    let mut client = Client::connect(hasher(1, 20).address).await;
    client.send("POST / HTTP/1.1\r\nHost: hasher\r\nContent-Length: 256\r\n\r\n").await;
    client.send((0..=255).collect::<Vec<u8>>()).await;
    let hash = "40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880";
    assert_eq!(client.answer().await.text(), hash);
}

#[tokio::test]
async fn a_post_without_a_body_is_one_of_nothing() {
    let answer = ask(hasher(1, 20).address, "POST / HTTP/1.1\r\nHost: hasher\r\n\r\n").await;
    assert_eq!((answer.status, answer.text()), (200, OF_NOTHING));
}

#[tokio::test]
async fn other_paths_and_methods_are_not_found() {
    let mut client = Client::connect(hasher(1, 20).address).await;
    for path in ["/abc", "/32", "//", "/index.html"] {
        client.send(get(path)).await;
        assert_eq!(client.answer().await.status, 404, "{path}");
        client.send(post("abc").replacen('/', path, 1)).await;
        assert_eq!(client.answer().await.status, 404, "POST {path}");
    }
    for method in ["PUT", "DELETE", "OPTIONS"] {
        client.send(post("abc").replace("POST", method)).await;
        assert_eq!(client.answer().await.status, 404, "{method}");
    }
}

#[tokio::test]
async fn every_answer_says_who_gave_it_and_how_long_it_took() {
    let mut client = Client::connect(hasher(1, 20).address).await;
    for request in [get("/"), post("abc"), get("/abc"), post("").replace("POST", "PUT")] {
        client.send(&request).await;
        let answer = client.answer().await;
        assert_eq!(answer.header("x-replica"), Some("h1"), "{request}");
        answer.timing();
    }
}

#[tokio::test]
async fn head_tells_the_length_of_what_get_would_send() {
    let mut client = Client::connect(hasher(1, 20).address).await;
    for (path, status, length) in [("/", 200, "21"), ("/abc", 404, "10")] {
        client.send(get(path).replace("GET", "HEAD")).await;
        let answer = client.answer_to_head().await;
        assert_eq!((answer.status, answer.header("content-length")), (status, Some(length)));
    }
    client.send(get("/health").replace("GET", "HEAD")).await;
    assert_eq!(client.answer_to_head().await.status, 200);
    // Nothing may have been left on the connection.
    client.send(post("abc")).await;
    assert_eq!(client.answer().await.text(), OF_ABC);
}

#[tokio::test]
async fn http_1_0_clients_are_served_with_and_without_a_kept_connection() {
    let mut client = Client::connect(hasher(1, 20).address).await;
    let kept = "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc";
    for _ in 0..2 {
        client.send(kept).await;
        assert_eq!(client.answer().await.text(), OF_ABC);
    }
    client.send(kept.replace("Connection: keep-alive\r\n", "")).await;
    assert_eq!(client.answer().await.text(), OF_ABC);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let mut client = Client::connect(hasher(2, 20).address).await;
    client.send([post("abc"), get("/"), post("")].concat()).await;
    assert_eq!(client.answer().await.text(), OF_ABC);
    assert_eq!(client.answer().await.text(), "HASHER running on h1\n");
    assert_eq!(client.answer().await.text(), OF_NOTHING);
}

#[tokio::test]
async fn health_tells_the_stations_settings() {
    let answer = ask(hasher(20, 20).address, &get("/health")).await;
    let health: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["service"], "hasher");
    assert_eq!(health["replica"], "h1");
    assert_eq!(health["station"]["concurrency"], 20);
}
