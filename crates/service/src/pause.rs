//! Waiting for a moment more exactly than the runtime's timer does, which ticks once a
//! millisecond and wakes one to two late. Three such waits in a loop would cost the app a percent.

use std::time::Duration;

use tokio::time::Instant;

/// How long before the moment the timer is set: about as late as it wakes.
const EARLY: Duration = Duration::from_millis(1);
/// Turns of the runtime to wait for the rest; a bound for a clock that stands still, as in tests.
const MOST_TURNS: u32 = 20_000;

/// Waits until `moment`. It takes a sixth of a millisecond of processor time on average, so it is
/// for what happens hundreds of times a second, not thousands; see [`roughly`] for those.
pub async fn exactly(moment: Instant) {
    if let Some(early) = moment.checked_sub(EARLY).filter(|early| *early > Instant::now()) {
        tokio::time::sleep_until(early).await;
    }
    for _ in 0..MOST_TURNS {
        if Instant::now() >= moment {
            return;
        }
        tokio::task::yield_now().await;
    }
    roughly(moment).await;
}

/// Waits until `moment` or one to two milliseconds more.
pub async fn roughly(moment: Instant) {
    if moment > Instant::now() {
        tokio::time::sleep_until(moment).await;
    }
}
