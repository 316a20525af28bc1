//! One connection: hyper with the service's limits, `/health` before anything else, and the
//! handler within its time.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;

use crate::header_watch::HeaderWatch;
use crate::limits::{self, RESERVE_TIMEOUT};
use crate::within::within;
use crate::{Handler, Limits, Reply, Request, reply};

/// What a connection may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Every route.
    Full,
    /// `/health` alone: the service is at its limit of connections.
    HealthOnly,
}

/// Serves connections that share a handler and its limits.
pub(crate) struct Connections<H> {
    handler: H,
    limits: Limits,
}

impl<H: Handler> Connections<H> {
    pub(crate) fn new(handler: H, limits: Limits) -> Self {
        Self { handler, limits }
    }

    /// Serves one connection to its end, a graceful one once `watcher` says so.
    pub(crate) async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        admission: Admission,
        watcher: Watcher,
    ) -> hyper::Result<()> {
        let full = admission == Admission::Full;
        let patience = self.limits.header_timeout;
        let watch = HeaderWatch::new(if full { patience } else { patience.min(RESERVE_TIMEOUT) });
        let answer = service_fn(|request| self.answer(request, admission));
        let connection = http1::Builder::new()
            .timer(watch.timer())
            .header_read_timeout(watch.timeout())
            .max_buf_size(self.limits.max_header as usize)
            .keep_alive(full)
            // Head and body in one buffer: for small answers cheaper than a vectored write.
            .writev(false)
            .serve_connection(TokioIo::new(stream), answer);
        let mut connection = pin!(watcher.watch(connection));
        tokio::select! {
            biased;
            ended = &mut connection => ended,
            () = watch.overdue() => connection.await, // which ends now
        }
    }

    /// Passes the request on before it is first polled, so that a handler can let go of what it
    /// does not need: hyper must make a new read buffer as long as a header is held.
    fn answer(
        &self,
        request: Request,
        admission: Admission,
    ) -> impl Future<Output = Result<Reply, Infallible>> + Send {
        let answered = if request.uri().path() == "/health" && is_read(request.method()) {
            Err(self.health())
        } else if admission == Admission::HealthOnly {
            Err(self.over_limit())
        } else {
            Ok(self.handler.handle(request))
        };
        let limit = self.limits.request_timeout;
        async move {
            let handling = match answered {
                Ok(handling) => handling,
                Err(reply) => return Ok(reply),
            };
            Ok(within(limit, handling).await.unwrap_or_else(|| {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                reply::error(status, format_args!("not answered within {limit:?}"))
            }))
        }
    }

    fn health(&self) -> Reply {
        let mut health = self.handler.health();
        if let Some(fields) = health.as_object_mut() {
            fields.insert("status".into(), "ok".into());
        }
        reply::json(StatusCode::OK, &health)
    }

    fn over_limit(&self) -> Reply {
        let mut refused = reply::error(
            StatusCode::SERVICE_UNAVAILABLE,
            format_args!("over the limit of {} connections", self.limits.max_connections),
        );
        refused.headers_mut().insert(RETRY_AFTER, HeaderValue::from(limits::RETRY_AFTER));
        refused
    }
}

/// Whether a method reads: `HEAD` is answered wherever `GET` is.
#[must_use]
pub fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}
