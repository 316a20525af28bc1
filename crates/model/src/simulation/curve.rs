//! Quantile functions that are asked for millions of values a second: cubic pieces through exact values,
//! and the function itself near its ends, where it is too steep for that.

use std::sync::LazyLock;

use statrs::distribution::{ContinuousCDF as _, Normal};

use crate::numbers::{length, whole};

const PIECES: usize = 1024;
/// So many pieces at either end are not tabled. Elsewhere a cubic piece is off by less than 1e-6.
const STEEP: usize = 16;

/// A quantile function of the numbers between 0 and 1.
#[derive(Debug)]
pub(super) struct Curve {
    exact: fn(f64) -> f64,
    /// Factors of 1, t, t² and t³ for t from 0 to 1 in each piece.
    pieces: Vec<[f64; 4]>,
}

/// Of the exponential distribution with mean 1.
pub(super) static EXPONENTIAL: LazyLock<Curve> =
    LazyLock::new(|| Curve::new(|quantile| -(-quantile).ln_1p()));

/// Of the standard normal distribution.
pub(super) static NORMAL: LazyLock<Curve> =
    LazyLock::new(|| Curve::new(|quantile| Normal::standard().inverse_cdf(quantile)));

impl Curve {
    fn new(exact: fn(f64) -> f64) -> Self {
        let at = |piece: usize, third: f64| exact((length(piece) + third / 3.0) / length(PIECES));
        let cubic = |piece| match is_steep(piece) {
            true => [0.0; 4],
            false => through([0.0, 1.0, 2.0, 3.0].map(|third| at(piece, third))),
        };
        Self { exact, pieces: (0..PIECES).map(cubic).collect() }
    }

    /// The value that the share `quantile` of all do not exceed.
    #[inline]
    pub(super) fn at(&self, quantile: f64) -> f64 {
        let place = quantile * length(PIECES);
        let piece = usize::try_from(whole(place)).unwrap_or(usize::MAX);
        if is_steep(piece) {
            return (self.exact)(quantile);
        }
        let [constant, linear, square, cube] = self.pieces[piece];
        let t = place - length(piece);
        constant + t * (linear + t * (square + t * cube))
    }
}

#[inline]
fn is_steep(piece: usize) -> bool {
    !(STEEP..PIECES - STEEP).contains(&piece)
}

/// The cubic that has these values at 0, 1/3, 2/3 and 1, by its factors.
fn through([p, q, r, s]: [f64; 4]) -> [f64; 4] {
    [
        p,
        -5.5 * p + 9.0 * q - 4.5 * r + s,
        9.0 * p - 22.5 * q + 18.0 * r - 4.5 * s,
        4.5 * (s - p) + 13.5 * (q - r),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_curve_is_what_it_stands_for(quantile in 1e-15_f64..1.0) {
            for curve in [&*EXPONENTIAL, &*NORMAL] {
                let (tabled, exact) = (curve.at(quantile), (curve.exact)(quantile));
                prop_assert!((tabled - exact).abs() < 1e-6, "{tabled}, not {exact}");
            }
        }
    }

    #[test]
    fn pieces_meet_and_the_ends_are_exact() {
        for curve in [&*EXPONENTIAL, &*NORMAL] {
            for piece in 1..PIECES {
                let edge = length(piece) / length(PIECES);
                let (below, above) = (curve.at(edge - 1e-12), curve.at(edge + 1e-12));
                assert!(below <= above && above - below < 1e-8, "{below} and {above} at {edge}");
            }
            for quantile in [1e-16, 0.5 / 1024.0, 1023.5 / 1024.0, 1.0 - 1e-16] {
                assert_eq!(curve.at(quantile).to_bits(), (curve.exact)(quantile).to_bits());
            }
        }
    }
}
