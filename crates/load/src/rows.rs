//! A run second by second: what the formats with a row for each second, and the live view, show.

use serde::Serialize;

use crate::distribution::Distribution;
use crate::numbers::milliseconds;
use crate::recording::Recording;

/// Pieces that threads deliver in a second.
const PIECES: u64 = 4;

/// One second of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    /// Which one, from 0 at the opening of the window.
    pub second: u64,
    /// Requests sent.
    pub sent: u64,
    /// Answers.
    pub answers: u64,
    /// Of those, with a good status.
    pub good: u64,
    /// Requests that failed.
    pub failures: u64,
    /// The rate asked for at its end, in an open loop.
    pub target_per_second: Option<f64>,
    /// Requests that were due at its end and waited for a free connection.
    pub backlog: u64,
    /// Median of what was done in it, from due to done.
    pub p50_ms: Option<f64>,
    /// 90th percentile.
    pub p90_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// The longest.
    pub max_ms: Option<f64>,
}

/// What a schedule says at some time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Due {
    /// The rate, in an open loop.
    pub(crate) rate: Option<f64>,
    /// Requests that wait for a free connection.
    pub(crate) backlog: u64,
}

/// All seconds so far. Percentiles of a second that is not over are not told.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    all: Vec<Row>,
    /// What the second at hand holds, which is the last of `all`.
    current: Recording,
    /// What the second before it held.
    before: Recording,
}

impl Rows {
    /// Adds the piece with this number, and what the schedule says at its end.
    pub(crate) fn add(&mut self, number: u64, piece: &Recording, due: Due) {
        let second = number / PIECES;
        let last = self.all.last().map(|row| row.second);
        // A piece of a thread that came late counts for the second at hand.
        if last.is_none_or(|last| second > last) {
            std::mem::swap(&mut self.before, &mut self.current);
            self.current.clear();
            self.all.push(Row { second, ..Row::default() });
        }
        self.current.add(piece);
        if let Some(row) = self.all.last_mut() {
            *row = row_of(row.second, &self.current, due);
        }
    }

    /// The last second that is over, or the first one.
    pub(crate) fn recent(&self) -> &Recording {
        if self.all.len() > 1 { &self.before } else { &self.current }
    }

    pub(crate) fn all(&self) -> &[Row] {
        &self.all
    }

    pub(crate) fn finish(self) -> Vec<Row> {
        self.all
    }
}

/// What one second comes to.
fn row_of(second: u64, recording: &Recording, due: Due) -> Row {
    let latency: &Distribution = &recording.latency;
    let told = |quantile: f64| latency.told(quantile).map(milliseconds);
    Row {
        second,
        sent: recording.counts.sent,
        answers: recording.statuses.total(),
        good: recording.counts.good,
        failures: recording.failed_requests(),
        target_per_second: due.rate,
        backlog: due.backlog,
        p50_ms: told(0.5),
        p90_ms: told(0.9),
        p99_ms: told(0.99),
        max_ms: latency.max().map(milliseconds),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn piece(milliseconds: u64) -> Recording {
        let mut piece = Recording::default();
        piece.counts.sent = 1;
        piece.unsent(Duration::from_millis(milliseconds));
        piece
    }

    #[test]
    fn pieces_of_a_second_make_a_row_and_late_ones_are_not_lost() {
        let mut rows = Rows::default();
        let due = Due { rate: Some(10.0), backlog: 3 };
        for (number, length) in [(0, 1), (1, 2), (3, 3), (4, 9), (2, 7), (9, 1)] {
            rows.add(number, &piece(length), due);
        }
        let all = rows.finish();
        let seen: Vec<_> = all.iter().map(|row| (row.second, row.sent, row.backlog)).collect();
        assert_eq!(seen, [(0, 3, 3), (1, 2, 3), (2, 1, 3)]);
        assert!(all[1].max_ms.unwrap() >= 9.0 && all[0].max_ms.unwrap() < 4.0);
    }

    #[test]
    fn recent_is_the_last_second_that_is_over() {
        let mut rows = Rows::default();
        rows.add(0, &piece(1), Due::default());
        assert_eq!(rows.recent().latency.count(), 1);
        rows.add(4, &piece(5), Due::default());
        rows.add(5, &piece(5), Due::default());
        assert_eq!(rows.recent().latency.count(), 1);
        rows.add(8, &piece(5), Due::default());
        assert_eq!(rows.recent().latency.count(), 2);
    }
}
