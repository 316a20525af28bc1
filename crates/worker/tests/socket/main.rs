//! The worker as a process of its own: what it asks rng and hasher, what it tells Redis, and how
//! it takes their failures. rng and hasher are played by servers of the test, byte for byte.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what these tests share fails the test")]

mod between;
mod dishonest;
mod experiment;
mod failures;
mod health;
mod late;
mod loops;
mod old_servers;
mod policies;
mod process;
mod redis_away;
mod refusals;
mod server;
mod settings;
mod store;
mod targets;
mod traffic;
mod wait;
#[expect(dead_code, reason = "the worker's tests use a part of it")]
#[path = "../../../service/tests/support/wire.rs"]
mod wire;

use process::Worker;
use server::{Exchange, Request, Server};
use store::{Store, read_or_not};
use wait::{DEADLINE, eventually};

/// Settings for tests in which speed is no question.
const FAST: [&str; 4] = ["--think-time", "5ms", "--flush-interval", "50ms"];
