//! What every case needs: a server to talk to and a raw connection; must not know any command.

mod embedded;
mod real;
mod wire;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

pub(crate) use embedded::Embedded;
use embedded_redis::{Password, Redis};
pub(crate) use real::RealServer;
pub(crate) use wire::{Wire, frame};

/// How long anything may take before a test gives up; far more than a healthy run needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits in real time, which is the time a server in another process or thread lives in.
#[expect(clippy::disallowed_methods, reason = "there is no runtime here that could be blocked")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// The server a case runs against. Each case has one of its own, which starts empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn connect(self) -> Wire {
        Wire::connect(self.address)
    }

    /// Sends the lines as inline commands over one new connection and compares each reply,
    /// byte by byte.
    pub(crate) fn expect(self, exchanges: &[(&str, &str)]) {
        self.connect().expect_each(exchanges);
    }

    pub(crate) fn url(self) -> String {
        format!("redis://{}/", self.address)
    }
}

/// Runs a case against the embedded server.
pub(crate) fn on_embedded(case: fn(Server)) {
    let embedded = Embedded::start();
    case(embedded.server());
}

/// Runs a case against a real `redis-server` of its own.
pub(crate) fn on_real(case: fn(Server)) {
    let real = RealServer::start();
    case(real.server());
}

/// The password of guarded servers.
const PASSWORD: &str = "geheim";

/// Runs a case against an embedded server with a password.
pub(crate) fn on_guarded_embedded(case: fn(Server)) {
    let embedded = Embedded::start_with(Redis::new().with_password(Password::new(PASSWORD)));
    case(embedded.server());
}

/// Runs a case against a real `redis-server` with a password.
pub(crate) fn on_guarded_real(case: fn(Server)) {
    let real = RealServer::start_with(&["--requirepass", PASSWORD]);
    case(real.server());
}

/// Runs a case against an embedded server on a Unix socket.
pub(crate) fn on_embedded_path(case: fn(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis");
    let _embedded = Embedded::start_on(&socket, Redis::new());
    case(&socket);
}

/// Runs a case against a real `redis-server` on a Unix socket.
pub(crate) fn on_real_path(case: fn(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis");
    let _real = RealServer::start_on(&socket);
    case(&socket);
}

/// Runs a case against an embedded server that takes three clients.
pub(crate) fn on_crowded_embedded(case: fn(Server)) {
    let embedded = Embedded::start_with(Redis::new().with_maximum_clients(3));
    case(embedded.server());
}

/// Runs a case against a real `redis-server` that takes three clients.
pub(crate) fn on_crowded_real(case: fn(Server)) {
    let real = RealServer::start_with(&["--maxclients", "3"]);
    case(real.server());
}
