//! Waiting for what will be so soon, without knowing when: looking again and again until a
//! deadline that only a hang reaches.

use std::time::Duration;

use tokio::time::Instant;

/// Longer than anything takes on a machine that is busy with something else.
pub const DEADLINE: Duration = Duration::from_secs(20);

const PERIOD: Duration = Duration::from_millis(20);

/// Looks until there is something, which it returns; `what` is named when there never is.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(DEADLINE, what, look).await
}

/// The same with a deadline of its own.
pub async fn within<T>(
    deadline: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let begin = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begin.elapsed() < deadline, "waited {deadline:?} in vain: {what}");
        tokio::time::sleep(PERIOD).await;
    }
}
