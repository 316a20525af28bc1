//! One HTTP request to one replica: over a kept connection if there is one, within a time, and
//! with what the answer says of itself. What a failure means for the loop is `dependency`'s.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// A connection over which requests are sent one at a time.
pub(crate) type Connection = SendRequest<Full<Bytes>>;

/// Answers are 32 bytes or a hash; anything larger than asked for is not an answer.
const SPARE: usize = 4096;

/// Why a request failed. The text before a colon is the kind that is counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("connect: {0}")]
    Connect(std::io::Error),
    #[error("connect timeout: none within {0:?}")]
    ConnectTimeout(Duration),
    #[error("timeout: no answer within {0:?}")]
    Timeout(Duration),
    #[error("closed: {0}")]
    Closed(hyper::Error),
    #[error("status {0}")]
    Status(u16),
    #[error("malformed: {0}")]
    Malformed(String),
    #[error("stale: {0}")]
    Stale(hyper::Error),
}

impl Failure {
    /// The kind it is counted under.
    pub(crate) fn kind(&self) -> String {
        let text = self.to_string();
        text.split_once(':').map_or(text.as_str(), |(kind, _)| kind).to_owned()
    }

    /// Whether only the kept connection was at fault: the replica had closed it while idle.
    pub(crate) fn is_stale(&self) -> bool {
        matches!(self, Self::Stale(_))
    }
}

/// How long a request may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) connect: Duration,
    pub(crate) request: Duration,
}

/// What a replica answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Bytes,
    /// What the replica calls itself, or its address.
    pub(crate) replica: String,
    pub(crate) server: ServerTiming,
}

/// Microseconds that the server says a request took, as far as it says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ServerTiming {
    pub(crate) queue_us: Option<u64>,
    pub(crate) service_us: Option<u64>,
}

/// A new connection to `address`, driven by a task of its own until either side closes it.
pub(crate) async fn connect(address: SocketAddr, limit: Duration) -> Result<Connection, Failure> {
    let stream = tokio::time::timeout(limit, TcpStream::connect(address))
        .await
        .map_err(|_| Failure::ConnectTimeout(limit))?
        .map_err(Failure::Connect)?;
    configure(&stream).map_err(Failure::Connect)?;
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(Failure::Closed)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, %address, "connection ended");
        }
    });
    Ok(sender)
}

/// A request may rightly wait minutes in a queue, so silence is no sign of a dead peer; unanswered
/// keep-alive probes are.
fn configure(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(5))
        .with_interval(Duration::from_secs(1))
        .with_retries(5);
    SockRef::from(stream).set_tcp_keepalive(&probes)
}

/// Sends `request` over `connection` and reads an answer of at most `most` bytes. `reused` tells
/// a kept connection, whose failure before any answer says nothing about the replica.
pub(crate) async fn exchange(
    connection: &mut Connection,
    request: Request<Full<Bytes>>,
    most: usize,
    reused: bool,
) -> Result<Answer, Failure> {
    let broken = |error: hyper::Error| match reused {
        _ if error.is_parse() => Failure::Malformed(error.to_string()),
        true => Failure::Stale(error),
        false => Failure::Closed(error),
    };
    let response = connection.send_request(request).await.map_err(broken)?;
    let (head, body) = Response::into_parts(response);
    if head.status != hyper::StatusCode::OK {
        return Err(Failure::Status(head.status.as_u16()));
    }
    let body = Limited::new(body, most + SPARE)
        .collect()
        .await
        .map_err(|error| Failure::Malformed(error.to_string()))?
        .to_bytes();
    let replica = head.headers.get("x-replica").and_then(|name| name.to_str().ok());
    Ok(Answer {
        body,
        replica: replica.unwrap_or_default().to_owned(),
        server: server_timing(&head.headers),
    })
}

/// Reads `queue` and `service` out of `Server-Timing: queue;dur=1.2, service;dur=100`; metrics
/// and parameters it does not know are passed over, as the specification wants.
fn server_timing(headers: &HeaderMap) -> ServerTiming {
    let mut timing = ServerTiming::default();
    let lines = headers.get_all("server-timing").iter().filter_map(|value| value.to_str().ok());
    for metric in lines.flat_map(|line| line.split(',')) {
        let mut parts = metric.split(';').map(str::trim);
        let slot = match parts.next() {
            Some("queue") => &mut timing.queue_us,
            Some("service") => &mut timing.service_us,
            _ => continue,
        };
        *slot = parts.find_map(|part| microseconds(part.strip_prefix("dur=")?));
    }
    timing
}

fn microseconds(milliseconds: &str) -> Option<u64> {
    let value: f64 = milliseconds.parse().ok()?;
    Duration::try_from_secs_f64(value / 1000.0).ok()?.as_micros().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &'static str) -> ServerTiming {
        let mut headers = HeaderMap::new();
        headers.insert("server-timing", hyper::header::HeaderValue::from_static(line));
        server_timing(&headers)
    }

    #[test]
    fn server_timing_is_read_and_what_is_unknown_passed_over() {
        let both = ServerTiming { queue_us: Some(1_500), service_us: Some(100_000) };
        assert_eq!(parse("queue;dur=1.500, service;dur=100.000"), both);
        assert_eq!(parse("cache;desc=hit, service;desc=\"x\";dur=100,queue;dur=1.5"), both);
        assert_eq!(parse("queue;dur=abc, service"), ServerTiming::default());
        assert_eq!(parse("queue;dur=-1, total;dur=7"), ServerTiming::default());
    }
}
