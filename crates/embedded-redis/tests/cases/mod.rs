//! The cases, each a function that gets a server; must not know which server it is, except for
//! `faults` and `lifecycle`, which only the embedded one has, and `differential`, which has both.

pub(crate) mod cli;
pub(crate) mod clients;
pub(crate) mod connection;
pub(crate) mod counters;
mod differential;
pub(crate) mod errors;
pub(crate) mod expiry;
mod faults;
pub(crate) mod hashes;
pub(crate) mod keys;
mod lifecycle;
pub(crate) mod limits;
pub(crate) mod monitor;
pub(crate) mod password;
pub(crate) mod protocol;
pub(crate) mod resp3;
pub(crate) mod scan;
pub(crate) mod server;
pub(crate) mod strings;
pub(crate) mod traffic;
pub(crate) mod transactions;
pub(crate) mod unix;
