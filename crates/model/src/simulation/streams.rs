//! Random numbers of a simulation. Each worker has a stream of its own for each purpose, so that two
//! configurations with the same seed meet the same draws (common random numbers): the n-th visit of a
//! worker to a stage takes as long, as a quantile, in both.

use std::sync::Arc;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, SeedableRng as _};

use super::curve::{Curve, EXPONENTIAL, NORMAL};
use crate::distribution::{Distribution, Recorded, Shape};
use crate::numbers::{SECOND, float, index, whole};

/// One stream. Each draw takes one number from it.
#[derive(Clone, Debug)]
pub(super) struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// The stream of a worker for a purpose.
    pub(super) fn new(seed: u64, worker: u32, purpose: u32) -> Self {
        // The seed is spread over all bits first, so that neighbouring seeds share no streams.
        let base = Xoshiro256PlusPlus::seed_from_u64(seed).next_u64();
        let own = (u64::from(purpose) << 32) | u64::from(worker);
        Self(Xoshiro256PlusPlus::seed_from_u64(base ^ own))
    }

    /// Evenly between 0 and 1, never one of them, so that no distribution has an infinite value there.
    #[inline]
    fn quantile(&mut self) -> f64 {
        (float(self.0.next_u64() >> 12) + 0.5) / float(1 << 52)
    }

    /// Evenly from 0 up to and without `count`.
    #[inline]
    pub(super) fn below(&mut self, count: u32) -> u32 {
        scale(self.0.next_u64() >> 32, count)
    }

    /// Two different numbers below `count`, which is at least 2.
    #[inline]
    pub(super) fn two_below(&mut self, count: u32) -> (u32, u32) {
        let drawn = self.0.next_u64();
        let first = scale(drawn >> 32, count);
        let second = scale(drawn & 0xffff_ffff, count - 1);
        (first, second + u32::from(second >= first))
    }
}

/// 32 random bits as a number below `count`; uneven by less than one part in 2^32 / count.
#[inline]
fn scale(bits: u64, count: u32) -> u32 {
    ((bits * u64::from(count)) >> 32) as u32
}

/// A distribution made ready to be drawn from, in nanoseconds.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Fixed(u64),
    /// By its mean.
    Exponential {
        mean: f64,
        standard: &'static Curve,
    },
    /// By mean and standard deviation of its logarithm.
    LogNormal {
        location: f64,
        spread: f64,
        standard: &'static Curve,
    },
    Empirical {
        recorded: Arc<Recorded>,
        guide: Arc<[u32]>,
        factor: f64,
    },
}

impl Source {
    pub(super) fn new(distribution: &Distribution) -> Self {
        let factor = distribution.scale * SECOND;
        match &distribution.shape {
            Shape::Fixed(time) => Self::Fixed(whole((time * factor).round())),
            Shape::Exponential(mean) => {
                Self::Exponential { mean: mean * factor, standard: &EXPONENTIAL }
            }
            Shape::LogNormal { mean, deviation } => {
                let variance = (deviation / mean).powi(2).ln_1p();
                let location = (mean * factor).ln() - variance / 2.0;
                Self::LogNormal { location, spread: variance.sqrt(), standard: &NORMAL }
            }
            Shape::Empirical(recorded) => {
                let guide = recorded.guide().into();
                Self::Empirical { recorded: Arc::clone(recorded), guide, factor }
            }
        }
    }

    /// A time in nanoseconds. By inversion, so that a number drawn means the same quantile of every
    /// distribution.
    #[inline]
    pub(super) fn draw(&self, stream: &mut Stream) -> u64 {
        match self {
            Self::Fixed(time) => *time,
            Self::Exponential { mean, standard } => whole(mean * standard.at(stream.quantile())),
            Self::LogNormal { location, spread, standard } => {
                whole((location + spread * standard.at(stream.quantile())).exp())
            }
            Self::Empirical { recorded, guide, factor } => {
                whole(recorded.quantile(stream.quantile(), guide) * factor)
            }
        }
    }
}

/// Streams of all workers for one purpose.
pub(super) fn streams(seed: u64, workers: u32, purpose: u32) -> Vec<Stream> {
    (0..workers).map(|worker| Stream::new(seed, worker, purpose)).collect()
}

/// The stream of a worker.
#[inline]
pub(super) fn of(streams: &mut [Stream], worker: u32) -> &mut Stream {
    &mut streams[index(worker)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Seconds;

    fn seconds(value: f64) -> Seconds {
        Seconds::new(value).unwrap()
    }

    fn moments(distribution: &Distribution) -> (f64, f64) {
        let source = Source::new(distribution);
        let mut stream = Stream::new(1, 2, 3);
        let draws: Vec<_> =
            (0..200_000).map(|_| float(source.draw(&mut stream)) / SECOND).collect();
        let mean = draws.iter().sum::<f64>() / 2e5;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / 2e5;
        (mean, variance.sqrt())
    }

    #[test]
    fn draws_have_the_moments_asked_for() {
        let recorded = [(seconds(0.1), 3), (seconds(0.3), 1)];
        let all = [
            (Distribution::fixed(seconds(0.1)), 0.1, 0.0),
            (Distribution::exponential(seconds(0.1)), 0.1, 0.1),
            (Distribution::log_normal(seconds(0.1), seconds(0.05)).unwrap(), 0.1, 0.05),
            (Distribution::empirical(recorded).unwrap(), 0.15, 0.086_602_54),
            (Distribution::empirical(recorded).unwrap().scaled(2.0).unwrap(), 0.3, 0.173_205_08),
        ];
        for (distribution, mean, deviation) in all {
            let found = moments(&distribution);
            // Five standard errors at most.
            assert!(
                (found.0 - mean).abs() < 5.0 * deviation / 447.0 + 1e-9,
                "{distribution:?}: {found:?}"
            );
            assert!(
                (found.1 - deviation).abs() < 0.02 * deviation + 1e-9,
                "{distribution:?}: {found:?}"
            );
        }
    }

    #[test]
    fn streams_differ_by_seed_worker_and_purpose() {
        let first = |seed, worker, purpose| Stream::new(seed, worker, purpose).0.next_u64();
        let mut seen: Vec<_> = (0..4)
            .flat_map(|seed| (0..4).flat_map(move |w| (0..4).map(move |p| first(seed, w, p))))
            .collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 64);
    }

    #[test]
    fn two_are_never_the_same_and_all_pairs_come() {
        let mut stream = Stream::new(7, 0, 0);
        let mut met = [[0; 3]; 3];
        for _ in 0..6000 {
            let (first, second) = stream.two_below(3);
            met[index(first)][index(second)] += 1;
        }
        for (first, row) in met.iter().enumerate() {
            for (second, times) in row.iter().enumerate() {
                // 1,000 each, standard deviation 29.
                assert!((first == second && *times == 0) || (850..1150).contains(times), "{met:?}");
            }
        }
    }
}
