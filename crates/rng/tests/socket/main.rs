//! rng as its clients see it: raw bytes over sockets, in this process where only the answers
//! matter and as a process of its own where settings, signals or memory do.

#[expect(dead_code, reason = "each service's tests use a part of it")]
#[path = "../../../service/tests/support/mod.rs"]
mod support;

mod access_log;
mod contract;
mod experiment;
mod faults;
mod process;
mod queue;

use std::time::Duration;

use rng::Rng;
use service::station::ServiceTime;
use service::{Limits, Replica};
use support::{Answer, Client, Process, Running, ask};

/// An rng called `r1` in this process.
fn rng(milliseconds: u64, concurrency: u32) -> Running {
    let time = ServiceTime::fixed(Duration::from_millis(milliseconds));
    let replica = Replica::new("r1".to_owned(), time, concurrency);
    Running::start(Rng::new(replica), Limits::default())
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: rng\r\n\r\n")
}
