//! The harness: runs the app, scales it, measures it, and says what holds it back.
//!
//! One way through the code: [`cli`] (what was typed) → [`plan`] (validated) → [`cluster`] (the
//! only part that changes the world) → [`measure`] (samples, no arithmetic) → [`record`] (samples
//! to disk) → [`analyse`] (pure) → [`report`] (pure). Only `main` prints.

pub mod advise;
pub mod analyse;
pub mod cli;
pub mod cluster;
pub mod compare;
pub mod failure;
pub mod http;
pub mod inside;
mod lines;
pub mod measure;
pub mod plan;
pub mod probe;
pub mod progress;
pub mod record;
pub mod report;
pub mod review;
pub mod scale;
pub mod session;
pub mod settle;
pub mod shell;
mod step;
pub mod sweep;
