//! What the connections of one thread share: the job, the clocks, and what is written down.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use exchange::{Answer, Failure, Kind, Prepared, Stamps};
use tokio::time::Instant;

use super::pacer::Pacer;
use super::patience::Patience;
use super::thread::pieces;
use crate::generator::Monitor;
use crate::plan::Good;
use crate::recording::Recording;
use crate::schedule::Schedule;

/// What all threads of a run share.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) schedule: Schedule,
    /// Requests by target: where they go, and their variants.
    pub(super) requests: Vec<(usize, Vec<Prepared>)>,
    /// Targets in the order in which they are asked.
    pub(super) order: Vec<usize>,
    pub(super) timeout: Duration,
    pub(super) keep: bool,
    pub(super) good: Good,
}

impl Job {
    /// The request whose turn it is, and the server it is for.
    pub(super) fn request(&self, turn: usize) -> (usize, &Prepared) {
        let target = self.order[turn % self.order.len()];
        let (origin, variants) = &self.requests[target];
        (*origin, &variants[turn % variants.len()])
    }
}

/// Since when a connection could have sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Free {
    pub(super) since: Instant,
    /// Whether it was not free before because it could not be made.
    pub(super) unconnected: bool,
}

/// A request that was begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    pub(super) due: Instant,
    /// Whether it was sent late, for no connection was free when it was due.
    late: bool,
}

/// What one thread works with.
pub(super) struct Desk {
    pub(super) job: Arc<Job>,
    pub(super) pacer: Pacer,
    pub(super) patience: Patience,
    /// When this thread could not run.
    pub(super) monitor: Monitor,
    recording: RefCell<Recording>,
    /// The window, once the run has begun.
    window: Cell<Option<(Instant, Option<Instant>)>>,
    last_done: Cell<Option<Instant>>,
    /// How long the thread had worked when the run began.
    thread_time: Cell<Duration>,
}

impl Desk {
    pub(super) fn new(job: Arc<Job>, pacer: Pacer, now: Instant) -> Self {
        let recording = RefCell::new(Recording::default());
        let (window, last_done) = (Cell::new(None), Cell::new(None));
        let thread_time = Cell::new(Duration::ZERO);
        let (patience, monitor) = (Patience::default(), Monitor::new(now));
        Self { job, pacer, patience, monitor, recording, window, last_done, thread_time }
    }

    /// The run begins at `now`, the thread having worked so long.
    pub(super) fn open(&self, thread_time: Duration, now: Instant) {
        self.thread_time.set(thread_time);
        self.monitor.restart(now);
        let opens = self.job.schedule.opens();
        self.window.set(opens.map(|opens| (opens, self.job.schedule.closes())));
    }

    /// How long the thread had worked when the run began.
    pub(super) fn thread_time(&self) -> Duration {
        self.thread_time.get()
    }

    /// When the last answer or failure came.
    pub(super) fn last_done(&self) -> Option<Instant> {
        self.last_done.get()
    }

    /// Takes what was written down, and leaves an empty piece.
    pub(super) fn swap(&self, empty: &mut Recording) {
        std::mem::swap(&mut *self.recording.borrow_mut(), empty);
    }

    /// Writes something down.
    pub(super) fn write(&self, write: &dyn Fn(&mut Recording)) {
        write(&mut self.recording.borrow_mut());
    }

    /// A request that was due then is about to be sent over a connection that became free then.
    pub(super) fn begin(&self, due: Instant, free: Free, request: &Prepared) -> Begun {
        let mut recording = self.recording.borrow_mut();
        let begun = Begun { due, late: free.since > due };
        if self.counts(due) {
            recording.counts.sent += 1;
            recording.counts.bytes_sent += request.bytes().len() as u64;
            if begun.late {
                let late = &mut recording.counts.late;
                match free.unconnected {
                    _ if self.monitor.is_why(due) => late.held_up += 1,
                    true => late.unconnected += 1,
                    false => late.waited += 1,
                }
            }
        } else {
            recording.counts.warmup += 1;
        }
        begun
    }

    /// An answer came, over a connection that was kept or is new; returns when.
    pub(super) fn answer(
        &self,
        Begun { due, late }: Begun,
        stamps: &Stamps,
        answer: &Answer,
        kept: bool,
    ) -> Instant {
        let done = stamps.done.unwrap_or_else(Instant::now);
        self.monitor.reads(done);
        let mut recording = self.recording.borrow_mut();
        let good = self.job.good.has(answer.status);
        let in_window = self.in_window(done);
        recording.counts.answers_in_window += u64::from(in_window);
        recording.counts.good_in_window += u64::from(good && in_window);
        if !self.counts(due) {
            return done;
        }
        let sent = stamps.sent.unwrap_or(done);
        recording.answer(answer, done - due, done - sent);
        recording.by_due.record(self.piece(due), done - due);
        recording.counts.in_time.answered_later += u64::from(!late && !in_window);
        if kept {
            recording.lateness.record(sent - stamps.began);
        }
        recording.counts.good += u64::from(good);
        self.last_done.set(Some(done));
        done
    }

    /// A request failed, for want of a connection or otherwise.
    pub(super) fn failure(&self, begun: Begun, failure: Failure, unconnected: bool, now: Instant) {
        let Begun { due, late } = begun;
        if !self.counts(due) {
            return;
        }
        let mut recording = self.recording.borrow_mut();
        if failure.kind() == Kind::Timeout {
            recording.by_due.record(self.piece(due), now - due);
        }
        if unconnected && recording.unconnected.is_none() {
            recording.unconnected = Some(failure.clone());
        }
        let in_time = &mut recording.counts.in_time;
        match unconnected {
            _ if late => {}
            true => in_time.unconnected += 1,
            false => in_time.failed += 1,
        }
        recording.failure(failure, now - due);
        self.last_done.set(Some(now));
    }

    /// A request was under way when the run was stopped.
    pub(super) fn unfinished(&self, due: Instant, now: Instant) {
        if self.counts(due) {
            let mut recording = self.recording.borrow_mut();
            recording.unfinished(now - due);
            recording.by_due.unknown(self.piece(due));
        }
    }

    /// A connection was given up before it stood.
    pub(super) fn connect_failed(&self) {
        self.recording.borrow_mut().counts.connect_failures += 1;
    }

    /// The piece of time in which a request that counts was due.
    fn piece(&self, due: Instant) -> u64 {
        self.window.get().map_or(0, |(opens, _)| pieces(opens, due))
    }

    /// Whether something done then counts for the rate, whenever it was due.
    fn in_window(&self, done: Instant) -> bool {
        let within = |(opens, closes): (Instant, Option<Instant>)| {
            done >= opens && closes.is_none_or(|closes| done <= closes)
        };
        self.window.get().is_some_and(within)
    }

    /// Whether a request that was due then is part of the results.
    fn counts(&self, due: Instant) -> bool {
        self.window.get().is_some_and(|(opens, _)| due >= opens)
    }
}
