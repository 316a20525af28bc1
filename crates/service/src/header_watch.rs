//! Watches for a request's header that does not come. hyper would set up and take down a timer for
//! each request, a tenth of what an answer costs; here each connection has one timer, which is
//! moved only when it fires.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Sleep, Timer};
use tokio::time::Instant;

/// No header is awaited.
const NONE: u64 = 0;

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
    /// When the header is overdue, in microseconds since `opened`, or [`NONE`].
    deadline_us: AtomicU64,
    overdue: AtomicBool,
}

impl HeaderWatch {
    pub(crate) fn new(timeout: Duration) -> Self {
        let awaited = Awaited {
            opened: Instant::now(),
            deadline_us: AtomicU64::new(NONE),
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
        let mut look = Instant::now() + self.timeout;
        loop {
            tokio::time::sleep_until(look).await;
            let now = Instant::now();
            look = match self.awaited.deadline_us.load(Ordering::Relaxed) {
                NONE => now + self.timeout,
                us => self.awaited.opened + Duration::from_micros(us),
            };
            if look <= now {
                self.awaited.overdue.store(true, Ordering::Relaxed);
                return;
            }
        }
    }
}

/// What hyper sets up when it begins to wait for a header, and drops when it has one.
#[derive(Debug)]
pub(crate) struct HeaderTimer(Arc<Awaited>);

#[expect(clippy::disallowed_types, reason = "hyper's trait speaks of it")]
impl Timer for HeaderTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn Sleep>> {
        let since = Instant::from_std(deadline).saturating_duration_since(self.0.opened);
        let microseconds = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        self.0.deadline_us.store(microseconds.max(NONE + 1), Ordering::Relaxed);
        Box::pin(HeaderSleep(Arc::clone(&self.0)))
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
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
        self.0.deadline_us.store(NONE, Ordering::Relaxed);
    }
}
