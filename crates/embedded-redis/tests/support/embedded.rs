//! The embedded server on a thread of its own, as bench runs it: on a current-thread runtime.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use embedded_redis::{Faults, Listen, Redis, serve};
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::sync::oneshot;

use super::Server;

/// Stops, and waits for the end of `serve`, when dropped.
pub(crate) struct Embedded {
    pub(crate) redis: Redis,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    pub(crate) fn start() -> Self {
        Self::start_with(Redis::new())
    }

    pub(crate) fn start_with(redis: Redis) -> Self {
        Self::serve(redis, || {
            let listener = listen();
            let address = listener.local_addr().unwrap();
            (listener, address)
        })
    }

    /// A server on a Unix socket only.
    pub(crate) fn start_on(socket: &Path, redis: Redis) -> Self {
        let socket = socket.to_owned();
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::serve(redis, move || (UnixListener::bind(socket).unwrap(), nowhere))
    }

    fn serve<L: Listen>(
        redis: Redis,
        bind: impl FnOnce() -> (L, SocketAddr) + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let served = redis.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let (listener, address) = bind();
                tell.send(address).unwrap();
                let stop = async {
                    stopped.await.ok();
                };
                serve(listener, served, stop).await;
            });
        });
        let address = told.recv().unwrap();
        Self { redis, address, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn server(&self) -> Server {
        Server { address: self.address }
    }

    pub(crate) fn faults(&self) -> Faults {
        self.redis.faults()
    }

    /// Stops the server and returns once `serve` has.
    pub(crate) fn stop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the embedded server panicked");
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `TcpListener::bind` lets 128 connections wait to be accepted. When a thousand clients come at
/// once the others are not refused but try again after a second.
fn listen() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    socket.listen(1024).unwrap()
}
