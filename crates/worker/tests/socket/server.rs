//! A server that plays rng and hasher as a test tells it to, and notes what it was asked. It
//! speaks plain bytes, so that it can also answer what no HTTP library would.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// When all of it was there.
    pub(crate) at: Instant,
    /// Which of the server's connections it came over, counted from 0.
    pub(crate) connection: usize,
    /// Which request of its connection it is, counted from 0.
    pub(crate) turn: usize,
    pub(crate) head: String,
    body: Vec<u8>,
}

/// What is sent for a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) delay: Duration,
    pub(crate) bytes: Vec<u8>,
    /// How long after that the connection is closed; kept without.
    pub(crate) close_after: Option<Duration>,
}

type Manner = Arc<dyn Fn(&Request) -> Exchange + Send + Sync>;

/// A running server; it ends with its test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    manner: Mutex<Manner>,
    requests: Mutex<Vec<Request>>,
    /// Requests that came and are not answered yet: now, and at most.
    open: Mutex<(usize, usize)>,
}

impl Request {
    /// What rng or hasher would answer: as many bytes as asked for, or the hash of the body.
    pub(crate) fn good_body(&self) -> Vec<u8> {
        if self.head.starts_with("POST / ") {
            return hex(&self.body).into_bytes();
        }
        let path = self.head.strip_prefix("GET /").unwrap().split(' ').next().unwrap();
        (0..path.parse().unwrap()).map(|_| rand::random()).collect()
    }

    /// A good answer on a kept connection, with these further headers.
    pub(crate) fn good(&self, headers: &str) -> Exchange {
        answer("200 OK", headers, &self.good_body())
    }
}

/// An answer whose length is told.
pub(crate) fn answer(status: &str, headers: &str, body: &[u8]) -> Exchange {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n");
    Exchange { bytes: [head.as_bytes(), body].concat(), ..Exchange::default() }
}

/// The SHA-256 of `bytes` in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Server {
    /// A server that answers well and keeps connections.
    pub(crate) fn good() -> Self {
        Self::start(|request| request.good(""))
    }

    pub(crate) fn start(manner: impl Fn(&Request) -> Exchange + Send + Sync + 'static) -> Self {
        Self::listen(port(), manner)
    }

    /// Listens on a port that was bound, and refused connections, until now.
    pub(crate) fn listen(
        port: TcpSocket,
        manner: impl Fn(&Request) -> Exchange + Send + Sync + 'static,
    ) -> Self {
        let listener = port.listen(1024).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            manner: Mutex::new(Arc::new(manner)),
            requests: Mutex::default(),
            open: Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, task }
    }

    /// From now on it answers like this.
    pub(crate) fn turns(&self, manner: impl Fn(&Request) -> Exchange + Send + Sync + 'static) {
        *locked(&self.shared.manner) = Arc::new(manner);
    }

    pub(crate) fn target(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        locked(&self.shared.requests).clone()
    }

    /// How many requests came so far.
    pub(crate) fn count(&self) -> usize {
        locked(&self.shared.requests).len()
    }

    /// The most requests that were under way at a time.
    pub(crate) fn most_open(&self) -> usize {
        locked(&self.shared.open).1
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A port of the loopback on which nothing listens and nothing else will.
pub(crate) fn port() -> TcpSocket {
    let port = TcpSocket::new_v4().unwrap();
    port.bind(([127, 0, 0, 1], 0).into()).unwrap();
    port
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    for connection in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let shared = Arc::clone(&shared);
        connections.spawn(async move { serve(stream, connection, &shared).await });
    }
}

/// Answers one request after another until either side closes.
async fn serve(mut stream: TcpStream, connection: usize, shared: &Shared) {
    for turn in 0.. {
        let Some((head, body)) = read(&mut stream).await else {
            return;
        };
        let request = Request { at: Instant::now(), connection, turn, head, body };
        let manner = Arc::clone(&*locked(&shared.manner));
        let exchange = manner(&request);
        locked(&shared.requests).push(request);
        {
            let mut open = locked(&shared.open);
            open.0 += 1;
            open.1 = open.1.max(open.0);
        }
        tokio::time::sleep(exchange.delay).await;
        // The worker may have left meanwhile.
        let sent = stream.write_all(&exchange.bytes).await;
        locked(&shared.open).0 -= 1;
        if let Some(after) = exchange.close_after {
            return tokio::time::sleep(after).await;
        }
        if sent.is_err() {
            return;
        }
    }
}

/// The head and body of the next request; nothing at the end of the connection.
async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        stream.read_buf(&mut bytes).await.ok().filter(|count| *count > 0)?;
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let head = head.replacen("get", "GET", 1).replacen("post", "POST", 1);
    let mut lengths = head.lines().filter_map(|line| line.strip_prefix("content-length: "));
    let length = lengths.next().map_or(0, |length| length.parse().unwrap());
    let mut body = bytes.split_off(end);
    while body.len() < length {
        stream.read_buf(&mut body).await.ok().filter(|count| *count > 0)?;
    }
    Some((head, body))
}

/// Nothing under these locks can panic half way, so a poisoned one is as good as any.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
