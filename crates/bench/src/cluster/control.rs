//! Scaling an app that another bench runs: a socket in its directory, one JSON object a line each
//! way. Only the same user gets through, and only one bench at a time may measure.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore};
use tokio::task::JoinSet;

use super::local::{Apps, LocalCluster};
use super::{Replicas, Status};
use crate::failure::Failure;
use crate::lines::read_line;
use crate::plan::fits_one_machine;

/// Connections at a time; each bench that scales, measures or probes the app has one.
const MOST_CONNECTIONS: usize = 32;
/// Longest request, in bytes.
const LONGEST_REQUEST: usize = 4096;
/// Longest reply, in bytes: at 500 replicas of each service one takes about 50,000.
const LONGEST_REPLY: usize = 1 << 20;
/// How long a connection that does not measure may be without a request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one line may take, from its first byte to its end, and a reply to be taken.
const LINE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the bench that runs the app may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
const OTHER_USER: &str =
    "this app is another user's; run bench as that user, or start one of your own with --own";

/// What is asked over the socket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
enum Request {
    /// How things are.
    Status,
    /// Have so many replicas.
    Scale {
        /// How many.
        replicas: Replicas,
    },
    /// Be the one bench that measures, until this connection ends.
    Measure {
        /// Process id of the asking bench.
        pid: u32,
    },
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
enum Reply {
    /// Done, or to be done; how things are now.
    Done {
        /// The app.
        status: Status,
    },
    /// No, and why.
    Refused {
        /// In a sentence.
        reason: String,
    },
}

/// Who measures the app now: one bench at a time, for as long as its connection lasts.
#[derive(Debug, Default)]
struct Lease {
    holder: Arc<Mutex<()>>,
    pid: AtomicU32,
}

/// Answers whoever connects to the app's control socket, for as long as it is polled.
///
/// # Errors
/// When the socket cannot be made.
pub async fn serve(cluster: Arc<LocalCluster>) -> io::Result<()> {
    let listener = UnixListener::bind(cluster.control_socket())?;
    let lease = Arc::new(Lease::default());
    let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
                        turn_away(&stream);
                        continue;
                    };
                    let conversation = converse(stream, Arc::clone(&cluster), Arc::clone(&lease));
                    open.spawn(async move {
                        conversation.await;
                        drop(permit);
                    });
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            Some(_) = open.join_next() => {}
        }
    }
}

/// Refuses a connection over the limit.
fn turn_away(stream: &UnixStream) {
    let reason = format!("more than {MOST_CONNECTIONS} connections to this app's control socket");
    if let Ok(text) = serde_json::to_string(&Reply::Refused { reason }) {
        // It fits the socket's buffer; a peer that has left needs no answer.
        let _ = stream.try_write(format!("{text}\n").as_bytes());
    }
}

/// Answers one connection until it ends; what it sends that is no request is refused and ends it.
async fn converse(stream: UnixStream, cluster: Arc<LocalCluster>, lease: Arc<Lease>) {
    // Root could do anything else to the app as well.
    let allowed = is_of(&stream, this_user()) || is_of(&stream, 0);
    let (input, output) = stream.into_split();
    let mut line = Line { input: BufReader::new(input), output };
    let mut held = None;
    loop {
        let idle = match held {
            None => IDLE_TIMEOUT,
            // It measures, which may take any time without a request.
            Some(_) => Duration::MAX,
        };
        let (reply, end) = match line.request(idle).await {
            Ok(None) => return,
            Ok(Some(request)) if allowed => (answer(&request, &cluster, &lease, &mut held), false),
            Ok(Some(_)) => (Reply::Refused { reason: OTHER_USER.to_owned() }, false),
            Err(error) => (Reply::Refused { reason: format!("not a request: {error}") }, true),
        };
        let sent = tokio::time::timeout(LINE_TIMEOUT, line.send(&reply)).await;
        if end || !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

fn answer(
    request: &Request,
    cluster: &LocalCluster,
    lease: &Lease,
    held: &mut Option<OwnedMutexGuard<()>>,
) -> Reply {
    match request {
        Request::Status => {}
        Request::Scale { replicas } => match fits_one_machine(&[(*replicas).into()]) {
            Ok(()) => cluster.scale(*replicas),
            Err(failure) => return Reply::Refused { reason: failure.to_string() },
        },
        Request::Measure { pid } => match Arc::clone(&lease.holder).try_lock_owned() {
            Ok(guard) => {
                *held = Some(guard);
                lease.pid.store(*pid, Ordering::Relaxed);
            }
            Err(_) => {
                let pid = lease.pid.load(Ordering::Relaxed);
                let reason = format!(
                    "another bench (pid {pid}) is measuring this app; wait until it is done"
                );
                return Reply::Refused { reason };
            }
        },
    }
    Reply::Done { status: cluster.status() }
}

/// Whether the process at the other end runs as `user`.
fn is_of(stream: &UnixStream, user: u32) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == user)
}

fn this_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// One JSON object a line, each way.
#[derive(Debug)]
struct Line {
    input: BufReader<OwnedReadHalf>,
    output: OwnedWriteHalf,
}

impl Line {
    /// The next request, which begins within `idle` and ends soon after.
    async fn request(&mut self, idle: Duration) -> io::Result<Option<Request>> {
        let late = |what: &str, limit: Duration| {
            io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {limit:?}"))
        };
        let begun = tokio::time::timeout(idle, self.input.fill_buf()).await;
        begun.map_err(|_| late("none came", idle))??;
        let request = tokio::time::timeout(LINE_TIMEOUT, self.receive(LONGEST_REQUEST)).await;
        request.map_err(|_| late("it did not end", LINE_TIMEOUT))?
    }

    /// The next message, of at most `most` bytes.
    async fn receive<T: DeserializeOwned>(&mut self, most: usize) -> io::Result<Option<T>> {
        match read_line(&mut self.input, most).await? {
            None => Ok(None),
            Some(line) if line.whole => Ok(Some(serde_json::from_slice(&line.bytes)?)),
            Some(_) => {
                let reason = format!("a line of more than {most} bytes");
                Err(io::Error::new(io::ErrorKind::InvalidData, reason))
            }
        }
    }

    async fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(message)?;
        text.push(b'\n');
        self.output.write_all(&text).await
    }
}

/// A connection to the bench that runs an app.
#[derive(Debug)]
pub struct Client {
    line: Line,
    pid: u32,
}

/// Which running app to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The only one, if there is one.
    Any,
    /// The one that this process runs.
    Pid(u32),
}

impl Client {
    /// Connects to the running app, or `None` when none runs. Directories that killed benches
    /// left behind are removed on the way.
    ///
    /// # Errors
    /// When several run and none was named, or the named one does not, or refuses.
    pub async fn find(wanted: Wanted) -> Result<Option<Self>, Failure> {
        let mut running = Vec::new();
        let apps = Apps::of_this_user().map_err(|error| Failure::Control(error.to_string()))?;
        for app in apps.all() {
            if matches!(wanted, Wanted::Pid(pid) if app.pid != pid) {
                continue;
            }
            match UnixStream::connect(app.control_socket()).await {
                Ok(stream) if is_of(&stream, this_user()) => {
                    running.push(Self::over(stream).await?);
                }
                Ok(_) => return Err(Failure::Control(OTHER_USER.to_owned())),
                // No process listens: it was killed, or its app is a bench scale's own.
                Err(_) => apps.remove_stale(&app),
            }
        }
        if let Wanted::Pid(pid) = wanted {
            let found = running.into_iter().find(|client| client.pid == pid);
            let none = || Failure::Control(format!("no bench up with pid {pid} runs (--attach)"));
            return found.ok_or_else(none).map(Some);
        }
        if running.len() > 1 {
            let pids: Vec<_> = running.iter().map(|client| client.pid.to_string()).collect();
            let pids = pids.join(", ");
            let reason = format!("several apps run (pids {pids}); name one with --attach PID");
            return Err(Failure::Control(reason));
        }
        Ok(running.pop())
    }

    /// Process id of the bench that runs the app.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Makes this the one bench that measures the app.
    ///
    /// # Errors
    /// When another one does.
    pub async fn measure(&mut self) -> Result<(), Failure> {
        self.ask(&Request::Measure { pid: std::process::id() }).await.map(drop)
    }

    /// Asks for so many replicas.
    ///
    /// # Errors
    /// When the bench that runs the app is gone.
    pub async fn scale(&mut self, replicas: Replicas) -> Result<(), Failure> {
        self.ask(&Request::Scale { replicas }).await.map(drop)
    }

    /// How things are now.
    ///
    /// # Errors
    /// When the bench that runs the app is gone.
    pub async fn status(&mut self) -> Result<Status, Failure> {
        self.ask(&Request::Status).await
    }

    async fn over(stream: UnixStream) -> Result<Self, Failure> {
        let (input, output) = stream.into_split();
        let line = Line { input: BufReader::new(input), output };
        let mut client = Self { line, pid: 0 };
        client.pid = client.status().await?.pid.unwrap_or_default();
        Ok(client)
    }

    async fn ask(&mut self, request: &Request) -> Result<Status, Failure> {
        let gone = |reason: &dyn std::fmt::Display| {
            Failure::Control(format!("the bench up that ran the app is gone: {reason}"))
        };
        self.line.send(request).await.map_err(|error| gone(&error))?;
        let reply = tokio::time::timeout(PATIENCE, self.line.receive(LONGEST_REPLY)).await.map_err(|_| {
            Failure::Control(format!(
                "the bench up that runs the app does not answer within {PATIENCE:?}; is it stopped?"
            ))
        })?;
        match reply.map_err(|error| gone(&error))? {
            Some(Reply::Done { status }) => Ok(status),
            Some(Reply::Refused { reason }) => Err(Failure::Control(reason)),
            None => Err(gone(&"it closed the connection")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_peer_is_who_the_kernel_says() {
        let (near, far) = UnixStream::pair().unwrap();
        for end in [&near, &far] {
            assert!(is_of(end, this_user()) && !is_of(end, this_user() + 1));
        }
    }
}
