//! A time limit for one probe after the other, with one timer for all of them: to set and to drop
//! one each time costs a system call, which the probe would have to bear.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use tokio::time::{Instant, Sleep, sleep_until};

/// The timer, once there was a probe.
#[derive(Debug, Default)]
pub(super) struct Patience(Option<Pin<Box<Sleep>>>);

impl Patience {
    /// What comes of `asked`, or nothing when it takes until `limit`. The clock is looked at whenever
    /// `asked` waits: a peer that sends all the time uses up what the runtime grants a task, and then
    /// the timer is not looked at.
    pub(super) async fn within<T>(
        &mut self,
        limit: Instant,
        asked: impl Future<Output = T>,
    ) -> Option<T> {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(limit)));
        // One that goes off too early is set again then, which is rare; one that would go off too
        // late is set now.
        if timer.is_elapsed() || timer.deadline() > limit {
            timer.as_mut().reset(limit);
        }
        tokio::pin!(asked);
        poll_fn(|context| {
            if let Poll::Ready(value) = asked.as_mut().poll(context) {
                return Poll::Ready(Some(value));
            }
            if Instant::now() >= limit {
                return Poll::Ready(None);
            }
            // Set again until it is one that will wake this task.
            while timer.as_mut().poll(context).is_ready() {
                if Instant::now() >= limit {
                    return Poll::Ready(None);
                }
                timer.as_mut().reset(limit);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn each_probe_has_its_whole_limit() {
        let mut patience = Patience::default();
        for pause in [0, 1, 3, 0] {
            sleep(Duration::from_secs(pause)).await;
            let began = Instant::now();
            assert_eq!(patience.within(began + LIMIT, ready(7)).await, Some(7));
            assert_eq!(began.elapsed(), Duration::ZERO);
            let slow = sleep(LIMIT.mul_f64(0.9));
            assert!(patience.within(began + LIMIT, slow).await.is_some());
            let began = Instant::now();
            assert_eq!(patience.within(began + LIMIT, pending::<()>()).await, None);
            assert_eq!(began.elapsed(), LIMIT);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_limit_than_before_holds() {
        let mut patience = Patience::default();
        patience.within(Instant::now() + LIMIT, ready(())).await;
        let began = Instant::now();
        assert_eq!(patience.within(began + LIMIT / 2, pending::<()>()).await, None);
        assert_eq!(began.elapsed(), LIMIT / 2);
    }
}
