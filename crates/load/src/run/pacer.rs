//! Wakes connections when their requests are due, to some microseconds. tokio's own timer ticks in
//! milliseconds, which is too coarse, so a timer of the system does it; between requests the thread
//! sleeps. It gets up a little earlier than it must, since a core that sleeps needs time to wake,
//! and looks again and again for what is left: about as long as it was seen to oversleep.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::task::{Poll, Waker};
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long before a request is due the thread gets up, at first.
const FIRST_LEAD: Duration = Duration::from_micros(50);
/// And at least, since shorter waits are not worth the two system calls of a timer.
const LEAST_LEAD: Duration = Duration::from_micros(20);
/// And at most: a machine that wakes later has other work to do.
const MOST_LEAD: Duration = Duration::from_micros(200);
/// A look that takes longer than this was not only a look.
const LONGEST_LOOK: Duration = Duration::from_micros(5);

/// Who waits in a thread for when.
pub(super) struct Pacer {
    /// In order, since the schedule hands out its slots so.
    waiting: RefCell<VecDeque<Waiting>>,
    first: Notify,
    timer: AsyncFd<OwnedFd>,
    /// Until when the pacer has woken.
    woken: Cell<Option<Instant>>,
    /// How long before a request is due the thread gets up.
    lead: Cell<Duration>,
    /// How long it looked at the clock and did nothing else.
    looked: Cell<Duration>,
}

struct Waiting {
    due: Instant,
    waker: Waker,
}

impl Pacer {
    /// A pacer for the runtime of this thread.
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe, for files that may be closed behind its back; an \
                      OwnedFd that is given away cannot be"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        let waiting = RefCell::new(VecDeque::new());
        Ok(Self {
            waiting,
            first: Notify::new(),
            timer,
            woken: Cell::new(None),
            lead: Cell::new(FIRST_LEAD),
            looked: Cell::new(Duration::ZERO),
        })
    }

    /// How long the thread looked at the clock and had nothing else to do.
    pub(super) fn looked(&self) -> Duration {
        self.looked.get()
    }

    /// Waits until `due`, which must not be before that of anybody who waits already.
    pub(super) async fn wait(&self, due: Instant) {
        let mut enqueued = false;
        poll_fn(|context| {
            if self.woken.get().is_some_and(|woken| woken >= due) {
                return Poll::Ready(());
            }
            if !enqueued {
                enqueued = true;
                let mut waiting = self.waiting.borrow_mut();
                if waiting.is_empty() {
                    self.first.notify_one();
                }
                waiting.push_back(Waiting { due, waker: context.waker().clone() });
            }
            Poll::Pending
        })
        .await;
    }

    /// Wakes those who wait, for as long as this is polled.
    /// Each reading of the clock goes to `reads` first.
    pub(super) async fn run(&self, reads: impl Fn(Instant)) -> io::Result<()> {
        loop {
            let Some(earliest) = self.waiting.borrow().front().map(|first| first.due) else {
                self.first.notified().await;
                continue;
            };
            let now = Instant::now();
            reads(now);
            let left = earliest.saturating_duration_since(now);
            if left.is_zero() {
                self.wake(now);
                // They are to run before this looks again.
                tokio::task::yield_now().await;
            } else if left <= self.lead(earliest) {
                tokio::task::yield_now().await;
                let look = now.elapsed();
                if look < LONGEST_LOOK {
                    self.looked.set(self.looked.get() + look);
                }
            } else {
                let asleep = left.saturating_sub(self.lead(earliest));
                self.sleep(asleep).await?;
                self.learn(now.elapsed().saturating_sub(asleep));
            }
        }
    }

    /// How long before `due` to get up: never for more than half the time since what was due before,
    /// so that a fast rate does not keep the core from everybody else.
    fn lead(&self, due: Instant) -> Duration {
        let gap = self.woken.get().map(|woken| due.saturating_duration_since(woken));
        gap.map_or(self.lead.get(), |gap| self.lead.get().min(gap / 2))
    }

    /// Moves the lead towards what nearly all sleeps are overslept by: half a lead up where it was
    /// too short, a hundredth down where it was not, which balance when 2 % are longer.
    fn learn(&self, overslept: Duration) {
        let lead = self.lead.get();
        let next = if overslept > lead { lead * 3 / 2 } else { lead * 99 / 100 };
        self.lead.set(next.clamp(LEAST_LEAD, MOST_LEAD));
    }

    /// Wakes all that are due.
    fn wake(&self, now: Instant) {
        self.woken.set(Some(now));
        let mut waiting = self.waiting.borrow_mut();
        while waiting.front().is_some_and(|first| first.due <= now) {
            if let Some(first) = waiting.pop_front() {
                first.waker.wake();
            }
        }
    }

    async fn sleep(&self, length: Duration) -> io::Result<()> {
        let once = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec {
                tv_sec: i64::try_from(length.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(length.subsec_nanos()),
            },
        };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        // Setting the timer again forgets that it went off, so nothing need be read from it.
        self.timer.readable().await?.clear_ready();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tokio::task::{LocalSet, spawn_local};

    use super::*;

    #[tokio::test]
    async fn the_lead_follows_what_is_overslept() {
        let pacer = Pacer::new().unwrap();
        let after = |overslept: u64, times: usize| {
            (0..times).for_each(|_| pacer.learn(Duration::from_micros(overslept)));
            pacer.lead.get()
        };
        assert_eq!(after(5, 1_000), LEAST_LEAD);
        assert_eq!(after(10_000, 100), MOST_LEAD);
        // One sleep in fifty is overslept by 80 us, the others by 10.
        for _ in 0..100 {
            after(10, 49);
            after(80, 1);
        }
        let lead = pacer.lead.get();
        assert!((LEAST_LEAD..=MOST_LEAD / 2).contains(&lead), "{lead:?}");
    }

    #[tokio::test]
    async fn all_are_woken_in_order_and_none_too_early() {
        let pacer = Rc::new(Pacer::new().unwrap());
        let start = Instant::now();
        let order = Rc::new(RefCell::new(Vec::new()));
        let wait = |number: u64, after: u64| {
            let (pacer, order) = (Rc::clone(&pacer), Rc::clone(&order));
            async move {
                let due = start + Duration::from_micros(after);
                pacer.wait(due).await;
                assert!(Instant::now() >= due, "{number} woke early");
                order.borrow_mut().push(number);
            }
        };
        let all = async {
            let afters = [0, 20, 3_000, 3_000, 9_000];
            let tasks: Vec<_> =
                (0..).zip(afters).map(|(number, after)| spawn_local(wait(number, after))).collect();
            for task in tasks {
                task.await.unwrap();
            }
            // The queue was empty meanwhile.
            wait(5, 12_000).await;
        };
        LocalSet::new()
            .run_until(async {
                tokio::select! {
                    () = all => {}
                    ended = pacer.run(|_| ()) => panic!("{ended:?}"),
                }
            })
            .await;
        assert_eq!(*order.borrow(), [0, 1, 2, 3, 4, 5]);
    }
}
