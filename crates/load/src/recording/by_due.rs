//! Latencies by when their requests were due, in equal pieces of time: grouped by when they were
//! done, the first pieces would hold short ones only, and every slow server would seem to get slower.

use std::time::Duration;

use crate::numbers::float;

/// Latencies by the piece of time in which their requests were due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByDue {
    /// Pieces with any, in the order in which the first of each came.
    pieces: Vec<Piece>,
    /// The first piece of which not all latencies are known.
    unknown_from: Option<u64>,
}

/// What is known of the requests due in one piece of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    number: u64,
    requests: u64,
    sum: Duration,
}

impl ByDue {
    /// A request that was due in the piece with this number took `latency`.
    pub fn record(&mut self, number: u64, latency: Duration) {
        self.put(Piece { number, requests: 1, sum: latency });
    }

    /// A request that was due in the piece with this number has no latency: it was never sent, or is
    /// not awaited any more.
    pub fn unknown(&mut self, number: u64) {
        self.unknown_from = Some(self.unknown_from.map_or(number, |known| known.min(number)));
    }

    /// Number and mean latency in seconds of each piece, from the first on to the last before any
    /// latency is unknown.
    #[must_use]
    pub fn means(&self) -> Vec<(u64, f64)> {
        let known = |piece: &&Piece| self.unknown_from.is_none_or(|from| piece.number < from);
        let mut means = Vec::new();
        for piece in self.pieces.iter().filter(known) {
            let Ok(at) = usize::try_from(piece.number) else { continue };
            if means.len() <= at {
                means.resize(at + 1, (0, 0.0));
            }
            means[at] = (piece.requests, piece.sum.as_secs_f64() / float(piece.requests));
        }
        means
    }

    pub(super) fn add(&mut self, other: &Self) {
        other.pieces.iter().for_each(|piece| self.put(*piece));
        if let Some(from) = other.unknown_from {
            self.unknown(from);
        }
    }

    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.unknown_from = None;
    }

    /// What is done at one time was mostly due at one time, so the piece is among the last.
    fn put(&mut self, more: Piece) {
        match self.pieces.iter_mut().rev().find(|piece| piece.number == more.number) {
            Some(piece) => {
                piece.requests += more.requests;
                piece.sum += more.sum;
            }
            None => self.pieces.push(more),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn latencies_are_by_due_up_to_the_first_that_is_unknown() {
        let (mut one, mut other) = (ByDue::default(), ByDue::default());
        one.record(3, SECOND);
        one.record(0, SECOND);
        other.record(3, 3 * SECOND);
        other.record(5, SECOND);
        one.add(&other);
        let means = [(1, 1.0), (0, 0.0), (0, 0.0), (2, 2.0), (0, 0.0), (1, 1.0)];
        assert_eq!(one.means(), means);
        other.unknown(7);
        other.unknown(5);
        one.add(&other);
        assert_eq!(one.means(), [(1, 1.0), (0, 0.0), (0, 0.0), (3, 7.0 / 3.0)]);
        one.clear();
        assert_eq!(one, ByDue::default());
    }
}
