//! Ends connections that are idle, or whose replica has ended them, by looking at all connections of
//! a port now and then: cheaper than a timer for each. Looks are counted, not time, so that a process
//! that was held up ends no connection for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Interval, MissedTickBehavior};

use super::activity::Activity;

/// Looks within an idle timeout, at least: a connection is ended after it or up to a quarter more.
const LOOKS: u32 = 4;
/// The longest time between two looks.
const LONGEST_PERIOD: Duration = Duration::from_secs(1);
/// How long a client may keep its side of a connection open that the replica has ended.
const LINGER: Duration = Duration::from_secs(5);

/// The connections of one port.
#[derive(Debug)]
pub(super) struct Watches {
    list: Vec<Watch>,
    ticks: Interval,
    /// Looks after which a connection without activity is idle.
    idle: u128,
    /// Looks for which a client may linger.
    linger: u128,
}

/// One connection, as it was at the last look.
#[derive(Debug)]
struct Watch {
    activity: Arc<Activity>,
    task: AbortHandle,
    moves: u64,
    /// Looks since it was last active.
    quiet: u128,
    /// Looks since the replica ended its side.
    lingering: u128,
}

impl Watches {
    pub(super) fn new(idle: Duration) -> Self {
        let shortest = Duration::from_millis(1);
        let period = (idle / LOOKS).clamp(shortest, LONGEST_PERIOD);
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let looks = |time: Duration| time.as_nanos().div_ceil(period.as_nanos());
        Self { list: Vec::new(), ticks, idle: looks(idle), linger: looks(LINGER.min(idle)) }
    }

    /// Watches one more connection, which ends with `task`.
    pub(super) fn add(&mut self, activity: Arc<Activity>, task: AbortHandle) {
        self.list.push(Watch { activity, task, moves: 0, quiet: 0, lingering: 0 });
    }

    /// Completes when it is time for a look; with nothing to look at it never is.
    pub(super) async fn due(&mut self) {
        if self.list.is_empty() {
            return std::future::pending().await;
        }
        self.ticks.tick().await;
    }

    /// Ends what has had its time, and forgets what has ended.
    pub(super) fn look(&mut self) {
        let (idle, linger) = (self.idle, self.linger);
        self.list.retain_mut(|watch| {
            if watch.task.is_finished() {
                return false;
            }
            watch.look();
            let over = watch.quiet > idle || watch.lingering > linger;
            if over {
                watch.task.abort();
            }
            !over
        });
    }
}

impl Watch {
    fn look(&mut self) {
        let moves = self.activity.moves();
        let active = moves != self.moves || self.activity.is_request_under_way();
        self.moves = moves;
        self.quiet = if active { 0 } else { self.quiet + 1 };
        self.lingering += u128::from(self.activity.has_ended());
    }
}
