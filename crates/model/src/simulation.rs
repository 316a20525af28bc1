//! The predictor: an event simulation of a scenario in virtual time of whole nanoseconds. Deterministic:
//! the same scenario, window and seed give the same outcome.
//!
//! Every worker thinks and then visits the stages in order. All begin together, with their think time. Of
//! events at the same time, that of the worker with the lower number is first.

mod calendar;
mod choice;
mod curve;
mod engine;
mod station;
mod streams;
mod tally;

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::impossible::Impossible;
use crate::network::Seconds;
use crate::numbers::{SECOND, float, float_sum};
use crate::scenario::Scenario;
use engine::Engine;
use station::Station;
use tally::{Span, mean};

/// Loops of all simulations of windows in this process.
static LOOPS: AtomicU64 = AtomicU64::new(0);

/// Loops that this process has simulated so far, in windows and their warm-ups: what long calculations
/// show of their progress, and what tests bound in place of a time.
#[must_use]
pub fn simulated_loops() -> u64 {
    LOOPS.load(Ordering::Relaxed)
}

/// What is simulated: a warm-up that is cut off, and a window after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    warm_up: Seconds,
    length: Seconds,
}

impl Window {
    /// A window after a warm-up.
    ///
    /// # Errors
    /// When the window has less than a nanosecond.
    pub fn new(warm_up: Seconds, length: Seconds) -> Result<Self, Impossible> {
        match length.nanoseconds() > 0 {
            true => Ok(Self { warm_up, length }),
            false => Err(Impossible::EmptyWindow),
        }
    }

    /// When the warm-up is over, in nanoseconds.
    pub(crate) fn begin(self) -> u64 {
        self.warm_up.nanoseconds()
    }

    fn span(self) -> Span {
        let begin = self.begin();
        Span { begin, end: begin + self.length.nanoseconds() }
    }
}

/// One request, told when it arrives. Times are nanoseconds since the beginning of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Whose it is, from 0.
    pub worker: u32,
    /// The stage's place in the loop, from 0.
    pub stage: usize,
    /// The replica's number, from 0.
    pub replica: u32,
    /// When it arrives, in order.
    pub arrives: u64,
    /// When its service will begin.
    pub begins: u64,
    /// When it will be done.
    pub ends: u64,
}

/// Hears of everything that happens, the warm-up among it, in order of time.
pub trait Observer {
    /// Whether it matters to it. A worker goes on at once where nobody else notices what it does, and
    /// the simulation is faster by that, if nobody minds the order.
    const IN_ORDER: bool = true;

    /// A request arrives.
    fn visit(&mut self, visit: Visit) {
        let _ = visit;
    }

    /// A worker has completed a loop at a time, in nanoseconds, and begins to think.
    fn looped(&mut self, worker: u32, at: u64) {
        let _ = (worker, at);
    }
}

/// Observes nothing.
impl Observer for () {
    const IN_ORDER: bool = false;
}

/// A replica in a simulated window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicaOutcome {
    /// Its number, from 0.
    pub number: u32,
    /// Requests done within the window.
    pub done: u64,
    /// Mean seconds those spent there, queueing and in service; 0 when there were none.
    pub residence_s: f64,
    /// Mean requests there, queueing or in service.
    pub queue: f64,
    /// Mean requests in service, as a share of its places.
    pub utilisation: f64,
}

/// A stage in a simulated window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageOutcome {
    /// What it is called.
    pub name: String,
    /// Mean seconds of a visit, R.
    pub residence_s: f64,
    /// Mean requests there, Q, queueing or in service.
    pub queue: f64,
    /// Of these, those that wait.
    pub waiting: f64,
    /// Mean requests in service, as a share of all places.
    pub utilisation: f64,
    /// The living replicas.
    pub replicas: Vec<ReplicaOutcome>,
}

/// What a simulated window showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// X in loops per second. Loops across an edge of the window count with their part inside.
    pub throughput: f64,
    /// Mean workers that think.
    pub thinking: f64,
    /// The stages, in the order of their visits.
    pub stages: Vec<StageOutcome>,
}

/// A simulation that has no end: it goes on for as long as somebody asks.
#[derive(Debug)]
pub struct Running(Engine);

impl Running {
    /// Goes on up to a time in nanoseconds since the beginning, and tells everything that happens.
    pub fn advance(&mut self, until: u64, observer: &mut impl Observer) {
        self.0.advance(until, observer);
    }
}

impl Scenario {
    /// Begins a simulation that has no end.
    #[must_use]
    pub fn begin(&self, seed: u64) -> Running {
        Running(Engine::new(self, Span { begin: 0, end: u64::MAX }, seed))
    }

    /// Simulates a window.
    #[must_use]
    pub fn simulate(&self, window: Window, seed: u64) -> Outcome {
        self.simulate_observed(window, seed, &mut ())
    }

    /// Simulates a window and tells everything that happens.
    #[must_use]
    pub fn simulate_observed(
        &self,
        window: Window,
        seed: u64,
        observer: &mut impl Observer,
    ) -> Outcome {
        let span = window.span();
        let mut engine = Engine::new(self, span, seed);
        engine.run(observer);
        LOOPS.fetch_add(engine.loops.completed, Ordering::Relaxed);
        let stages = self.stages().iter().zip(&engine.stations);
        Outcome {
            throughput: engine.loops.total() * SECOND / float(span.length()),
            thinking: mean(engine.thinking, span),
            stages: stages.map(|(stage, station)| outcome(stage, station, span)).collect(),
        }
    }
}

fn outcome(stage: &crate::scenario::Stage, station: &Station, window: Span) -> StageOutcome {
    let share = |integral, places: f64| mean(integral, window) / places;
    let seconds = |sum: u128, done: u64| float_sum(sum) / float(done.max(1)) / SECOND;
    let living = stage.alive().map(|(_, replica)| f64::from(replica.places.get()));
    let replicas = living.zip(&station.numbers).zip(&station.tallies);
    let replicas = replicas.map(|((places, number), tally)| ReplicaOutcome {
        number: *number,
        done: tally.done,
        residence_s: seconds(tally.residence, tally.done),
        queue: mean(tally.present, window),
        utilisation: share(tally.busy, places),
    });
    let tallies = &station.tallies;
    let present = tallies.iter().map(|tally| tally.present).sum();
    let busy = tallies.iter().map(|tally| tally.busy).sum();
    let places = stage.alive().map(|(_, replica)| f64::from(replica.places.get())).sum();
    StageOutcome {
        name: stage.name().to_owned(),
        residence_s: seconds(
            tallies.iter().map(|tally| tally.residence).sum(),
            tallies.iter().map(|tally| tally.done).sum(),
        ),
        queue: mean(present, window),
        waiting: mean(present - busy, window),
        utilisation: share(busy, places),
        replicas: replicas.collect(),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth;
