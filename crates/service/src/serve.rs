//! Accepts connections until told to stop, then drains them. What a request means is the
//! handler's business; who may connect and how long they may take is this module's.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connection::{Admission, Connections};
use crate::launch::files_for_connections;
use crate::limits::RESERVE;
use crate::stop::Reason;
use crate::{AccessLog, Limits, Reply, Request, Reserve, Stop, Surplus};

/// What a service does with a request.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. The future is dropped when the client goes away or time is up.
    fn handle(&self, request: Request) -> impl Future<Output = Reply> + Send;

    /// What `/health` tells beside `"status": "ok"`; must not wait for anything.
    fn health(&self) -> serde_json::Value;
}

/// How a service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every request under way was answered.
    Clean,
    /// The drain timeout cut connections off.
    CutOff,
}

/// Serves `handler` on `listener` until `stop`, then takes no more connections, finishes the
/// requests under way and returns.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    handler: H,
    limits: Limits,
    stop: Stop,
) -> Drained {
    serve_logged(listener, handler, limits, None, stop).await
}

/// The same, with each request in `log`.
pub async fn serve_logged<H: Handler>(
    listener: TcpListener,
    handler: H,
    limits: Limits,
    log: Option<AccessLog>,
    mut stop: Stop,
) -> Drained {
    let limits = within_open_files(limits);
    let open = Arc::new(Semaphore::new(limits.max_connections as usize));
    let mut reserve = Reserve::new(RESERVE);
    let drain_timeout = limits.drain_timeout;
    let connections = Arc::new(Connections::new(handler, limits, log));
    let graceful = GracefulShutdown::new();
    let reason = loop {
        tokio::select! {
            reason = stop.wait() => break reason,
            stream = accept(&listener) => {
                let slot = Slot::take(&open, &mut reserve);
                let over = matches!(slot, Slot::Surplus(_));
                let served =
                    Arc::clone(&connections).serve(stream, slot.admission(), graceful.watcher());
                tokio::spawn(slot.hold(served));
                if over {
                    // A crowd over the limit must not displace one that has not been looked at.
                    tokio::task::yield_now().await;
                }
            }
        }
    };
    drop(listener);
    let patience = match reason {
        Reason::Asked => drain_timeout,
        Reason::ParentGone => Duration::ZERO,
    };
    match tokio::time::timeout(patience, graceful.shutdown()).await {
        Ok(()) => Drained::Clean,
        Err(_) => Drained::CutOff,
    }
}

/// What a connection holds while it is served.
enum Slot {
    /// One of `--max-connections`.
    Full(OwnedSemaphorePermit),
    /// One over them.
    Surplus(Surplus),
}

impl Slot {
    fn take(open: &Arc<Semaphore>, reserve: &mut Reserve) -> Self {
        let full = Arc::clone(open).try_acquire_owned().map(Self::Full);
        full.unwrap_or_else(|_| Self::Surplus(reserve.admit()))
    }

    fn admission(&self) -> Admission {
        match self {
            Self::Full(_) => Admission::Full,
            Self::Surplus(_) => Admission::HealthOnly,
        }
    }

    /// Holds the slot until the connection has ended; a surplus one that another needs is closed.
    async fn hold(self, served: impl Future<Output = hyper::Result<()>>) {
        let ended = match self {
            Self::Full(permit) => {
                let ended = served.await;
                drop(permit);
                ended
            }
            Self::Surplus(mut surplus) => tokio::select! {
                biased;
                ended = served => ended,
                () = surplus.displaced() => Ok(()),
            },
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended early");
        }
    }
}

/// The same limits with no more connections than there can be descriptors: beyond those nothing
/// could be accepted, so neither a 503 nor `/health` would get through.
fn within_open_files(mut limits: Limits) -> Limits {
    let most = files_for_connections();
    let asked = limits.max_connections;
    // Fewer than the default is the system's ordinary state; fewer than what was set is news.
    if asked > most && asked != Limits::default().max_connections {
        tracing::warn!(
            "at most {most} connections at a time: the open-file limit leaves no more of the {asked} \
             that --max-connections allows"
        );
    }
    limits.max_connections = asked.min(most);
    limits
}

/// The next connection. Errors (no file descriptors left, a client gone before it was accepted)
/// are waited out, longer each time, instead of spinning on them.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut pause = Duration::from_millis(5);
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "cannot set TCP_NODELAY");
                }
                return (stream, client);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::warn!(%error, ?pause, "cannot accept connections");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
