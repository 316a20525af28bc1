//! The loop of a simulation: takes the earliest event and gives its worker the next one.

use super::calendar::Calendar;
use super::station::Station;
use super::streams::{Source, Stream, of, streams};
use super::tally::{Loops, Span};
use super::{Observer, Visit};
use crate::numbers::index;
use crate::scenario::Scenario;

/// Where a worker is.
#[derive(Clone, Copy, Debug, Default)]
struct Position {
    /// Stages visited in this loop, the one it is at among them; 0 while it thinks.
    visited: usize,
    /// The replica it is at.
    server: u32,
}

/// A simulation under way.
#[derive(Debug)]
pub(super) struct Engine {
    /// When each worker is done where it is.
    calendar: Calendar,
    positions: Vec<Position>,
    think: Source,
    think_streams: Vec<Stream>,
    pub(super) stations: Vec<Station>,
    /// By the stages a worker has visited: whether what it does next can be noticed by others.
    noticed: Vec<bool>,
    pub(super) loops: Loops,
    /// Integral of workers that think over the window, in nanoseconds.
    pub(super) thinking: u128,
    window: Span,
}

impl Engine {
    pub(super) fn new(scenario: &Scenario, window: Span, seed: u64) -> Self {
        let workers = scenario.workers().get();
        let think = Source::new(scenario.think());
        let mut think_streams = streams(seed, workers, 0);
        let first: Vec<_> = think_streams.iter_mut().map(|stream| think.draw(stream)).collect();
        let stages = scenario.stages().iter().enumerate();
        let stations: Vec<_> =
            stages.map(|(k, stage)| Station::new(stage, k, scenario, seed)).collect();
        Self {
            thinking: first.iter().map(|time| u128::from(window.overlap(0, *time))).sum(),
            calendar: Calendar::new(&first),
            positions: vec![Position::default(); first.len()],
            think,
            think_streams,
            noticed: (0..=stations.len()).map(|visited| is_noticed(&stations, visited)).collect(),
            stations,
            loops: Loops::new(workers, window),
            window,
        }
    }

    /// Simulates until each worker has completed the loop it was in at the window's end.
    pub(super) fn run(&mut self, observer: &mut impl Observer) {
        while self.loops.open > 0 {
            self.step(observer);
        }
    }

    /// Simulates everything up to a time, in nanoseconds.
    pub(super) fn advance(&mut self, until: u64, observer: &mut impl Observer) {
        while self.calendar.first().0 <= until {
            self.step(observer);
        }
    }

    #[inline]
    fn step<O: Observer>(&mut self, observer: &mut O) {
        let (mut now, worker) = self.calendar.first();
        let Position { mut visited, server } = self.positions[index(worker)];
        if visited > 0 {
            self.stations[visited - 1].leave(worker, server);
        }
        loop {
            (now, visited) = match visited < self.stations.len() {
                true => (self.visit(worker, now, visited, observer), visited + 1),
                false => (self.think(worker, now, observer), 0),
            };
            if O::IN_ORDER || self.noticed[visited] {
                break;
            }
        }
        self.calendar.replace(worker, now);
    }

    #[inline]
    fn visit(&mut self, worker: u32, now: u64, stage: usize, observer: &mut impl Observer) -> u64 {
        let station = &mut self.stations[stage];
        let taken = station.arrive(worker, now, self.window);
        let replica = station.numbers[index(taken.server)];
        let (begins, ends) = (taken.begins, taken.ends);
        observer.visit(Visit { worker, stage, replica, arrives: now, begins, ends });
        self.positions[index(worker)] = Position { visited: stage + 1, server: taken.server };
        ends
    }

    #[inline]
    fn think(&mut self, worker: u32, now: u64, observer: &mut impl Observer) -> u64 {
        self.loops.end(index(worker), now);
        observer.looped(worker, now);
        self.positions[index(worker)] = Position::default();
        let until = now + self.think.draw(of(&mut self.think_streams, worker));
        self.thinking += u128::from(self.window.overlap(now, until));
        until
    }
}

/// Whether others notice it when a worker leaves the last of so many stages and goes on. The first stage
/// counts as noticed in any case, so that a worker does not loop for ever ahead of all others.
fn is_noticed(stations: &[Station], visited: usize) -> bool {
    let left = visited.checked_sub(1).map(|left| &stations[left]);
    let next = stations.get(visited);
    left.is_none_or(Station::minds_departures) || next.is_some_and(Station::is_shared)
}
