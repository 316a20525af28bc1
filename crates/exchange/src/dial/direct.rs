//! Sockets that are read and written by system calls without the C library between: its wrappers
//! can be cancelled, which costs each call of a process with threads a few atomic operations.

use std::io;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::net::{RecvFlags, SendFlags, recv, send};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A socket that is called directly.
#[derive(Debug)]
pub(crate) struct Direct<S>(pub(crate) S);

/// What came of `call`, which moves at most `room` bytes. Fewer mean that there is no more for now,
/// as if the next call had said so, and saves that call.
fn moved(
    room: usize,
    attempt: impl FnOnce(&mut dyn FnMut() -> io::Result<()>) -> io::Result<()>,
    mut call: impl FnMut() -> rustix::io::Result<usize>,
) -> io::Result<usize> {
    let mut moved = None;
    let tried = attempt(&mut || {
        let bytes = call()?;
        moved = Some(bytes);
        match bytes > 0 && bytes < room {
            true => Err(io::ErrorKind::WouldBlock.into()),
            false => Ok(()),
        }
    });
    match moved {
        Some(bytes) => Ok(bytes),
        None => tried.and(Err(io::ErrorKind::WouldBlock.into())),
    }
}

macro_rules! direct {
    ($socket:ty) => {
        impl AsyncRead for Direct<$socket> {
            fn poll_read(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                let socket = &mut self.get_mut().0;
                if buffer.initialized().len() < buffer.capacity() {
                    // Memory that nothing was written to yet is for tokio, which may leave it so.
                    return Pin::new(socket).poll_read(context, buffer);
                }
                loop {
                    ready!(socket.poll_read_ready(context))?;
                    let room = buffer.initialize_unfilled();
                    let attempt =
                        |call: &mut dyn FnMut() -> _| socket.try_io(Interest::READABLE, call);
                    let received = moved(room.len(), attempt, || {
                        recv(socket.as_fd(), &mut *room, RecvFlags::empty()).map(|(bytes, _)| bytes)
                    });
                    match received {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(error) => return Poll::Ready(Err(error)),
                        Ok(bytes) => {
                            buffer.advance(bytes);
                            return Poll::Ready(Ok(()));
                        }
                    }
                }
            }
        }

        impl AsyncWrite for Direct<$socket> {
            fn poll_write(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                let socket = &self.get_mut().0;
                loop {
                    ready!(socket.poll_write_ready(context))?;
                    let attempt =
                        |call: &mut dyn FnMut() -> _| socket.try_io(Interest::WRITABLE, call);
                    let sent = moved(bytes.len(), attempt, || {
                        // Without a signal to the process where the other end is gone.
                        send(socket.as_fd(), bytes, SendFlags::NOSIGNAL)
                    });
                    match sent {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        other => return Poll::Ready(other),
                    }
                }
            }

            fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut self.get_mut().0).poll_flush(context)
            }

            fn poll_shutdown(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                Pin::new(&mut self.get_mut().0).poll_shutdown(context)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                pieces: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.get_mut().0).poll_write_vectored(context, pieces)
            }

            fn is_write_vectored(&self) -> bool {
                self.0.is_write_vectored()
            }
        }
    };
}

direct!(TcpStream);
direct!(UnixStream);
