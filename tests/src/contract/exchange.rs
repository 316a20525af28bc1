//! One connection to a service, as plain as a client can be: bytes out as given, one answer in,
//! framed by what its header says. It compares nothing.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::wait::DEADLINE;

/// How long the other end may take to close a connection that it said it closes.
const END: Duration = Duration::from_secs(10);

/// A connection.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    /// Read, but not yet part of an answer.
    ahead: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// `HTTP/1.0` or `HTTP/1.1`.
    pub version: String,
    /// The status code.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, empty after `HEAD`.
    pub body: Vec<u8>,
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// When the system says so, or after [`DEADLINE`].
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = timeout(DEADLINE, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, ahead: Vec::new() })
    }

    /// Sends `request` and reads the answer to it.
    ///
    /// # Errors
    /// When the connection breaks, the answer is no HTTP or is not whole, or after [`DEADLINE`].
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        let is_head = request.starts_with(b"HEAD ");
        timeout(DEADLINE, async {
            self.stream.write_all(request).await?;
            self.answer(is_head).await
        })
        .await?
    }

    /// Waits for the end of the connection, before which nothing may come.
    ///
    /// # Errors
    /// When something does come, or the end does not.
    pub async fn ends(&mut self) -> io::Result<()> {
        let more = timeout(END, self.more()).await;
        let more = more.map_err(|_| other("the connection stays, although its end was said"))?;
        match more? || !self.ahead.is_empty() {
            true => Err(other("bytes after the end of the answer")),
            false => Ok(()),
        }
    }

    async fn answer(&mut self, is_head: bool) -> io::Result<Answer> {
        let end = loop {
            if let Some(at) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if !self.more().await? {
                return Err(other("closed before the end of a header"));
            }
        };
        let head: Vec<u8> = self.ahead.drain(..end + 4).collect();
        let mut answer = parse(&head).ok_or_else(|| other("no HTTP"))?;
        if is_head || matches!(answer.status, 204 | 304) {
            return Ok(answer);
        }
        answer.body = match answer.header("content-length").map(str::parse::<usize>) {
            Some(Ok(length)) => self.take(length).await?,
            Some(Err(_)) => return Err(other("no length")),
            None if answer.header("transfer-encoding").is_some() => {
                return Err(other("chunked, which an HTTP/1.0 client does not understand"));
            }
            None => {
                while self.more().await? {}
                std::mem::take(&mut self.ahead)
            }
        };
        Ok(answer)
    }

    async fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.ahead.len() < length {
            if !self.more().await? {
                return Err(other("closed amid a body"));
            }
        }
        Ok(self.ahead.drain(..length).collect())
    }

    async fn more(&mut self) -> io::Result<bool> {
        Ok(self.stream.read_buf(&mut self.ahead).await? > 0)
    }
}

impl Answer {
    /// The value of the first header of this name, given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        values.next().map(|(_, value)| value.as_str())
    }

    /// Whether a client may send another request over the connection on which it sent `request`.
    #[must_use]
    pub fn keeps_connection(&self, request: &[u8]) -> bool {
        let said = self.header("connection").unwrap_or_default().to_lowercase();
        let is_framed = self.header("content-length").is_some();
        let old = request.windows(10).any(|bytes| bytes == b" HTTP/1.0\r");
        match self.version.as_str() {
            "HTTP/1.1" if !old => said != "close" && is_framed,
            _ => said == "keep-alive" && is_framed,
        }
    }
}

fn parse(head: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(head).ok()?;
    let mut lines = text.trim_end().split("\r\n");
    let mut words = lines.next()?.splitn(3, ' ');
    let version = words.next()?.to_owned();
    let status = words.next()?.parse().ok()?;
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    Some(Answer { version, status, headers, body: Vec::new() })
}

fn other(what: &'static str) -> io::Error {
    io::Error::other(what)
}
