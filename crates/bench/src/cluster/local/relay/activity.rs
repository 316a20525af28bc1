//! What a relay knows of a connection without reading it: when bytes moved, and which way last. It
//! distinguishes an idle connection from one whose request is under way.

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

    fn read(&self, side: Side) {
        self.moves.store(self.moves().wrapping_add(1), Ordering::Relaxed);
        self.owed.store(side == Side::Client, Ordering::Relaxed);
    }
}

/// A stream whose activity is noted.
#[derive(Debug)]
pub(super) struct Watched<'a> {
    stream: TcpStream,
    side: Side,
    activity: &'a Activity,
}

impl<'a> Watched<'a> {
    pub(super) fn new(stream: TcpStream, side: Side, activity: &'a Activity) -> Self {
        Self { stream, side, activity }
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
            self.activity.read(self.side);
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
