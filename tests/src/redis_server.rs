//! A real redis-server that writes every change to disk before it answers, and can be killed and
//! started again on the same port with the same data.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use redis::aio::MultiplexedConnection;
use tokio::time::Instant;

use crate::wait::{DEADLINE, eventually};

const ATTEMPTS: usize = 5;

/// A redis-server; killed when dropped.
#[derive(Debug)]
pub struct RedisServer {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl RedisServer {
    /// Starts one that keeps its data in `folder`. A port that is free now may be taken before
    /// the server binds it: then another is tried.
    pub async fn start(folder: &Path) -> Self {
        for _ in 0..ATTEMPTS {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let port = free.local_addr().expect("its address").port();
            drop(free);
            let child = spawn(folder, port);
            let mut server = Self { child, folder: folder.to_owned(), port };
            if server.is_ready().await {
                return server;
            }
        }
        panic!("redis-server did not start on any of {ATTEMPTS} free ports");
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().expect("redis-server runs");
        self.child.wait().expect("redis-server ends");
    }

    /// Starts it again on the same port with what is on disk, once the port is free: a client that looks
    /// for the server may have been given that very port for its own end, and is then connected to itself
    /// for a moment.
    pub async fn start_again(&mut self) {
        let begin = Instant::now();
        loop {
            self.child = spawn(&self.folder, self.port);
            if self.is_ready().await {
                return;
            }
            assert!(begin.elapsed() < DEADLINE, "redis-server did not start again");
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The counter of loops; 0 before the first count.
    pub async fn hashes(&self) -> u64 {
        hashes(self.address()).await
    }

    /// The wallet: each hash with the bytes it is of.
    pub async fn wallet(&self) -> Vec<(String, Vec<u8>)> {
        wallet(self.address()).await
    }

    /// Lets in only the user `user` with `password` from now on, who may do anything.
    pub async fn require_login(&self, user: &str, password: &str) {
        let mut connection = connect(self.address()).await.expect("redis-server answers");
        for user in
            [&[user, "on", &format!(">{password}"), "~*", "&*", "+@all"][..], &["default", "off"]]
        {
            let command = redis::cmd("ACL").arg("SETUSER").arg(user).to_owned();
            command.query_async::<()>(&mut connection).await.expect("a rule of access");
        }
    }

    /// Sets the counter, and puts `coins` coins into the wallet.
    pub async fn count(&self, hashes: &str, coins: u64) {
        let mut connection = connect(self.address()).await.expect("redis-server answers");
        let mut counts = redis::pipe();
        counts.cmd("SET").arg("hashes").arg(hashes).ignore();
        for coin in 0..coins {
            counts.cmd("HSET").arg("wallet").arg(format!("0{coin}")).arg(&b"\xff\0"[..]).ignore();
        }
        counts.query_async::<()>(&mut connection).await.expect("the counts are set");
    }

    /// Waits until this very process answers. Whoever else got the port has another process id.
    async fn is_ready(&mut self) -> bool {
        let own_line = format!("process_id:{}\r\n", self.child.id());
        eventually("an answer of redis-server", async || {
            if self.child.try_wait().expect("a child of this process").is_some() {
                return Some(false);
            }
            let mut connection = connect(self.address()).await.ok()?;
            let info = redis::cmd("INFO").arg("server").query_async(&mut connection).await;
            info.ok().map(|info: String| info.contains(&own_line))
        })
        .await
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Nothing can be done if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The counter of loops in the Redis at `address`; 0 before the first count.
pub async fn hashes(address: SocketAddr) -> u64 {
    let mut connection = connect(address).await.expect("Redis answers");
    let hashes: Option<u64> =
        redis::cmd("GET").arg("hashes").query_async(&mut connection).await.expect("a number");
    hashes.unwrap_or(0)
}

/// The wallet in the Redis at `address`: each hash with the bytes it is of.
pub async fn wallet(address: SocketAddr) -> Vec<(String, Vec<u8>)> {
    let mut connection = connect(address).await.expect("Redis answers");
    redis::cmd("HGETALL").arg("wallet").query_async(&mut connection).await.expect("a hash")
}

async fn connect(address: SocketAddr) -> redis::RedisResult<MultiplexedConnection> {
    let client = redis::Client::open(format!("redis://{address}"))?;
    client.get_multiplexed_async_connection().await
}

fn spawn(folder: &Path, port: u16) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("cannot start redis-server ({error}): `apt-get install redis-server`")
        })
}
