//! Exchanges on real sockets, with servers of a few lines that answer well, badly, or not at all.

#![expect(clippy::unwrap_used, reason = "what these tests share fails the test")]
#![expect(clippy::panic, reason = "what these tests share fails the test")]

mod answers;
mod breaks;
mod certificates;
mod descriptors;
mod excess;
mod http2;
mod places;
mod proxies;
mod server;
mod stalls;
mod tls;
mod uploads;
