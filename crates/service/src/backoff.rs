//! How long to wait before trying again: 100 ms, doubled with each failure in a row up to 10 s,
//! with jitter so that many who failed together do not come back together.

use std::time::Duration;

use rand::RngExt as _;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// Failures in a row, and the pause they call for.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure and says how long to wait: between the full pause and half of it, never
    /// under 100 ms.
    pub fn failed(&mut self) -> Duration {
        let pause = full_pause(self.failures);
        self.failures = self.failures.saturating_add(1);
        pause.mul_f64(rand::rng().random_range(0.5..=1.0)).max(SHORTEST)
    }

    /// A success: the next failure starts over.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}

fn full_pause(failures: u32) -> Duration {
    SHORTEST.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_seconds_and_start_over() {
        let mut backoff = Backoff::default();
        for failures in 0..200 {
            let pause = backoff.failed();
            let full = full_pause(failures);
            assert!(
                pause >= SHORTEST && pause >= full / 2 && pause <= full,
                "{failures}: {pause:?}"
            );
        }
        assert!(backoff.failed() >= LONGEST / 2);
        backoff.succeeded();
        assert!(backoff.failed() <= SHORTEST);
    }
}
