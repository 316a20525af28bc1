//! How many coins: a count of rare events, with the interval that such a count has.

use inference::coins::share;
use load::numbers::float;

use super::Interval;
use super::rate::since_reset;
use crate::measure::Counter;

/// Coins per second over the window, with a 95 % interval. A share of coins that chance does not
/// explain means a broken hash or wallet, and is said.
pub(super) fn per_second(counter: &[Counter], warnings: &mut Vec<String>) -> Interval {
    let none = Interval { value: 0.0, low: 0.0, high: 0.0 };
    let counter = since_reset(counter);
    let (Some(first), Some(last)) = (counter.first(), counter.last()) else { return none };
    let seconds = float(last.now_us.saturating_sub(first.now_us)) / 1e6;
    let coins = last.coins.saturating_sub(first.coins);
    // Coins are told at once, hashes about once a second: of few, more coins than hashes are told.
    let hashes = last.hashes.saturating_sub(first.hashes).max(coins);
    let Ok(share) = share(coins, hashes) else { return none };
    if seconds <= 0.0 {
        return none;
    }
    if share.is_broken() {
        warnings.push(format!(
            "{coins} coins in {hashes} hashes: one in 16 is expected, and this is {:+.1} standard \
             deviations off; hasher or the wallet is broken",
            share.z
        ));
    }
    let inference::Interval { value, low, high } = share.per_second(float(hashes) / seconds);
    Interval { value, low: low.max(0.0), high }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(hashes: u64, coins: u64) -> (Interval, Vec<String>) {
        let first = Counter { now_us: 1_000_000, hashes: 50, coins: 3 };
        let last = Counter { now_us: 31_000_000, hashes: 50 + hashes, coins: 3 + coins };
        let mut warnings = Vec::new();
        (per_second(&[first, last], &mut warnings), warnings)
    }

    #[test]
    fn coins_are_counted_with_the_interval_of_a_count() {
        let (rate, warnings) = window(1600, 100);
        assert!((rate.value - 100.0 / 30.0).abs() < 1e-9);
        // Wilson's limits for 100 of 1600: 5.17 % and 7.54 %.
        assert!((rate.low * 30.0 - 82.8).abs() < 1.0 && (rate.high * 30.0 - 120.6).abs() < 1.0);
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn no_coins_still_have_an_upper_limit() {
        let (rate, _) = window(20, 0);
        assert!(rate.value == 0.0 && rate.low == 0.0 && rate.high > 0.1);
    }

    #[test]
    fn a_share_of_coins_beyond_chance_is_said() {
        assert_eq!(window(1600, 160).1.len(), 1);
        assert_eq!(window(1600, 0).1.len(), 1);
    }
}
