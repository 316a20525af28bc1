//! One HTTP request to one replica: over a kept connection if there is one, within a time, and
//! with what the answer says of itself. What a failure means for the loop is `dependency`'s.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HeaderValue;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use observation::ServerTiming;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// A connection over which requests are sent one at a time.
pub(crate) type Connection = SendRequest<Full<Bytes>>;

/// Answers are 32 bytes or a hash; anything larger than asked for is not an answer.
const SPARE: usize = 4096;
/// How long a peer's system may leave bytes unacknowledged, as long as all keep-alive probes take.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

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
/// keep-alive probes are, and so are bytes that nobody acknowledges: while there are any, no probe
/// is sent, and left to itself the system repeats them for a quarter of an hour.
fn configure(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(5))
        .with_interval(Duration::from_secs(1))
        .with_retries(5);
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
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
    let most = most + SPARE;
    let body = Limited::new(body, most).collect().await;
    let body = body.map_err(|error| {
        Failure::Malformed(match error.is::<LengthLimitError>() {
            true => format!("a body of more than {most} bytes"),
            false => error.to_string(),
        })
    })?;
    let body = body.to_bytes();
    let replica = head.headers.get("x-replica").and_then(|name| name.to_str().ok());
    let timings = head.headers.get_all("server-timing").iter().map(HeaderValue::as_bytes);
    Ok(Answer {
        body,
        replica: replica.unwrap_or_default().to_owned(),
        server: ServerTiming::read(timings),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That such a peer is given up on can be seen only where a network can be cut, as the tests on
    /// a swarm do.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_peer_that_acknowledges_nothing_has_a_limit() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        assert_eq!(SockRef::from(&stream).tcp_user_timeout().unwrap(), None);
        configure(&stream).unwrap();
        assert_eq!(SockRef::from(&stream).tcp_user_timeout().unwrap(), Some(UNACKNOWLEDGED));
    }
}
