//! webui as its clients see it, with a real redis-server behind it: raw bytes over sockets, and
//! Redis away, hanging, stopped and back again.

#![expect(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

#[expect(dead_code, reason = "each service's tests use a part of it")]
#[path = "../../../service/tests/support/mod.rs"]
mod support;

mod away;
mod experiment;
mod faults;
mod hosts;
mod json;
mod observation;
mod page;
mod process;
mod redis_server;

use std::net::SocketAddr;

use redis_server::RedisServer;
use service::Limits;
use support::{Answer, Client, Process, Running, ask};
use webui::Webui;

/// A webui called `w1` in this process that reads from the Redis at `redis`.
fn webui(redis: SocketAddr) -> Running {
    let webui = Webui::new("w1".to_owned(), redis.to_string().parse().unwrap());
    Running::start(webui, Limits::default())
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: webui\r\n\r\n")
}

fn json(answer: &Answer) -> serde_json::Value {
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    serde_json::from_slice(&answer.body).unwrap()
}
