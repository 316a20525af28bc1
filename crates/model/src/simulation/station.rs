//! The replicas of one stage during a simulation. A replica serves in order of arrival, so when a request
//! arrives, when it will be served and be done follow at once, and a queue needs no list of who is in it.

use super::calendar::Calendar;
use super::choice::Choice;
use super::streams::{Source, Stream, of, streams};
use super::tally::{Span, Tally};
use crate::numbers::{count, index};
use crate::scenario::{Replica, Scenario, Stage};

/// When the places of a replica are free again, in nanoseconds.
#[derive(Debug)]
enum Places {
    /// As many as there are workers or more: nobody waits.
    Enough,
    /// One.
    One(u64),
    /// Some; the owner of an event is a place.
    Some(Calendar),
}

#[derive(Debug)]
struct Server {
    places: Places,
    source: Source,
}

impl Server {
    fn new(replica: &Replica, workers: u32) -> Self {
        let places = match replica.places.get() {
            places if places >= workers => Places::Enough,
            1 => Places::One(0),
            places => Places::Some(Calendar::new(&vec![0; index(places)])),
        };
        Self { places, source: Source::new(&replica.service) }
    }

    /// When a place is or was free.
    #[inline]
    fn free(&self) -> u64 {
        match &self.places {
            Places::Enough => 0,
            Places::One(free) => *free,
            Places::Some(calendar) => calendar.first().0,
        }
    }

    /// Takes a request in; the time its service begins and ends.
    #[inline]
    fn take(&mut self, now: u64, stream: &mut Stream) -> (u64, u64) {
        let service = self.source.draw(stream);
        match &mut self.places {
            Places::Enough => (now, now + service),
            Places::One(free) => {
                let begins = now.max(*free);
                *free = begins + service;
                (begins, *free)
            }
            Places::Some(calendar) => {
                let (free, place) = calendar.first();
                let begins = now.max(free);
                calendar.replace(place, begins + service);
                (begins, begins + service)
            }
        }
    }
}

/// A stage, its replicas and what was counted at each.
#[derive(Debug)]
pub(super) struct Station {
    choice: Choice,
    /// The living ones.
    servers: Vec<Server>,
    /// Their numbers among all replicas.
    pub(super) numbers: Vec<u32>,
    pub(super) tallies: Vec<Tally>,
    streams: Vec<Stream>,
}

/// What became of a request that arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    /// Among the living ones.
    pub(super) server: u32,
    pub(super) begins: u64,
    pub(super) ends: u64,
}

impl Station {
    /// The stage at `place` of the loop.
    pub(super) fn new(stage: &Stage, place: usize, scenario: &Scenario, seed: u64) -> Self {
        let workers = scenario.workers().get();
        let (numbers, servers): (Vec<_>, Vec<_>) =
            stage.alive().map(|(number, replica)| (number, Server::new(replica, workers))).unzip();
        // Purpose 0 is the think time.
        let purpose = 2 * count(place) + 1;
        Self {
            choice: Choice::new(stage.policy(), &numbers, scenario, (seed, purpose + 1)),
            tallies: vec![Tally::default(); servers.len()],
            servers,
            numbers,
            streams: streams(seed, workers, purpose),
        }
    }

    /// A worker's request arrives.
    #[inline]
    pub(super) fn arrive(&mut self, worker: u32, now: u64, window: Span) -> Taken {
        let servers = &self.servers;
        let server = self.choice.choose(worker, |server| servers[index(server)].free());
        let (begins, ends) = self.servers[index(server)].take(now, of(&mut self.streams, worker));
        self.tallies[index(server)].add(now, begins, ends, window);
        Taken { server, begins, ends }
    }

    /// Whether a request that is done changes where the next one goes.
    pub(super) fn minds_departures(&self) -> bool {
        self.choice.minds_departures()
    }

    /// Whether a request can make another one wait or go elsewhere.
    pub(super) fn is_shared(&self) -> bool {
        !matches!(&self.servers[..], [Server { places: Places::Enough, .. }])
    }

    /// A worker's request is done.
    #[inline]
    pub(super) fn leave(&mut self, worker: u32, server: u32) {
        self.choice.done(worker, server);
    }
}
