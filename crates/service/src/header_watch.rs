//! Watches for a request's header that does not come. hyper would set up and take down a timer for
//! each request; here each connection has one timer, which looks now and then whether the same
//! header is still awaited.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Sleep, Timer};
use tokio::time::Instant;

/// Looks within a timeout: a header is overdue after the timeout or up to a quarter more.
const LOOKS: u32 = 4;

/// The watch over one connection. hyper is given [`HeaderWatch::timer`]; whoever drives the
/// connection also waits for [`HeaderWatch::overdue`], in the same task.
#[derive(Clone, Debug)]
pub(crate) struct HeaderWatch {
    awaited: Arc<Awaited>,
    timeout: Duration,
}

#[derive(Debug)]
struct Awaited {
    opened: Instant,
    /// Goes up when a header begins to be awaited and again when it is there: odd while awaited.
    turn: AtomicU64,
    overdue: AtomicBool,
}

impl Awaited {
    /// Only the connection's own task comes here, so there is nobody to race with.
    fn next_turn(&self) {
        self.turn.store(self.turn.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

impl HeaderWatch {
    pub(crate) fn new(timeout: Duration) -> Self {
        let awaited = Awaited {
            opened: Instant::now(),
            turn: AtomicU64::new(0),
            overdue: AtomicBool::new(false),
        };
        Self { awaited: Arc::new(awaited), timeout }
    }

    /// The timer for hyper to await headers with.
    pub(crate) fn timer(&self) -> HeaderTimer {
        HeaderTimer(Arc::clone(&self.awaited))
    }

    /// How long a header may be awaited.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Completes when a header is overdue; the connection is then to be polled, and ends.
    pub(crate) async fn overdue(&self) {
        let (mut seen, mut looks) = (0, 0);
        while looks < LOOKS {
            tokio::time::sleep(self.timeout / LOOKS).await;
            let turn = self.awaited.turn.load(Ordering::Relaxed);
            looks = if turn == seen && turn % 2 == 1 { looks + 1 } else { 0 };
            seen = turn;
        }
        self.awaited.overdue.store(true, Ordering::Relaxed);
    }
}

/// What hyper sets up when it begins to wait for a header, and drops when it has one.
#[derive(Debug)]
pub(crate) struct HeaderTimer(Arc<Awaited>);

#[expect(clippy::disallowed_types, reason = "hyper's trait speaks of it")]
impl Timer for HeaderTimer {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        self.0.next_turn();
        Box::pin(HeaderSleep(Arc::clone(&self.0)))
    }

    fn sleep_until(&self, _: std::time::Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(Duration::ZERO)
    }

    /// Any moment will do: the watch counts looks, not time.
    fn now(&self) -> std::time::Instant {
        self.0.opened.into_std()
    }
}

struct HeaderSleep(Arc<Awaited>);

impl Sleep for HeaderSleep {}

impl Future for HeaderSleep {
    type Output = ();

    /// Wakes nobody: the task that polls this also polls [`HeaderWatch::overdue`].
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match self.0.overdue.load(Ordering::Relaxed) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl Drop for HeaderSleep {
    fn drop(&mut self) {
        self.0.next_turn();
    }
}
