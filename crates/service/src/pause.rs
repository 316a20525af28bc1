//! Waiting for a moment more exactly than the runtime's timer does, which ticks once a
//! millisecond and wakes one to two late. Three such waits in a loop would cost the app a percent.

use std::time::Duration;

use tokio::time::Instant;

/// How long before the moment the timer is set: about as late as it wakes.
const EARLY: Duration = Duration::from_millis(1);
/// Turns of the runtime to wait for the rest; a bound for a clock that stands still, as in tests.
const MOST_TURNS: u32 = 20_000;
/// Most parties of a process that wait exactly; with more, the runtime's own timer has to do.
const MOST_EXACT: u32 = 32;

/// Waits until `moment` in a process where up to `parties` wait like this: exactly if they are few,
/// else [`roughly`], since waiting exactly takes some processor time each time.
pub async fn until(moment: Instant, parties: u32) {
    match parties <= MOST_EXACT {
        true => exactly(moment).await,
        false => roughly(moment).await,
    }
}

async fn exactly(moment: Instant) {
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
