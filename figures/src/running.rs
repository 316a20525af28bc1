//! A program under measurement: started, its lines read with the time they came, and ended by its
//! own process id. One that is dropped is killed.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

/// How long a program may take to say that it is ready.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a program may take to end before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(12);

/// A running program.
#[derive(Debug)]
pub(crate) struct Running {
    name: String,
    pid: u32,
    child: Child,
    lines: UnboundedReceiver<Line>,
}

/// A line it printed.
#[derive(Debug)]
pub(crate) struct Line {
    /// When it was read.
    pub(crate) at: Instant,
    /// The line without its end.
    pub(crate) text: String,
}

impl Running {
    /// Starts `command`. Its log, on standard error, is not kept.
    pub(crate) fn start(name: &str, mut command: Command) -> anyhow::Result<Self> {
        let mut child = prepare(&mut command)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let pid = child.id().with_context(|| format!("{name} ended at once"))?;
        let (sender, lines) = mpsc::unbounded_channel();
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(read_lines(stdout, sender));
        }
        Ok(Self { name: name.to_owned(), pid, child, lines })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The next line that `is_wanted`.
    pub(crate) async fn line(&mut self, is_wanted: impl Fn(&str) -> bool) -> anyhow::Result<Line> {
        let search = async {
            loop {
                match self.lines.recv().await {
                    Some(line) if is_wanted(&line.text) => return Some(line),
                    Some(_) => {}
                    None => return None,
                }
            }
        };
        match tokio::time::timeout(START_TIMEOUT, search).await {
            Ok(Some(line)) => Ok(line),
            Ok(None) => bail!("{} ended before it said what was waited for", self.name),
            Err(_) => {
                bail!("{} did not say within {START_TIMEOUT:?} what was waited for", self.name)
            }
        }
    }

    /// Forgets the lines so far.
    pub(crate) fn skip_lines(&mut self) {
        while self.lines.try_recv().is_ok() {}
    }

    /// The address of a server that prints `NAME listening on ADDRESS`.
    pub(crate) async fn address(&mut self) -> anyhow::Result<SocketAddr> {
        let line = self.line(|line| line.contains(" listening on ")).await?;
        let word = line.text.split_whitespace().last().unwrap_or_default();
        word.parse().with_context(|| format!("{} announced '{}'", self.name, line.text))
    }

    /// Tells it to stop, and kills it if it does not.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.child.id().and_then(raw_pid) {
            // It may just have ended by itself, which is as good.
            let _ = kill_process(pid, Signal::TERM);
        }
        if tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            self.child.kill().await.with_context(|| format!("cannot end {}", self.name))?;
        }
        Ok(())
    }
}

/// Runs `command` to its end and returns what it printed, with its exit code. Its progress, on
/// standard error, is passed on.
pub(crate) async fn output(name: &str, mut command: Command) -> anyhow::Result<(String, i32)> {
    let child = prepare(&mut command)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let output = child.wait_with_output().await.with_context(|| format!("{name} was lost"))?;
    let code = output.status.code().with_context(|| format!("{name}: {}", output.status))?;
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), code))
}

/// Kills a process outright.
pub(crate) fn kill(pid: u32) -> anyhow::Result<()> {
    let pid = raw_pid(pid).context("no process has this id")?;
    kill_process(pid, Signal::KILL).context("cannot kill a replica")
}

fn raw_pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

fn prepare(command: &mut Command) -> &mut Command {
    // Ctrl-C in the terminal is for this process alone, which ends the others.
    command.stdin(Stdio::null()).env("LC_ALL", "C").process_group(0).kill_on_drop(true)
}

async fn read_lines(stdout: ChildStdout, lines: UnboundedSender<Line>) {
    let mut read = BufReader::new(stdout).lines();
    // Read to the end even if nobody listens: a full pipe would stop the program.
    while let Ok(Some(text)) = read.next_line().await {
        let _ = lines.send(Line { at: Instant::now(), text });
    }
}
