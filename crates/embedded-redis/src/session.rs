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
    /// The number of the selected database.
    pub(crate) database: usize,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) monitoring: bool,
    /// Set when the connection is to be closed once the replies are written.
    pub(crate) closing: bool,
}

/// What a client may have too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Query,
    Output,
}

/// Commands queued since `MULTI`.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) queued: Vec<(&'static Command, Request)>,
    /// Roughly the memory that they take.
    pub(crate) bytes: usize,
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
            database: 0,
            transaction: None,
            monitoring: false,
            closing: false,
        }
    }

    /// Has the connection closed, because the client takes more memory than it may.
    pub(crate) fn close_over(&mut self, limit: Limit) {
        if !self.closing {
            let address = &self.address;
            tracing::warn!(
                address,
                ?limit,
                "a client of Redis is over its limit, connection closed"
            );
        }
        self.closing = true;
        self.transaction = None;
    }

    pub(crate) fn refuse_transaction(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.refused = true;
        }
    }
}
