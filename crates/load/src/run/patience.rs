//! Time limits without a timer for each request: a slot for each connection says until when what it
//! does may take, and a look now and then at all of them ends what is overdue.

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
    deadline: Cell<Option<Instant>>,
    expired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
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
        for slot in self.slots.borrow().iter() {
            if slot.deadline.get().is_some_and(|deadline| deadline <= now) {
                slot.deadline.set(None);
                slot.expired.set(true);
                if let Some(waker) = slot.waker.borrow().as_ref() {
                    waker.wake_by_ref();
                }
            }
        }
    }
}

impl Slot {
    /// What `future` comes to, or `None` when it has not by `deadline`.
    pub(super) async fn within<T>(
        &self,
        deadline: Instant,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        self.deadline.set(Some(deadline));
        self.expired.set(false);
        let mut future = pin!(future);
        let outcome = poll_fn(|context| {
            if let Poll::Ready(outcome) = future.as_mut().poll(context) {
                return Poll::Ready(Some(outcome));
            }
            if self.expired.get() {
                return Poll::Ready(None);
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
        assert_eq!((slow, fast), (None, Some(())));
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
        assert_eq!(late.await, None);
        assert_eq!(slot.within(now + SECOND, async { 7 }).await, Some(7));
    }

    #[test]
    fn short_limits_are_looked_at_more_often() {
        assert_eq!(Patience::interval(2 * SECOND), SECOND / 50);
        assert_eq!(Patience::interval(SECOND / 1_000), SECOND / 1_000);
        assert_eq!(Patience::interval(60 * SECOND), SECOND / 20);
    }
}
