//! One target, asked again and again: connects where it must, exchanges one request at a time within
//! a time limit, and writes down what came of it. It neither waits between probes nor judges them.

mod patience;
mod payload;

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use exchange::{Answer, Connection, Dialer, Failure, Head, Peer, Phase, Phases, Prepared};
use exchange::{Route, Secured, Stamps};
use observation::ServerTiming;
use tokio::time::{Instant, timeout_at};

use patience::Patience;
pub use payload::{Asked, Body};

/// What is probed, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The way there.
    pub route: Route,
    /// What is asked.
    pub asked: Asked,
    /// Whether the connection is kept for the next probe.
    pub keeps_connection: bool,
    /// Whether the name is looked up once for all probes, in time that counts for none of them.
    pub resolves_once: bool,
    /// How long a probe may take, all phases together.
    pub limit: Duration,
}

/// Probes one target. Several can be used side by side on one thread.
#[derive(Debug)]
pub struct Prober {
    target: Target,
    dialer: Dialer,
    prepared: Prepared,
    /// Where to connect to, once that is known for good.
    known: Vec<Peer>,
    /// What refused a connection while another address of the same name did not.
    refused: Vec<Peer>,
    connection: Option<Connection>,
    patience: Patience,
    connected_before: bool,
    next_seq: u64,
}

/// What came of asking once.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Its number, from 0 on.
    pub seq: u64,
    /// When it began, by the wall clock.
    pub started: SystemTime,
    /// How long it took until the answer was whole or the failure known.
    pub elapsed: Duration,
    /// The other end, if there was a connection.
    pub peer: Option<Peer>,
    /// A kept connection was gone, and another one had to be made.
    pub reconnected: bool,
    /// Responses that bytes followed which belong to none: this probe's, and over a kept connection
    /// the one before.
    pub excess: u32,
    /// TLS, where it was spoken.
    pub secured: Option<Secured>,
    /// The answer, or why there is none.
    pub outcome: Result<Reply, Failure>,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How long each part took; they add up to the probe's time.
    pub phases: Phases,
    /// Status and sizes.
    pub answer: Answer,
    /// What the server wrote behind the status; empty in HTTP/2.
    pub reason: String,
    /// What the server says of its own times.
    pub server: ServerTiming,
    /// Which replica answered, if it says so.
    pub replica: Option<String>,
}

/// What is noted while a probe is under way, so that it is there when time runs out.
#[derive(Debug)]
struct Notes {
    stamps: Stamps,
    resolves: bool,
    dials: bool,
    peer: Option<Peer>,
    secured: Option<Secured>,
    reconnected: bool,
    excess: u32,
    reason: String,
    server: ServerTiming,
    replica: Option<String>,
}

impl Prober {
    /// A prober that has not connected yet.
    ///
    /// # Errors
    /// When certificates that are to be trusted cannot be read.
    pub fn new(target: Target) -> Result<Self, Failure> {
        let dialer = Dialer::new(target.route.clone())?;
        let prepared = target.asked.prepare(&dialer);
        Ok(Self {
            target,
            dialer,
            prepared,
            known: Vec::new(),
            refused: Vec::new(),
            connection: None,
            patience: Patience::default(),
            connected_before: false,
            next_seq: 0,
        })
    }

    /// What is probed.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The number of the next probe.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Leaves out numbers of probes that were due but not made.
    pub fn skip(&mut self, probes: u64) {
        self.next_seq += probes;
    }

    /// Looks the name up now, so that no probe has to.
    ///
    /// # Errors
    /// When it has no address, or none in time.
    pub async fn resolve(&mut self) -> Result<(), Failure> {
        let until = Instant::now() + self.target.limit;
        let mut stamps = Stamps::now();
        let found = timeout_at(until, self.dialer.resolve(&mut stamps)).await;
        self.known = found.unwrap_or(Err(Failure::Timeout(Phase::Resolve)))?;
        Ok(())
    }

    /// Asks once. A probe that is dropped half-way leaves nothing behind but its number.
    pub async fn probe(&mut self) -> Probe {
        if self.target.asked.changes() {
            self.prepared = self.target.asked.prepare(&self.dialer);
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        let started = SystemTime::now();
        let mut notes = Notes::new();
        let until = notes.stamps.began + self.target.limit;
        let mut patience = std::mem::take(&mut self.patience);
        let outcome = patience.within(until, self.ask(&mut notes)).await;
        self.patience = patience;
        let outcome = outcome
            .unwrap_or_else(|| Err(Failure::Timeout(notes.under_way(self.dialer.secures()))));
        let elapsed = match (&outcome, notes.stamps.done) {
            (Ok(_), Some(done)) => done,
            _ => Instant::now(),
        };
        let elapsed = elapsed.saturating_duration_since(notes.stamps.began);
        let outcome = outcome.and_then(|answer| {
            let phases = notes.stamps.phases().ok_or(Failure::Closed(Phase::Receive))?;
            let Notes { reason, server, replica, .. } = &mut notes;
            let (reason, replica) = (std::mem::take(reason), replica.take());
            Ok(Reply { phases, answer, reason, server: *server, replica })
        });
        let Notes { peer, secured, reconnected, mut excess, .. } = notes;
        excess += outcome.as_ref().map_or(0, |reply| u32::from(reply.answer.excess));
        Probe { seq, started, elapsed, peer, reconnected, excess, secured, outcome }
    }

    /// One exchange, over the kept connection if there is one. Such a one may have been closed by
    /// the server in the meantime, which says nothing about the server: then once more over a new.
    async fn ask(&mut self, notes: &mut Notes) -> Result<Answer, Failure> {
        if let Some(kept) = self.connection.take() {
            match self.exchange(kept, notes).await {
                Err(failure) if failure.is_stale() && notes.stamps.first.is_none() => {
                    notes.excess += u32::from(failure == Failure::Excess);
                    notes.stamps = Stamps::from(notes.stamps.began);
                }
                other => return other,
            }
        }
        let connection = self.connect(notes).await?;
        notes.reconnected = self.target.keeps_connection && self.connected_before;
        self.connected_before = true;
        self.exchange(connection, notes).await
    }

    async fn exchange(
        &mut self,
        mut connection: Connection,
        notes: &mut Notes,
    ) -> Result<Answer, Failure> {
        notes.peer = Some(connection.peer().clone());
        notes.secured = connection.secured().cloned();
        let Notes { stamps, reason, server, replica, .. } = notes;
        let mut on_head = |head: &Head<'_>| {
            head.reason.clone_into(reason);
            *server = ServerTiming::read(head.headers.all("server-timing"));
            *replica = head.headers.text("x-replica").map(Cow::into_owned);
        };
        let answer = connection.exchange(&self.prepared, stamps, &mut on_head).await?;
        if self.target.keeps_connection && answer.reusable {
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    /// A connection to the first address that takes one.
    async fn connect(&mut self, notes: &mut Notes) -> Result<Connection, Failure> {
        notes.dials = true;
        let mut peers = match self.known.is_empty() {
            false => self.known.clone(),
            true => {
                notes.resolves = self.dialer.resolves();
                self.dialer.resolve(&mut notes.stamps).await?
            }
        };
        // What refused the last time is tried last: `localhost` may be two addresses, and a server
        // listen at one of them only. The sort is stable, so the resolver's order holds otherwise.
        peers.sort_by_key(|peer| self.refused.contains(peer));
        if self.target.resolves_once && self.known.is_empty() {
            self.known.clone_from(&peers);
        }
        let mut refused = Vec::new();
        let connected = self.dialer.connect_any(&peers, &mut notes.stamps, |peer| {
            refused.push(peer.clone());
        });
        let connected = connected.await;
        match &connected {
            // None took one: none is worse than another.
            Err(Failure::Connect { .. }) => self.refused.clear(),
            _ => self.refused.append(&mut refused),
        }
        connected
    }
}

impl Notes {
    fn new() -> Self {
        Self {
            resolves: false,
            dials: false,
            peer: None,
            secured: None,
            reconnected: false,
            excess: 0,
            reason: String::new(),
            server: ServerTiming::default(),
            replica: None,
            stamps: Stamps::now(),
        }
    }

    /// Where a probe whose time ran out stood.
    fn under_way(&self, secures: bool) -> Phase {
        self.stamps.under_way(self.resolves, self.dials, secures)
    }
}

impl Probe {
    /// The answer, if there was one.
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        self.outcome.as_ref().ok()
    }
}

impl Reply {
    /// The status and its words, as `200 OK`; the usual ones where the server sent none.
    #[must_use]
    pub fn status_text(&self) -> String {
        let usual = || http::StatusCode::from_u16(self.answer.status).ok()?.canonical_reason();
        let reason = match self.reason.is_empty() {
            true => usual().unwrap_or_default(),
            false => &self.reason,
        };
        format!("{} {reason}", self.answer.status).trim_end().to_owned()
    }
}
