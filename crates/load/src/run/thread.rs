//! One thread of a run: its connections on a runtime of its own, and what it delivers to the
//! thread that adds up.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use exchange::{Dialer, Failure};
use futures_util::future::join_all;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::addresses::Addresses;
use super::desk::{Desk, Job};
use super::lane::Lane;
use super::link::{Link, Trunk};
use super::pacer::Pacer;
use super::patience::Patience;
use crate::generator::{BEAT, HoldUps, thread_time};
use crate::recording::Recording;

/// How often a thread delivers what it wrote down.
pub(super) const PIECE: Duration = Duration::from_millis(250);
/// Most connections of a thread that are made at once, so that no server's queue overflows.
const AT_ONCE: usize = 128;

/// How far the run is, as the coordinating thread says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Preparing,
    /// The schedule has begun.
    Running,
    /// Told to stop: nothing more is awaited.
    Stopped,
}

/// What a thread delivers.
#[derive(Debug)]
pub(super) enum Delivery {
    /// Its connections stand, or do not.
    Ready { connected: usize, failure: Option<Failure> },
    /// What it wrote down in the piece of time with this number.
    Piece { number: u64, recording: Box<Recording> },
    /// It is done.
    Ended { last_done: Option<Instant>, busy: Duration, held_up: HoldUps },
    /// It could not work at all.
    Broken(io::Error),
}

/// What a thread is given.
pub(super) struct Assignment {
    pub(super) job: Arc<Job>,
    pub(super) dialers: Vec<Dialer>,
    /// The numbers of its connections among all.
    pub(super) connections: std::ops::Range<usize>,
    pub(super) streams: usize,
    /// Whether each connection begins with another of a server's addresses.
    pub(super) spread: bool,
    pub(super) stage: watch::Receiver<Stage>,
    pub(super) out: Outbox,
}

impl Assignment {
    /// Runs to the end, on this thread.
    pub(super) fn run(self) {
        let deliveries = self.out.deliveries.clone();
        let runtime =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        let ended = runtime.and_then(|runtime| {
            let ended = runtime.block_on(self.work());
            // A name lookup that hangs cannot be cut short.
            runtime.shutdown_background();
            ended
        });
        if let Err(error) = ended {
            // Without a receiver nobody wants to know.
            let _ = deliveries.send(Delivery::Broken(error));
        }
    }

    async fn work(self) -> io::Result<()> {
        let desk = Rc::new(Desk::new(Arc::clone(&self.job), Pacer::new()?, Instant::now()));
        let lanes = self.lanes(&desk);
        let since = Cell::new(Instant::now());
        tokio::select! {
            broken = self.requests(&desk, lanes, &since) => broken?,
            () = self.out.tick(&desk, &since) => {}
            () = self.stopped(&desk) => {}
        }
        self.out.piece(&desk, since.get());
        // Looking at the clock is no work: it would be done for any request that is due.
        let idle = desk.thread_time() + desk.pacer.looked();
        let busy = thread_time().saturating_sub(idle);
        let held_up = desk.monitor.seen();
        self.out.send(Delivery::Ended { last_done: desk.last_done(), busy, held_up });
        Ok(())
    }

    /// Connects, waits for the beginning, and sends requests until the schedule is over.
    async fn requests(
        &self,
        desk: &Rc<Desk>,
        mut lanes: Vec<Lane>,
        since: &Cell<Instant>,
    ) -> io::Result<()> {
        self.out.send(prepare(&mut lanes).await);
        let mut stage = self.stage.clone();
        // The sender lives as long as the run.
        let _ = stage.wait_for(|stage| *stage == Stage::Running).await;
        let now = Instant::now();
        desk.open(thread_time(), now);
        since.set(now);
        let mut running = JoinSet::new();
        for lane in lanes {
            running.spawn_local(lane.run());
        }
        tokio::select! {
            () = async { while running.join_next().await.is_some() {} } => Ok(()),
            broken = desk.pacer.run(|now| desk.monitor.reads(now)) => broken,
        }
    }

    /// Waits for the stop, and until what was under way then is written down as that.
    async fn stopped(&self, desk: &Desk) {
        // Without a sender nobody is there any more.
        let _ = self.stage.clone().wait_for(|stage| *stage == Stage::Stopped).await;
        loop {
            // What was woken a moment ago may only begin now.
            tokio::task::yield_now().await;
            desk.patience.stop();
            if !desk.patience.is_busy() {
                return;
            }
        }
    }

    fn lanes(&self, desk: &Rc<Desk>) -> Vec<Lane> {
        let addresses: Vec<_> =
            self.dialers.iter().map(|dialer| Rc::new(Addresses::new(dialer.clone()))).collect();
        let mut lanes = Vec::new();
        for connection in self.connections.clone() {
            let turn = if self.spread { connection } else { 0 };
            let trunks: Vec<_> = addresses
                .iter()
                .map(|_| (self.streams > 1).then(|| Rc::new(Trunk::default())))
                .collect();
            for stream in 0..self.streams {
                let links = addresses.iter().zip(&trunks);
                let links = links
                    .map(|(addresses, trunk)| Link::new(Rc::clone(addresses), trunk.clone(), turn));
                let number = connection * self.streams + stream;
                lanes.push(Lane::new(Rc::clone(desk), links.collect(), number));
            }
        }
        lanes
    }
}

/// Where a thread delivers to.
pub(super) struct Outbox {
    pub(super) deliveries: mpsc::UnboundedSender<Delivery>,
    /// Empty pieces to write into again.
    pub(super) empty: Arc<Mutex<Vec<Recording>>>,
}

impl Outbox {
    fn send(&self, delivery: Delivery) {
        // Without a receiver nobody wants to know.
        let _ = self.deliveries.send(delivery);
    }

    /// Delivers what was written down since `since`.
    fn piece(&self, desk: &Desk, since: Instant) {
        let Some(opens) = desk.job.schedule.opens() else { return };
        let empty = self.empty.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut recording = Box::new(empty.unwrap_or_default());
        desk.swap(&mut recording);
        self.send(Delivery::Piece { number: pieces(opens, since), recording });
    }

    /// Watches for hold-ups, looks for what takes too long, and delivers what was written down, for as long as it is
    /// polled. `since` is when the piece at hand began.
    async fn tick(&self, desk: &Desk, since: &Cell<Instant>) {
        let interval = Patience::interval(desk.job.timeout);
        let mut beats = tokio::time::interval(BEAT.min(interval));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked = Instant::now();
        loop {
            let now = beats.tick().await.max(Instant::now());
            desk.monitor.beat(now);
            if now - looked >= interval {
                desk.patience.look(now);
                looked = now;
            }
            let Some(opens) = desk.job.schedule.opens() else { continue };
            // All threads deliver on the same grid.
            if pieces(opens, now) > pieces(opens, since.get()) {
                self.piece(desk, since.replace(now));
            }
        }
    }
}

/// How many whole pieces of time passed since `opens`.
pub(super) fn pieces(opens: Instant, now: Instant) -> u64 {
    let passed = now.saturating_duration_since(opens).as_nanos() / PIECE.as_nanos();
    u64::try_from(passed).unwrap_or(u64::MAX)
}

/// Connects all lanes, not too many at once.
async fn prepare(lanes: &mut [Lane]) -> Delivery {
    let turns = &Semaphore::new(AT_ONCE);
    let connecting = lanes.iter_mut().map(|lane| async move {
        let _turn = turns.acquire().await;
        lane.prepare().await
    });
    let (mut connected, mut failure) = (0, None);
    for outcome in join_all(connecting).await {
        match outcome {
            Ok(()) => connected += 1,
            Err(why) => failure = failure.or(Some(why)),
        }
    }
    Delivery::Ready { connected, failure }
}
