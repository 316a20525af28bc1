//! Measurements of the live app fail where something else has the processors: they are made again then,
//! and only then.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;

use crate::proc_fs;

/// So much of the time something waited for a processor. Six apps at nominal speed beside each other: 15 %;
/// with a process for each processor that never sleeps: 50 %.
const SHORT: f64 = 0.3;
const REPEATS: usize = 2;

/// Makes the attempt again, twice at most, if it fails while the machine was short of processors.
///
/// A failure on a machine that was not is a failure at once. Where the kernel does not tell, each is.
pub async fn undisturbed(attempt: impl AsyncFn()) {
    for _ in 0..REPEATS {
        let (begin, before) = (Instant::now(), proc_fs::waited_for_processors());
        let Err(failure) = AssertUnwindSafe(attempt()).catch_unwind().await else { return };
        let waited = proc_fs::waited_for_processors().zip(before);
        let waited = waited.map_or(Duration::ZERO, |(after, before)| after.saturating_sub(before));
        if waited < begin.elapsed().mul_f64(SHORT) {
            resume_unwind(failure);
        }
    }
    attempt().await;
}
