//! A relay in front of a server: it passes every byte on as it is, both ways, and counts the HTTP responses that
//! pass, by status. It knows neither client nor server, so it counts for any pair of them alike.
//!
//! It looks for status lines and does not parse the rest: enough for servers whose bodies contain none, such as
//! hashes and random bytes.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Bytes of `HTTP/1.1 200`, by which a status line is found.
const STATUS_LINE: usize = 12;
const BUFFER: usize = 16 * 1024;

/// Responses by status.
type Statuses = Arc<Mutex<BTreeMap<u16, u64>>>;

/// A running relay; its connections close when it is dropped.
#[derive(Debug)]
pub struct Tap {
    /// Where clients connect.
    pub address: SocketAddr,
    statuses: Statuses,
    _relay: JoinSet<()>,
}

impl Tap {
    /// Listens on a free port of `address` and relays to `server`.
    pub async fn before(server: SocketAddr, address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let statuses = Statuses::default();
        let mut relay = JoinSet::new();
        relay.spawn({
            let statuses = Arc::clone(&statuses);
            async move {
                let mut connections = JoinSet::new();
                loop {
                    let (client, _) = listener.accept().await.expect("connections are accepted");
                    connections.spawn(connection(client, server, Arc::clone(&statuses)));
                }
            }
        });
        Self { address, statuses, _relay: relay }
    }

    /// Responses that have passed so far, by status.
    #[must_use]
    pub fn statuses(&self) -> BTreeMap<u16, u64> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Responses with status 200 that have passed so far.
    #[must_use]
    pub fn good(&self) -> u64 {
        self.statuses().get(&200).copied().unwrap_or(0)
    }
}

/// Relays one connection until both sides are closed. Once the client has closed its side, responses are passed
/// on, but not counted: the client reads them no more.
async fn connection(client: TcpStream, server: SocketAddr, statuses: Statuses) {
    // A server that is gone is seen by the client as a connection that closes.
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    let asks = Arc::new(());
    let asking = Arc::downgrade(&asks);
    let requests = async move {
        pass(from_client, to_server, |_| {}).await;
        drop(asks);
    };
    let mut seen = Responses::default();
    let responses = pass(from_server, to_client, |bytes| {
        let found = seen.find(bytes);
        if asking.strong_count() > 0 {
            let mut statuses = statuses.lock().unwrap_or_else(PoisonError::into_inner);
            for status in found {
                *statuses.entry(status).or_default() += 1;
            }
        }
    });
    tokio::join!(requests, responses);
}

/// Passes bytes on until either end is closed, and closes the other.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut watch: impl FnMut(&[u8])) {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        watch(&buffer[..read]);
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

/// Finds status lines in a stream of bytes that comes in pieces.
#[derive(Debug, Default)]
struct Responses {
    /// The end of the last piece, too short for a status line.
    rest: Vec<u8>,
}

impl Responses {
    fn find(&mut self, bytes: &[u8]) -> Vec<u16> {
        self.rest.extend_from_slice(bytes);
        let found = self.rest.windows(STATUS_LINE).filter_map(status).collect();
        let keep = self.rest.len().saturating_sub(STATUS_LINE - 1);
        self.rest.drain(..keep);
        found
    }
}

/// The status of a response that begins with these bytes.
fn status(line: &[u8]) -> Option<u16> {
    let status = line.strip_prefix(b"HTTP/1.")?.get(2..)?;
    std::str::from_utf8(status).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines_are_found_in_pieces_of_any_size() {
        let stream = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n0HTTP/1.0 404 Not Found\r\n\r\n";
        for size in 1..stream.len() {
            let mut responses = Responses::default();
            let found = stream.chunks(size).flat_map(|piece| responses.find(piece));
            assert_eq!(found.collect::<Vec<_>>(), [200, 404], "pieces of {size}");
        }
    }
}
