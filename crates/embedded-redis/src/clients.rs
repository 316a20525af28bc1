//! Who is connected, for `CLIENT` and `INFO`; must not hold anything a command's result depends on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tokio::time::Instant;

use crate::reply::Protocol;
use crate::transport::sealed::Peer;

/// What is known of one client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) address: String,
    pub(crate) local_address: String,
    pub(crate) name: String,
    pub(crate) library_name: String,
    pub(crate) library_version: String,
    pub(crate) protocol: Protocol,
    pub(crate) monitoring: bool,
    pub(crate) database: usize,
    pub(crate) connected: Instant,
    pub(crate) last_active: Instant,
    pub(crate) last_command: &'static str,
}

impl Client {
    pub(crate) fn new(peer: &Peer, now: Instant) -> Self {
        Self {
            address: peer.address.clone(),
            local_address: peer.local_address.clone(),
            name: String::new(),
            library_name: String::new(),
            library_version: String::new(),
            protocol: Protocol::default(),
            monitoring: false,
            database: 0,
            connected: now,
            last_active: now,
            last_command: "NULL",
        }
    }
}

/// The clients connected now, and how many there have been.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    connected: BTreeMap<u64, Client>,
    last_id: u64,
}

impl Clients {
    /// Adds a client and gives it its number, which is never used again.
    pub(crate) fn add(&mut self, client: Client) -> u64 {
        self.last_id += 1;
        self.connected.insert(self.last_id, client);
        self.last_id
    }

    pub(crate) fn remove(&mut self, id: u64) {
        self.connected.remove(&id);
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Client> {
        self.connected.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Client> {
        self.connected.get_mut(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.connected.len()
    }

    /// How many have ever connected.
    pub(crate) fn total(&self) -> u64 {
        self.last_id
    }

    /// One client as `CLIENT INFO` shows it.
    pub(crate) fn line(&self, id: u64, now: Instant) -> String {
        let mut line = String::new();
        if let Some(client) = self.get(id) {
            write_line(&mut line, id, client, now);
        }
        line
    }

    /// All clients as `CLIENT LIST` shows them.
    pub(crate) fn lines(&self, now: Instant) -> String {
        let mut lines = String::new();
        for (id, client) in &self.connected {
            write_line(&mut lines, *id, client, now);
        }
        lines
    }
}

fn write_line(lines: &mut String, id: u64, client: &Client, now: Instant) {
    let seconds = |since: Instant| now.saturating_duration_since(since).as_secs();
    let flags = if client.monitoring { "O" } else { "N" };
    // Writing to a string cannot fail.
    let _ = writeln!(
        lines,
        "id={id} addr={} laddr={} fd=0 name={} age={} idle={} flags={flags} db={} sub=0 psub=0 \
         multi=-1 cmd={} user=default lib-name={} lib-ver={} resp={}",
        client.address,
        client.local_address,
        client.name,
        seconds(client.connected),
        seconds(client.last_active),
        client.database,
        client.last_command,
        client.library_name,
        client.library_version,
        client.protocol.number(),
    );
}
