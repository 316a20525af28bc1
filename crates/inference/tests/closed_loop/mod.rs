//! A model of the app as its counter shows it: workers in a closed loop, a service with replicas
//! that work on one request at a time, and loops that are told only about once a second.
//!
//! It is as small as it can be, for statistics to be tried on; it is not the simulator that
//! predicts.

#![expect(clippy::expect_used, reason = "what these tests share fails the test")]

pub(crate) mod table;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use inference::rate::Reading;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::{Distribution as _, Exp};

/// Time to think, of the queued service, and of all else, in seconds.
const THINK: f64 = 0.1;
const SERVICE: f64 = 0.1;
const OTHER: f64 = 0.1;
/// A worker tells its loops at the start of the first loop this long after the last time.
const FLUSH: f64 = 1.0;
/// How far apart readings are, and how late one may be.
const POLL: f64 = 0.05;
const POLL_LATE: f64 = 0.002;

/// How a request finds its replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Balancing {
    RoundRobin,
    Random,
}

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    pub(crate) workers: usize,
    pub(crate) replicas: usize,
    pub(crate) balancing: Balancing,
    /// Mean of the exponential time by which each of the three steps is late, in seconds.
    pub(crate) jitter: f64,
    /// Simulated and not read, in seconds.
    pub(crate) warmup: f64,
    /// Length of the window, in seconds.
    pub(crate) window: f64,
}

/// What a window showed and what really happened in it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The counter as it is polled; times begin at 0 with the window.
    pub(crate) readings: Vec<Reading>,
    /// Loops completed in the window, whether told or not.
    pub(crate) completed: u64,
    /// Mean length of a loop in the window, in seconds.
    pub(crate) loop_seconds: f64,
}

/// A positive time as something that can be ordered.
fn key(seconds: f64) -> u64 {
    seconds.to_bits()
}

impl Model {
    /// One replication; the same seed gives the same.
    pub(crate) fn run(&self, seed: u64) -> Run {
        let mut random = SmallRng::seed_from_u64(seed);
        let late = (self.jitter > 0.0).then(|| Exp::new(1.0 / self.jitter).expect("a rate over 0"));
        let end = self.warmup + self.window;
        let mut free = vec![0.0_f64; self.replicas];
        let mut next = 0;
        let mut told = vec![(f64::NEG_INFINITY, 0_u64); self.workers];
        let mut tellings = Vec::new();
        let (mut completed, mut busy) = (0, 0.0);
        // When each worker's request arrives, and when its loop began.
        let mut arrivals: BinaryHeap<_> = (0..self.workers)
            .map(|worker| {
                let begin = random.random::<f64>() * (THINK + SERVICE + OTHER);
                told[worker].0 = begin;
                Reverse((key(begin + THINK), worker, key(begin)))
            })
            .collect();
        while let Some(Reverse((arrival, worker, begin))) = arrivals.pop() {
            let (arrival, begin) = (f64::from_bits(arrival), f64::from_bits(begin));
            if arrival > end {
                continue;
            }
            let mut step = |length: f64| length + late.map_or(0.0, |late| late.sample(&mut random));
            let (service, other, think) = (step(SERVICE), step(OTHER), step(THINK));
            let replica = match self.balancing {
                Balancing::RoundRobin => {
                    next = (next + 1) % self.replicas;
                    next
                }
                Balancing::Random => random.random_range(0..self.replicas),
            };
            let served = arrival.max(free[replica]) + service;
            free[replica] = served;
            let done = served + other;
            if done > self.warmup && done <= end {
                completed += 1;
                busy += done - begin;
            }
            let (last, loops) = &mut told[worker];
            *loops += 1;
            if done - *last >= FLUSH {
                tellings.push((done, *loops));
                (*last, *loops) = (done, 0);
            }
            arrivals.push(Reverse((key(done + think), worker, key(done))));
        }
        let readings = self.poll(tellings, &mut random);
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let loop_seconds = busy / completed as f64;
        Run { readings, completed, loop_seconds }
    }

    fn poll(&self, mut tellings: Vec<(f64, u64)>, random: &mut SmallRng) -> Vec<Reading> {
        tellings.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut told = tellings.into_iter().peekable();
        let (mut count, mut readings) = (0, Vec::new());
        let mut due = random.random::<f64>() * POLL;
        while due <= self.window {
            let seconds = due + random.random::<f64>() * POLL_LATE;
            while let Some((_, loops)) = told.next_if(|(at, _)| at - self.warmup <= seconds) {
                count += loops;
            }
            readings.push(Reading { seconds, count });
            due += POLL;
        }
        readings
    }
}
