//! A running worker. It ends with its test, however the test ends: dropping it kills it, and the
//! lifeline ends it with a test that is killed itself.

use std::net::SocketAddr;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::{DEADLINE, Store};

/// A worker process.
pub(crate) struct Worker {
    child: Child,
    lifeline: Option<ChildStdin>,
    output: ChildStdout,
    log: JoinHandle<String>,
}

/// A worker that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
}

impl Worker {
    /// Starts a worker that asks `rng` and `hasher` and counts in `store`.
    pub(crate) fn start(rng: &str, hasher: &str, store: &Store, flags: &[&str]) -> Self {
        Self::start_at(rng, hasher, store.address, flags)
    }

    /// The same for a Redis at this address.
    pub(crate) fn start_at(rng: &str, hasher: &str, redis: SocketAddr, flags: &[&str]) -> Self {
        let redis = redis.to_string();
        let mut command = command();
        command.args(["--lifeline", "--rng", rng, "--hasher", hasher, "--redis", &redis]);
        Self::spawn(command.args(flags))
    }

    /// Runs a worker that is to end by itself.
    pub(crate) async fn fail(flags: &[&str], environment: &[(&str, &str)]) -> Ended {
        Self::spawn(command().args(flags).envs(environment.iter().copied())).ended().await
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lifeline = child.stdin.take();
        let mut pipe = BufReader::new(child.stderr.take().unwrap());
        // Read by a task, so that the worker never waits for its test.
        let log = tokio::spawn(async move {
            let mut log = String::new();
            pipe.read_to_string(&mut log).await.unwrap();
            log
        });
        let output = child.stdout.take().unwrap();
        Self { child, lifeline, output, log }
    }

    /// The port it says it answers `/health` on.
    pub(crate) async fn health_port(&mut self) -> u16 {
        let mut line = String::new();
        let mut lines = BufReader::new(&mut self.output);
        timeout(DEADLINE, lines.read_line(&mut line)).await.unwrap().unwrap();
        let address = line.trim_end().strip_prefix("worker listening on 0.0.0.0:").unwrap();
        address.parse().unwrap()
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) async fn stop(self) -> Ended {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
        self.ended().await
    }

    /// Ends it as the end of its parent does, and waits for it.
    pub(crate) async fn orphan(mut self) -> Ended {
        self.lifeline = None;
        self.ended().await
    }

    async fn ended(mut self) -> Ended {
        let code = timeout(DEADLINE, self.child.wait()).await.unwrap().unwrap().code();
        let log = timeout(DEADLINE, self.log).await.unwrap().unwrap();
        Ended { code, log }
    }
}

impl Ended {
    /// The loops in its last words, all of which it must have counted.
    pub(crate) fn loops(&self) -> u64 {
        let line = self.last_words();
        assert_eq!(number(line, "loops"), number(line, "counted"), "{line}");
        number(line, "loops")
    }

    /// The coins in its last words.
    pub(crate) fn coins(&self) -> u64 {
        number(self.last_words(), "coins")
    }

    fn last_words(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}", self.log);
        let mut lines = self.log.lines().filter(|line| line.contains("accounts settled"));
        lines.next().unwrap_or_else(|| panic!("not settled:\n{}", self.log))
    }
}

fn number(line: &str, name: &str) -> u64 {
    let mut fields = line.split_whitespace().filter_map(|word| word.split_once('='));
    let field = fields.find(|(field, _)| *field == name);
    field.unwrap_or_else(|| panic!("no {name} in {line}")).1.parse().unwrap()
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
    command
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
