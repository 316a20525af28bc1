//! A raw HTTP/1 client: bytes out as given, one answer in. It follows nothing, retries nothing and
//! adds no header, so that a test says exactly what is on the wire.

#![expect(clippy::unwrap_used, reason = "a test that cannot connect, send or read has failed")]

use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long anything may take before a test fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    /// Read, but not yet part of an answer.
    ahead: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) version: String,
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The answer to `request` on a connection of its own.
pub(crate) async fn ask(address: SocketAddr, request: &str) -> Answer {
    let mut client = Client::connect(address).await;
    client.send(request).await;
    client.answer().await
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await;
        let stream = stream.unwrap().unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, ahead: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await;
        sent.unwrap().unwrap();
    }

    /// Sends `bytes` beside whatever else this client does, as far as the service takes them.
    pub(crate) fn send_beside(&self, bytes: Vec<u8>) {
        let twin = self.stream.as_fd().try_clone_to_owned().unwrap();
        let mut twin = TcpStream::from_std(twin.into()).unwrap();
        tokio::spawn(async move { twin.write_all(&bytes).await });
    }

    /// Reads one answer with its body.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut answer = self.answer_to_head().await;
        let coding = answer.header("transfer-encoding");
        assert_eq!(coding, None, "all services know their bodies' lengths");
        answer.body = if let Some(length) = answer.header("content-length") {
            self.take(length.parse().unwrap()).await
        } else {
            while self.more().await {}
            std::mem::take(&mut self.ahead)
        };
        answer
    }

    /// Reads one answer that must have no body, such as one to `HEAD`.
    pub(crate) async fn answer_to_head(&mut self) -> Answer {
        let end = loop {
            if let Some(at) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            assert!(self.more().await, "closed amid a head: {:?}", self.shown());
        };
        let head = self.take(end + 4).await;
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let mut status = lines.next().unwrap().splitn(3, ' ');
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        };
        Answer {
            version: status.next().unwrap().to_owned(),
            status: status.next().unwrap().parse().unwrap(),
            headers: lines.map(header).collect(),
            body: Vec::new(),
        }
    }

    /// Waits for the end of the connection and returns what came before it.
    pub(crate) async fn rest(&mut self) -> String {
        while self.more().await {}
        self.shown()
    }

    /// Whether nothing has come yet, now.
    pub(crate) fn is_silent(&self) -> bool {
        let nothing = self.stream.try_read(&mut [0]);
        self.ahead.is_empty() && nothing.is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Reads `length` bytes of a body and drops them.
    pub(crate) async fn skip(&mut self, length: u64) {
        let mut left = length;
        self.ahead.reserve(64 << 10);
        loop {
            let read = self.ahead.len() as u64;
            if read >= left {
                self.ahead.drain(..usize::try_from(left).unwrap());
                return;
            }
            left -= read;
            self.ahead.clear();
            assert!(self.more().await, "closed {left} bytes before the end");
        }
    }

    async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.ahead.len() < length {
            let read = self.ahead.len();
            assert!(self.more().await, "closed after {read} of {length} bytes");
        }
        let rest = self.ahead.split_off(length);
        std::mem::replace(&mut self.ahead, rest)
    }

    /// Reads what there is; false at the end of the connection, which a reset is too.
    async fn more(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.ahead)).await;
        matches!(read.unwrap(), Ok(1..))
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.ahead).into_owned()
    }
}

impl Answer {
    /// The value of the only header called `name`, in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice in {self:?}");
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
