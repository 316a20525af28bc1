//! The same on the embedded Redis, which the original's Redis clients must find to be one.

use std::net::SocketAddr;

use app_tests::mix::Service;
use embedded_redis::{Redis, serve};
use tokio::net::TcpListener;

/// An embedded Redis that lives as long as the test.
async fn redis() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, Redis::new(), std::future::pending()));
    address
}

#[tokio::test]
async fn all_theirs_on_the_embedded_redis() {
    super::works(redis().await, &Service::ALL).await;
}

#[tokio::test]
async fn our_worker_and_their_webui_on_the_embedded_redis() {
    super::works(redis().await, &[Service::Webui]).await;
}

#[tokio::test]
async fn their_worker_and_our_webui_on_the_embedded_redis() {
    super::works(redis().await, &[Service::Worker]).await;
}
