//! The sockets that clients come over, TCP and Unix; must not know what is sent over them.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use self::sealed::Peer;

/// A socket that [`serve`](crate::serve) can accept clients on: [`TcpListener`] or [`UnixListener`].
///
/// Clients of a Unix socket must be of the same user as this process, or root; others are
/// disconnected at once. Which directory the socket's path is in, and its mode, is the caller's.
pub trait Listen: sealed::Listen {}

impl Listen for TcpListener {}
impl Listen for UnixListener {}

pub(crate) mod sealed {
    use std::future::Future;
    use std::io;

    use tokio::io::{AsyncRead, AsyncWrite};

    /// Both ends of a connection, as `CLIENT LIST` and `MONITOR` show them.
    #[derive(Debug, Clone)]
    pub struct Peer {
        /// `127.0.0.1:40000`, or the socket's path and `:0`.
        pub address: String,
        pub local_address: String,
        /// `127.0.0.1:40000`, or `unix:` and the socket's path.
        pub monitor_name: String,
        /// The server's TCP port; none for a Unix socket.
        pub port: Option<u16>,
    }

    pub trait Listen: Send {
        type Stream: Stream;

        /// The next connection, ready to be used.
        fn accept_client(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
    }

    pub trait Stream: Send + 'static {
        fn peer(&self) -> io::Result<Peer>;

        /// Reads what is there, without waiting.
        fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize>;

        /// Its two directions, to be used at the same time.
        fn halves(&mut self) -> (impl AsyncRead + Unpin + Send, impl AsyncWrite + Unpin + Send);
    }
}

impl sealed::Listen for TcpListener {
    type Stream = TcpStream;

    async fn accept_client(&self) -> io::Result<TcpStream> {
        let (stream, _) = self.accept().await?;
        // Without it small replies can wait 40 ms for an acknowledgement. It fails for a client
        // that has left already, which reading will show.
        stream.set_nodelay(true).ok();
        Ok(stream)
    }
}

impl sealed::Stream for TcpStream {
    fn peer(&self) -> io::Result<Peer> {
        let (peer, local) = (self.peer_addr()?, self.local_addr()?);
        Ok(Peer {
            address: peer.to_string(),
            local_address: local.to_string(),
            monitor_name: peer.to_string(),
            port: Some(local.port()),
        })
    }

    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_read(buffer)
    }

    fn halves(&mut self) -> (impl AsyncRead + Unpin + Send, impl AsyncWrite + Unpin + Send) {
        self.split()
    }
}

impl sealed::Listen for UnixListener {
    type Stream = UnixStream;

    async fn accept_client(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.accept().await?;
            match stream.peer_cred() {
                Ok(peer) if may_connect(peer.uid()) => return Ok(stream),
                Ok(peer) => {
                    tracing::warn!(uid = peer.uid(), "refused another user's connection to Redis");
                }
                Err(error) => tracing::debug!(%error, "a connection to Redis ended"),
            }
        }
    }
}

/// Whether a client of this user may connect to a Unix socket.
fn may_connect(uid: u32) -> bool {
    let own = rustix::process::geteuid();
    uid == own.as_raw() || uid == rustix::process::Uid::ROOT.as_raw()
}

impl sealed::Stream for UnixStream {
    /// As Redis does, both ends are shown by the path of the socket: clients have none.
    fn peer(&self) -> io::Result<Peer> {
        let local = self.local_addr()?;
        let path = local.as_pathname().map(|path| path.display().to_string()).unwrap_or_default();
        let address = format!("{path}:0");
        Ok(Peer {
            local_address: address.clone(),
            address,
            monitor_name: format!("unix:{path}"),
            port: None,
        })
    }

    fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_read(buffer)
    }

    fn halves(&mut self) -> (impl AsyncRead + Unpin + Send, impl AsyncWrite + Unpin + Send) {
        self.split()
    }
}

#[cfg(test)]
mod tests {
    use super::may_connect;

    #[test]
    fn only_the_same_user_and_root_may_connect_to_a_unix_socket() {
        let own = rustix::process::geteuid().as_raw();
        assert!(may_connect(own) && may_connect(0));
        assert!(!may_connect(own + 1) && !may_connect(65_534 - own));
    }
}
