//! Servers of a few lines, each with one way to misbehave.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a server does once it has read a request.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Writes this and reads on.
    Answers(&'static [u8]),
    /// Writes this and closes.
    AnswersAndCloses(&'static [u8]),
    /// Writes one byte after the other, for ever.
    Drips,
    /// Writes the first, and the second again and again.
    Floods(&'static [u8], &'static [u8]),
    /// Resets the connection.
    Resets,
    /// Nothing, for ever.
    Stalls,
}

/// An answer as it should be.
pub(crate) const FINE: &[u8] = b"HTTP/1.1 200 OK\r\nX-Replica: rng.1\r\n\
    Server-Timing: queue;dur=1.5, service;dur=100\r\nContent-Length: 5\r\n\r\nhello";
/// The same to HEAD.
pub(crate) const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";

/// A server on loopback.
pub(crate) struct Server {
    /// Where.
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Does the deeds in turn, one for each request, and the last one for all that follow.
    pub(crate) async fn new(deeds: &[Deed]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (seen, deeds) = (Arc::clone(&requests), deeds.to_vec());
        let accepted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, deeds.clone(), Arc::clone(&seen)));
            }
        });
        Self { address, requests, connections }
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, deeds: Vec<Deed>, seen: Arc<Mutex<Vec<String>>>) {
    while let Some(request) = read(&mut stream).await {
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            seen.len() - 1
        };
        let deed = deeds.get(number).or(deeds.last()).unwrap();
        match deed {
            Deed::Answers(bytes) => drop(stream.write_all(bytes).await),
            Deed::AnswersAndCloses(bytes) => {
                let _ = stream.write_all(bytes).await;
                return;
            }
            Deed::Drips => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ").await;
                while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
                return;
            }
            Deed::Floods(begin, again) => {
                let _ = stream.write_all(begin).await;
                let flood = again.repeat(4_000);
                while stream.write_all(&flood).await.is_ok() {}
                return;
            }
            Deed::Resets => {
                SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
                return;
            }
            Deed::Stalls => std::future::pending().await,
        }
    }
}

/// A request with its body.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text.into_owned());
            }
        }
        let mut piece = [0; 1024];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
}
