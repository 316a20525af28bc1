//! Coins: how many of the hashes begin with 0, with the interval of a share and a test of whether it
//! is the share that a working app has.

use serde::{Deserialize, Serialize};

use crate::numbers::float;
use crate::quantile::{normal_beyond, wilson};
use crate::{Interval, Refusal};

/// One hash in sixteen begins with 0.
pub const SHARE: f64 = 1.0 / 16.0;
/// A share this many standard deviations off is no chance: it happens once in 16,000 windows.
pub const BROKEN: f64 = 4.0;

/// The observed share of coins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Share of the hashes that are coins, with its 95 % interval.
    pub share: Interval,
    /// How far it is from [`SHARE`], in the standard deviations it has when that is true.
    pub z: f64,
    /// How often chance alone is as far off.
    pub probability: f64,
}

impl Share {
    /// Whether chance does not explain it: a hash or the way to the wallet is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.z.abs() > BROKEN
    }

    /// Coins per second, for hashes per second that are known as exactly.
    #[must_use]
    pub fn per_second(&self, hashes_per_second: f64) -> Interval {
        let Interval { value, low, high } = self.share;
        let times = |share: f64| share * hashes_per_second;
        Interval { value: times(value), low: times(low), high: times(high) }
    }
}

/// The share of coins among hashes of the same window: the score interval of a binomial share
/// (Wilson 1927), which also holds for none and for few, and the score test against [`SHARE`].
///
/// # Errors
/// When there are no hashes, or more coins than hashes.
pub fn share(coins: u64, hashes: u64) -> Result<Share, Refusal> {
    if hashes == 0 {
        return Err(Refusal::too_few("hashes", 0, 1));
    }
    if coins > hashes {
        return Err(Refusal::out_of_range("coins", float(coins), "at most the number of hashes"));
    }
    let count = float(hashes);
    let interval = wilson(coins, hashes);
    let off = (interval.value - SHARE) / (SHARE * (1.0 - SHARE) / count).sqrt();
    Ok(Share { share: interval, z: off, probability: normal_beyond(off) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // 10 of 160 by hand: middle (0.0625 + 0.0120) / 1.0240, half 0.0385.
        let found = share(10, 160).unwrap();
        assert!((found.share.low - 0.0343).abs() < 1e-4, "{found:?}");
        assert!((found.share.high - 0.1112).abs() < 1e-4, "{found:?}");
        assert!(found.z.abs() < 1e-12 && (found.probability - 1.0).abs() < 1e-9);
    }

    #[test]
    fn five_per_cent_either_way_take_23_050_hashes() {
        let found = share(1441, 23_050).unwrap();
        assert!((found.share.half_width() / SHARE - 0.05).abs() < 2e-4, "{found:?}");
    }

    #[test]
    fn a_broken_share_is_told_from_chance() {
        assert!(!share(100, 1600).unwrap().is_broken());
        assert!(!share(130, 1600).unwrap().is_broken());
        assert!(share(160, 1600).unwrap().is_broken());
        assert!(share(0, 1600).unwrap().is_broken());
        assert!(share(0, 20).unwrap().share.low.abs() < f64::EPSILON);
        assert!(share(1, 0).is_err() && share(2, 1).is_err());
    }

    #[test]
    fn coins_a_second_are_the_share_of_the_hashes() {
        let rate = share(100, 1600).unwrap().per_second(32.0);
        assert!((rate.value - 2.0).abs() < 1e-12 && rate.low < 2.0 && rate.high > 2.0);
    }

    proptest! {
        #[test]
        fn the_interval_is_a_share_and_holds_its_value(coins in 0_u64..500, more in 0_u64..5000) {
            prop_assume!(coins + more > 0);
            let found = share(coins, coins + more).unwrap().share;
            prop_assert!(0.0 <= found.low && found.high <= 1.0 && found.holds(found.value));
        }
    }
}
