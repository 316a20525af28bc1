//! A real `redis-server` on a free loopback port; must not outlive the test that started it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{PATIENCE, Server, Wire, frame, pause};

const ATTEMPTS: usize = 5;
const POLL: Duration = Duration::from_millis(2);

/// Ends its process when dropped, also by a panic.
pub(crate) struct RealServer {
    child: Child,
    address: SocketAddr,
}

impl RealServer {
    /// A port that is free now may be taken before the server binds it: then another is tried.
    pub(crate) fn start() -> Self {
        (0..ATTEMPTS)
            .find_map(|_| Self::try_start())
            .expect("redis-server did not start on any of several free ports")
    }

    fn try_start() -> Option<Self> {
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--loglevel", "warning"])
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "cannot start redis-server ({error}): this suite compares the embedded server \
                     with a real one; install it with `apt-get install redis-server`"
                )
            });
        let mut server = Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) };
        server.is_ready().then_some(server)
    }

    /// Waits until this very process answers. Whoever else got the port has another process id.
    fn is_ready(&mut self) -> bool {
        let own_line = format!("process_id:{}\r\n", self.child.id());
        for _ in 0..PATIENCE.as_millis() / POLL.as_millis() {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if let Ok(mut wire) = Wire::try_connect(self.address) {
                wire.send(&frame(&["INFO", "server"]));
                return String::from_utf8_lossy(&wire.read_reply()).contains(&own_line);
            }
            pause(POLL);
        }
        false
    }

    pub(crate) fn server(&self) -> Server {
        Server { address: self.address }
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        // Nothing can be done if it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
