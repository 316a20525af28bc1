//! What a connection of the run has to one server: nothing yet, a connection of its own, or a
//! handle to one that several streams of HTTP/2 share.

use std::rc::Rc;

use exchange::{Connection, Failure, Kind, Stamps};
use tokio::sync::Mutex;

use super::addresses::Addresses;
use crate::recording::Recording;

/// One connection's end towards one server.
#[derive(Debug)]
pub(super) struct Link {
    addresses: Rc<Addresses>,
    trunk: Option<Rc<Trunk>>,
    connection: Option<Connection>,
    /// Whether an answer came over the connection at hand.
    proven: bool,
    /// Whether there was a connection before.
    again: bool,
    /// Whether it is this one that makes a connection.
    dials: bool,
    /// Which address is next.
    turn: usize,
    /// Which of the trunk's connections this handle is of.
    generation: u64,
}

/// A connection that several links share, and how many there were.
#[derive(Debug, Default)]
pub(super) struct Trunk {
    current: Mutex<(u64, Option<Connection>)>,
}

impl Link {
    pub(super) fn new(addresses: Rc<Addresses>, trunk: Option<Rc<Trunk>>, turn: usize) -> Self {
        Self {
            addresses,
            trunk,
            connection: None,
            proven: false,
            again: false,
            dials: false,
            turn,
            generation: 0,
        }
    }

    /// The server's addresses.
    pub(super) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The connection, where there is one.
    pub(super) fn connection(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    /// Whether an earlier answer came over this connection, so that the server may have closed it
    /// meanwhile without anything being wrong.
    pub(super) fn proven(&self) -> bool {
        self.proven
    }

    /// An answer came; `keeps` when another one may.
    pub(super) fn answered(&mut self, keeps: bool) {
        self.proven = keeps;
        if !keeps {
            self.connection = None;
        }
    }

    /// Whether a connection was being made when that was given up; said once.
    pub(super) fn gave_up_dialling(&mut self) -> bool {
        std::mem::take(&mut self.dials)
    }

    /// Gives the connection up.
    pub(super) fn drop_connection(&mut self) {
        self.connection = None;
        self.proven = false;
    }

    /// Makes a connection, and writes down how long that took.
    pub(super) async fn connect(
        &mut self,
        stamps: &mut Stamps,
        written: impl FnOnce(&dyn Fn(&mut Recording)),
    ) -> Result<(), Failure> {
        let Some(trunk) = self.trunk.clone() else {
            self.connection = Some(self.dial(stamps, written).await?);
            return Ok(());
        };
        let mut current = trunk.current.lock().await;
        if current.0 == self.generation {
            current.1 = None;
            *current = (current.0 + 1, Some(self.dial(stamps, written).await?));
        }
        self.generation = current.0;
        self.connection = current.1.as_ref().and_then(Connection::share);
        match self.connection {
            Some(_) => Ok(()),
            None => Err(Failure::Http2 {
                kind: Kind::Closed,
                reason: "the connection takes no further stream".to_owned(),
            }),
        }
    }

    async fn dial(
        &mut self,
        stamps: &mut Stamps,
        written: impl FnOnce(&dyn Fn(&mut Recording)),
    ) -> Result<Connection, Failure> {
        self.dials = true;
        let connection = self.addresses.connect(&mut self.turn, stamps).await;
        self.dials = false;
        let again = self.again;
        self.again |= connection.is_ok();
        // The rest of the exchange is still to come; its phases are not looked at.
        let end = stamps.secured.or(stamps.connected);
        let phases = exchange::Stamps { sent: end, first: end, done: end, ..*stamps }.phases();
        match (&connection, phases) {
            (Ok(_), Some(phases)) => written(&|recording| recording.dialled(&phases, again)),
            _ => written(&|recording| recording.counts.connect_failures += 1),
        }
        connection
    }
}
