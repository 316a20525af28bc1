//! `service::serve` on real sockets, with raw bytes: HTTP as clients speak it, and the faults that
//! slow, greedy, silent and broken clients bring.

#![expect(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

#[path = "../support/running.rs"]
mod running;
#[expect(dead_code, reason = "each service's tests use a part of it")]
#[path = "../support/wire.rs"]
mod wire;

mod faults;
mod health_check;
mod protocol;
mod stopping;
mod toy;

use running::Running;
use wire::{Answer, Client, PATIENCE, ask};
