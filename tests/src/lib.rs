//! What the tests of the whole app share: a place of their own on the machine, processes that do
//! not outlive their test, and ways to ask the app how it is. It asserts nothing about the app.
//!
//! Failures are panics: there is nobody but a test to hear of them.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "the support code of tests fails the test"
)]

pub mod contract;
pub mod http;
pub mod lab;
pub mod mix;
pub mod place;
pub mod proc_fs;
pub mod process;
pub mod redis_server;
pub mod tap;
pub mod up;
pub mod wait;

pub use lab::Lab;
pub use mix::Mix;
pub use place::Place;
pub use process::{Ended, Process};
pub use redis_server::RedisServer;
pub use tap::Tap;
pub use up::Up;
pub use wait::{DEADLINE, eventually, within};
