//! The worker as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::launch::launch::<worker::Settings>(std::env::args_os())
}
