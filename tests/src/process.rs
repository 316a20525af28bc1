//! A process under test: its output is collected while it runs, and it ends with its test, its
//! children too, whether the test passes or not.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::proc_fs::{Seen, children_of};
use crate::wait::{DEADLINE, eventually, within};

/// A running process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Output,
    stderr: Output,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Process {
    /// Starts `command` with nothing to read.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = Output::of(child.stdout.take().unwrap());
        let stderr = Output::of(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its children that run now.
    #[must_use]
    pub fn children(&self) -> Vec<Seen> {
        children_of(self.pid())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// The lines it has printed so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.stdout.lines()
    }

    /// The lines it has complained with so far.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        self.stderr.lines()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it has printed a line that `fits`.
    pub async fn line(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        eventually(&format!("a line with {what}"), async || {
            let had_ended = self.has_ended();
            let found = self.lines().into_iter().find(|line| fits(line));
            let text = |output: &Output| output.lines().join("\n");
            assert!(
                found.is_some() || !had_ended,
                "ended without a line with {what}\n{}\n{}",
                text(&self.stdout),
                text(&self.stderr)
            );
            found
        })
        .await
    }

    /// Waits until it ends.
    pub async fn end(self) -> Ended {
        self.end_within(DEADLINE).await
    }

    /// The same with a deadline of its own.
    pub async fn end_within(mut self, deadline: Duration) -> Ended {
        let name = format!("the end of process {}", self.pid());
        let status = within(deadline, &name, async || self.child.try_wait().unwrap()).await;
        Ended { code: status.code(), stdout: self.stdout.all(), stderr: self.stderr.all() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let children = self.children();
        let _ = self.child.kill();
        let _ = self.child.wait();
        for child in children.iter().filter(|child| child.is_alive()) {
            send(child.pid, Signal::KILL);
        }
    }
}

impl Ended {
    /// Its output as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends a signal to a process, which may just have ended by itself.
pub fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    let _ = kill_process(pid, signal);
}

/// What comes out of a pipe, read by a thread, so that the process never waits for its test.
#[derive(Debug)]
struct Output {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let reader = std::thread::spawn({
            let lines = Arc::clone(&lines);
            move || {
                for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            }
        });
        Self { lines, reader: Some(reader) }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything, once the other end is closed.
    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.lines().into_iter().flat_map(|line| [line, "\n".to_owned()]).collect()
    }
}
