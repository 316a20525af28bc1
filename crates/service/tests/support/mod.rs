//! What the socket tests of all services share: a raw HTTP client, a service in this process, a
//! service as a process of its own. It knows no route.

mod process;
mod running;
mod timing;
mod wire;

pub(crate) use process::Process;
pub(crate) use running::Running;
pub(crate) use wire::{Answer, Client, PATIENCE, ask};
