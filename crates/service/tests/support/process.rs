//! A service as a process of its own, for what only a process has: settings, signals, exit codes
//! and memory. It ends with the test, however the test ends.

#![expect(clippy::unwrap_used, reason = "a test without its process has failed")]

use std::net::SocketAddr;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::PATIENCE;

/// A started service. The lifeline ends it with this process, even one that is killed.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    lifeline: Option<ChildStdin>,
    child: Child,
}

/// How a process ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// What it wrote to standard error.
    pub(crate) message: String,
}

impl Process {
    /// Starts `program` on a free port of the loopback and waits until it listens.
    pub(crate) async fn start(program: &str, arguments: &[&str]) -> Self {
        let mut command = command(program);
        command.args(["--address", "127.0.0.1", "--port", "0", "--lifeline"]);
        let mut child = command.args(arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap();
        let line = line.unwrap().unwrap();
        let address = line.rsplit_once(" listening on ").unwrap().1;
        Self { address: address.parse().unwrap(), lifeline: child.stdin.take(), child }
    }

    /// Runs `program` that is to end by itself.
    pub(crate) async fn fail(
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Ended {
        let mut command = command(program);
        command.args(arguments).envs(environment.iter().copied());
        ended(command.spawn().unwrap()).await
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    pub(crate) fn cut_lifeline(&mut self) {
        self.lifeline = None;
    }

    /// Closes the pipe that its log is written to.
    pub(crate) fn close_log(&mut self) {
        self.child.stderr = None;
    }

    /// Waits for its end, without its log.
    pub(crate) async fn exit_code(mut self) -> Option<i32> {
        let _lifeline = self.child.stdin.take();
        timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap().code()
    }

    pub(crate) async fn ended(self) -> Ended {
        ended(self.child).await
    }

    /// The most memory it ever had resident, in KiB.
    pub(crate) fn most_memory(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.unwrap().trim().trim_end_matches(" kB").parse().unwrap()
    }
}

fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn ended(mut child: Child) -> Ended {
    // Held until the end: only `cut_lifeline` lets go of it before.
    let lifeline = child.stdin.take();
    let mut message = String::new();
    let mut errors = child.stderr.take().unwrap();
    let all = async {
        errors.read_to_string(&mut message).await.unwrap();
        child.wait().await.unwrap()
    };
    let status = timeout(PATIENCE, all).await.unwrap();
    drop(lifeline);
    Ended { code: status.code(), message }
}
