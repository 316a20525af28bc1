//! Which of the living replicas gets a request: the policies during a simulation.

use std::num::NonZeroU32;

use super::streams::{Stream, of, streams};
use crate::numbers::{count, index};
use crate::scenario::{Policy, Scenario};

/// The state of a policy.
#[derive(Debug)]
pub(super) struct Choice {
    policy: Policy,
    servers: u32,
    /// For each group of workers, whose turn it is.
    turns: Vec<u32>,
    /// For each group of workers and each replica, requests under way; where the policy asks.
    under_way: Vec<u32>,
    /// The replica of each worker, where those are pinned.
    pins: Vec<u32>,
    /// Of each worker, where the policy draws.
    streams: Vec<Stream>,
    /// Workers of a group, who share a turn and know of each other's requests.
    group: NonZeroU32,
}

impl Choice {
    /// `numbers` are the living replicas, `seed` comes with the purpose of its streams.
    pub(super) fn new(
        policy: Policy,
        numbers: &[u32],
        scenario: &Scenario,
        (seed, purpose): (u64, u32),
    ) -> Self {
        use Policy::{FewerOfTwo, LeastOutstanding, PowerOfTwo, Random, RoundRobin};
        let (workers, servers) = (scenario.workers(), count(numbers.len()));
        let own = matches!(policy, RoundRobin | LeastOutstanding);
        let group = if own { scenario.workers_per_process() } else { workers };
        let groups = workers.get().div_ceil(group.get());
        let counts = servers > 1
            && matches!(policy, LeastOutstanding | Policy::SharedLeastOutstanding | FewerOfTwo);
        let mut of_workers = streams(seed, workers.get(), purpose);
        let turns = match own {
            true => {
                (0..groups).map(|g| of(&mut of_workers, g * group.get()).below(servers)).collect()
            }
            false => vec![0],
        };
        let pins = match policy {
            Policy::Sticky => of_workers.iter_mut().map(|stream| stream.below(servers)).collect(),
            Policy::Stale(before) => {
                let known = numbers.iter().filter(|number| **number < before.get()).count();
                // Connections to dead ones were opened again, to whoever lives.
                let known = if known > 0 { count(known) } else { servers };
                (0..workers.get()).map(|worker| worker % known).collect()
            }
            _ => Vec::new(),
        };
        let draws_each = matches!(policy, Random | PowerOfTwo | FewerOfTwo);
        Self {
            policy,
            servers,
            turns,
            under_way: vec![0; if counts { index(groups) * numbers.len() } else { 0 }],
            pins,
            streams: if draws_each { of_workers } else { Vec::new() },
            group,
        }
    }

    /// The replica that a worker's next request goes to; `free` says when one would begin with it.
    #[inline]
    pub(super) fn choose(&mut self, worker: u32, free: impl Fn(u32) -> u64) -> u32 {
        if self.servers == 1 {
            return 0;
        }
        let chosen = match self.policy {
            Policy::SharedRoundRobin => self.turn(0),
            Policy::RoundRobin => self.turn(self.group_of(worker)),
            Policy::Random => of(&mut self.streams, worker).below(self.servers),
            Policy::SharedLeastOutstanding | Policy::LeastOutstanding => self.idlest(worker),
            Policy::PowerOfTwo => self.sooner_of_two(worker, free),
            Policy::FewerOfTwo => self.fewer_of_two(worker),
            Policy::Sticky | Policy::Stale(_) => self.pins[index(worker)],
        };
        if !self.under_way.is_empty() {
            let place = self.place(worker, chosen);
            self.under_way[place] += 1;
        }
        chosen
    }

    /// Whether it matters when requests are done.
    pub(super) fn minds_departures(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// A request of a worker is done.
    #[inline]
    pub(super) fn done(&mut self, worker: u32, server: u32) {
        if !self.under_way.is_empty() {
            let place = self.place(worker, server);
            self.under_way[place] -= 1;
        }
    }

    fn group_of(&self, worker: u32) -> usize {
        index(worker / self.group.get())
    }

    fn place(&self, worker: u32, server: u32) -> usize {
        self.group_of(worker) * index(self.servers) + index(server)
    }

    fn turn(&mut self, group: usize) -> u32 {
        let turn = self.turns[group];
        self.turns[group] = if turn + 1 == self.servers { 0 } else { turn + 1 };
        turn
    }

    fn idlest(&mut self, worker: u32) -> u32 {
        let group = self.group_of(worker);
        let turn = self.turn(group);
        let first = self.place(worker, 0);
        let under_way = &self.under_way[first..first + index(self.servers)];
        let mut in_turn = (turn..self.servers).chain(0..turn);
        let mut fewest = (u32::MAX, 0);
        for server in &mut in_turn {
            let here = under_way[index(server)];
            if here < fewest.0 {
                fewest = (here, server);
            }
            // None has fewer.
            if here == 0 {
                break;
            }
        }
        fewest.1
    }

    fn sooner_of_two(&mut self, worker: u32, free: impl Fn(u32) -> u64) -> u32 {
        let stream = of(&mut self.streams, worker);
        let (first, second) = (stream.below(self.servers), stream.below(self.servers));
        if free(second) < free(first) { second } else { first }
    }

    fn fewer_of_two(&mut self, worker: u32) -> u32 {
        let (first, second) = of(&mut self.streams, worker).two_below(self.servers);
        let of_group = self.place(worker, 0);
        let under_way = |server: u32| self.under_way[of_group + index(server)];
        if under_way(second) < under_way(first) { second } else { first }
    }
}
