//! One connection: hyper with the service's limits, `/health` before anything else, and the
//! handler within its time.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::{Method, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::{Handler, Limits, Reply, Request, reply};

/// How long a connection over the limit may be silent: few places are kept for those.
const RESERVE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a connection may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Every route.
    Full,
    /// `/health` alone: the service is at its limit of connections.
    HealthOnly,
}

/// Opens connections that share a handler and its limits.
pub(crate) struct Connections<H> {
    full: http1::Builder,
    health_only: http1::Builder,
    shared: Arc<Shared<H>>,
}

struct Shared<H> {
    handler: H,
    limits: Limits,
}

impl<H: Handler> Connections<H> {
    pub(crate) fn new(handler: H, limits: Limits) -> Self {
        let full = builder(&limits, limits.header_timeout);
        let mut health_only = builder(&limits, limits.header_timeout.min(RESERVE_TIMEOUT));
        health_only.keep_alive(false);
        Self { full, health_only, shared: Arc::new(Shared { handler, limits }) }
    }

    /// The connection on `stream`, to be driven by the caller.
    pub(crate) fn open(
        &self,
        stream: TcpStream,
        admission: Admission,
    ) -> http1::Connection<TokioIo<TcpStream>, Answer<H>> {
        let answer = Answer { shared: Arc::clone(&self.shared), admission };
        let http = match admission {
            Admission::Full => &self.full,
            Admission::HealthOnly => &self.health_only,
        };
        http.serve_connection(TokioIo::new(stream), answer)
    }
}

fn builder(limits: &Limits, header_timeout: Duration) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(limits.max_header as usize);
    http
}

/// Answers the requests of one connection.
pub(crate) struct Answer<H> {
    shared: Arc<Shared<H>>,
    admission: Admission,
}

impl<H: Handler> hyper::service::Service<Request> for Answer<H> {
    type Response = Reply;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, Infallible>> + Send>>;

    fn call(&self, request: Request) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let admission = self.admission;
        Box::pin(async move { Ok(shared.answer(request, admission).await) })
    }
}

impl<H: Handler> Shared<H> {
    async fn answer(&self, request: Request, admission: Admission) -> Reply {
        if request.uri().path() == "/health" && is_read(request.method()) {
            return self.health();
        }
        if admission == Admission::HealthOnly {
            return self.over_limit();
        }
        match tokio::time::timeout(self.limits.request_timeout, self.handler.handle(request)).await
        {
            Ok(reply) => reply,
            Err(_) => reply::error(
                StatusCode::SERVICE_UNAVAILABLE,
                format_args!("not answered within {:?}", self.limits.request_timeout),
            ),
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
        reply::error(
            StatusCode::SERVICE_UNAVAILABLE,
            format_args!("over the limit of {} connections", self.limits.max_connections),
        )
    }
}

/// Whether a method reads: `HEAD` is answered wherever `GET` is.
#[must_use]
pub fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}
