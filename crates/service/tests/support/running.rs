//! A service in the test's own process, on a free port of the loopback.

#![expect(clippy::unwrap_used, reason = "a test without its service has failed")]

use std::net::{Ipv4Addr, SocketAddr};

use service::stop::{Reason, Trigger};
use service::{Drained, Handler, Limits, Stop};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::PATIENCE;

/// A service that runs until it is stopped or the test ends.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    trigger: Trigger,
    drained: JoinHandle<Drained>,
}

impl Running {
    pub(crate) fn start(handler: impl Handler, limits: Limits) -> Self {
        let listener = service::launch::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let (trigger, stop) = Stop::manual();
        Self {
            address: listener.local_addr().unwrap(),
            trigger,
            drained: tokio::spawn(service::serve(listener, handler, limits, stop)),
        }
    }

    /// Tells the service to stop; [`Running::drained`] waits until it has.
    pub(crate) fn stop(&self, reason: Reason) {
        self.trigger.stop(reason);
    }

    pub(crate) async fn drained(self) -> Drained {
        timeout(PATIENCE, self.drained).await.unwrap().unwrap()
    }
}
