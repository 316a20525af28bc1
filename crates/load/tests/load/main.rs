//! The whole of `bench load` on real sockets, against servers of a few lines that behave and
//! misbehave, as its users see it: the text, the JSON and the exit code.

#![expect(clippy::panic, clippy::unwrap_used, reason = "what these tests share fails the test")]

mod arrivals;
mod asking;
mod faults;
mod keeping_up;
mod outcomes;
mod requests;
mod search;
mod support;
