//! `bench ping` at a terminal: its signals and streams. All else is in the crate `ping`.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write, stderr, stdin, stdout};
use std::os::fd::AsFd as _;

use bench::failure::Ended;
use ping::command::{Outs, Trouble, ping};
use ping::report::Glance;
use ping::settings::Settings;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::interrupts::Interrupts;
use crate::terminal::is_drawable;

/// Wishes for a summary that may wait; further ones would show the same.
const WAITING: usize = 4;

/// Probes until the end or Ctrl-C; gives the exit code.
pub(crate) async fn run(settings: Settings, interrupts: &Interrupts) -> anyhow::Result<u8> {
    let (wishes, glances) = mpsc::channel(WAITING);
    let mut quits = signal(SignalKind::quit())?;
    tokio::spawn(async move {
        while quits.recv().await.is_some() {
            // Where one waits already, another says nothing new.
            let _ = wishes.try_send(Glance::Summary);
        }
    });
    // A graph needs keys as well.
    let is_terminal = is_drawable(&stdout()) && stdin().is_terminal();
    let terminal = is_terminal.then_some(screen as fn() -> Box<dyn Write + Send>);
    let stop = interrupts.nth(1);
    let like_httping = settings.limits.httping_exit;
    // As a task: what wakes the future that a runtime blocks on costs two system calls more.
    let probing = tokio::spawn(async move {
        // What is written is whole already: std's own buffer would split it at ends of lines.
        let mut results = File::from(stdout().as_fd().try_clone_to_owned()?);
        let outs = Outs { results: &mut results, notes: &mut stderr(), terminal };
        io::Result::Ok(ping(settings, stop, glances, outs).await)
    });
    let ended = probing.await??;
    let said =
        |trouble: Trouble| Ended { words: trouble.to_string(), exit: trouble.exit(like_httping) };
    Ok(ended.map_err(said)?)
}

fn screen() -> Box<dyn Write + Send> {
    Box::new(stdout())
}
