//! A connection over a port's limit: its request line is read, then `GET /health` is passed on and
//! anything else answered 503, as the services themselves do it.

use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use service::{RESERVE_TIMEOUT, RETRY_AFTER, Surplus};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::{Limits, connect};
use crate::cluster::local::registry::Registry;

/// Longest request line that is read.
const REQUEST_LINE: usize = 2048;
/// How long a replica may take to answer such a health check, and the client to take the answer.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);
/// Most bytes of such an answer.
const LARGEST_HEALTH: u64 = 64 << 10;

/// What connections over a port's limit need.
#[derive(Debug)]
pub(super) struct Surpluses {
    registry: Arc<Registry>,
    /// Connections that are passed on at a time.
    limit: usize,
    health: Semaphore,
}

/// What a connection over the limit asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// `/health`, by `GET` or `HEAD`.
    Health { head: bool },
    /// Anything else, or nothing.
    Other { head: bool },
}

impl Surpluses {
    pub(super) fn new(registry: Arc<Registry>, limits: Limits) -> Self {
        let Limits { connections: limit, health_checks, .. } = limits;
        Self { registry, limit, health: Semaphore::new(health_checks) }
    }

    /// Answers one request and closes the connection.
    pub(super) async fn answer(&self, mut client: TcpStream, mut slot: Surplus) {
        let request = tokio::select! {
            biased;
            request = tokio::time::timeout(RESERVE_TIMEOUT, read(&mut client)) => {
                request.unwrap_or(Some(Request::Other { head: false }))
            }
            () = slot.displaced() => Some(Request::Other { head: false }),
        };
        let answer = match request {
            None => return,
            Some(Request::Health { head }) => match self.health(head).await {
                Some(answer) => answer,
                None => refusal(self.limit, head),
            },
            Some(Request::Other { head }) => refusal(self.limit, head),
        };
        let sent = tokio::time::timeout(HEALTH_TIMEOUT, client.write_all(&answer)).await;
        if matches!(sent, Ok(Ok(()))) {
            tokio::select! {
                () = slot.displaced() => {}
                () = close(client) => {}
            }
        }
    }

    /// A replica's answer to a health check; `None` where none has one in time, or too many are
    /// asked already.
    async fn health(&self, head: bool) -> Option<Vec<u8>> {
        let _permit = self.health.try_acquire().ok()?;
        let method = if head { "HEAD" } else { "GET" };
        let request =
            format!("{method} /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = async {
            let mut replica = connect(&self.registry).await?;
            replica.write_all(request.as_bytes()).await.ok()?;
            let mut answer = Vec::new();
            replica.take(LARGEST_HEALTH).read_to_end(&mut answer).await.ok()?;
            (!answer.is_empty()).then_some(answer)
        };
        tokio::time::timeout(HEALTH_TIMEOUT, answer).await.ok()?
    }
}

/// Reads the request line; `None` when the client leaves first.
async fn read(client: &mut TcpStream) -> Option<Request> {
    let mut line = Vec::with_capacity(256);
    while !line.contains(&b'\n') && line.len() < REQUEST_LINE {
        match client.read_buf(&mut line).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
    Some(parse(&line))
}

fn parse(bytes: &[u8]) -> Request {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_ascii_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let head = method == "HEAD";
    let health = target.parse::<Uri>().is_ok_and(|target| target.path() == "/health");
    match (head || method == "GET") && health {
        true => Request::Health { head },
        false => Request::Other { head },
    }
}

/// The response of 503, in the words of the services' own.
fn refusal(limit: usize, head: bool) -> Vec<u8> {
    let body = format!("over the limit of {limit} connections\n");
    let headers = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\nRetry-After: {RETRY_AFTER}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    (if head { headers } else { headers + &body }).into_bytes()
}

/// Ends the connection so that the client reads the response even if it is still sending: unread
/// bytes would make the system reset the connection.
async fn close(mut client: TcpStream) {
    if client.shutdown().await.is_err() {
        return;
    }
    let mut rest = [0; 1024];
    let draining = async { while matches!(client.read(&mut rest).await, Ok(1..)) {} };
    // A client that goes on sending has had its time.
    let _ = tokio::time::timeout(RESERVE_TIMEOUT, draining).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reading_health_is_passed_on() {
        for (line, request) in [
            ("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", Request::Health { head: false }),
            ("HEAD /health?x=1 HTTP/1.0\r\n", Request::Health { head: true }),
            ("GET http://rng:80/health HTTP/1.1\n", Request::Health { head: false }),
            ("POST /health HTTP/1.1\r\n", Request::Other { head: false }),
            ("GET /healthy HTTP/1.1\r\n", Request::Other { head: false }),
            ("HEAD / HTTP/1.1\r\n", Request::Other { head: true }),
            ("\u{16}\u{3}\u{1} garbage", Request::Other { head: false }),
            ("", Request::Other { head: false }),
            ("GET", Request::Other { head: false }),
        ] {
            assert_eq!(parse(line.as_bytes()), request, "{line:?}");
        }
    }
}
