//! What a relay knows of a connection: when bytes moved, and which way last. It distinguishes an idle
//! connection from one whose request is under way. All that it reads is whether what a replica sends
//! are interim responses, `HTTP/1.1 100 Continue` for instance, after which the response is still due.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// One connection's activity, both ways. Only the task that copies its bytes writes here, so that
/// there is no race to win.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Reads that brought bytes, from either side.
    moves: AtomicU64,
    /// The last bytes came from the client: the replica owes a response.
    owed: AtomicBool,
    /// The client has not taken all that the replica sent.
    held_up: AtomicBool,
    /// The replica has ended its side, and the client has been sent everything.
    ended: AtomicBool,
}

/// Which end of a connection a stream leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Who connected to the port.
    Client,
    /// What it is passed on to.
    Replica,
}

impl Activity {
    /// Reads that brought bytes so far.
    pub(super) fn moves(&self) -> u64 {
        self.moves.load(Ordering::Relaxed)
    }

    /// Whether a response is due, or the client is still taking one.
    pub(super) fn is_request_under_way(&self) -> bool {
        self.owed.load(Ordering::Relaxed) || self.held_up.load(Ordering::Relaxed)
    }

    /// Whether the replica has ended its side and the client has been sent everything.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Notes bytes from either side, after which a response is `owed` or not.
    fn read(&self, owed: bool) {
        self.moves.store(self.moves().wrapping_add(1), Ordering::Relaxed);
        self.owed.store(owed, Ordering::Relaxed);
    }

    fn is_response_owed(&self) -> bool {
        self.owed.load(Ordering::Relaxed)
    }
}

/// The longest head of an interim response that is waited for, in bytes.
const LONGEST_INTERIM: usize = 1024;

/// Distinguishes interim responses from the response itself, however they are cut into reads.
#[derive(Debug, Default)]
struct Interim {
    /// What came since the last interim response; less than the head of one.
    begun: Vec<u8>,
}

impl Interim {
    /// Whether all that a replica has sent, now with these `bytes`, are interim responses or the
    /// beginning of one.
    fn are_all(&mut self, bytes: &[u8]) -> bool {
        self.begun.extend_from_slice(bytes);
        while is_interim(&self.begun) {
            let Some(end) = self.begun.windows(4).position(|four| four == b"\r\n\r\n") else {
                return self.begun.len() < LONGEST_INTERIM;
            };
            self.begun.drain(..end + 4);
        }
        false
    }
}

/// Whether this is how an interim response begins, as far as it goes. After 101, which switches to
/// another protocol, none follows.
fn is_interim(head: &[u8]) -> bool {
    let is = |at: usize, allowed: &[u8]| head.get(at).is_none_or(|byte| allowed.contains(byte));
    let version = b"HTTP/1.";
    head.iter().zip(version).all(|(byte, expected)| byte == expected)
        && is(7, b"01")
        && is(8, b" ")
        && is(9, b"1")
        && head.get(9..12) != Some(b"101")
}

/// A stream whose activity is noted.
#[derive(Debug)]
pub(super) struct Watched<'a> {
    stream: TcpStream,
    side: Side,
    activity: &'a Activity,
    interim: Interim,
}

impl<'a> Watched<'a> {
    pub(super) fn new(stream: TcpStream, side: Side, activity: &'a Activity) -> Self {
        Self { stream, side, activity, interim: Interim::default() }
    }
}

impl AsyncRead for Watched<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            let owed = match self.side {
                Side::Client => true,
                Side::Replica if self.activity.is_response_owed() => {
                    self.interim.are_all(&buffer.filled()[before..])
                }
                Side::Replica => false,
            };
            if !owed {
                self.interim.begun.clear();
            }
            self.activity.read(owed);
        }
        read
    }
}

impl AsyncWrite for Watched<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if self.side == Side::Client {
            self.activity.held_up.store(written.is_pending(), Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.side == Side::Client {
            self.activity.ended.store(true, Ordering::Relaxed);
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_all(pieces: &[&[u8]]) -> bool {
        let mut interim = Interim::default();
        pieces.iter().all(|piece| interim.are_all(piece))
    }

    #[test]
    fn interim_responses_are_not_taken_for_the_response() {
        let interim =
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        assert!(are_all(&[interim]));
        assert!(are_all(&interim.chunks(1).collect::<Vec<_>>()));
        assert!(are_all(&interim.chunks(7).collect::<Vec<_>>()));
        let long = [b"HTTP/1.1 103 ".as_slice(), &[b'a'; 2 * LONGEST_INTERIM]].concat();
        for last in [
            b"HTTP/1.1 200 OK\r\n\r\n".as_slice(),
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            b"HTTP/2.0 100 Continue\r\n\r\n",
            b"100",
            b"\0",
            &long,
        ] {
            assert!(!are_all(&[last]), "{}", String::from_utf8_lossy(last));
            assert!(!are_all(&[interim, last]) && !are_all(&[&[interim, last].concat()]));
        }
    }
}
