//! The webui service as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::launch::launch::<webui::Settings>(std::env::args_os())
}
