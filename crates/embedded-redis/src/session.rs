//! What a connection has agreed on and begun: protocol, transaction; must not do
//! input or output.

use crate::commands::Command;
use crate::password::Password;
use crate::reply::Protocol;
use crate::request::Request;

/// The state of one client between its commands.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: u64,
    /// The client's name in `MONITOR` and in the log.
    pub(crate) address: String,
    /// What the client must give before anything else, if there is a password.
    pub(crate) password: Option<Password>,
    pub(crate) authenticated: bool,
    pub(crate) protocol: Protocol,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) monitoring: bool,
    /// Set when the connection is to be closed once the replies are written.
    pub(crate) closing: bool,
}

/// Commands queued since `MULTI`.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) queued: Vec<(&'static Command, Request)>,
    /// A command could not be queued, so that none may be done.
    pub(crate) refused: bool,
}

impl Session {
    pub(crate) fn new(id: u64, address: String, password: Option<Password>) -> Self {
        Self {
            id,
            address,
            password,
            authenticated: password.is_none(),
            protocol: Protocol::default(),
            transaction: None,
            monitoring: false,
            closing: false,
        }
    }

    pub(crate) fn refuse_transaction(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.refused = true;
        }
    }
}
