//! The load generator of `bench load`: a schedule times a target. Every latency counts from when
//! its request was due, and the generator's own lateness is part of the result.
//!
//! One way through the code: [`settings`] (what was typed) → [`plan`] (nothing wrong in it) →
//! [`run`] (a [`schedule`] times targets; writes down) → [`recording`] → [`summary`] (thinks, and
//! doubts) → [`formats`]. It prints nothing, and neither exits nor listens to signals.

pub mod command;
pub mod compare;
pub mod credentials;
pub mod distribution;
pub mod formats;
pub mod generator;
pub mod numbers;
pub mod parts;
pub mod plan;
pub mod recording;
pub mod rows;
pub mod run;
pub mod schedule;
pub mod search;
pub mod settings;
pub mod slo;
pub mod summary;
pub mod view;
mod words;
