//! Asking one address for a path over a kept connection: all that bench needs of HTTP to watch the
//! app. Not a load generator.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks one address.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    connection: Option<SendRequest<Empty<Bytes>>>,
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
        Self { address, connection: None }
    }

    /// The address it asks.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The body of `path`.
    ///
    /// # Errors
    /// When there is no answer with status 200 in time; the next call connects anew.
    pub async fn get(&mut self, path: &str) -> Result<Bytes, HttpError> {
        let answer = tokio::time::timeout(TIMEOUT, self.exchange(path)).await;
        let answer = answer.map_err(|_| HttpError::Timeout).flatten();
        if answer.is_err() {
            self.connection = None;
        }
        let (status, body) = answer?;
        match status {
            StatusCode::OK => Ok(body),
            _ => {
                let text = String::from_utf8_lossy(&body).into_owned();
                Err(HttpError::Status { status, text })
            }
        }
    }

    async fn exchange(&mut self, path: &str) -> Result<(StatusCode, Bytes), HttpError> {
        let connection = match &mut self.connection {
            Some(connection) if !connection.is_closed() => connection,
            slot => slot.insert(connect(self.address).await?),
        };
        connection.ready().await?;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = path.parse().unwrap_or_default();
        if let Ok(host) = self.address.to_string().parse() {
            request.headers_mut().insert(HOST, host);
        }
        let response = connection.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Empty<Bytes>>, HttpError> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // Its failures are seen by whoever waits for an answer.
        let _ = connection.await;
    });
    Ok(sender)
}
