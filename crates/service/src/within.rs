//! A time limit that costs nothing where there is nothing to wait for.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// What `future` gives within `limit`, or `None`. The timer is set up only when two polls in a row
/// have not given it: the first poll of a body asks for it and the second has it, so that a request
/// without a service time never needs one.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polled = false;
    let at_once = poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if polled => Poll::Ready(None),
        Poll::Pending => {
            polled = true;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    });
    match at_once.await {
        Some(output) => Some(output),
        None => tokio::time::timeout(limit, future).await.ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_takes_longer_than_allowed_is_given_up() {
        let second = Duration::from_secs(1);
        assert_eq!(within(second, std::future::ready(7)).await, Some(7));
        assert_eq!(within(second, tokio::time::sleep(second / 2)).await, Some(()));
        assert_eq!(within(second, std::future::pending::<()>()).await, None);
        assert_eq!(within(second, tokio::task::yield_now()).await, Some(()));
    }
}
