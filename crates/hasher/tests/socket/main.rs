//! hasher as its clients see it: raw bytes over sockets, in this process where only the answers
//! matter and as a process of its own where settings, signals or memory do.

#[expect(dead_code, reason = "each service's tests use a part of it")]
#[path = "../../../service/tests/support/mod.rs"]
mod support;

mod bodies;
mod contract;
mod experiment;
mod process;
mod queue;

use std::time::Duration;

use hasher::{Bodies, Hasher};
use service::station::ServiceTime;
use service::{Limits, Replica};
use support::{Client, Process, Running, ask};

/// SHA-256 of nothing.
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// SHA-256 of `abc`.
const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A hasher called `h1` in this process, for bodies of any size.
fn hasher(milliseconds: u64, concurrency: u32) -> Running {
    bounded(milliseconds, concurrency, u64::MAX)
}

/// The same for bodies of at most `most` bytes.
fn bounded(milliseconds: u64, concurrency: u32, most: u64) -> Running {
    let time = ServiceTime::fixed(Duration::from_millis(milliseconds));
    let replica = Replica::new("h1".to_owned(), time, concurrency);
    let bodies = Bodies { most, patience: Duration::from_millis(100) };
    Running::start(Hasher::new(replica, bodies), Limits::default())
}

fn post(body: &str) -> String {
    let length = body.len();
    format!("POST / HTTP/1.1\r\nHost: hasher\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: hasher\r\n\r\n")
}
