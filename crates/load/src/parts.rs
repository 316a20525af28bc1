//! A run cut into ten to twenty parts of equal length, whatever its own: how the numbers of a single
//! run vary within it. It judges nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::distribution::Distribution;
use crate::numbers::{float, milliseconds};
use crate::recording::Recording;

/// Parts at least; a shorter run has none.
const FEWEST: usize = 10;
/// Parts at most; with one more, two neighbours become one each.
const MOST: usize = 2 * FEWEST;
/// Values that lie beyond a percentile of a part on average: with fewer it is only the longest.
const BEYOND: f64 = 0.5;

/// What happened in a part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Responses per second.
    pub requests_per_second: f64,
    /// Mean latency.
    pub mean_ms: Option<f64>,
    /// Median.
    pub p50_ms: Option<f64>,
    /// 90th percentile.
    pub p90_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// 99.9th percentile.
    pub p99_9_ms: Option<f64>,
}

/// The parts of a run under way.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Length of a piece as threads deliver it.
    piece: Duration,
    /// Pieces in a part.
    pieces: u64,
    all: Vec<Sum>,
}

#[derive(Debug, Default)]
struct Sum {
    answers: u64,
    latency: Distribution,
}

impl Parts {
    /// None yet, of a run that delivers pieces of this length.
    pub(crate) fn of_pieces(piece: Duration) -> Self {
        Self { piece, pieces: 1, all: Vec::new() }
    }

    /// Adds the piece with this number, counted from the opening of the window.
    pub(crate) fn add(&mut self, number: u64, piece: &Recording) {
        let most = MOST as u64;
        while number / self.pieces >= most {
            self.halve();
        }
        let part = usize::try_from(number / self.pieces).unwrap_or(usize::MAX).min(MOST - 1);
        while self.all.len() <= part {
            self.all.push(Sum::default());
        }
        if let Some(sum) = self.all.get_mut(part) {
            sum.answers += piece.counts.answers_in_window;
            sum.latency.add(&piece.latency);
        }
    }

    fn halve(&mut self) {
        let mut halved = Vec::with_capacity(MOST);
        let mut all = std::mem::take(&mut self.all).into_iter();
        while let Some(mut sum) = all.next() {
            if let Some(other) = all.next() {
                sum.answers += other.answers;
                sum.latency.add(&other.latency);
            }
            halved.push(sum);
        }
        (self.all, self.pieces) = (halved, self.pieces * 2);
    }

    /// The parts that lie within a window of this length; none where they are fewer than ten.
    pub(crate) fn finish(mut self, window: Duration) -> Vec<Part> {
        let length = self.piece.as_secs_f64() * float(self.pieces);
        let whole = crate::numbers::whole(window.as_secs_f64() / length + 1e-6);
        self.all.truncate(usize::try_from(whole).unwrap_or(usize::MAX));
        match self.all.len() < FEWEST {
            true => Vec::new(),
            false => self.all.iter().map(|sum| part(sum, length)).collect(),
        }
    }
}

fn part(sum: &Sum, seconds: f64) -> Part {
    let latency = &sum.latency;
    let quantile = |quantile: f64| {
        let enough = float(latency.count()) * (1.0 - quantile) >= BEYOND;
        latency.quantile(quantile).filter(|_| enough).map(milliseconds)
    };
    Part {
        requests_per_second: float(sum.answers) / seconds,
        mean_ms: latency.mean().map(|mean| mean / 1e6),
        p50_ms: quantile(0.5),
        p90_ms: quantile(0.9),
        p99_ms: quantile(0.99),
        p99_9_ms: quantile(0.999),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: Duration = Duration::from_millis(250);

    fn parts(pieces: u64, window: Duration) -> Vec<Part> {
        let mut parts = Parts::of_pieces(PIECE);
        for number in 0..pieces {
            let mut piece = Recording::default();
            piece.counts.answers_in_window = 100;
            (0..100).for_each(|_| piece.latency.record(Duration::from_millis(number + 1)));
            parts.add(number, &piece);
        }
        parts.finish(window)
    }

    #[test]
    fn a_run_of_any_length_has_ten_to_twenty_equal_parts() {
        for quarters in [10_u64, 13, 20, 21, 40, 41, 79, 400, 4_001] {
            let window = PIECE * u32::try_from(quarters).unwrap();
            let parts = parts(quarters, window);
            assert!((FEWEST..=MOST).contains(&parts.len()), "{quarters}: {}", parts.len());
            assert!(parts.iter().all(|part| (part.requests_per_second - 400.0).abs() < 1e-6));
            let medians: Vec<_> = parts.iter().filter_map(|part| part.p50_ms).collect();
            assert!(medians.is_sorted() && medians.len() == parts.len(), "{medians:?}");
        }
    }

    #[test]
    fn a_short_run_has_none_and_a_percentile_of_too_few_values_neither() {
        assert!(parts(9, PIECE * 9).is_empty());
        let parts = parts(10, PIECE * 10);
        assert!(parts[0].p99_ms.is_some() && parts[0].p99_9_ms.is_none(), "{:?}", parts[0]);
    }

    #[test]
    fn a_piece_that_comes_late_counts_where_it_belongs() {
        let mut parts = Parts::of_pieces(PIECE);
        let mut piece = Recording::default();
        piece.counts.answers_in_window = 1;
        for number in [0, 25, 3, 24, 1] {
            parts.add(number, &piece);
        }
        let parts = parts.finish(PIECE * 26);
        let answers: f64 = parts.iter().map(|part| part.requests_per_second * 0.5).sum();
        assert!((answers - 5.0).abs() < 1e-9, "{parts:?}");
    }
}
