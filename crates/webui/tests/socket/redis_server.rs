//! A real redis-server for one test, on a free port of the loopback, without anything on disk.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test without its Redis has failed")]

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::PATIENCE;

/// A redis-server that ends with the test.
pub(crate) struct RedisServer {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl RedisServer {
    pub(crate) async fn start() -> Self {
        loop {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let address = free.local_addr().unwrap();
            drop(free);
            // Another process may have taken the port since.
            if let Some(child) = launch(address).await {
                return Self { address, child };
            }
        }
    }

    /// A connection of the test's own.
    pub(crate) async fn client(&self) -> MultiplexedConnection {
        connect(self.address).await.unwrap()
    }

    /// Ends the server; its port is free then.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again where it was, empty, once the port is free: a client that looks for the server may
    /// have been given that very port for its own end, and is then connected to itself for a moment.
    pub(crate) async fn restart(&mut self) {
        let again = async {
            loop {
                if let Some(child) = launch(self.address).await {
                    break child;
                }
            }
        };
        self.child = timeout(PATIENCE, again).await.expect("redis-server starts again");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }
}

/// The server once it answers, or `None` when it ended instead.
async fn launch(address: SocketAddr) -> Option<Child> {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
    command.args(["--save", "", "--appendonly", "no"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    let child = command.spawn();
    let mut child =
        child.expect("these tests need redis-server; install it: apt-get install redis-server");
    let answers = async {
        loop {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            if connect(address).await.is_some() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, answers).await.unwrap().then_some(child)
}

async fn connect(address: SocketAddr) -> Option<MultiplexedConnection> {
    let client = redis::Client::open(format!("redis://{address}")).unwrap();
    client.get_multiplexed_async_connection().await.ok()
}
