//! A stream of bytes to a server, whatever carries it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::direct::Direct;
use super::tls::Secure;

/// What carries the bytes, in plain text or not.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Plain),
    /// In a box, since it is a hundred times larger.
    Secure(Box<Secure>),
}

/// What the system carries the bytes with.
#[derive(Debug)]
pub(crate) enum Plain {
    Tcp(Direct<TcpStream>),
    Unix(Direct<UnixStream>),
}

/// A stream that is one of two calls the same of it.
macro_rules! one_of_two {
    ($stream:ident, $first:ident, $second:ident) => {
        impl AsyncRead for $stream {
            fn poll_read(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    Self::$first(stream) => Pin::new(stream).poll_read(context, buffer),
                    Self::$second(stream) => Pin::new(stream).poll_read(context, buffer),
                }
            }
        }

        impl AsyncWrite for $stream {
            fn poll_write(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    Self::$first(stream) => Pin::new(stream).poll_write(context, bytes),
                    Self::$second(stream) => Pin::new(stream).poll_write(context, bytes),
                }
            }

            fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    Self::$first(stream) => Pin::new(stream).poll_flush(context),
                    Self::$second(stream) => Pin::new(stream).poll_flush(context),
                }
            }

            fn poll_shutdown(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    Self::$first(stream) => Pin::new(stream).poll_shutdown(context),
                    Self::$second(stream) => Pin::new(stream).poll_shutdown(context),
                }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                pieces: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    Self::$first(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
                    Self::$second(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
                }
            }

            fn is_write_vectored(&self) -> bool {
                match self {
                    Self::$first(stream) => stream.is_write_vectored(),
                    Self::$second(stream) => stream.is_write_vectored(),
                }
            }
        }
    };
}

one_of_two!(Plain, Tcp, Unix);
one_of_two!(Stream, Plain, Secure);
