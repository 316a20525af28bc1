//! When requests are due. One schedule is shared by all connections of a run: whichever is free
//! takes its next slot. It waits for nobody, sends nothing, and reads no clock: it is told the time.

mod profile;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use rand_distr::{Distribution as _, Exp1};
use tokio::time::Instant;

use crate::numbers::{float, whole};
pub use profile::{Profile, Stage};

/// How slots lie on an open loop's profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// Evenly.
    Even,
    /// As independent users come: with random gaps, drawn from this seed.
    Poisson {
        /// The same seed gives the same run.
        seed: u64,
    },
}

/// How requests arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// A request is sent as soon as the one before on its connection is answered.
    Closed,
    /// Requests are due at their times, whatever became of those before.
    Open {
        /// The rate over time.
        profile: Profile,
        /// How they lie on it.
        spacing: Spacing,
    },
}

/// How long a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Sent before the window opens, and not part of the results.
    pub warmup: Duration,
    /// The window; without one only the number of requests ends the run.
    pub window: Option<Duration>,
    /// Most requests in the window.
    pub requests: Option<u64>,
    /// How long after the window what was due in it may still be sent.
    pub drain: Duration,
}

/// What is next for a connection that is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A request is due then, or was.
    Due(Instant),
    /// A request is due as soon as it can be sent.
    Now,
    /// There is none any more.
    Over,
}

/// Hands out the slots of a run.
#[derive(Debug)]
pub struct Schedule {
    arrival: Arrival,
    limits: Limits,
    start: OnceLock<Instant>,
    slots: Mutex<Slots>,
    /// Requests of a closed loop that were handed out within the window.
    closed: AtomicU64,
    stopped: AtomicBool,
}

/// The next slot of an open loop.
#[derive(Debug)]
struct Slots {
    /// Slots handed out.
    taken: u64,
    /// Of those, in the window.
    in_window: u64,
    /// Where the next one lies, in requests since the start.
    position: f64,
    gaps: Option<SmallRng>,
}

impl Schedule {
    /// A schedule that has not begun.
    #[must_use]
    pub fn new(arrival: Arrival, limits: Limits) -> Self {
        let mut gaps = match &arrival {
            Arrival::Open { spacing: Spacing::Poisson { seed }, .. } => {
                Some(SmallRng::seed_from_u64(*seed))
            }
            _ => None,
        };
        // The first of evenly spaced requests is due at once; of random ones, after a gap.
        let position = gaps.as_mut().map_or(0.0, gap);
        let slots = Slots { taken: 0, in_window: 0, position, gaps };
        Self {
            arrival,
            limits,
            start: OnceLock::new(),
            slots: Mutex::new(slots),
            closed: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// Begins at `start`; a second beginning changes nothing.
    pub fn begin(&self, start: Instant) {
        let _ = self.start.set(start);
    }

    /// When the warm-up begins.
    fn start(&self, now: Instant) -> Instant {
        self.start.get().copied().unwrap_or(now)
    }

    /// When it began, the warm-up with it.
    #[must_use]
    pub fn began(&self) -> Option<Instant> {
        self.start.get().copied()
    }

    /// Since when a connection that stood before the beginning is free: in an open loop since then,
    /// in a closed one since `now`, when it gets to work.
    #[must_use]
    pub fn free_since(&self, now: Instant) -> Instant {
        match self.arrival {
            Arrival::Closed => now,
            Arrival::Open { .. } => self.start(now),
        }
    }

    /// When the window opens, once the schedule has begun.
    #[must_use]
    pub fn opens(&self) -> Option<Instant> {
        self.start.get().map(|start| *start + self.limits.warmup)
    }

    /// When the window closes, if it has an end and the schedule has begun.
    #[must_use]
    pub fn closes(&self) -> Option<Instant> {
        Some(self.opens()? + self.limits.window?)
    }

    /// No further slot is handed out.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// The next slot; `now` is the time at which the connection became free.
    pub fn next(&self, now: Instant) -> Next {
        if self.stopped.load(Ordering::Relaxed) {
            return Next::Over;
        }
        match &self.arrival {
            Arrival::Closed => self.next_now(now),
            Arrival::Open { profile, .. } => {
                let last = self.closes().map(|closes| closes + self.limits.drain);
                if last.is_some_and(|last| now > last) {
                    return Next::Over;
                }
                self.take(profile, now, None).map_or(Next::Over, Next::Due)
            }
        }
    }

    fn next_now(&self, now: Instant) -> Next {
        let over = self.closes().is_some_and(|closes| now >= closes);
        let warming = self.opens().is_some_and(|opens| now < opens);
        if over {
            return Next::Over;
        }
        match self.limits.requests {
            Some(most) if !warming && self.closed.fetch_add(1, Ordering::Relaxed) >= most => {
                Next::Over
            }
            _ => Next::Now,
        }
    }

    /// The next slot of an open loop, unless it is due later than `latest`.
    fn take(&self, profile: &Profile, now: Instant, latest: Option<Instant>) -> Option<Instant> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if self.limits.requests.is_some_and(|most| slots.in_window >= most) {
            return None;
        }
        let after = profile.when(slots.position)?;
        let due = self.start(now) + after;
        if latest.is_some_and(|latest| due > latest) {
            return None;
        }
        slots.taken += 1;
        slots.in_window += u64::from(after >= self.limits.warmup);
        slots.position = match slots.gaps.as_mut().map(gap) {
            None => float(slots.taken),
            Some(gap) => slots.position + gap,
        };
        Some(due)
    }

    /// A slot that was due by `latest` and that no connection took: what is left when a run ends.
    pub fn left_over(&self, latest: Instant) -> Option<Instant> {
        match &self.arrival {
            Arrival::Closed => None,
            Arrival::Open { profile, .. } => self.take(profile, latest, Some(latest)),
        }
    }

    /// When the slot after all those handed out would be due, in an open loop that goes on there.
    #[must_use]
    pub fn spent(&self) -> Option<Instant> {
        let Arrival::Open { profile, .. } = &self.arrival else { return None };
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Some(*self.start.get()? + profile.when(slots.position)?)
    }

    /// How many slots are due by `now` but not handed out; of random ones, about.
    #[must_use]
    pub fn backlog(&self, now: Instant) -> u64 {
        let Arrival::Open { profile, .. } = &self.arrival else { return 0 };
        let Some(start) = self.start.get() else { return 0 };
        let due = whole(profile.expected(now.saturating_duration_since(*start)).ceil());
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let most = self
            .limits
            .requests
            .map_or(u64::MAX, |most| slots.taken + most.saturating_sub(slots.in_window));
        due.min(most).saturating_sub(slots.taken)
    }

    /// How long a part of a window of this length had requests due in it: all of it, unless a
    /// number of requests ends the run, which may all be due long before the last one is done.
    #[must_use]
    pub fn due_span(&self, window: Duration) -> Duration {
        let by_number = self.limits.requests.and(self.opens());
        let spent =
            by_number.and_then(|opens| Some(self.spent()?.saturating_duration_since(opens)));
        let longest = self.limits.window.unwrap_or(Duration::MAX);
        spent.unwrap_or(window).min(longest).min(window)
    }

    /// The rate that is due at `now`, in requests a second; `None` in a closed loop.
    #[must_use]
    pub fn rate(&self, now: Instant) -> Option<f64> {
        let Arrival::Open { profile, .. } = &self.arrival else { return None };
        Some(profile.rate(now.saturating_duration_since(*self.start.get()?)))
    }
}

/// A gap between random slots, in requests; 1 on average.
fn gap(random: &mut SmallRng) -> f64 {
    Exp1.sample(random)
}

#[cfg(test)]
mod tests;
