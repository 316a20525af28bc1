//! Asking one server for a path over a kept connection: all that bench needs of HTTP to watch the
//! app. Not a load generator.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_secs(3);
/// How long one of several addresses may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Asks one server, which may have several addresses.
#[derive(Debug)]
pub struct Client {
    /// The one in use is the first.
    addresses: Vec<SocketAddr>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection.
    #[error("{0}")]
    Connect(#[from] std::io::Error),
    /// The connection broke, or what came was not HTTP.
    #[error("{0}")]
    Protocol(#[from] hyper::Error),
    /// What reads the app from inside its network does not get through.
    #[error("bench inside the stack: {0}")]
    Inside(String),
    /// It took too long.
    #[error("no answer within {TIMEOUT:?}")]
    Timeout,
    /// The body is not what that path answers.
    #[error("{path}: {error}")]
    Body {
        /// What was asked for.
        path: String,
        /// What is wrong with the answer.
        error: serde_json::Error,
    },
    /// Answered, but not with 200; what it said.
    #[error("{status}: {}", text.trim())]
    Status {
        /// The status.
        status: StatusCode,
        /// The body.
        text: String,
    },
}

impl Client {
    /// A client for `address`, which connects when it is first used.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self::any(vec![address])
    }

    /// A client for a server that is at one of `addresses`, the likeliest first.
    #[must_use]
    pub fn any(addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, connection: None }
    }

    /// The addresses it may ask, the one in use first.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes `addresses` in place of those it has; the one in use is kept while it is among them.
    pub fn may_be_at(&mut self, addresses: &[SocketAddr]) {
        let Some(used) = self.addresses.first().copied() else {
            self.addresses = addresses.to_vec();
            return;
        };
        self.addresses = addresses.to_vec();
        match addresses.iter().position(|address| *address == used) {
            Some(place) => self.addresses.rotate_left(place),
            None => self.connection = None,
        }
    }

    /// Asks at the next address from now on.
    pub fn next_address(&mut self) {
        self.connection = None;
        if !self.addresses.is_empty() {
            self.addresses.rotate_left(1);
        }
    }

    /// The body of `path`.
    ///
    /// # Errors
    /// When there is no answer with status 200 in time; the next call connects anew.
    pub async fn get(&mut self, path: &str) -> Result<Bytes, HttpError> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    /// The answer to `body`, sent to `path` with this method.
    ///
    /// # Errors
    /// When there is no answer with status 200 or 204 in time; the next call connects anew.
    pub async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Bytes, HttpError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap_or_default();
        let answer = tokio::time::timeout(TIMEOUT, self.exchange(request)).await;
        let answer = answer.map_err(|_| HttpError::Timeout).flatten();
        if answer.is_err() {
            self.next_address();
        }
        let (status, body) = answer?;
        match status {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(body),
            _ => {
                let text = String::from_utf8_lossy(&body).into_owned();
                Err(HttpError::Status { status, text })
            }
        }
    }

    async fn exchange(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), HttpError> {
        let connection = match &mut self.connection {
            Some(connection) if !connection.is_closed() => connection,
            slot => slot.insert(connect(&mut self.addresses).await?),
        };
        connection.ready().await?;
        let host = self.addresses.first().map(ToString::to_string).unwrap_or_default();
        if let Ok(host) = host.parse() {
            request.headers_mut().insert(HOST, host);
        }
        let response = connection.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

impl fmt::Display for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<_> = self.addresses.iter().map(ToString::to_string).collect();
        write!(out, "at {}", addresses.join(", "))
    }
}

/// Connects to the first address that lets it, which becomes the first of all.
async fn connect(addresses: &mut [SocketAddr]) -> Result<SendRequest<Full<Bytes>>, HttpError> {
    let mut failure = io::Error::new(io::ErrorKind::AddrNotAvailable, "no address is known");
    for _ in 0..addresses.len() {
        let Some(address) = addresses.first().copied() else { break };
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
        match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => return shake_hands(stream).await,
            Err(error) => failure = error,
        }
        addresses.rotate_left(1);
    }
    Err(failure.into())
}

async fn shake_hands(stream: TcpStream) -> Result<SendRequest<Full<Bytes>>, HttpError> {
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // Its failures are seen by whoever waits for an answer.
        let _ = connection.await;
    });
    Ok(sender)
}
