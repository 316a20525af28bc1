//! When probes are due: on a grid that does not drift. Pure: it is told what time it is.

use std::time::Duration;

use tokio::time::Instant;

/// How probes follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The next at once.
    Flood,
    /// One at each multiple of this time; multiples that pass while a probe takes longer are left
    /// out.
    Every(Duration),
}

/// The slots of a run.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    pace: Pace,
    start: Instant,
    /// The slot that comes next.
    next: u64,
}

/// When the next probe is due, and how many slots were left out before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: Instant,
    /// Slots that passed.
    pub skipped: u64,
}

impl Grid {
    /// A grid whose first slot is `start`.
    #[must_use]
    pub fn new(pace: Pace, start: Instant) -> Self {
        Self { pace, start, next: 0 }
    }

    /// The next slot, at `now` or later.
    pub fn next(&mut self, now: Instant) -> Due {
        let Pace::Every(interval) = self.pace else { return Due { at: now, skipped: 0 } };
        if interval.is_zero() {
            return Due { at: now, skipped: 0 };
        }
        let passed = now.saturating_duration_since(self.start).as_nanos();
        // The last slot that has begun; the one that begins this moment is still to be had.
        let first_free = u64::try_from(passed.div_ceil(interval.as_nanos())).unwrap_or(u64::MAX);
        let slot = self.next.max(first_free);
        let skipped = slot - self.next;
        self.next = slot + 1;
        let after = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).saturating_mul(slot);
        Due { at: self.start + Duration::from_nanos(after), skipped }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TICK: Duration = Duration::from_millis(100);

    fn due(grid: &mut Grid, start: Instant, now_ms: u64) -> (u128, u64) {
        let due = grid.next(start + Duration::from_millis(now_ms));
        (due.at.duration_since(start).as_millis(), due.skipped)
    }

    #[test]
    fn probes_keep_to_the_grid_and_leave_out_what_has_passed() {
        let start = Instant::now();
        let mut grid = Grid::new(Pace::Every(TICK), start);
        assert_eq!(due(&mut grid, start, 0), (0, 0));
        assert_eq!(due(&mut grid, start, 3), (100, 0));
        assert_eq!(due(&mut grid, start, 199), (200, 0));
        assert_eq!(due(&mut grid, start, 450), (500, 2));
        assert_eq!(due(&mut grid, start, 600), (600, 0));
    }

    #[test]
    fn a_flood_does_not_wait() {
        let start = Instant::now();
        for pace in [Pace::Flood, Pace::Every(Duration::ZERO)] {
            let mut grid = Grid::new(pace, start);
            assert_eq!(due(&mut grid, start, 0), (0, 0));
            assert_eq!(due(&mut grid, start, 450), (450, 0));
        }
    }

    proptest! {
        #[test]
        fn slots_are_multiples_in_order_and_none_is_lost(lengths in prop::collection::vec(0_u64..500, 1..50)) {
            let start = Instant::now();
            let mut grid = Grid::new(Pace::Every(TICK), start);
            let (mut now, mut slots) = (start, 0);
            for length in lengths {
                let due = grid.next(now);
                prop_assert!(due.at >= now);
                slots += due.skipped;
                prop_assert_eq!(due.at, start + TICK * u32::try_from(slots).unwrap());
                slots += 1;
                now = due.at + Duration::from_millis(length);
            }
        }
    }
}
