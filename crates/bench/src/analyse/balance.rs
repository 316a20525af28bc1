//! How evenly the replicas of a service were used.

use std::collections::BTreeMap;

use load::numbers::float;
use observation::Counts;
use serde::{Deserialize, Serialize};

/// The use of a service's replicas over a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Balance {
    /// How many replicas there are, also those without a request.
    pub replicas: u32,
    /// Each replica's share of the requests answered, by its name.
    pub shares: BTreeMap<String, f64>,
    /// How far apart the shares are: largest less smallest, in units of an even share.
    pub spread: f64,
}

/// The balance over `wanted` replicas that answered so many requests each; `None` where there is
/// nothing to balance. A replica that answered none is not known by name, and has no share.
pub(super) fn balance(requests: &Counts, wanted: u32) -> Option<Balance> {
    let total: u64 = requests.values().sum();
    let known = u32::try_from(requests.len()).unwrap_or(u32::MAX);
    let replicas = wanted.max(known);
    if total == 0 || replicas < 2 {
        return None;
    }
    let share = |count: u64| float(count) / float(total);
    let most = requests.values().copied().max().unwrap_or(0);
    let least = if known < wanted { 0 } else { requests.values().copied().min().unwrap_or(0) };
    Some(Balance {
        replicas,
        shares: requests.iter().map(|(name, count)| (name.clone(), share(*count))).collect(),
        spread: (share(most) - share(least)) * f64::from(replicas),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(counts: &[u64], wanted: u32) -> Option<f64> {
        let counts = counts.iter().enumerate().map(|(n, count)| (format!("rng.{n}"), *count));
        balance(&counts.collect(), wanted).map(|balance| balance.spread)
    }

    #[test]
    fn spread_is_in_units_of_an_even_share() {
        assert_eq!(spread(&[100, 100], 2), Some(0.0));
        assert_eq!(spread(&[300, 100], 2), Some(1.0));
        assert_eq!(spread(&[100], 2), Some(2.0), "one of two got nothing");
        assert_eq!(spread(&[100], 1), None);
        assert_eq!(spread(&[], 5), None);
    }
}
