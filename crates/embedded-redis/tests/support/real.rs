//! A real `redis-server` on a free loopback port; must not outlive the test that started it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;
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
        Self::start_with(&[])
    }

    /// The same with these settings.
    pub(crate) fn start_with(settings: &[&str]) -> Self {
        (0..ATTEMPTS)
            .find_map(|_| Self::try_start(settings))
            .expect("redis-server did not start on any of several free ports")
    }

    /// A server on a Unix socket only.
    pub(crate) fn start_on(socket: &Path) -> Self {
        let path = socket.to_str().unwrap();
        let child = Self::spawn(0, &["--unixsocket", path]);
        let server = Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) };
        let ready = || UnixStream::connect(socket).is_ok();
        assert!(
            (0..PATIENCE.as_millis() / POLL.as_millis()).any(|_| ready() || {
                pause(POLL);
                false
            }),
            "redis-server did not start on {path}"
        );
        server
    }

    fn try_start(settings: &[&str]) -> Option<Self> {
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let child = Self::spawn(port, settings);
        let mut server = Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) };
        server.is_ready(settings).then_some(server)
    }

    fn spawn(port: u16, settings: &[&str]) -> Child {
        Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(settings)
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
            })
    }

    /// Waits until this very process answers. Whoever else got the port has another process id.
    fn is_ready(&mut self, settings: &[&str]) -> bool {
        let own_line = format!("process_id:{}\r\n", self.child.id());
        for _ in 0..PATIENCE.as_millis() / POLL.as_millis() {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if let Ok(mut wire) = Wire::try_connect(self.address) {
                if let ["--requirepass", password] = settings {
                    wire.ask(&format!("AUTH {password}"));
                }
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
