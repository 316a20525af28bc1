//! Measurements of the live app fail where something else has the processors: they are made again then,
//! and only then.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;

use crate::proc_fs;

/// So much of the time something waited for a processor: about twice what six apps at nominal speed need
/// beside each other on two processors.
const SHORT: f64 = 0.3;
const REPEATS: usize = 2;

/// Makes the attempt again, twice at most, if it fails while the machine was short of processors.
///
/// A failure on a machine that was not is a failure at once. Where the kernel does not tell, each is.
pub async fn undisturbed(attempt: impl AsyncFn()) {
    for _ in 0..REPEATS {
        let (begin, before) = (Instant::now(), proc_fs::waited_for_processors());
        let Err(failure) = AssertUnwindSafe(attempt()).catch_unwind().await else { return };
        if !was_short(before, proc_fs::waited_for_processors(), begin.elapsed()) {
            resume_unwind(failure);
        }
    }
    attempt().await;
}

fn was_short(before: Option<Duration>, after: Option<Duration>, elapsed: Duration) -> bool {
    let waited = after.zip(before).map(|(after, before)| after.saturating_sub(before));
    waited.is_some_and(|waited| waited > elapsed.mul_f64(SHORT))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_machine_is_short_of_processors_when_tasks_wait_for_much_of_the_time() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let ten = Duration::from_secs(10);
        assert!(was_short(seconds(100), seconds(104), ten));
        assert!(!was_short(seconds(100), seconds(102), ten));
        assert!(!was_short(None, seconds(104), ten) && !was_short(seconds(100), None, ten));
    }

    #[tokio::test]
    async fn what_succeeds_is_done_once() {
        let attempts = Cell::new(0);
        undisturbed(async || attempts.set(attempts.get() + 1)).await;
        assert_eq!(attempts.get(), 1);
    }
}
