//! `check_health` against services that answer, refuse, are silent or are not there.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use service::{HealthError, Limits, check_health};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::toy::Toy;
use crate::{Client, Running};

/// A server that answers its only client with these bytes, and keeps the connection if told to.
async fn answering(bytes: &'static str, and_closes: bool) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let read = stream.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..read]).into_owned();
        assert!(request.starts_with("GET /health HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("Host: {address}\r\n")), "{request}");
        stream.write_all(bytes.as_bytes()).await.unwrap();
        if !and_closes {
            std::future::pending::<()>().await;
        }
    });
    address
}

#[tokio::test]
async fn a_service_that_answers_is_healthy() {
    let running = Running::start(Toy::new(), Limits::default());
    check_health(running.address).await.unwrap();
    let everywhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), running.address.port());
    check_health(everywhere).await.unwrap();
}

#[tokio::test]
async fn a_service_at_its_limit_of_connections_is_healthy() {
    let limits = Limits { max_connections: 1, ..Limits::default() };
    let running = Running::start(Toy::new(), limits);
    let mut only = Client::connect(running.address).await;
    only.send("GET / HTTP/1.1\r\nHost: toy\r\n\r\n").await;
    assert_eq!(only.answer().await.status, 200);
    check_health(running.address).await.unwrap();
}

#[tokio::test]
async fn anything_but_200_is_unhealthy_and_shown() {
    for (answer, shown) in [
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", "503 Service Unavailable"),
        ("HTTP/1.1 2000 Odd\r\n\r\n", "2000 Odd"),
        ("SSH-2.0-server 200\r\n", "SSH-2.0-server"),
        ("", "answered ''"),
    ] {
        let address = answering(answer, true).await;
        let error = check_health(address).await.unwrap_err();
        assert!(matches!(error, HealthError::Refused(..)), "{answer:?}: {error}");
        let sentence = error.to_string();
        assert!(sentence.contains(shown) && sentence.contains(&address.to_string()), "{sentence}");
    }
}

#[tokio::test]
async fn silence_is_unhealthy_after_two_seconds() {
    for begun in ["", "HTTP/1.1 200 OK\r\n"] {
        let address = answering(begun, false).await;
        let begin = Instant::now();
        let error = check_health(address).await.unwrap_err();
        assert!(matches!(error, HealthError::Silent(_)), "{error}");
        assert!(error.to_string().contains("2s"), "{error}");
        assert!(begin.elapsed() >= Duration::from_secs(2));
    }
}

#[tokio::test]
async fn nobody_listening_is_unhealthy() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let error = check_health(address).await.unwrap_err();
    assert!(matches!(error, HealthError::Unreachable(..)), "{error}");
}
