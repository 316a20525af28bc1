//! Time limits without a timer for each request: a slot for each connection says until when what it
//! does may take, and a look now and then at all of them ends what is overdue, or everything.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

/// Looks at all slots in this part of the time limit, so that it is overrun by at most that.
const LOOKS: u32 = 100;

/// The time limits of all connections of a thread.
#[derive(Debug, Default)]
pub(super) struct Patience {
    slots: RefCell<Vec<Rc<Slot>>>,
}

/// The time limit of one connection.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Until when what is under way may take.
    deadline: Cell<Option<Instant>>,
    cut: Cell<Option<Cut>>,
    waker: RefCell<Option<Waker>>,
}

/// Why something was not waited for to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// It took too long.
    Overdue,
    /// The run was stopped.
    Stopped,
}

impl Patience {
    /// How often to look, for this time limit.
    pub(super) fn interval(timeout: Duration) -> Duration {
        (timeout / LOOKS).clamp(Duration::from_millis(1), Duration::from_millis(50))
    }

    /// A slot for a further connection.
    pub(super) fn slot(&self) -> Rc<Slot> {
        let slot = Rc::new(Slot::default());
        self.slots.borrow_mut().push(Rc::clone(&slot));
        slot
    }

    /// Ends what should have been done by `now`.
    pub(super) fn look(&self, now: Instant) {
        self.cut(Cut::Overdue, |deadline| deadline <= now);
    }

    /// Ends all that is under way.
    pub(super) fn stop(&self) {
        self.cut(Cut::Stopped, |_| true);
    }

    /// Whether something is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.slots.borrow().iter().any(|slot| slot.deadline.get().is_some())
    }

    fn cut(&self, cut: Cut, ends: impl Fn(Instant) -> bool) {
        for slot in self.slots.borrow().iter() {
            if slot.cut.get().is_none() && slot.deadline.get().is_some_and(&ends) {
                slot.cut.set(Some(cut));
                if let Some(waker) = slot.waker.borrow().as_ref() {
                    waker.wake_by_ref();
                }
            }
        }
    }
}

impl Slot {
    /// What `future` comes to by `deadline`.
    pub(super) async fn within<T>(
        &self,
        deadline: Instant,
        future: impl Future<Output = T>,
    ) -> Result<T, Cut> {
        self.deadline.set(Some(deadline));
        self.cut.set(None);
        let mut future = pin!(future);
        let outcome = poll_fn(|context| {
            if let Poll::Ready(outcome) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(outcome));
            }
            if let Some(cut) = self.cut.get() {
                return Poll::Ready(Err(cut));
            }
            let mut waker = self.waker.borrow_mut();
            // One connection is one task, so its waker is almost always the one already here.
            if !waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
                *waker = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
        self.deadline.set(None);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn what_is_overdue_ends_at_the_next_look_and_what_is_in_time_does_not() {
        let patience = Patience::default();
        let (slow, fast) = (patience.slot(), patience.slot());
        let start = Instant::now();
        let slow = slow.within(start + SECOND, tokio::time::sleep(3 * SECOND));
        let fast = fast.within(start + SECOND, tokio::time::sleep(SECOND / 2));
        let looks = async {
            loop {
                tokio::time::sleep(SECOND / 10).await;
                patience.look(Instant::now());
            }
        };
        let both = async {
            let fast = fast.await;
            (slow.await, fast, Instant::now())
        };
        let (slow, fast, ended) = tokio::select! {
            both = both => both,
            () = looks => panic!("looks never end"),
        };
        assert_eq!((slow, fast), (Err(Cut::Overdue), Ok(())));
        assert!(ended >= start + SECOND && ended < start + SECOND + SECOND / 5, "{ended:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_that_expired_can_be_used_again() {
        let patience = Patience::default();
        let slot = patience.slot();
        let now = Instant::now();
        let late = slot.within(now, async {
            patience.look(now);
            std::future::pending::<()>().await;
        });
        assert_eq!(late.await, Err(Cut::Overdue));
        assert_eq!(slot.within(now + SECOND, async { 7 }).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_what_is_under_way_and_nothing_that_comes_later() {
        let patience = Patience::default();
        let slot = patience.slot();
        let now = Instant::now();
        assert!(!patience.is_busy());
        let cut = slot.within(now + SECOND, async {
            assert!(patience.is_busy());
            patience.stop();
            std::future::pending::<()>().await;
        });
        assert_eq!(cut.await, Err(Cut::Stopped));
        assert!(!patience.is_busy());
        assert_eq!(slot.within(now + SECOND, async { 7 }).await, Ok(7));
    }

    #[test]
    fn short_limits_are_looked_at_more_often() {
        assert_eq!(Patience::interval(2 * SECOND), SECOND / 50);
        assert_eq!(Patience::interval(SECOND / 1_000), SECOND / 1_000);
        assert_eq!(Patience::interval(60 * SECOND), SECOND / 20);
    }
}
