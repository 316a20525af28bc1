//! Makes the figures of `docs/benchmarks.md`: starts the release programs, measures them, and
//! prints one Markdown section a figure on stdout. Progress goes to stderr. Only this file prints.

mod app;
mod capacity;
mod figure;
mod footprint;
mod grid;
mod history;
mod lab;
mod overhead;
mod peers;
mod probe;
mod procfs;
mod queue;
mod running;
mod section;
mod share;
mod stats;
mod wrk;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser as _, ValueEnum as _};
use tokio::signal::unix::{SignalKind, signal};

use crate::figure::{Arguments, Name};
use crate::lab::Lab;

const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        let lines = Name::value_variants().iter().map(|name| format!("{name:<15}{}", name.about()));
        print(&(lines.collect::<Vec<_>>().join("\n") + "\n"));
        return ExitCode::SUCCESS;
    }
    run(&arguments).unwrap_or_else(|error| {
        progress(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let names = arguments.chosen();
    let lab = Lab::new(arguments, progress)?;
    figure::check_tools(&names, &lab)?;
    service::launch::raise_file_limit();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = stop_signal().context("cannot listen for signals")?;
        tokio::pin!(stop);
        print(&lab.preface());
        let mut code = ExitCode::SUCCESS;
        for name in names {
            progress(&format!("{name}: {}", name.about()));
            // A figure that is dropped half way ends the processes it started.
            let made = tokio::select! {
                biased;
                () = &mut stop => return Ok(ExitCode::from(INTERRUPTED)),
                made = name.make(&lab) => made,
            };
            match made {
                Ok(section) => print(&section.render(name)),
                Err(error) => {
                    progress(&format!("{name}: {error:#}"));
                    print(&format!("## {name}\n\nNot made: {error:#}\n\n"));
                    code = ExitCode::FAILURE;
                }
            }
        }
        Ok(code)
    })
}

/// Completes when this process is told to stop: Ctrl-C, SIGTERM, or its terminal closed.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

fn print(text: &str) {
    let mut out = io::stdout().lock();
    // With nowhere to print to there is nobody to tell.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn progress(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
