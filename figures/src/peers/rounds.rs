//! Rounds in which contestants take turns: a machine that changes its speed changes it for all. The
//! order is shuffled, so that nobody always follows the same one, and the same in each run.

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use crate::stats::{largest, median, smallest};

const SEED: u64 = 1;

/// For each round, the contestants' numbers in the order of their turns.
pub(super) fn orders(rounds: usize, contestants: usize) -> Vec<Vec<usize>> {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut order: Vec<usize> = (0..contestants).collect();
    let mut next = || {
        order.shuffle(&mut random);
        order.clone()
    };
    (0..rounds).map(|_| next()).collect()
}

/// The middle of the rounds, and how far they lie apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        Self {
            median: median(values.iter().copied()),
            least: smallest(values.iter().copied()),
            most: largest(values),
        }
    }

    /// Of each round's value divided by the other's in the same round.
    pub(super) fn ratio(values: &[f64], others: &[f64]) -> Self {
        Self::of(values.iter().zip(others).map(|(own, other)| own / other))
    }

    /// Of each round's value less the other's in the same round.
    pub(super) fn difference(values: &[f64], others: &[f64]) -> Self {
        Self::of(values.iter().zip(others).map(|(own, other)| own - other))
    }

    /// `median (least to most)`, with so many digits after the point.
    pub(super) fn words(&self, digits: usize) -> String {
        let Self { median, least, most } = self;
        format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
    }

    /// The same with the sign always shown, as of a difference.
    pub(super) fn signed(&self, digits: usize) -> String {
        let Self { median, least, most } = self;
        format!("{median:+.digits$} ({least:+.digits$} to {most:+.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_one_turn_a_round_and_turns_change() {
        let orders = orders(10, 5);
        assert_eq!(orders, super::orders(10, 5));
        assert!(orders.iter().any(|order| *order != orders[0]));
        for mut order in orders {
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The machine was twice as fast in the second round, for both.
        let ratio = Spread::ratio(&[5.0, 10.0, 6.0], &[10.0, 20.0, 10.0]);
        assert_eq!(ratio.words(2), "0.50 (0.50 to 0.60)");
        assert_eq!(Spread::difference(&[1.0, 2.0], &[3.0, 1.0]).signed(1), "-0.5 (-2.0 to +1.0)");
    }
}
