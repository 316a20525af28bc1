//! One replica as a child process: this program again, as that service. The child's standard
//! input is its lifeline: it ends when this process does, however that happens, and the child
//! with it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use redis_address::RedisAddress;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, BufReader};
use tokio::process::{Child, ChildStdout};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::Event;
use super::registry::Registry;
use crate::cluster::Service;
use crate::http;
use crate::lines::{printable, read_line};

/// The program itself, even if its file was replaced meanwhile.
const THIS_PROGRAM: &str = "/proc/self/exe";
/// How long a replica may take to be ready.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a replica may take to stop before it is killed; longer than services drain.
const STOP_TIMEOUT: Duration = Duration::from_secs(8);

/// bench's own passwords, of probed servers and proxies.
const OF_NO_REPLICA: [&str; 2] = ["BENCH_PASSWORD", "BENCH_PROXY_PASSWORD"];

/// Longest line with which a replica announces its address.
const LONGEST_ANNOUNCEMENT: usize = 4096;
/// Longest line of a replica's log; a longer one is shown in pieces.
const LONGEST_LOG_LINE: usize = 16 << 10;

/// How a replica is started.
#[derive(Clone, Debug)]
pub(super) struct Command {
    /// One permit for each replica that may be starting at a time; closed once none is to start.
    starts: Arc<Semaphore>,
    service: Service,
    listens: bool,
    arguments: Vec<String>,
    /// The Redis it uses, if any.
    redis: Option<RedisAddress>,
}

/// How a replica ended.
#[derive(Debug)]
pub(super) enum End {
    /// It was told to.
    Stopped,
    /// By itself: how, in words.
    Died(String),
}

impl Command {
    /// A service that listens, on a free port of loopback.
    pub(super) fn listening(service: Service, starts: &Arc<Semaphore>) -> Self {
        let arguments = [("--address", "127.0.0.1".to_owned()), ("--port", "0".to_owned())];
        Self { listens: true, ..Self::silent(service, starts) }.with(arguments)
    }

    /// A service without a port.
    pub(super) fn silent(service: Service, starts: &Arc<Semaphore>) -> Self {
        let arguments = vec!["service".to_owned(), service.name().to_owned(), "--lifeline".into()];
        Self { starts: Arc::clone(starts), service, listens: false, arguments, redis: None }
    }

    /// The same command with more flags.
    pub(super) fn with<const N: usize>(mut self, flags: [(&str, String); N]) -> Self {
        for (flag, value) in flags {
            self.arguments.extend([flag.to_owned(), value]);
        }
        self
    }

    /// The same command, which says whether each request is logged, if that was asked for.
    pub(super) fn access_log(mut self, asked: Option<bool>) -> Self {
        self.arguments.extend(asked.map(|on| format!("--access-log={on}")));
        self
    }

    /// The same command, which says whether a worker logs its work, if that was asked for; else the
    /// file `switch` does, unless the environment says so.
    pub(super) fn work_log(mut self, asked: Option<bool>, switch: &Path) -> Self {
        let value = match asked {
            Some(on) => on.to_string(),
            None if std::env::var_os("WORKER_WORK_LOG").is_some() => return self,
            None => format!("@{}", switch.display()),
        };
        self.arguments.push(format!("--work-log={value}"));
        self
    }

    /// The same command with a Redis to use.
    pub(super) fn with_redis(self, redis: &RedisAddress) -> Self {
        Self { redis: Some(redis.clone()), ..self }
    }

    /// Runs one replica until it ends or `stop` fires (or its sender is dropped).
    pub(super) async fn run(
        &self,
        registry: &Registry,
        slot: u32,
        events: &UnboundedSender<Event>,
        stop: &mut oneshot::Receiver<()>,
    ) -> End {
        let starting = tokio::select! {
            biased;
            _ = &mut *stop => return End::Stopped,
            starting = self.starts.acquire() => starting,
        };
        let Ok(starting) = starting else { return End::Stopped };
        let replica = registry.name(slot);
        let mut child = match self.spawn(&replica) {
            Ok(child) => child,
            Err(error) => return End::Died(format!("cannot be started: {error}")),
        };
        // Held here to the end: waiting for a child would close its standard input.
        let _lifeline = child.stdin.take();
        let log = Log { replica: replica.clone(), events: events.clone() };
        let last_words = child.stderr.take().map(|stderr| tokio::spawn(log.forward(stderr)));
        let readiness = self.until_ready(child.stdout.take());
        let ready = tokio::select! {
            status = child.wait() => return died(status, last_words).await,
            _ = &mut *stop => None,
            ready = tokio::time::timeout(START_TIMEOUT, readiness) => Some(ready),
        };
        drop(starting);
        match ready {
            Some(Ok(Ok(address))) => registry.ready(slot, address),
            Some(Ok(Err(reason))) => {
                // Most likely it is ending; then how it ends says more.
                let ended = tokio::time::timeout(Duration::from_secs(1), child.wait()).await;
                return match ended {
                    Ok(status) => died(status, last_words).await,
                    Err(_) => End::Died(reason),
                };
            }
            Some(Err(_)) => return End::Died(format!("not ready within {START_TIMEOUT:?}")),
            None => return leave(registry, slot, child).await,
        }
        let _ = events.send(Event::Ready { replica });
        tokio::select! {
            status = child.wait() => died(status, last_words).await,
            _ = stop => leave(registry, slot, child).await,
        }
    }

    fn spawn(&self, replica: &str) -> std::io::Result<Child> {
        let (variable, allowed) = self.allow_experiments();
        let mut command = tokio::process::Command::new(THIS_PROGRAM);
        for (variable, value) in self.redis_variables() {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        command
            .args(&self.arguments)
            .env(variable, allowed)
            .args(["--replica", replica])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in the terminal is for this process alone, which stops the others in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    /// The variable that lets bench experiment with its own app, unless it was set by hand.
    fn allow_experiments(&self) -> (String, OsString) {
        let variable = self.service.allow_experiments();
        let allowed = std::env::var_os(&variable).unwrap_or_else(|| "true".into());
        (variable, allowed)
    }

    /// The variables that name its Redis, and `None` for those with a login that it has no use for:
    /// bench's own and those of other services. Later ones count. Other users can list the arguments
    /// of a process, but not its environment.
    fn redis_variables(&self) -> Vec<(String, Option<String>)> {
        let mut variables: Vec<_> = OF_NO_REPLICA.map(|name| (name.to_owned(), None)).into();
        for program in ["BENCH", "WORKER", "WEBUI"] {
            let settings = ["", "_USER", "_PORT", "_PASSWORD", "_PASSWORD_FILE"];
            variables.extend(settings.map(|name| (format!("{program}_REDIS{name}"), None)));
        }
        if let Some(redis) = &self.redis {
            let prefix = format!("{}_REDIS", self.service.name().to_uppercase());
            variables.extend([
                (prefix.clone(), Some(redis.without_login())),
                (format!("{prefix}_USER"), redis.user().map(str::to_owned)),
                (format!("{prefix}_PASSWORD"), redis.expose_password().map(str::to_owned)),
            ]);
        }
        variables
    }

    /// Waits until the replica listens and is healthy, and returns its address.
    async fn until_ready(&self, stdout: Option<ChildStdout>) -> Result<Option<SocketAddr>, String> {
        let (true, Some(stdout)) = (self.listens, stdout) else {
            return Ok(None);
        };
        let line = read_line(&mut BufReader::new(stdout), LONGEST_ANNOUNCEMENT).await;
        let line = line.map_err(|error| format!("its address cannot be read: {error}"))?;
        let line =
            line.map_or_else(String::new, |line| String::from_utf8_lossy(&line.bytes).into_owned());
        let word = line.split_whitespace().last().unwrap_or_default();
        let address = word.parse().map_err(|_| format!("it announced '{}'", line.trim()))?;
        let mut client = http::Client::new(address);
        while client.get("/health").await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(Some(address))
    }
}

/// Tells a replica to stop, and kills it if it does not.
async fn leave(registry: &Registry, slot: u32, mut child: Child) -> End {
    registry.leaving(slot);
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
        // It may just have ended by itself, which is as good.
        let _ = kill_process(pid, Signal::TERM);
    }
    if tokio::time::timeout(STOP_TIMEOUT, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
    End::Stopped
}

/// How a process ended, `signal: 9 (SIGKILL)`, with what it said last.
async fn died(
    status: std::io::Result<ExitStatus>,
    last_words: Option<JoinHandle<Option<String>>>,
) -> End {
    let how = status.map_or_else(|error| format!("lost: {error}"), |status| status.to_string());
    let words = match last_words {
        Some(log) => tokio::time::timeout(Duration::from_secs(1), log).await,
        None => return End::Died(how),
    };
    match words {
        Ok(Ok(Some(words))) => End::Died(format!("{how}: {words}")),
        _ => End::Died(how),
    }
}

/// Where a replica's log goes.
struct Log {
    replica: String,
    events: UnboundedSender<Event>,
}

impl Log {
    /// Passes the log on, line by line, until it ends; returns its first line about an error.
    async fn forward(self, log: impl AsyncRead + Unpin) -> Option<String> {
        let mut log = BufReader::new(log);
        let mut error = None;
        while let Ok(Some(line)) = read_line(&mut log, LONGEST_LOG_LINE).await {
            let line = printable(&String::from_utf8_lossy(&line.bytes));
            if error.is_none() && (line.starts_with("error") || line.contains(" ERROR ")) {
                error = Some(line.clone());
            }
            let _ = self.events.send(Event::Log { replica: self.replica.clone(), line });
        }
        error
    }
}
