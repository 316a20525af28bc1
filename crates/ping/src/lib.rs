//! The prober of `bench ping`: one endpoint asked again and again, timed in phases, told in
//! httping's words.
//!
//! One way through the code: [`settings`] (what was typed) → [`plan`] (nothing wrong in it) →
//! [`run`] (a [`prober`] asks at its [`pace`]; writes down) → [`statistics`] (thinks) → [`report`].
//! Nothing here prints, exits or listens to signals: writers, stops and wishes come from outside.

pub mod command;
pub mod pace;
pub mod plan;
pub mod prober;
pub mod report;
pub mod run;
pub mod settings;
pub mod statistics;
