//! Asking one server for a path over a kept connection: all that bench needs of HTTP to watch the
//! app. Not a load generator.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::lines::printable;

const TIMEOUT: Duration = Duration::from_secs(3);
/// How long one of several addresses may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Largest response that is read unless more is expected, in bytes.
const LARGEST: usize = 1 << 20;
/// Largest response with all reports of an app, in bytes: a report takes about 10,000.
pub const LARGEST_OBSERVATION: usize = 128 << 20;
/// Most characters of an error response that are shown.
const SHOWN: usize = 300;

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
    /// The body is larger than anything that path answers.
    #[error("{path}: the response is larger than {most} bytes")]
    TooLarge {
        /// What was asked for.
        path: String,
        /// Most bytes that are read.
        most: usize,
    },
    /// Answered, but not with 200; what it said.
    #[error("{status}: {}", text.trim())]
    Status {
        /// The status.
        status: StatusCode,
        /// The beginning of the body.
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

    /// The body of `path`, of at most a mebibyte.
    ///
    /// # Errors
    /// When there is no answer with status 200 in time, or a larger one; the next call connects anew.
    pub async fn get(&mut self, path: &str) -> Result<Bytes, HttpError> {
        self.get_up_to(LARGEST, path).await
    }

    /// The body of `path`, of at most `most` bytes.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn get_up_to(&mut self, most: usize, path: &str) -> Result<Bytes, HttpError> {
        self.send(Request::new(Full::default()), path, most).await
    }

    /// The answer to `body`, sent to `path` with this method.
    ///
    /// # Errors
    /// When there is no answer with status 200 or 204 in time, or one of more than a mebibyte; the
    /// next call connects anew.
    pub async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Bytes, HttpError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        self.send(request, path, LARGEST).await
    }

    async fn send(
        &mut self,
        mut request: Request<Full<Bytes>>,
        path: &str,
        most: usize,
    ) -> Result<Bytes, HttpError> {
        *request.uri_mut() = path.parse().unwrap_or_default();
        let answer = tokio::time::timeout(TIMEOUT, self.exchange(request, most)).await;
        let answer = answer.map_err(|_| HttpError::Timeout).flatten();
        if answer.is_err() {
            self.next_address();
        }
        let (status, body) = answer?;
        match status {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(body),
            _ => {
                let text: String = String::from_utf8_lossy(&body).chars().take(SHOWN).collect();
                let text = printable(text.trim());
                Err(HttpError::Status { status, text })
            }
        }
    }

    async fn exchange(
        &mut self,
        mut request: Request<Full<Bytes>>,
        most: usize,
    ) -> Result<(StatusCode, Bytes), HttpError> {
        let path = request.uri().path().to_owned();
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
        match Limited::new(response.into_body(), most).collect().await {
            Ok(body) => Ok((status, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(HttpError::TooLarge { path, most }),
            Err(error) => Err(match error.downcast::<hyper::Error>() {
                Ok(error) => HttpError::Protocol(*error),
                Err(error) => io::Error::other(error).into(),
            }),
        }
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;

    /// A server that answers each connection with `head`, then `more` without end, and counts the
    /// bytes that were taken.
    async fn endless(head: &'static str, more: &[u8]) -> (Client, JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let more = more.repeat((64 << 10) / more.len());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            let _ = stream.write_all(head.as_bytes()).await;
            let mut sent = 0;
            while stream.write_all(&more).await.is_ok() {
                sent += more.len();
            }
            sent
        });
        (Client::new(address), serving)
    }

    #[tokio::test]
    async fn a_response_without_end_is_read_no_further_than_its_limit() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunk = [&b"400\r\n"[..], &[b' '; 1024], b"\r\n"].concat();
        let failed = "HTTP/1.1 500 Oops\r\n\r\n";
        for (head, more) in [
            ("HTTP/1.1 200 OK\r\n\r\n", &b"{}{}{}{}"[..]),
            (chunked, &chunk),
            (failed, b"........"),
        ] {
            let (mut client, serving) = endless(head, more).await;
            let error = client.get("/health").await.unwrap_err();
            let said = "/health: the response is larger than 1048576 bytes";
            assert_eq!(error.to_string(), said, "{head}");
            // Beside it what both systems and hyper hold.
            assert!(serving.await.unwrap() < 64 << 20);
        }
        for (head, more) in [
            ("HTTP/1.1 200 OK\r\n", &b"X-Header: and another\r\n"[..]),
            ("HTTP/1.1 200 OK\r\nX-Long: ", b"and longer and longer "),
            ("HTTP/1.1 ", b"200 200 "),
            // Trailers after the last chunk.
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: y\r\n"),
        ] {
            let (mut client, serving) = endless(head, more).await;
            let error = client.get("/json").await.unwrap_err();
            assert!(matches!(error, HttpError::Protocol(_)), "{head}: {error}");
            assert!(serving.await.unwrap() < 64 << 20);
        }
    }

    #[tokio::test]
    async fn a_response_that_never_ends_has_its_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = Client::new(listener.local_addr().unwrap());
        let dripping = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            // A chunk whose size, in hexadecimal, has no end.
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(head).await.unwrap();
            while stream.write_all(b"0").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let (answer, ()) = tokio::join!(client.get("/json"), dripping);
        assert!(matches!(answer, Err(HttpError::Timeout)), "{answer:?}");
    }

    #[tokio::test]
    async fn of_an_error_response_only_the_beginning_is_shown() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = Client::new(listener.local_addr().unwrap());
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            let head = "HTTP/1.1 500 Oops\r\nContent-Length: 100000\r\n\r\n";
            let answer = head.to_owned() + &"x".repeat(100_000);
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let (answer, ()) = tokio::join!(client.get("/json"), serving);
        let said = answer.unwrap_err().to_string();
        assert!(said.starts_with("500") && said.ends_with("xxx") && said.len() < 400, "{said}");
    }
}
