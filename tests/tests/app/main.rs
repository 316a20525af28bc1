//! The whole app as processes: `bench` as a user starts it, its replicas, its published ports,
//! and what happens when any of them is killed. One program, as each takes a while to link.

#![expect(clippy::panic, reason = "what these tests share fails the test")]

mod clocks;
mod contract;
mod contract_worker;
mod counting;
mod diagnosing;
mod embedded;
mod experimenting;
mod faults;
mod hostile;
mod interrupted;
mod logs;
mod measuring;
mod other_users;
mod planning;
mod probing;
mod recording;
mod refusals;
mod running;
mod secrets;
mod shares;
mod stopping;
mod up;
mod verifying;
mod ways;
