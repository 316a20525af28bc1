//! Routes, statuses, types, lengths, and the two headers on every answer.

use crate::{Client, ask, get, rng};

#[tokio::test]
async fn the_greeting_names_the_replica_and_takes_no_service_time() {
    let answer = ask(rng(20, 1).address, &get("/")).await;
    assert_eq!((answer.status, answer.text()), (200, "RNG running on r1\n"));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(answer.timing().1 <= 0.0, "{answer:?}");
}

#[tokio::test]
async fn as_many_bytes_come_as_were_asked_for_after_the_service_time() {
    let mut client = Client::connect(rng(20, 1).address).await;
    let mut before = Vec::new();
    for count in [1, 32, 65_536, 65_537, 300_000] {
        client.send(get(&format!("/{count}"))).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.body.len()), (200, count));
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
        let (queue, service) = answer.timing();
        assert!((20.0..21.0).contains(&service) && queue < 20.0, "{queue} {service}");
        assert_ne!(answer.body, before);
        before = answer.body;
    }
}

#[tokio::test]
async fn bytes_differ_from_request_to_request_and_use_all_values() {
    let running = rng(0, 1);
    let bytes = ask(running.address, &get("/65536")).await.body;
    let mut seen = [false; 256];
    for byte in &bytes {
        seen[usize::from(*byte)] = true;
    }
    assert_eq!(seen, [true; 256]);
    assert_ne!(ask(running.address, &get("/65536")).await.body, bytes);
}

#[tokio::test]
async fn zero_bytes_are_an_empty_body() {
    let answer = ask(rng(1, 1).address, &get("/0")).await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("0")));
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
}

#[tokio::test]
async fn what_is_no_count_is_not_found() {
    let running = rng(1, 1);
    let mut client = Client::connect(running.address).await;
    for path in ["/abc", "/-1", "/+1", "/1.5", "/32/", "/index.html", "/%zz", "/32%2F"] {
        client.send(get(path)).await;
        assert_eq!(client.answer().await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn methods_are_told_to_whoever_uses_another_or_asks_for_them() {
    let mut client = Client::connect(rng(20, 1).address).await;
    for (method, path, status) in [
        ("POST", "/32", 405),
        ("PUT", "/", 405),
        ("DELETE", "//7", 405),
        ("BREW", "/%37", 405),
        ("OPTIONS", "/32", 200),
        ("OPTIONS", "/", 200),
    ] {
        client
            .send(format!("{method} {path} HTTP/1.1\r\nHost: rng\r\nContent-Length: 2\r\n\r\nab"))
            .await;
        let answer = client.answer().await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("allow"), Some("OPTIONS, GET, HEAD"), "{method} {path}");
        assert!(answer.timing().1 <= 0.0, "no work is done for it: {answer:?}");
    }
    for (method, path) in [("POST", "/abc"), ("OPTIONS", "/abc"), ("OPTIONS", "*")] {
        client.send(get(path).replace("GET", method)).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("allow")), (404, None), "{method} {path}");
    }
}

#[tokio::test]
async fn too_many_bytes_are_refused_without_being_made() {
    let mut client = Client::connect(rng(1, 1).address).await;
    for count in ["1073741825", "99999999999", "99999999999999999999"] {
        client.send(get(&format!("/{count}"))).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 413, "{count}");
        assert!(answer.text().contains("1073741824"), "{}", answer.text());
    }
}

#[tokio::test]
async fn every_answer_says_who_gave_it_and_how_long_it_took() {
    let mut client = Client::connect(rng(1, 1).address).await;
    for path in ["/", "/32", "/0", "/100000", "/abc", "/1073741825"] {
        client.send(get(path)).await;
        let answer = client.answer().await;
        assert_eq!(answer.header("x-replica"), Some("r1"), "{path}");
        answer.timing();
    }
}

#[tokio::test]
async fn head_tells_the_length_of_what_get_would_send() {
    let mut client = Client::connect(rng(1, 1).address).await;
    for (path, status, length) in [
        ("/", 200, "18"),
        ("/32", 200, "32"),
        ("/0", 200, "0"),
        ("/1073741824", 200, "1073741824"),
        ("/abc", 404, "10"),
        ("/health", 200, ""),
    ] {
        client.send(get(path).replace("GET", "HEAD")).await;
        let answer = client.answer_to_head().await;
        assert_eq!(answer.status, status, "{path}");
        let said = answer.header("content-length").unwrap();
        assert!(length.is_empty() || said == length, "{path}: {said}");
    }
    // Nothing may have been left on the connection.
    client.send(get("/32")).await;
    assert_eq!(client.answer().await.body.len(), 32);
}

#[tokio::test]
async fn http_1_0_clients_are_served_with_and_without_a_kept_connection() {
    let running = rng(1, 1);
    let mut client = Client::connect(running.address).await;
    for _ in 0..2 {
        client.send("GET /100000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
        assert_eq!(client.answer().await.body.len(), 100_000);
    }
    client.send("GET /32 HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.answer().await.body.len(), 32);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let mut client = Client::connect(rng(2, 1).address).await;
    client.send([get("/1"), get("/abc"), get("/3"), get("/")].concat()).await;
    assert_eq!(client.answer().await.body.len(), 1);
    assert_eq!(client.answer().await.status, 404);
    assert_eq!(client.answer().await.body.len(), 3);
    assert_eq!(client.answer().await.text(), "RNG running on r1\n");
}

#[tokio::test]
async fn health_tells_the_stations_settings() {
    let answer = ask(rng(20, 1).address, &get("/health")).await;
    let health: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["service"], "rng");
    assert_eq!(health["replica"], "r1");
    assert_eq!(health["station"]["concurrency"], 1);
    assert_eq!(health["station"]["service_time_ms"], 20.0);
}
