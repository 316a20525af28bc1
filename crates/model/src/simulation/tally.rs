//! What is counted within the window: integrals over it, so that what began before or ends after counts
//! with its part inside.

use crate::numbers::{float, float_sum};

/// From one time to another, in nanoseconds of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) begin: u64,
    pub(super) end: u64,
}

impl Span {
    /// How much of it lies between two times.
    #[inline]
    pub(super) fn overlap(self, from: u64, to: u64) -> u64 {
        to.min(self.end).saturating_sub(from.max(self.begin))
    }

    #[inline]
    fn contains(self, time: u64) -> bool {
        (self.begin..self.end).contains(&time)
    }

    pub(super) fn length(self) -> u64 {
        self.end - self.begin
    }
}

/// Sums over the requests of one replica, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Requests that were done within the window.
    pub(super) done: u64,
    /// Time those spent here, also before the window.
    pub(super) residence: u128,
    /// Integral of requests here, queueing or in service.
    pub(super) present: u128,
    /// Integral of requests in service.
    pub(super) busy: u128,
}

impl Tally {
    #[inline]
    pub(super) fn add(&mut self, arrives: u64, begins: u64, ends: u64, window: Span) {
        if window.contains(ends) {
            self.done += 1;
            self.residence += u128::from(ends - arrives);
        }
        self.present += u128::from(window.overlap(arrives, ends));
        self.busy += u128::from(window.overlap(begins, ends));
    }
}

/// Loops of all workers within the window. One that lies across an edge counts with the part of it that
/// is inside: in the long run as many as ends of loops, and without the error of up to a loop per worker
/// at each edge.
#[derive(Debug)]
pub(super) struct Loops {
    /// End of each worker's last loop.
    last: Vec<u64>,
    window: Span,
    whole: u64,
    parts: f64,
    /// Workers whose loop across the end of the window is not over.
    pub(super) open: u32,
    /// All that ended, those of the warm-up among them.
    pub(super) completed: u64,
}

impl Loops {
    pub(super) fn new(workers: u32, window: Span) -> Self {
        let last = (0..workers).map(|_| 0).collect();
        Self { last, window, whole: 0, parts: 0.0, open: workers, completed: 0 }
    }

    /// A worker's loop ends.
    #[inline]
    pub(super) fn end(&mut self, worker: usize, now: u64) {
        let began = std::mem::replace(&mut self.last[worker], now);
        self.completed += 1;
        if began >= self.window.begin && now <= self.window.end {
            self.whole += 1;
        } else {
            let inside = self.window.overlap(began, now);
            if inside > 0 {
                self.parts += float(inside) / float(now - began);
            }
        }
        if now >= self.window.end && began < self.window.end {
            self.open -= 1;
        }
    }

    pub(super) fn total(&self) -> f64 {
        float(self.whole) + self.parts
    }
}

/// Time per window: the mean number of something over it.
pub(super) fn mean(integral: u128, window: Span) -> f64 {
    float_sum(integral) / float(window.length())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Span = Span { begin: 100, end: 200 };

    #[test]
    fn only_what_is_inside_counts() {
        let overlaps = [
            (0, 100, 0),
            (50, 120, 20),
            (120, 150, 30),
            (150, 300, 50),
            (0, 300, 100),
            (250, 260, 0),
        ];
        for (from, to, inside) in overlaps {
            assert_eq!(WINDOW.overlap(from, to), inside, "{from} to {to}");
        }
        let mut tally = Tally::default();
        tally.add(80, 90, 110, WINDOW);
        tally.add(120, 190, 210, WINDOW);
        assert_eq!((tally.done, tally.residence, tally.present, tally.busy), (1, 30, 90, 20));
    }

    #[test]
    fn loops_across_an_edge_count_in_part() {
        let mut loops = Loops::new(2, WINDOW);
        for end in [60, 140, 180] {
            loops.end(0, end);
        }
        assert!((loops.total() - 1.5).abs() < 1e-12);
        loops.end(0, 260);
        assert!((loops.total() - 1.75).abs() < 1e-12);
        assert_eq!(loops.open, 1);
        loops.end(1, 300);
        assert!((loops.total() - 1.75 - 1.0 / 3.0).abs() < 1e-12);
        loops.end(1, 400);
        assert_eq!(loops.open, 0);
    }
}
