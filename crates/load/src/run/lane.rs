//! The loop of one connection: take the next slot, wait until it is due, exchange, write down.
//! There is no other loop, whatever the mode.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use exchange::{Answer, Failure, Prepared, Stamps};
use tokio::time::Instant;

use super::desk::{Desk, Free};
use super::link::Link;
use super::patience::{Cut, Slot};
use crate::schedule::Next;

/// The pause after a connection that could not be made; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// One connection of the run, or one stream of it.
pub(super) struct Lane {
    desk: Rc<Desk>,
    slot: Rc<Slot>,
    /// One for each server.
    links: Vec<Link>,
    /// Which request is next.
    turn: usize,
    pause: Duration,
}

/// What became of a request, and where it stood when time ran out.
struct Outcome {
    result: Result<Result<Answer, Failure>, Cut>,
    dialled: bool,
}

impl Lane {
    /// The lane with this number among all of the run.
    pub(super) fn new(desk: Rc<Desk>, links: Vec<Link>, number: usize) -> Self {
        let slot = desk.patience.slot();
        Self { desk, slot, links, turn: number, pause: FIRST_PAUSE }
    }

    /// Connects to all servers before the run begins, so that its first requests do not wait for
    /// it. What fails for some servers only is left to the run.
    pub(super) async fn prepare(&mut self) -> Result<(), Failure> {
        let Self { desk, slot, links, .. } = self;
        let mut first = None;
        let mut connected = false;
        for link in links {
            let mut stamps = Stamps::now();
            let deadline = stamps.began + desk.job.timeout;
            let connecting = link.connect(&mut stamps, |write| desk.write(write));
            match slot.within(deadline, connecting).await {
                Ok(Ok(())) => connected = true,
                Ok(Err(failure)) => first = first.or(Some(failure)),
                Err(_) => {
                    if link.gave_up_dialling() {
                        desk.connect_failed();
                    }
                    let phase = link.addresses().under_way(&stamps, true);
                    first = first.or(Some(Failure::Timeout(phase)));
                }
            }
        }
        match first {
            Some(failure) if !connected => Err(failure),
            _ => Ok(()),
        }
    }

    /// Sends requests until the schedule is over.
    pub(super) async fn run(mut self) {
        let since = self.desk.job.schedule.free_since(Instant::now());
        let mut free = Free { since, unconnected: false };
        loop {
            let due = match self.desk.job.schedule.next(free.since) {
                Next::Over => return,
                Next::Now => free.since,
                Next::Due(due) => {
                    if due > free.since {
                        self.desk.pacer.wait(due).await;
                    }
                    due
                }
            };
            free = self.request(due, free).await;
        }
    }

    /// One request; returns when the connection is free again.
    async fn request(&mut self, due: Instant, free: Free) -> Free {
        let began = due.max(free.since);
        let mut stamps = Stamps::from(began);
        let desk = Rc::clone(&self.desk);
        let (origin, request) = desk.job.request(self.turn);
        self.turn = self.turn.wrapping_add(1);
        let taken = desk.begin(due, free, request);
        let outcome = self.exchange(origin, request, &mut stamps).await;
        let link = &mut self.links[origin];
        let failure = match outcome.result {
            Ok(Ok(answer)) => {
                link.answered(answer.reusable && desk.job.keep);
                self.pause = FIRST_PAUSE;
                let since = desk.answer(taken, &stamps, &answer, !outcome.dialled);
                return Free { since, unconnected: false };
            }
            Ok(Err(failure)) => Some(failure),
            Err(Cut::Overdue) => {
                let phase = link.addresses().under_way(&stamps, outcome.dialled);
                Some(Failure::Timeout(phase))
            }
            Err(Cut::Stopped) => None,
        };
        let now = Instant::now();
        let unconnected = link.connection().is_none() && stamps.sent.is_none();
        let gave_up_dialling = link.gave_up_dialling();
        link.drop_connection();
        let Some(failure) = failure else {
            desk.unfinished(due, now);
            return Free { since: now, unconnected };
        };
        if gave_up_dialling {
            desk.connect_failed();
        }
        desk.failure(taken, failure, unconnected, now);
        let since = if unconnected { self.pause(now).await } else { now };
        Free { since, unconnected }
    }

    /// Exchanges within the time limit, over a new connection where there is none, or where the
    /// server has closed the kept one meanwhile.
    async fn exchange(
        &mut self,
        origin: usize,
        request: &Prepared,
        stamps: &mut Stamps,
    ) -> Outcome {
        let Self { desk, slot, links, .. } = self;
        let link = &mut links[origin];
        let mut dialled = false;
        let deadline = stamps.began + desk.job.timeout;
        let exchanging = async {
            loop {
                if link.connection().is_none() {
                    dialled = true;
                    link.connect(stamps, |write| desk.write(write)).await?;
                }
                let proven = link.proven();
                let Some(connection) = link.connection() else { continue };
                match connection.exchange(request, stamps, &mut |_| {}).await {
                    Err(failure) if proven && failure.is_stale() && stamps.first.is_none() => {
                        link.drop_connection();
                        let excess = failure == Failure::Excess;
                        // Bytes that belong to no response may have come before it was sent.
                        let repeated = !excess || stamps.sent.is_some();
                        desk.write(&|recording| {
                            recording.counts.excess += u64::from(excess);
                            recording.counts.repeated += u64::from(repeated);
                        });
                        *stamps = Stamps::from(stamps.began);
                    }
                    result => return result,
                }
            }
        };
        // It is as large as connecting is, and is not to be moved at each request.
        let result = {
            let exchanging = pin!(exchanging);
            slot.within(deadline, exchanging).await
        };
        Outcome { result, dialled }
    }

    /// Waits a little before the next attempt to connect: a port that refuses is not hammered.
    async fn pause(&mut self, now: Instant) -> Instant {
        tokio::time::sleep_until(now + self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Instant::now()
    }
}
