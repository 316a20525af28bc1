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
use crate::stop::Reason;
use crate::{AccessLog, Limits, Reply, Request, Stop};

/// Connections accepted over the limit, so that `/health` and a clear 503 still get through.
const RESERVE: usize = 64;

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
    let open = Arc::new(Semaphore::new(limits.max_connections as usize));
    let reserve = Arc::new(Semaphore::new(RESERVE));
    let drain_timeout = limits.drain_timeout;
    let connections = Arc::new(Connections::new(handler, limits, log));
    let graceful = GracefulShutdown::new();
    let reason = loop {
        tokio::select! {
            reason = stop.wait() => break reason,
            stream = accept(&listener) => {
                let Some((permit, admission)) = admit(&open, &reserve) else {
                    continue; // dropping the stream closes it
                };
                let served =
                    Arc::clone(&connections).serve(stream, admission, graceful.watcher());
                tokio::spawn(async move {
                    if let Err(error) = served.await {
                        tracing::debug!(%error, "connection ended early");
                    }
                    drop(permit);
                });
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

fn admit(
    open: &Arc<Semaphore>,
    reserve: &Arc<Semaphore>,
) -> Option<(OwnedSemaphorePermit, Admission)> {
    let normal = Arc::clone(open).try_acquire_owned().map(|permit| (permit, Admission::Full));
    let over = || Arc::clone(reserve).try_acquire_owned().map(|p| (p, Admission::HealthOnly));
    normal.or_else(|_| over()).ok()
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
